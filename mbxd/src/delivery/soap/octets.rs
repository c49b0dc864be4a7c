//! Base64 content: where it stands in the payload and what it decodes to.

use super::children::refuse_attributes;
use super::document::Element;
use super::error::ParseError;
use crate::mailbox::incoming::PartSource;
use crate::mailbox::{NotBase64, decode_base64, decode_each};
use bytes::Bytes;
use mbx_common::find::position;
use mbx_common::size::wide;
use std::fmt;

/// The octets of a body or an attachment.
pub struct Octets {
    /// Where they are.
    pub source: PartSource,
    /// How many they are once decoded.
    pub len: u64,
}

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
        // Where the tree gives the very bytes of the payload, decoding them tells all; else line
        // ends may have been made one, which is no matter, or a reference been resolved.
        let is_as_written = |raw: &[u8]| {
            std::ptr::eq(raw, text.as_bytes()) || position(raw, |byte| !is_base64(byte)).is_none()
        };
        if raw.is_some_and(is_as_written) {
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
    /// [`NotBase64`] where it is another one.
    pub fn each(&self, payload: &[u8], mut sink: impl FnMut(&[u8])) -> Result<(), NotBase64> {
        match &self.source {
            PartSource::Decoded(octets) => {
                sink(octets);
                Ok(())
            }
            PartSource::Base64At(range) => {
                let start = usize::try_from(range.start).map_err(|_| NotBase64)?;
                let end = usize::try_from(range.end).map_err(|_| NotBase64)?;
                decode_each(payload.get(start..end).ok_or(NotBase64)?, sink)
            }
        }
    }
}

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Octets").field("len", &self.len).finish_non_exhaustive()
    }
}

const fn is_xml_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=') || is_xml_space(byte)
}

fn count_of(octets: &[u8]) -> u64 {
    wide(octets.len())
}
