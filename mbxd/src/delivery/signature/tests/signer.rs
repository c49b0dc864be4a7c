//! A signer that knows nothing of the product's canonical form.
//!
//! It writes its documents prefix-free and canonical by hand, so that what it digests is the text
//! itself. Every part of a signature can be replaced, and is then signed as it stands: what the
//! hostile suite refuses is refused for the profile, not for a broken digest.

use crate::delivery::signature::{Policy, SignatureError, Verified, verify};
use crate::delivery::soap::{Document, ParseError, PrescanLimits, ReadError, Request, parse};
use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(in crate::delivery) const M1: &str = "http://minameddelanden.gov.se/schema/Message";
pub(in crate::delivery) const M2: &str = "http://minameddelanden.gov.se/schema/Message/v2";
pub(in crate::delivery) const M3: &str = "http://minameddelanden.gov.se/schema/Message/v3";
pub(in crate::delivery) const S3: &str = "http://minameddelanden.gov.se/schema/Service/v3";
pub(in crate::delivery) const SND: &str = "http://minameddelanden.gov.se/schema/Sender";
pub(in crate::delivery) const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(in crate::delivery) const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub(in crate::delivery) const EXC: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub(in crate::delivery) const ENVELOPED: &str =
    "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// A key with its self-signed organisation certificate.
pub(in crate::delivery) struct Signer {
    key: Key,
    /// DER.
    pub(in crate::delivery) certificate: Vec<u8>,
}

enum Key {
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Other,
}

impl Signer {
    pub(in crate::delivery) fn p256() -> Self {
        Self::with(&rcgen::PKCS_ECDSA_P256_SHA256, |pkcs8| {
            let algorithm = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
            Key::P256(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).unwrap())
        })
    }

    pub(in crate::delivery) fn p384() -> Self {
        Self::with(&rcgen::PKCS_ECDSA_P384_SHA384, |pkcs8| {
            let algorithm = &signature::ECDSA_P384_SHA384_FIXED_SIGNING;
            Key::P384(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).unwrap())
        })
    }

    pub(in crate::delivery) fn rsa() -> Self {
        Self::with(&rcgen::PKCS_RSA_SHA256, |pkcs8| {
            Key::Rsa(RsaKeyPair::from_pkcs8(pkcs8).unwrap())
        })
    }

    /// A key that the profile does not know; it cannot sign here.
    pub(in crate::delivery) fn ed25519() -> Self {
        Self::with(&rcgen::PKCS_ED25519, |_| Key::Other)
    }

    pub(in crate::delivery) fn p521() -> Self {
        Self::with(&rcgen::PKCS_ECDSA_P521_SHA512, |_| Key::Other)
    }

    fn with(algorithm: &'static rcgen::SignatureAlgorithm, key: fn(&[u8]) -> Key) -> Self {
        let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, "Kommun A");
        let serial_number = rcgen::DnType::CustomDnType(vec![2, 5, 4, 5]);
        params.distinguished_name.push(serial_number, "162021004748");
        let certificate = params.self_signed(&pair).unwrap().der().to_vec();
        Self { key: key(pair.serialized_der()), certificate }
    }

    /// The signature method that this key is for.
    pub(in crate::delivery) fn method(&self) -> &'static str {
        match self.key {
            Key::P256(_) => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            Key::P384(_) => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
            Key::Rsa(_) | Key::Other => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        }
    }

    /// The raw signature value over some octets.
    pub(in crate::delivery) fn sign(&self, method: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            Key::P256(pair) | Key::P384(pair) => {
                pair.sign(&random, message).unwrap().as_ref().to_vec()
            }
            Key::Rsa(pair) => {
                let padding = match method {
                    m if m.contains("sha384\"") => &signature::RSA_PKCS1_SHA384,
                    m if m.contains("sha512\"") => &signature::RSA_PKCS1_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut value = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut value).unwrap();
                value
            }
            Key::Other => vec![0x55; 64],
        }
    }

    /// `X509Data` with its certificate.
    pub(in crate::delivery) fn x509_data(&self) -> String {
        format!(
            "<X509Data><X509SubjectName>CN=anyone</X509SubjectName>{}</X509Data>",
            self.x509_certificate()
        )
    }

    pub(in crate::delivery) fn x509_certificate(&self) -> String {
        format!("<X509Certificate>{}</X509Certificate>", STANDARD.encode(&self.certificate))
    }
}

