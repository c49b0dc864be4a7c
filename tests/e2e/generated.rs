//! Generated deliveries, hostile and odd, through a running daemon: what the holder is shown is what
//! both signers signed, message for message, and nothing besides.

use crate::reading::{id, list, part};
use mbx_forge::base::Parties;
use mbx_forge::facts::Facts;
use mbx_forge::judge::{hold, product};
use mbx_forge::keys::{Key, Keyring, Owner};
use mbx_forge::scene::case;
use mbx_sim::pki::Credentials;
use mbx_sim::portal::Portal;
use mbx_sim::soap::Reply;
use mbx_tests::installation::{AUTHORITY, Installation, SERVICE, Setup};
use serde_json::Value;

/// Cases for each holder: fewer messages come of them than the portal lists at once.
const CASES: u64 = 70;

/// Holders.
const HOLDERS: u32 = 4;

#[tokio::test]
async fn what_a_holder_is_shown_of_generated_deliveries_is_what_both_signed() {
    let installation = Installation::ready(&Setup::default());
    let key = |owner, name: &str| {
        let own = Credentials::load(&installation.pki(), name).unwrap();
        Key::new(owner, own.key.secret_der(), own.chain[0].to_vec())
    };
    let keys = Keyring::of(key(Owner::Sender, "authority"), key(Owner::Dispatcher, "dispatcher"));
    let (dispatcher, portal) = (installation.sender("dispatcher"), installation.portal());
    let (mut delivered, mut refused) = (0, 0);
    for holder in 1..=HOLDERS {
        let (recipient, _) = installation.register(holder);
        let parties = Parties { sender: AUTHORITY.to_owned(), recipient: recipient.clone() };
        let mut expected = Vec::new();
        for seed in (0..CASES).map(|number| u64::from(holder) * CASES + number) {
            let case = case(seed, &keys, &parties);
            let mut connection = dispatcher.connect().await.unwrap();
            let answer = connection.soap(SERVICE, case.octets.clone().into()).await.unwrap();
            // What is no envelope at all is answered without one.
            let Ok(Reply::Result { statuses, .. }) = Reply::parse(&answer.body) else {
                assert!(!case.is_sound() || by_a_stranger(&case.told()), "{seed}: {}", case.told());
                refused += 1;
                continue;
            };
            let verdict = product(&case.octets);
            hold(&case, &keys, &verdict).unwrap_or_else(|why| panic!("case {seed}: {why}"));
            let taken = verdict.unwrap_or_else(|why| panic!("case {seed}: {why:?}"));
            assert_eq!(statuses, [(recipient.clone(), true)], "case {seed}");
            expected.extend(messages(taken.stored));
            delivered += 1;
        }
        expected.sort();
        let mut shown = shown(&portal, &recipient).await;
        shown.sort();
        assert_eq!(shown, expected, "holder {holder}");
    }
    assert!(delivered > 20 && refused > 100, "{delivered} delivered, {refused} refused");
}

/// Whether a case that is sound for the verifier is one of a signer whom nobody believes.
fn by_a_stranger(told: &str) -> bool {
    told.contains("attacker") || told.contains("certificates behind the signer's")
}

/// What the daemon stores, message by message, as the portal tells it.
fn messages(stored: Facts) -> Vec<Vec<(String, Vec<u8>)>> {
    let mut messages: Vec<Vec<(String, Vec<u8>)>> = Vec::new();
    for (label, value) in stored {
        match (label, messages.last_mut()) {
            // The sender's own identifier is staff's alone.
            ("id", _) => messages.push(Vec::new()),
            (_, Some(message)) => message.push((label.to_owned(), value)),
            (_, None) => panic!("{label} before the first message"),
        }
    }
    for message in &mut messages {
        message.sort();
    }
    messages
}

/// The same of everything that the portal shows.
async fn shown(portal: &Portal, person: &str) -> Vec<Vec<(String, Vec<u8>)>> {
    let mut shown = Vec::new();
    for message in list(portal, (person, 3)).await {
        let mut facts = Vec::new();
        let mut say = |label: &str, value: &Value| {
            if let Some(text) = value.as_str() {
                facts.push((label.to_owned(), text.as_bytes().to_vec()));
            }
        };
        say("subject", &message["subject"]);
        say("language", &message["language"]);
        for name in ["text", "url", "phone", "email"] {
            say(&format!("support.{name}"), &message["support"][name]);
        }
        for one in message["parts"].as_array().unwrap() {
            say("part.type", &one["media_type"]);
            say("part.name", &one["file_name"]);
        }
        let count = message["parts"].as_array().unwrap().len();
        for number in 0..u8::try_from(count).unwrap() {
            let octets = part(portal, id(&message), number, (person, 3)).await;
            facts.push(("part.octets".to_owned(), octets));
        }
        facts.sort();
        shown.push(facts);
    }
    shown
}
