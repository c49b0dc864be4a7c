//! What a message may hold: media types, encodings, checksums, sizes.

use super::file_name;
use super::soap::{MessageHeader, Octets, Part, Text};
use crate::config::{Checksum, Delivery};
use crate::mailbox::incoming::{self, IncomingMessage, PartSource, Support};
use md5::{Digest, Md5};
use subtle::ConstantTimeEq;
use thiserror::Error;

/// Rules about content, from the configuration.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    media_types: Vec<String>,
    message_max: u64,
    checksum: Checksum,
}

/// Why a message's content is refused. Nothing of it is repeated.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub(super) enum ContentError {
    /// The body is neither plain text nor HTML.
    #[error("the body's media type is neither text/plain nor text/html")]
    BodyType,
    /// An attachment's type is not on the list.
    #[error("the media type of attachment {number} is not accepted")]
    AttachmentType {
        /// Which attachment, from 1.
        number: usize,
    },
    /// The body is not UTF-8.
    #[error("the body's text is not UTF-8")]
    NotUtf8,
    /// An attachment does not fit its checksum.
    #[error("attachment {number} does not fit its MD5 checksum")]
    Checksum {
        /// Which attachment, from 1.
        number: usize,
    },
    /// Body and attachments are longer together than a message may be.
    #[error("a message is longer than {max} bytes")]
    TooLong {
        /// The limit in bytes.
        max: u64,
    },
    /// A part cannot be decoded a second time: a defect of ours.
    #[error("a part cannot be decoded")]
    Undecodable,
}

/// A message that keeps the rules.
#[derive(Debug)]
pub(super) struct Checked {
    /// The message as it is handed over.
    pub(super) message: IncomingMessage,
    /// Attachments that do not fit their checksums and were let through by the configuration.
    pub(super) checksum_flags: usize,
}

impl Rules {
    /// The rules of a configuration.
    pub(super) fn new(config: &Delivery) -> Self {
        Self {
            media_types: config.media_types.iter().map(|text| essence(text)).collect(),
            message_max: config.message_max.get(),
            checksum: config.checksum,
        }
    }

