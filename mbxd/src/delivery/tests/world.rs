//! A door on a loopback port with a recorder behind it, and authorities that call it.

use crate::clock::Clock;
use crate::config::{self, TlsIdentity};
use crate::delivery::{Behind, Door, Intake, Screen, Screened, Taken};
use crate::mailbox::incoming::{Incoming, Refusal};
use crate::registers::{Change, Dispatcher, Senders};
use crate::trust::{self, Trust};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use mbx_common::audit::{Actor, Origin};
use mbx_common::error::Kind;
use mbx_common::id::DeliveryId;
use mbx_common::time::Timestamp;
use mbx_sim::client::{Answer, Peer};
use mbx_sim::delivery::{Delivery, Message};
use mbx_sim::marshal::{Style, envelope};
use mbx_sim::pki::{Credentials, Flaw, Pki, Use, certificates};
use mbx_sim::soap::Reply;
use mbx_sim::xml::Element;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

pub(super) const PATH: &str = "/service/v3";
pub(super) const RECIPIENT: &str = "191212121212";

/// Remembers what it was given; answers as told.
pub(super) struct Recorder {
    pub(super) accepted: Mutex<Vec<Incoming>>,
    pub(super) refused: Mutex<Vec<Refusal>>,
    pub(super) answer: Mutex<Result<(bool, bool), Kind>>,
    /// Deliveries wait here before they are taken.
    pub(super) gate: Semaphore,
    /// Deliveries that arrived at the gate.
    pub(super) arrived: Semaphore,
}

impl Recorder {
    fn new() -> Self {
        Self {
            accepted: Mutex::default(),
            refused: Mutex::default(),
            answer: Mutex::new(Ok((true, false))),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            arrived: Semaphore::new(0),
        }
    }
}

impl Intake for Recorder {
    fn accept(&self, incoming: Incoming) -> BoxFuture<'_, Result<Taken, Kind>> {
        Box::pin(async move {
            self.arrived.add_permits(1);
            self.gate.acquire().await.unwrap().forget();
            let (delivered, repeated) = (*self.answer.lock().unwrap())?;
            let delivered = vec![delivered; incoming.recipients.len()];
            self.accepted.lock().unwrap().push(incoming);
            Ok(Taken { delivery: DeliveryId::from_bytes([7; 16]), delivered, repeated })
        })
    }

    fn refuse(&self, refusal: Refusal) -> BoxFuture<'_, bool> {
        self.refused.lock().unwrap().push(refusal);
        Box::pin(std::future::ready(true))
    }
}

pub(super) struct World {
    pub(super) folder: TempDir,
    pub(super) pki: Pki,
    pub(super) address: SocketAddr,
    pub(super) intake: Arc<Recorder>,
    pub(super) senders: Senders,
    pub(super) trust: Trust,
    pub(super) authority: Credentials,
    pub(super) dispatcher: Credentials,
    stop: Option<oneshot::Sender<()>>,
    pub(super) serving: JoinHandle<()>,
}

/// The authority's organisation number.
pub(super) fn authority() -> String {
    mbx_sim::identity::organisation(1)
}

/// Its dispatcher's.
pub(super) fn dispatcher() -> String {
    mbx_sim::identity::organisation(2)
}

/// No scanner: everything passes.
pub(super) struct NoScreen;

impl Screen for NoScreen {
    fn is_on(&self) -> bool {
        false
    }

    fn look(&self, _parts: Vec<Bytes>) -> BoxFuture<'_, Screened> {
        Box::pin(std::future::ready(Screened::Pass))
    }
}

impl World {
    /// A door where the authority is allowed with its dispatcher, which may seal.
    pub(super) async fn new() -> Self {
        Self::with(|_| (), Arc::new(NoScreen)).await
    }

    pub(super) async fn with(
        change: impl FnOnce(&mut config::Delivery),
        screen: Arc<dyn Screen>,
    ) -> Self {
        Self::start(change, screen, None).await
    }

    /// The same with these mailboxes behind it instead of the recorder.
    pub(super) async fn before(mailboxes: Arc<dyn Intake>) -> Self {
        Self::start(|_| (), Arc::new(NoScreen), Some(mailboxes)).await
    }

