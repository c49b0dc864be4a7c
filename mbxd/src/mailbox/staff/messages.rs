//! Messages as staff see them: no subject, no names of parts.

use super::error::StaffError;
use super::holders::subjects;
use crate::mailbox::row::{MessageRow, message_key, message_parts};
use crate::mailbox::service::Mailboxes;
use crate::store::{BadRow, Changes, KeyRange, Row as _, Table};
use mbx_common::assurance::ProtectionClass;
use mbx_common::audit::{Event, Fact, Origin};
use mbx_common::id::{DeliveryId, MailboxId, MessageId};
use mbx_common::identity::OrganisationNumber;
use mbx_common::limit::{LIST_ROWS_DEFAULT, LIST_ROWS_MAX};
use mbx_common::time::Timestamp;

/// Rows read for one page at most, whatever the filter leaves out.
const ROWS_READ_MAX: usize = 10 * LIST_ROWS_MAX;

/// Which messages.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct MessageFilter {
    /// Only this class.
    pub class: Option<ProtectionClass>,
    /// Deleted ones instead of the others.
    pub deleted: bool,
    /// Rows at most.
    pub limit: Option<usize>,
    /// Read on before this place; from a former [`MessagePage::next`].
    pub before: Option<u64>,
}

/// A message's facts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MessageFacts {
    /// The message.
    pub message: MessageId,
    /// The delivery that brought it.
    pub delivery: DeliveryId,
    /// The authority.
    pub sender: OrganisationNumber,
    /// When it came.
    pub received: Timestamp,
    /// Its class.
    pub class: ProtectionClass,
    /// Decoded length of its parts, in bytes.
    pub len: u64,
    /// When it was marked read.
    pub read: Option<Timestamp>,
    /// When it was deleted.
    pub deleted: Option<Timestamp>,
}

/// One page, the newest first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MessagePage {
    /// The messages.
    pub messages: Vec<MessageFacts>,
    /// Where to read on; `None` at the end.
    pub next: Option<u64>,
}

impl Mailboxes {
    /// Lists the messages of a mailbox, the newest first. Who writes to a holder is told of the
    /// holder: its entry is durable before.
    ///
    /// # Errors
    /// [`StaffError::NoMailbox`].
    pub async fn messages(
        &self,
        mailbox: MailboxId,
        filter: MessageFilter,
        origin: &Origin,
    ) -> Result<MessagePage, StaffError> {
        let person = self.mailbox_row(mailbox).await?.ok_or(StaffError::NoMailbox)?.pseudonym;
        let page = self.message_page(mailbox, filter).await?;
        let shown = u64::try_from(page.messages.len()).unwrap_or(u64::MAX);
        let mut entry = origin.entry(self.now(), Event::MessagesShown).fact(Fact::Count(shown));
        entry.subjects.extend(subjects(mailbox, person));
        self.store().commit(Changes::new(), entry).await?;
        Ok(page)
    }

    async fn message_page(
        &self,
        mailbox: MailboxId,
        filter: MessageFilter,
    ) -> Result<MessagePage, StaffError> {
        let limit = filter.limit.unwrap_or(LIST_ROWS_DEFAULT).clamp(1, LIST_ROWS_MAX);
        let mut range = KeyRange::prefix(mailbox.as_bytes()).backwards();
        if let Some(before) = filter.before {
            range.until = Some(message_key(mailbox, before));
        }
        let (mut messages, mut read) = (Vec::new(), 0_usize);
        loop {
            let page = self.store().scan(Table::Message, range.clone(), LIST_ROWS_MAX).await?;
            read = read.saturating_add(page.rows.len());
            let mut last = None;
            for (key, raw) in &page.rows {
                let row = MessageRow::decode(raw)?;
                let (_, sequence) = message_parts(key).ok_or(BadRow)?;
                last = Some(sequence);
                if !filter.admits(&row) {
                    continue;
                }
                messages.push(facts(&row));
                if messages.len() == limit {
                    return Ok(MessagePage { messages, next: last });
                }
            }
            match last {
                Some(last) if page.more && read < ROWS_READ_MAX => {
                    range.until = Some(message_key(mailbox, last));
                }
                last => return Ok(MessagePage { messages, next: last.filter(|_| page.more) }),
            }
        }
    }
}

impl MessageFilter {
    fn admits(&self, row: &MessageRow) -> bool {
        row.deleted.is_some() == self.deleted && self.class.is_none_or(|class| class == row.class)
    }
}

fn facts(row: &MessageRow) -> MessageFacts {
    MessageFacts {
        message: row.id,
        delivery: row.delivery,
        sender: row.sender,
        received: row.received,
        class: row.class,
        len: row.len,
        read: row.read,
        deleted: row.deleted.map(|deletion| deletion.at),
    }
}
