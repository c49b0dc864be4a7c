//! `SealedDelivery` of Message v3 and what it is made of.

use super::children::Children;
use super::document::{Document, Element};
use super::error::ParseError;
use super::name::{Name, ns};
use super::octets::Octets;
use super::request::body_element;
use super::simple::{self, RecipientId, Text};

/// A delivery signed by its sender and sealed by its dispatcher; signatures not yet verified.
#[derive(Debug)]
pub struct SealedDelivery<'d> {
    /// To whom and from whom.
    pub header: Header<'d>,
    /// The messages, at least one.
    pub messages: Vec<Message<'d>>,
    /// What the dispatcher says.
    pub seal: Seal,
    levels: Levels<'d>,
}

/// Where the two signed elements stand in the tree.
#[derive(Clone, Copy)]
pub(in crate::delivery) struct Levels<'d> {
    /// What the dispatcher signed.
    pub(in crate::delivery) seal: Element<'d>,
    /// What the sender signed.
    pub(in crate::delivery) sender: Element<'d>,
}

impl std::fmt::Debug for Levels<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Levels").finish_non_exhaustive()
    }
}

impl<'d> Levels<'d> {
    /// Finds them in an envelope of any service version, or in a sealed delivery alone; the
    /// verifier checks their shape.
    pub(in crate::delivery) fn locate(document: &'d Document<'_>) -> Result<Self, ParseError> {
        let root = document.root();
        let seal = if root.local() == "Envelope" {
            let wrapper = body_element(root)?;
            let mut children = Children::with_any_attribute(wrapper, "the operation")?;
            let only = children.any()?.ok_or(ParseError::UnknownOperation)?;
            children.end()?;
            only
        } else {
            root
        };
        let mut children = Children::with_any_attribute(seal, "SealedDelivery")?;
        let missing = ParseError::Missing { parent: "SealedDelivery", child: "SignedDelivery" };
        let sender = children.any()?.ok_or(missing)?;
        Ok(Self { seal, sender })
    }
}

/// `Header` of a delivery.
#[derive(Debug)]
pub struct Header<'d> {
    /// The authority that it is from.
    pub sender: Sender<'d>,
    /// Whom it is for: exactly one in a sealed delivery, up to 1,000 in the others.
    pub recipients: Vec<RecipientId<'d>>,
    /// `Reference`.
    pub reference: Option<Text<'d>>,
    /// `CorrelationId`.
    pub correlation_id: Option<Text<'d>>,
    /// `Attention` at the recipient.
    pub attention: Option<Text<'d>>,
}

/// `Sender`.
#[derive(Debug)]
pub struct Sender<'d> {
    /// `Id`; an organisation number in every sound delivery, which is for the caller to ask.
    pub id: RecipientId<'d>,
    /// `Name`.
    pub name: Text<'d>,
    /// `Attention` at the sender.
    pub attention: Option<Text<'d>>,
}

/// One message of a delivery.
#[derive(Debug)]
pub struct Message<'d> {
    /// Its header.
    pub header: MessageHeader<'d>,
    /// Its body.
    pub body: Part<'d>,
    /// Its attachments in order.
    pub attachments: Vec<Part<'d>>,
}

/// `MessageHeader` of Message v3.
#[derive(Debug)]
pub struct MessageHeader<'d> {
    /// `Id` as the sender wrote it; never a key of ours.
    pub id: Text<'d>,
    /// `Subject`, at most 255 characters.
    pub subject: Text<'d>,
    /// `Supportinfo`.
    pub support: SupportInfo<'d>,
    /// Where `OfficialMatter` stands in the payload, if there is one: kept, never read.
    pub official_matter: Option<std::ops::Range<usize>>,
    /// `Metadata`, in order.
    pub metadata: Vec<Metadata<'d>>,
    /// `Language`, verbatim.
    pub language: Text<'d>,
    /// `Reply`.
    pub reply: Option<Reply>,
    /// `ReceiptRequest`.
    pub receipt: Option<ReceiptRequest>,
}

/// `SupportInfo` of Message v3.
#[derive(Debug)]
pub struct SupportInfo<'d> {
    /// `Text`, at most 1,024 characters.
    pub text: Text<'d>,
    /// `URL`, at most 255 characters.
    pub url: Option<Text<'d>>,
    /// `PhoneNumber`, at most 255 characters.
    pub phone: Option<Text<'d>>,
    /// `EmailAdress`.
    pub email: Option<Text<'d>>,
}

/// `Metadata`: a tag and a value.
#[derive(Debug)]
pub struct Metadata<'d> {
    /// `Tag`.
    pub tag: Text<'d>,
    /// `Value`.
    pub value: Text<'d>,
}

/// `Reply`; not used in the infrastructure today.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reply {
    /// `REQUESTED`.
    Requested,
    /// `ACCEPTED`.
    Accepted,
    /// `NOT_ALLOWED`.
    NotAllowed,
}

