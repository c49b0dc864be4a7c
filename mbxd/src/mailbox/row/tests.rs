use super::*;
use bytes::Bytes;
use mbx_common::assurance::ProtectionClass;
use mbx_common::id::{ContentId, DeliveryId, MailboxId, MessageId, PseudonymId, RequestId};
use mbx_common::time::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use std::fmt::Debug;

fn moment() -> impl Strategy<Value = Timestamp> {
    (0..4_000_000_000_000_u64).prop_map(|ms| Timestamp::from_millis(ms).unwrap())
}

prop_compose! {
    fn message()(
        ids: ([u8; 16], [u8; 16], [u8; 16]),
        (place, epoch, attachments) in any::<(u32, u32, u16)>(),
        class in 0..3_usize,
        received in moment(),
        len: u64,
        content_root: [u8; 32],
        sealed_dek in vec(any::<u8>(), 0..40),
        read in proptest::option::of(moment()),
        deleted in proptest::option::of((moment(), moment())),
    ) -> MessageRow {
        MessageRow {
            id: MessageId::from_bytes(ids.0),
            delivery: DeliveryId::from_bytes(ids.1),
            place,
            class: ProtectionClass::ALL[class],
            sender: "162021004748".parse().unwrap(),
            received,
            len,
            attachments,
            manifest: ContentId::from_bytes(ids.2),
            content_root,
            epoch,
            sealed_dek,
            read,
            deleted: deleted.map(|(at, until)| Deletion { at, until }),
        }
    }
}

prop_compose! {
    fn delivery()(
        request: [u8; 16],
        outcome in 0..4_usize,
        operation in 0..3_u8,
        received in moment(),
        stages in vec(any::<(u8, u64)>(), 0..4),
        mailboxes in vec(any::<[u8; 16]>(), 0..4),
        contents in vec(any::<[u8; 16]>(), 0..4),
        refusal: Option<(u16, u16)>,
        (recipients, messages) in any::<(u16, u16)>(),
        (calls, repeats, payload_len) in any::<(u64, u32, u64)>(),
    ) -> DeliveryRow {
        DeliveryRow {
            request: RequestId::from_bytes(request),
            outcome: DeliveryOutcome::ALL[outcome],
            operation,
            sender: Some("162021004748".parse().unwrap()),
            dispatcher: None,
            received,
            stages,
            answer: Some(Answer {
                class: Some(ProtectionClass::Three),
                recipients,
                mailboxes: mailboxes.into_iter().map(MailboxId::from_bytes).collect(),
                messages,
                payload_len,
                contents: contents.into_iter().map(ContentId::from_bytes).collect(),
                content_root: [7; 32],
            }),
            refusal,
            calls,
            repeats,
            repeated: None,
        }
    }
}

/// Round trip, one spelling, nothing cut, no other version.
fn keeps<R: Row + Debug + PartialEq>(row: &R) -> Result<(), TestCaseError> {
    let bytes = row.encode().unwrap();
    prop_assert_eq!(&R::decode(&bytes).unwrap(), row);
    for end in 0..bytes.len() {
        prop_assert!(R::decode(&bytes[..end]).is_err(), "cut at {}", end);
    }
    prop_assert!(R::decode(&[&bytes[..], &[0]].concat()).is_err());
    let mut other = bytes.to_vec();
    other[0] ^= 0x80;
    prop_assert_eq!(R::decode(&other).err(), Some(BadRow));
    for at in 0..bytes.len() {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1;
        if let Ok(row) = R::decode(&flipped) {
            prop_assert_eq!(row.encode().unwrap(), flipped);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_message_row_has_one_spelling(row in message()) {
        keeps(&row)?;
    }

    #[test]
    fn a_delivery_row_has_one_spelling(row in delivery()) {
        keeps(&row)?;
    }

    #[test]
    fn a_dedup_row_has_one_spelling(id: [u8; 16], delivered: bool, until in moment()) {
        keeps(&DedupRow { delivery: DeliveryId::from_bytes(id), delivered, until })?;
    }

    #[test]
    fn a_mailbox_row_has_one_spelling(registered in moment(), key in vec(any::<u8>(), 0..40), register in vec(any::<u8>(), 0..40)) {
        let row = MailboxRow::new(NewMailbox {
            kind: mbx_common::holder::HolderKind::SoleTrader,
            registered,
            directory_key: key,
            pseudonym: PseudonymId::from_bytes([3; 16]),
            register,
        });
        keeps(&row)?;
    }

    #[test]
    fn keys_read_back(id: [u8; 16], sequence: u64, at in moment(), mark: [u8; 32]) {
        let (mailbox, delivery) = (MailboxId::from_bytes(id), DeliveryId::from_bytes(id));
        prop_assert_eq!(
            message_parts(&message_key(mailbox, sequence)),
            Some((mailbox, sequence))
        );
        prop_assert_eq!(arrival_parts(&arrival_key(at, delivery)), Some((at, delivery)));
        prop_assert_eq!(sender_message_parts(&sender_message_key(&mark, delivery)), Some(delivery));
        let due = Due { at, what: Expiring::Dedup, key: Bytes::copy_from_slice(&mark) };
        prop_assert_eq!(due_parts(&due_key(&due)), Some(due));
    }

    /// A sweep of a kind reads exactly the keys of this kind that are due.
    #[test]
    fn the_due_keys_of_a_kind_are_one_stretch(now in moment(), at in moment(), key: [u8; 8]) {
        for (what, other) in [
            (Expiring::Dedup, Expiring::Jti),
            (Expiring::Jti, Expiring::DeletedMessage),
            (Expiring::DeletedMessage, Expiring::Dedup),
        ] {
            let range = due_by(what, now);
            let within = |what| {
                let key = due_key(&Due { at, what, key: Bytes::copy_from_slice(&key) });
                range.from <= key && range.until.as_ref().is_none_or(|until| key < *until)
            };
            prop_assert_eq!(within(what), at <= now);
            prop_assert!(!within(other));
        }
    }
}

#[test]
fn a_message_key_of_another_width_is_no_key() {
    assert_eq!(message_parts(&[0; 23]), None);
    assert_eq!(message_parts(&[0; 25]), None);
    assert_eq!(arrival_parts(&[0; 23]), None);
    assert_eq!(due_parts(&Bytes::from_static(&[1; 8])), None);
    assert_eq!(due_parts(&Bytes::from_static(&[0; 12])), None);
}
