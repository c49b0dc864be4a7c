//! What attackers know: addresses, certificates, deliveries.

use mbx_sim::client::Peer;
use mbx_sim::delivery::{Delivery, Message};
use mbx_sim::identity::{organisation, person};
use mbx_sim::load::filler;
use mbx_sim::marshal::{Style, envelope};
use mbx_sim::pki::{Credentials, Use, certificates};
use mbx_sim::portal::Portal;
use mbx_tests::installation::Installation;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Organisations with a sound certificate that nobody allowed to deliver.
const STRANGERS: u32 = 24;
/// Recipients that nobody registered, and deliveries to them.
const UNKNOWN: u32 = 2000;
/// Octets of the letter that is read slowly.
const LETTER_LEN: usize = 1_400_000;

pub(super) struct Target {
    pub(super) seed: u64,
    pub(super) authorities: SocketAddr,
    pub(super) portal: SocketAddr,
    pub(super) control: PathBuf,
    pub(super) health: PathBuf,
    /// Strangers at the authorities' door, each with a certificate of its own.
    pub(super) strangers: Vec<Peer>,
    /// The same at the portals' door.
    pub(super) strangers_at_portal: Vec<Peer>,
    /// An authority that may deliver, and means no good.
    pub(super) flooder: Peer,
    /// Sound deliveries of it to people who have no mailbox.
    pub(super) unknown: Vec<bytes::Bytes>,
    /// The portal's connections, and its assertions for a long letter.
    pub(super) portal_peer: Peer,
    pub(super) reader: Reader,
}

/// A holder who reads a long letter.
pub(super) struct Reader {
    portal: Portal,
    holder: String,
    part: String,
}

impl Target {
    pub(super) fn new(installation: &Installation, seed: u64) -> Self {
        let roots = certificates(&installation.pki().join("root.pem")).expect("a root");
        let strangers: Vec<Credentials> = (0..STRANGERS)
            .map(|index| {
                let (name, number) = (format!("stranger-{index}"), organisation(7000 + index));
                installation.issuer.issue(&name, Use::Portal, &number).expect("a certificate")
            })
            .collect();
        let at =
            |address, own: &Credentials| Peer::new(address, &roots, Some(own)).expect("a peer");
        let number = organisation(6999);
        let flooder = installation.issuer.issue("flooder", Use::Organisation, &number);
        let flooder = flooder.expect("a certificate");
        installation.ok(&["sender", "allow", &number, "--yes"]);
        let portal = Credentials::load(&installation.pki(), "portal").expect("a certificate");
        Self {
            seed,
            authorities: installation.authorities,
            portal: installation.portal,
            control: installation.path("control.sock"),
            health: installation.path("health.sock"),
            strangers: strangers.iter().map(|own| at(installation.authorities, own)).collect(),
            strangers_at_portal: strangers.iter().map(|own| at(installation.portal, own)).collect(),
            unknown: deliveries(&flooder, &number),
            flooder: at(installation.authorities, &flooder),
            portal_peer: at(installation.portal, &portal),
            reader: Reader::new(installation),
        }
    }
}

fn deliveries(own: &Credentials, number: &str) -> Vec<bytes::Bytes> {
    let signer = own.signer().expect("a signer");
    let one = |index: u32| {
        let delivery = Delivery {
            sender: number.to_owned(),
            sender_name: "Flood".to_owned(),
            recipient: person(50_000 + index),
            correlation: None,
            messages: vec![Message::text(format!("flood-{index}"), "Beslut", "Dear nobody")],
        };
        let sealed = delivery.sealed(&signer, &signer).expect("a signature");
        envelope(&sealed, Style::Prefixed).into()
    };
    (0..UNKNOWN).map(one).collect()
}

impl Reader {
    fn new(installation: &Installation) -> Self {
        let (holder, _) = installation.register(9000);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let letter = Message::text("long", "Beslut", "Dear holder")
            .with_pdf("letter.pdf", filler(1, LETTER_LEN));
        let portal = installation.portal();
        let list = runtime.expect("a runtime").block_on(async {
            installation.deliver(&holder, letter).await;
            portal.call("GET", "/v1/messages", &portal.claims(&holder, 3)).await
        });
        let list: serde_json::Value =
            serde_json::from_slice(&list.expect("a list").body).expect("JSON");
        let id = list.pointer("/messages/0/id").and_then(|id| id.as_str()).expect("a message");
        let part = format!("/v1/messages/{id}/parts/1");
        Self { portal, holder, part }
    }

    /// A request for the letter's octets, which no other request was before.
    pub(super) fn request(&self) -> String {
        let claims = self.portal.claims(&self.holder, 3);
        let assertion = self.portal.assertion(&claims).expect("an assertion");
        format!(
            "GET {} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {assertion}\r\n\r\n",
            self.part
        )
    }
}
