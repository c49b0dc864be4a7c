//! The single file of an export: an uncompressed POSIX tar (ustar), so that stock tools open it.

use crate::time::Timestamp;
use std::io::{self, Read};

const BLOCK: usize = 512;
/// Eleven octal digits.
const LEN_MAX: u64 = 0o77_777_777_777;
const NAME_LEN_MAX: usize = 100;

/// Why a file is no export in one file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TarError {
    /// Not a tar of plain files with short names, or damaged.
    #[error("not an audit export, or damaged")]
    Form,
    /// It ends in the middle.
    #[error("the export ends in the middle")]
    Short,
    /// It could not be read.
    #[error("cannot read the export")]
    Read(#[from] io::Error),
}

impl TarError {
    /// Whose move it is.
    pub const fn kind(&self) -> crate::error::Kind {
        match self {
            Self::Form | Self::Short => crate::error::Kind::Corrupt,
            Self::Read(_) => crate::error::Kind::Unavailable,
        }
    }
}

/// The header block of a file of `len` bytes with mode 0600; `None` where the name has over 100
/// bytes or the file over 8 GiB.
pub fn tar_header(name: &str, len: u64, modified: Timestamp) -> Option<[u8; BLOCK]> {
    if name.is_empty() || name.len() > NAME_LEN_MAX || len > LEN_MAX {
        return None;
    }
    let mut block = [0; BLOCK];
    put(&mut block, 0, name.as_bytes());
    put(&mut block, 100, b"0000600\0");
    put(&mut block, 108, b"0000000\0");
    put(&mut block, 116, b"0000000\0");
    put(&mut block, 124, format!("{len:011o}\0").as_bytes());
    put(&mut block, 136, format!("{:011o}\0", modified.as_secs().min(LEN_MAX)).as_bytes());
    put(&mut block, 156, b"0");
    put(&mut block, 257, b"ustar\x0000");
    let sum = checksum(&block);
    put(&mut block, 148, format!("{sum:06o}\0 ").as_bytes());
    Some(block)
}

/// How many zero bytes follow a file of `len` bytes.
pub const fn tar_padding(len: u64) -> usize {
    match len % 512 {
        0 => 0,
        #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "under 512")]
        rest => BLOCK - rest as usize,
    }
}

/// The end of the file: two blocks of zeros.
pub const fn tar_end() -> [u8; 2 * BLOCK] {
    [0; 2 * BLOCK]
}

/// Reads such a file from front to end.
#[derive(Debug)]
pub struct TarReader<R> {
    source: R,
}

/// One file in it; reading ends at the file's end.
#[derive(Debug)]
pub struct TarFile<'a, R> {
    /// Its name.
    pub name: String,
    content: io::Take<&'a mut R>,
    padding: usize,
}

impl<R: Read> TarReader<R> {
    /// Reads from here.
    pub const fn new(source: R) -> Self {
        Self { source }
    }

    /// The next file; `None` at the end. The one before must be finished
    /// ([`TarFile::finish`]).
    ///
    /// # Errors
    /// [`TarError`] where the header is none that [`tar_header`] writes.
    pub fn next_file(&mut self) -> Result<Option<TarFile<'_, R>>, TarError> {
        let mut block = [0; BLOCK];
        read_exact(&mut self.source, &mut block)?;
        if block.iter().all(|&byte| byte == 0) {
            return Ok(None);
        }
        let (name, len) = header(&block).ok_or(TarError::Form)?;
        let padding = tar_padding(len);
        Ok(Some(TarFile { name, content: self.source.by_ref().take(len), padding }))
    }
}

impl<R: Read> TarFile<'_, R> {
    /// Skips what was not read.
    ///
    /// # Errors
    /// [`TarError::Short`] where the file ends before its length.
    pub fn finish(mut self) -> Result<(), TarError> {
        io::copy(&mut self.content, &mut io::sink())?;
        if self.content.limit() > 0 {
            return Err(TarError::Short);
        }
        let mut padding = [0; BLOCK];
        let padding = padding.get_mut(..self.padding).ok_or(TarError::Form)?;
        read_exact(self.content.get_mut(), padding)
    }
}

impl<R: Read> Read for TarFile<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.content.read(buffer)
    }
}

/// Name and length; nothing unless the block is exactly what [`tar_header`] writes for them.
fn header(block: &[u8; BLOCK]) -> Option<(String, u64)> {
    let name = block.get(..NAME_LEN_MAX)?;
    let name = name.split(|&byte| byte == 0).next()?;
    let name = std::str::from_utf8(name).ok()?;
    let number = |from: usize| {
        let digits = std::str::from_utf8(block.get(from..from + 11)?).ok()?;
        u64::from_str_radix(digits, 8).ok()
    };
    let (len, secs) = (number(124)?, number(136)?);
    let modified = Timestamp::from_millis(secs.checked_mul(1000)?).ok()?;
    (tar_header(name, len, modified)? == *block).then(|| (name.to_owned(), len))
}

fn put(block: &mut [u8; BLOCK], from: usize, bytes: &[u8]) {
    for (place, byte) in block.iter_mut().skip(from).zip(bytes) {
        *place = *byte;
    }
}

/// The sum of all bytes, those of the sum itself taken as spaces.
fn checksum(block: &[u8; BLOCK]) -> u32 {
    let bytes = block.iter().enumerate();
    bytes.map(|(at, &byte)| if (148..156).contains(&at) { 32 } else { u32::from(byte) }).sum()
}

fn read_exact(source: &mut impl Read, buffer: &mut [u8]) -> Result<(), TarError> {
    source.read_exact(buffer).map_err(|error| {
        let is_end = error.kind() == io::ErrorKind::UnexpectedEof;
        if is_end { TarError::Short } else { TarError::Read(error) }
    })
}
