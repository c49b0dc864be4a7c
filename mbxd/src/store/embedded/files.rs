//! Reading the log's segments, which are kept open.

use super::place::{Far, Place, Value};
use super::record::RECORD_LEN_MAX;
use super::segment;
use crate::store::back_end::{BackEnd, BackFile, read_exact_at};
use crate::store::error::ReadError;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError};

/// Most segments kept open for reading; opening one costs little beside reading from it.
const FILES_MAX: usize = 64;

/// Most bytes that are read on the caller's thread where they are in memory: a few chunks of a
/// content, copied in some 50 µs.
const NOW_MAX: usize = 288 * 1024;

/// The segments' files.
pub(super) struct Files {
    back: Arc<dyn BackEnd>,
    open: Mutex<BTreeMap<u32, Arc<dyn BackFile>>>,
}

impl Files {
    pub(super) fn new(back: Arc<dyn BackEnd>) -> Self {
        Self { back, open: Mutex::default() }
    }

    /// Reads bytes of the log.
    pub(super) fn read(&self, place: Place) -> Result<Bytes, ReadError> {
        let file = self.segment(place.segment)?;
        // What stands in the log is part of a record: a longer place comes of a damaged index.
        let len = Some(place.len).filter(|len| *len <= RECORD_LEN_MAX);
        let len = len.and_then(|len| usize::try_from(len).ok()).ok_or(ReadError::Damaged)?;
        let mut bytes = vec![0; len];
        read_exact_at(&*file, place.offset, &mut bytes)?;
        Ok(bytes.into())
    }

    /// A row's value, wherever it stands.
    pub(super) fn value(&self, value: Value) -> Result<Bytes, ReadError> {
        match value {
            Value::Here(value) => Ok(value),
            Value::Far(far) => self.far(far),
        }
    }

    /// The same where it needs no waiting for the disk; `None` says nothing.
    pub(super) fn value_now(&self, value: &Value) -> Option<Bytes> {
        let far = match value {
            Value::Here(value) => return Some(value.clone()),
            Value::Far(far) => far,
        };
        let bytes = self.read_now(far.place)?;
        far.fits(&bytes).then_some(bytes)
    }

    /// Bytes of the log that can be had without waiting for the disk; `None` says nothing.
    pub(super) fn read_now(&self, place: Place) -> Option<Bytes> {
        let len = usize::try_from(place.len).ok().filter(|len| *len <= NOW_MAX)?;
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let file = Arc::clone(open.get(&place.segment)?);
        drop(open);
        let mut bytes = vec![0; len];
        (file.read_now_at(place.offset, &mut bytes) == len).then(|| bytes.into())
    }

    /// Bytes whose checksum the index knows.
    pub(super) fn far(&self, far: Far) -> Result<Bytes, ReadError> {
        let bytes = self.read(far.place)?;
        if !far.fits(&bytes) {
            let Place { segment, offset, .. } = far.place;
            tracing::error!("the log is damaged: {} at byte {offset}", segment::name(segment));
            return Err(ReadError::Damaged);
        }
        Ok(bytes)
    }

    fn segment(&self, number: u32) -> io::Result<Arc<dyn BackFile>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = open.get(&number) {
            return Ok(Arc::clone(file));
        }
        let file = self.back.open(&segment::name(number))?;
        if open.len() >= FILES_MAX {
            open.pop_first();
        }
        open.insert(number, Arc::clone(&file));
        Ok(file)
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        let damaged = matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::NotFound);
        if damaged { Self::Damaged } else { Self::Unavailable }
    }
}
