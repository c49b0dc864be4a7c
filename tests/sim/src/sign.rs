//! Enveloped XML signatures over the prefix-free form, as senders make them (contract §4).

use crate::error::SimError;
use crate::xml::{Element, ns};
use aws_lc_rs::{digest, hmac, rand, signature};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Who signs: a private RSA key and the certificate that goes with it.
pub struct Signer {
    key: signature::RsaKeyPair,
    certificate: Vec<u8>,
    subject: String,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.subject)
    }
}

impl Signer {
    /// A signer of a PKCS #8 key and a DER certificate.
    ///
    /// # Errors
    /// [`SimError::Certificate`] where the key is no RSA key.
    pub fn new(pkcs8: &[u8], certificate: Vec<u8>, subject: String) -> Result<Self, SimError> {
        let key = signature::RsaKeyPair::from_pkcs8(pkcs8)
            .map_err(|error| SimError::Certificate(error.to_string()))?;
        Ok(Self { key, certificate, subject })
    }

    /// Adds an enveloped `Signature` as the last child of the element.
    ///
    /// # Errors
    /// [`SimError::Certificate`] where the key cannot sign.
    pub fn envelop(&self, element: Element) -> Result<Element, SimError> {
        self.envelop_bent(element, |_| {})
    }

    /// The same with `SignedInfo` bent before it is signed: a sound signature over something that
    /// nobody ought to sign.
    ///
    /// # Errors
    /// As [`Signer::envelop`].
    pub fn envelop_bent(
        &self,
        element: Element,
        bend: impl FnOnce(&mut Element),
    ) -> Result<Element, SimError> {
        let digest = digest::digest(&digest::SHA256, element.canonical().as_bytes());
        let mut info = signed_info(&BASE64.encode(digest));
        bend(&mut info);
        let mut value = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &signature::RSA_PKCS1_SHA256,
                &rand::SystemRandom::new(),
                info.canonical().as_bytes(),
                &mut value,
            )
            .map_err(|_| SimError::Certificate("the key cannot sign".to_owned()))?;
        Ok(element.child(self.signature(info, &value)))
    }

    /// The same with what no signature is: a keyed hash (HMAC with SHA-256) under the certificate,
    /// which everybody knows.
    pub fn envelop_keyed(&self, element: Element) -> Element {
        let digest = digest::digest(&digest::SHA256, element.canonical().as_bytes());
        let mut info = signed_info(&BASE64.encode(digest));
        if let Some(method) = info.find("SignatureMethod") {
            let uri = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256";
            method.attributes = vec![("Algorithm", uri.to_owned())];
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.certificate);
        let value = hmac::sign(&key, info.canonical().as_bytes());
        element.child(self.signature(info, value.as_ref()))
    }

    fn signature(&self, info: Element, value: &[u8]) -> Element {
        let x509 = Element::new(ns::DS, "X509Data")
            .child(Element::of(ns::DS, "X509SubjectName", self.subject.clone()))
            .child(Element::of(ns::DS, "X509Certificate", BASE64.encode(&self.certificate)));
        Element::new(ns::DS, "Signature")
            .child(info)
            .child(Element::of(ns::DS, "SignatureValue", BASE64.encode(value)))
            .child(Element::new(ns::DS, "KeyInfo").child(x509))
    }
}

fn signed_info(digest: &str) -> Element {
    let algorithm = |name, uri: &str| Element::new(ns::DS, name).attribute("Algorithm", uri);
    let reference =
        Element::new(ns::DS, "Reference")
            .attribute("URI", "")
            .child(Element::new(ns::DS, "Transforms").child(algorithm(
                "Transform",
                "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
            )))
            .child(algorithm("DigestMethod", "http://www.w3.org/2001/04/xmlenc#sha256"))
            .child(Element::of(ns::DS, "DigestValue", digest));
    Element::new(ns::DS, "SignedInfo")
        .child(algorithm("CanonicalizationMethod", "http://www.w3.org/2001/10/xml-exc-c14n#"))
        .child(algorithm("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"))
        .child(reference)
}
