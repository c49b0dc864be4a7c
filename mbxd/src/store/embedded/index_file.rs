//! The index's file below its engine: every block is checked when it is read, so that the engine,
//! which trusts its file, never sees a byte that the disk altered.

use super::error::OpenError;
use super::index_sums::{self, Altered, BLOCK_LEN, Sums};
use super::progress::FORMAT;
use crate::store::back_end::{BackFile, len_u64, read_exact_at, write_all_at};
use crate::store::bytes_at::u32_at;
use redb::StorageBackend;
use std::io::{self, ErrorKind, IoSlice};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the file begins with.
const MAGIC: &[u8; 8] = b"MBXINDEX";

/// What an index of the formats before this one begins with: it was the engine's file as it is.
const OLD_MAGIC: &[u8] = b"redb";
/// The newest of those.
const OLD_FORMAT: u8 = 2;

/// The first sector: magic, the engine's own header, checksum. The engine writes its header in
/// place, so it shares one sector with its checksum: both are old, or both new.
const HEAD_LEN: usize = 512;
const SUM_AT: usize = HEAD_LEN - 4;

/// Whether a block was found altered since the file was opened.
#[derive(Clone, Debug, Default)]
pub(super) struct Damage(Arc<AtomicBool>);

impl Damage {
    /// Whether one was.
    pub(super) fn was_met(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The index's engine on the store's own back end.
#[derive(Debug)]
pub(super) struct IndexFile {
    file: Arc<dyn BackFile>,
    sums: Mutex<Sums>,
    damage: Damage,
}

impl IndexFile {
    /// Takes an index's file, or an empty one.
    ///
    /// # Errors
    /// `IndexFormat` where it is of an older format, `IndexDamaged` where it is no index.
    pub(super) fn open(file: Arc<dyn BackFile>) -> Result<Self, OpenError> {
        if file.len()? > 0 {
            let mut magic = [0; MAGIC.len()];
            match read_exact_at(&*file, 0, &mut magic) {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
                read => read?,
            }
            if magic.starts_with(OLD_MAGIC) {
                return Err(OpenError::IndexFormat { found: OLD_FORMAT, known: FORMAT });
            }
            if magic != *MAGIC {
                tracing::error!("index.redb is damaged at byte 0");
                return Err(OpenError::IndexDamaged(None));
            }
        }
        Ok(Self { file, sums: Mutex::default(), damage: Damage::default() })
    }

    /// Tells of damage even when the engine has the file.
    pub(super) fn damage(&self) -> Damage {
        self.damage.clone()
    }

    fn sums(&self) -> MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn altered(&self, Altered { offset }: &Altered) -> io::Error {
        self.damage.0.store(true, Ordering::Release);
        tracing::error!("index.redb is damaged at byte {offset}");
        io::Error::new(ErrorKind::InvalidData, format!("index.redb is damaged at byte {offset}"))
    }

    fn read_head(&self, out: &mut [u8]) -> io::Result<()> {
        let mut head = [0; HEAD_LEN];
        read_exact_at(&*self.file, 0, &mut head)?;
        let sound = head.starts_with(MAGIC)
            && head.get(..SUM_AT).map(crc32c::crc32c) == u32_at(&head, SUM_AT);
        // An empty file was given its length, and nothing more yet.
        if !sound && head != [0; HEAD_LEN] {
            return Err(self.altered(&Altered { offset: 0 }));
        }
        let here = head.get(MAGIC.len()..SUM_AT).unwrap_or_default();
        out.copy_from_slice(here.get(..out.len()).ok_or(ErrorKind::InvalidInput)?);
        Ok(())
    }

    fn write_head(&self, data: &[u8]) -> io::Result<()> {
        let mut head = [MAGIC.as_slice(), data].concat();
        if head.len() > SUM_AT {
            return Err(ErrorKind::InvalidInput.into());
        }
        head.resize(SUM_AT, 0);
        head.extend_from_slice(&crc32c::crc32c(&head).to_be_bytes());
        write_all_at(&*self.file, 0, &mut [IoSlice::new(&head)])
    }
}

/// The block that begins at an offset of the engine's; it reads and writes whole ones.
fn block_of(offset: u64, len: usize) -> io::Result<u64> {
    let whole = offset.is_multiple_of(BLOCK_LEN) && len_u64(len).is_multiple_of(BLOCK_LEN);
    if whole { Ok(offset / BLOCK_LEN) } else { Err(ErrorKind::InvalidInput.into()) }
}

/// Length in bytes of the blocks from this one on that stand together in the file, at most `len`.
fn run_len(block: u64, len: usize) -> usize {
    let run = index_sums::run_from(block).saturating_mul(BLOCK_LEN);
    usize::try_from(run).map_or(len, |run| run.min(len))
}

impl StorageBackend for IndexFile {
    fn len(&self) -> io::Result<u64> {
        Ok(index_sums::blocks_in(self.file.len()?).saturating_mul(BLOCK_LEN))
    }

    fn read(&self, offset: u64, mut out: &mut [u8]) -> io::Result<()> {
        if offset == 0 {
            return self.read_head(out);
        }
        let mut block = block_of(offset, out.len())?;
        while !out.is_empty() {
            let (run, rest) = out.split_at_mut(run_len(block, out.len()));
            read_exact_at(&*self.file, index_sums::block_at(block), run)?;
            let checked = self.sums().check(&*self.file, block, run)?;
            checked.map_err(|altered| self.altered(&altered))?;
            block = block.saturating_add(len_u64(run.len()) / BLOCK_LEN);
            out = rest;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let blocks = block_of(len, 0)?;
        if blocks < index_sums::blocks_in(self.file.len()?) {
            self.sums().cut(&*self.file, blocks)?;
        }
        // Sparse: it grows by doubling, and the watermarks keep space for what is written.
        self.file.set_len(index_sums::file_len(blocks))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sums().write(&*self.file)?;
        self.file.sync()
    }

    fn write(&self, offset: u64, mut data: &[u8]) -> io::Result<()> {
        if offset == 0 {
            return self.write_head(data);
        }
        let mut block = block_of(offset, data.len())?;
        while !data.is_empty() {
            let (run, rest) = data.split_at(run_len(block, data.len()));
            write_all_at(&*self.file, index_sums::block_at(block), &mut [IoSlice::new(run)])?;
            self.sums().note(&*self.file, block, run)?;
            block = block.saturating_add(len_u64(run.len()) / BLOCK_LEN);
            data = rest;
        }
        Ok(())
    }
}
