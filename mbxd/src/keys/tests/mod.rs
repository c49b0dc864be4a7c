//! The room as a whole.

mod flow;
mod interop;
mod keyring;
mod known;
mod tamper;
pub(crate) mod testing;
mod token;

use super::testing::{Bench, SoftCustody};
use super::*;
use crate::cipher::{ContentRoot, Dek};
use crate::hsm::{CustodyError, KeyPurpose};
use crate::store::back_end::simulated::{Fault, SimulatedDisk};
use crate::store::records::Records;
use crate::store::{Changes, KeyRange, Table};
use bytes::Bytes;
use mbx_common::assurance::{ProtectionClass, Tier};
use mbx_common::error::Kind;
use mbx_common::id::{DeliveryId, MailboxId, MessageId, PseudonymId};
use mbx_common::identity::NationalNumber;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const FIRST: &str = "191212121212";
const SECOND: &str = "189001019802";
const RECORD: &[u8] = b"who holds it";

fn number(text: &str) -> NationalNumber {
    text.parse().unwrap()
}

fn mailbox(byte: u8) -> MailboxId {
    MailboxId::from_bytes([byte; 16])
}

fn person(byte: u8) -> PseudonymId {
    PseudonymId::from_bytes([byte; 16])
}

fn session(byte: u8) -> HolderSession {
    HolderSession::from_digest([byte; 32])
}

fn new_mailbox(byte: u8, text: &str) -> NewMailbox {
    NewMailbox {
        mailbox: mailbox(byte),
        number: number(text),
        record: Zeroizing::new(RECORD.to_vec()),
        person: Some((person(byte), Zeroizing::new(text.as_bytes().to_vec()))),
    }
}

pub(super) fn binding(byte: u8, class: ProtectionClass) -> Binding {
    Binding {
        mailbox: mailbox(byte),
        epoch: 1,
        delivery: DeliveryId::from_bytes([1; 16]),
        message: MessageId::from_bytes([2; 16]),
        class,
        place: 0,
        root: ContentRoot::from_bytes([3; 32]),
    }
}

/// Two registered mailboxes, and their encrypted register records.
async fn registered() -> (Bench, Vec<MadeMailbox>) {
    let bench = Bench::open().await;
    let batch = vec![new_mailbox(1, FIRST), new_mailbox(2, SECOND)];
    let made = bench.keys.make_mailboxes(batch).await.unwrap();
    for mailbox in &made {
        bench.commit(mailbox.changes.clone()).await;
    }
    (bench, made)
}

async fn put(bench: &Bench, table: Table, key: &[u8], value: impl Into<Bytes>) {
    let mut changes = Changes::new();
    changes.put(table, Bytes::copy_from_slice(key), value.into());
    bench.commit(changes).await;
}

async fn row(bench: &Bench, table: Table, key: &[u8]) -> Vec<u8> {
    bench.store.get(table, key).await.unwrap().unwrap().to_vec()
}

/// Seals a DEK as a delivery does, opens it as a holder does.
async fn deliver_and_read(bench: &Bench, class: ProtectionClass) {
    let found = bench.keys.find(&number(FIRST)).await.unwrap().unwrap();
    let dek = Dek::generate();
    let sealed = seal_dek(&dek, &found.row.tier(class.tier()).public, &binding(1, class)).unwrap();
    let key = bench.keys.unlock_tier(session(1), mailbox(1), class.tier()).await.unwrap();
    let opened = key.open_dek(&sealed, &binding(1, class)).unwrap();
    assert!(bool::from(opened.ct_eq(&dek)));
}
