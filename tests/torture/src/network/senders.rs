//! The well-behaved: authorities that deliver at a steady rate on connections of their own.

use mbx_sim::client::Peer;
use mbx_sim::load::{self, Outcome, Plan};
use mbx_sim::pki::Credentials;
use mbx_sim::sign::Signer;
use mbx_tests::installation::{AUTHORITY, Installation, SERVICE};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Deliveries of one measurement, so many that their p99 is not one of them.
const COUNT: u64 = 400;
/// A second: a fraction of what two processors take, so that what is measured is no queue.
const RATE: f64 = 25.0;
const SIZE: usize = 20_000;

pub(super) struct Senders {
    peer: Peer,
    signer: Arc<Signer>,
    plan: Plan,
    runtime: Runtime,
}

impl Senders {
    pub(super) fn new(installation: &Installation) -> Self {
        let recipients = (1..=8).map(|index| installation.register(index).0).collect();
        let own = Credentials::load(&installation.pki(), "authority");
        let signer = own.and_then(|own| own.signer()).expect("the authority's key");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self {
            peer: installation.sender("authority"),
            signer: Arc::new(signer),
            plan: Plan {
                path: SERVICE.to_owned(),
                sender: AUTHORITY.to_owned(),
                recipients,
                size: SIZE,
                workers: 4,
                count: COUNT,
                rate: Some(RATE),
            },
            runtime: runtime.expect("a runtime"),
        }
    }

    /// Delivers, and tells how long it took; each of these opens new connections.
    pub(super) fn deliver(&self) -> Outcome {
        let loaded = self.runtime.block_on(load::run(&self.peer, &self.signer, &self.plan, None));
        loaded.expect("signatures")
    }
}
