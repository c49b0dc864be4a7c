//! Base64 text as it lies in a payload: how its lines run, and how a range of what it means is
//! read from the middle of it.
//!
//! Senders write base64 in one line, or in lines of equal length with the same white space
//! between them. Where the text is regular, the place of each octet can be computed, so that a
//! range of a large attachment costs no more than the range. Source: `docs/formats/manifest.md`.

use crate::cipher::Plain;
use base64::Engine as _;
use base64::engine::general_purpose::PAD;
use base64::engine::simd::Simd;
use mbx_common::find::position;
use mbx_common::size::wide;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;
use zeroize::Zeroizing;

/// The standard alphabet, padded, spare bits zero; by wide instructions where there are any.
static STANDARD: LazyLock<Simd> = LazyLock::new(|| Simd::standard(PAD));

/// How the lines of a base64 text run.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Lines {
    /// White space before the first character, in bytes.
    lead: u64,
    /// Characters in each line but the last; 0 where there is one line alone.
    chars: u64,
    /// White space between two lines, in bytes.
    gap: u64,
}

/// A text whose octets were counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Measured {
    /// Octets that it decodes to.
    pub(crate) len: u64,
    /// How its lines run; `None` where they are of unequal lengths.
    pub(crate) lines: Option<Lines>,
}

/// The text is no base64 (RFC 4648, section 4, padded) with white space between.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a part is no base64")]
pub struct NotBase64;

/// Counts the octets of a text and finds how its lines run, in one pass.
pub(crate) fn measure(text: &[u8]) -> Result<Measured, NotBase64> {
    let lead = space_len(text);
    let mut lines = Regular { chars: None, gap: None, irregular: false };
    let mut rest = text.get(lead..).unwrap_or_default();
    let mut characters = 0_usize;
    let mut padding = 0_usize;
    while !rest.is_empty() {
        let (run, after) = rest.split_at(run_len(rest));
        let gap = space_len(after);
        rest = after.get(gap..).unwrap_or_default();
        let pads = run.iter().rev().take_while(|&&byte| byte == b'=').count();
        let plain = run.len().saturating_sub(pads);
        if padding > 0 && plain > 0 {
            return Err(NotBase64);
        }
        padding = padding.saturating_add(pads);
        characters = characters.saturating_add(run.len());
        lines.line(run.len(), gap, rest.is_empty());
    }
    if !characters.is_multiple_of(4) || padding > 2 || (characters == 0 && padding > 0) {
        return Err(NotBase64);
    }
    let len = (characters / 4).saturating_mul(3).saturating_sub(padding);
    let lines = lines.found().map(|(chars, gap)| Lines { lead: wide(lead), chars, gap });
    Ok(Measured { len: wide(len), lines })
}

/// The lines seen so far, as long as they are alike.
struct Regular {
    chars: Option<usize>,
    gap: Option<usize>,
    irregular: bool,
}

impl Regular {
    fn line(&mut self, chars: usize, gap: usize, last: bool) {
        let first_chars = *self.chars.get_or_insert(chars);
        if last {
            // The last line may be shorter, and what follows it does not matter.
            self.irregular |= chars > first_chars;
        } else {
            let first_gap = *self.gap.get_or_insert(gap);
            self.irregular |= chars != first_chars || gap != first_gap;
        }
    }

    fn found(&self) -> Option<(u64, u64)> {
        if self.irregular {
            return None;
        }
        match (self.chars, self.gap) {
            (Some(chars), Some(gap)) => Some((wide(chars), wide(gap))),
            _ => Some((0, 0)),
        }
    }
}

impl Lines {
    /// Where the group of four characters begins that holds octet `at`, in bytes from the text's
    /// begin, and how many octets of the group come before it. `None` past 2⁶⁴.
    pub(crate) fn place(&self, at: u64) -> Option<(u64, usize)> {
        let character = (at / 3).checked_mul(4)?;
        let gaps = character.checked_div(self.chars).unwrap_or_default().checked_mul(self.gap)?;
        let place = self.lead.checked_add(character)?.checked_add(gaps)?;
        Some((place, usize::try_from(at % 3).ok()?))
    }
}

