//! The portal's signed statement: who was identified, how surely, when, for whom.
//!
//! A JWT (RFC 7519) signed with ES256, `EdDSA` or PS256, at most a minute long by default, bound to
//! the portal's client certificate (`cnf.x5t#S256`, RFC 8705), good for one act (`jti`).

use super::portals::{Portal, Portals};
use super::verification_key::VerificationKey;
use crate::config::Fingerprint;
use crate::mailbox::reading::Ticket;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Header, Validation, decode, decode_header};
use mbx_common::assurance::Loa;
use mbx_common::error::Code;
use mbx_common::explain;
use mbx_common::id::MailboxId;
use mbx_common::identity::{NationalNumber, NumberKind};
use mbx_common::time::Timestamp;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use subtle::ConstantTimeEq as _;

/// Longest assertion, in bytes.
const LEN_MAX: usize = 8 * 1024;
/// Longest `jti`, in bytes.
const JTI_LEN_MAX: usize = 128;

/// What a genuine assertion says.
pub(super) struct Assertion {
    pub(super) number: NationalNumber,
    pub(super) loa: Loa,
    pub(super) authenticated: Timestamp,
    pub(super) on_behalf_of: Option<MailboxId>,
    pub(super) ticket: Ticket,
}

/// Why an assertion is not believed. Names the claim, never its value.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub(super) enum AssertionError {
    /// No `Authorization: Bearer`.
    #[error("the request carries no assertion")]
    Missing,
    /// No JWT, or a claim is missing or has another type.
    #[error("the assertion is no JWT with the claims needed")]
    Form,
    /// Signed with another algorithm than the key's, or with an extension that is not known.
    #[error("the assertion's header names an algorithm or extension that is not taken")]
    Header,
    /// The portal has no such key.
    #[error("the assertion names a key that the portal does not have")]
    Key,
    /// The signature does not fit.
    #[error("the assertion's signature is wrong")]
    Signature,
    /// `iss` is not the portal's.
    #[error("the assertion has another issuer")]
    Issuer,
    /// `aud` does not name this installation.
    #[error("the assertion is for another audience")]
    Audience,
    /// Expired, or not yet valid.
    #[error("the assertion has expired or is not valid yet")]
    Time,
    /// `exp` is too long after `iat`.
    #[error("the assertion lasts longer than is allowed")]
    Life,
    /// `cnf.x5t#S256` is not the client certificate of this connection.
    #[error("the assertion is bound to another certificate")]
    Binding,
    /// `jti` is empty or too long.
    #[error("the assertion's jti has no usable length")]
    Jti,
    /// Not exactly one claim with a person's number.
    #[error("the assertion does not name exactly one person's number")]
    Number,
    /// `mbx_on_behalf_of` is no mailbox id.
    #[error("mbx_on_behalf_of is no mailbox id")]
    OnBehalfOf,
    /// `acr` is not among the portal's levels.
    #[error("the assertion names an unknown level of assurance")]
    Level,
    /// `acr` is above the portal's ceiling.
    #[error("the assertion names a level that this portal may not vouch for")]
    Ceiling,
}

impl AssertionError {
    /// The stable code.
    pub(super) const fn code(self) -> Code {
        match self {
            Self::Missing => explain::ASSERTION_MISSING,
            Self::Time | Self::Life => explain::ASSERTION_EXPIRED,
            Self::Level | Self::Ceiling => explain::LEVEL_UNKNOWN,
            Self::Form
            | Self::Header
            | Self::Key
            | Self::Signature
            | Self::Issuer
            | Self::Audience
            | Self::Binding
            | Self::Jti
            | Self::Number
            | Self::OnBehalfOf => explain::ASSERTION_INVALID,
        }
    }
}

/// The claims, as they stand.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    iat: u64,
    exp: u64,
    nbf: Option<u64>,
    jti: String,
    acr: String,
    auth_time: u64,
    cnf: Confirmation,
    mbx_on_behalf_of: Option<String>,
    #[serde(flatten)]
    others: BTreeMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
struct Confirmation {
    #[serde(rename = "x5t#S256")]
    thumbprint: String,
}

/// What an assertion is judged against.
pub(super) struct Judge<'a> {
    pub(super) portals: &'a Portals,
    pub(super) portal: &'a Portal,
    /// The client certificate of the connection.
    pub(super) certificate: Fingerprint,
    pub(super) now: Timestamp,
}

