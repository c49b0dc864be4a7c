//! A delivery as the authorities' door hands it over: verified, parsed, bounded.

use bytes::Bytes;
use mbx_common::assurance::ProtectionClass;
use mbx_common::audit::Peer;
use mbx_common::error::Code;
use mbx_common::id::RequestId;
use mbx_common::identity::{NationalNumber, OrganisationNumber};
use mbx_common::time::Timestamp;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::ops::Range;

/// Which operation of the Service port brought it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operation {
    /// `deliverSecure`: signed and sealed, one recipient.
    DeliverSecure,
    /// `notify`: unsigned, up to 1,000 recipients.
    Notify,
}

impl Operation {
    /// The byte in stored rows: never reused.
    pub const fn code(self) -> u8 {
        match self {
            Self::DeliverSecure => 1,
            Self::Notify => 2,
        }
    }

    /// The operation of a stored byte.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::DeliverSecure),
            2 => Some(Self::Notify),
            _ => None,
        }
    }

    /// The name in the WSDL.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeliverSecure => "deliverSecure",
            Self::Notify => "notify",
        }
    }
}

/// What tells a repeat from a new delivery: SHA-256 over the operation's label and the octets that
/// are the same in each repeat.
///
/// Made once per delivery, off the async threads: a `Message` element has megabytes, and every
/// recipient's keyed mark is made from these 32 bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RepeatMark([u8; 32]);

impl RepeatMark {
    /// Of the inner `SignatureValue` (ECDSA: with the low half of s), or of the `Message` element
    /// of a `notify`.
    pub fn of(operation: Operation, octets: &[u8]) -> Self {
        let label: &[u8] = match operation {
            Operation::DeliverSecure => b"mbx repeat deliverSecure\0",
            Operation::Notify => b"mbx repeat notify\0",
        };
        Self(Sha256::new().chain_update(label).chain_update(octets).finalize().into())
    }

    /// The digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// One verified delivery, ready to be encrypted and stored.
pub struct Incoming {
    /// The request, as answers and logs name it.
    pub request: RequestId,
    /// When its first byte came.
    pub received: Timestamp,
    /// Where it came from, for the audit entry.
    pub peer: Option<Peer>,
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
    /// What tells a repeat from a new delivery.
    pub repeat_mark: RepeatMark,
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

/// One call that the authorities' door refused with a fault.
///
/// Holds nothing that the caller could fill at will: a flood of refusals costs one counter.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The request; the fault's `CallId`.
    pub request: RequestId,
    /// When its first byte came.
    pub received: Timestamp,
    /// Where it came from.
    pub peer: Option<Peer>,
    /// The operation, where it got that far.
    pub operation: Option<Operation>,
    /// The organisation of the TLS client certificate, where it is established.
    pub dispatcher: Option<OrganisationNumber>,
    /// The authority the message claimed to be from, where a valid signature says so.
    pub sender: Option<OrganisationNumber>,
    /// Our stable code of the cause, `MBX-nnnn`.
    pub cause: Code,
    /// The fault's `ErrorCode`.
    pub fault: u16,
    /// How long each stage took, in microseconds.
    pub stages: Vec<(Stage, u64)>,
}

/// One message of a delivery.
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
#[derive(Clone, Default, Eq, PartialEq)]
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
pub enum PartSource {
    /// Bytes of the payload that are nothing but base64 and white space.
    Base64At(Range<u64>),
    /// Decoded octets, where the text in the payload is interrupted by character references or
    /// CDATA.
    Decoded(Bytes),
}

// What people wrote is never shown where something is only to be traced.
impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("request", &self.request).finish_non_exhaustive()
    }
}

impl fmt::Debug for IncomingMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IncomingMessage(redacted)")
    }
}

impl fmt::Debug for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Support(redacted)")
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("len", &self.len).finish_non_exhaustive()
    }
}

impl fmt::Debug for PartSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PartSource(redacted)")
    }
}

macro_rules! stages {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $word:literal;)+) => {
        /// A stage of the pipeline, for `delivery trace`.
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub enum Stage {
            $($(#[$doc])* $name,)+
        }

        impl Stage {
            /// The byte in stored rows: never reused.
            pub const fn code(self) -> u8 {
                match self { $(Self::$name => $code),+ }
            }

            /// The stage of a stored byte.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$name),)+ _ => None }
            }

            /// The word in output.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }
        }
    };
}

stages! {
    /// The whole body was received.
    Received = 1, "received";
    /// Pre-scan and tree.
    Parsed = 2, "parsed";
    /// Both signatures and their chains.
    Signature = 3, "signature";
    /// Rights of sender and dispatcher.
    Rights = 4, "rights";
    /// Recipients found.
    Recipient = 5, "recipient";
    /// Malware scan.
    Scan = 6, "scan";
    /// Content encrypted, DEKs sealed.
    Sealed = 7, "sealed";
    /// Durable.
    Durable = 8, "durable";
}
