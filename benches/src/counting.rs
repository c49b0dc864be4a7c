//! A disk that counts what is done to it.

use mbxd::store::back_end::{BackEnd, BackFile, Disk, Lock};
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What was written and synced, of the log and of the index.
#[derive(Debug, Default)]
pub struct Counts {
    /// Bytes written to segments.
    pub log_bytes: AtomicU64,
    /// Syncs of segments.
    pub log_syncs: AtomicU64,
    /// Bytes written to the index.
    pub index_bytes: AtomicU64,
    /// Syncs of the index.
    pub index_syncs: AtomicU64,
}

/// A real disk with counters.
#[derive(Debug)]
pub struct CountingDisk {
    disk: Disk,
    counts: Arc<Counts>,
}

impl CountingDisk {
    /// The tree below this folder.
    pub fn new(root: &Path) -> Self {
        Self { disk: Disk::new(root), counts: Arc::default() }
    }

    /// The counters.
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    fn counted(&self, name: &str, file: Arc<dyn BackFile>) -> Arc<dyn BackFile> {
        let log = name.starts_with("log/");
        Arc::new(CountingFile { file, log, counts: self.counts() })
    }
}

impl BackEnd for CountingDisk {
    fn make_folder(&self, name: &str) -> io::Result<()> {
        self.disk.make_folder(name)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.disk.list(folder)
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn BackFile>> {
        Ok(self.counted(name, self.disk.create(name)?))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn BackFile>> {
        Ok(self.counted(name, self.disk.open(name)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync_folder(&self, name: &str) -> io::Result<()> {
        self.disk.sync_folder(name)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.disk.free_bytes()
    }

    fn lock(&self, name: &str) -> io::Result<Box<dyn Lock>> {
        self.disk.lock(name)
    }
}

#[derive(Debug)]
struct CountingFile {
    file: Arc<dyn BackFile>,
    log: bool,
    counts: Arc<Counts>,
}

impl BackFile for CountingFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = self.file.write_at(offset, pieces)?;
        let counts = &self.counts;
        let counter = if self.log { &counts.log_bytes } else { &counts.index_bytes };
        counter.fetch_add(u64::try_from(written).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(written)
    }

    fn sync(&self) -> io::Result<()> {
        let counter = if self.log { &self.counts.log_syncs } else { &self.counts.index_syncs };
        counter.fetch_add(1, Ordering::Relaxed);
        self.file.sync()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.file.allocate(len)
    }
}