/// How one signature is made. All text is canonical: no prefix, no empty-element tags.
#[derive(Clone)]
pub(in crate::delivery) struct Spec {
    /// Before `SignedInfo` and behind `KeyInfo`, inside `Signature`.
    pub(in crate::delivery) before: String,
    pub(in crate::delivery) behind: String,
    pub(in crate::delivery) canonicalization: String,
    /// `None`: the key's own.
    pub(in crate::delivery) method: Option<String>,
    /// Attributes of `Reference`, with the space before.
    pub(in crate::delivery) reference: String,
    pub(in crate::delivery) transforms: String,
    pub(in crate::delivery) digest_method: String,
    /// Behind the first `Reference`, inside `SignedInfo`.
    pub(in crate::delivery) more: String,
    /// `None`: one `X509Data`.
    pub(in crate::delivery) key_info: Option<String>,
    /// `None`: the right ones.
    pub(in crate::delivery) digest_value: Option<String>,
    pub(in crate::delivery) value: Option<String>,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            before: String::new(),
            behind: String::new(),
            canonicalization: method("CanonicalizationMethod", EXC, ""),
            method: None,
            reference: " URI=\"\"".into(),
            transforms: method("Transform", ENVELOPED, ""),
            digest_method: method("DigestMethod", "http://www.w3.org/2001/04/xmlenc#sha256", ""),
            more: String::new(),
            key_info: None,
            digest_value: None,
            value: None,
        }
    }
}

/// A method element with its `Algorithm` and content.
pub(in crate::delivery) fn method(name: &str, algorithm: &str, content: &str) -> String {
    format!("<{name} Algorithm=\"{algorithm}\">{content}</{name}>")
}

impl Spec {
    /// The `Signature` element over canonical content.
    pub(in crate::delivery) fn signature(&self, signer: &Signer, content: &str) -> String {
        let algorithm = match self.digest_method.as_str() {
            uri if uri.contains("sha384\"") => &digest::SHA384,
            uri if uri.contains("sha512\"") => &digest::SHA512,
            uri if uri.contains("sha1\"") => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            _ => &digest::SHA256,
        };
        let digest = STANDARD.encode(digest::digest(algorithm, content.as_bytes()));
        let own = method("SignatureMethod", signer.method(), "");
        let info = format!(
            "{}{}<Reference{}><Transforms>{}</Transforms>{}<DigestValue>{}</DigestValue>\
             </Reference>{}</SignedInfo>",
            self.canonicalization,
            self.method.as_ref().unwrap_or(&own),
            self.reference,
            self.transforms,
            self.digest_method,
            self.digest_value.as_ref().unwrap_or(&digest),
            self.more,
        );
        let canonical = format!("<SignedInfo xmlns=\"{DS}\">{info}");
        let value = signer.sign(self.method.as_deref().unwrap_or_default(), canonical.as_bytes());
        format!(
            "<Signature xmlns=\"{DS}\">{}<SignedInfo>{info}<SignatureValue>{}</SignatureValue>\
             <KeyInfo>{}</KeyInfo>{}</Signature>",
            self.before,
            self.value.clone().unwrap_or_else(|| STANDARD.encode(value)),
            self.key_info.clone().unwrap_or_else(|| signer.x509_data()),
            self.behind,
        )
    }
}

/// A delivery before it is signed.
#[derive(Clone)]
pub(in crate::delivery) struct Plan {
    pub(in crate::delivery) inner: Spec,
    pub(in crate::delivery) outer: Spec,
    /// Attributes of the two signed elements, with the space before.
    pub(in crate::delivery) signed_attributes: String,
    pub(in crate::delivery) sealed_attributes: String,
    /// `Delivery`, as a child of an element in Message v3.
    pub(in crate::delivery) delivery: String,
    /// `Seal`, likewise.
    pub(in crate::delivery) seal: String,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            inner: Spec::default(),
            outer: Spec::default(),
            signed_attributes: String::new(),
            sealed_attributes: String::new(),
            delivery: delivery(""),
            seal: seal("true"),
        }
    }
}

