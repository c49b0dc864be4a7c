//! Encrypting one content.

use super::dek::{ContentKeys, Dek};
use super::header::{CHUNK_LEN, Header, TAG_LEN};
use super::root::DigestPart;
use super::tag::Place;
use aes::Aes256;
use aes::cipher::{InnerIvInit, StreamCipher, StreamCipherSeek};
use bytes::Bytes;
use ctr::{Ctr128BE, CtrCore};
use mbx_common::id::ContentId;

/// The keystream of a content, standing at its first block.
///
/// The counter block is 0⁶⁴ ‖ big-endian block number: every content has a fresh key, so that a
/// counter is never reused.
pub(super) fn keystream(cipher: &Aes256) -> Ctr128BE<Aes256> {
    Ctr128BE::from_core(CtrCore::inner_iv_init(cipher.clone(), &[0; 16].into()))
}

/// The same standing `skip` bytes into a chunk; `None` past the longest content.
pub(super) fn keystream_at(cipher: &Aes256, chunk: u64, skip: usize) -> Option<Ctr128BE<Aes256>> {
    let begin = chunk.checked_mul(u64::try_from(CHUNK_LEN).ok()?)?;
    let mut stream = keystream(cipher);
    stream.try_seek(begin.checked_add(u64::try_from(skip).ok()?)?).ok()?;
    Some(stream)
}

/// A content as it is to be stored.
#[derive(Debug)]
pub struct SealedContent {
    /// Its name.
    pub id: ContentId,
    /// Header and chunks.
    pub stored: Bytes,
    /// Length of the plaintext in bytes.
    pub plain_len: u64,
    /// Its share of the content root.
    pub digest: DigestPart,
}

/// Encrypts pieces of plaintext, one after another, as one content.
///
/// The plaintext is never copied together: each chunk is gathered in the buffer that is stored,
/// encrypted and authenticated there while it is in the processor's cache. One buffer holds the
/// whole content: many small ones cost a third of the speed, because the allocator gives each back
/// to the kernel, which hands out new pages one by one.
///
/// `id` must be random and never used before with this key: it is the salt of the content's keys.
///
/// Source: `docs/formats/mbx1.md`.
pub fn seal(dek: &Dek, id: ContentId, plain: &[&[u8]]) -> SealedContent {
    let plain_len = plain.iter().map(|piece| u64::try_from(piece.len()).unwrap_or(u64::MAX)).sum();
    // What lies in memory is far shorter than 2⁶² bytes.
    let header = Header::new(id, plain_len).unwrap_or_else(|| std::process::abort());
    let keys = dek.content_keys(&header);
    let mut stream = keystream(&keys.cipher);
    let mut input = Input { pieces: plain, at: &[] };
    let mut digest = DigestPart::begin(&header);
    let mut buffer = Vec::with_capacity(usize::try_from(header.stored_len()).unwrap_or_default());
    buffer.extend_from_slice(&header.encode());
    for number in 0..header.chunks() {
        let begin = buffer.len();
        input.fill(&mut buffer, header.chunk_plain_len(number).unwrap_or_default());
        let last = header.is_last(number);
        let tag = close_chunk(&keys, &mut stream, Place { number, last }, tail(&mut buffer, begin));
        buffer.extend_from_slice(&tag);
        digest.push(&tag);
    }
    SealedContent { id, stored: Bytes::from(buffer), plain_len, digest }
}

/// Encrypts a chunk where it lies and gives its tag.
fn close_chunk(
    keys: &ContentKeys,
    stream: &mut Ctr128BE<Aes256>,
    place: Place,
    chunk: &mut [u8],
) -> [u8; TAG_LEN] {
    stream.apply_keystream(chunk);
    keys.mac.tag(place, chunk)
}

fn tail(buffer: &mut [u8], begin: usize) -> &mut [u8] {
    buffer.get_mut(begin..).unwrap_or_default()
}

/// Borrowed pieces, read in order.
struct Input<'a> {
    pieces: &'a [&'a [u8]],
    at: &'a [u8],
}

impl Input<'_> {
    /// Moves the next `len` bytes to the end of the buffer.
    fn fill(&mut self, buffer: &mut Vec<u8>, len: usize) {
        debug_assert!(len <= CHUNK_LEN);
        let mut missing = len;
        while missing > 0 {
            if self.at.is_empty() {
                let Some((first, rest)) = self.pieces.split_first() else { break };
                self.at = first;
                self.pieces = rest;
            }
            let (taken, rest) = self.at.split_at(missing.min(self.at.len()));
            buffer.extend_from_slice(taken);
            self.at = rest;
            missing = missing.saturating_sub(taken.len());
        }
    }
}
