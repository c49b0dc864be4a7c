//! The real disk: files below one folder, all with the mode 0600.

use super::{BackEnd, BackFile, Lock};
use rustix::fs::{FallocateFlags, FlockOperation};
use rustix::io::ReadWriteFlags;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files below one folder.
#[derive(Debug)]
pub struct Disk {
    root: PathBuf,
}

impl Disk {
    /// The tree below this folder, which must exist.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.root.clone() } else { self.root.join(name) }
    }
}

fn open(path: &Path, create: bool) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(create).mode(0o600).open(path)
}

impl BackEnd for Disk {
    fn make_folder(&self, name: &str) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(self.path(name)) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path(folder))? {
            let entry = entry?;
            if entry.file_type()?.is_file()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn BackFile>> {
        Ok(Arc::new(DiskFile(open(&self.path(name), true)?)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn BackFile>> {
        Ok(Arc::new(DiskFile(open(&self.path(name), false)?)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn sync_folder(&self, name: &str) -> io::Result<()> {
        File::open(self.path(name))?.sync_all()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let space = rustix::fs::statvfs(&self.root)?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }

    fn lock(&self, name: &str) -> io::Result<Box<dyn Lock>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.path(name))?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Box::new(DiskLock(file)))
    }
}

/// The kernel drops the lock with the file.
#[derive(Debug)]
struct DiskLock(#[expect(dead_code, reason = "kept open: the lock lives as long")] File);

impl Lock for DiskLock {}

#[derive(Debug)]
struct DiskFile(File);

impl BackFile for DiskFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read_at(buffer, offset) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    fn read_now_at(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let mut pieces = [IoSliceMut::new(buffer)];
        // File systems that do not know the flag refuse it.
        rustix::io::preadv2(&self.0, &mut pieces, offset, ReadWriteFlags::NOWAIT).unwrap_or(0)
    }

    fn write_at(&self, offset: u64, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::io::pwritev(&self.0, pieces, offset))?)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fdatasync(&self.0)?)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        if self.len()? >= len {
            return Ok(());
        }
        match rustix::fs::fallocate(&self.0, FallocateFlags::empty(), 0, len) {
            // A file system that cannot reserve still serves; the watermarks guard it alone.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => self.0.set_len(len),
            done => Ok(done?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{read_exact_at, write_all_at};
    use super::*;

    #[test]
    fn pieces_are_written_in_order_beyond_the_most_of_one_call() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path());
        let file = disk.create("file").unwrap();
        let bytes: Vec<u8> = (0..5000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let mut pieces: Vec<_> = bytes.chunks(3).map(IoSlice::new).collect();
        pieces.insert(7, IoSlice::new(&[]));
        write_all_at(&*file, 11, &mut pieces).unwrap();
        file.sync().unwrap();
        let mut read = vec![0; bytes.len()];
        read_exact_at(&*disk.open("file").unwrap(), 11, &mut read).unwrap();
        assert_eq!(read, bytes);
        assert_eq!(
            read_exact_at(&*file, 12, &mut read).unwrap_err().kind(),
            ErrorKind::UnexpectedEof
        );
    }

    #[test]
    fn what_is_read_at_once_is_what_stands_there() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path());
        let file = disk.create("file").unwrap();
        write_all_at(&*file, 0, &mut [IoSlice::new(b"0123456789")]).unwrap();
        let mut read = [0; 8];
        let len = file.read_now_at(4, &mut read);
        assert!(len <= 6);
        assert_eq!(&read[..len], &b"456789"[..len]);
        assert_eq!(file.read_now_at(10, &mut read), 0);
    }

    #[test]
    fn reserving_lengthens_and_never_cuts() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path());
        let file = disk.create("file").unwrap();
        file.allocate(4096).unwrap();
        assert_eq!(file.len().unwrap(), 4096);
        file.allocate(100).unwrap();
        assert_eq!(file.len().unwrap(), 4096);
        assert_eq!(disk.create("file").unwrap_err().kind(), ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path());
        let held = disk.lock("lock").unwrap();
        assert_eq!(disk.lock("lock").unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(held);
        assert!(disk.lock("lock").is_ok());
    }
}
