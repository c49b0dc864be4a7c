//! Reads the operator's answers (contract §3.2, §3.3, §3.5).

use crate::error::SimError;
use crate::xml::ns;
use roxmltree::{Document, Node};

/// An answer of the Service port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reply {
    /// The call was sound.
    Result {
        /// The operator's receipt id.
        trans_id: String,
        /// Recipient and whether it is in the mailbox, in the order of the answer.
        statuses: Vec<(String, bool)>,
    },
    /// It was not.
    Fault {
        /// SOAP `faultcode` without its prefix.
        code: String,
        /// `ErrorCode`.
        error_code: u16,
        /// `Description`.
        description: String,
        /// `CallId`.
        call_id: String,
    },
}

impl Reply {
    /// Reads an answer document.
    ///
    /// # Errors
    /// [`SimError::Answer`] where it is no answer of the contract.
    pub fn parse(body: &[u8]) -> Result<Self, SimError> {
        let text = std::str::from_utf8(body).map_err(bad)?;
        let document = Document::parse(text).map_err(bad)?;
        let soap_body = child(document.root_element(), ns::SOAP, "Body")?;
        let first = soap_body
            .first_element_child()
            .ok_or_else(|| SimError::Answer("empty SOAP body".to_owned()))?;
        match (first.tag_name().namespace(), first.tag_name().name()) {
            (Some(ns::SOAP), "Fault") => fault(first),
            (Some(ns::S3), "deliverSecureResponse") => {
                result(child(first, ns::S3, "return")?, ns::S1, |status| {
                    text_of(status, ns::S1, "Delivered")
                })
            }
            (Some(ns::S3), "notifyResponse") => {
                result(child(first, ns::S3, "return")?, ns::N3, |status| {
                    text_of(child(status, ns::N3, "DeliveryStatus")?, ns::N3, "DeliveredFlag")
                })
            }
            (_, name) => Err(SimError::Answer(format!("unexpected element {name}"))),
        }
    }
}

fn result<'a>(
    returned: Node<'a, 'a>,
    within: &'static str,
    delivered: impl Fn(Node<'a, 'a>) -> Result<String, SimError>,
) -> Result<Reply, SimError> {
    let statuses = returned
        .children()
        .filter(|node| node.has_tag_name((within, "Status")))
        .map(|status| {
            let flag = delivered(status)?;
            Ok((text_of(status, within, "RecipientId")?, flag == "true" || flag == "1"))
        })
        .collect::<Result<_, SimError>>()?;
    Ok(Reply::Result { trans_id: text_of(returned, within, "TransId")?, statuses })
}

fn fault(fault: Node<'_, '_>) -> Result<Reply, SimError> {
    let find = |name: &str| fault.children().find(|node| node.tag_name().name() == name);
    let code = find("faultcode").and_then(|node| node.text()).unwrap_or_default();
    let detail = find("detail").ok_or_else(|| SimError::Answer("fault without detail".into()))?;
    let ours = child(detail, ns::C3, "applicationFault")?;
    Ok(Reply::Fault {
        code: code.rsplit(':').next().unwrap_or_default().to_owned(),
        error_code: text_of(ours, ns::C3, "ErrorCode")?.parse().map_err(bad)?,
        description: text_of(ours, ns::C3, "Description")?,
        call_id: text_of(ours, ns::C3, "CallId")?,
    })
}

fn child<'a>(parent: Node<'a, 'a>, uri: &str, name: &str) -> Result<Node<'a, 'a>, SimError> {
    parent
        .children()
        .find(|node| node.has_tag_name((uri, name)))
        .ok_or_else(|| SimError::Answer(format!("no element {name}")))
}

fn text_of(parent: Node<'_, '_>, uri: &str, name: &str) -> Result<String, SimError> {
    let found = parent
        .children()
        .find(|node| node.has_tag_name((uri, name)))
        .ok_or_else(|| SimError::Answer(format!("no element {name}")))?;
    Ok(found.text().unwrap_or_default().to_owned())
}

fn bad(error: impl std::fmt::Display) -> SimError {
    SimError::Answer(error.to_string())
}
