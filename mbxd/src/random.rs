//! The only source of randomness: the operating system's.

use mbx_common::time::Timestamp;

/// `N` random bytes.
///
/// Where the operating system gives none, the process ends at once: going on without randomness
/// would make keys and ids that can be guessed.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// The bytes of a new id that sorts by time: milliseconds since 1970 (6, big-endian), then 10 random
/// ones. Rows named by such ids come to stand beside one another in the store's index, which then
/// writes few pages for many of them.
pub fn id(now: Timestamp) -> [u8; 16] {
    let mut id = bytes();
    let [_, _, time @ ..] = now.as_millis().to_be_bytes();
    id.iter_mut().zip(time).for_each(|(to, byte)| *to = byte);
    id
}

/// Fills the buffer with random bytes; ends the process as [`bytes()`] does.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn fill(buffer: &mut [u8]) {
    if getrandom::fill(buffer).is_err() {
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_differ_within_one_millisecond() {
        let at = |millis| Timestamp::from_millis(millis).unwrap();
        let (first, second, later) = (id(at(255)), id(at(255)), id(at(256)));
        assert_eq!(first[..6], [0, 0, 0, 0, 0, 255]);
        assert_ne!(first, second);
        assert!(first.max(second) < later);
    }
}
