//! A delivery as the authorities' door hands it over: verified, parsed, bounded.

use bytes::Bytes;
use mbx_common::assurance::ProtectionClass;
use mbx_common::id::RequestId;
use mbx_common::identity::{NationalNumber, OrganisationNumber};
use mbx_common::time::Timestamp;
use std::ops::Range;

/// Which operation of the Service port brought it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operation {
    /// `deliverSecure`: signed and sealed, one recipient.
    DeliverSecure,
    /// `notify`: unsigned, up to 1,000 recipients.
    Notify,
}

/// One verified delivery, ready to be encrypted and stored.
#[derive(Debug)]
pub struct Incoming {
    /// The request, as answers and logs name it.
    pub request: RequestId,
    /// When its first byte came.
    pub received: Timestamp,
    /// The operation.
    pub operation: Operation,
    /// The authority that the message is from (`Sender/Id`).
    pub sender: OrganisationNumber,
    /// The organisation of the TLS client certificate: the sender itself or its dispatcher.
    pub dispatcher: OrganisationNumber,
    /// Whom it is for, in the order of the request; exactly one for `deliverSecure`. A `RecipientId`
    /// of the right shape that no real number can have (check digit) stands as `None`: it is
    /// answered as not delivered.
    pub recipients: Vec<Option<NationalNumber>>,
    /// The protection class that the operation (or the sender's setting) gives.
    pub class: ProtectionClass,
    /// Evidence and payload in one: the request body as received, or the `Message` element of a
    /// `notify`.
    pub payload: Bytes,
    /// What tells a repeat from a new delivery: the octets of the inner `SignatureValue`, or the
    /// `Message` element of a `notify`.
    pub repeat_mark: Bytes,
    /// `Header/Sender/Name`.
    pub sender_name: String,
    /// `Header/Reference`.
    pub reference: Option<String>,
    /// `Header/CorrelationId`.
    pub correlation_id: Option<String>,
    /// `Header/Attention`.
    pub attention: Option<String>,
    /// The messages in it, at least one.
    pub messages: Vec<IncomingMessage>,
    /// How long each stage took before hand-over, in microseconds, for `delivery trace`.
    pub stages: Vec<(Stage, u64)>,
}

/// One message of a delivery.
#[derive(Debug)]
pub struct IncomingMessage {
    /// `Header/Id` as the sender wrote it; never a key of ours.
    pub sender_id: String,
    /// `Header/Subject`.
    pub subject: String,
    /// `Header/Language`, verbatim (`svSE` occurs).
    pub language: String,
    /// `Supportinfo`: text, then URL, telephone and e-mail where given.
    pub support: Support,
    /// The body.
    pub body: Part,
    /// The attachments in order.
    pub attachments: Vec<Part>,
}

/// `Supportinfo` of a message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Support {
    /// `Text`.
    pub text: String,
    /// `URL`.
    pub url: Option<String>,
    /// `PhoneNumber`.
    pub phone: Option<String>,
    /// `EmailAdress`.
    pub email: Option<String>,
}

/// A body or attachment.
#[derive(Debug)]
pub struct Part {
    /// Media type, lower case, without parameters.
    pub media_type: String,
    /// File name, cleaned for display; attachments only.
    pub file_name: Option<String>,
    /// Decoded length in bytes.
    pub len: u64,
    /// Where its octets are.
    pub source: PartSource,
}

/// Where the octets of a part are.
#[derive(Debug)]
pub enum PartSource {
    /// Bytes of the payload that are nothing but base64 and white space.
    Base64At(Range<u64>),
    /// Decoded octets, where the text in the payload is interrupted by character references or
    /// CDATA.
    Decoded(Bytes),
}

/// A stage of the pipeline, for `delivery trace`. The byte is stored: never reused.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Stage {
    /// The whole body was received.
    Received = 1,
    /// Pre-scan and tree.
    Parsed = 2,
    /// Both signatures and their chains.
    Signature = 3,
    /// Rights of sender and dispatcher.
    Rights = 4,
    /// Recipients found.
    Recipient = 5,
    /// Malware scan.
    Scan = 6,
    /// Content encrypted, DEKs sealed.
    Sealed = 7,
    /// Durable.
    Durable = 8,
}
