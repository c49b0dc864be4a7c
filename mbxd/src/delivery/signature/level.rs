//! One signed element: its shape, its signature value, its digest.

use super::canonical::{Apex, Digester, Form};
use super::error::Cause;
use super::key::SignerKey;
use super::policy::Policy;
use super::shape::Shape;
use super::verify::VerifiedLevel;
use crate::delivery::soap::{Element, Name};

/// An element with the signature that is its direct child.
pub(super) struct SignedElement<'d> {
    /// The element.
    pub(super) element: Element<'d>,
    /// The name that it bore when it was signed, with the prefix for the form as sent.
    pub(super) renamed: Option<(Name, &'d str)>,
    /// Its signature.
    pub(super) signature: Element<'d>,
}

/// A signed element whose signature has the shape of the profile.
pub(super) struct Shaped<'d> {
    signed: SignedElement<'d>,
    shape: Shape<'d>,
    key: SignerKey,
}

/// A signed element whose `SignedInfo` is the signer's.
pub(super) struct Vouched<'d> {
    shaped: Shaped<'d>,
    signed_info_form: Form,
}

impl<'d> SignedElement<'d> {
    /// Reads the signature's shape and the signer's key.
    pub(super) fn shape(self, policy: Policy) -> Result<Shaped<'d>, Cause> {
        let shape = Shape::read(self.signature, policy)?;
        self.check_reference(shape.uri)?;
        let signer = shape.certificates.first().ok_or(Cause::Certificate)?;
        let key = SignerKey::read(signer, shape.algorithm, policy)?;
        Ok(Shaped { signed: self, shape, key })
    }

    /// The octets of `SignedInfo` and of the content in one form.
    #[cfg(test)]
    pub(super) fn octets(&self, form: Form) -> [Vec<u8>; 2] {
        let info = Element(self.signature.0.first_element_child().unwrap());
        let info = Apex { element: info, renamed: None, without: None, inclusive: Vec::new() };
        let content = Apex {
            element: self.element,
            renamed: self.renamed,
            without: Some(self.signature),
            inclusive: Vec::new(),
        };
        [info, content].map(|apex| {
            let mut octets = Vec::new();
            apex.write(form, &mut octets);
            octets
        })
    }

    /// The reference must be to the element itself: empty, or `#` and its own `Id`, which no other
    /// element bears in any attribute that anyone might take for an identifier.
    fn check_reference(&self, uri: &str) -> Result<(), Cause> {
        if uri.is_empty() {
            return Ok(());
        }
        let id = uri.strip_prefix('#').filter(|id| !id.is_empty()).ok_or(Cause::Reference)?;
        if self.element.attribute("Id") != Some(id) {
            return Err(Cause::Reference);
        }
        let document = self.element.0.document();
        let bearers = document
            .root()
            .descendants()
            .flat_map(|node| node.attributes())
            .filter(|a| a.name().eq_ignore_ascii_case("id") && a.value() == id);
        if bearers.count() == 1 { Ok(()) } else { Err(Cause::IdNotUnique) }
    }
}

impl<'d> Shaped<'d> {
    /// Checks the signature value over `SignedInfo`: cheap, and before anything large is digested.
    pub(super) fn vouch(self) -> Result<Vouched<'d>, Cause> {
        let apex = Apex {
            element: self.shape.signed_info,
            renamed: None,
            without: None,
            inclusive: self.shape.signed_info_prefixes.clone(),
        };
        let fits = |form: &Form| {
            let mut octets = Vec::new();
            apex.write(*form, &mut octets);
            self.key.fits(&octets, &self.shape.signature_value)
        };
        let form = Form::ORDER.into_iter().find(fits).ok_or(Cause::SignatureValue)?;
        Ok(Vouched { shaped: self, signed_info_form: form })
    }
}

impl<'d> Vouched<'d> {
    /// What is digested: the element without its signature.
    pub(super) fn content(&self) -> Apex<'d> {
        let Shaped { signed, shape, .. } = &self.shaped;
        Apex {
            element: signed.element,
            renamed: signed.renamed,
            without: Some(signed.signature),
            inclusive: shape.reference_prefixes.clone(),
        }
    }

    /// Checks the digest over the content.
    pub(super) fn digest(self) -> Result<VerifiedLevel, Cause> {
        let apex = self.content();
        let Shaped { shape, .. } = self.shaped;
        let fits = |form: &Form| {
            let mut digester = Digester::new(shape.digest.implementation());
            apex.write(*form, &mut digester);
            digester.finish().as_ref() == shape.digest_value
        };
        let form = Form::ORDER.into_iter().find(fits).ok_or(Cause::Digest)?;
        Ok(VerifiedLevel {
            certificates: shape.certificates,
            algorithm: shape.algorithm,
            digest: shape.digest,
            signature_value: shape.signature_value,
            form,
            signed_info_form: self.signed_info_form,
        })
    }
}
