//! Opening, appending to and reading a record file.

use super::frame::{
    self, BATCH_RECORDS_MAX, Batch, FILE_HEADER_LEN, FileHeader, RECORD_HEADER_LEN, RECORD_LEN_MAX,
};
use super::tail;
use crate::random;
use crate::store::aside::folder;
use crate::store::back_end::{BackEnd, BackFile, len_u64, read_exact_at, write_all_at};
use bytes::Bytes;
use mbx_common::error::Kind;
use std::io::{self, ErrorKind, IoSlice};
use std::sync::{Arc, Mutex, PoisonError};

/// Why a record file could not be opened, read or appended to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordsError {
    /// The disk failed. Nothing of a failed append will ever be seen.
    #[error("the record file cannot be read or written")]
    Io(#[from] io::Error),
    /// The file or a record fails its checksum.
    #[error("the record file is damaged at byte {offset}")]
    Damaged {
        /// Where.
        offset: u64,
    },
    /// The file ends before what is known to have been durable.
    #[error("the record file ends at byte {end}, but {durable_len} bytes of it were durable")]
    Short {
        /// Where the last whole batch ends.
        end: u64,
        /// Length that its user knows to have been durable.
        durable_len: u64,
    },
    /// The file was written by a newer program.
    #[error("the record file has format {found}; this program reads up to {known}")]
    Newer {
        /// Format of the file.
        found: u16,
        /// Newest format known here.
        known: u16,
    },
    /// No record begins at this position.
    #[error("no record begins at byte {position}")]
    NoRecord {
        /// The position asked for.
        position: u64,
    },
    /// A batch of no or too many records, or too long a record.
    #[error("a batch holds 1 to {BATCH_RECORDS_MAX} records of at most {RECORD_LEN_MAX} bytes")]
    TooLarge,
}

impl RecordsError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Io(_) => Kind::Unavailable,
            Self::Damaged { .. }
            | Self::NoRecord { .. }
            | Self::Newer { .. }
            | Self::Short { .. } => Kind::Corrupt,
            Self::TooLarge => Kind::Internal,
        }
    }

    /// Names the file in the journal where it is damaged: the callers know no names.
    fn tell(&self, name: &str) {
        if let Self::Damaged { .. } | Self::Short { .. } = self {
            tracing::error!(file = name, "{self}");
        }
    }
}

/// Some records of a scan.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ScanPage {
    /// Positions and records in the order of appending.
    pub records: Vec<(u64, Bytes)>,
    /// Where to go on; `None` at the end.
    pub next: Option<u64>,
}

/// A record file. Cheap to clone; all methods block, appending for one sync.
#[derive(Clone)]
pub struct Records(Arc<Inner>);

struct Inner {
    name: String,
    file: Arc<dyn BackFile>,
    seed: u32,
    end: Mutex<End>,
}

/// Where the next batch goes.
struct End {
    offset: u64,
    /// Whether an append failed, so that bytes past the end must be cut before the next one.
    failed: bool,
}

impl Records {
    /// Opens the file, or makes it where it is missing; its folder must exist.
    ///
    /// The last batch is written again and synced: what the page cache holds of it may never have
    /// reached the disk. What fails its checksum at the end is copied to `<name>.torn-<offset>`
    /// before it is cut: it may be a batch that was never acknowledged, or a damaged one that was.
    ///
    /// # Errors
    /// [`RecordsError::Io`], [`RecordsError::Damaged`] where the header is, [`RecordsError::Newer`].
    pub fn open(back: &dyn BackEnd, name: &str) -> Result<Self, RecordsError> {
        Self::open_expecting(back, name, 0)
    }

    /// As [`Records::open`], where so many bytes are known to have been durable: a file whose whole
    /// batches end before is refused, and left as it is.
    ///
    /// # Errors
    /// As [`Records::open`]; [`RecordsError::Short`] where the file ends too early.
    pub fn open_expecting(
        back: &dyn BackEnd,
        name: &str,
        durable_len: u64,
    ) -> Result<Self, RecordsError> {
        Self::open_file(back, name, durable_len).inspect_err(|error| error.tell(name))
    }

    fn open_file(back: &dyn BackEnd, name: &str, durable_len: u64) -> Result<Self, RecordsError> {
        let file = match back.open(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => create(back, name)?,
            opened => opened?,
        };
        // An earlier attempt may have made the name and failed here.
        back.sync_folder(folder(name))?;
        let mut bytes = [0; FILE_HEADER_LEN];
        read_exact_at(&*file, 0, &mut bytes).map_err(at(0))?;
        let seed = FileHeader::decode(&bytes)?.seed();
        let offset = tail::recover(&tail::Opening { back, name, file: &*file, seed, durable_len })?;
        let end = Mutex::new(End { offset, failed: false });
        Ok(Self(Arc::new(Inner { name: name.to_owned(), file, seed, end })))
    }

