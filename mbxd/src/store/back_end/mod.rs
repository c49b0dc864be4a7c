//! What the store needs of a file system, as a seam: the real disk below the product, a simulated
//! one that forgets, tears and fails below the tests.
//!
//! Names are paths below the state folder with `/` between their parts: `log/00000001.seg`.

mod disk;
pub mod simulated;

pub use disk::Disk;

use std::fmt;
use std::io::{self, ErrorKind, IoSlice};
use std::sync::Arc;

/// Sector in bytes: what a disk writes whole or not at all.
pub const SECTOR_LEN: u64 = 512;

/// Most pieces in one vectored write (`IOV_MAX` of Linux).
const PIECES_MAX: usize = 1024;

/// One folder tree that belongs to the store alone.
pub trait BackEnd: fmt::Debug + Send + Sync {
    /// Makes a folder; one that exists is left as it is.
    ///
    /// # Errors
    /// Those of the file system, as for every method here.
    fn make_folder(&self, name: &str) -> io::Result<()>;

    /// Names of the files in a folder, in no order.
    ///
    /// # Errors
    /// Where the folder is missing or cannot be read.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;

    /// Makes a file that must not exist yet.
    ///
    /// # Errors
    /// `AlreadyExists`, and those of the file system.
    fn create(&self, name: &str) -> io::Result<Arc<dyn BackFile>>;

    /// Opens a file that exists, for reading and writing.
    ///
    /// # Errors
    /// `NotFound`, and those of the file system.
    fn open(&self, name: &str) -> io::Result<Arc<dyn BackFile>>;

    /// Gives a file another name; a file of that name is replaced.
    ///
    /// # Errors
    /// Those of the file system.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// `NotFound`, and those of the file system.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes names created, changed and removed in a folder durable; `""` is the tree's own folder.
    ///
    /// # Errors
    /// Those of the file system; not to be tried again.
    fn sync_folder(&self, name: &str) -> io::Result<()>;

    /// Bytes that may still be written on this disk.
    ///
    /// # Errors
    /// Those of the file system.
    fn free_bytes(&self) -> io::Result<u64>;

    /// Takes the lock file, so that no second process works on the same folder, until dropped.
    ///
    /// # Errors
    /// `WouldBlock` where another process holds it.
    fn lock(&self, name: &str) -> io::Result<Box<dyn Lock>>;
}

/// A held lock.
pub trait Lock: fmt::Debug + Send + Sync {}

/// One file.
#[expect(clippy::len_without_is_empty, reason = "a file's length, not a collection's")]
pub trait BackFile: fmt::Debug + Send + Sync {
    /// Length in bytes.
    ///
    /// # Errors
    /// Those of the file system, as for every method here.
    fn len(&self) -> io::Result<u64>;

    /// Reads into the buffer; fewer bytes than asked only at the end of the file.
    ///
    /// # Errors
    /// Those of the file system.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Reads what is in memory, without waiting for the disk; says how many bytes that was. 0 says
    /// nothing: not even whether there are any.
    fn read_now_at(&self, _offset: u64, _buffer: &mut [u8]) -> usize {
        0
    }

    /// Writes the pieces one after another; may write fewer bytes than given, and tells how many.
    ///
    /// # Errors
    /// Those of the file system; some of the bytes may have been written.
    fn write_at(&self, offset: u64, pieces: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Makes what was written, and the length, durable.
    ///
    /// # Errors
    /// Those of the file system. Never to be tried again: the system may have dropped the unwritten
    /// pages and would report success.
    fn sync(&self) -> io::Result<()>;

    /// Cuts the file, or lengthens it with zeros.
    ///
    /// # Errors
    /// Those of the file system.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes the file at least so long, zeros behind what it has, with its space reserved.
    ///
    /// # Errors
    /// Those of the file system, `StorageFull` above all.
    fn allocate(&self, len: u64) -> io::Result<()>;
}

/// Writes all of the pieces, going on where a write was short.
pub(crate) fn write_all_at(
    file: &dyn BackFile,
    mut offset: u64,
    mut pieces: &mut [IoSlice<'_>],
) -> io::Result<()> {
    IoSlice::advance_slices(&mut pieces, 0);
    while !pieces.is_empty() {
        let now = pieces.get(..PIECES_MAX).unwrap_or(pieces);
        let written = file.write_at(offset, now)?;
        if written == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        offset = offset.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
        IoSlice::advance_slices(&mut pieces, written);
    }
    Ok(())
}

/// Fills the whole buffer.
///
/// # Errors
/// `UnexpectedEof` where the file ends before.
pub(crate) fn read_exact_at(
    file: &dyn BackFile,
    mut offset: u64,
    mut buffer: &mut [u8],
) -> io::Result<()> {
    while !buffer.is_empty() {
        let read = file.read_at(offset, buffer)?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        offset = offset.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        buffer = buffer.get_mut(read..).unwrap_or_default();
    }
    Ok(())
}

/// A length in memory as one on disk.
pub(crate) fn len_u64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
