//! Reading the log in order, from a position to its end: checking, finding where it is torn, and
//! telling a torn end from damage.

use super::error::OpenError;
use super::group::{self, GroupHeader};
use super::record::{RECORD_LEN_MAX, Record};
use super::segment::{self, FIRST_GROUP, Segment, StoreId};
use crate::store::back_end::{BackEnd, BackFile, SECTOR_LEN, len_u64};
use std::io;
use std::sync::Arc;

/// Bytes read at once while a later group is sought.
const BLOCK_LEN: usize = 1 << 20;

/// A place in the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Position {
    pub(super) segment: u32,
    pub(super) offset: u64,
}

/// What is known beforehand about where the log ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// With the unit of this LSN, which is durable: what comes after was never acknowledged.
    At(u64),
    /// Not before the unit of this LSN, which is durable; 0 = nothing is known.
    NotBefore(u64),
}

/// A walk through the log.
pub(super) struct Walk<'a> {
    back: &'a dyn BackEnd,
    segments: &'a [Segment],
    store: StoreId,
    seed: u32,
    file: Arc<dyn BackFile>,
    /// Where the next group begins.
    pub(super) position: Position,
    /// LSN and leaf index of the next record.
    pub(super) next_lsn: u64,
    pub(super) next_leaf: u64,
    /// Last LSN to be read.
    last: u64,
    /// Last LSN known to be durable.
    durable: u64,
    ended: bool,
    /// The group that ended the log because it is not sound.
    unsound: Option<Position>,
}

/// The sound records of one group.
pub(super) struct Group {
    /// The segment it stands in.
    pub(super) segment: u32,
    /// Where its first record stands in the segment.
    pub(super) records_at: u64,
    /// Its records' bytes, one after another.
    bytes: Vec<u8>,
    /// Where each sound record begins in `bytes`.
    starts: Vec<usize>,
    seed: u32,
    end: usize,
}

impl<'a> Walk<'a> {
    /// Begins behind the unit `lsn` (0 = none), which ended at `from`.
    pub(super) fn new(
        back: &'a dyn BackEnd,
        segments: &'a [Segment],
        from: Position,
        (lsn, leaves): (u64, u64),
        end: End,
    ) -> Result<Self, OpenError> {
        let next_lsn = lsn.saturating_add(1);
        let (last, durable) = match end {
            End::At(last) => (last, last),
            End::NotBefore(durable) => (u64::MAX, durable),
        };
        let home = home(segments, next_lsn).ok_or(OpenError::LogMissing { lsn })?;
        let position = if home.number == from.segment {
            from
        } else if home.first_lsn == next_lsn {
            Position { segment: home.number, offset: FIRST_GROUP }
        } else if home.number < from.segment {
            return Err(OpenError::SegmentMissing { segment: from.segment, lsn });
        } else {
            return Err(OpenError::IndexDamaged(None));
        };
        let file = back.open(&segment::name(position.segment))?;
        if file.len()? < position.offset {
            return Err(OpenError::Damaged { segment: position.segment, offset: file.len()? });
        }
        Ok(Self {
            back,
            segments,
            store: home.store,
            seed: group::seed(&home.store),
            file,
            position,
            next_lsn,
            next_leaf: leaves,
            last,
            durable,
            ended: last < next_lsn,
            unsound: None,
        })
    }

    /// The last unit read so far; 0 = none.
    pub(super) fn last_lsn(&self) -> u64 {
        self.next_lsn.saturating_sub(1)
    }

    /// Where the group begins that ended the log because it is not sound: torn, or altered.
    pub(super) fn unsound(&self) -> Option<Position> {
        self.unsound
    }

    /// The store that the log belongs to.
    pub(super) fn store(&self) -> StoreId {
        self.store
    }

    /// The next group's records; `None` at the end of the log.
    ///
    /// # Errors
    /// [`OpenError::Damaged`] where a record cannot be read that was durable.
    pub(super) fn next_group(&mut self) -> Result<Option<Group>, OpenError> {
        if self.ended {
            return Ok(None);
        }
        self.enter_next_segment()?;
        let Position { segment, offset } = self.position;
        let mut header = [0; group::HEADER_LEN];
        let read = read_up_to(&*self.file, offset, &mut header)?;
        let header =
            GroupHeader::decode(self.seed, segment, header.get(..read).unwrap_or_default())
                .filter(|header| header.first_lsn == self.next_lsn && header.records > 0);
        let Some(header) = header else { return self.end_at(offset) };
        let group = self.read_group(&header)?;
        let (records, sound_end) = (len_u64(group.starts.len()), group.end);
        self.next_lsn = self.next_lsn.saturating_add(records);
        self.next_leaf = self.next_leaf.saturating_add(records);
        if self.next_lsn > self.last {
            self.ended = true;
        } else if records < u64::from(header.records) {
            self.end_at(group.records_at.saturating_add(len_u64(sound_end)))?;
        }
        self.position.offset = offset.saturating_add(header.group_len());
        Ok((!group.starts.is_empty()).then_some(group))
    }

