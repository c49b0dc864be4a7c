//! The only source of randomness: the operating system's.

/// `N` random bytes.
///
/// Where the operating system gives none, the process ends at once: going on without randomness
/// would make keys and ids that can be guessed.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// Fills the buffer with random bytes; ends the process as [`bytes()`] does.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn fill(buffer: &mut [u8]) {
    if getrandom::fill(buffer).is_err() {
        std::process::abort();
    }
}
