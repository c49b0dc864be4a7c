//! The service's own description: WSDL and schemas with the public address.

use super::xml::escape;
use bytes::Bytes;
use std::collections::BTreeMap;

/// Stands in the documents where the public address belongs.
const ADDRESS: &str = "@ADDRESS@";

macro_rules! documents {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("wsdl/", $name, ".xsd")))),+]
    };
}

const SERVICE: &str = include_str!("wsdl/service.wsdl");

const SCHEMAS: [(&str, &str); 15] = documents![
    "common-v2",
    "common-v3",
    "message-v1",
    "message-v2",
    "message-v3",
    "notification-v2",
    "notification-v3",
    "official-matter-v3",
    "receipt",
    "recipient",
    "reply",
    "sender",
    "service-v1",
    "service-v3",
    "signature",
];

/// Every document, ready to be served.
#[derive(Clone, Debug)]
pub(super) struct Description {
    service: Bytes,
    schemas: BTreeMap<&'static str, Bytes>,
}

impl Description {
    /// The documents for a service at this address.
    pub(super) fn new(public_address: &str) -> Self {
        let address = escape(public_address);
        let filled = |text: &str| Bytes::from(text.replace(ADDRESS, &address));
        Self {
            service: filled(SERVICE),
            schemas: SCHEMAS.iter().map(|(name, text)| (*name, filled(text))).collect(),
        }
    }

    /// Names of the schemas, as `xsd=` takes them.
    #[cfg(test)]
    pub(super) fn schema_names() -> impl Iterator<Item = &'static str> {
        SCHEMAS.iter().map(|(name, _)| *name)
    }

    /// The document that a query asks for: `wsdl`, or `xsd=` and a name.
    pub(super) fn get(&self, query: &str) -> Option<Bytes> {
        if query.eq_ignore_ascii_case("wsdl") {
            return Some(self.service.clone());
        }
        self.schemas.get(query.strip_prefix("xsd=")?).cloned()
    }
}
