//! What is taken, and that what is handed over is what was sent.

use super::world::NoScreen;
use super::world::{PATH, RECIPIENT, World, authority, delivery, dispatcher, sealed_by, written};
use crate::config::Checksum;
use crate::delivery::signature::{Policy, verify_document};
use crate::delivery::soap::{Document, PrescanLimits};
use crate::delivery::{Screen, Screened};
use crate::mailbox::decode_base64;
use crate::mailbox::incoming::{Incoming, Operation, Part, PartSource, RepeatMark, Stage};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use mbx_common::assurance::ProtectionClass;
use mbx_common::error::Kind;
use mbx_sim::delivery::{Message, notify};
use mbx_sim::marshal::{Style, envelope};
use mbx_sim::soap::Reply;
use std::sync::{Arc, Mutex};

const TRANS_ID: &str = "07070707-0707-0707-0707-070707070707";

fn octets(incoming: &Incoming, part: &Part) -> Vec<u8> {
    let octets = match &part.source {
        PartSource::Decoded(octets) => octets.to_vec(),
        PartSource::Base64At(range) => {
            let at = |place| usize::try_from(place).unwrap();
            decode_base64(&incoming.payload[at(range.start)..at(range.end)]).unwrap()
        }
    };
    assert_eq!(u64::try_from(octets.len()).unwrap(), part.len);
    octets
}

/// The octets of the inner `SignatureValue`.
fn signature_value(document: &[u8]) -> Vec<u8> {
    let document = Document::read(document, &PrescanLimits::default()).unwrap();
    verify_document(&document, Policy::default()).unwrap().sender.signature_value
}

fn only(world: &World) -> Incoming {
    let mut accepted = world.intake.accepted.lock().unwrap();
    assert_eq!(accepted.len(), 1);
    accepted.remove(0)
}

#[tokio::test]
async fn a_delivery_in_each_style_is_taken_and_handed_over_as_it_was_sent() {
    let world = World::new().await;
    for style in Style::ALL {
        let mut sent = delivery("Hej på dig & <välkommen>\r\n");
        sent.messages[0] =
            sent.messages[0].clone().with_pdf("..\\Beslut.pdf", b"%PDF-1.7 \x00\xff".to_vec());
        sent.messages.push(Message::text("m-2", "", "second"));
        let (signer, sealer) =
            (world.authority.signer().unwrap(), world.dispatcher.signer().unwrap());
        let document = envelope(&sent.sealed(&signer, &sealer).unwrap(), style);
        let answer = world.post(document.clone()).await;
        let reply = Reply::parse(&answer.body).unwrap();
        let statuses = vec![(RECIPIENT.to_owned(), true)];
        assert_eq!(reply, Reply::Result { trans_id: TRANS_ID.to_owned(), statuses });
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["content-type"], "text/xml;charset=UTF-8");

        let incoming = only(&world);
        assert_eq!(incoming.operation, Operation::DeliverSecure);
        assert_eq!(incoming.class, ProtectionClass::Three);
        assert_eq!(incoming.sender.to_string(), authority());
        assert_eq!(incoming.dispatcher.to_string(), dispatcher());
        assert_eq!(incoming.payload, document);
        let value = signature_value(document.as_bytes());
        assert_eq!(value.len(), 256);
        assert_eq!(incoming.repeat_mark, RepeatMark::of(Operation::DeliverSecure, &value));
        assert_eq!(incoming.sender_name, "Testkommun");
        assert_eq!(incoming.correlation_id.as_deref(), Some("case 17"));
        let [Some(recipient)] = incoming.recipients.as_slice() else { panic!("one recipient") };
        assert_eq!(recipient.expose(), RECIPIENT);
        let [first, second] = incoming.messages.as_slice() else { panic!("two messages") };
        assert_eq!((first.sender_id.as_str(), first.subject.as_str()), ("m-1", "Beslut"));
        assert_eq!(first.language, "svSE");
        assert_eq!(first.support.text, "Questions: see our web site");
        assert_eq!(octets(&incoming, &first.body), sent.messages[0].body.octets);
        let [pdf] = first.attachments.as_slice() else { panic!("one attachment") };
        assert_eq!(pdf.file_name.as_deref(), Some("Beslut.pdf"));
        assert_eq!(pdf.media_type, "application/pdf");
        assert_eq!(octets(&incoming, pdf), b"%PDF-1.7 \x00\xff");
        assert_eq!(octets(&incoming, &second.body), b"second");
        let stages: Vec<Stage> = incoming.stages.iter().map(|(stage, _)| *stage).collect();
        let order = [Stage::Received, Stage::Parsed, Stage::Signature, Stage::Rights];
        assert_eq!(stages, order);
    }
}