    /// Goes on in the segment where the next unit stands, if that is another one.
    fn enter_next_segment(&mut self) -> Result<(), OpenError> {
        match home(self.segments, self.next_lsn) {
            Some(home) if home.number > self.position.segment => {
                self.position = Position { segment: home.number, offset: FIRST_GROUP };
                self.file = self.back.open(&home.name())?;
            }
            _ => {}
        }
        Ok(())
    }

    fn read_group(&self, header: &GroupHeader) -> Result<Group, OpenError> {
        let records_at = self.position.offset.saturating_add(len_u64(group::HEADER_LEN));
        // A length that no group of ours can have is read as far as there are bytes.
        let there = self.file.len()?.saturating_sub(records_at);
        let len = header.records_len.min(there).min(RECORD_LEN_MAX.saturating_mul(2));
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        let read = read_up_to(&*self.file, records_at, &mut bytes)?;
        bytes.truncate(read);
        let mut group = Group {
            segment: self.position.segment,
            records_at,
            bytes,
            starts: Vec::new(),
            seed: self.seed,
            end: 0,
        };
        let mut lsn = self.next_lsn;
        let mut leaf = self.next_leaf;
        for _ in 0..header.records {
            let rest = group.bytes.get(group.end..).unwrap_or_default();
            let Some(record) = Record::decode(self.seed, rest)
                .filter(|record| (record.lsn, record.leaf) == (lsn, leaf) && lsn <= self.last)
            else {
                break;
            };
            let record_len = usize::try_from(record.len()).unwrap_or(usize::MAX);
            group.starts.push(group.end);
            group.end = group.end.saturating_add(record_len);
            (lsn, leaf) = (lsn.saturating_add(1), leaf.saturating_add(1));
        }
        Ok(group)
    }

    /// The log cannot be read on from here: its end, unless what follows proves that the next unit
    /// was durable.
    fn end_at(&mut self, offset: u64) -> Result<Option<Group>, OpenError> {
        self.ended = true;
        self.unsound = Some(self.position);
        let segment = self.position.segment;
        let known_durable = self.next_lsn <= self.durable;
        let later_segment = self.segments.iter().any(|later| later.number > segment);
        if known_durable || later_segment || self.later_group_calls_durable()? {
            return Err(OpenError::Damaged { segment, offset });
        }
        Ok(None)
    }

    /// Whether a group further on in the segment says that the next unit was durable.
    fn later_group_calls_durable(&self) -> Result<bool, OpenError> {
        let sector_len = usize::try_from(SECTOR_LEN).unwrap_or(usize::MAX);
        let mut offset = self.position.offset;
        let mut block = vec![0; BLOCK_LEN];
        loop {
            let read = read_up_to(&*self.file, offset, &mut block)?;
            let sectors = block.get(..read).unwrap_or_default().chunks(sector_len);
            let mut headers = sectors
                .filter_map(|sector| GroupHeader::decode(self.seed, self.position.segment, sector));
            if headers.any(|header| header.durable_lsn >= self.next_lsn) {
                return Ok(true);
            }
            if read < BLOCK_LEN {
                return Ok(false);
            }
            offset = offset.saturating_add(len_u64(BLOCK_LEN));
        }
    }
}

impl Group {
    /// The records with the place of each.
    pub(super) fn records(&self) -> impl Iterator<Item = (Position, Record<'_>)> {
        self.starts.iter().filter_map(|start| {
            let record = Record::decode(self.seed, self.bytes.get(*start..)?)?;
            let offset = self.records_at.saturating_add(len_u64(*start));
            Some((Position { segment: self.segment, offset }, record))
        })
    }

    /// Number of records.
    pub(super) fn count(&self) -> usize {
        self.starts.len()
    }

    /// The bytes of the sound records.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.end).unwrap_or_default()
    }
}

/// The segment where the unit with this LSN stands: the last that begins at or before it.
pub(super) fn home(segments: &[Segment], lsn: u64) -> Option<&Segment> {
    segments.iter().rev().find(|segment| segment.first_lsn <= lsn)
}

/// Fills the buffer as far as the file goes.
fn read_up_to(file: &dyn BackFile, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let read = file.read_at(offset.saturating_add(len_u64(done)), rest)?;
        if read == 0 {
            break;
        }
        done = done.saturating_add(read);
    }
    Ok(done)
}
