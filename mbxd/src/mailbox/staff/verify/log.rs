//! The audit log against rows.

use super::finding::{Fault, Finding, Sums, Verified, VerifyError};
use super::progress::Progress;
use super::scope::Scope;
use crate::mailbox::row::{MessageRow, message_parts};
use crate::mailbox::service::Mailboxes;
use crate::store::{BadRow, KeyRange, Row as _, Table};
use mbx_common::audit::{Entry, Event, Fact, Subject};
use mbx_common::id::{DeliveryId, MailboxId, MessageId};
use std::collections::HashMap;

/// Entries read at a time.
const STEP_ENTRIES: usize = 500;
/// Message rows read at a time.
const STEP_ROWS: usize = 500;

/// What one entry says was delivered.
struct Told {
    mailbox: MailboxId,
    message: MessageId,
    delivery: DeliveryId,
    class: u8,
    root: [u8; 32],
}

/// What the log tells.
pub(super) struct Log<'a> {
    mailboxes: &'a Mailboxes,
    progress: &'a Progress<'a>,
    scope: Scope,
    verified: &'a mut Verified,
    /// Messages told of and not found, until an entry tells that they were erased.
    missing: HashMap<MessageId, (MailboxId, DeliveryId)>,
    sums: Sums,
}

impl<'a> Log<'a> {
    /// Reads the whole log and compares what it tells with the rows.
    pub(super) async fn compare(
        (mailboxes, progress): (&'a Mailboxes, &'a Progress<'a>),
        scope: Scope,
        verified: &'a mut Verified,
    ) -> Result<Sums, VerifyError> {
        let (missing, sums) = (HashMap::new(), Sums::default());
        let mut log = Self { mailboxes, progress, scope, verified, missing, sums };
        log.entries().await?;
        let mut missing: Vec<_> = log.missing.drain().collect();
        missing.sort_unstable();
        for (message, (mailbox, delivery)) in missing {
            log.verified.add(Finding {
                fault: Fault::MessageMissing,
                mailbox: Some(mailbox),
                message: Some(message),
                delivery: Some(delivery),
            });
        }
        Ok(log.sums)
    }

    async fn entries(&mut self) -> Result<(), VerifyError> {
        let mut leaves = Leaves::new(self.mailboxes);
        while let Some(page) = leaves.next().await? {
            self.progress.step(page.len()).await?;
            for entry in page {
                self.verified.entries = self.verified.entries.saturating_add(1);
                let Some(entry) = entry else {
                    self.verified.add(Finding::of(Fault::EntryDamaged));
                    continue;
                };
                if entry.event == Event::MessagesErased {
                    for subject in entry.subjects {
                        if let Subject::Message(message) = subject {
                            self.missing.remove(&message);
                        }
                    }
                    continue;
                }
                for told in told(&entry) {
                    if self.scope.covers(told.mailbox) {
                        self.compare_with_row(&told).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn compare_with_row(&mut self, told: &Told) -> Result<(), VerifyError> {
        let store = self.mailboxes.store();
        let key = store.get(Table::MessagePlace, told.message.as_bytes()).await?;
        let raw = match &key {
            Some(key) => store.get(Table::Message, key).await?,
            None => None,
        };
        let (Some(key), Some(raw)) = (key, raw) else {
            self.missing.insert(told.message, (told.mailbox, told.delivery));
            return Ok(());
        };
        let mailbox = message_parts(&key).map(|(mailbox, _)| mailbox);
        let same = MessageRow::decode(&raw).is_ok_and(|row| {
            mailbox == Some(told.mailbox)
                && row.id == told.message
                && row.delivery == told.delivery
                && row.class.number() == told.class
                && row.content_root == told.root
        });
        self.sums.add(told.mailbox, told.message);
        if !same {
            self.verified.add(Finding {
                fault: Fault::LogDiffers,
                mailbox: Some(told.mailbox),
                message: Some(told.message),
                delivery: Some(told.delivery),
            });
        }
        Ok(())
    }
}

/// Names the messages of these mailboxes that no entry tells of.
pub(super) async fn find_untold(
    mailboxes: &Mailboxes,
    unequal: &[MailboxId],
    verified: &mut Verified,
) -> Result<(), VerifyError> {
    let mut untold = HashMap::new();
    for &mailbox in unequal {
        let mut range = KeyRange::prefix(mailbox.as_bytes());
        loop {
            let page = mailboxes.store().scan(Table::Message, range.clone(), STEP_ROWS).await?;
            for (_, raw) in &page.rows {
                if let Ok(row) = MessageRow::decode(raw) {
                    untold.insert(row.id, (mailbox, row.delivery));
                }
            }
            match page.rows.last() {
                Some((last, _)) if page.more => range.from = [last, &[0][..]].concat().into(),
                _ => break,
            }
        }
    }
    let mut leaves = Leaves::new(mailboxes);
    while let Some(page) = leaves.next().await? {
        for entry in page.into_iter().flatten() {
            for told in told(&entry) {
                untold.remove(&told.message);
            }
        }
    }
    let mut untold: Vec<_> = untold.into_iter().collect();
    untold.sort_unstable();
    for (message, (mailbox, delivery)) in untold {
        verified.add(Finding {
            fault: Fault::NotInLog,
            mailbox: Some(mailbox),
            message: Some(message),
            delivery: Some(delivery),
        });
    }
    Ok(())
}

/// The messages that an entry says were delivered: its subjects name each mailbox before that
/// mailbox's messages.
fn told(entry: &Entry) -> Vec<Told> {
    if entry.event != Event::DeliveryAccepted {
        return Vec::new();
    }
    let (mut class, mut root) = (0, [0; 32]);
    for fact in &entry.facts {
        if let Fact::Class(number) = fact {
            class = *number;
        }
        if let Fact::ContentRoot(digest) = fact {
            root = *digest;
        }
    }
    let (mut mailbox, mut delivery) = (None, None);
    let mut told = Vec::new();
    for subject in &entry.subjects {
        match *subject {
            Subject::Delivery(id) => delivery = Some(id),
            Subject::Mailbox(id) => mailbox = Some(id),
            Subject::Message(message) => {
                if let (Some(mailbox), Some(delivery)) = (mailbox, delivery) {
                    told.push(Told { mailbox, message, delivery, class, root });
                }
            }
            Subject::Operator(_)
            | Subject::Session(_)
            | Subject::Job(_)
            | Subject::Key(_)
            | Subject::Person(_)
            | Subject::Organisation(_) => {}
        }
    }
    told
}

/// The entries of the log up to its end at the moment, page by page.
struct Leaves<'a> {
    mailboxes: &'a Mailboxes,
    next: u64,
}

impl<'a> Leaves<'a> {
    const fn new(mailboxes: &'a Mailboxes) -> Self {
        Self { mailboxes, next: 0 }
    }

    /// The next entries; `None` for one that cannot be read.
    async fn next(&mut self) -> Result<Option<Vec<Option<Entry>>>, VerifyError> {
        let leaves = self.mailboxes.store().leaves(self.next, STEP_ENTRIES).await?;
        if leaves.is_empty() {
            return Ok(None);
        }
        let count = u64::try_from(leaves.len()).map_err(|_| BadRow)?;
        self.next = self.next.saturating_add(count);
        Ok(Some(leaves.iter().map(|leaf| Entry::decode(leaf).ok()).collect()))
    }
}