/// Decodes base64 that comes in pieces, white space skipped.
#[derive(Default)]
pub(crate) struct Decoder {
    /// Characters of a group that is not whole yet, at most three.
    pending: Zeroizing<Vec<u8>>,
    ended: bool,
}

impl Decoder {
    /// Decodes the next piece of the text.
    pub(crate) fn push(&mut self, text: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotBase64> {
        let len_max = text.len().div_ceil(4).saturating_add(1).saturating_mul(3);
        let mut octets = Zeroizing::new(Vec::with_capacity(len_max));
        self.each(text, |piece| octets.extend_from_slice(piece))?;
        Ok(octets)
    }

    /// The same in constant memory; octets given before an error must be thrown away.
    fn each(&mut self, text: &[u8], mut sink: impl FnMut(&[u8])) -> Result<(), NotBase64> {
        // What is pending fills a group.
        let piece_len = text.len().saturating_add(3).min(PIECE_LEN);
        let mut plain = Plain::zeroed(piece_len);
        let mut packed = None;
        let mut rest = text;
        while !rest.is_empty() {
            let window = rest.get(..PIECE_LEN).unwrap_or(rest);
            let groups = if self.pending.is_empty() && is_packed(window) {
                rest = rest.get(window.len()..).unwrap_or_default();
                window
            } else {
                let packed = packed.get_or_insert_with(|| Plain::zeroed(piece_len));
                let (len, behind) = self.gather(rest, packed);
                rest = behind;
                packed.get(..len).ok_or(NotBase64)?
            };
            if self.ended && !(groups.is_empty() && self.pending.is_empty()) {
                return Err(NotBase64);
            }
            let len = STANDARD.decode_slice(groups, &mut plain).map_err(|_| NotBase64)?;
            if len > 0 {
                sink(plain.get(..len).ok_or(NotBase64)?);
            }
            self.ended |= groups.ends_with(b"=");
        }
        Ok(())
    }

    /// Fills `packed` with what is pending and then no white space; gives the length of its whole
    /// groups and what is left behind them. What is no whole group is pending.
    fn gather<'t>(&mut self, text: &'t [u8], packed: &mut [u8]) -> (usize, &'t [u8]) {
        let mut filled = copied(&self.pending, packed);
        let mut rest = text.trim_ascii_start();
        while let Some(room) = packed.get_mut(filled..).filter(|room| !room.is_empty())
            && !rest.is_empty()
        {
            let window = rest.get(..room.len()).unwrap_or(rest);
            let run = rest.get(..run_len(window)).unwrap_or_default();
            filled = filled.saturating_add(copied(run, room));
            rest = rest.get(run.len()..).unwrap_or_default().trim_ascii_start();
        }
        let whole = filled.saturating_sub(filled % 4);
        self.pending.clear();
        self.pending.extend_from_slice(packed.get(whole..filled).unwrap_or_default());
        (whole, rest)
    }

    /// Whether every group was whole.
    fn is_whole(&self) -> bool {
        self.pending.is_empty()
    }
}

/// Whether a text is whole groups without white space.
fn is_packed(text: &[u8]) -> bool {
    text.len().is_multiple_of(4) && run_len(text) == text.len()
}

/// Characters before the first white space.
fn run_len(text: &[u8]) -> usize {
    position(text, |byte| byte.is_ascii_whitespace()).unwrap_or(text.len())
}

/// White space before the first character.
fn space_len(text: &[u8]) -> usize {
    text.len().saturating_sub(text.trim_ascii_start().len())
}

/// Copies as much as there is room for; gives how much that was.
fn copied(from: &[u8], to: &mut [u8]) -> usize {
    let len = from.len().min(to.len());
    if let (Some(from), Some(to)) = (from.get(..len), to.get_mut(..len)) {
        to.copy_from_slice(from);
    }
    len
}

/// Decodes a text piece by piece in constant memory; white space may stand anywhere.
///
/// # Errors
/// [`NotBase64`] at the first wrong character, wrong padding, or non-zero spare bits; pieces given
/// before it must be thrown away.
pub fn decode_each(text: &[u8], sink: impl FnMut(&[u8])) -> Result<(), NotBase64> {
    let mut decoder = Decoder::default();
    decoder.each(text, sink)?;
    if decoder.is_whole() { Ok(()) } else { Err(NotBase64) }
}