#[tokio::test]
async fn a_notify_is_taken_for_each_recipient_in_order_and_stores_the_message_alone() {
    let world = World::new().await;
    // The third has a wrong check digit: nobody can have it, and the others get theirs.
    let recipients = [RECIPIENT, "162021004748", "191212121213"].map(str::to_owned).to_vec();
    let message = Message::text("m-1", "Påminnelse", "Glöm inte");
    let document = written(&notify(&authority(), "Testkommun", &recipients, &message));
    let answer = world.post_as(&world.authority, document).await;
    let Reply::Result { trans_id, statuses } = Reply::parse(&answer.body).unwrap() else {
        panic!("{answer:?}")
    };
    assert_eq!(trans_id, TRANS_ID);
    let answered: Vec<_> = statuses.iter().map(|(recipient, _)| recipient.clone()).collect();
    assert_eq!(answered, recipients);
    let incoming = only(&world);
    assert_eq!(incoming.operation, Operation::Notify);
    assert_eq!(incoming.class, ProtectionClass::One);
    assert!(incoming.recipients[0].is_some() && incoming.recipients[2].is_none());
    assert_eq!(octets(&incoming, &incoming.messages[0].body), "Glöm inte".as_bytes());
    let payload = std::str::from_utf8(&incoming.payload).unwrap();
    assert!(payload.contains("Message") && !payload.contains(RECIPIENT));
    assert_eq!(incoming.repeat_mark, RepeatMark::of(Operation::Notify, &incoming.payload));
}

#[tokio::test]
async fn a_recipient_without_mailbox_is_an_answer_and_no_fault() {
    let world = World::new().await;
    *world.intake.answer.lock().unwrap() = Ok((false, false));
    let answer = world.post(world.sealed(&delivery("hej"))).await;
    let statuses = vec![(RECIPIENT.to_owned(), false)];
    let expected = Reply::Result { trans_id: TRANS_ID.to_owned(), statuses };
    assert_eq!(Reply::parse(&answer.body).unwrap(), expected);
}

#[tokio::test]
async fn an_authority_seals_and_delivers_itself() {
    let world = World::new().await;
    let document = sealed_by(&delivery("hej"), &world.authority, &world.authority);
    let answer = world.post_as(&world.authority, document).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn a_dispatcher_that_may_sign_does_so_in_the_senders_place() {
    let world = World::new().await;
    world.allow(&authority(), &[(dispatcher(), true, true)]).await;
    let document = sealed_by(&delivery("hej"), &world.dispatcher, &world.dispatcher);
    assert_eq!(world.post(document).await.status, 200);
}

#[tokio::test]
async fn what_cannot_be_stored_is_a_temporary_fault_with_a_time_to_come_back() {
    let world = World::new().await;
    for kind in [Kind::Unavailable, Kind::Limit, Kind::Corrupt, Kind::Internal] {
        *world.intake.answer.lock().unwrap() = Err(kind);
        let answer = world.post(world.sealed(&delivery("hej"))).await;
        assert!(answer.headers.contains_key("retry-after"));
        let fault = world.fault_in(&answer);
        assert_eq!((fault.error_code, fault.party.as_str()), (1, "Server"));
        assert_eq!(fault.description, "the delivery could not be stored; repeat the call later");
    }
}

#[tokio::test]
async fn a_checksum_that_does_not_fit_is_let_through_only_where_configured() {
    let world = World::with(|config| config.checksum = Checksum::Flag, Arc::new(NoScreen)).await;
    let mut sent = delivery("hej");
    sent.messages[0] = sent.messages[0].clone().with_pdf("a.pdf", b"%PDF".to_vec());
    let tree = sent.tree().canonical();
    assert!(tree.contains("Checksum"));
    let document = super::refusals::signed_with(&world, &sent, |checksum| {
        checksum.replace(|c: char| c.is_ascii_hexdigit(), "0")
    });
    assert_eq!(world.post(document).await.status, 200);
}

/// Remembers the parts it saw; lets nothing pass.
struct Strict(Mutex<Vec<Bytes>>);

impl Screen for Strict {
    fn is_on(&self) -> bool {
        true
    }

    fn look(&self, parts: Vec<Bytes>) -> BoxFuture<'_, Screened> {
        *self.0.lock().unwrap() = parts;
        Box::pin(std::future::ready(Screened::ComeBack))
    }
}

#[tokio::test]
async fn the_scanner_sees_every_decoded_part_and_can_send_a_delivery_back() {
    let screen = Arc::new(Strict(Mutex::default()));
    let world = World::with(|_| (), screen.clone()).await;
    let mut sent = delivery("hej");
    sent.messages[0] = sent.messages[0].clone().with_pdf("a.pdf", b"%PDF".to_vec());
    let fault = world.fault_of(world.sealed(&sent)).await;
    assert_eq!(fault.error_code, 1);
    assert_eq!(*screen.0.lock().unwrap(), [&b"hej"[..], b"%PDF"]);
}

#[tokio::test]
async fn many_deliveries_go_through_one_connection() {
    let world = World::new().await;
    let mut connection = world.peer(Some(&world.dispatcher)).connect().await.unwrap();
    for text in ["one", "two", "three"] {
        let document = world.sealed(&delivery(text));
        assert_eq!(connection.soap(PATH, document.into()).await.unwrap().status, 200);
    }
    let accepted = world.intake.accepted.lock().unwrap();
    let texts: Vec<_> =
        accepted.iter().map(|incoming| octets(incoming, &incoming.messages[0].body)).collect();
    assert_eq!(texts, [&b"one"[..], b"two", b"three"]);
}