    /// Appends the records in one batch and returns their positions once all are durable.
    ///
    /// # Errors
    /// [`RecordsError::Io`]: none of them was appended; [`RecordsError::TooLarge`].
    pub fn append(&self, records: &[Bytes]) -> Result<Vec<u64>, RecordsError> {
        let mut end = self.0.end.lock().unwrap_or_else(PoisonError::into_inner);
        if end.failed {
            self.0.file.set_len(end.offset)?;
            end.failed = false;
        }
        let batch = Batch::encode(self.0.seed, end.offset, records)?;
        if let Err(error) = self.write(end.offset, &batch.bytes) {
            // Cut at once where that works, so that a crash does not bring the batch back.
            end.failed = self.0.file.set_len(end.offset).is_err();
            return Err(error.into());
        }
        end.offset = end.offset.saturating_add(len_u64(batch.bytes.len()));
        Ok(batch.positions)
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        write_all_at(&*self.0.file, offset, &mut [IoSlice::new(bytes)])?;
        self.0.file.sync()
    }

    /// The record that begins at a position which [`Records::append`] or a scan gave.
    ///
    /// # Errors
    /// [`RecordsError::NoRecord`] past the end, [`RecordsError::Damaged`] where the checksum is
    /// wrong, which it also is at a position where no record begins.
    pub fn read(&self, position: u64) -> Result<Bytes, RecordsError> {
        self.record(position).inspect_err(|error| error.tell(&self.0.name))
    }

    fn record(&self, position: u64) -> Result<Bytes, RecordsError> {
        let no_record = RecordsError::NoRecord { position };
        let end = self.end();
        let body = position.checked_add(len_u64(RECORD_HEADER_LEN));
        let Some(body) = body.filter(|body| *body <= end) else { return Err(no_record) };
        let mut header = [0; RECORD_HEADER_LEN];
        read_exact_at(&*self.0.file, position, &mut header).map_err(at(position))?;
        let (len, checksum) = frame::record_header(header);
        if len > RECORD_LEN_MAX || body.saturating_add(len_u64(len)) > end {
            return Err(RecordsError::Damaged { offset: position });
        }
        let mut record = vec![0; len];
        read_exact_at(&*self.0.file, body, &mut record).map_err(at(position))?;
        if frame::record_checksum(self.0.seed, position, &record) != checksum {
            return Err(RecordsError::Damaged { offset: position });
        }
        Ok(record.into())
    }

    /// The records of the batch at `from`; 0 begins at the first.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`], [`RecordsError::Io`]; [`RecordsError::NoRecord`] where `from` was
    /// not given by an earlier page.
    pub fn scan(&self, from: u64) -> Result<ScanPage, RecordsError> {
        self.page(from).inspect_err(|error| error.tell(&self.0.name))
    }

    fn page(&self, from: u64) -> Result<ScanPage, RecordsError> {
        let from = from.max(len_u64(FILE_HEADER_LEN));
        let end = self.end();
        if from >= end {
            return Ok(ScanPage::default());
        }
        let batch = tail::read_batch(&*self.0.file, self.0.seed, from)?
            .ok_or(RecordsError::NoRecord { position: from })?;
        let next = from.saturating_add(len_u64(batch.bytes.len()));
        Ok(ScanPage { records: batch.records()?, next: (next < end).then_some(next) })
    }

    /// Length of the file in bytes.
    pub fn len_bytes(&self) -> u64 {
        self.end()
    }

    fn end(&self) -> u64 {
        self.0.end.lock().unwrap_or_else(PoisonError::into_inner).offset
    }
}

/// Makes the file under another name first, so that one of this name is always whole.
fn create(back: &dyn BackEnd, name: &str) -> io::Result<Arc<dyn BackFile>> {
    let new = format!("{name}.new");
    match back.remove(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = back.create(&new)?;
    let header = FileHeader::new(random::bytes()).encode();
    write_all_at(&*file, 0, &mut [IoSlice::new(&header)])?;
    file.sync()?;
    back.rename(&new, name)?;
    Ok(file)
}

/// An end of file where there must be bytes is damage, not a failing disk.
pub(super) fn at(offset: u64) -> impl Fn(io::Error) -> RecordsError {
    move |error| {
        if error.kind() == ErrorKind::UnexpectedEof {
            RecordsError::Damaged { offset }
        } else {
            RecordsError::Io(error)
        }
    }
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records").field("file", &self.0.file).finish_non_exhaustive()
    }
}
