//! The organisation that a certificate stands for.

use mbx_common::identity::OrganisationNumber;
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::OID_X509_SERIALNUMBER;

/// Why a certificate names no organisation.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OrganisationError {
    /// The subject has no `serialNumber` attribute.
    #[error("the certificate's subject has no serialNumber")]
    Missing,
    /// The subject has several, be they in one relative name or in different ones.
    #[error("the certificate's subject has more than one serialNumber")]
    Ambiguous,
    /// It is not `16` and the ten digits of an organisation number.
    #[error(
        "the serialNumber of the certificate's subject is no organisation number with prefix 16"
    )]
    Form,
}

/// The organisation number in the subject: exactly one `serialNumber` attribute in the whole of
/// it, multi-valued relative names included, and that one `16` and ten digits.
///
/// Source: contract §2; `docs/architecture.md`, "A delivery".
///
/// # Errors
/// [`OrganisationError`]; never repeats the attribute.
pub fn organisation(
    certificate: &X509Certificate<'_>,
) -> Result<OrganisationNumber, OrganisationError> {
    let mut found = certificate.subject().iter_by_oid(&OID_X509_SERIALNUMBER);
    let attribute = found.next().ok_or(OrganisationError::Missing)?;
    if found.next().is_some() {
        return Err(OrganisationError::Ambiguous);
    }
    let text = attribute.as_str().map_err(|_| OrganisationError::Form)?;
    // The short form of ten digits is a courtesy for people; certificates carry the long one.
    if text.len() != 12 {
        return Err(OrganisationError::Form);
    }
    text.parse().map_err(|_| OrganisationError::Form)
}
