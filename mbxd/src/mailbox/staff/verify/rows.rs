//! Rows against rows, and contents against rows.

use super::finding::{Fault, Finding, Sums, Verified, VerifyError};
use super::progress::Progress;
use super::scope::Scope;
use crate::cipher::ContentRoot;
use crate::mailbox::reading::{HolderError, stored_root};
use crate::mailbox::row::{Answer, DeliveryOutcome, MailboxRow, MessageRow, message_parts};
use crate::mailbox::service::Mailboxes;
use crate::mailbox::staff::error::StaffError;
use crate::store::{BadRow, KeyRange, ReadError, Row as _, Table};
use bytes::Bytes;
use mbx_common::error::Kind;
use mbx_common::id::{DeliveryId, MailboxId, MessageId};
use std::collections::HashMap;

/// Rows read at a time.
const STEP_ROWS: usize = 500;
/// How often a row that changes while it is judged is judged anew.
const TRIES_MAX: usize = 4;
/// Deliveries whose contents are remembered as read: a `notify` to many is read once.
const REMEMBERED_MAX: usize = 100_000;

/// What the rows tell.
pub(super) struct Rows<'a> {
    mailboxes: &'a Mailboxes,
    progress: &'a Progress<'a>,
    scope: Scope,
    verified: &'a mut Verified,
    /// Deliveries whose contents were read, and what was wrong with them.
    read: HashMap<DeliveryId, Option<Fault>>,
    sums: Sums,
}