    async fn start(
        change: impl FnOnce(&mut config::Delivery),
        screen: Arc<dyn Screen>,
        mailboxes: Option<Arc<dyn Intake>>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pki = Pki::create(folder.path()).unwrap();
        pki.issue("server", Use::Server, &authority()).unwrap();
        let own = pki.issue("authority", Use::Organisation, &authority()).unwrap();
        let dispatching = pki.issue("dispatcher", Use::Organisation, &dispatcher()).unwrap();
        std::fs::create_dir(folder.path().join("crl")).unwrap();
        let clock = Clock::manual("2026-11-24T12:00:00Z".parse::<Timestamp>().unwrap());
        let store = crate::store::memory::engine();
        let senders = Senders::open(store.clone(), clock.clone()).await.unwrap();
        let trust = trust(&folder, store, &clock).await;
        let intake = Arc::new(Recorder::new());
        let mut config = config::Delivery::default();
        change(&mut config);
        let behind = Behind {
            trust: trust.clone(),
            senders: senders.clone(),
            intake: mailboxes.unwrap_or_else(|| intake.clone()),
            screen,
            clock,
        };
        let door = Arc::new(Door::new(&config, behind).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(door.serve(listener, async {
            stopped.await.ok();
        }));
        let world = Self {
            folder,
            pki,
            address,
            intake,
            senders,
            trust,
            authority: own,
            dispatcher: dispatching,
            stop: Some(stop),
            serving,
        };
        world.refresh_lists().await;
        world.allow(&authority(), &[(dispatcher(), false, true)]).await;
        world
    }

    /// Brings the PKI's list to where the daemon reads it.
    pub(super) async fn refresh_lists(&self) {
        let (from, to) = (self.folder.path().join("crl.pem"), self.folder.path().join("crl/a.pem"));
        std::fs::copy(from, to).unwrap();
        let report = self.trust.refresh_lists().await;
        assert!(report.refused.is_empty(), "{report:?}");
    }

    pub(super) async fn allow(&self, sender: &str, dispatchers: &[(String, bool, bool)]) {
        let dispatchers = dispatchers.iter().map(|(organisation, may_sign, may_seal)| Dispatcher {
            organisation: organisation.parse().unwrap(),
            may_sign: *may_sign,
            may_seal: *may_seal,
        });
        let change = Change { dispatchers: dispatchers.collect(), ..Change::default() };
        let origin = Origin::of(Actor::Daemon);
        self.senders.allow(sender.parse().unwrap(), change, &origin).await.unwrap();
    }

    /// A TLS client with these credentials.
    pub(super) fn peer(&self, credentials: Option<&Credentials>) -> Peer {
        let roots = certificates(&self.folder.path().join("root.pem")).unwrap();
        Peer::new(self.address, &roots, credentials).unwrap()
    }

    /// Posts a document as the dispatcher.
    pub(super) async fn post(&self, document: impl Into<Bytes>) -> Answer {
        self.post_as(&self.dispatcher, document).await
    }

    pub(super) async fn post_as(
        &self,
        credentials: &Credentials,
        document: impl Into<Bytes>,
    ) -> Answer {
        let mut connection = self.peer(Some(credentials)).connect().await.unwrap();
        connection.soap(PATH, document.into()).await.unwrap()
    }

    /// A delivery signed by the authority and sealed by the dispatcher, ready to be posted.
    pub(super) fn sealed(&self, delivery: &Delivery) -> String {
        sealed_by(delivery, &self.authority, &self.dispatcher)
    }

    /// The fault of a refused document; checks that nothing was taken and one refusal was kept.
    pub(super) async fn fault_of(&self, document: impl Into<Bytes>) -> Fault {
        let answer = self.post(document).await;
        self.fault_in(&answer)
    }

    pub(super) fn fault_in(&self, answer: &Answer) -> Fault {
        assert_eq!(answer.status, 500, "{answer:?}");
        let Reply::Fault { code, error_code, description, call_id } =
            Reply::parse(&answer.body).unwrap()
        else {
            panic!("no fault: {answer:?}");
        };
        assert!(self.intake.accepted.lock().unwrap().is_empty());
        let refusal = self.intake.refused.lock().unwrap().pop().expect("the refusal is kept");
        assert_eq!(refusal.request.to_uuid(), call_id);
        assert_eq!(refusal.fault, error_code);
        Fault { party: code, error_code, description, refusal }
    }

    /// A certificate of the authority's number with a flaw.
    pub(super) fn flawed(&self, flaw: Flaw) -> Credentials {
        self.pki.issue_flawed("flawed", Use::Organisation, &authority(), flaw).unwrap()
    }

    /// Asks the door to stop.
    pub(super) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }
}

#[derive(Debug)]
pub(super) struct Fault {
    pub(super) party: String,
    pub(super) error_code: u16,
    pub(super) description: String,
    pub(super) refusal: Refusal,
}

pub(super) fn delivery(text: &str) -> Delivery {
    Delivery {
        sender: authority(),
        sender_name: "Testkommun".to_owned(),
        recipient: RECIPIENT.to_owned(),
        correlation: Some("case 17".to_owned()),
        messages: vec![Message::text("m-1", "Beslut", text)],
    }
}

/// A delivery signed and sealed by these, ready to be posted.
pub(super) fn sealed_by(delivery: &Delivery, signer: &Credentials, sealer: &Credentials) -> String {
    let (signer, sealer) = (signer.signer().unwrap(), sealer.signer().unwrap());
    written(&delivery.sealed(&signer, &sealer).unwrap())
}

pub(super) fn written(tree: &Element) -> String {
    envelope(tree, Style::Prefixed)
}

async fn trust(folder: &TempDir, store: crate::store::Store, clock: &Clock) -> Trust {
    let at = |name: &str| folder.path().join(name);
    let config = config::Trust {
        roots: vec![at("root.pem")],
        crl_dir: at("crl"),
        ..config::Trust::default()
    };
    let identity = TlsIdentity { certificate: at("server.pem"), private_key: at("server.key") };
    let doors = vec![(trust::Door::Authorities, identity)];
    Trust::open(config, doors, store, clock.clone()).await.unwrap()
}