/// `ReceiptRequest`; not used in the infrastructure today.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ReceiptRequest {
    /// `NOT`.
    Not,
    /// `SIMPLE`.
    Simple,
    /// `SIGNED`.
    Signed,
}

/// A body or an attachment.
#[derive(Debug)]
pub struct Part<'d> {
    /// `ContentType` as sent.
    pub content_type: Text<'d>,
    /// The octets.
    pub octets: Octets,
    /// `Checksum` as sent; attachments only.
    pub checksum: Option<Text<'d>>,
    /// `Filename` as sent, never a path; attachments only.
    pub file_name: Option<Text<'d>>,
}

/// What the dispatcher says of the delivery.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Seal {
    /// The day on which it received the delivery, as written; the zone is dropped.
    pub received: jiff::civil::Date,
    /// Whether it found the sender's signature right.
    pub signatures_ok: bool,
}

impl<'d> SealedDelivery<'d> {
    /// Reads an element of type `SealedDelivery`, whatever its name.
    pub(super) fn read(element: Element<'d>) -> Result<Self, ParseError> {
        let mut sealed = Children::of_signed(element, "SealedDelivery")?;
        let signed = sealed.required(m3("SignedDelivery"))?;
        let seal = Seal::read(sealed.required(m3("Seal"))?)?;
        sealed.required(SIGNATURE)?;
        sealed.end()?;
        let mut parts = Children::of_signed(signed, "SignedDelivery")?;
        let delivery = parts.required(m3("Delivery"))?;
        parts.required(SIGNATURE)?;
        parts.end()?;
        let (header, messages) = read_delivery(delivery)?;
        Ok(Self { header, messages, seal, levels: Levels { seal: element, sender: signed } })
    }

    /// The two signed elements, for the verifier.
    pub(in crate::delivery) fn levels(&self) -> Levels<'d> {
        self.levels
    }
}

fn read_delivery(element: Element<'_>) -> Result<(Header<'_>, Vec<Message<'_>>), ParseError> {
    let mut children = Children::of(element, "Delivery")?;
    let header = Header::read(children.required(m3("Header"))?, ns::MESSAGE_V2, 1)?;
    let mut messages = vec![Message::read(children.required(m3("Message"))?)?];
    while let Some(message) = children.optional(m3("Message"))? {
        messages.push(Message::read(message)?);
    }
    children.end()?;
    Ok((header, messages))
}

impl<'d> Header<'d> {
    /// Reads `SecureDeliveryHeader` (v2, one recipient) or `DeliveryHeader` (v1, many).
    pub(super) fn read(
        element: Element<'d>,
        uri: &'static str,
        recipients_max: usize,
    ) -> Result<Self, ParseError> {
        let mut children = Children::of(element, "Header")?;
        let sender = Sender::read(children.required(Name::new(uri, "Sender"))?)?;
        let recipient = Name::new(uri, "Recipient");
        let first = children.required(recipient)?;
        let mut recipients = vec![simple::recipient_id(first, "Recipient")?];
        while let Some(next) = children.optional(recipient)? {
            if recipients.len() >= recipients_max {
                let count_max = recipients_max;
                return Err(ParseError::TooMany { element: "Recipient", count_max });
            }
            recipients.push(simple::recipient_id(next, "Recipient")?);
        }
        let mut text = |name| optional_string(&mut children, uri, name);
        let reference = text("Reference")?;
        let correlation_id = text("CorrelationId")?;
        let attention = text("Attention")?;
        children.end()?;
        Ok(Self { sender, recipients, reference, correlation_id, attention })
    }
}

impl<'d> Sender<'d> {
    fn read(element: Element<'d>) -> Result<Self, ParseError> {
        let mut children = Children::of(element, "Sender")?;
        let id =
            simple::recipient_id(children.required(Name::new(ns::SENDER, "Id"))?, "Sender/Id")?;
        let name = children.required(Name::new(ns::SENDER, "Name"))?;
        let name = simple::string_between(name, "Sender/Name", 2, 256)?;
        let attention = optional_string(&mut children, ns::SENDER, "Attention")?;
        children.end()?;
        Ok(Self { id, name, attention })
    }
}

impl<'d> Message<'d> {
    fn read(element: Element<'d>) -> Result<Self, ParseError> {
        let mut children = Children::of(element, "Message")?;
        let header = MessageHeader::read(children.required(m3("Header"))?)?;
        let body = Part::read_body(children.required(m3("Body"))?)?;
        let mut attachments = Vec::new();
        while let Some(attachment) = children.optional(m3("Attachment"))? {
            attachments.push(Part::read_attachment(attachment)?);
        }
        children.end()?;
        Ok(Self { header, body, attachments })
    }
}

