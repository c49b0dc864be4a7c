//! `NotificationDelivery` of Notification v3: unsigned, many recipients.

use super::children::Children;
use super::delivery::{Header, MessageHeader, Part};
use super::document::Element;
use super::error::ParseError;
use super::name::{Name, ns};
use super::simple::{self, Text};
use mbx_common::limit::NOTIFY_RECIPIENTS_MAX;
use std::ops::Range;

/// What `notify` brings.
#[derive(Debug)]
pub struct NotificationDelivery<'d> {
    /// To whom and from whom.
    pub header: Header<'d>,
    /// Where the `Message` element stands in the payload.
    pub message_range: Range<usize>,
    /// The header of its one message.
    pub message_header: MessageHeader<'d>,
    /// The body of its one message.
    pub body: Part<'d>,
    /// What the sender wants to say by e-mail.
    pub email: Option<EmailText<'d>>,
    /// What the sender wants to say by SMS.
    pub sms: Option<SmsText<'d>>,
}

/// `EmailMessage`.
#[derive(Debug)]
pub struct EmailText<'d> {
    /// `From`, an e-mail address.
    pub from: Text<'d>,
    /// `Subject`, at most 254 characters.
    pub subject: Text<'d>,
    /// `text`.
    pub text: Text<'d>,
}

/// `SmsMessage`.
#[derive(Debug)]
pub struct SmsText<'d> {
    /// `From`, at most 11 characters.
    pub from: Text<'d>,
    /// `text`, at most 160 characters.
    pub text: Text<'d>,
}

impl<'d> NotificationDelivery<'d> {
    /// Reads an element of type `NotificationDelivery`.
    pub(super) fn read(element: Element<'d>) -> Result<Self, ParseError> {
        let mut children = Children::of(element, "notify")?;
        let header = children.required(n3("Header"))?;
        let header = Header::read(header, ns::MESSAGE_V1, NOTIFY_RECIPIENTS_MAX)?;
        let message = children.required(n3("Message"))?;
        let email = children.optional(n3("EmailMessage"))?.map(EmailText::read).transpose()?;
        let sms = children.optional(n3("SmsMessage"))?.map(SmsText::read).transpose()?;
        children.end()?;
        let mut parts = Children::of(message, "Message")?;
        let message_header = MessageHeader::read(parts.required(n3("header"))?)?;
        let body = Part::read_body(parts.required(n3("body"))?)?;
        parts.end()?;
        Ok(Self { header, message_range: message.range(), message_header, body, email, sms })
    }
}

impl<'d> EmailText<'d> {
    fn read(element: Element<'d>) -> Result<Self, ParseError> {
        let mut children = Children::of(element, "EmailMessage")?;
        let mut header = Children::of(children.required(n2("header"))?, "EmailMessage/header")?;
        let from = simple::email(header.required(n2("From"))?, "From")?;
        let subject = simple::string_max(header.required(n2("Subject"))?, "Subject", 254)?;
        header.end()?;
        let text = simple::string(children.required(n2("text"))?, "EmailMessage/text")?;
        children.end()?;
        Ok(Self { from, subject, text })
    }
}

impl<'d> SmsText<'d> {
    fn read(element: Element<'d>) -> Result<Self, ParseError> {
        let mut children = Children::of(element, "SmsMessage")?;
        let mut header = Children::of(children.required(n2("header"))?, "SmsMessage/header")?;
        let from = simple::string_max(header.required(n2("From"))?, "From", 11)?;
        header.end()?;
        let text = simple::string_max(children.required(n2("text"))?, "SmsMessage/text", 160)?;
        children.end()?;
        Ok(Self { from, text })
    }
}

const fn n2(local: &'static str) -> Name {
    Name::new(ns::NOTIFICATION_V2, local)
}

const fn n3(local: &'static str) -> Name {
    Name::new(ns::NOTIFICATION_V3, local)
}
