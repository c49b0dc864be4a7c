//! Faults of a token in random order.

use crate::token::Kind;
use rand::{Rng, RngExt as _};
use std::time::Duration;

/// Something that goes wrong for a while.
#[derive(Clone, Debug)]
pub struct Fault {
    /// What goes wrong.
    pub what: What,
    /// For how long.
    pub lasts: Duration,
    /// How long all is well afterwards.
    pub pause: Duration,
}

/// What goes wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum What {
    /// Calls fail, hang or give something else, by rules of the fault module.
    Rules(String),
    /// The token's files are gone (SoftHSM).
    StorageAway,
    /// The file of the n-th object is gone (SoftHSM).
    KeyAway(usize),
    /// The token refuses the PIN with this code after it was lost.
    Pin(u64),
    /// Staff lock the token and unlock it again.
    Lock,
}

/// Codes that any call may return.
const CODES: [u64; 25] = [
    0x2,         // HOST_MEMORY
    0x3,         // SLOT_ID_INVALID
    0x5,         // GENERAL_ERROR
    0x6,         // FUNCTION_FAILED
    0x7,         // ARGUMENTS_BAD
    0x21,        // DATA_LEN_RANGE
    0x30,        // DEVICE_ERROR
    0x31,        // DEVICE_MEMORY
    0x32,        // DEVICE_REMOVED
    0x40,        // ENCRYPTED_DATA_INVALID
    0x50,        // FUNCTION_CANCELED
    0x54,        // FUNCTION_NOT_SUPPORTED
    0x60,        // KEY_HANDLE_INVALID
    0x68,        // KEY_FUNCTION_NOT_PERMITTED
    0x70,        // MECHANISM_INVALID
    0x82,        // OBJECT_HANDLE_INVALID
    0x90,        // OPERATION_ACTIVE
    0x91,        // OPERATION_NOT_INITIALIZED
    0xb0,        // SESSION_CLOSED
    0xb1,        // SESSION_COUNT
    0xb3,        // SESSION_HANDLE_INVALID
    0xe0,        // TOKEN_NOT_PRESENT
    0x101,       // USER_NOT_LOGGED_IN
    0x190,       // CRYPTOKI_NOT_INITIALIZED
    0x8000_0042, // a vendor's own
];

/// Functions that mbxd calls, `*` for all.
const FUNCTIONS: [&str; 19] = [
    "*",
    "C_Initialize",
    "C_Finalize",
    "C_GetSlotList",
    "C_GetTokenInfo",
    "C_OpenSession",
    "C_CloseSession",
    "C_Login",
    "C_FindObjectsInit",
    "C_FindObjects",
    "C_FindObjectsFinal",
    "C_GetAttributeValue",
    "C_EncryptInit",
    "C_Encrypt",
    "C_DecryptInit",
    "C_Decrypt",
    "C_SignInit",
    "C_Sign",
    "C_GetInfo",
];

/// Ways to spoil what a call gives, and the calls that they spoil.
const SPOILT: [(&str, &str); 11] = [
    ("C_Encrypt", "garbled"),
    ("C_Encrypt", "short"),
    ("C_Encrypt", "long"),
    ("C_Encrypt", "huge"),
    ("C_Decrypt", "garbled"),
    ("C_Decrypt", "short"),
    ("C_Decrypt", "huge"),
    ("C_Sign", "garbled"),
    ("C_FindObjects", "none"),
    ("C_FindObjects", "twice"),
    ("C_FindObjects", "many"),
];

/// What a token of this kind does wrong, one after the other.
pub fn schedule(rng: &mut impl Rng, kind: Kind) -> Vec<Fault> {
    let count = rng.random_range(2..=5);
    (0..count)
        .map(|_| Fault {
            what: what(rng, kind),
            lasts: Duration::from_millis(rng.random_range(50..1500)),
            pause: Duration::from_millis(rng.random_range(0..1500)),
        })
        .collect()
}

fn what(rng: &mut impl Rng, kind: Kind) -> What {
    let files = kind == Kind::SoftHsm;
    match rng.random_range(0..100) {
        0..50 => What::Rules(codes(rng)),
        50..62 => What::Rules(hang(rng)),
        62..68 => What::Rules(format!("* - {} *", rng.random_range(20..200))),
        68..84 => What::Rules(spoilt(rng)),
        84..88 if files => What::StorageAway,
        // The keys of both tiers, the register's, the keyring's.
        88..92 if files => What::KeyAway(rng.random_range(0..4)),
        92..95 => What::Pin(if rng.random() { 0xa0 } else { 0xa4 }),
        95.. => What::Lock,
        _ => What::Rules("* 0x32 0 *".to_owned()),
    }
}

/// One to three functions that return codes, now and then or always.
fn codes(rng: &mut impl Rng) -> String {
    let lines = (0..rng.random_range(1..=3)).map(|_| {
        let (function, code) = (pick(rng, &FUNCTIONS), pick(rng, &CODES));
        format!("{function} {code:#x} {} {}", rng.random_range(0..20), calls(rng))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn hang(rng: &mut impl Rng) -> String {
    format!("{} - 3600000 {}", pick(rng, &FUNCTIONS), calls(rng))
}

fn spoilt(rng: &mut impl Rng) -> String {
    let (function, how) = pick(rng, &SPOILT);
    format!("{function} {how} 0 {}", calls(rng))
}

/// Which calls a rule catches.
fn calls(rng: &mut impl Rng) -> String {
    match rng.random_range(0..3) {
        0 => "*".to_owned(),
        1 => rng.random_range(1..8).to_string(),
        _ => format!("1/{}", rng.random_range(2..9)),
    }
}

fn pick<T: Copy>(rng: &mut impl Rng, all: &[T]) -> T {
    let place = rng.random_range(0..all.len());
    *all.get(place).expect("it is within")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    #[test]
    fn every_schedule_follows_from_its_seed_and_its_rules_are_rules() {
        let of = |seed| schedule(&mut rand_chacha::ChaCha20Rng::seed_from_u64(seed), Kind::SoftHsm);
        for seed in 0..200 {
            let faults = of(seed);
            assert_eq!(format!("{faults:?}"), format!("{:?}", of(seed)));
            for fault in faults {
                if let What::Rules(rules) = fault.what {
                    for line in rules.lines() {
                        assert!(p11fault::rules::Rule::parse(line).is_some(), "{line}");
                    }
                }
            }
        }
    }
}
