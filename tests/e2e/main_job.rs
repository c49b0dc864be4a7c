//! A signed delivery reaches its holder.

use crate::reading::{call, id, list, part};
use mbx_sim::delivery::{Message, Part, notify};
use mbx_sim::load::filler;
use mbx_sim::marshal::{Style, envelope};
use mbx_sim::soap::Reply;
use mbx_tests::installation::{AUTHORITY, Installation, Setup};
use mbx_tests::token::Kind;
use serde_json::Value;

suite! {
    what_was_sent_in_each_style_is_what_the_holder_reads_to_the_byte
    level_two_sees_that_a_class_three_message_waits_and_nothing_of_it
    a_repeat_gets_the_original_answer_and_stores_nothing
    someone_without_a_mailbox_is_answered_as_not_delivered
    a_notify_reaches_each_who_has_a_mailbox_and_level_two_reads_it
    a_message_is_marked_deleted_and_restored
    an_assertion_opens_once_and_only_for_the_certificate_it_names
    a_refused_delivery_is_told_listed_and_counted_once
}

const THREE: u8 = 3;
const TWO: u8 = 2;

fn letter() -> Message {
    Message::text("letter-1", "Decision on your application", "Dear holder: åäö & <granted>.")
        .with_pdf("decision.pdf", filler(7, 200_000))
}

fn delivered(reply: &Reply) -> (String, Vec<bool>) {
    match reply {
        Reply::Result { trans_id, statuses } => {
            (trans_id.clone(), statuses.iter().map(|(_, delivered)| *delivered).collect())
        }
        Reply::Fault { .. } => panic!("a fault: {reply:?}"),
    }
}

async fn what_was_sent_in_each_style_is_what_the_holder_reads_to_the_byte(kind: Kind) {
    let installation = Installation::ready(&Setup::on(kind));
    let (person, _) = installation.register(1);
    let portal = installation.portal();
    for (count, style) in Style::ALL.into_iter().enumerate() {
        let mut message = letter();
        message.id = format!("letter-{count}");
        let document = installation.signed(&person, message, style);
        let reply = installation.post(document.into()).await;
        assert_eq!(delivered(&reply).1, [true], "{style:?}");
    }
    let messages = list(&portal, (&person, THREE)).await;
    assert_eq!(messages.len(), 3);
    for message in &messages {
        assert_eq!(message["subject"], "Decision on your application");
        assert_eq!(message["class"], 3);
        assert_eq!(message["sender"]["id"], AUTHORITY);
        let body = part(&portal, id(message), 0, (&person, THREE)).await;
        assert_eq!(body, "Dear holder: åäö & <granted>.".as_bytes());
        let attachment = part(&portal, id(message), 1, (&person, THREE)).await;
        assert_eq!(attachment, filler(7, 200_000));
    }
}

async fn level_two_sees_that_a_class_three_message_waits_and_nothing_of_it(kind: Kind) {
    let installation = Installation::ready(&Setup::on(kind));
    let (person, _) = installation.register(1);
    let portal = installation.portal();
    installation.deliver(&person, letter()).await;
    let known = list(&portal, (&person, THREE)).await;
    let path = format!("/v1/messages/{}", id(&known[0]));

    let faults = mbx_tests::faults::Faults::of(&installation.token);
    let keys = installation.json(&["key", "status"]);
    let high = keys["data"]["keys"]
        .as_array()
        .and_then(|keys| keys.iter().find(|key| key["purpose"] == "kek-high"))
        .and_then(|key| key["id"].as_str())
        .expect("the key of class 3")
        .trim_start_matches("key_")
        .to_owned();
    let opened = |faults: &mbx_tests::faults::Faults| {
        faults.opened_with().iter().filter(|key| key.to_lowercase() == high).count()
    };
    let (other, _) = installation.register(2);
    installation.deliver(&other, letter()).await;
    // Registering opened what it had just sealed, to be sure of it.
    let before = opened(&faults);
    let answer = call(&portal, "GET", "/v1/messages", (&other, TWO)).await;
    assert_eq!(answer.status, 200);
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(!text.contains("Decision") && !text.contains("decision.pdf"), "{text}");
    let page: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(page["messages"][0]["class"], 3);
    let refused = call(&portal, "GET", &path, (&person, TWO)).await;
    assert_eq!(refused.status, 403);
    assert_eq!(opened(&faults), before, "level 2 made the token open a key of class 3");
    list(&portal, (&other, THREE)).await;
    assert!(opened(&faults) > before, "level 3 opens it");
}

async fn a_repeat_gets_the_original_answer_and_stores_nothing(kind: Kind) {
    let installation = Installation::ready(&Setup::on(kind));
    let (person, _) = installation.register(1);
    let document = bytes::Bytes::from(installation.signed(&person, letter(), Style::Jaxb));
    let first = installation.post(document.clone()).await;
    let again = installation.post(document).await;
    assert_eq!(first, again);
    assert_eq!(list(&installation.portal(), (&person, THREE)).await.len(), 1);
}

