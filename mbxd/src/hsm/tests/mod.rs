//! Tests on real tokens, each in a process of its own.

/// Each test once per module, in a process of its own; on Kryoptic only where that is built.
macro_rules! suite {
    ($($name:ident)+) => {
        mod softhsm {
            $(#[test]
            fn $name() {
                mbx_tests::token::alone_async(|token| super::$name(token));
            })+
        }

        mod kryoptic {
            $(#[test]
            fn $name() {
                let kind = mbx_tests::token::Kind::Kryoptic;
                mbx_tests::token::alone_async_on(kind, |token| super::$name(token));
            })+
        }
    };
}

mod core;
mod faults;
mod keys;
mod pin;

use super::{Custody, HsmOptions, KeyPurpose, KeySpec, Pkcs11Custody, Secret32, State};
use crate::config::hsm::Hsm;
use crate::config::value::Span;
use crate::random;
use mbx_common::id::KeyId;
use mbx_tests::token::Token;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long a test waits for a state. What must be quicker says so itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// Options for this token through this module, the PIN being known at start.
fn options(token: &Token, module: PathBuf) -> HsmOptions {
    let config = Hsm {
        module,
        token_label: token.label().to_owned(),
        token_serial: token.serial().to_owned(),
        deadline: Span::secs(5),
        ..Hsm::default()
    };
    HsmOptions {
        config,
        development: true,
        pin: Some(token.pin().to_owned().into()),
        rejected_pin: Some(token.dir().join("rejected-pin")),
    }
}

/// Custody that is open.
async fn ready(options: HsmOptions) -> Arc<Pkcs11Custody> {
    let custody = Pkcs11Custody::start(options).unwrap();
    reaches(&custody, State::Ready, PATIENCE).await;
    custody
}

/// Waits for a state; panics where it does not come in time.
async fn reaches(custody: &Pkcs11Custody, wanted: State, within: Duration) {
    let mut changes = custody.changes();
    let reached = tokio::time::timeout(within, changes.wait_for(|state| *state == wanted)).await;
    assert!(reached.is_ok(), "not {wanted:?} within {within:?}: {:?}", custody.status());
}

/// A key with a fresh id.
fn key(purpose: KeyPurpose) -> KeySpec {
    KeySpec { id: KeyId::from_bytes(random::bytes()), purpose, version: 1 }
}

/// A key that was made in the token.
async fn made(custody: &Pkcs11Custody, purpose: KeyPurpose) -> KeySpec {
    let key = key(purpose);
    let outcome = custody.generate(key).await;
    assert_eq!(outcome, Ok(()), "{:?}", custody.status());
    key
}

fn secret(byte: u8) -> Secret32 {
    Secret32::new([byte; 32])
}

/// Waits for something that no state tells.
async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
