//! One unit of work such as a delivery makes, for measuring the engine alone.

use bytes::Bytes;
use mbx_common::audit::{Actor, Entry, Event, Fact};
use mbx_common::id::ContentId;
use mbx_common::time::Timestamp;
use mbxd::store::embedded::Embedded;
use mbxd::store::{Changes, CommitError, Engine as _, Expectation, NewContent, Table};
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers that are never used twice.
#[derive(Debug, Default)]
pub struct Numbers(AtomicU64);

impl Numbers {
    /// The next one.
    pub fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// Commits the rows, the content and the entry of a delivery. Ids begin with the time, as the
/// daemon's do; marks and mailboxes are random.
///
/// # Errors
/// [`CommitError`].
pub async fn commit(engine: &Embedded, number: u64, body: &Bytes) -> Result<(), CommitError> {
    let random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    let time = number.to_be_bytes();
    let id = |kind: u8| -> [u8; ContentId::LEN] {
        let mut id = [kind; ContentId::LEN];
        id.iter_mut().zip(time.iter().skip(2).chain(&random)).for_each(|(to, byte)| *to = *byte);
        id
    };
    let mark = [random, time, random, time].concat();
    let message = [random, random, time].concat();
    let mut changes = Changes::new();
    changes.expect(Table::Dedup, mark.clone(), Expectation::Absent);
    changes.put(Table::Dedup, mark.clone(), vec![1; 26]);
    changes.put(Table::Message, message.clone(), vec![2; 1360]);
    changes.put(Table::MessagePlace, id(3).to_vec(), message);
    changes.put(Table::Delivery, id(4).to_vec(), vec![4; 220]);
    changes.put(Table::DeliveryByTime, [time.as_slice(), &id(4)].concat(), vec![5; 3]);
    changes.put(Table::SenderMessage, [mark.as_slice(), &id(4)].concat(), Vec::new());
    changes.put(Table::Retention, [time.as_slice(), &mark].concat(), Vec::new());
    let content = NewContent { id: ContentId::from_bytes(id(1)), pieces: vec![body.clone()] };
    let entry = Entry::new(Timestamp::EPOCH, Event::DeliveryAccepted, Actor::Daemon)
        .fact(Fact::Bytes(number));
    engine.commit(changes, vec![content], entry).await.map(|_| ())
}
