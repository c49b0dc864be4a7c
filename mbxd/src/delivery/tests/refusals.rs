//! Each cause of refusal, reached through the whole door.

use super::world::NoScreen;
use super::world::{Fault, World, authority, delivery, dispatcher, sealed_by, written};
use crate::config;
use crate::mailbox::incoming::Operation;
use mbx_common::audit::{Actor, Origin};
use mbx_common::explain;
use mbx_sim::delivery::{Delivery, Message, notify};
use mbx_sim::pki::{Flaw, Use};
use mbx_sim::xml::{Element, Node, ns};
use std::sync::Arc;

async fn small(change: impl FnOnce(&mut config::Delivery)) -> World {
    World::with(change, Arc::new(NoScreen)).await
}

/// Signs and seals a delivery whose `Checksum` texts were changed before.
pub(super) fn signed_with(
    world: &World,
    delivery: &Delivery,
    change: impl Fn(&str) -> String,
) -> String {
    fn walk(element: &mut Element, change: &dyn Fn(&str) -> String) {
        for node in &mut element.children {
            match node {
                Node::Element(child) if child.name == "Checksum" => {
                    for node in &mut child.children {
                        if let Node::Text(text) = node {
                            *text = change(text);
                        }
                    }
                }
                Node::Element(child) => walk(child, change),
                Node::Text(_) => {}
            }
        }
    }
    let mut tree = Element::new(ns::M3, "SignedDelivery").child(delivery.tree());
    walk(&mut tree, &change);
    let signed = world.authority.signer().unwrap().envelop(tree).unwrap();
    written(&delivery.seal(signed, &world.dispatcher.signer().unwrap(), true).unwrap())
}

#[track_caller]
fn check(fault: &Fault, error_code: u16, code: mbx_common::error::Code) {
    assert_eq!((fault.error_code, fault.refusal.cause), (error_code, code), "{fault:?}");
    assert_eq!(fault.party, if error_code < 5000 { "Server" } else { "Client" });
}

#[tokio::test]
async fn no_xml_a_doctype_and_another_envelope_are_bad_input() {
    let world = World::new().await;
    for document in ["", "junk", "<a>", "<!DOCTYPE a><a/>", "<a><!-- --></a>"] {
        check(&world.fault_of(document).await, 5001, explain::DELIVERY_NOT_XML);
    }
    check(&world.fault_of("<a/>").await, 5001, explain::DELIVERY_SHAPE);
    let twelve = r#"<S:Envelope xmlns:S="http://www.w3.org/2003/05/soap-envelope"/>"#;
    let answer = world.fault_of(twelve).await;
    assert_eq!((answer.error_code, answer.party.as_str()), (5001, "VersionMismatch"));
}

#[tokio::test]
async fn older_versions_and_unknown_operations_are_named() {
    let world = World::new().await;
    let v1 = written(&Element::new("http://minameddelanden.gov.se/Service", "deliverSecure"));
    let fault = world.fault_of(v1).await;
    check(&fault, 5001, explain::DELIVERY_OLD_VERSION);
    assert!(fault.description.contains("v3"));
    let other = written(&Element::new(ns::S3, "deliverReply"));
    check(&world.fault_of(other).await, 5021, explain::DELIVERY_OPERATION);
}

#[tokio::test]
async fn deliver_forward_answers_its_typed_fault() {
    let world = World::new().await;
    let sealed = delivery("hej")
        .sealed(&world.authority.signer().unwrap(), &world.dispatcher.signer().unwrap());
    let mut original = sealed.unwrap().children.into_iter();
    let Some(Node::Element(original)) = original.next() else { panic!("sealed") };
    let original = Element { ns: ns::S3, name: "OrginalDelivery", ..original };
    let sender = Element::new(ns::M1, "Sender")
        .child(Element::of(ns::SENDER, "Id", authority()))
        .child(Element::of(ns::SENDER, "Name", "Testkommun"));
    let header = Element::new(ns::S3, "Header").child(sender).child(Element::of(
        ns::M1,
        "Recipient",
        "191212121212",
    ));
    let body = Element::new(ns::M1, "Body")
        .child(Element::of(ns::M1, "ContentType", "text/plain"))
        .child(Element::of(ns::M1, "Body", "aGVq"));
    let cover =
        Element::new(ns::S3, "Message").child(Element::of(ns::M1, "Subject", "Fwd")).child(body);
    let forward = Element::new(ns::S3, "forwardMessage").child(header).child(cover).child(original);
    let document = written(&Element::new(ns::S3, "deliverForward").child(forward));
    let fault = world.fault_of(document).await;
    check(&fault, 5021, explain::DELIVERY_OPERATION);
    assert_eq!(fault.description, "deliverForward is not served by this operator");
}

