//! Base64 content: where it stands in the payload and what it decodes to.

use super::children::refuse_attributes;
use super::document::Element;
use super::error::ParseError;
use crate::delivery::find::position;
use crate::mailbox::incoming::PartSource;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use std::fmt;
use thiserror::Error;

/// The octets of a body or an attachment.
pub struct Octets {
    /// Where they are.
    pub source: PartSource,
    /// How many they are once decoded.
    pub len: u64,
}

/// A text is not the one base64 spelling of its octets (padded, white space anywhere).
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("no canonical base64")]
pub struct Base64Error;

impl Octets {
    /// Reads `xs:base64Binary`.
    ///
    /// # Errors
    /// [`ParseError::Base64`] where it is none.
    pub(super) fn read(element: Element<'_>, name: &'static str) -> Result<Self, ParseError> {
        refuse_attributes(element, name, &[])?;
        let text = element.text(name)?;
        let not_base64 = |_| ParseError::Base64 { element: name };
        let written = element.content_range();
        let payload = element.0.document().input_text().as_bytes();
        let raw = payload.get(written.clone());
        if raw.is_some_and(|raw| position(raw, |byte| !is_base64(byte)).is_none()) {
            let mut len = 0_u64;
            let count = |octets: &[u8]| len = len.saturating_add(count_of(octets));
            decode_each(text.as_bytes(), count).map_err(not_base64)?;
            return Ok(Self {
                source: PartSource::Base64At(wide(written.start)..wide(written.end)),
                len,
            });
        }
        let octets = decode_base64(text.as_bytes()).map_err(not_base64)?;
        Ok(Self { len: count_of(&octets), source: PartSource::Decoded(Bytes::from(octets)) })
    }

    /// Gives the octets piece by piece, in order; `payload` is the request they were read from.
    ///
    /// # Errors
    /// [`Base64Error`] where it is another one.
    pub fn each(&self, payload: &[u8], mut sink: impl FnMut(&[u8])) -> Result<(), Base64Error> {
        match &self.source {
            PartSource::Decoded(octets) => {
                sink(octets);
                Ok(())
            }
            PartSource::Base64At(range) => {
                let start = usize::try_from(range.start).map_err(|_| Base64Error)?;
                let end = usize::try_from(range.end).map_err(|_| Base64Error)?;
                decode_each(payload.get(start..end).ok_or(Base64Error)?, sink)
            }
        }
    }
}

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Octets").field("len", &self.len).finish_non_exhaustive()
    }
}

/// Decodes base64 piece by piece in constant memory; XML white space may stand anywhere.
///
/// # Errors
/// [`Base64Error`] at the first wrong character, wrong padding, or non-zero spare bits; pieces
/// given before it must be thrown away.
pub fn decode_each(text: &[u8], mut sink: impl FnMut(&[u8])) -> Result<(), Base64Error> {
    let mut packed = [0_u8; PIECE_LEN];
    let mut plain = [0_u8; PIECE_LEN];
    let mut rest = text;
    let mut ended = false;
    while !rest.is_empty() {
        let window = rest.get(..PIECE_LEN).unwrap_or(rest);
        let piece = if position(window, is_xml_space).is_some() {
            let (filled, behind) = gather(rest, &mut packed);
            rest = behind;
            packed.get(..filled).ok_or(Base64Error)?
        } else {
            rest = rest.get(window.len()..).unwrap_or_default();
            window
        };
        if piece.is_empty() {
            break;
        }
        if ended {
            return Err(Base64Error);
        }
        let len = STANDARD.decode_slice(piece, &mut plain).map_err(|_| Base64Error)?;
        sink(plain.get(..len).ok_or(Base64Error)?);
        ended = piece.ends_with(b"=");
    }
    Ok(())
}

/// Fills `packed` with what is no white space; gives how much it took and what is left behind it.
fn gather<'t>(text: &'t [u8], packed: &mut [u8; PIECE_LEN]) -> (usize, &'t [u8]) {
    let mut slots = packed.iter_mut();
    let mut filled = 0_usize;
    for (place, byte) in text.iter().enumerate() {
        if is_xml_space(*byte) {
            continue;
        }
        let Some(slot) = slots.next() else {
            return (filled, text.get(place..).unwrap_or_default());
        };
        *slot = *byte;
        filled = filled.saturating_add(1);
    }
    (filled, &[])
}

/// Decodes base64 at once; XML white space may stand anywhere.
///
/// # Errors
/// [`Base64Error`] as for [`decode_each`].
pub fn decode_base64(text: &[u8]) -> Result<Vec<u8>, Base64Error> {
    let mut octets = Vec::with_capacity(text.len().div_ceil(4).saturating_mul(3));
    decode_each(text, |piece| octets.extend_from_slice(piece))?;
    Ok(octets)
}

const fn is_xml_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=') || is_xml_space(byte)
}

fn wide(offset: usize) -> u64 {
    u64::try_from(offset).unwrap_or(u64::MAX)
}

fn count_of(octets: &[u8]) -> u64 {
    wide(octets.len())
}

/// Characters decoded at a time: a multiple of four, small enough for the stack.
const PIECE_LEN: usize = 4096;
