//! One call as it goes through the pipeline.

use super::cause::Cause;
use crate::clock::Clock;
use crate::mailbox::incoming::{Operation, Refusal, Stage};
use crate::random;
use mbx_common::audit::Peer;
use mbx_common::id::RequestId;
use mbx_common::identity::OrganisationNumber;
use mbx_common::time::Timestamp;
use std::net::IpAddr;
use std::time::Instant;

/// What is known of a call, more and more of it as it goes on.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The request; the fault's `CallId`.
    pub(super) request: RequestId,
    /// When its header had come.
    pub(super) received: Timestamp,
    /// Where it came from.
    pub(super) peer: Peer,
    /// The organisation of the TLS client, once it is established.
    pub(super) client: Option<OrganisationNumber>,
    /// The operation, once it is read.
    pub(super) operation: Option<Operation>,
    /// The sender, once a believed signature or the TLS client says so.
    pub(super) sender: Option<OrganisationNumber>,
    stages: Vec<(Stage, u64)>,
    stage_began: Instant,
}

impl Call {
    /// A call that begins now.
    pub(super) fn begin(clock: &Clock, address: IpAddr, certificate: Option<[u8; 32]>) -> Self {
        Self {
            request: RequestId::from_bytes(random::bytes()),
            received: clock.now(),
            peer: Peer::Remote { address, certificate },
            client: None,
            operation: None,
            sender: None,
            stages: Vec::new(),
            stage_began: Instant::now(),
        }
    }

    /// A stage is over; its time is that since the one before.
    pub(super) fn reached(&mut self, stage: Stage) {
        let us = u64::try_from(self.stage_began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.stages.push((stage, us));
        self.stage_began = Instant::now();
    }

    /// The stages so far.
    pub(super) fn stages(&self) -> Vec<(Stage, u64)> {
        self.stages.clone()
    }

    /// The account of its refusal: holds nothing that the caller could fill at will.
    pub(super) fn refusal(&self, cause: &Cause) -> Refusal {
        Refusal {
            request: self.request,
            received: self.received,
            peer: Some(self.peer.clone()),
            operation: self.operation,
            dispatcher: self.client,
            sender: self.sender,
            cause: cause.code(),
            fault: cause.error_code(),
            stages: self.stages(),
        }
    }
}
