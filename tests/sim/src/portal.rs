//! A portal: makes the signed assertions that the holders' door asks for, and calls it.

use crate::client::{Answer, Connection, Peer};
use crate::error::SimError;
use crate::pki::Credentials;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// What an assertion says. The fields are public so that a test can bend each.
#[derive(Clone, Debug, Serialize)]
pub struct Claims {
    /// Issuer.
    pub iss: String,
    /// Audience.
    pub aud: String,
    /// Issued at, seconds since 1970.
    pub iat: u64,
    /// Expires, seconds since 1970.
    pub exp: u64,
    /// Single-use id.
    pub jti: String,
    /// The person's 12-digit number.
    pub sub: String,
    /// Level of assurance, as a URI.
    pub acr: String,
    /// When the person was identified, seconds since 1970.
    pub auth_time: u64,
    /// The mailbox the person acts for, where it is not the person's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mbx_on_behalf_of: Option<String>,
    /// The client certificate it is bound to.
    pub cnf: Confirmation,
}

/// `cnf` of RFC 8705.
#[derive(Clone, Debug, Serialize)]
pub struct Confirmation {
    /// SHA-256 of the client certificate, base64url.
    #[serde(rename = "x5t#S256")]
    pub thumbprint: String,
}

/// A portal with its certificate and its assertion key.
pub struct Portal {
    peer: Peer,
    key: EncodingKey,
    issuer: String,
    audience: String,
    thumbprint: String,
}

impl std::fmt::Debug for Portal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Portal({}, {:?})", self.issuer, self.peer)
    }
}

/// Makes an assertion key: `NAME.jwt.key` (PKCS #8) and `NAME.jwt.pub` (SPKI), both PEM.
///
/// # Errors
/// [`SimError`] where the key cannot be made or a file written.
pub fn create_key(folder: &Path, name: &str) -> Result<(), SimError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    for (suffix, text) in [("key", key.serialize_pem()), ("pub", key.public_key_pem())] {
        let path = folder.join(format!("{name}.jwt.{suffix}"));
        std::fs::write(&path, text).map_err(SimError::file(path))?;
    }
    Ok(())
}

impl Portal {
    /// A portal of the given credentials and assertion key (PEM file).
    ///
    /// # Errors
    /// [`SimError`] where the key cannot be read.
    pub fn new(
        peer: Peer,
        credentials: &Credentials,
        key: &Path,
        issuer: &str,
        audience: &str,
    ) -> Result<Self, SimError> {
        let key = PrivateKeyDer::from_pem_file(key)
            .map_err(|error| SimError::Certificate(error.to_string()))?;
        let key = EncodingKey::from_ec_der(key.secret_der());
        let leaf = credentials.chain.first().map(Sha256::digest).unwrap_or_default();
        Ok(Self {
            peer,
            key,
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            thumbprint: URL_SAFE_NO_PAD.encode(leaf),
        })
    }

    /// Sound claims for a person identified just now at a level of assurance (1–4).
    pub fn claims(&self, person: &str, level: u8) -> Claims {
        let now = crate::now_secs();
        Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            iat: now,
            exp: now + 60,
            jti: format!("{:032x}", rand::random::<u128>()),
            sub: person.to_owned(),
            acr: format!("http://id.elegnamnden.se/loa/1.0/loa{level}"),
            auth_time: now,
            mbx_on_behalf_of: None,
            cnf: Confirmation { thumbprint: self.thumbprint.clone() },
        }
    }

    /// Signs claims.
    ///
    /// # Errors
    /// [`SimError::Certificate`] where the key cannot sign.
    pub fn assertion(&self, claims: &Claims) -> Result<String, SimError> {
        jsonwebtoken::encode(&Header::new(Algorithm::ES256), claims, &self.key)
            .map_err(|error| SimError::Certificate(error.to_string()))
    }

    /// One call with an assertion of its own.
    ///
    /// # Errors
    /// [`SimError`] where no whole answer comes.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        claims: &Claims,
    ) -> Result<Answer, SimError> {
        self.call_with(method, path, &self.assertion(claims)?, &[]).await
    }

    /// One call with a given assertion and further headers.
    ///
    /// # Errors
    /// [`SimError`] where no whole answer comes.
    pub async fn call_with(
        &self,
        method: &str,
        path: &str,
        assertion: &str,
        headers: &[(&str, &str)],
    ) -> Result<Answer, SimError> {
        self.peer.request(request(method, path, assertion, headers)?).await
    }

    /// Opens a connection for several calls; [`request`] makes them.
    ///
    /// # Errors
    /// As [`Peer::connect`].
    pub async fn connect(&self) -> Result<Connection, SimError> {
        self.peer.connect().await
    }
}

/// A call with a given assertion and further headers, not yet sent.
///
/// # Errors
/// [`SimError::Connection`] where the parts make no request.
pub fn request(
    method: &str,
    path: &str,
    assertion: &str,
    headers: &[(&str, &str)],
) -> Result<Request<Full<Bytes>>, SimError> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("authorization", format!("Bearer {assertion}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(Bytes::new())).map_err(|error| SimError::Connection(error.to_string()))
}
