//! The envelope, and which operation its body asks for.

use super::children::Children;
use super::delivery::SealedDelivery;
use super::document::{Document, Element};
use super::error::ParseError;
use super::forward::ForwardDelivery;
use super::name::{Name, ns};
use super::notify::NotificationDelivery;

/// A request of Service v3, read whole.
#[derive(Debug)]
pub enum Request<'d> {
    /// `deliverSecure`: signed and sealed, one recipient; signatures not yet verified.
    DeliverSecure(SealedDelivery<'d>),
    /// `notify`: unsigned, up to 1,000 recipients.
    Notify(NotificationDelivery<'d>),
    /// `deliverForward`.
    DeliverForward(ForwardDelivery<'d>),
}

/// Reads a request: dispatch is on the expanded name of the body's one element alone.
///
/// # Errors
/// [`ParseError`] by its cause; no part of the request is repeated in it.
pub fn parse<'d>(document: &'d Document<'_>) -> Result<Request<'d>, ParseError> {
    let wrapper = body_element(document.root())?;
    match (wrapper.ns(), wrapper.local()) {
        (ns::SERVICE_V3, "deliverSecure") => {
            SealedDelivery::read(only(wrapper, "deliverSecure")?).map(Request::DeliverSecure)
        }
        (ns::SERVICE_V3, "notify") => {
            NotificationDelivery::read(only(wrapper, "notify")?).map(Request::Notify)
        }
        (ns::SERVICE_V3, "deliverForward") => {
            ForwardDelivery::read(only(wrapper, "forwardMessage")?).map(Request::DeliverForward)
        }
        (ns::SERVICE_V1, _) => Err(ParseError::OlderVersion { version: 1 }),
        (ns::SERVICE_V2, _) => Err(ParseError::OlderVersion { version: 2 }),
        _ => Err(ParseError::UnknownOperation),
    }
}

/// The only child of an operation's wrapper.
fn only<'d>(wrapper: Element<'d>, local: &'static str) -> Result<Element<'d>, ParseError> {
    let mut children = Children::of(wrapper, "the operation")?;
    let child = children.required(Name::new(ns::SERVICE_V3, local))?;
    children.end()?;
    Ok(child)
}

/// The one element of the body of a SOAP 1.1 envelope.
pub(super) fn body_element(root: Element<'_>) -> Result<Element<'_>, ParseError> {
    if root.local() == "Envelope" && root.ns() == ns::SOAP_12 {
        return Err(ParseError::SoapVersion);
    }
    if !root.is(soap("Envelope")) {
        return Err(ParseError::NotAnEnvelope);
    }
    let mut envelope = Children::with_any_attribute(root, "Envelope")?;
    if let Some(header) = envelope.optional(soap("Header"))? {
        refuse_what_must_be_understood(header)?;
    }
    let body = envelope.required(soap("Body"))?;
    envelope.end()?;
    let mut children = Children::with_any_attribute(body, "Body")?;
    let only = children.any()?.ok_or(ParseError::BodyNotSingle)?;
    children.end().map_err(|_| ParseError::BodyNotSingle)?;
    Ok(only)
}

/// Source: SOAP 1.1 §4.2.3.
fn refuse_what_must_be_understood(header: Element<'_>) -> Result<(), ParseError> {
    let mut entries = Children::with_any_attribute(header, "Header")?;
    while let Some(entry) = entries.any()? {
        if entry.0.attribute((ns::SOAP, "mustUnderstand")).is_some_and(|value| value.trim() != "0")
        {
            return Err(ParseError::MustUnderstand);
        }
    }
    Ok(())
}

const fn soap(local: &'static str) -> Name {
    Name::new(ns::SOAP, local)
}
