//! Byte ranges of parts (RFC 9110, section 14): one range, in bytes.

use std::ops::Range;

/// What a `Range` header asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Wanted {
    /// No range, or one that a server may ignore: the whole part.
    Whole,
    /// These octets.
    Part(Range<u64>),
    /// Octets past the end.
    Unsatisfiable,
}

/// Reads a `Range` header for a part of `len` octets. Other units and several ranges are ignored,
/// as the standard allows.
pub(super) fn wanted(header: Option<&str>, len: u64) -> Wanted {
    let Some(range) = header.and_then(|text| text.strip_prefix("bytes=")) else {
        return Wanted::Whole;
    };
    let Some((first, last)) = range.split_once('-') else { return Wanted::Whole };
    match (number(first), number(last)) {
        (Some(Ok(first)), Some(Ok(last))) if last < first => Wanted::Whole,
        (Some(Ok(first)), Some(Ok(last))) => cut(first..last.saturating_add(1), len),
        (Some(Ok(first)), None) => cut(first..len, len),
        (None, Some(Ok(0))) => Wanted::Unsatisfiable,
        (None, Some(Ok(suffix))) => cut(len.saturating_sub(suffix)..len, len),
        _ => Wanted::Whole,
    }
}

fn cut(range: Range<u64>, len: u64) -> Wanted {
    if range.start >= len {
        return Wanted::Unsatisfiable;
    }
    Wanted::Part(range.start..range.end.min(len))
}

/// `None` for an empty text, an error for anything but digits.
fn number(text: &str) -> Option<Result<u64, ()>> {
    if text.is_empty() {
        return None;
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    Some(if digits { text.parse().map_err(drop) } else { Err(()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        let of = |text| wanted(Some(text), 10);
        assert_eq!(of("bytes=0-0"), Wanted::Part(0..1));
        assert_eq!(of("bytes=2-"), Wanted::Part(2..10));
        assert_eq!(of("bytes=2-99"), Wanted::Part(2..10));
        assert_eq!(of("bytes=-3"), Wanted::Part(7..10));
        assert_eq!(of("bytes=-99"), Wanted::Part(0..10));
        assert_eq!(of("bytes=10-"), Wanted::Unsatisfiable);
        assert_eq!(of("bytes=-0"), Wanted::Unsatisfiable);
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Unsatisfiable);
        assert_eq!(wanted(None, 10), Wanted::Whole);
    }

    #[test]
    fn what_is_no_single_byte_range_is_ignored() {
        for text in ["bytes=3-2", "bytes=0-1,4-5", "bytes=a-b", "bytes=", "bytes=--1", "lines=0-1"]
        {
            assert_eq!(wanted(Some(text), 10), Wanted::Whole, "{text}");
        }
    }
}
