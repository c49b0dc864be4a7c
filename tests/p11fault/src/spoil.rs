//! What a module may give that is not what it should be.

use cryptoki_sys::{CK_BYTE, CK_OBJECT_HANDLE, CK_ULONG};

/// A way to spoil what a call gives: bytes (`C_Encrypt`, `C_Decrypt`, `C_Sign`) or handles
/// (`C_FindObjects`). Other calls go through as they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Spoil {
    /// `garbled`: bytes of the right length that are not the right ones.
    Garbled,
    /// `short`: a byte less than there is.
    Short,
    /// `long`: more bytes than there are.
    Long,
    /// `huge`: a length that no memory holds.
    Huge,
    /// `none`: no handle.
    None,
    /// `twice`: the first handle twice.
    Twice,
    /// `many`: more handles than there was room for.
    Many,
}

/// How many bytes more a `long` output claims.
const LONGER: CK_ULONG = 64;

impl Spoil {
    /// The spoil of this name.
    pub(crate) fn named(word: &str) -> Option<Self> {
        Some(match word {
            "garbled" => Self::Garbled,
            "short" => Self::Short,
            "long" => Self::Long,
            "huge" => Self::Huge,
            "none" => Self::None,
            "twice" => Self::Twice,
            "many" => Self::Many,
            _ => return None,
        })
    }

    /// Spoils bytes that the real module gave, or their length where it was asked for that alone.
    /// Nothing is written beyond what the caller made room for.
    ///
    /// # Safety
    /// As `C_Encrypt`: `len` is null or valid; `out` is null or holds `*len` bytes.
    pub(crate) unsafe fn bytes(self, out: *mut CK_BYTE, len: *mut CK_ULONG) {
        if len.is_null() {
            return;
        }
        // SAFETY: not null, and valid by the contract of this function.
        let told = unsafe { *len };
        let new = match self {
            Self::Short if !out.is_null() => told.saturating_sub(1),
            Self::Long => told.saturating_add(LONGER),
            Self::Huge if out.is_null() => 1 << 63,
            Self::Garbled if !out.is_null() => {
                let count = usize::try_from(told).unwrap_or_default();
                // SAFETY: as many bytes lie there, by the contract of this function.
                let bytes = unsafe { std::slice::from_raw_parts_mut(out, count) };
                for byte in bytes {
                    *byte ^= 0xa5;
                }
                told
            }
            _ => told,
        };
        // SAFETY: as above.
        unsafe { *len = new };
    }

    /// Spoils handles that the real module gave.
    ///
    /// # Safety
    /// As `C_FindObjects`: `count` is null or valid; `found` has room for `room` handles.
    pub(crate) unsafe fn handles(
        self,
        found: *mut CK_OBJECT_HANDLE,
        room: CK_ULONG,
        count: *mut CK_ULONG,
    ) {
        if count.is_null() || found.is_null() || room < 2 {
            return;
        }
        // SAFETY: not null, and valid by the contract of this function.
        let told = unsafe { *count };
        let new = match self {
            Self::None => 0,
            Self::Many => room.saturating_add(1),
            Self::Twice if told == 1 => {
                // SAFETY: the first handle was written by the real module.
                let first = unsafe { *found };
                // SAFETY: there is room for two at least.
                let second = unsafe { found.add(1) };
                // SAFETY: as above.
                unsafe { second.write(first) };
                2
            }
            _ => told,
        };
        // SAFETY: as above.
        unsafe { *count = new };
    }
}
