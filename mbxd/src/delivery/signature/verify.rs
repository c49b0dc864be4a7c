//! Both signatures of a delivery.

use super::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use super::canonical::{Form, Length};
use super::error::{Cause, Level, SignatureError};
use super::level::{SignedElement, Vouched};
use super::low_s::{self, Order};
use super::policy::Policy;
use crate::delivery::soap::{Children, Document, Element, Levels, Name, SealedDelivery, ns};
use rustls_pki_types::CertificateDer;
use std::borrow::Cow;

/// What both signatures prove, once the caller trusts the certificates.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verified {
    /// The sender's signature, over the delivery.
    pub sender: VerifiedLevel,
    /// The dispatcher's signature, over the sender's and the seal.
    pub seal: VerifiedLevel,
}

/// What one signature proves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedLevel {
    /// The certificates that came with it, at least one; the first bears the key that signed.
    pub certificates: Vec<CertificateDer<'static>>,
    /// The signature algorithm.
    pub algorithm: SignatureAlgorithm,
    /// The digest algorithm.
    pub digest: DigestAlgorithm,
    /// The octets of `SignatureValue`.
    pub signature_value: Vec<u8>,
    /// In which form the content fitted its digest.
    pub form: Form,
    /// In which form `SignedInfo` fitted its signature.
    pub signed_info_form: Form,
}

impl VerifiedLevel {
    /// Whether SHA-1 was used anywhere, which is to be logged and counted.
    pub fn uses_sha1(&self) -> bool {
        self.algorithm == SignatureAlgorithm::RsaSha1 || self.digest == DigestAlgorithm::Sha1
    }

    /// The signature value in the one spelling that tells this signature from others.
    ///
    /// With ECDSA (r, n − s) fits whatever (r, s) fits, and nobody needs the key to write one for
    /// the other: of the two, this is the one with the lower s. RSA has one spelling alone.
    pub fn settled_value(&self) -> Cow<'_, [u8]> {
        let order = match self.algorithm {
            SignatureAlgorithm::EcdsaSha256 => Order::P256,
            SignatureAlgorithm::EcdsaSha384 => Order::P384,
            SignatureAlgorithm::RsaSha1
            | SignatureAlgorithm::RsaSha256
            | SignatureAlgorithm::RsaSha384
            | SignatureAlgorithm::RsaSha512 => return Cow::Borrowed(&self.signature_value),
        };
        low_s::settled(&self.signature_value, order)
    }
}

/// Verifies both signatures of a delivery over the very tree that it was parsed from.
///
/// Shapes come first, then both signature values, then both digests, so that nothing large is
/// digested for a request that nobody signed.
///
/// # Errors
/// [`SignatureError`] names the signature and the cause.
pub fn verify(delivery: &SealedDelivery<'_>, policy: Policy) -> Result<Verified, SignatureError> {
    let verified = verify_levels(delivery.levels(), policy)?;
    if !delivery.seal.signatures_ok {
        return Err(SignatureError { level: Level::Seal, cause: Cause::SealSaysNo });
    }
    Ok(verified)
}

/// Verifies both signatures of a delivery of any service version: stored evidence and samples.
///
/// The document is an envelope with a `deliverSecure`, or a sealed delivery alone.
///
/// # Errors
/// [`SignatureError`] names the signature and the cause.
pub fn verify_document(
    document: &Document<'_>,
    policy: Policy,
) -> Result<Verified, SignatureError> {
    let levels = Levels::locate(document).map_err(|error| at(Level::Seal)(error.into()))?;
    verify_levels(levels, policy)
}

/// Everything that [`verify`] does before anything large is digested.
///
/// # Errors
/// As for [`verify`].
pub fn vouch(delivery: &SealedDelivery<'_>, policy: Policy) -> Result<(), SignatureError> {
    vouch_levels(delivery.levels(), policy).map(drop)
}

