//! One session with the token, and what is done in it.

use super::attributes::{self, Curve, Extent, Facts};
use super::fault::Fault;
use super::sealed::{self, GcmBlob, IV_LEN};
use super::{KeyPurpose, KeySpec, Public, Sealed, Secret32, Signature};
use crate::random;
use cryptoki::context::Pkcs11;
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use cryptoki::slot::Slot;
use mbx_common::id::KeyId;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;
use zeroize::Zeroizing;

/// Length of the tag of AES-GCM, in bits.
const TAG_BITS: u64 = 128;

/// Refusals of a template or curve that another one may get past.
const TEMPLATE_REFUSED: [RvError; 8] = [
    RvError::AttributeTypeInvalid,
    RvError::AttributeValueInvalid,
    RvError::AttributeReadOnly,
    RvError::TemplateInconsistent,
    RvError::MechanismParamInvalid,
    RvError::MechanismInvalid,
    RvError::CurveNotSupported,
    RvError::DomainParamsInvalid,
];

/// A session that is opened when it is needed, and the keys found in it.
///
/// A session that reported an error is not used again ([`Self::discard`]): the token may believe
/// that an operation is still going on. Handles are numbers that the module gives anew after
/// each `C_Initialize`, so sessions never close themselves when they are dropped: whoever owns one
/// closes it while its epoch lasts.
pub(super) struct TokenSession {
    pkcs11: Pkcs11,
    slot: Slot,
    session: Option<Session>,
    keys: HashMap<(KeyId, KeyPurpose), Key>,
}

#[derive(Clone, Copy)]
struct Key {
    handle: ObjectHandle,
    facts: Facts,
}

impl fmt::Debug for TokenSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSession").field("slot", &self.slot).finish_non_exhaustive()
    }
}

impl TokenSession {
    /// A session with this slot; nothing is opened yet.
    pub(super) fn new(pkcs11: Pkcs11, slot: Slot) -> Self {
        Self { pkcs11, slot, session: None, keys: HashMap::new() }
    }

    /// Closes the session and forgets its keys. An error while closing changes nothing: the
    /// session is given up either way.
    pub(super) fn discard(&mut self) {
        self.keys.clear();
        if let Some(session) = self.session.take() {
            drop(session.close());
        }
    }

    /// Opens a session where there is none.
    pub(super) fn raw(&mut self) -> Result<&Session, Fault> {
        if self.session.is_none() {
            // Some devices know no read-only sessions.
            self.session = Some(self.pkcs11.open_rw_session_no_drop(self.slot)?);
        }
        self.session.as_ref().ok_or(Fault::Answer)
    }

    /// Maker, description and version of the module.
    pub(super) fn module(&self) -> Result<String, Fault> {
        let info = self.pkcs11.get_library_info()?;
        Ok(format!(
            "{} {} {}",
            info.manufacturer_id().trim_end(),
            info.library_description().trim_end(),
            info.library_version()
        ))
    }

    /// Mechanisms that the token offers, as far as they have a name.
    pub(super) fn mechanisms(&self) -> Result<Vec<MechanismType>, Fault> {
        Ok(self.pkcs11.get_mechanism_list(self.slot)?)
    }

    /// Seals a secret under a key.
    pub(super) fn seal(&mut self, spec: KeySpec, secret: &Secret32) -> Result<Sealed, Fault> {
        let key = self.key(spec)?;
        let header = sealed::Header::new(spec).encode();
        let iv: [u8; IV_LEN] = random::bytes();
        let mut iv_param = iv;
        let params = GcmParams::new(&mut iv_param, &header, TAG_BITS.into())?;
        let ciphertext =
            self.raw()?.encrypt(&Mechanism::AesGcm(params), key.handle, secret.expose())?;
        if ciphertext.len() != sealed::GCM_LEN {
            return Err(Fault::Answer);
        }
        Ok(sealed::encode(&header, &iv, &ciphertext))
    }