impl<'a> Rows<'a> {
    /// Reads every row in scope and compares it with the rows that it names.
    pub(super) async fn read(
        (mailboxes, progress): (&'a Mailboxes, &'a Progress<'a>),
        scope: Scope,
        verified: &'a mut Verified,
    ) -> Result<Sums, VerifyError> {
        let (read, sums) = (HashMap::new(), Sums::default());
        let mut rows = Self { mailboxes, progress, scope, verified, read, sums };
        rows.mailbox_rows().await?;
        rows.message_rows().await?;
        if scope.mailbox.is_none() {
            rows.places().await?;
        }
        Ok(rows.sums)
    }

    async fn mailbox_rows(&mut self) -> Result<(), VerifyError> {
        let mut range = self.scope.range();
        loop {
            let store = self.mailboxes.store();
            let page = store.scan(Table::Mailbox, range.clone(), STEP_ROWS).await?;
            for (key, raw) in &page.rows {
                let id = MailboxId::from_slice(key).ok_or(BadRow)?;
                self.verified.mailboxes = self.verified.mailboxes.saturating_add(1);
                if let Some(fault) = self.mailbox_fault(id, raw).await? {
                    self.verified.add(Finding { mailbox: Some(id), ..Finding::of(fault) });
                }
            }
            self.progress.step(page.rows.len()).await?;
            match page.rows.last() {
                Some((last, _)) if page.more => range.from = after(last),
                _ => return Ok(()),
            }
        }
    }

    /// The page and the directory were read at different moments: before a fault counts, the row is
    /// read again, and judged anew where it changed meanwhile.
    async fn mailbox_fault(
        &self,
        id: MailboxId,
        raw: &Bytes,
    ) -> Result<Option<Fault>, VerifyError> {
        let mut raw = raw.clone();
        let mut fault = None;
        for _ in 0..TRIES_MAX {
            fault = match MailboxRow::decode(&raw) {
                Ok(row) => self.directory_fault(id, &row).await?,
                Err(BadRow) => Some(Fault::RowDamaged),
            };
            if fault.is_none() {
                return Ok(None);
            }
            match self.mailboxes.store().get(Table::Mailbox, id.as_bytes()).await? {
                None => return Ok(None),
                Some(now) if now == raw => return Ok(fault),
                Some(now) => raw = now,
            }
        }
        Ok(fault)
    }

    /// While the keys are locked the directory cannot be judged: that is no fault of the mailbox.
    async fn directory_fault(
        &self,
        id: MailboxId,
        row: &MailboxRow,
    ) -> Result<Option<Fault>, VerifyError> {
        match self.mailboxes.directory(id, row).await {
            Ok(found) if Some(found.row.state) == row.state() => Ok(None),
            Err(StaffError::Keys(error)) if error.kind() == Kind::Unavailable => Ok(None),
            Err(StaffError::Read(error)) => Err(error.into()),
            Ok(_) | Err(_) => Ok(Some(Fault::Directory)),
        }
    }

    async fn message_rows(&mut self) -> Result<(), VerifyError> {
        let mut range = self.scope.range();
        let mut mailbox_known = None;
        loop {
            let store = self.mailboxes.store();
            let page = store.scan(Table::Message, range.clone(), STEP_ROWS).await?;
            for (key, raw) in &page.rows {
                let (mailbox, _) = message_parts(key).ok_or(BadRow)?;
                self.verified.messages = self.verified.messages.saturating_add(1);
                if mailbox_known != Some(mailbox) {
                    self.mailbox_exists(mailbox).await?;
                    mailbox_known = Some(mailbox);
                }
                self.message_row(mailbox, key, raw).await?;
            }
            self.progress.step(page.rows.len()).await?;
            match page.rows.last() {
                Some((last, _)) if page.more => range.from = after(last),
                _ => return Ok(()),
            }
        }
    }

    async fn mailbox_exists(&mut self, mailbox: MailboxId) -> Result<(), VerifyError> {
        let row = self.mailboxes.store().get(Table::Mailbox, mailbox.as_bytes()).await?;
        if row.is_none() {
            self.verified.add(Finding { mailbox: Some(mailbox), ..Finding::of(Fault::NoMailbox) });
        }
        Ok(())
    }

    /// The page, the place and the delivery were read at different moments, and an erased message
    /// loses all of them at once: before faults count, the row is read again, and judged anew where
    /// it changed meanwhile.
    async fn message_row(
        &mut self,
        mailbox: MailboxId,
        key: &Bytes,
        raw: &Bytes,
    ) -> Result<(), VerifyError> {
        let mut raw = raw.clone();
        if let Ok(row) = MessageRow::decode(&raw) {
            self.sums.add(mailbox, row.id);
        }
        let mut findings = Vec::new();
        for _ in 0..TRIES_MAX {
            findings = self.message_findings(mailbox, key, &raw).await?;
            if findings.is_empty() {
                return Ok(());
            }
            match self.mailboxes.store().get(Table::Message, key).await? {
                None => return Ok(()),
                Some(now) if now == raw => break,
                Some(now) => raw = now,
            }
        }
        for finding in findings {
            self.verified.add(finding);
        }
        Ok(())
    }

    async fn message_findings(
        &mut self,
        mailbox: MailboxId,
        key: &Bytes,
        raw: &Bytes,
    ) -> Result<Vec<Finding>, VerifyError> {
        let Ok(row) = MessageRow::decode(raw) else {
            let finding = Finding::of(Fault::RowDamaged);
            return Ok(vec![Finding { mailbox: Some(mailbox), ..finding }]);
        };
        let place = self.mailboxes.store().get(Table::MessagePlace, row.id.as_bytes()).await?;
        let mut faults = Vec::new();
        if place.as_ref() != Some(key) {
            faults.push(Fault::Place);
        }
        match self.answer(row.delivery).await? {
            Some(answer) if agrees(&answer, mailbox, &row) => {
                faults.extend(self.contents_fault(row.delivery, &answer).await?);
            }
            _ => faults.push(Fault::Delivery),
        }
        let finding = |fault| Finding {
            fault,
            mailbox: Some(mailbox),
            message: Some(row.id),
            delivery: Some(row.delivery),
        };
        Ok(faults.into_iter().map(finding).collect())
    }

    async fn answer(&self, delivery: DeliveryId) -> Result<Option<Answer>, VerifyError> {
        match self.mailboxes.delivery_row(delivery).await {
            Ok(Some(row)) if row.outcome == DeliveryOutcome::Accepted => Ok(row.answer),
            Err(StaffError::Read(ReadError::Unavailable)) => Err(ReadError::Unavailable.into()),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// Reads the contents of a delivery once, where the sample has it.
    async fn contents_fault(
        &mut self,
        delivery: DeliveryId,
        answer: &Answer,
    ) -> Result<Option<Fault>, VerifyError> {
        if let Some(fault) = self.read.get(&delivery) {
            return Ok(*fault);
        }
        if !self.scope.samples(delivery) {
            return Ok(None);
        }
        let root = stored_root(self.mailboxes.store(), &answer.contents).await;
        let fault = match root {
            Ok(root) if root.root == ContentRoot::from_bytes(answer.content_root) => {
                self.verified.bytes = self.verified.bytes.saturating_add(root.stored_len);
                None
            }
            Ok(_) => Some(Fault::ContentRoot),
            Err(HolderError::Read(ReadError::Unavailable)) => {
                return Err(ReadError::Unavailable.into());
            }
            Err(_) => Some(Fault::Content),
        };
        if self.read.len() < REMEMBERED_MAX {
            self.read.insert(delivery, fault);
        }
        Ok(fault)
    }

    async fn places(&mut self) -> Result<(), VerifyError> {
        let mut range = KeyRange::all();
        loop {
            let store = self.mailboxes.store();
            let page = store.scan(Table::MessagePlace, range.clone(), STEP_ROWS).await?;
            for (id, key) in &page.rows {
                if self.dangles(id, key).await? {
                    let message = MessageId::from_slice(id);
                    let mailbox = message_parts(key).map(|(mailbox, _)| mailbox);
                    let finding = Finding::of(Fault::PlaceDangling);
                    self.verified.add(Finding { mailbox, message, ..finding });
                }
            }
            self.progress.step(page.rows.len()).await?;
            match page.rows.last() {
                Some((last, _)) if page.more => range.from = after(last),
                _ => return Ok(()),
            }
        }
    }

    /// Whether the place leads to no message and still stands: one that was erased meanwhile lost
    /// both rows at once.
    async fn dangles(&self, id: &Bytes, key: &Bytes) -> Result<bool, VerifyError> {
        let store = self.mailboxes.store();
        if store.get(Table::Message, key).await?.is_some() {
            return Ok(false);
        }
        Ok(store.get(Table::MessagePlace, id).await?.as_ref() == Some(key))
    }
}

/// Whether message and delivery tell the same.
fn agrees(answer: &Answer, mailbox: MailboxId, row: &MessageRow) -> bool {
    answer.class == Some(row.class)
        && answer.content_root == row.content_root
        && answer.contents.first() == Some(&row.manifest)
        && answer.mailboxes.contains(&mailbox)
        && row.place < u32::from(answer.messages)
}

impl Scope {
    fn range(self) -> KeyRange {
        self.mailbox.map_or_else(KeyRange::all, |id| KeyRange::prefix(id.as_bytes()))
    }

    /// Ids end in random bytes: the last one is a fair die, and the same delivery always falls alike.
    fn samples(self, delivery: DeliveryId) -> bool {
        let [.., last] = *delivery.as_bytes();
        u32::from(last) * 100 < 256 * u32::from(self.sample_pct)
    }
}

fn after(key: &Bytes) -> Bytes {
    [key, &[0][..]].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_of_deliveries_of_one_moment_is_as_large_as_was_asked() {
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        let ids: Vec<_> =
            (0..4000).map(|_| DeliveryId::from_bytes(crate::random::id(now))).collect();
        let taken = |sample_pct| {
            let scope = Scope { mailbox: None, sample_pct };
            ids.iter().filter(|id| scope.samples(**id)).count()
        };
        assert!((100..350).contains(&taken(5)), "{}", taken(5));
        assert_eq!(taken(100), 4000);
    }
}