async fn someone_without_a_mailbox_is_answered_as_not_delivered(kind: Kind) {
    let installation = Installation::ready(&Setup::on(kind));
    let stranger = mbx_sim::identity::person(999);
    let reply = installation.deliver(&stranger, letter()).await;
    assert_eq!(delivered(&reply).1, [false]);
}

async fn a_notify_reaches_each_who_has_a_mailbox_and_level_two_reads_it(kind: Kind) {
    let installation = Installation::ready(&Setup::on(kind));
    let (one, _) = installation.register(1);
    let (two, _) = installation.register(2);
    let stranger = mbx_sim::identity::person(999);
    let message = Message {
        id: "reminder".to_owned(),
        subject: "Reminder".to_owned(),
        body: Part {
            media_type: "text/html".to_owned(),
            file_name: String::new(),
            octets: b"<p>Tomorrow at nine.</p>".to_vec(),
        },
        attachments: Vec::new(),
    };
    let recipients = [one.clone(), stranger, two.clone()];
    let tree = notify(AUTHORITY, "Example Authority", &recipients, &message);
    let reply = installation.post(envelope(&tree, Style::Default).into()).await;
    assert_eq!(delivered(&reply).1, [true, false, true]);
    let portal = installation.portal();
    for person in [&one, &two] {
        let messages = list(&portal, (person, TWO)).await;
        assert_eq!(messages[0]["class"], 1);
        let body = part(&portal, id(&messages[0]), 0, (person, TWO)).await;
        assert_eq!(body, b"<p>Tomorrow at nine.</p>");
    }
}

async fn a_message_is_marked_deleted_and_restored(kind: Kind) {
    let installation = Installation::ready(&Setup::on(kind));
    let (person, _) = installation.register(1);
    let portal = installation.portal();
    installation.deliver(&person, letter()).await;
    let message = id(&list(&portal, (&person, THREE)).await[0]).to_owned();
    let who = (person.as_str(), THREE);
    let path = format!("/v1/messages/{message}");
    assert!(call(&portal, "POST", &format!("{path}/read"), who).await.status < 300);
    assert!(list(&portal, who).await[0]["read"].is_string());
    assert!(call(&portal, "DELETE", &path, who).await.status < 300);
    assert_ne!(call(&portal, "GET", &format!("{path}/parts/0"), who).await.status, 200);
    assert!(call(&portal, "POST", &format!("{path}/restore"), who).await.status < 300);
    assert_eq!(call(&portal, "GET", &format!("{path}/parts/0"), who).await.status, 200);
}

async fn an_assertion_opens_once_and_only_for_the_certificate_it_names(kind: Kind) {
    let installation = Installation::ready(&Setup::on(kind));
    let (person, _) = installation.register(1);
    let portal = installation.portal();
    let assertion = portal.assertion(&portal.claims(&person, THREE)).unwrap();
    let first = portal.call_with("GET", "/v1/messages", &assertion, &[]).await.unwrap();
    assert_eq!(first.status, 200);
    let second = portal.call_with("GET", "/v1/messages", &assertion, &[]).await.unwrap();
    assert_eq!(second.status, 401, "{}", String::from_utf8_lossy(&second.body));
    let mut claims = portal.claims(&person, THREE);
    claims.cnf.thumbprint = "A".repeat(43);
    let other = portal.call("GET", "/v1/messages", &claims).await.unwrap();
    assert_eq!(other.status, 401);
}

async fn a_refused_delivery_is_told_listed_and_counted_once(kind: Kind) {
    let installation = Installation::ready(&Setup::on(kind));
    let (person, _) = installation.register(1);
    let document = installation.signed(&person, letter(), Style::Default);
    let altered = document.replace("Decision on your", "Decision on their");
    assert_ne!(document, altered);
    let reply = installation.post(altered.into()).await;
    let Reply::Fault { error_code, call_id, .. } = reply else { panic!("accepted: {reply:?}") };
    assert_eq!(error_code, 5006);
    let listed = installation.json(&["delivery", "list", "--rejected"]);
    assert_eq!(listed["data"].as_array().map_or(0, Vec::len), 1, "{listed}");
    let request = format!("req_{}", call_id.replace('-', ""));
    let log = installation.log();
    assert!(log.contains(&request), "the fault's CallId stands in the log");
    let metrics = installation.metrics();
    assert!(metrics.contains("mbx_deliveries_total{result=\"refused\"} 1\n"), "{metrics}");
    assert!(list(&installation.portal(), (&person, THREE)).await.is_empty());
}
