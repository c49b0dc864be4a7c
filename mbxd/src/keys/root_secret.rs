//! Root secrets at rest: sealed by the token and signed by it (`docs/formats/root-secret.md`).
//!
//! The seal keeps them secret; the signature tells them from one that somebody else sealed, which
//! token profiles with public keys would allow.

use super::error::{KeysError, Thing};
use super::fields::{put_short, take, take_short};
use super::token_key::KeyTable;
use crate::hsm::{Custody, KeyPurpose, KeySpec, Public, Sealed, Secret32, Signature};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};
use mbx_common::id::{InstallationId, KeyId};
use mbx_common::time::Timestamp;

const VERSION: u8 = 1;
/// What stands before the signed bytes, so that no other signature of the key fits.
const SIGNED_AS: &[u8] = b"mbx root secret\x00";

/// What a root secret is for. The byte stands in the row and in its key: never reused.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) enum RootPurpose {
    /// Register and side records.
    Register,
    /// The delivery directory and the marks of duplicates.
    Lookup,
    /// The keyring of one erasure generation.
    Keyring,
}

impl RootPurpose {
    /// The byte in the row.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Register => 1,
            Self::Lookup => 2,
            Self::Keyring => 3,
        }
    }

    /// The key of the token that seals it.
    pub(super) const fn sealed_by(self) -> KeyPurpose {
        match self {
            Self::Register | Self::Lookup => KeyPurpose::KekRegister,
            Self::Keyring => KeyPurpose::Keyring,
        }
    }
}

/// Which root secret of which installation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct RootName {
    pub(super) purpose: RootPurpose,
    /// From 1; the keyring's is its erasure generation.
    pub(super) generation: u32,
    pub(super) installation: InstallationId,
}

impl RootName {
    /// The row's key: purpose (1) ‖ generation (4).
    pub(super) fn row_key(&self) -> Vec<u8> {
        [[self.purpose.code()].as_slice(), &self.generation.to_be_bytes()].concat()
    }

    /// The row up to the signature.
    fn body(
        &self,
        signer: KeyId,
        algorithm: Algorithm,
        created: Timestamp,
        sealed: &Sealed,
    ) -> Vec<u8> {
        let mut body = vec![VERSION, self.purpose.code()];
        body.extend_from_slice(&self.generation.to_be_bytes());
        body.extend_from_slice(self.installation.as_bytes());
        body.extend_from_slice(signer.as_bytes());
        body.push(algorithm.code());
        body.extend_from_slice(&created.as_millis().to_be_bytes());
        put_short(&mut body, &sealed.0);
        body
    }
}

/// How a row is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Algorithm {
    Ed25519,
    EcdsaP256,
}

impl Algorithm {
    const fn code(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::EcdsaP256 => 2,
        }
    }
}

/// A row whose signature fits the key in the token.
#[derive(Debug)]
pub(super) struct Genuine {
    name: RootName,
    sealed: Sealed,
}

impl Genuine {
    /// Has the token open the secret.
    pub(super) async fn open(&self, custody: &dyn Custody) -> Result<Secret32, KeysError> {
        Ok(custody.open(self.name.purpose.sealed_by(), &self.sealed).await?)
    }
}

/// Seals and signs a new root secret: the row's value.
pub(super) async fn make(
    custody: &dyn Custody,
    keys: &KeyTable,
    name: RootName,
    secret: &Secret32,
    now: Timestamp,
) -> Result<Vec<u8>, KeysError> {
    let signer = keys.active(KeyPurpose::Sign)?;
    let algorithm = match custody.public(signer).await? {
        Public::Ed25519(_) => Algorithm::Ed25519,
        Public::EcdsaP256(_) => Algorithm::EcdsaP256,
    };
    let sealed = custody.seal(keys.active(name.purpose.sealed_by())?, secret).await?;
    let mut row = name.body(signer.id, algorithm, now, &sealed);
    let signature = match custody.sign(signer, &[SIGNED_AS, &row].concat()).await? {
        Signature::Ed25519(bytes) | Signature::EcdsaP256(bytes) => bytes,
    };
    row.extend_from_slice(&signature);
    Ok(row)
}

