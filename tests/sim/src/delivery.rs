//! Deliveries as the contract wants them (§3): built, signed, sealed, ready to be marshalled.

use crate::error::SimError;
use crate::sign::Signer;
use crate::xml::{Element, ns};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest as _, Md5};

/// A body or an attachment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part {
    /// Media type.
    pub media_type: String,
    /// File name; attachments only.
    pub file_name: String,
    /// The octets.
    pub octets: Vec<u8>,
}

/// One message of a delivery.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// `Header/Id`.
    pub id: String,
    /// `Header/Subject`.
    pub subject: String,
    /// The body: media type and text.
    pub body: Part,
    /// The attachments.
    pub attachments: Vec<Part>,
}

impl Message {
    /// A plain text message.
    pub fn text(id: impl Into<String>, subject: impl Into<String>, text: &str) -> Self {
        Self {
            id: id.into(),
            subject: subject.into(),
            body: Part {
                media_type: "text/plain".to_owned(),
                file_name: String::new(),
                octets: text.as_bytes().to_vec(),
            },
            attachments: Vec::new(),
        }
    }

    /// The same with a PDF attachment of these octets.
    #[must_use]
    pub fn with_pdf(mut self, file_name: impl Into<String>, octets: Vec<u8>) -> Self {
        self.attachments.push(Part {
            media_type: "application/pdf".to_owned(),
            file_name: file_name.into(),
            octets,
        });
        self
    }
}

/// A `deliverSecure` before it is signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Delivery {
    /// `Sender/Id`: the authority's organisation number, 12 digits.
    pub sender: String,
    /// `Sender/Name`.
    pub sender_name: String,
    /// `Recipient`: 12 digits.
    pub recipient: String,
    /// `CorrelationId`.
    pub correlation: Option<String>,
    /// The messages.
    pub messages: Vec<Message>,
}

impl Delivery {
    /// Signs as the sender and seals as the dispatcher: the tree of the SOAP body.
    ///
    /// # Errors
    /// [`SimError::Certificate`] where a key cannot sign.
    pub fn sealed(&self, sender: &Signer, dispatcher: &Signer) -> Result<Element, SimError> {
        let signed = sender.envelop(Element::new(ns::M3, "SignedDelivery").child(self.tree()))?;
        self.seal(signed, dispatcher, true)
    }

    /// Seals an already signed delivery.
    ///
    /// # Errors
    /// [`SimError::Certificate`] where the key cannot sign.
    pub fn seal(
        &self,
        signed: Element,
        dispatcher: &Signer,
        signatures_ok: bool,
    ) -> Result<Element, SimError> {
        let seal = Element::new(ns::M3, "Seal")
            .child(Element::of(ns::M1, "ReceivedTime", "2026-11-24+01:00"))
            .child(Element::of(ns::M1, "SignaturesOK", signatures_ok.to_string()));
        let sealed =
            dispatcher.envelop(Element::new(ns::M3, "SealedDelivery").child(signed).child(seal))?;
        Ok(service_call(sealed))
    }

    /// `Delivery`, unsigned.
    pub fn tree(&self) -> Element {
        let header = Element::new(ns::M3, "Header")
            .child(sender(ns::M2, &self.sender, &self.sender_name))
            .child(Element::of(ns::M2, "Recipient", self.recipient.clone()))
            .maybe(self.correlation.clone().map(|id| Element::of(ns::M2, "CorrelationId", id)));
        self.messages
            .iter()
            .fold(Element::new(ns::M3, "Delivery").child(header), |delivery, message| {
                delivery.child(message_tree(message))
            })
    }
}

/// Renames the sealed root to the operation's inner element and wraps it in the operation.
pub fn service_call(sealed: Element) -> Element {
    let inner = Element { ns: ns::S3, name: "deliverSecure", ..sealed };
    Element::new(ns::S3, "deliverSecure").child(inner)
}

fn sender(within: &'static str, id: &str, name: &str) -> Element {
    Element::new(within, "Sender").child(Element::of(ns::SENDER, "Id", id)).child(Element::of(
        ns::SENDER,
        "Name",
        name,
    ))
}

fn header(name: &'static str, within: &'static str, message: &Message) -> Element {
    Element::new(within, name)
        .child(Element::of(ns::M3, "Id", message.id.clone()))
        .child(Element::of(ns::M3, "Subject", message.subject.clone()))
        .child(Element::new(ns::M3, "Supportinfo").child(Element::of(
            ns::M3,
            "Text",
            "Questions: see our web site",
        )))
        .child(Element::of(ns::M3, "Language", "svSE"))
}

fn message_tree(message: &Message) -> Element {
    let body = Element::new(ns::M3, "Body")
        .child(Element::of(ns::M1, "ContentType", message.body.media_type.clone()))
        .child(Element::of(ns::M1, "Body", BASE64.encode(&message.body.octets)));
    let tree = Element::new(ns::M3, "Message").child(header("Header", ns::M3, message)).child(body);
    message.attachments.iter().fold(tree, |tree, part| {
        let checksum: String = Md5::digest(&part.octets)
            .iter()
            .fold(String::new(), |hex, byte| format!("{hex}{byte:02X}"));
        tree.child(
            Element::new(ns::M3, "Attachment")
                .child(Element::of(ns::M1, "ContentType", part.media_type.clone()))
                .child(Element::of(ns::M1, "Body", BASE64.encode(&part.octets)))
                .child(Element::of(ns::M1, "Checksum", checksum))
                .child(Element::of(ns::M1, "Filename", part.file_name.clone())),
        )
    })
}

/// A `notify` to many recipients: the tree of the SOAP body.
pub fn notify(
    sender_id: &str,
    sender_name: &str,
    recipients: &[String],
    message: &Message,
) -> Element {
    let header_tree = recipients.iter().fold(
        Element::new(ns::N3, "Header").child(sender(ns::M1, sender_id, sender_name)),
        |header, recipient| header.child(Element::of(ns::M1, "Recipient", recipient.clone())),
    );
    let body = Element::new(ns::N3, "body")
        .child(Element::of(ns::M1, "ContentType", message.body.media_type.clone()))
        .child(Element::of(ns::M1, "Body", BASE64.encode(&message.body.octets)));
    let inner = Element::new(ns::S3, "notify").child(header_tree).child(
        Element::new(ns::N3, "Message").child(header("header", ns::N3, message)).child(body),
    );
    Element::new(ns::S3, "notify").child(inner)
}
