//! `ForwardDelivery` of Service v3: an unsigned cover around a sealed delivery.

use super::children::Children;
use super::delivery::{Header, Part, SealedDelivery, optional_string};
use super::document::Element;
use super::error::ParseError;
use super::name::{Name, ns};
use super::simple::{self, Text};
use mbx_common::limit::NOTIFY_RECIPIENTS_MAX;

/// What `deliverForward` brings.
#[derive(Debug)]
pub struct ForwardDelivery<'d> {
    /// To whom and from whom it is forwarded.
    pub header: Header<'d>,
    /// `Subject` of the cover.
    pub subject: Text<'d>,
    /// The cover's body.
    pub body: Part<'d>,
    /// The delivery that is forwarded, with its two signatures.
    pub original: SealedDelivery<'d>,
    /// Which of its messages; all where absent.
    pub message_id: Option<Text<'d>>,
}

impl<'d> ForwardDelivery<'d> {
    /// Reads an element of type `ForwardDelivery`.
    pub(super) fn read(element: Element<'d>) -> Result<Self, ParseError> {
        let mut children = Children::of(element, "forwardMessage")?;
        let header = children.required(s3("Header"))?;
        let header = Header::read(header, ns::MESSAGE_V1, NOTIFY_RECIPIENTS_MAX)?;
        let mut cover = Children::of(children.required(s3("Message"))?, "Message")?;
        let subject = cover.required(Name::new(ns::MESSAGE_V1, "Subject"))?;
        let subject = simple::string(subject, "Message/Subject")?;
        let body = Part::read_body(cover.required(Name::new(ns::MESSAGE_V1, "Body"))?)?;
        cover.end()?;
        let original = SealedDelivery::read(children.required(s3("OrginalDelivery"))?)?;
        let message_id = optional_string(&mut children, ns::SERVICE_V3, "MessageIdToForward")?;
        children.end()?;
        Ok(Self { header, subject, body, original, message_id })
    }
}

const fn s3(local: &'static str) -> Name {
    Name::new(ns::SERVICE_V3, local)
}
