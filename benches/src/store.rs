//! The engine against the floor: appending the same bytes to a file with one sync.

use crate::BenchError;
use crate::counting::{CountingDisk, Counts};
use crate::report::{median, number};
use bytes::Bytes;
use futures_util::future::try_join_all;
use mbx_common::audit::{Actor, Entry, Event, Fact};
use mbx_common::id::ContentId;
use mbx_common::time::Timestamp;
use mbxd::config;
use mbxd::store::embedded::Embedded;
use mbxd::store::{Changes, CommitError, Engine, Expectation, NewContent, Table};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Figures of one group size; rates are messages per second.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Messages of one group.
    pub group: usize,
    /// Appending and one sync for each group, no index.
    pub floor_per_s: f64,
    /// The engine, as many senders as the group has messages.
    pub engine_per_s: f64,
    /// The engine's rate as a part of the floor's.
    pub ratio: f64,
    /// Syncs of the log for each group that was acknowledged.
    pub syncs_per_group: f64,
    /// Messages that shared a group, on average.
    pub units_per_group: f64,
    /// Bytes written to the log for each byte of ciphertext.
    pub log_bytes_per_byte: f64,
    /// Bytes written to log and index for each byte of ciphertext.
    pub bytes_per_byte: f64,
}

/// How long an opening took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ready {
    /// Units of work in the store.
    pub units: u64,
    /// After an orderly end.
    pub clean: Duration,
    /// After a kill.
    pub killed: Duration,
}

/// Runs both in turns on the same disk, `rounds` times `each`.
///
/// # Errors
/// [`BenchError`].
pub async fn against_floor(
    folder: &Path,
    group: usize,
    content_len: usize,
    rounds: u32,
    each: Duration,
) -> Result<Figures, BenchError> {
    let disk = CountingDisk::new(folder);
    let counts = disk.counts();
    let engine = Embedded::open(Arc::new(disk), &config::Store::default())?;
    let mut floor_file = File::create(folder.join("floor"))?;
    let body = Bytes::from(vec![0x5a; content_len]);
    let ids = Ids::default();
    // Both warm up once.
    floor(&mut floor_file, group, &body, each / 4)?;
    senders(&engine, &ids, group, &body, each / 4).await?;
    let before = Written::of(&counts);
    let stats_before = engine.stats();
    let (mut floor_rates, mut engine_rates) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        floor_rates.push(floor(&mut floor_file, group, &body, each)?);
        engine_rates.push(senders(&engine, &ids, group, &body, each).await?);
    }
    let stats = engine.stats();
    let written = Written::of(&counts);
    let groups = number(stats.groups - stats_before.groups);
    let (floor_per_s, engine_per_s) = (median(floor_rates), median(engine_rates));
    let log_bytes = written.log - before.log;
    let bytes = log_bytes + written.index - before.index;
    let content_bytes = number(stats.content_bytes - stats_before.content_bytes);
    let segments = stats.log_bytes / config::Store::default().segment_size.get();
    Ok(Figures {
        group,
        floor_per_s,
        engine_per_s,
        ratio: engine_per_s / floor_per_s,
        // A new segment is synced before it is used.
        syncs_per_group: number((written.log_syncs - before.log_syncs).saturating_sub(segments))
            / groups,
        units_per_group: number(stats.units - stats_before.units) / groups,
        log_bytes_per_byte: number(log_bytes) / content_bytes,
        bytes_per_byte: number(bytes) / content_bytes,
    })
}

/// Fills a store with small units and opens it again, after a kill and after an orderly end.
///
/// # Errors
/// [`BenchError`].
pub async fn ready(folder: &Path, units: u64) -> Result<Ready, BenchError> {
    // The one that counts as killed must not write again: no checkpoint by the clock.
    let config = config::Store {
        checkpoint_interval: config::value::Span::secs(86_400),
        ..config::Store::default()
    };
    let open = || Embedded::open(Arc::new(CountingDisk::new(folder)), &config);
    let killed_disk = Arc::new(CountingDisk::new(folder));
    let killed_one = Embedded::open(killed_disk.clone(), &config)?;
    let ids = Ids::default();
    let body = Bytes::from(vec![0x5a; 200]);
    for _ in 0..units / 500 {
        try_join_all((0..500).map(|_| commit(&killed_one, ids.next(), &body))).await?;
    }
    // Checkpoints come after answers: the second answer tells that none is under way.
    for _ in 0..2 {
        commit(&killed_one, ids.next(), &body).await?;
    }
    killed_disk.kill();
    let started = Instant::now();
    let engine = open()?;
    let killed = started.elapsed();
    engine.close();
    drop(engine);
    let started = Instant::now();
    let engine = open()?;
    let clean = started.elapsed();
    engine.close();
    drop(engine);
    drop(killed_one);
    Ok(Ready { units, clean, killed })
}

#[derive(Default)]
struct Ids(AtomicU64);

impl Ids {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

struct Written {
    log: u64,
    index: u64,
    log_syncs: u64,
}

impl Written {
    fn of(counts: &Counts) -> Self {
        Self {
            log: counts.log_bytes.load(Ordering::Relaxed),
            index: counts.index_bytes.load(Ordering::Relaxed),
            log_syncs: counts.log_syncs.load(Ordering::Relaxed),
        }
    }
}

/// Messages per second of appending groups with one sync each.
fn floor(file: &mut File, group: usize, body: &Bytes, time: Duration) -> io::Result<f64> {
    let whole = body.repeat(group);
    let started = Instant::now();
    let mut messages: u64 = 0;
    while started.elapsed() < time {
        file.write_all(&whole)?;
        rustix::fs::fdatasync(&*file)?;
        messages += u64::try_from(group).unwrap_or(u64::MAX);
    }
    Ok(number(messages) / started.elapsed().as_secs_f64())
}

/// Messages per second of so many senders, each waiting for its answer.
async fn senders(
    engine: &Arc<Embedded>,
    ids: &Ids,
    count: usize,
    body: &Bytes,
    time: Duration,
) -> Result<f64, BenchError> {
    let started = Instant::now();
    let sender = || async {
        let mut messages: u64 = 0;
        while started.elapsed() < time {
            commit(engine, ids.next(), body).await?;
            messages += 1;
        }
        Ok::<u64, CommitError>(messages)
    };
    let messages = try_join_all((0..count).map(|_| sender())).await?;
    Ok(number(messages.iter().sum()) / started.elapsed().as_secs_f64())
}

/// One unit such as a delivery makes: its rows, a content, an entry. Ids begin with the time, as
/// the daemon's do; marks and mailboxes are random.
async fn commit(engine: &Embedded, number: u64, body: &Bytes) -> Result<(), CommitError> {
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
