//! Somebody who can write the disk swaps or flips what is stored: each is refused.

use super::*;
use crate::hsm::CustodyError;
use crate::mailbox::reading::{HolderError, ListRequest, Listed};
use crate::mailbox::row::MessageRow;
use crate::store::{Changes, KeyRange, NewContent, Row as _, Table};
use bytes::Bytes;
use mbx_common::assurance::ProtectionClass;
use mbx_common::error::Kind;
use mbx_common::id::{ContentId, DeliveryId, MessageId};
use mbx_common::time::Timestamp;
use std::time::Duration;

/// Anna's mailbox with two letters in it.
struct Case {
    world: World,
    keys: [Bytes; 2],
    rows: [MessageRow; 2],
}

impl Case {
    async fn new() -> Self {
        let (world, _) = World::with_anna().await;
        world.mailboxes.accept(letter(1)).await.unwrap();
        world.mailboxes.accept(letter(2)).await.unwrap();
        let page = world.bench.store.scan(Table::Message, KeyRange::all(), 10).await.unwrap();
        let row = |at: usize| MessageRow::decode(&page.rows[at].1).unwrap();
        let keys = [page.rows[0].0.clone(), page.rows[1].0.clone()];
        Self { rows: [row(0), row(1)], keys, world }
    }

    async fn write(&self, table: Table, key: Bytes, value: Bytes) {
        let mut changes = Changes::new();
        changes.put(table, key, value);
        self.world.bench.commit(changes).await;
    }

    /// Writes a changed first row and tries to open it.
    async fn open_changed(&self, change: impl FnOnce(&mut MessageRow)) -> HolderError {
        let mut row = self.rows[0].clone();
        change(&mut row);
        self.write(Table::Message, self.keys[0].clone(), row.encode().unwrap()).await;
        self.open(row.id).await
    }

    async fn open(&self, message: MessageId) -> HolderError {
        let visit = self.world.visit(ANNA, Loa::Four).await;
        let opened = self.world.mailboxes.open(&visit, message).await;
        opened.expect_err("what was swapped must not open")
    }
}

#[tokio::test]
async fn what_was_not_touched_opens() {
    let case = Case::new().await;
    let visit = case.world.visit(ANNA, Loa::Four).await;
    case.world.mailboxes.open(&visit, case.rows[0].id).await.unwrap();
}