/// Checks a row: it is the one that was asked for, and a signing key of this installation that
/// is in the token signed it.
pub(super) async fn check(
    custody: &dyn Custody,
    keys: &KeyTable,
    name: RootName,
    row: &[u8],
) -> Result<Genuine, KeysError> {
    let altered = || KeysError::Altered(Thing::RootSecret);
    if let Some(&version) = row.first()
        && version != VERSION
    {
        return Err(KeysError::Version { thing: Thing::RootSecret, version });
    }
    let parts = Parts::read(row).ok_or_else(altered)?;
    let signer = keys.usable(parts.signer).filter(is_signer).ok_or_else(altered)?;
    let (algorithm, public) = match custody.public(signer).await? {
        Public::Ed25519(key) => {
            (Algorithm::Ed25519, UnparsedPublicKey::new(&ED25519, key.to_vec()))
        }
        Public::EcdsaP256(key) => {
            (Algorithm::EcdsaP256, UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.to_vec()))
        }
    };
    // Built from what was asked for, so that a row of another purpose, generation or
    // installation does not fit.
    let sealed = Sealed(parts.sealed.to_vec());
    let body = name.body(signer.id, algorithm, parts.created, &sealed);
    let message = [SIGNED_AS, &body].concat();
    public.verify(&message, &parts.signature).map_err(|_| altered())?;
    if row != [body.as_slice(), &parts.signature].concat() {
        return Err(altered());
    }
    Ok(Genuine { name, sealed })
}

fn is_signer(key: &KeySpec) -> bool {
    key.purpose == KeyPurpose::Sign
}

/// The fields of a row that are not asked for by name.
pub(super) struct Parts<'a> {
    pub(super) signer: KeyId,
    pub(super) created: Timestamp,
    pub(super) sealed: &'a [u8],
    pub(super) signature: [u8; 64],
}

impl<'a> Parts<'a> {
    pub(super) fn read(mut row: &'a [u8]) -> Option<Self> {
        let _name: [u8; 22] = take(&mut row)?;
        let signer = KeyId::from_bytes(take(&mut row)?);
        let [_algorithm] = take(&mut row)?;
        let created = Timestamp::from_millis(u64::from_be_bytes(take(&mut row)?)).ok()?;
        let sealed = take_short(&mut row)?;
        let signature = take(&mut row)?;
        row.is_empty().then_some(Self { signer, created, sealed, signature })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::SoftCustody;
    use super::super::token_key::{KeyState, TokenKey};
    use super::*;

    const NAME: RootName = RootName {
        purpose: RootPurpose::Register,
        generation: 1,
        installation: InstallationId::from_bytes([1; 16]),
    };

    fn key(id: u8, purpose: KeyPurpose, state: KeyState) -> TokenKey {
        let spec = KeySpec { id: KeyId::from_bytes([id; 16]), purpose, version: 1 };
        TokenKey { spec, state, created: Timestamp::EPOCH }
    }

    /// A token with two keys, and a row signed by the second.
    async fn signed() -> (SoftCustody, Vec<u8>) {
        let custody = SoftCustody::default();
        let keys = [
            key(1, KeyPurpose::KekRegister, KeyState::Active),
            key(2, KeyPurpose::Sign, KeyState::Active),
        ];
        for key in keys {
            custody.generate(key.spec).await.unwrap();
        }
        let table = KeyTable::new(keys.to_vec());
        let secret = Secret32::new([7; 32]);
        let row = make(&custody, &table, NAME, &secret, Timestamp::EPOCH).await.unwrap();
        (custody, row)
    }

    async fn checked(signer: Option<TokenKey>) -> Result<Secret32, KeysError> {
        let (custody, row) = signed().await;
        let kek = key(1, KeyPurpose::KekRegister, KeyState::Active);
        let table = KeyTable::new(signer.into_iter().chain([kek]).collect());
        check(&custody, &table, NAME, &row).await?.open(&custody).await
    }

    #[tokio::test]
    async fn a_signed_secret_opens_while_its_signer_is_active_or_retired() {
        for state in [KeyState::Active, KeyState::Retired] {
            let secret = checked(Some(key(2, KeyPurpose::Sign, state))).await.unwrap();
            assert_eq!(secret.expose(), &[7; 32]);
        }
    }

    #[tokio::test]
    async fn a_signer_that_is_unknown_destroyed_or_no_signing_key_is_refused() {
        for signer in [
            None,
            Some(key(2, KeyPurpose::Sign, KeyState::Destroyed)),
            Some(key(2, KeyPurpose::KekBasic, KeyState::Active)),
        ] {
            let refused = checked(signer).await;
            assert!(matches!(refused, Err(KeysError::Altered(Thing::RootSecret))), "{signer:?}");
        }
    }
}
