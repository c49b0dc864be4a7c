//! The cipher against the ceiling of its pair: AES-256-CTR, then HMAC-SHA-256, one after the other,
//! over the same bytes where they lie.

use crate::figure::{Bound, Figure, Unit};
use crate::rounds::Rounds;
use crate::sample::{Sample, length, number};
use aes::cipher::{KeyIvInit as _, StreamCipher as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use mbx_common::id::ContentId;
use mbxd::cipher::{Dek, Reader, seal};
use sha2::Sha256;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Part of the table.
const PART: &str = "cipher, against AES-256-CTR + HMAC-SHA-256 alone";

/// Bytes that the pair passes over before the next ones: they stay in the processor's cache.
const CHUNK: usize = 65_536;

/// Plaintext lengths: a usual message, a large one, the largest.
const SIZES: [(&str, usize); 3] =
    [("50 KB", 50 * 1024), ("300 KB", 300 * 1024), ("16 MB", 16 * 1024 * 1024)];

/// Sealing and opening at each size.
pub fn figures(rounds: Rounds) -> Vec<Figure> {
    SIZES.iter().flat_map(|(name, len)| at(name, *len, rounds)).collect()
}

fn at(name: &str, len: usize, Rounds { count, each }: Rounds) -> [Figure; 2] {
    let plain: Vec<u8> = (0..=u8::MAX).cycle().take(len).collect();
    let (dek, id) = (Dek::from_bytes([7; 32]), ContentId::from_bytes([9; 16]));
    let stored = seal(&dek, id, &[&plain]).stored;
    let mut pair = Pair::new(&plain);
    let mut rates = [Sample::default(), Sample::default(), Sample::default()];
    for _ in 0..count {
        let [ceiling, sealing, opening] = &mut rates;
        ceiling.push(rate(len, each, || pair.pass()));
        sealing.push(rate(len, each, || drop(black_box(seal(&dek, id, &[black_box(&plain)])))));
        opening.push(rate(len, each, || open(&dek, id, black_box(&stored))));
    }
    let [ceiling, sealing, opening] = rates;
    [("seal", sealing), ("open", opening)].map(|(what, rate)| {
        let (name, against) = (format!("{what} {name}"), Some(ceiling.clone()));
        Figure::ratio(PART, name, rate, against, Unit::BytesPerSecond)
            .as_percent()
            .held_to(Bound::AtLeast(0.85), Bound::AtLeast(0.70))
    })
}

/// Opens a whole content chunk by chunk, as a read does.
fn open(dek: &Dek, id: ContentId, stored: &[u8]) {
    let Some((header, mut rest)) = stored.split_at_checked(mbxd::cipher::HEADER_LEN) else {
        return;
    };
    let Ok(reader) = Reader::new(dek, id, header) else { return };
    for chunk in 0..reader.header().chunks() {
        let range = reader.header().stored_range(chunk..chunk.saturating_add(1));
        let len = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or_default();
        let (bytes, after) = rest.split_at(len.min(rest.len()));
        rest = after;
        // A failure would be no figure: it is made loud.
        assert!(black_box(reader.open_chunk(chunk, bytes)).is_ok(), "a chunk does not open");
    }
}

/// Bytes a second of something done over and over.
fn rate(len: usize, time: Duration, mut act: impl FnMut()) -> f64 {
    act();
    let started = Instant::now();
    let mut times: u64 = 0;
    while started.elapsed() < time {
        act();
        times = times.saturating_add(1);
    }
    number(times) * length(len) / started.elapsed().as_secs_f64()
}

/// The two algorithms alone: no copy, no allocation, no framing.
#[expect(missing_debug_implementations, reason = "it holds a key")]
pub struct Pair {
    stream: ctr::Ctr128BE<aes::Aes256>,
    mac: Hmac<Sha256>,
    buffer: Vec<u8>,
}

impl Pair {
    /// Over a copy of these bytes.
    pub fn new(plain: &[u8]) -> Self {
        let mac = Hmac::new_from_slice(&[3; 32]).unwrap_or_else(|_| std::process::abort());
        let stream = ctr::Ctr128BE::new(&[1; 32].into(), &[0; 16].into());
        Self { stream, mac, buffer: plain.to_vec() }
    }

    /// Passes over all bytes once.
    pub fn pass(&mut self) {
        for chunk in self.buffer.chunks_mut(CHUNK) {
            self.stream.apply_keystream(chunk);
            let mut mac = self.mac.clone();
            mac.update(chunk);
            black_box(mac.finalize());
        }
    }
}