/// A sound `Delivery` with something in `OfficialMatter`.
pub(in crate::delivery) fn delivery(matter: &str) -> String {
    let matter = if matter.is_empty() {
        String::new()
    } else {
        format!("<OfficialMatter>{matter}</OfficialMatter>")
    };
    format!(
        "<Delivery><Header><Sender xmlns=\"{M2}\"><Id xmlns=\"{SND}\">162021004748</Id>\
         <Name xmlns=\"{SND}\">Kommun A</Name></Sender><Recipient xmlns=\"{M2}\">198101032384\
         </Recipient></Header><Message><Header><Id>m-1</Id><Subject>Beslut</Subject><Supportinfo>\
         <Text>Ring</Text></Supportinfo>{matter}<Language>svSE</Language></Header><Body>\
         <ContentType xmlns=\"{M1}\">text/plain</ContentType><Body xmlns=\"{M1}\">SGVq</Body>\
         </Body></Message></Delivery>"
    )
}

/// A `Seal`.
pub(in crate::delivery) fn seal(signatures_ok: &str) -> String {
    format!(
        "<Seal><ReceivedTime xmlns=\"{M1}\">2026-11-24+01:00</ReceivedTime>\
         <SignaturesOK xmlns=\"{M1}\">{signatures_ok}</SignaturesOK></Seal>"
    )
}

impl Plan {
    /// `SignedDelivery` with its signature, as a child in Message v3: without declaration.
    pub(in crate::delivery) fn signed(&self, signer: &Signer) -> String {
        let attributes = &self.signed_attributes;
        let delivery = &self.delivery;
        let standalone =
            format!("<SignedDelivery xmlns=\"{M3}\"{attributes}>{delivery}</SignedDelivery>");
        let signature = self.inner.signature(signer, &standalone);
        format!("<SignedDelivery{attributes}>{delivery}{signature}</SignedDelivery>")
    }

    /// The children of the sealed element, the outer signature last.
    pub(in crate::delivery) fn sealed(&self, sender: &Signer, dispatcher: &Signer) -> [String; 3] {
        let signed = self.signed(sender);
        let standalone = format!(
            "<SealedDelivery xmlns=\"{M3}\"{}>{signed}{}</SealedDelivery>",
            self.sealed_attributes, self.seal
        );
        let signature = self.outer.signature(dispatcher, &standalone);
        [signed, self.seal.clone(), signature]
    }

    /// The request, marshalled with default namespaces.
    pub(in crate::delivery) fn wire(&self, sender: &Signer, dispatcher: &Signer) -> String {
        let [signed, seal, signature] = self.sealed(sender, dispatcher);
        let signed =
            signed.replacen("<SignedDelivery", &format!("<SignedDelivery xmlns=\"{M3}\""), 1);
        let seal = seal.replacen("<Seal", &format!("<Seal xmlns=\"{M3}\""), 1);
        envelope(&format!(
            "<deliverSecure xmlns=\"{S3}\"><deliverSecure{}>{signed}{seal}{signature}\
             </deliverSecure></deliverSecure>",
            self.sealed_attributes
        ))
    }

    /// The request with one key for both signatures.
    pub(in crate::delivery) fn by(&self, signer: &Signer) -> String {
        self.wire(signer, signer)
    }
}

/// An envelope around a body.
pub(in crate::delivery) fn envelope(body: &str) -> String {
    format!("<e:Envelope xmlns:e=\"{SOAP}\"><e:Header/><e:Body>{body}</e:Body></e:Envelope>")
}

/// Where a request was refused.
#[derive(Debug, PartialEq)]
pub(in crate::delivery) enum Refused {
    Read(ReadError),
    Parse(ParseError),
    Signature(SignatureError),
}

/// The whole way of a `deliverSecure` at this layer, under the real policy.
pub(in crate::delivery) fn judge(wire: &str) -> Result<Verified, Refused> {
    judge_by(wire, Policy::default())
}

/// The same under another policy.
pub(in crate::delivery) fn judge_by(wire: &str, policy: Policy) -> Result<Verified, Refused> {
    let document =
        Document::read(wire.as_bytes(), &PrescanLimits::default()).map_err(Refused::Read)?;
    match parse(&document).map_err(Refused::Parse)? {
        Request::DeliverSecure(delivery) => verify(&delivery, policy).map_err(Refused::Signature),
        Request::Notify(_) | Request::DeliverForward(_) => panic!("not a deliverSecure"),
    }
}
