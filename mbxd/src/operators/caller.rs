//! Who is at the other end of the control socket, before anybody logs in.

use mbx_common::audit::{Actor, Origin, Peer};
use mbx_common::id::RequestId;

/// The peer of one request on the control socket.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Caller {
    /// User id, as the kernel tells it.
    pub uid: u32,
    /// Process id, where the kernel tells it.
    pub pid: Option<u32>,
    /// Terminal, as mbxctl names it: a convenience, no proof.
    pub tty: Option<String>,
    /// The request.
    pub request: RequestId,
}

impl Caller {
    /// Where acts of this caller come from, for audit entries.
    pub fn peer(&self) -> Peer {
        Peer::Local { uid: self.uid, pid: self.pid, tty: self.tty.clone() }
    }

    /// The origin of an act of this actor through this caller.
    pub(super) fn origin(&self, actor: Actor) -> Origin {
        let mut origin = Origin::of(actor);
        origin.peer = Some(self.peer());
        origin.request = Some(self.request);
        origin
    }

    /// The origin of an act of somebody who is not logged in.
    pub(super) fn stranger(&self) -> Origin {
        self.origin(Actor::Local(self.uid))
    }
}