impl<'d> MessageHeader<'d> {
    /// Reads `MessageHeader` of Message v3.
    pub(super) fn read(element: Element<'d>) -> Result<Self, ParseError> {
        let mut children = Children::of(element, "Header")?;
        let id = simple::string(children.required(m3("Id"))?, "Id")?;
        let subject = simple::string_max(children.required(m3("Subject"))?, "Subject", 255)?;
        let support = SupportInfo::read(children.required(m3("Supportinfo"))?)?;
        let official_matter = children.optional(m3("OfficialMatter"))?.map(Element::range);
        let mut metadata = Vec::new();
        while let Some(pair) = children.optional(m3("Metadata"))? {
            metadata.push(Metadata::read(pair)?);
        }
        let language = simple::language(children.required(m3("Language"))?, "Language")?;
        let reply = children.optional(m3("Reply"))?;
        let reply = reply.map(|e| simple::one_of(e, "Reply", &Reply::VALUES)).transpose()?;
        let receipt = children.optional(m3("ReceiptRequest"))?;
        let receipt = receipt
            .map(|e| simple::one_of(e, "ReceiptRequest", &ReceiptRequest::VALUES))
            .transpose()?;
        children.end()?;
        Ok(Self { id, subject, support, official_matter, metadata, language, reply, receipt })
    }
}

impl<'d> SupportInfo<'d> {
    fn read(element: Element<'d>) -> Result<Self, ParseError> {
        let mut children = Children::of(element, "Supportinfo")?;
        let text = children.required(m3("Text"))?;
        let text = simple::string_max(text, "Supportinfo/Text", 1024)?;
        let url = children.optional(m3("URL"))?;
        let url = url.map(|e| simple::uri_max(e, "Supportinfo/URL", 255)).transpose()?;
        let phone = children.optional(m3("PhoneNumber"))?;
        let phone = phone.map(|e| simple::string_max(e, "PhoneNumber", 255)).transpose()?;
        let email = children.optional(m3("EmailAdress"))?;
        let email = email.map(|e| simple::email(e, "EmailAdress")).transpose()?;
        children.end()?;
        Ok(Self { text, url, phone, email })
    }
}

impl<'d> Metadata<'d> {
    fn read(element: Element<'d>) -> Result<Self, ParseError> {
        let mut children = Children::of(element, "Metadata")?;
        let tag = simple::string(children.required(m1("Tag"))?, "Tag")?;
        let value = simple::string(children.required(m1("Value"))?, "Value")?;
        children.end()?;
        Ok(Self { tag, value })
    }
}

impl Reply {
    const VALUES: [(&'static str, Self); 3] = [
        ("REQUESTED", Self::Requested),
        ("ACCEPTED", Self::Accepted),
        ("NOT_ALLOWED", Self::NotAllowed),
    ];
}

impl ReceiptRequest {
    const VALUES: [(&'static str, Self); 3] =
        [("NOT", Self::Not), ("SIMPLE", Self::Simple), ("SIGNED", Self::Signed)];
}

impl<'d> Part<'d> {
    /// Reads `MessageBody` of Message v1.
    pub(super) fn read_body(element: Element<'d>) -> Result<Self, ParseError> {
        let mut children = Children::of(element, "Body")?;
        let content_type = simple::string(children.required(m1("ContentType"))?, "ContentType")?;
        let octets = Octets::read(children.required(m1("Body"))?, "Body")?;
        children.end()?;
        Ok(Self { content_type, octets, checksum: None, file_name: None })
    }

    fn read_attachment(element: Element<'d>) -> Result<Self, ParseError> {
        let mut children = Children::of(element, "Attachment")?;
        let content_type = simple::string(children.required(m1("ContentType"))?, "ContentType")?;
        let octets = Octets::read(children.required(m1("Body"))?, "Attachment/Body")?;
        let checksum = simple::string(children.required(m1("Checksum"))?, "Checksum")?;
        let file_name = simple::string(children.required(m1("Filename"))?, "Filename")?;
        children.end()?;
        Ok(Self { content_type, octets, checksum: Some(checksum), file_name: Some(file_name) })
    }
}

impl Seal {
    fn read(element: Element<'_>) -> Result<Self, ParseError> {
        let mut children = Children::of(element, "Seal")?;
        let received = simple::date(children.required(m1("ReceivedTime"))?, "ReceivedTime")?;
        let signatures_ok =
            simple::boolean(children.required(m1("SignaturesOK"))?, "SignaturesOK")?;
        children.end()?;
        Ok(Self { received, signatures_ok })
    }
}

/// Reads an optional string without limits.
pub(super) fn optional_string<'d>(
    children: &mut Children<'d>,
    uri: &'static str,
    local: &'static str,
) -> Result<Option<Text<'d>>, ParseError> {
    let element = children.optional(Name::new(uri, local))?;
    element.map(|element| simple::string(element, local)).transpose()
}

const fn m1(local: &'static str) -> Name {
    Name::new(ns::MESSAGE_V1, local)
}

const fn m3(local: &'static str) -> Name {
    Name::new(ns::MESSAGE_V3, local)
}

const SIGNATURE: Name = Name::new(ns::DSIG, "Signature");
