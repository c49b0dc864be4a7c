//! Repeats of what was taken before, bent.

use super::documents::{descend, forge, sealed, signed};
use super::site::{Site, client};
use mbx_common::explain;
use mbx_sim::delivery::Message;
use mbx_sim::marshal::{Style, envelope};
use mbx_sim::soap::Reply;
use mbx_sim::xml::Element;
use mbx_tests::installation::{AUTHORITY, Installation, SERVICE, Setup};
use std::collections::BTreeSet;

/// The mark of a repeat is the sender's signature value: whoever knows one must not get the answer
/// of the delivery that it belongs to, nor put another in its place.
#[test]
fn other_content_under_the_signature_value_of_a_delivery_that_was_taken() {
    let site = Site::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let authority = site.known("authority", AUTHORITY);
        let sound = sealed(&site);
        let send = async |name: &str, call: &Element| {
            let body = envelope(call, Style::Prefixed).into();
            site.send(name, &authority, &body).await.0
        };
        let first = Reply::parse(&send("sound", &sound).await.body).unwrap();
        assert!(matches!(first, Reply::Result { .. }), "{first:?}");

        let mut bent = sound.clone();
        let delivery = descend(signed(&mut bent), &["Delivery"]);
        *delivery = forge(delivery);
        let before = site.stored();
        let answer = send("bent", &bent).await;
        site.assert_refusals("bent", before, 1);
        let fault = client(5006, explain::DELIVERY_SIGNATURE_WRONG);
        site.assert_fault("bent", fault, &authority, &answer);

        // Unbent it still gets its answer, and by nobody else.
        assert_eq!(Reply::parse(&send("again", &sound).await.body).unwrap(), first);
        let stranger = site.client();
        let body = envelope(&sound, Style::Prefixed).into();
        let before = site.stored();
        let (answer, _) = site.send("stranger", &stranger, &body).await;
        site.assert_refusals("stranger", before, 1);
        let fault = client(5002, explain::DELIVERY_CLIENT);
        site.assert_fault("stranger", fault, &stranger, &answer);
    });
}

/// How often a delivery is sent at once: more than a sender's impatience ever makes of one.
const RACING: usize = 50;

/// Posts each document on a connection of its own, all at the same time; gives the answers.
async fn race(installation: &Installation, documents: Vec<String>) -> Vec<Reply> {
    let mut connections = Vec::new();
    for _ in &documents {
        connections.push(installation.sender("authority").connect().await.unwrap());
    }
    let racing = documents.into_iter().zip(connections).map(|(document, mut connection)| {
        tokio::spawn(async move {
            let answer = connection.soap(SERVICE, document.into()).await.unwrap();
            Reply::parse(&answer.body).unwrap()
        })
    });
    let mut replies = Vec::new();
    for reply in racing.collect::<Vec<_>>() {
        replies.push(reply.await.unwrap());
    }
    replies
}

/// The one answer that all of them are.
fn same(replies: &[Reply]) -> String {
    let mut ids = BTreeSet::new();
    for reply in replies {
        let Reply::Result { trans_id, statuses } = reply else { panic!("{reply:?}") };
        assert!(statuses.iter().all(|(_, delivered)| *delivered), "{reply:?}");
        ids.insert(trans_id.clone());
    }
    assert_eq!(ids.len(), 1, "{ids:?}");
    ids.pop_first().unwrap()
}

/// The sender's signature tells repeats, not the bytes around it: the same again in other markup is
/// a repeat, at once as well as after a crash.
#[test]
fn fifty_of_one_delivery_at_once_are_stored_once_and_answered_alike_also_after_a_crash() {
    let mut installation = Installation::ready(&Setup::default());
    let (person, mailbox) = installation.register(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let message = Message::text("m-1", "Beslut", "Dear holder");
    let documents: Vec<String> = {
        let prefixed = installation.signed(&person, message, Style::Prefixed);
        let spaced = prefixed.replacen("?>", "?>\n\n", 1).replacen("Envelope>", "Envelope >", 1);
        (0..RACING).map(|at| if at % 2 == 0 { prefixed.clone() } else { spaced.clone() }).collect()
    };
    let first = same(&runtime.block_on(race(&installation, documents.clone())));
    let before = installation.json(&["mailbox", "show", &mailbox])["data"]["contents"].clone();
    assert_eq!(before["messages"], 1);
    installation.kill();
    installation.start();
    installation.wait_for_token();
    assert_eq!(same(&runtime.block_on(race(&installation, documents))), first);
    installation.login("anna");
    let after = installation.json(&["mailbox", "show", &mailbox])["data"]["contents"].clone();
    assert_eq!(after, before);
}