/// The same, then the canonical form of both signed elements written as [`verify`] has it
/// digested; gives its length in bytes.
///
/// # Errors
/// As for [`verify`].
pub fn canonical_len(delivery: &SealedDelivery<'_>, policy: Policy) -> Result<u64, SignatureError> {
    let vouched = vouch_levels(delivery.levels(), policy)?;
    let mut len = Length::default();
    for level in &vouched {
        level.content().write(Form::PrefixFree, &mut len);
    }
    Ok(len.0)
}

fn verify_levels(levels: Levels<'_>, policy: Policy) -> Result<Verified, SignatureError> {
    let [sender, seal] = vouch_levels(levels, policy)?;
    Ok(Verified {
        sender: sender.digest().map_err(at(Level::Sender))?,
        seal: seal.digest().map_err(at(Level::Seal))?,
    })
}

/// Shapes and signature values of both levels, the sender's first.
fn vouch_levels(levels: Levels<'_>, policy: Policy) -> Result<[Vouched<'_>; 2], SignatureError> {
    let signatures = levels.seal.0.document().root().descendants();
    let signatures = signatures.filter(|node| node.is_element() && Element(*node).is(SIGNATURE));
    if signatures.count() != 2 {
        return Err(at(Level::Seal)(Cause::Count));
    }
    let sender = sender_level(levels.sender).map_err(at(Level::Sender))?;
    let seal = seal_level(levels).map_err(at(Level::Seal))?;
    let sender = sender.shape(policy).map_err(at(Level::Sender))?;
    let seal = seal.shape(policy).map_err(at(Level::Seal))?;
    let sender = sender.vouch().map_err(at(Level::Sender))?;
    Ok([sender, seal.vouch().map_err(at(Level::Seal))?])
}

/// The sender's element: `Delivery`, then the signature, nothing else.
pub(super) fn sender_level(element: Element<'_>) -> Result<SignedElement<'_>, Cause> {
    let mut children = Children::of_signed(element, "SignedDelivery")?;
    children.required(Name { ns: known_version(element)?, local: "Delivery" })?;
    let signature = children.required(SIGNATURE)?;
    children.end()?;
    Ok(SignedElement { element, renamed: None, signature })
}

/// The dispatcher's element: `SignedDelivery`, `Seal`, then the signature, nothing else. It was
/// called `SealedDelivery` when it was signed, whatever it is called on the wire: the inner
/// `deliverSecure` in v2 and v3, `arg0` in v1, `OrginalDelivery` in a forwarded one.
pub(super) fn seal_level(levels: Levels<'_>) -> Result<SignedElement<'_>, Cause> {
    let version = known_version(levels.sender)?;
    let mut children = Children::of_signed(levels.seal, "SealedDelivery")?;
    let signed = children.required(Name { ns: version, local: "SignedDelivery" })?;
    children.required(Name { ns: version, local: "Seal" })?;
    let signature = children.required(SIGNATURE)?;
    children.end()?;
    if signed != levels.sender {
        return Err(Cause::Count);
    }
    let name = Name { ns: version, local: "SealedDelivery" };
    // As sent, the old name bears the prefix of its first child, if that means the same here.
    let prefix = Some(signed.prefix()).filter(|prefix| levels.seal.declares(prefix, version));
    let renamed = (!levels.seal.is(name)).then(|| (name, prefix.unwrap_or_default()));
    Ok(SignedElement { element: levels.seal, renamed, signature })
}

/// The message namespace of a version, which its signed elements share.
fn known_version(signed: Element<'_>) -> Result<&'static str, Cause> {
    [ns::MESSAGE_V1, ns::MESSAGE_V2, ns::MESSAGE_V3]
        .into_iter()
        .find(|version| signed.is(Name { ns: version, local: "SignedDelivery" }))
        .ok_or(Cause::Count)
}

fn at(level: Level) -> impl Fn(Cause) -> SignatureError {
    move |cause| SignatureError { level, cause }
}

const SIGNATURE: Name = Name::new(ns::DSIG, "Signature");