impl Case {
    /// Lists the mailbox; the second letter must stand there. Gives what stands for the first.
    async fn list_beside_the_other(&self) -> (Option<Timestamp>, Option<ProtectionClass>) {
        let altered = self.world.bench.keys.status().altered;
        let visit = self.world.visit(ANNA, Loa::Four).await;
        let listing = self.world.mailboxes.list(&visit, ListRequest::default()).await.unwrap();
        assert_eq!(self.world.bench.keys.status().altered, altered + 1, "each is an alarm");
        match &listing.messages[..] {
            [Listed::Within(view), Listed::Damaged { received, class }] => {
                assert_eq!(view.id, self.rows[1].id);
                (*received, *class)
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_message_whose_row_was_altered_is_listed_as_damaged_beside_the_others() {
    let case = Case::new().await;
    let mut row = case.rows[0].clone();
    row.place = 1;
    case.write(Table::Message, case.keys[0].clone(), row.encode().unwrap()).await;
    let told = case.list_beside_the_other().await;
    assert_eq!(told, (Some(row.received), Some(row.class)));
}

#[tokio::test]
async fn a_message_whose_row_cannot_be_read_is_listed_as_damaged_beside_the_others() {
    let case = Case::new().await;
    case.write(Table::Message, case.keys[0].clone(), Bytes::from_static(b"\xff no row")).await;
    assert_eq!(case.list_beside_the_other().await, (None, None));
    let request = ListRequest { deleted: true, ..ListRequest::default() };
    let visit = case.world.visit(ANNA, Loa::Four).await;
    assert!(case.world.mailboxes.list(&visit, request).await.unwrap().messages.is_empty());
}

#[tokio::test]
async fn a_message_whose_manifest_is_gone_is_listed_as_damaged_beside_the_others() {
    let case = Case::new().await;
    let mut row = case.rows[0].clone();
    row.manifest = ContentId::from_bytes([0; 16]);
    case.write(Table::Message, case.keys[0].clone(), row.encode().unwrap()).await;
    let told = case.list_beside_the_other().await;
    assert_eq!(told, (Some(row.received), Some(row.class)));
}

#[tokio::test]
async fn a_token_that_is_away_is_no_damage_and_no_list() {
    let case = Case::new().await;
    let away = CustodyError::Unavailable { retry_after: Duration::from_secs(7) };
    case.world.bench.custody.refuse(Some(away));
    let altered = case.world.bench.keys.status().altered;
    let visit = case.world.visit(ANNA, Loa::Four).await;
    let refused = case.world.mailboxes.list(&visit, ListRequest::default()).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Unavailable);
    assert_eq!(refused.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(case.world.bench.keys.status().altered, altered);
}

#[tokio::test]
async fn a_row_with_a_lower_class_opens_nothing() {
    let case = Case::new().await;
    for class in [ProtectionClass::One, ProtectionClass::Two] {
        let refused = case.open_changed(|row| row.class = class).await;
        assert_eq!(refused.kind(), Kind::Corrupt);
    }
}

#[tokio::test]
async fn a_row_with_another_place_opens_nothing() {
    let case = Case::new().await;
    let refused = case.open_changed(|row| row.place = 1).await;
    assert_eq!(refused.kind(), Kind::Corrupt);
}

#[tokio::test]
async fn a_row_with_another_content_root_opens_nothing() {
    let case = Case::new().await;
    let other = case.rows[1].content_root;
    let refused = case.open_changed(|row| row.content_root = other).await;
    assert_eq!(refused.kind(), Kind::Corrupt);
}

#[tokio::test]
async fn a_row_with_another_delivery_opens_nothing() {
    let case = Case::new().await;
    let refused = case.open_changed(|row| row.delivery = DeliveryId::from_bytes([9; 16])).await;
    assert_eq!(refused.kind(), Kind::Corrupt);
}

#[tokio::test]
async fn a_row_with_another_messages_dek_opens_nothing() {
    let case = Case::new().await;
    let other = case.rows[1].sealed_dek.clone();
    let refused = case.open_changed(|row| row.sealed_dek = other).await;
    assert_eq!(refused.kind(), Kind::Corrupt);
}

#[tokio::test]
async fn a_row_with_another_epoch_opens_nothing() {
    let case = Case::new().await;
    let refused = case.open_changed(|row| row.epoch = 2).await;
    assert_eq!(refused.kind(), Kind::Corrupt);
}

#[tokio::test]
async fn a_row_that_names_another_manifest_opens_nothing() {
    let case = Case::new().await;
    let other = case.rows[1].manifest;
    let refused = case.open_changed(|row| row.manifest = other).await;
    assert_eq!(refused.kind(), Kind::Corrupt);
}

#[tokio::test]
async fn a_row_in_anothers_mailbox_opens_nothing() {
    let case = Case::new().await;
    let bo = case.world.register(BO).await;
    let key = crate::mailbox::row::message_key(bo, 1);
    case.write(Table::Message, key.clone(), case.rows[0].encode().unwrap()).await;
    let id = Bytes::copy_from_slice(case.rows[0].id.as_bytes());
    case.write(Table::MessagePlace, id, key).await;
    let visit = case.world.visit(BO, Loa::Four).await;
    let refused = case.world.mailboxes.open(&visit, case.rows[0].id).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Corrupt);
}

#[tokio::test]
async fn a_place_row_that_leads_to_another_message_opens_nothing() {
    let case = Case::new().await;
    let id = Bytes::copy_from_slice(case.rows[0].id.as_bytes());
    case.write(Table::MessagePlace, id, case.keys[1].clone()).await;
    assert!(matches!(case.open(case.rows[0].id).await, HolderError::NoMessage));
}

#[tokio::test]
async fn every_flipped_byte_of_a_row_is_refused_or_changes_no_octet() {
    let case = Case::new().await;
    let whole = case.rows[0].encode().unwrap();
    for at in 0..whole.len() {
        let mut flipped = whole.to_vec();
        flipped[at] ^= 1;
        case.write(Table::Message, case.keys[0].clone(), flipped.into()).await;
        let visit = case.world.visit(ANNA, Loa::Four).await;
        // Only what is not authenticated (sender, times, sizes, flags) may differ.
        if let Ok(opened) = case.world.mailboxes.open(&visit, case.rows[0].id).await {
            assert_eq!(opened.view.subject, fixture::SUBJECT);
            assert_eq!(opened.view.class, ProtectionClass::Three);
        }
    }
}

/// A store over the same rows whose contents are swapped or flipped.
async fn altered_content(flip: impl Fn(&[Bytes]) -> Vec<Bytes>) -> HolderError {
    let case = Case::new().await;
    let trace = case.world.mailboxes.trace(case.rows[0].delivery).await.unwrap();
    let mut contents = Vec::new();
    for id in &trace.contents {
        contents.push(case.world.bench.store.content(*id, 0..1 << 20).await.unwrap());
    }
    let altered = flip(&contents);
    // Contents are never overwritten: the altered ones stand in a store of their own.
    let copy = Arc::new(Memory::new());
    let store = Store::new(Arc::<Memory>::clone(&copy));
    let mut changes = Changes::new();
    for table in Table::ALL {
        let rows = case.world.bench.store.scan(table, KeyRange::all(), 1000).await.unwrap().rows;
        for (key, value) in rows {
            changes.put(table, key, value);
        }
    }
    let new: Vec<NewContent> = trace
        .contents
        .iter()
        .zip(altered)
        .map(|(id, content): (&ContentId, Bytes)| NewContent { id: *id, pieces: vec![content] })
        .collect();
    let entry = case.world.last_entry();
    store.commit_with(changes, new, entry).await.unwrap();
    let surroundings = Surroundings {
        store: store.clone(),
        keys: case.world.bench.keys.clone(),
        jobs: Jobs::new(store, case.world.bench.clock.clone()),
        clock: case.world.bench.clock.clone(),
    };
    let mailboxes = Mailboxes::new(surroundings, Options::default());
    let visit = mailboxes.enter(case.world.caller(ANNA, Loa::Four)).await.unwrap();
    mailboxes.open(&visit, case.rows[0].id).await.expect_err("altered content must not open")
}

#[tokio::test]
async fn swapped_contents_of_one_delivery_are_refused() {
    let refused =
        altered_content(|parts| vec![parts[0].clone(), parts[2].clone(), parts[1].clone()]).await;
    assert_eq!(refused.kind(), Kind::Corrupt);
}

#[tokio::test]
async fn a_flipped_tag_of_any_content_is_refused_before_anything_is_given_out() {
    for which in 0..3 {
        let refused = altered_content(|parts| {
            let mut parts = parts.to_vec();
            let mut bytes = parts[which].to_vec();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            parts[which] = bytes.into();
            parts
        })
        .await;
        assert_eq!(refused.kind(), Kind::Corrupt);
    }
}

#[tokio::test]
async fn a_content_that_was_cut_or_extended_is_refused() {
    let cut = altered_content(|parts| {
        let mut parts = parts.to_vec();
        parts[1] = parts[1].slice(..parts[1].len() - 1);
        parts
    })
    .await;
    assert_eq!(cut.kind(), Kind::Corrupt);
}
