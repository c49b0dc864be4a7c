//! Which attributes keys are made with, and which they must still have.

use super::{KeyPurpose, KeySpec};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass};
use std::fmt;

/// `1.3.101.112`, DER: the curve of Ed25519 (RFC 8410).
const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];

/// `edwards25519` as a printable string, DER: the same curve as early readers of PKCS#11 3.0 spell
/// it.
const EDWARDS25519: [u8; 14] = *b"\x13\x0cedwards25519";

/// `1.2.840.10045.3.1.7`, DER: P-256 (RFC 5480).
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// Usages that any key might have; each purpose admits two at most.
fn usages() -> [Attribute; 9] {
    [
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::Sign(true),
        Attribute::SignRecover(true),
        Attribute::Verify(true),
        Attribute::Wrap(true),
        Attribute::Unwrap(true),
        Attribute::Derive(true),
        Attribute::Decapsulate(true),
    ]
}

/// A key that the policy forbids, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Violation {
    pub(super) key: KeySpec,
    pub(super) what: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) {}", self.key.id, label(self.key), self.what)
    }
}

/// What a key says about itself that later calls need.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// The kind of key.
    pub(super) key_type: KeyType,
    /// Whether it may still seal: a retired key only opens.
    pub(super) encrypts: bool,
}

/// Curves that a signing key may be made on, the preferred one first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Curve {
    /// RFC 8032.
    Ed25519,
    /// The same, the curve spelled by its name.
    Ed25519ByName,
    /// FIPS 186-5.
    P256,
}

impl Curve {
    /// Every curve, the preferred one first.
    pub(super) const ALL: [Self; 3] = [Self::Ed25519, Self::Ed25519ByName, Self::P256];

    /// What makes a key on it.
    pub(super) const fn generation(self) -> Mechanism<'static> {
        match self {
            Self::Ed25519 | Self::Ed25519ByName => Mechanism::EccEdwardsKeyPairGen,
            Self::P256 => Mechanism::EccKeyPairGen,
        }
    }

    /// What signs with it: a token that does not offer this is not asked for a key.
    pub(super) const fn signing(self) -> MechanismType {
        match self {
            Self::Ed25519 | Self::Ed25519ByName => MechanismType::EDDSA,
            Self::P256 => MechanismType::ECDSA,
        }
    }

    const fn params(self) -> &'static [u8] {
        match self {
            Self::Ed25519 => &ED25519,
            Self::Ed25519ByName => &EDWARDS25519,
            Self::P256 => &P256,
        }
    }
}

/// The label of a key: for people alone, never for finding it.
pub(super) fn label(key: KeySpec) -> String {
    format!("mbx/{}/v{}", key.purpose.name(), key.version)
}

/// The class in which a key of this purpose is looked for.
pub(super) const fn class(purpose: KeyPurpose) -> ObjectClass {
    if matches!(purpose, KeyPurpose::Sign) {
        ObjectClass::PRIVATE_KEY
    } else {
        ObjectClass::SECRET_KEY
    }
}

/// What finds a key: id and class, on the token.
pub(super) fn search(key: KeySpec, class: ObjectClass) -> [Attribute; 3] {
    [Attribute::Token(true), Attribute::Class(class), Attribute::Id(key.id.as_bytes().to_vec())]
}

/// The template of a key that seals: AES-256, one pair of usages.
pub(super) fn sealing(key: KeySpec, extent: Extent) -> Vec<Attribute> {
    let mut template = guarded(key, extent);
    template.extend([
        Attribute::ValueLen(32.into()),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::Sign(false),
        Attribute::Verify(false),
        Attribute::Wrap(false),
        Attribute::Unwrap(false),
        Attribute::Derive(false),
    ]);
    if extent == Extent::Full {
        template.push(Attribute::AllowedMechanisms(vec![MechanismType::AES_GCM]));
    }
    template
}

/// The template of the private half of a signing key.
pub(super) fn signing(key: KeySpec, extent: Extent) -> Vec<Attribute> {
    let mut template = guarded(key, extent);
    template.extend([
        Attribute::Sign(true),
        Attribute::Decrypt(false),
        Attribute::Unwrap(false),
        Attribute::Derive(false),
    ]);
    if extent != Extent::Least {
        // Some tokens set it unless told not to.
        template.push(Attribute::SignRecover(false));
    }
    template
}

/// The template of the public half of a signing key.
pub(super) fn verifying(key: KeySpec, curve: Curve) -> Vec<Attribute> {
    vec![
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Id(key.id.as_bytes().to_vec()),
        Attribute::Label(label(key).into_bytes()),
        Attribute::EcParams(curve.params().to_vec()),
        Attribute::Verify(true),
        Attribute::Encrypt(false),
        Attribute::Wrap(false),
    ]
}

/// How much of the template is asked for: some tokens refuse attributes of later standards.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Extent {
    /// With `CKA_COPYABLE`, `CKA_SIGN_RECOVER` and `CKA_ALLOWED_MECHANISMS`.
    Full,
    /// Without `CKA_ALLOWED_MECHANISMS`.
    Less,
    /// Without all three.
    Least,
}

impl Extent {
    /// Every extent, the strictest first.
    pub(super) const ALL: [Self; 3] = [Self::Full, Self::Less, Self::Least];
}