    /// Opens a secret; the caller has compared its purpose.
    pub(super) fn open(&mut self, spec: KeySpec, blob: &GcmBlob<'_>) -> Result<Secret32, Fault> {
        let key = self.key(spec)?;
        let mut iv = *blob.iv;
        let params = GcmParams::new(&mut iv, blob.aad, TAG_BITS.into())?;
        let mechanism = Mechanism::AesGcm(params);
        let plain = Zeroizing::new(self.raw()?.decrypt(&mechanism, key.handle, blob.ciphertext)?);
        let secret = plain.as_slice().try_into().map_err(|_| Fault::Answer)?;
        Ok(Secret32::new(secret))
    }

    /// Signs a message, by Ed25519 itself or by ECDSA over a digest made here: a digest made in
    /// the token is what few tokens offer.
    pub(super) fn sign(&mut self, spec: KeySpec, message: &[u8]) -> Result<Signature, Fault> {
        let key = self.key(spec)?;
        let session = self.raw()?;
        let wrong = |_| Fault::Answer;
        if key.facts.key_type == KeyType::EC_EDWARDS {
            let mechanism = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519));
            let signature = session.sign(&mechanism, key.handle, message)?;
            Ok(Signature::Ed25519(signature.try_into().map_err(|_: Vec<u8>| Fault::Answer)?))
        } else {
            let digest = Sha256::digest(message);
            let signature = session.sign(&Mechanism::Ecdsa, key.handle, &digest)?;
            Ok(Signature::EcdsaP256(signature.as_slice().try_into().map_err(wrong)?))
        }
    }

    /// The public half of a signing key.
    pub(super) fn public(&mut self, spec: KeySpec) -> Result<Public, Fault> {
        let Key { handle: private, facts: Facts { key_type, .. } } = self.key(spec)?;
        let handle = match self.find(spec, ObjectClass::PUBLIC_KEY) {
            // Some tokens keep the point with the private half alone.
            Err(Fault::Absent) => private,
            found => found?,
        };
        let told = self.raw()?.get_attributes(handle, &[AttributeType::EcPoint])?;
        let Some(Attribute::EcPoint(point)) = told.into_iter().next() else {
            return Err(Fault::Answer);
        };
        read_point(key_type, &point).ok_or(Fault::Answer)
    }

    /// Makes a key where there is none of this id; its attributes are checked either way.
    pub(super) fn generate(&mut self, spec: KeySpec) -> Result<(), Fault> {
        match self.key(spec) {
            Err(Fault::Absent) => {}
            found => return found.map(|_| ()),
        }
        if spec.purpose == KeyPurpose::Sign {
            self.make_pair(spec)?;
        } else {
            self.insist(|session, extent| {
                let template = attributes::sealing(spec, extent);
                session.generate_key(&Mechanism::AesKeyGen, &template).map(|_| ())
            })?;
        }
        self.key(spec).map(|_| ())
    }

    /// Makes a pair on the first curve that the token takes.
    fn make_pair(&mut self, spec: KeySpec) -> Result<(), Fault> {
        let offered = self.mechanisms()?;
        let mut outcome = Err(Fault::Call(Error::NotSupported));
        for curve in Curve::ALL.into_iter().filter(|curve| offered.contains(&curve.signing())) {
            let public = attributes::verifying(spec, curve);
            outcome = self.insist(|session, extent| {
                let private = attributes::signing(spec, extent);
                session.generate_key_pair(&curve.generation(), &public, &private).map(|_| ())
            });
            match &outcome {
                Err(fault) if is_refusal(fault) => {}
                Ok(()) | Err(_) => break,
            }
        }
        outcome
    }

    /// Asks with the strictest template first, with shorter ones where the token refuses that.
    fn insist(
        &mut self,
        make: impl Fn(&Session, Extent) -> Result<(), Error>,
    ) -> Result<(), Fault> {
        let mut outcome = Err(Fault::Answer);
        for extent in Extent::ALL {
            outcome = make(self.raw()?, extent).map_err(Fault::from);
            match &outcome {
                Err(fault) if is_refusal(fault) => {}
                Ok(()) | Err(_) => break,
            }
        }
        outcome
    }

    /// Whether the key may still seal; finds it and checks its attributes.
    pub(super) fn encrypts(&mut self, spec: KeySpec) -> Result<bool, Fault> {
        Ok(self.key(spec)?.facts.encrypts)
    }

    /// Destroys a key and, of a pair, its other half.
    pub(super) fn destroy(&mut self, spec: KeySpec) -> Result<(), Fault> {
        self.keys.remove(&(spec.id, spec.purpose));
        for class in [attributes::class(spec.purpose), ObjectClass::PUBLIC_KEY] {
            for handle in self.raw()?.find_objects(&attributes::search(spec, class))? {
                self.raw()?.destroy_object(handle)?;
            }
        }
        Ok(())
    }

    /// Handle of the key, found once per session, its attributes checked then.
    pub(super) fn handle(&mut self, spec: KeySpec) -> Result<ObjectHandle, Fault> {
        Ok(self.key(spec)?.handle)
    }

    fn key(&mut self, spec: KeySpec) -> Result<Key, Fault> {
        if let Some(key) = self.keys.get(&(spec.id, spec.purpose)) {
            return Ok(*key);
        }
        let handle = self.find(spec, attributes::class(spec.purpose))?;
        let told = self.raw()?.get_attributes(handle, &attributes::examined())?;
        let facts = attributes::check(spec, &told).map_err(Fault::Violated)?;
        let key = Key { handle, facts };
        self.keys.insert((spec.id, spec.purpose), key);
        Ok(key)
    }

    /// The one object with this id and class.
    fn find(&mut self, spec: KeySpec, class: ObjectClass) -> Result<ObjectHandle, Fault> {
        let hits = self.raw()?.find_objects(&attributes::search(spec, class))?;
        match hits.as_slice() {
            [handle] => Ok(*handle),
            [] => Err(Fault::Absent),
            _ => Err(Fault::Doubled),
        }
    }
}

