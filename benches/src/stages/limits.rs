//! What each stage is held against: the bare primitive over as many bytes, no faster on this
//! machine than its library makes it.

use super::stage::us_each;
use crate::BenchError;
use crate::cipher::Pair;
use crate::sample::Sample;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::kem::{DecapsulationKey, EncapsulationKey, ML_KEM_768};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
};
use md5::{Digest as _, Md5};
use std::hint::black_box;
use std::time::Duration;

/// Longest TLS record.
const RECORD_LEN: usize = 16 * 1024;

/// What an RSA signature is over: as long as a `SignedInfo`.
const SIGNED: &[u8] = &[0x5a; 600];

/// The primitives, ready to be timed.
pub(super) struct Limits {
    payload: Vec<u8>,
    copy: Vec<u8>,
    octets: Vec<u8>,
    pair: Pair,
    gcm: LessSafeKey,
    rsa: ParsedPublicKey,
    signature: Vec<u8>,
    ml_kem: EncapsulationKey,
    x25519: Vec<u8>,
}

impl Limits {
    /// For a request and an attachment of so many bytes.
    pub(super) fn new(payload: &[u8], octets: usize) -> Result<Self, BenchError> {
        let random = SystemRandom::new();
        let key = KeyPair::generate(KeySize::Rsa2048)?;
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &random, SIGNED, &mut signature)?;
        let public = key.public_key().as_ref();
        let peer = EphemeralPrivateKey::generate(&X25519, &random)?;
        Ok(Self {
            copy: vec![0; payload.len() * 4],
            payload: payload.repeat(4),
            octets: vec![0x5a; octets],
            pair: Pair::new(&vec![0x5a; octets]),
            gcm: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32])?),
            rsa: ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)?,
            signature,
            ml_kem: DecapsulationKey::generate(&ML_KEM_768)?.encapsulation_key()?,
            x25519: peer.compute_public_key()?.as_ref().to_vec(),
        })
    }

    /// Copying so many bytes.
    pub(super) fn copy(&mut self, len: usize, each: Duration) -> Sample {
        let (from, to) = (self.payload.get(..len), self.copy.get_mut(..len));
        let Some((from, to)) = from.zip(to) else { return Sample::new() };
        us_each(each, || {
            to.copy_from_slice(black_box(from));
            black_box(&to).first() == from.first()
        })
    }

    /// Encrypting the request in place by whole TLS records, which costs what decrypting does.
    pub(super) fn gcm(&mut self, each: Duration) -> Sample {
        let Self { payload, copy, gcm, .. } = self;
        let len = payload.len() / 4;
        let Some(records) = copy.get_mut(..len) else { return Sample::new() };
        us_each(each, || {
            records.chunks_mut(RECORD_LEN).all(|record| {
                let nonce = Nonce::assume_unique_for_key([3; NONCE_LEN]);
                gcm.seal_in_place_separate_tag(nonce, Aad::from([0; 5]), record).is_ok()
            })
        })
    }

    /// So many RSA verifications with 2,048 bits, keys parsed beforehand.
    pub(super) fn rsa(&self, count: usize, each: Duration) -> Sample {
        us_each(each, || {
            (0..count).all(|_| self.rsa.verify_sig(black_box(SIGNED), &self.signature).is_ok())
        })
    }

    /// SHA-256 of so many bytes.
    pub(super) fn sha256(&self, len: usize, each: Duration) -> Sample {
        let Some(octets) = self.payload.get(..len) else { return Sample::new() };
        us_each(each, || digest(&SHA256, black_box(octets)).as_ref().len() == 32)
    }

    /// MD5 of the attachment.
    pub(super) fn md5(&self, each: Duration) -> Sample {
        us_each(each, || Md5::digest(black_box(&self.octets)).len() == 16)
    }

    /// AES-256-CTR, then HMAC-SHA-256, of the attachment.
    pub(super) fn pair(&mut self, each: Duration) -> Sample {
        us_each(each, || {
            self.pair.pass();
            true
        })
    }

    /// Encapsulating with ML-KEM-768 and agreeing with X25519, as X-Wing joins them.
    pub(super) fn hybrid(&self, each: Duration) -> Result<Sample, BenchError> {
        let random = SystemRandom::new();
        let once = || -> Result<(), BenchError> {
            let encapsulated = self.ml_kem.encapsulate()?;
            black_box(encapsulated.0.as_ref());
            let own = EphemeralPrivateKey::generate(&X25519, &random)?;
            black_box(own.compute_public_key()?);
            let peer = UnparsedPublicKey::new(&X25519, &self.x25519);
            let agreed: Result<(), &str> = agree_ephemeral(own, peer, "no agreement", |secret| {
                black_box(secret);
                Ok(())
            });
            Ok(agreed?)
        };
        once()?;
        Ok(us_each(each, || once().is_ok()))
    }
}