#[tokio::test]
async fn a_sender_whose_id_is_no_organisation_number_is_refused() {
    let world = World::new().await;
    let sent = Delivery { sender: "191212121212".to_owned(), ..delivery("hej") };
    check(&world.fault_of(world.sealed(&sent)).await, 5001, explain::DELIVERY_SENDER_NUMBER);
}

#[tokio::test]
async fn altered_content_is_a_wrong_signature() {
    let world = World::new().await;
    let document = world.sealed(&delivery("hej")).replace("Beslut", "Beslot");
    let fault = world.fault_of(document).await;
    check(&fault, 5006, explain::DELIVERY_SIGNATURE_WRONG);
    // Nothing that no signature vouches for is kept of it.
    assert_eq!(fault.refusal.sender, None);
    assert_eq!(fault.refusal.operation, Some(Operation::DeliverSecure));
    assert_eq!(fault.refusal.dispatcher, Some(dispatcher().parse().unwrap()));
}

#[tokio::test]
async fn a_seal_that_says_no_is_refused() {
    let world = World::new().await;
    let sent = delivery("hej");
    let tree = Element::new(ns::M3, "SignedDelivery").child(sent.tree());
    let signed = world.authority.signer().unwrap().envelop(tree).unwrap();
    let sealed = sent.seal(signed, &world.dispatcher.signer().unwrap(), false).unwrap();
    check(&world.fault_of(written(&sealed)).await, 5006, explain::DELIVERY_SEAL_SAYS_NO);
}

#[tokio::test]
async fn signatures_by_unbelieved_certificates_are_refused_by_their_cause() {
    let world = World::new().await;
    let cases = [
        (Flaw::Expired, explain::DELIVERY_CERTIFICATE, "expired"),
        (Flaw::NotYetValid, explain::DELIVERY_CERTIFICATE, "not valid yet"),
        (Flaw::NoSignatureUsage, explain::DELIVERY_CERTIFICATE, "key usage"),
        (Flaw::NoSerialNumber, explain::DELIVERY_ORGANISATION, "serialNumber"),
        (Flaw::ForeignRoot, explain::DELIVERY_CERTIFICATE, "root"),
        (Flaw::Revoked, explain::DELIVERY_REVOKED, "revoked"),
    ];
    for (flaw, code, word) in cases {
        let flawed = world.flawed(flaw);
        world.refresh_lists().await;
        let signed = sealed_by(&delivery("hej"), &flawed, &world.dispatcher);
        let fault = world.fault_of(signed).await;
        check(&fault, 5006, code);
        assert!(fault.description.contains(word), "{fault:?}");
        assert!(fault.description.starts_with("the sender's signature"), "{fault:?}");
        let sealed = sealed_by(&delivery("hej"), &world.authority, &flawed);
        let fault = world.fault_of(sealed).await;
        check(&fault, 5006, code);
        assert!(fault.description.starts_with("the seal's signature"), "{fault:?}");
    }
}