fn guarded(key: KeySpec, extent: Extent) -> Vec<Attribute> {
    let mut template = vec![
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Id(key.id.as_bytes().to_vec()),
        Attribute::Label(label(key).into_bytes()),
    ];
    if extent != Extent::Least {
        template.push(Attribute::Copyable(false));
    }
    template
}

/// The attributes that [`check`] needs.
pub(super) fn examined() -> Vec<AttributeType> {
    let mut types = vec![
        AttributeType::KeyType,
        AttributeType::Private,
        AttributeType::Sensitive,
        AttributeType::AlwaysSensitive,
        AttributeType::Extractable,
        AttributeType::NeverExtractable,
        AttributeType::Local,
    ];
    types.extend(usages().iter().map(Attribute::attribute_type));
    types
}

/// Checks what a key says about itself. An attribute that the token does not tell counts as the
/// worse of its values where it guards the key, and as unset where it is a usage.
pub(super) fn check(key: KeySpec, told: &[Attribute]) -> Result<Facts, Violation> {
    let violation = |what| Err(Violation { key, what });
    let is = |attribute: Attribute| told.contains(&attribute);
    if !is(Attribute::Private(true)) {
        return violation("can be used before log-in");
    }
    if !is(Attribute::Sensitive(true)) || !is(Attribute::AlwaysSensitive(true)) {
        return violation("is not sensitive, or was not always");
    }
    if !is(Attribute::Extractable(false)) || !is(Attribute::NeverExtractable(true)) {
        return violation("can be extracted, or could be once");
    }
    if !is(Attribute::Local(true)) {
        return violation("was not made in the token");
    }
    let signs = key.purpose == KeyPurpose::Sign;
    let planned: &[Attribute] = if signs {
        &[Attribute::Sign(true)]
    } else {
        &[Attribute::Encrypt(true), Attribute::Decrypt(true)]
    };
    if usages().iter().any(|usage| told.contains(usage) && !planned.contains(usage)) {
        return violation("has more usages than planned");
    }
    let admitted: &[KeyType] =
        if signs { &[KeyType::EC_EDWARDS, KeyType::EC] } else { &[KeyType::AES] };
    match admitted.iter().find(|key_type| is(Attribute::KeyType(**key_type))) {
        Some(key_type) => Ok(Facts { key_type: *key_type, encrypts: is(Attribute::Encrypt(true)) }),
        None => violation("is of another kind"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbx_common::id::KeyId;

    fn key(purpose: KeyPurpose) -> KeySpec {
        KeySpec { id: KeyId::from_bytes([3; 16]), purpose, version: 7 }
    }

    /// What a token tells about a key of ours right after it was made.
    fn good(purpose: KeyPurpose) -> Vec<Attribute> {
        let (key_type, template) = if purpose == KeyPurpose::Sign {
            (KeyType::EC_EDWARDS, signing(key(purpose), Extent::Full))
        } else {
            (KeyType::AES, sealing(key(purpose), Extent::Full))
        };
        let told = [
            Attribute::KeyType(key_type),
            Attribute::AlwaysSensitive(true),
            Attribute::NeverExtractable(true),
            Attribute::Local(true),
        ];
        template.into_iter().chain(told).collect()
    }

    #[test]
    fn a_key_made_by_our_template_passes() {
        for purpose in KeyPurpose::ALL {
            assert!(check(key(purpose), &good(purpose)).is_ok(), "{purpose:?}");
        }
    }

    #[test]
    fn any_further_usage_is_a_violation() {
        for purpose in KeyPurpose::ALL {
            for usage in usages().into_iter().filter(|usage| !good(purpose).contains(usage)) {
                let mut told = good(purpose);
                told.push(usage.clone());
                let violation = check(key(purpose), &told).unwrap_err();
                assert_eq!(violation.what, "has more usages than planned", "{purpose:?} {usage:?}");
            }
        }
    }

    #[test]
    fn a_guard_that_is_off_or_untold_is_a_violation() {
        for (set, off) in [
            (Attribute::Private(true), Attribute::Private(false)),
            (Attribute::Sensitive(true), Attribute::Sensitive(false)),
            (Attribute::AlwaysSensitive(true), Attribute::AlwaysSensitive(false)),
            (Attribute::Extractable(false), Attribute::Extractable(true)),
            (Attribute::NeverExtractable(true), Attribute::NeverExtractable(false)),
            (Attribute::Local(true), Attribute::Local(false)),
        ] {
            let mut told = good(KeyPurpose::KekHigh);
            told.retain(|attribute| *attribute != set);
            assert!(check(key(KeyPurpose::KekHigh), &told).is_err(), "untold {set:?}");
            told.push(off.clone());
            assert!(check(key(KeyPurpose::KekHigh), &told).is_err(), "{off:?}");
        }
    }

    #[test]
    fn a_key_of_another_kind_is_a_violation() {
        let mut told = good(KeyPurpose::Backup);
        told.retain(|attribute| *attribute != Attribute::KeyType(KeyType::AES));
        told.push(Attribute::KeyType(KeyType::GENERIC_SECRET));
        assert!(check(key(KeyPurpose::Backup), &told).is_err());
    }

    #[test]
    fn a_retired_key_that_only_opens_passes_and_says_so() {
        let mut told = good(KeyPurpose::KekBasic);
        told.retain(|attribute| *attribute != Attribute::Encrypt(true));
        assert!(!check(key(KeyPurpose::KekBasic), &told).unwrap().encrypts);
    }
}
