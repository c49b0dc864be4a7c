use super::testing::{arb_entry, hex, sample};
use super::*;
use crate::id::JobId;
use crate::identity::OrganisationNumber;
use crate::time::Timestamp;
use proptest::prelude::*;

proptest! {
    /// Encoding and decoding undo each other for every entry within the limits.
    #[test]
    fn entries_round_trip(entry in arb_entry()) {
        let bytes = entry.encode();
        prop_assert!(bytes.len() <= Entry::ENCODED_LEN_MAX);
        prop_assert_eq!(Entry::decode(&bytes), Ok(entry));
    }

    /// No prefix of an entry is an entry.
    #[test]
    fn every_truncation_is_refused(entry in arb_entry()) {
        let bytes = entry.encode();
        for len in 0..bytes.len() {
            prop_assert!(Entry::decode(&bytes[..len]).is_err(), "{len} of {}", bytes.len());
        }
    }

    /// A changed byte is refused, or makes another entry in its one spelling.
    #[test]
    fn a_flipped_byte_never_makes_a_second_spelling(
        entry in arb_entry(), place: prop::sample::Index, flip in 1..=u8::MAX,
    ) {
        let mut bytes = entry.encode();
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        if let Ok(other) = Entry::decode(&bytes) {
            prop_assert_ne!(&other, &entry);
            prop_assert_eq!(other.encode(), bytes);
        }
    }

    /// Bytes from anywhere are refused, or are the one spelling of what they say.
    #[test]
    fn arbitrary_bytes_are_refused_or_canonical(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Some(first) = bytes.first_mut() {
            *first = Entry::FORMAT;
        }
        if let Ok(entry) = Entry::decode(&bytes) {
            prop_assert_eq!(entry.encode(), bytes);
        }
    }
}

#[test]
fn the_sample_of_the_format_page_has_these_bytes() {
    assert_eq!(
        hex(&sample().encode()),
        "01\
         000001a20ba482d4\
         0065\
         02\
         1f\
         0211111111111111111111111111111111\
         04\
         22222222222222222222222222222222\
         01000003e803000010e100057074732f34\
         33333333333333333333333333333333\
         000474657374\
         0001\
         0411111111111111111111111111111111\
         0001\
         060000000000000002"
    );
}

#[test]
fn bytes_after_the_end_are_refused() {
    let mut bytes = sample().encode();
    bytes.push(0);
    assert_eq!(Entry::decode(&bytes), Err(DecodeError::Trailing));
}

#[test]
fn another_version_is_refused_by_name() {
    let mut bytes = sample().encode();
    bytes[0] = 2;
    assert_eq!(Entry::decode(&bytes), Err(DecodeError::Version { found: 2 }));
}

#[test]
fn unknown_codes_are_refused_by_field() {
    let mut bytes = sample().encode();
    bytes[9] = 0xff;
    assert_eq!(Entry::decode(&bytes), Err(DecodeError::Value { field: "event" }));
    let mut bytes = sample().encode();
    bytes[11] = 0;
    assert_eq!(Entry::decode(&bytes), Err(DecodeError::Value { field: "outcome" }));
    let mut bytes = sample().encode();
    bytes[12] |= 0x80;
    assert_eq!(Entry::decode(&bytes), Err(DecodeError::Value { field: "presence" }));
}

#[test]
fn an_organisation_number_must_have_its_check_digit() {
    let number: OrganisationNumber = "162021005521".parse().unwrap();
    let mut bytes =
        Entry::new(Timestamp::EPOCH, Event::DeliveryRefused, Actor::Authority(number)).encode();
    assert!(Entry::decode(&bytes).is_ok());
    bytes[13 + 12] ^= 1;
    assert_eq!(Entry::decode(&bytes), Err(DecodeError::Value { field: "organisation" }));
}

#[test]
fn what_exceeds_a_limit_is_cut_and_still_decodes() {
    let mut entry = sample();
    entry.reason = Some("å".repeat(400));
    entry.facts = vec![Fact::Class(1); Entry::FACTS_MAX + 1];
    entry.subjects = vec![Subject::Job(JobId::from_bytes([0; 16])); Entry::SUBJECTS_MAX + 1];
    let decoded = Entry::decode(&entry.encode()).unwrap();
    assert_eq!(decoded.reason, Some("å".repeat(250)));
    assert_eq!(decoded.facts.len(), Entry::FACTS_MAX);
    assert_eq!(decoded.subjects.len(), Entry::SUBJECTS_MAX);
}