#[tokio::test]
async fn tls_clients_with_unbelieved_certificates_get_no_connection() {
    let world = World::new().await;
    for flaw in
        [Flaw::Expired, Flaw::NotYetValid, Flaw::NoSignatureUsage, Flaw::ForeignRoot, Flaw::Revoked]
    {
        let flawed = world.flawed(flaw);
        world.refresh_lists().await;
        assert!(!answers(&world, Some(&flawed)).await, "{flaw:?}");
        let refusal = world.intake.refused.lock().unwrap().pop().expect("account is kept");
        let revoked = flaw == Flaw::Revoked;
        let code = if revoked { explain::DELIVERY_REVOKED } else { explain::DELIVERY_CERTIFICATE };
        assert_eq!((refusal.cause, refusal.fault, refusal.dispatcher), (code, 5002, None));
    }
    // Who shows no certificate at all is anybody on the network: a count, no account.
    assert!(!answers(&world, None).await);
    assert!(world.intake.refused.lock().unwrap().is_empty());
    assert!(answers(&world, Some(&world.dispatcher)).await);
}

/// Whether a client gets an answer; in TLS 1.3 a refusal shows at the first reading.
async fn answers(world: &World, own: Option<&mbx_sim::pki::Credentials>) -> bool {
    match world.peer(own).connect().await {
        Ok(mut connection) => connection.soap("/", bytes::Bytes::new()).await.is_ok(),
        Err(_) => false,
    }
}

#[tokio::test]
async fn a_tls_client_without_organisation_is_not_authorised() {
    let world = World::new().await;
    let flawed = world.flawed(Flaw::NoSerialNumber);
    let answer = world.post_as(&flawed, world.sealed(&delivery("hej"))).await;
    check(&world.fault_in(&answer), 5002, explain::DELIVERY_ORGANISATION);
}

#[tokio::test]
async fn a_revocation_ends_an_open_connection_at_its_next_call() {
    let world = World::new().await;
    let doomed = world.flawed(Flaw::None);
    let mut connection = world.peer(Some(&doomed)).connect().await.unwrap();
    let document = sealed_by(&delivery("hej"), &world.authority, &world.authority);
    let first = connection.soap(super::world::PATH, document.clone().into()).await.unwrap();
    assert_eq!(first.status, 200);
    world.intake.accepted.lock().unwrap().clear();
    let parsed = x509_parser::parse_x509_certificate(&doomed.chain[0]).unwrap().1;
    let serial = rcgen::SerialNumber::from(parsed.raw_serial().to_vec());
    world.pki.revoke(&[serial]).unwrap();
    world.refresh_lists().await;
    let second = connection.soap(super::world::PATH, document.into()).await.unwrap();
    check(&world.fault_in(&second), 5002, explain::DELIVERY_REVOKED);
}

#[tokio::test]
async fn a_sender_that_nobody_allowed_or_somebody_blocked_is_not_authorised() {
    let world = World::new().await;
    let number = mbx_sim::identity::organisation(9);
    let stranger = world.pki.issue("stranger", Use::Organisation, &number).unwrap();
    let sent = Delivery { sender: number.clone(), ..delivery("hej") };
    let document = sealed_by(&sent, &stranger, &stranger);
    let answer = world.post_as(&stranger, document).await;
    check(&world.fault_in(&answer), 5002, explain::DELIVERY_SENDER_UNKNOWN);

    let origin = Origin::of(Actor::Daemon);
    world.senders.block(authority().parse().unwrap(), None, &origin).await.unwrap();
    let document = world.sealed(&delivery("hej"));
    check(&world.fault_of(document).await, 5002, explain::DELIVERY_BLOCKED);
}

#[tokio::test]
async fn signer_sealer_and_caller_each_need_the_senders_leave() {
    let world = World::new().await;
    let number = mbx_sim::identity::organisation(9);
    let stranger = world.pki.issue("stranger", Use::Organisation, &number).unwrap();
    let sent = delivery("hej");
    let by = |signer, sealer| sealed_by(&sent, signer, sealer);
    let signed = by(&stranger, &world.dispatcher);
    check(&world.fault_of(signed).await, 5002, explain::DELIVERY_SIGNER);
    let sealed = by(&world.authority, &stranger);
    check(&world.fault_of(sealed).await, 5002, explain::DELIVERY_SEALER);
    let brought = world.post_as(&stranger, world.sealed(&sent)).await;
    check(&world.fault_in(&brought), 5002, explain::DELIVERY_CLIENT);
    // The dispatcher may seal, not sign.
    let signed = by(&world.dispatcher, &world.dispatcher);
    check(&world.fault_of(signed).await, 5002, explain::DELIVERY_SIGNER);
}

