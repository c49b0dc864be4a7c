//! A door with one portal behind its TLS, and a letter in a mailbox.

use crate::config::{Fingerprint, Portal as Config};
use crate::holder::answer::Answer;
use crate::holder::http::{Client, Service};
use crate::holder::portals::{InForce, Portals};
use crate::jobs::Jobs;
use crate::keys::testing::Bench;
use crate::mailbox::incoming::{
    Incoming, IncomingMessage, Operation, Part, PartSource, RepeatMark, Support,
};
use crate::mailbox::staff::Registration;
use crate::mailbox::{Mailboxes, Options, Surroundings, Terms};
use crate::store::Store;
use crate::store::memory::Memory;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mbx_common::assurance::{Loa, ProtectionClass};
use mbx_common::audit::{Actor, Event, Origin};
use mbx_common::id::RequestId;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, SignatureAlgorithm};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use tokio::sync::Semaphore;

pub(super) const ANNA: &str = "191212121212";
pub(super) const CERTIFICATE: Fingerprint = Fingerprint([0xcc; 32]);
pub(super) const BODY: &[u8] = b"<html><script>alert(1)</script></html>";
static SERIAL: AtomicU64 = AtomicU64::new(0);

/// A door with one portal, and one letter of class 3 in Anna's mailbox.
pub(super) struct World {
    pub(super) bench: Bench,
    pub(super) memory: Arc<Memory>,
    pub(super) service: Service,
    pub(super) key: EncodingKey,
    pub(super) algorithm: Algorithm,
    pub(super) folder: TempDir,
}

pub(super) struct Got {
    pub(super) status: u16,
    pub(super) headers: hyper::HeaderMap,
    pub(super) body: Bytes,
}

impl Got {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap().to_owned()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with_key(&PKCS_ECDSA_P256_SHA256, Algorithm::ES256).await
    }

    pub(super) async fn with_key(kind: &'static SignatureAlgorithm, algorithm: Algorithm) -> Self {
        let memory = Arc::new(Memory::new());
        let bench = Bench::over(Store::new(Arc::<Memory>::clone(&memory))).await;
        bench.initialise().await;
        bench.keys.open().await.unwrap();
        let surroundings = Surroundings {
            store: bench.store.clone(),
            keys: bench.keys.clone(),
            jobs: Jobs::new(bench.store.clone(), bench.clock.clone()),
            clock: bench.clock.clone(),
        };
        let terms = Some(Terms { version: "1".to_owned(), sha256: [5; 32] });
        let mailboxes = Mailboxes::new(surroundings, Options { terms, ..Options::default() });
        let folder = tempfile::tempdir().unwrap();
        let pair = KeyPair::generate_for(kind).unwrap();
        std::fs::write(folder.path().join("keys.pem"), pair.public_key_pem()).unwrap();
        let key = if algorithm == Algorithm::EdDSA {
            EncodingKey::from_ed_der(&pair.serialize_der())
        } else {
            EncodingKey::from_ec_der(&pair.serialize_der())
        };
        let portals = InForce::new(Portals::load(&config(&folder)).unwrap());
        let turns = Arc::new(Semaphore::new(2));
        let service = Service { mailboxes, portals, clock: bench.clock.clone(), turns };
        let world = Self { bench, memory, service, key, algorithm, folder };
        world.fill().await;
        world
    }

    async fn fill(&self) {
        let mailboxes = &self.service.mailboxes;
        let registration = Registration {
            number: ANNA.parse().unwrap(),
            kind: None,
            terms: None,
            accepted: None,
            loa: Loa::Three,
            reference: None,
        };
        let origin = Origin::of(Actor::Local(0));
        mailboxes.register(registration, &origin).await.unwrap();
        mailboxes.accept(letter()).await.unwrap();
    }

    pub(super) fn claims(&self) -> Value {
        let now = self.bench.clock.now().as_secs();
        json!({
            "iss": "https://portal.example",
            "aud": "https://mbx.example",
            "iat": now,
            "exp": now + 60,
            "jti": format!("jti-{}", SERIAL.fetch_add(1, Ordering::Relaxed)),
            "sub": ANNA,
            "acr": "http://id.elegnamnden.se/loa/1.0/loa3",
            "auth_time": now,
            "cnf": { "x5t#S256": URL_SAFE_NO_PAD.encode(CERTIFICATE.0) },
        })
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        jsonwebtoken::encode(&Header::new(self.algorithm), claims, &self.key).unwrap()
    }

    pub(super) async fn get(&self, path: &str) -> Got {
        self.call("GET", path, &self.sign(&self.claims()), &[]).await
    }

    pub(super) async fn with_claims(&self, change: impl FnOnce(&mut Value)) -> Got {
        let mut claims = self.claims();
        change(&mut claims);
        self.call("GET", "/v1/messages", &self.sign(&claims), &[]).await
    }

    pub(super) async fn call(
        &self,
        method: &str,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
    ) -> Got {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("authorization", format!("Bearer {token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.ask(CERTIFICATE, request.body(Empty::<Bytes>::new()).unwrap()).await
    }

    pub(super) async fn ask<B: hyper::body::Body>(
        &self,
        certificate: Fingerprint,
        ask: Request<B>,
    ) -> Got {
        let client = Client { address: IpAddr::V4(Ipv4Addr::LOCALHOST), certificate };
        let answer: Answer = self.service.answer(client, ask).await;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Got { status: head.status.as_u16(), headers: head.headers, body }
    }

    pub(super) async fn message(&self) -> String {
        let got = self.get("/v1/messages").await;
        got.json()["messages"][0]["id"].as_str().unwrap().to_owned()
    }

    pub(super) fn last_event(&self) -> Event {
        self.memory.entries().last().unwrap().event
    }
}

pub(super) fn config(folder: &TempDir) -> Config {
    let keys = folder.path().join("keys.pem");
    toml::from_str(&format!(
        r#"
        audience = "https://mbx.example"
        [[client]]
        name = "my-pages"
        certificates = ["{CERTIFICATE}"]
        issuer = "https://portal.example"
        keys = "{}"
        loa_max = 3
        "#,
        keys.display()
    ))
    .unwrap()
}

fn letter() -> Incoming {
    let part = |media_type: &str, name: Option<&str>, octets: &'static [u8]| Part {
        media_type: media_type.to_owned(),
        file_name: name.map(str::to_owned),
        len: u64::try_from(octets.len()).unwrap(),
        source: PartSource::Decoded(Bytes::from_static(octets)),
    };
    Incoming {
        request: RequestId::from_bytes([9; 16]),
        received: "2026-11-24T12:00:00Z".parse().unwrap(),
        peer: None,
        operation: Operation::DeliverSecure,
        sender: "162021004748".parse().unwrap(),
        dispatcher: "162021004748".parse().unwrap(),
        recipients: vec![ANNA.parse().ok()],
        class: ProtectionClass::Three,
        payload: Bytes::from_static(b"<Envelope/>"),
        repeat_mark: RepeatMark::of(Operation::DeliverSecure, b"mark"),
        sender_name: "Example Authority".to_owned(),
        reference: None,
        correlation_id: None,
        attention: None,
        messages: vec![IncomingMessage {
            sender_id: "1".to_owned(),
            subject: "Seeded subject".to_owned(),
            language: "svSE".to_owned(),
            support: Support::default(),
            body: part("text/html", None, BODY),
            attachments: vec![part("application/pdf", Some("å.pdf"), b"0123456789")],
        }],
        stages: Vec::new(),
    }
}

pub(super) fn loa(level: u8) -> Value {
    json!(format!("http://id.elegnamnden.se/loa/1.0/loa{level}"))
}
