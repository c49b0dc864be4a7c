//! Known-answer operations: the only health check that tells the truth.
//!
//! Session state, slot state and opening a session succeed on tokens that are long gone.

use super::fault::Fault;
use super::sealed;
use super::session::TokenSession;
use super::{KeyPurpose, KeySpec, Public, Sealed, Secret32, Signature};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};
use mbx_common::id::KeyId;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use subtle::ConstantTimeEq;

/// What is sealed and signed. Nothing hangs on it being secret.
const KNOWN: [u8; 32] = *b"mbxd asks whether the HSM works.";

/// Canaries sealed since the start: a key that was exchanged behind our back does not open them.
#[derive(Debug, Default)]
pub(super) struct Canaries(Mutex<HashMap<KeyId, Sealed>>);

impl Canaries {
    /// Does a known-answer operation with this key: opens the canary sealed before, or seals one
    /// and opens it, or signs and verifies in software. A key that only opens and has no canary
    /// yet is found and its attributes checked.
    pub(super) fn ask(&self, session: &mut TokenSession, key: KeySpec) -> Result<(), Fault> {
        if key.purpose == KeyPurpose::Sign {
            return ask_signature(session, key);
        }
        let kept = self.lock().get(&key.id).cloned();
        let canary = match kept {
            Some(canary) => canary,
            None if session.encrypts(key)? => session.seal(key, &Secret32::new(KNOWN))?,
            None => return Ok(()),
        };
        let blob = sealed::decode(&canary, key.purpose).map_err(|_| Fault::Answer)?;
        let opened = session.open(key, &blob)?;
        if !bool::from(opened.expose().ct_eq(&KNOWN)) {
            return Err(Fault::Answer);
        }
        self.lock().insert(key.id, canary);
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<KeyId, Sealed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Signs, and verifies in software.
pub(super) fn ask_signature(session: &mut TokenSession, key: KeySpec) -> Result<(), Fault> {
    sign_proven(session, key, &KNOWN).map(|_| ())
}

/// Signs a message, and gives out only what the token's own public key verifies.
pub(super) fn sign_proven(
    session: &mut TokenSession,
    key: KeySpec,
    message: &[u8],
) -> Result<Signature, Fault> {
    let signature = session.sign(key, message)?;
    let public = session.public(key)?;
    if verifies(&public, message, &signature) { Ok(signature) } else { Err(Fault::Answer) }
}

fn verifies(public: &Public, message: &[u8], signature: &Signature) -> bool {
    match (public, signature) {
        (Public::Ed25519(key), Signature::Ed25519(signature)) => {
            UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
        }
        (Public::EcdsaP256(key), Signature::EcdsaP256(signature)) => {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(message, signature).is_ok()
        }
        (Public::Ed25519(_), Signature::EcdsaP256(_))
        | (Public::EcdsaP256(_), Signature::Ed25519(_)) => false,
    }
}
