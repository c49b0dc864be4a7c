//! Expanded names of the contract.

/// Namespace URIs.
pub(in crate::delivery) mod ns {
    /// SOAP 1.1 envelope.
    pub(in crate::delivery) const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
    /// SOAP 1.2 envelope, answered with the version fault.
    pub(in crate::delivery) const SOAP_12: &str = "http://www.w3.org/2003/05/soap-envelope";
    /// Body wrappers of Service v1.
    pub(in crate::delivery) const SERVICE_V1: &str = "http://minameddelanden.gov.se/Service";
    /// Body wrappers of Service v2.
    pub(in crate::delivery) const SERVICE_V2: &str =
        "http://minameddelanden.gov.se/schema/Service/v2";
    /// Body wrappers of Service v3.
    pub(in crate::delivery) const SERVICE_V3: &str =
        "http://minameddelanden.gov.se/schema/Service/v3";
    /// Message v1: bodies, seals, metadata.
    pub(in crate::delivery) const MESSAGE_V1: &str = "http://minameddelanden.gov.se/schema/Message";
    /// Message v2: the header of a secure delivery.
    pub(in crate::delivery) const MESSAGE_V2: &str =
        "http://minameddelanden.gov.se/schema/Message/v2";
    /// Message v3.
    pub(in crate::delivery) const MESSAGE_V3: &str =
        "http://minameddelanden.gov.se/schema/Message/v3";
    /// Sender.
    pub(in crate::delivery) const SENDER: &str = "http://minameddelanden.gov.se/schema/Sender";
    /// Notification v2: the texts for e-mail and SMS.
    pub(in crate::delivery) const NOTIFICATION_V2: &str =
        "http://minameddelanden.gov.se/schema/Notification/v2";
    /// Notification v3.
    pub(in crate::delivery) const NOTIFICATION_V3: &str =
        "http://minameddelanden.gov.se/schema/Notification/v3";
    /// XML signatures.
    pub(in crate::delivery) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
    /// Exclusive canonicalisation (also names `InclusiveNamespaces`).
    pub(in crate::delivery) const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
    /// Schema instance attributes, which are ignored.
    pub(in crate::delivery) const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
}

/// An expanded name: namespace URI (empty for none) and local name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::delivery) struct Name {
    /// Namespace URI, empty for none.
    pub(in crate::delivery) ns: &'static str,
    /// Local name.
    pub(in crate::delivery) local: &'static str,
}

impl Name {
    /// A name in a namespace.
    pub(in crate::delivery) const fn new(ns: &'static str, local: &'static str) -> Self {
        Self { ns, local }
    }
}