    /// Checks one message. `payload` is the whole request; ranges of parts are told from
    /// `offset` on, where the stored payload begins.
    ///
    /// # Errors
    /// [`ContentError`], the first rule that is broken.
    pub(super) fn check(
        &self,
        header: &MessageHeader<'_>,
        body: &Part<'_>,
        attachments: &[Part<'_>],
        payload: &[u8],
        offset: u64,
    ) -> Result<Checked, ContentError> {
        let lengths = attachments.iter().map(|part| part.octets.len);
        let len = lengths.fold(body.octets.len, u64::saturating_add);
        if len > self.message_max {
            return Err(ContentError::TooLong { max: self.message_max });
        }
        let body_type = essence(body.content_type.as_str());
        if body_type != "text/plain" && body_type != "text/html" {
            return Err(ContentError::BodyType);
        }
        check_utf8(&body.octets, payload)?;
        let mut checksum_flags = 0;
        let mut checked = Vec::with_capacity(attachments.len());
        for (place, part) in attachments.iter().enumerate() {
            let number = place.saturating_add(1);
            let media_type = essence(part.content_type.as_str());
            if !self.media_types.contains(&media_type) {
                return Err(ContentError::AttachmentType { number });
            }
            if !fits_checksum(part, payload)? {
                match self.checksum {
                    Checksum::Refuse => return Err(ContentError::Checksum { number }),
                    Checksum::Flag => checksum_flags += 1,
                }
            }
            let name = part.file_name.map_or(String::new(), |name| file_name::clean(name.as_str()));
            checked.push(handed_over(part, media_type, Some(name), offset));
        }
        let message = IncomingMessage {
            sender_id: header.id.as_str().to_owned(),
            subject: header.subject.as_str().to_owned(),
            language: header.language.as_str().to_owned(),
            support: support(header),
            body: handed_over(body, body_type, None, offset),
            attachments: checked,
        };
        Ok(Checked { message, checksum_flags })
    }
}

fn support(header: &MessageHeader<'_>) -> Support {
    let owned = |text: Option<Text<'_>>| text.map(|text| text.as_str().to_owned());
    Support {
        text: header.support.text.as_str().to_owned(),
        url: owned(header.support.url),
        phone: owned(header.support.phone),
        email: owned(header.support.email),
    }
}

/// A part as the mailbox takes it, its place told from where the stored payload begins.
fn handed_over(
    part: &Part<'_>,
    media_type: String,
    file_name: Option<String>,
    offset: u64,
) -> incoming::Part {
    let source = match &part.octets.source {
        PartSource::Base64At(range) => PartSource::Base64At(
            range.start.saturating_sub(offset)..range.end.saturating_sub(offset),
        ),
        PartSource::Decoded(octets) => PartSource::Decoded(octets.clone()),
    };
    incoming::Part { media_type, file_name, len: part.octets.len, source }
}

/// A media type in lower case, without parameters. Source: contract §5.
fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether the octets have the MD5 checksum that the sender wrote, in hex of either case. An error
/// check only: the signature proves the octets. Source: contract §5.
fn fits_checksum(part: &Part<'_>, payload: &[u8]) -> Result<bool, ContentError> {
    let mut md5 = Md5::new();
    part.octets.each(payload, |piece| md5.update(piece)).map_err(|_| ContentError::Undecodable)?;
    let found: [u8; 16] = md5.finalize().into();
    let written = part.checksum.map_or("", |text| text.as_str()).trim().to_ascii_lowercase();
    let written = mbx_common::id::parse_hex::<16>(&written).ok();
    Ok(written.is_some_and(|written| written.ct_eq(&found).into()))
}

/// Whether the octets are UTF-8, piece by piece.
fn check_utf8(octets: &Octets, payload: &[u8]) -> Result<(), ContentError> {
    let mut scan = Utf8::default();
    octets.each(payload, |piece| scan.push(piece)).map_err(|_| ContentError::Undecodable)?;
    if scan.is_whole() { Ok(()) } else { Err(ContentError::NotUtf8) }
}

/// Checks UTF-8 that comes in pieces; keeps at most the three bytes of a character begun.
#[derive(Default)]
struct Utf8 {
    begun: Vec<u8>,
    broken: bool,
}

impl Utf8 {
    fn push(&mut self, piece: &[u8]) {
        if self.broken {
            return;
        }
        let joined;
        let bytes = if self.begun.is_empty() {
            piece
        } else {
            joined = [self.begun.as_slice(), piece].concat();
            &joined
        };
        let begun = match std::str::from_utf8(bytes) {
            Ok(_) => &[],
            Err(error) if error.error_len().is_none() => {
                bytes.get(error.valid_up_to()..).unwrap_or_default()
            }
            Err(_) => {
                self.broken = true;
                &[]
            }
        };
        self.begun = begun.to_vec();
    }

    fn is_whole(&self) -> bool {
        !self.broken && self.begun.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However UTF-8 is cut into pieces, the verdict is that on the whole.
        #[test]
        fn pieces_of_text_are_judged_as_the_whole(
            bytes in prop_oneof![
                any::<String>().prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 0..40)
            ],
            size in 1_usize..7
        ) {
            let mut scan = Utf8::default();
            bytes.chunks(size).for_each(|piece| scan.push(piece));
            prop_assert_eq!(scan.is_whole(), std::str::from_utf8(&bytes).is_ok());
        }
    }

    #[test]
    fn parameters_and_case_of_a_media_type_do_not_matter() {
        assert_eq!(essence("Text/Plain; charset=\"utf-8\""), "text/plain");
        assert_eq!(essence(" application/pdf "), "application/pdf");
        assert_eq!(essence(""), "");
    }
}
