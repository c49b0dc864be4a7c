//! Base64: one spelling, any folding, constant memory.

use crate::mailbox::{NotBase64, decode_base64, decode_each};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

#[test]
fn white_space_may_stand_anywhere() {
    for text in ["SGVq", " SGVq\r\n", "S\nG\tV q", "\n\n"] {
        let expected: &[u8] = if text.trim().is_empty() { b"" } else { b"Hej" };
        assert_eq!(decode_base64(text.as_bytes()).unwrap(), expected);
    }
}

#[test]
fn other_characters_missing_padding_and_spare_bits_are_refused() {
    for text in
        ["SGVq!", "SGVqSA", "SGVqSA=", "SGVqSB==", "=", "====", "SA==SA==", "SGVq\u{b}", "-_-_"]
    {
        assert_eq!(decode_base64(text.as_bytes()), Err(NotBase64), "{text:?}");
    }
}

#[test]
fn padding_at_the_end_of_a_piece_ends_the_text() {
    let piece = "A".repeat(4094) + "==";
    assert_eq!(decode_base64(piece.as_bytes()).unwrap().len(), 3070);
    assert_eq!(decode_base64((piece + "AAAA").as_bytes()), Err(NotBase64));
}

proptest! {
    /// Encoding and folding in any width is undone, in pieces as at once.
    #[test]
    fn any_octets_round_trip_however_folded(
        octets in prop::collection::vec(any::<u8>(), 0..10_000),
        width in 1_usize..200,
    ) {
        let plain = STANDARD.encode(&octets);
        let folded = plain.as_bytes().chunks(width).collect::<Vec<_>>().join(&b"\r\n"[..]);
        prop_assert_eq!(decode_base64(&folded), Ok(octets.clone()));
        let mut pieces = Vec::new();
        decode_each(&folded, |piece| pieces.extend_from_slice(piece)).unwrap();
        prop_assert_eq!(pieces, octets);
    }

    /// A text cut anywhere within its last group is refused.
    #[test]
    fn a_cut_text_is_refused(octets in prop::collection::vec(any::<u8>(), 1..50), cut in 1_usize..4) {
        let mut text = STANDARD.encode(&octets);
        text.truncate(text.len() - cut);
        prop_assert_eq!(decode_base64(text.as_bytes()), Err(NotBase64));
    }
}
