//! Decrypted bytes.

use std::fmt;
use std::ops::{Deref, DerefMut};
use zeroize::Zeroize;

/// A line of the processor's cache.
const LINE_LEN: usize = 64;

/// Decrypted bytes of a content, wiped when dropped. No `Debug` of its value.
///
/// Kept in lines of 64 bytes, because those are wiped with wide stores: byte by byte, wiping costs
/// a sixth of the speed of opening.
#[derive(Default)]
pub struct Plain {
    lines: Vec<[u8; LINE_LEN]>,
    len: usize,
}

impl Plain {
    /// So many zero bytes, to be filled.
    pub(crate) fn zeroed(len: usize) -> Self {
        Self { lines: vec![[0; LINE_LEN]; len.div_ceil(LINE_LEN)], len }
    }
}

impl Deref for Plain {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.lines.as_flattened().get(..self.len).unwrap_or_default()
    }
}

impl DerefMut for Plain {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.lines.as_flattened_mut().get_mut(..self.len).unwrap_or_default()
    }
}

impl AsRef<[u8]> for Plain {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.lines.clear();
        self.lines.spare_capacity_mut().zeroize();
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plain({} bytes, redacted)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_exactly_the_length_asked_for() {
        for len in [0, 1, 63, 64, 65, 65_536] {
            let mut plain = Plain::zeroed(len);
            assert_eq!(plain.len(), len);
            plain.fill(7);
            assert!(plain.iter().all(|byte| *byte == 7));
        }
    }

    #[test]
    fn its_value_is_not_shown() {
        let mut plain = Plain::zeroed(3);
        plain.fill(b's');
        assert_eq!(format!("{plain:?}"), "Plain(3 bytes, redacted)");
    }
}
