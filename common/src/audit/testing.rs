//! Entries for tests.

use super::*;
use crate::id::*;
use crate::role::Role;
use crate::time::Timestamp;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// The entry that `docs/formats/audit-entry.md` spells out byte by byte.
pub(crate) fn sample() -> Entry {
    let officer = OperatorId::from_bytes([0x11; 16]);
    Entry::new(
        Timestamp::from_millis(1_795_491_660_500).unwrap(),
        Event::LoggedIn,
        Actor::Operator(officer),
    )
    .staff(SessionId::from_bytes([0x22; 16]), Some(Role::SecurityOfficer))
    .peer(Peer::Local { uid: 1000, pid: Some(4321), tty: Some("pts/4".to_owned()) })
    .request(RequestId::from_bytes([0x33; 16]))
    .reason("test")
    .about(Subject::Operator(officer))
    .fact(Fact::Count(2))
}

/// Any entry within the limits.
pub(crate) fn arb_entry() -> impl Strategy<Value = Entry> {
    let head = (
        (0..=253_402_207_200_000_u64).prop_map(|ms| Timestamp::from_millis(ms).unwrap()),
        select(Event::ALL),
        select(&[Outcome::Asked, Outcome::Done, Outcome::Refused, Outcome::Failed][..]),
        arb_actor(),
    );
    let middle = (
        option::of(select(&Role::ALL[..])),
        option::of(any::<[u8; 16]>().prop_map(SessionId::from_bytes)),
        option::of(arb_peer()),
        option::of(any::<[u8; 16]>().prop_map(RequestId::from_bytes)),
        option::of("\\PC{0,100}"),
        option::of("\\PC{0,100}"),
        option::of(any::<[u8; 32]>()),
    );
    let lists =
        (prop::collection::vec(arb_subject(), 0..5), prop::collection::vec(arb_fact(), 0..5));
    (head, middle, lists).prop_map(|(head, middle, (subjects, facts))| {
        let (time, event, outcome, actor) = head;
        let (role, session, peer, request, reason, ticket, plan) = middle;
        Entry {
            time,
            event,
            outcome,
            actor,
            role,
            session,
            peer,
            request,
            subjects,
            facts,
            reason,
            ticket,
            plan,
        }
    })
}

fn arb_organisation() -> impl Strategy<Value = crate::identity::OrganisationNumber> {
    select(&["162021005521", "5560360793", "2120000142"][..]).prop_map(|text| text.parse().unwrap())
}

fn arb_actor() -> impl Strategy<Value = Actor> {
    prop_oneof![
        Just(Actor::Daemon),
        any::<[u8; 16]>().prop_map(|id| Actor::Operator(OperatorId::from_bytes(id))),
        any::<u32>().prop_map(Actor::Local),
        arb_organisation().prop_map(Actor::Authority),
        Just(Actor::Unknown),
        "[a-zåäö-]{0,30}".prop_map(Actor::Portal),
        any::<[u8; 16]>().prop_map(|id| Actor::Person(PseudonymId::from_bytes(id))),
    ]
}

fn arb_peer() -> impl Strategy<Value = Peer> {
    prop_oneof![
        (any::<u32>(), option::of(any::<u32>()), option::of("[a-z/0-9]{0,20}"))
            .prop_map(|(uid, pid, tty)| Peer::Local { uid, pid, tty }),
        (any::<std::net::IpAddr>(), option::of(any::<[u8; 32]>()))
            .prop_map(|(address, certificate)| Peer::Remote { address, certificate }),
    ]
}

fn arb_subject() -> impl Strategy<Value = Subject> {
    let id = any::<[u8; 16]>();
    prop_oneof![
        id.prop_map(|id| Subject::Mailbox(MailboxId::from_bytes(id))),
        id.prop_map(|id| Subject::Message(MessageId::from_bytes(id))),
        id.prop_map(|id| Subject::Delivery(DeliveryId::from_bytes(id))),
        id.prop_map(|id| Subject::Operator(OperatorId::from_bytes(id))),
        id.prop_map(|id| Subject::Session(SessionId::from_bytes(id))),
        id.prop_map(|id| Subject::Job(JobId::from_bytes(id))),
        id.prop_map(|id| Subject::Key(KeyId::from_bytes(id))),
        id.prop_map(|id| Subject::Person(PseudonymId::from_bytes(id))),
        arb_organisation().prop_map(Subject::Organisation),
    ]
}

fn arb_fact() -> impl Strategy<Value = Fact> {
    let digest = any::<[u8; 32]>();
    prop_oneof![
        digest.prop_map(Fact::ContentRoot),
        digest.prop_map(Fact::Commitment),
        digest.prop_map(Fact::Digest),
        any::<u8>().prop_map(Fact::Class),
        any::<u8>().prop_map(Fact::Loa),
        any::<u64>().prop_map(Fact::Count),
        any::<u64>().prop_map(Fact::Bytes),
        any::<u16>().prop_map(Fact::Code),
        (0..=253_402_207_200_000_u64)
            .prop_map(|ms| Fact::Moment(Timestamp::from_millis(ms).unwrap())),
        any::<u64>().prop_map(Fact::TreeSize),
        digest.prop_map(Fact::TreeRoot),
    ]
}

/// Bytes as lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|nibble| char::from_digit(u32::from(nibble), 16))
        .collect()
}

/// Bytes from hex digits.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