impl Judge<'_> {
    /// Believes an assertion, or says why not.
    pub(super) fn judge(&self, token: &str) -> Result<Assertion, AssertionError> {
        self.believe(&self.genuine(token)?)
    }

    /// As [`Judge::judge`], for claims whose signature held.
    pub(super) fn believe_json(&self, claims: &[u8]) -> Result<Assertion, AssertionError> {
        self.believe(&serde_json::from_slice(claims).map_err(|_| AssertionError::Form)?)
    }

    fn believe(&self, claims: &Claims) -> Result<Assertion, AssertionError> {
        if claims.iss != self.portal.client.issuer {
            return Err(AssertionError::Issuer);
        }
        if !claims.aud.names(&self.portals.audience) {
            return Err(AssertionError::Audience);
        }
        self.bound(&claims.cnf)?;
        let until = self.timely(claims)?;
        if !(1..=JTI_LEN_MAX).contains(&claims.jti.len()) {
            return Err(AssertionError::Jti);
        }
        let loa = *self.portal.client.acr.get(&claims.acr).ok_or(AssertionError::Level)?;
        if loa > self.portal.client.loa_max {
            return Err(AssertionError::Ceiling);
        }
        let id = Sha256::new()
            .chain_update(claims.iss.as_bytes())
            .chain_update([0])
            .chain_update(claims.jti.as_bytes())
            .finalize()
            .into();
        let on_behalf_of = claims.mbx_on_behalf_of.as_deref().map(str::parse).transpose();
        Ok(Assertion {
            number: self.number(claims)?,
            loa,
            authenticated: moment(claims.auth_time)?,
            on_behalf_of: on_behalf_of.map_err(|_| AssertionError::OnBehalfOf)?,
            ticket: Ticket { id, until },
        })
    }

    /// The claims of a token that one of the portal's keys signed.
    fn genuine(&self, token: &str) -> Result<Claims, AssertionError> {
        if token.len() > LEN_MAX {
            return Err(AssertionError::Form);
        }
        let header = decode_header(token).map_err(|_| AssertionError::Form)?;
        if header.crit.is_some() || header.zip.is_some() || header.enc.is_some() {
            return Err(AssertionError::Header);
        }
        match try_keys(token, &header, &self.portal.keys()) {
            Err(AssertionError::Key) => {
                let keys = self.portal.reread(self.now).ok_or(AssertionError::Key)?;
                try_keys(token, &header, &keys)
            }
            // Without a key id a new key looks like a wrong signature.
            Err(AssertionError::Signature) if header.kid.is_none() => {
                let keys = self.portal.reread(self.now).ok_or(AssertionError::Signature)?;
                try_keys(token, &header, &keys)
            }
            outcome => outcome,
        }
    }

    fn bound(&self, confirmation: &Confirmation) -> Result<(), AssertionError> {
        let digest = URL_SAFE_NO_PAD
            .decode(&confirmation.thumbprint)
            .map_err(|_| AssertionError::Binding)?;
        let is_same: bool = digest.as_slice().ct_eq(&self.certificate.0).into();
        if is_same { Ok(()) } else { Err(AssertionError::Binding) }
    }

    /// Judges `iat`, `nbf` and `exp`; returns until when the assertion could be used.
    fn timely(&self, claims: &Claims) -> Result<Timestamp, AssertionError> {
        let skew_ms = self.portals.clock_skew_max_ms;
        let (issued, expires) = (moment(claims.iat)?, moment(claims.exp)?);
        let begins = claims.nbf.map_or(Ok(issued), moment)?.max(issued);
        let until = expires.plus_millis(skew_ms);
        if begins > self.now.plus_millis(skew_ms) || until <= self.now || expires <= issued {
            return Err(AssertionError::Time);
        }
        if expires.since(issued) > self.portals.assertion_life_max_ms {
            return Err(AssertionError::Life);
        }
        Ok(until)
    }

    fn number(&self, claims: &Claims) -> Result<NationalNumber, AssertionError> {
        let names = &self.portal.client.number_claims;
        let mut found = names.iter().filter_map(|name| claims.others.get(name));
        let (Some(value), None) = (found.next(), found.next()) else {
            return Err(AssertionError::Number);
        };
        let text = value.as_str().ok_or(AssertionError::Number)?;
        let number: NationalNumber = text.parse().map_err(|_| AssertionError::Number)?;
        match number.kind() {
            NumberKind::Person | NumberKind::Coordination => Ok(number),
            NumberKind::Organisation => Err(AssertionError::Number),
        }
    }
}

impl Audience {
    fn names(&self, wanted: &str) -> bool {
        match self {
            Self::One(one) => one == wanted,
            Self::Several(several) => several.iter().any(|one| one == wanted),
        }
    }
}

/// Verifies with the keys that the header may mean: the one of its `kid`, else all that name none
/// or any. Each key is used with its own algorithm only.
fn try_keys(
    token: &str,
    header: &Header,
    keys: &[VerificationKey],
) -> Result<Claims, AssertionError> {
    let named = |key: &&VerificationKey| match (&header.kid, &key.id) {
        (Some(wanted), Some(id)) => wanted == id,
        (None, _) | (_, None) => true,
    };
    let mut refused = AssertionError::Key;
    for key in keys.iter().filter(named) {
        if key.algorithm != header.alg {
            refused = AssertionError::Header;
            continue;
        }
        let mut validation = Validation::new(key.algorithm);
        // Time, issuer and audience are judged here, by the daemon's own clock.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        match decode::<Claims>(token, &key.key, &validation) {
            Ok(genuine) => return Ok(genuine.claims),
            Err(error) if *error.kind() == ErrorKind::InvalidSignature => {
                refused = AssertionError::Signature;
            }
            Err(_) => return Err(AssertionError::Form),
        }
    }
    Err(refused)
}

fn moment(secs: u64) -> Result<Timestamp, AssertionError> {
    let ms = secs.checked_mul(1000).ok_or(AssertionError::Form)?;
    Timestamp::from_millis(ms).map_err(|_| AssertionError::Form)
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assertion").field("loa", &self.loa).finish_non_exhaustive()
    }
}