fn is_refusal(fault: &Fault) -> bool {
    TEMPLATE_REFUSED.iter().any(|code| fault.is(*code))
}

/// Reads `CKA_EC_POINT`: by the standard a DER octet string, by some tokens the bare point.
fn read_point(key_type: KeyType, point: &[u8]) -> Option<Public> {
    if key_type == KeyType::EC_EDWARDS {
        let bare = point.strip_prefix(&[0x04, 32]).filter(|rest| rest.len() == 32);
        bare.unwrap_or(point).try_into().ok().map(Public::Ed25519)
    } else {
        let bare = point.strip_prefix(&[0x04, 65]).filter(|rest| rest.len() == 65);
        let point: [u8; 65] = bare.unwrap_or(point).try_into().ok()?;
        (point.first() == Some(&0x04)).then_some(Public::EcdsaP256(point))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_read_bare_and_in_its_octet_string() {
        let edwards = [0x04; 32];
        let wrapped = [&[0x04, 32][..], &edwards].concat();
        for point in [&edwards[..], &wrapped] {
            let read = read_point(KeyType::EC_EDWARDS, point);
            assert_eq!(read, Some(Public::Ed25519(edwards)));
        }
        let mut p256 = [9; 65];
        p256[0] = 0x04;
        let wrapped = [&[0x04, 65][..], &p256].concat();
        for point in [&p256[..], &wrapped] {
            assert_eq!(read_point(KeyType::EC, point), Some(Public::EcdsaP256(p256)));
        }
        assert_eq!(read_point(KeyType::EC, &[9; 65]), None);
        assert_eq!(read_point(KeyType::EC_EDWARDS, &wrapped), None);
    }
}
