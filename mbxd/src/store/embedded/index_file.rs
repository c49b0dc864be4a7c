//! The index's file below its engine.

use crate::store::back_end::{BackFile, read_exact_at, write_all_at};
use redb::StorageBackend;
use std::io::{self, IoSlice};
use std::sync::Arc;

/// The index's engine on the store's own back end.
#[derive(Debug)]
pub(super) struct IndexFile(pub(super) Arc<dyn BackFile>);

impl StorageBackend for IndexFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        read_exact_at(&*self.0, offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        // Sparse: it grows by doubling, and the watermarks keep space for what is written.
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        write_all_at(&*self.0, offset, &mut [IoSlice::new(data)])
    }
}