#[tokio::test]
async fn a_notify_by_somebody_who_may_not_sign_is_not_authorised() {
    let world = World::new().await;
    let recipients = ["191212121212".to_owned()];
    let message = Message::text("m-1", "a", "b");
    let document = written(&notify(&authority(), "Testkommun", &recipients, &message));
    check(&world.fault_of(document).await, 5002, explain::DELIVERY_CLIENT);
}

#[tokio::test]
async fn a_notify_to_more_than_a_thousand_is_too_much() {
    let world = World::new().await;
    let recipients = vec!["191212121212".to_owned(); 1001];
    let message = Message::text("m-1", "a", "b");
    let document = written(&notify(&authority(), "Testkommun", &recipients, &message));
    let answer = world.post_as(&world.authority, document).await;
    assert_eq!(world.fault_in(&answer).error_code, 5005);
}

#[tokio::test]
async fn media_types_encodings_checksums_and_lengths_are_held_to_the_rules() {
    let world = small(|config| config.message_max = "1 KiB".parse().unwrap()).await;
    let changed = |change: &dyn Fn(&mut Message)| {
        let mut sent = delivery("hej");
        sent.messages[0] = sent.messages[0].clone().with_pdf("a.pdf", b"%PDF".to_vec());
        change(&mut sent.messages[0]);
        world.sealed(&sent)
    };
    let png = changed(&|message| message.attachments[0].media_type = "image/png".to_owned());
    check(&world.fault_of(png).await, 5019, explain::DELIVERY_MEDIA_TYPE);
    let rtf = changed(&|message| message.body.media_type = "text/rtf".to_owned());
    check(&world.fault_of(rtf).await, 5019, explain::DELIVERY_MEDIA_TYPE);
    let latin1 = changed(&|message| message.body.octets = b"v\xe4lkommen".to_vec());
    check(&world.fault_of(latin1).await, 5001, explain::DELIVERY_NOT_UTF8);
    let long = changed(&|message| message.attachments[0].octets = vec![b'a'; 1022]);
    check(&world.fault_of(long).await, 5005, explain::DELIVERY_MESSAGE_TOO_LONG);
    let fits = changed(&|message| message.attachments[0].octets = vec![b'a'; 1021]);
    assert_eq!(world.post(fits).await.status, 200);
    world.intake.accepted.lock().unwrap().clear();
    let mut sent = delivery("hej");
    sent.messages[0] = sent.messages[0].clone().with_pdf("a.pdf", b"%PDF".to_vec());
    let wrong = signed_with(&world, &sent, |_| "2111066685".to_owned());
    check(&world.fault_of(wrong).await, 5001, explain::DELIVERY_CHECKSUM);
    let lower = signed_with(&world, &sent, str::to_ascii_lowercase);
    assert_eq!(world.post(lower).await.status, 200);
}

#[tokio::test]
async fn a_missing_revocation_list_is_our_fault_and_temporary() {
    let world = World::new().await;
    let other = tempfile::tempdir().unwrap();
    let pki = mbx_sim::pki::Pki::create(other.path()).unwrap();
    let credentials = pki.issue("a", Use::Organisation, &authority()).unwrap();
    let config = config::Trust {
        roots: vec![world.folder.path().join("root.pem"), other.path().join("root.pem")],
        crl_dir: world.folder.path().join("crl"),
        ..config::Trust::default()
    };
    let identity = config::TlsIdentity {
        certificate: world.folder.path().join("server.pem"),
        private_key: world.folder.path().join("server.key"),
    };
    let doors = vec![(crate::trust::Door::Authorities, identity)];
    world.trust.reconfigure(config, doors, &Origin::of(Actor::Daemon)).await.unwrap();
    let document = sealed_by(&delivery("hej"), &credentials, &world.dispatcher);
    check(&world.fault_of(document).await, 1, explain::DELIVERY_REVOCATION_UNKNOWN);
}
