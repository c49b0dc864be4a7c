//! `[delivery]`: the authorities' door.

use super::TlsIdentity;
use super::value::{ByteSize, Span};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// Where and within which bounds authorities deliver.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delivery {
    /// Address and port of the listener. Default none: the door stays shut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// The door's certificate and key.
    pub tls: TlsIdentity,
    /// Path of the service. Default `/service/v3`.
    pub path: String,
    /// Address of the service as senders reach it, for the service description (`?wsdl`): scheme,
    /// host and path. Default `https://localhost/service/v3`.
    pub public_address: String,
    /// Longest request body. Default `16 MiB`, at most `64 MiB`.
    pub body_max: ByteSize,
    /// Longest message, body and attachments together once decoded. Default `2 MiB`, the
    /// infrastructure's limit.
    pub message_max: ByteSize,
    /// Media types of attachments. Default PDF, doc, docx, dotx (in both spellings that occur) and
    /// ics.
    pub media_types: Vec<String>,
    /// What happens where an attachment does not fit its MD5 checksum. Default `refuse`.
    pub checksum: Checksum,
    /// Open connections, at least 1. Default 256. A further one takes the place of one at which
    /// nothing goes on, first of the organisation that holds the most; where all are at work it is
    /// closed. One organisation holds half of them at most. Handshakes under way are not counted:
    /// for the newest of more than 176 the oldest is given up, of the address with the most.
    pub connections_max: usize,
    /// Requests on one connection, after which it is closed. Default 1000.
    pub requests_per_connection_max: u64,
    /// Time for the TLS handshake, and for a whole request header; an idle connection is closed
    /// after it. Default `30 s`.
    pub header_timeout: Span,
    /// Time for a whole body, however long. Default `2 min`.
    pub body_timeout: Span,
    /// Slowest body that is borne, in bytes a second; ten seconds of waiting are borne besides, and
    /// earned back at that speed. Default `8 KiB`.
    pub body_rate_min: ByteSize,
    /// Memory for deliveries under way, each counted with three times its length. Default
    /// `384 MiB`; what does not fit is told to come back. No organisation takes more than it leaves
    /// to others, alone half.
    pub memory_max: ByteSize,
    /// Deliveries verified at the same time. Default 0: one per processor.
    pub verify_parallel: usize,
    /// Deliveries that may wait for that. Default 64; further ones are told to come back. Turns go
    /// round among organisations, and who has the most waiting is the first to be told so.
    pub verify_waiting_max: usize,
    /// Time for deliveries under way when the daemon stops. Default `30 s`, at most `10 min`.
    pub drain: Span,
}

/// What happens where an attachment does not fit its checksum.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checksum {
    /// The delivery is refused.
    #[default]
    Refuse,
    /// It is accepted and logged: the signature proves the octets.
    Flag,
}

impl Delivery {
    /// Longest body that can be configured: what a tree of it needs stays bounded.
    pub const BODY_MAX_LIMIT: ByteSize = ByteSize::mib(64);

    /// Media types of attachments by default. Source: contract §5.
    const MEDIA_TYPES: [&str; 6] = [
        "application/pdf",
        "application/msword",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.template",
        "application/vnd.openxmlformats-officedocument.wordprocessingml-template",
        "text/calendar",
    ];
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            listen: None,
            tls: TlsIdentity::default(),
            path: "/service/v3".to_owned(),
            public_address: "https://localhost/service/v3".to_owned(),
            body_max: ByteSize::mib(16),
            message_max: ByteSize::mib(2),
            media_types: Self::MEDIA_TYPES.map(str::to_owned).to_vec(),
            checksum: Checksum::Refuse,
            connections_max: 256,
            requests_per_connection_max: 1000,
            header_timeout: Span::secs(30),
            body_timeout: Span::secs(120),
            body_rate_min: ByteSize::bytes(8 * 1024),
            memory_max: ByteSize::mib(384),
            verify_parallel: 0,
            verify_waiting_max: 64,
            drain: Span::secs(30),
        }
    }
}