/// Decodes a text at once; white space may stand anywhere.
///
/// # Errors
/// [`NotBase64`] as for [`decode_each`].
pub fn decode_base64(text: &[u8]) -> Result<Vec<u8>, NotBase64> {
    let mut octets = Vec::with_capacity(text.len().div_ceil(4).saturating_mul(3));
    decode_each(text, |piece| octets.extend_from_slice(piece))?;
    Ok(octets)
}

/// Characters decoded at a time: a multiple of four, small enough for the processor's nearest
/// cache.
const PIECE_LEN: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    /// Writes octets as senders do: in lines, with white space around and between.
    fn written(octets: &[u8], line: usize, gap: &str, lead: &str) -> String {
        let text = STANDARD.encode(octets);
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(if line == 0 { usize::MAX } else { line })
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        format!("{lead}{}{lead}", lines.join(gap))
    }

    fn decode_all(text: &[u8], piece: usize) -> Vec<u8> {
        let mut decoder = Decoder::default();
        let mut octets = Vec::new();
        for piece in text.chunks(piece) {
            octets.extend_from_slice(&decoder.push(piece).unwrap());
        }
        assert!(decoder.is_whole());
        octets
    }

    proptest! {
        #[test]
        fn any_cut_of_the_text_decodes_to_the_octets(
            octets: Vec<u8>,
            line in 0..90_usize,
            piece in 1..70_usize,
        ) {
            let text = written(&octets, line, "\r\n", " ");
            prop_assert_eq!(decode_all(text.as_bytes(), piece), octets);
        }

        /// From the place that is computed, decoding goes on to the same octets.
        #[test]
        fn a_regular_text_is_read_from_its_middle(
            octets in proptest::collection::vec(any::<u8>(), 1..900),
            line in 1..90_usize,
            gap in "[ \r\n\t]{1,4}",
            lead in "[ \r\n\t]{0,3}",
            at in any::<prop::sample::Index>(),
        ) {
            let at = at.index(octets.len());
            let text = written(&octets, line, &gap, &lead);
            let measured = measure(text.as_bytes()).unwrap();
            prop_assert_eq!(measured.len, u64::try_from(octets.len()).unwrap());
            let (place, skip) =
                measured.lines.unwrap().place(u64::try_from(at).unwrap()).unwrap();
            let from = &text.as_bytes()[usize::try_from(place).unwrap()..];
            prop_assert_eq!(&decode_all(from, 64)[skip..], &octets[at..]);
        }

        #[test]
        fn what_measures_well_decodes_to_that_many_octets(text in "[A-Da-d=\r\n ]{0,40}") {
            let mut decoder = Decoder::default();
            let decoded = decoder.push(text.as_bytes());
            if let (Ok(measured), Ok(octets)) = (measure(text.as_bytes()), decoded) {
                prop_assert_eq!(measured.len, u64::try_from(octets.len()).unwrap());
                prop_assert!(decoder.is_whole());
            }
        }
    }

    #[test]
    fn lines_of_unequal_length_are_measured_but_not_regular() {
        let measured = measure(b"QUJD\nQQ\n==").unwrap();
        assert_eq!(measured, Measured { len: 4, lines: None });
        assert_eq!(decode_all(b"QUJD\nQQ\n==", 3), b"ABCA");
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        for text in ["QUJ", "QQ==QQ==", "QQ=Q", "=", "===="] {
            let decoded = Decoder::default().push(text.as_bytes()).is_ok();
            assert!(measure(text.as_bytes()).is_err() || !decoded, "{text}");
        }
        let mut decoder = Decoder::default();
        assert_eq!(*decoder.push(b"QQ==").unwrap(), b"A");
        assert_eq!(decoder.push(b"QQ=="), Err(NotBase64));
        assert_eq!(Decoder::default().push(b"Q\0JD"), Err(NotBase64));
    }

    #[test]
    fn an_empty_text_has_no_octets() {
        assert_eq!(measure(b" \n").unwrap().len, 0);
        assert_eq!(decode_all(b" \n", 1), b"");
    }
}
