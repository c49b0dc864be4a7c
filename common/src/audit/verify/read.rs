//! Bounded reading of the files of an export.

use crate::audit::tree::Hash;
use sha2::{Digest, Sha256};
use std::io::{self, BufRead, BufReader, Read};

/// Longest line of an export, in bytes: an entry of 40 KiB in base64 and in words.
const LINE_LEN_MAX: u64 = 1024 * 1024;
/// Longest of the small files, in bytes.
pub(super) const SMALL_LEN_MAX: u64 = 1024 * 1024;

/// All of a small file.
pub(super) fn small(source: &mut Measured<'_>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(SMALL_LEN_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Counts and hashes what is read.
pub(super) struct Measured<'a> {
    content: &'a mut dyn Read,
    digest: Sha256,
    len: u64,
}

impl<'a> Measured<'a> {
    pub(super) fn new(content: &'a mut dyn Read) -> Self {
        Self { content, digest: Sha256::new(), len: 0 }
    }

    /// Length and SHA-256 of all that was read.
    pub(super) fn finish(self) -> (u64, Hash) {
        (self.len, self.digest.finalize().into())
    }
}

impl Read for Measured<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(buffer)?;
        self.digest.update(buffer.get(..count).unwrap_or_default());
        self.len = self.len.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}

/// Lines of bounded length, each with its newline where it has one.
pub(super) struct Lines<'a> {
    source: BufReader<&'a mut dyn Read>,
    line: Vec<u8>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(source: &'a mut dyn Read) -> Self {
        Self { source: BufReader::new(source), line: Vec::new() }
    }

    /// The next line; one that is over the limit comes in pieces, which no reader takes for lines.
    pub(super) fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        (&mut self.source).take(LINE_LEN_MAX).read_until(b'\n', &mut self.line)?;
        Ok(if self.line.is_empty() { None } else { Some(&self.line) })
    }
}
