//! The door behind its TLS: a request with a certificate's fingerprint in, an answer out.

use super::answer::Answer;
use super::http::{Client, Service};
use super::portals::{InForce, Portals, PortalsError};
use super::route::ROUTES;
use crate::access::Rules;
use crate::config::{Fingerprint, Portal as Config};
use crate::jobs::Jobs;
use crate::keys::testing::Bench;
use crate::mailbox::incoming::{
    Incoming, IncomingMessage, Operation, Part, PartSource, RepeatMark, Support,
};
use crate::mailbox::staff::Registration;
use crate::mailbox::{Mailboxes, Options, Surroundings, Terms};
use crate::store::memory::Memory;
use crate::store::{Changes, KeyRange, Store, Table};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::Request;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mbx_common::assurance::{Loa, ProtectionClass};
use mbx_common::audit::{Actor, Event, Origin};
use mbx_common::id::RequestId;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SignatureAlgorithm};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use tokio::sync::Semaphore;

const ANNA: &str = "191212121212";
const CERTIFICATE: Fingerprint = Fingerprint([0xcc; 32]);
const BODY: &[u8] = b"<html><script>alert(1)</script></html>";
static SERIAL: AtomicU64 = AtomicU64::new(0);

/// A door with one portal, and one letter of class 3 in Anna's mailbox.
struct World {
    bench: Bench,
    memory: Arc<Memory>,
    service: Service,
    key: EncodingKey,
    algorithm: Algorithm,
    folder: TempDir,
}

struct Got {
    status: u16,
    headers: hyper::HeaderMap,
    body: Bytes,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn code(&self) -> String {
        self.json()["code"].as_str().unwrap().to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl World {
    async fn new() -> Self {
        Self::with_key(&PKCS_ECDSA_P256_SHA256, Algorithm::ES256).await
    }

    async fn with_key(kind: &'static SignatureAlgorithm, algorithm: Algorithm) -> Self {
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

    fn claims(&self) -> Value {
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

    fn sign(&self, claims: &Value) -> String {
        jsonwebtoken::encode(&Header::new(self.algorithm), claims, &self.key).unwrap()
    }

    async fn get(&self, path: &str) -> Got {
        self.call("GET", path, &self.sign(&self.claims()), &[]).await
    }

    async fn with_claims(&self, change: impl FnOnce(&mut Value)) -> Got {
        let mut claims = self.claims();
        change(&mut claims);
        self.call("GET", "/v1/messages", &self.sign(&claims), &[]).await
    }

    async fn call(&self, method: &str, path: &str, token: &str, headers: &[(&str, &str)]) -> Got {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("authorization", format!("Bearer {token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.ask(CERTIFICATE, request.body(Empty::<Bytes>::new()).unwrap()).await
    }

    async fn ask<B: hyper::body::Body>(&self, certificate: Fingerprint, ask: Request<B>) -> Got {
        let client = Client { address: IpAddr::V4(Ipv4Addr::LOCALHOST), certificate };
        let answer: Answer = self.service.answer(client, ask).await;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Got { status: head.status.as_u16(), headers: head.headers, body }
    }

    async fn message(&self) -> String {
        let got = self.get("/v1/messages").await;
        got.json()["messages"][0]["id"].as_str().unwrap().to_owned()
    }

    fn last_event(&self) -> Event {
        self.memory.entries().last().unwrap().event
    }
}

fn config(folder: &TempDir) -> Config {
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

#[tokio::test]
async fn a_holder_lists_opens_and_reads_parts() {
    let world = World::new().await;
    let listed = world.get("/v1/messages").await;
    assert_eq!(listed.status, 200);
    assert_eq!(listed.json()["messages"][0]["subject"], "Seeded subject");
    let id = world.message().await;
    let opened = world.get(&format!("/v1/messages/{id}")).await;
    assert_eq!((opened.status, world.last_event()), (200, Event::MessageOpened));
    let tag = opened.json()["etag"].as_str().unwrap().to_owned();
    assert_eq!(opened.header("etag"), format!("\"{tag}\""));
    assert_eq!(opened.json()["parts"][1]["file_name"], "å.pdf");
    let body = world.get(&format!("/v1/messages/{id}/parts/0")).await;
    assert_eq!((body.status, &body.body[..]), (200, BODY));
    assert_eq!(body.header("content-type"), "text/html");
    assert_eq!(body.header("content-disposition"), "attachment");
    assert_eq!(body.header("x-content-type-options"), "nosniff");
    assert_eq!(body.header("cache-control"), "no-store");
    assert!(body.header("content-security-policy").contains("sandbox"));
    let attachment = world.get(&format!("/v1/messages/{id}/parts/1")).await;
    let disposition = attachment.header("content-disposition");
    assert_eq!(disposition, "attachment; filename*=UTF-8''%c3%a5.pdf");
}

#[tokio::test]
async fn a_range_is_answered_as_a_range() {
    let world = World::new().await;
    let id = world.message().await;
    let path = format!("/v1/messages/{id}/parts/1");
    let token = world.sign(&world.claims());
    let part = world.call("GET", &path, &token, &[("range", "bytes=2-4")]).await;
    assert_eq!((part.status, &part.body[..]), (206, &b"234"[..]));
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    assert_eq!(part.header("content-length"), "3");
    let entries = world.memory.entries().len();
    let rest = world.call("GET", &path, &token, &[("range", "bytes=5-")]).await;
    assert_eq!((rest.status, &rest.body[..]), (206, &b"56789"[..]));
    assert_eq!(world.memory.entries().len(), entries);
    let outside = world.call("GET", &path, &token, &[("range", "bytes=10-")]).await;
    assert_eq!((outside.status, outside.code()), (416, "MBX-4113".to_owned()));
    assert_eq!(outside.header("content-range"), "bytes */10");
}

#[tokio::test]
async fn level_two_sees_time_and_class_only_and_opens_nothing() {
    let world = World::new().await;
    let id = world.message().await;
    let two = |claims: &mut Value| claims["acr"] = json!("http://id.elegnamnden.se/loa/1.0/loa2");
    let listed = world.with_claims(two).await.json();
    let entry = &listed["messages"][0];
    assert_eq!(entry["needs"]["level"], 3);
    let names: BTreeSet<&String> = entry.as_object().unwrap().keys().collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["class", "needs", "received"]);
    let mut claims = world.claims();
    two(&mut claims);
    let path = format!("/v1/messages/{id}");
    let refused = world.call("GET", &path, &world.sign(&claims), &[]).await;
    assert_eq!((refused.status, refused.code()), (403, "MBX-4103".to_owned()));
    assert_eq!(refused.json()["needed_level"], 3);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert_eq!(world.last_event(), Event::HolderRefused);
}

#[tokio::test]
async fn changes_are_conditional_and_idempotent() {
    let world = World::new().await;
    let id = world.message().await;
    let call = async |method: &str, path: &str, headers: &[(&str, &str)]| {
        world.call(method, path, &world.sign(&world.claims()), headers).await
    };
    let path = format!("/v1/messages/{id}");
    let read = call("POST", &format!("{path}/read"), &[]).await;
    assert_eq!((read.status, read.json()["id"].as_str()), (200, Some(id.as_str())));
    let again = call("POST", &format!("{path}/read"), &[]).await;
    assert_eq!(again.json(), read.json());
    let stale = call("DELETE", &path, &[("if-match", "\"00\"")]).await;
    assert_eq!((stale.status, stale.code()), (412, "MBX-4111".to_owned()));
    let tag = read.header("etag").to_owned();
    let unchanged = call("GET", &path, &[("if-none-match", &tag)]).await;
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    let deleted = call("DELETE", &path, &[("if-match", &tag)]).await;
    assert!(deleted.json()["restorable_until"].is_string());
    assert_eq!(call("GET", &path, &[]).await.status, 404);
    let listed = call("GET", "/v1/messages?deleted=true", &[]).await;
    assert_eq!(listed.json()["messages"][0]["id"], id);
    assert_eq!(call("POST", &format!("{path}/restore"), &[]).await.status, 200);
    assert_eq!(call("GET", &path, &[]).await.status, 200);
    let ended = call("DELETE", "/v1/session", &[]).await;
    assert_eq!((ended.status, world.last_event()), (204, Event::HolderSessionEnded));
    let mailbox = call("GET", "/v1/mailbox", &[]).await.json();
    assert!(mailbox["allowed"].as_array().unwrap().contains(&json!("read high")));
}

#[tokio::test]
async fn every_bent_claim_is_refused_by_its_own_code_and_recorded() {
    type Bend = (&'static str, fn(&mut Value), &'static str);
    let bends: [Bend; 20] = [
        ("issuer", |c| c["iss"] = json!("https://other.example"), "MBX-4121"),
        ("audience", |c| c["aud"] = json!("https://other.example"), "MBX-4121"),
        ("no audience", |c| c["aud"] = Value::Null, "MBX-4121"),
        ("binding", |c| c["cnf"]["x5t#S256"] = json!(URL_SAFE_NO_PAD.encode([0; 32])), "MBX-4121"),
        ("short binding", |c| c["cnf"]["x5t#S256"] = json!(""), "MBX-4121"),
        ("no binding", |c| c["cnf"] = json!({}), "MBX-4121"),
        ("expired", |c| back(c, 66), "MBX-4122"),
        ("future", |c| back(c, -6), "MBX-4122"),
        ("long", |c| c["exp"] = json!(c["iat"].as_u64().unwrap() + 61), "MBX-4122"),
        ("backwards", |c| c["exp"] = json!(c["iat"].as_u64().unwrap() - 1), "MBX-4122"),
        ("not before", |c| c["nbf"] = json!(c["iat"].as_u64().unwrap() + 30), "MBX-4122"),
        ("empty jti", |c| c["jti"] = json!(""), "MBX-4121"),
        ("long jti", |c| c["jti"] = json!("x".repeat(129)), "MBX-4121"),
        ("unknown acr", |c| c["acr"] = json!("urn:loa3"), "MBX-4124"),
        ("acr above the ceiling", |c| c["acr"] = loa(4), "MBX-4124"),
        ("mistyped number", |c| c["sub"] = json!("191212121213"), "MBX-4121"),
        ("company's number", |c| c["sub"] = json!("162021004748"), "MBX-4121"),
        ("number as number", |c| c["sub"] = json!(191_212_121_212_u64), "MBX-4121"),
        ("mailbox", |c| c["mbx_on_behalf_of"] = json!("mbx_1"), "MBX-4121"),
        ("auth_time missing", |c| c["auth_time"] = Value::Null, "MBX-4121"),
    ];
    let world = World::new().await;
    assert_eq!(world.with_claims(|_| ()).await.status, 200);
    for (name, bend, code) in bends {
        // Of a portal's refusals of one cause, the first of a minute has an entry of its own.
        world.bench.clock.advance(60_000);
        let before = world.memory.entries().len();
        let got = world.with_claims(bend).await;
        assert_eq!((got.status, got.code().as_str()), (401, code), "{name}");
        assert!(got.header("www-authenticate").starts_with("Bearer"), "{name}");
        let entries = world.memory.entries();
        assert_eq!(entries.len(), before + 1, "{name}");
        assert_eq!(entries[before].event, Event::HolderRefused, "{name}");
        assert_eq!(entries[before].actor, Actor::Portal("my-pages".to_owned()), "{name}");
        assert!(!String::from_utf8_lossy(&got.body).contains(ANNA), "{name}");
    }
}

fn loa(level: u8) -> Value {
    json!(format!("http://id.elegnamnden.se/loa/1.0/loa{level}"))
}

/// Moves an assertion into the past.
fn back(claims: &mut Value, secs: i64) {
    for name in ["iat", "exp"] {
        claims[name] = json!(claims[name].as_i64().unwrap() - secs);
    }
}

#[tokio::test]
async fn an_assertion_is_good_once_across_a_restart() {
    let world = World::new().await;
    let token = world.sign(&world.claims());
    assert_eq!(world.call("GET", "/v1/messages", &token, &[]).await.status, 200);
    for _ in 0..2 {
        let again = world.call("GET", "/v1/messages", &token, &[]).await;
        assert_eq!((again.status, again.code()), (401, "MBX-4123".to_owned()));
        assert_eq!(world.last_event(), Event::HolderRefused);
    }
    let surroundings = Surroundings {
        store: world.bench.store.clone(),
        keys: world.bench.keys.clone(),
        jobs: Jobs::new(world.bench.store.clone(), world.bench.clock.clone()),
        clock: world.bench.clock.clone(),
    };
    let restarted = Service {
        mailboxes: Mailboxes::new(surroundings, Options::default()),
        portals: InForce::new(Portals::load(&config(&world.folder)).unwrap()),
        clock: world.bench.clock.clone(),
        turns: Arc::new(Semaphore::new(2)),
    };
    let world = World { service: restarted, ..world };
    let again = world.call("GET", "/v1/messages", &token, &[]).await;
    assert_eq!(again.code(), "MBX-4123");
}

#[tokio::test]
async fn signatures_of_another_key_or_algorithm_are_refused() {
    let world = World::new().await;
    let other = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let key = EncodingKey::from_ec_der(&other.serialize_der());
    let forged = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &world.claims(), &key);
    let public = std::fs::read(world.folder.path().join("keys.pem")).unwrap();
    let secret = EncodingKey::from_secret(&public);
    let confused = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &world.claims(), &secret);
    let genuine = world.sign(&world.claims());
    let parts: Vec<&str> = genuine.split('.').collect();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let unsigned = format!("{none}.{}.", parts[1]);
    let claims = URL_SAFE_NO_PAD.encode(world.claims().to_string());
    let altered = format!("{}.{claims}.{}", parts[0], parts[2]);
    let tokens = [
        forged.unwrap(),
        confused.unwrap(),
        unsigned,
        altered,
        "a.b.c".to_owned(),
        format!("{genuine}{}", "A".repeat(9000)),
    ];
    for token in tokens {
        let got = world.call("GET", "/v1/messages", &token, &[]).await;
        assert_eq!((got.status, got.code()), (401, "MBX-4121".to_owned()));
    }
}

#[tokio::test]
async fn a_critical_extension_that_is_not_known_is_refused() {
    let world = World::new().await;
    let mut header = Header::new(Algorithm::ES256);
    header.crit = Some(vec!["b64".to_owned()]);
    let token = jsonwebtoken::encode(&header, &world.claims(), &world.key).unwrap();
    assert_eq!(world.call("GET", "/v1/messages", &token, &[]).await.code(), "MBX-4121");
}

#[tokio::test]
async fn ed25519_keys_serve_too() {
    let world = World::with_key(&PKCS_ED25519, Algorithm::EdDSA).await;
    assert_eq!(world.get("/v1/messages").await.status, 200);
}

#[tokio::test]
async fn keys_are_read_again_when_an_unknown_one_signs() {
    let mut world = World::new().await;
    let next = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let file = world.folder.path().join("keys.pem");
    world.key = EncodingKey::from_ec_der(&next.serialize_der());
    assert_eq!(world.get("/v1/messages").await.code(), "MBX-4121");
    std::fs::write(&file, next.public_key_pem()).unwrap();
    assert_eq!(world.get("/v1/messages").await.code(), "MBX-4121");
    world.bench.clock.advance(10_000);
    assert_eq!(world.get("/v1/messages").await.status, 200);
    std::fs::write(&file, "no keys").unwrap();
    assert_eq!(world.get("/v1/messages").await.status, 200);
}

#[tokio::test]
async fn a_jwks_names_keys_by_id() {
    let world = World::new().await;
    let point = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let raw = point.public_key_raw();
    let set = json!({ "keys": [{
        "kty": "EC", "crv": "P-256", "kid": "next", "use": "sig",
        "x": URL_SAFE_NO_PAD.encode(&raw[1..33]), "y": URL_SAFE_NO_PAD.encode(&raw[33..]),
    }]});
    std::fs::write(world.folder.path().join("keys.pem"), set.to_string()).unwrap();
    let portals = Portals::load(&config(&world.folder)).unwrap();
    world.service.portals.replace(portals);
    let world = World { key: EncodingKey::from_ec_der(&point.serialize_der()), ..world };
    let mut header = Header::new(Algorithm::ES256);
    for (kid, status) in [("next", 200), ("other", 401)] {
        header.kid = Some(kid.to_owned());
        let token = jsonwebtoken::encode(&header, &world.claims(), &world.key).unwrap();
        assert_eq!(world.call("GET", "/v1/messages", &token, &[]).await.status, status, "{kid}");
    }
}

#[tokio::test]
async fn a_reload_puts_other_portals_in_force() {
    let world = World::new().await;
    let mut other = config(&world.folder);
    other.client[0].loa_max = Loa::Two;
    world.service.portals.replace(Portals::load(&other).unwrap());
    assert_eq!(world.get("/v1/messages").await.code(), "MBX-4124");
}

#[tokio::test]
async fn a_certificate_of_no_portal_is_refused_before_anything_is_read() {
    let world = World::new().await;
    let token = world.sign(&world.claims());
    let request = Request::builder()
        .uri("/v1/messages")
        .header("authorization", format!("Bearer {token}"))
        .body(Empty::<Bytes>::new())
        .unwrap();
    let got = world.ask(Fingerprint([1; 32]), request).await;
    assert_eq!((got.status, got.code()), (403, "MBX-4125".to_owned()));
    assert_eq!(world.last_event(), Event::HolderRefused);
}

#[tokio::test]
async fn what_is_not_asked_properly_is_refused() {
    let world = World::new().await;
    let code = async |method: &str, path: &str| {
        let token = world.sign(&world.claims());
        let got = world.call(method, path, &token, &[]).await;
        (got.status, got.code())
    };
    assert_eq!(code("GET", "/v1/nothing").await, (404, "MBX-1003".to_owned()));
    assert_eq!(code("PUT", "/v1/messages").await, (405, "MBX-1021".to_owned()));
    assert_eq!(code("GET", "/v1/messages/1").await, (404, "MBX-4110".to_owned()));
    assert_eq!(code("GET", "/v1/messages?limit=x").await, (400, "MBX-1001".to_owned()));
    assert_eq!(code("GET", "/v1/messages?after=zz").await, (400, "MBX-1001".to_owned()));
    assert_eq!(code("GET", "/v1/messages?user=1").await, (400, "MBX-1001".to_owned()));
    let nobody = "/v1/messages/msg_09090909090909090909090909090909/parts/0";
    assert_eq!(code("GET", nobody).await, (404, "MBX-4110".to_owned()));
    let bare = Request::builder().uri("/v1/messages").body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(world.ask(CERTIFICATE, bare).await.code(), "MBX-4120");
    let token = world.sign(&world.claims());
    let twice = Request::builder()
        .uri("/v1/messages")
        .header("authorization", format!("Bearer {token}"))
        .header("authorization", format!("Bearer {token}"))
        .body(Empty::<Bytes>::new())
        .unwrap();
    assert_eq!(world.ask(CERTIFICATE, twice).await.code(), "MBX-4120");
    let bodied = Request::builder()
        .method("POST")
        .uri("/v1/messages/msg_09090909090909090909090909090909/read")
        .body(Full::new(Bytes::from_static(b"{}")))
        .unwrap();
    assert_eq!(world.ask(CERTIFICATE, bodied).await.status, 400);
}

#[tokio::test]
async fn with_the_hsm_away_the_portal_is_told_when_to_come_back() {
    let world = World::new().await;
    let id = world.message().await;
    let away =
        crate::hsm::CustodyError::Unavailable { retry_after: std::time::Duration::from_secs(9) };
    world.bench.custody.refuse(Some(away));
    let mut claims = world.claims();
    claims["auth_time"] = json!(claims["auth_time"].as_u64().unwrap() - 1);
    let path = format!("/v1/messages/{id}");
    let got = world.call("GET", &path, &world.sign(&claims), &[]).await;
    assert_eq!((got.status, got.header("retry-after")), (503, "9"));
    assert_eq!(got.json()["retry_after_s"], 9);
}

#[tokio::test]
async fn profile_digg_2024_lets_level_two_nowhere() {
    let world = World::new().await;
    let rules = Rules { profile: mbx_common::assurance::RuleProfile::Digg2024, ..Rules::default() };
    world.service.mailboxes.set_options(Options { rules, ..Options::default() });
    let got = world.with_claims(|claims| claims["acr"] = loa(2)).await;
    assert_eq!((got.status, got.code()), (403, "MBX-4103".to_owned()));
}

#[tokio::test]
async fn a_condition_that_cannot_be_read_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let path = format!("/v1/messages/{}", world.message().await);
    let tag = world.get(&path).await.header("etag").to_owned();
    let bare = tag.trim_matches('"');
    let list = format!("{tag}, {tag}");
    let bad: [&[&str]; 8] =
        [&["å"], &[""], &[bare], &["\""], &["\"00"], &[&list], &[&tag, &tag], &["*", "*"]];
    for values in bad {
        let headers: Vec<_> = values.iter().map(|value| ("if-match", *value)).collect();
        for (method, path) in [
            ("DELETE", path.clone()),
            ("POST", format!("{path}/read")),
            ("POST", format!("{path}/restore")),
        ] {
            let token = world.sign(&world.claims());
            let got = world.call(method, &path, &token, &headers).await;
            assert_eq!(got.status, 400, "{method} {path} {values:?}");
        }
    }
    assert_eq!(world.get(&path).await.header("etag"), tag);
    for good in ["*", &tag, &format!("W/{tag}")] {
        let token = world.sign(&world.claims());
        let read = world.call("DELETE", &path, &token, &[("if-match", good)]).await;
        assert_eq!(read.status, 200, "{good}");
        let token = world.sign(&world.claims());
        world.call("POST", &format!("{path}/restore"), &token, &[]).await;
    }
}

#[tokio::test]
async fn a_damaged_message_is_listed_as_such_and_no_less() {
    let world = World::new().await;
    let page = world.bench.store.scan(Table::Message, KeyRange::all(), 10).await.unwrap();
    let mut changes = Changes::new();
    changes.put(Table::Message, page.rows[0].0.clone(), Bytes::from_static(b"\xff"));
    world.bench.commit(changes).await;
    let listed = world.get("/v1/messages").await;
    assert_eq!(listed.status, 200);
    assert_eq!(listed.json()["messages"], json!([{ "damaged": true }]));
    let document = world.call("GET", "/v1/openapi.json", "", &[]).await.json();
    let schema = &document["components"]["schemas"]["Damaged"];
    assert_eq!(schema["required"], json!(["damaged"]));
    assert_eq!(schema["properties"]["damaged"]["const"], true);
}

#[tokio::test]
async fn the_description_tells_of_every_route_and_no_other() {
    let world = World::new().await;
    let described = world.call("GET", "/v1/openapi.json", "", &[]).await;
    assert_eq!(described.status, 200);
    let document = described.json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut routes = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            assert!(operation["operationId"].is_string(), "{method} {path}");
            routes.insert((method.to_uppercase(), path.clone()));
        }
    }
    let served: BTreeSet<_> =
        ROUTES.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(routes, served);
}

/// Every field of an answer stands in its schema, and every required field in the answer.
#[tokio::test]
async fn answers_have_the_fields_that_the_description_tells() {
    let world = World::new().await;
    let document = world.call("GET", "/v1/openapi.json", "", &[]).await.json();
    let id = world.message().await;
    let two = world.with_claims(|claims| claims["acr"] = loa(2)).await.json();
    let marked = world
        .call("POST", &format!("/v1/messages/{id}/read"), &world.sign(&world.claims()), &[])
        .await;
    let problem = world.call("GET", "/v1/messages", "", &[]).await;
    let opened = world.get(&format!("/v1/messages/{id}")).await.json();
    let answers = [
        ("Mailbox", world.get("/v1/mailbox").await.json()),
        ("MessagePage", world.get("/v1/messages").await.json()),
        ("Part", opened["parts"][1].clone()),
        ("Message", opened),
        ("OutOfReach", two["messages"][0].clone()),
        ("Change", marked.json()),
        ("Problem", problem.json()),
    ];
    for (name, answer) in answers {
        let schema = &document["components"]["schemas"][name];
        let told = schema["properties"].as_object().unwrap();
        let fields = answer.as_object().unwrap();
        assert!(fields.keys().all(|field| told.contains_key(field)), "{name}: {answer}");
        for field in schema["required"].as_array().unwrap() {
            assert!(fields.contains_key(field.as_str().unwrap()), "{name} lacks {field}");
        }
    }
}

#[test]
fn a_section_that_cannot_serve_is_refused_by_its_cause() {
    let folder = tempfile::tempdir().unwrap();
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    std::fs::write(folder.path().join("keys.pem"), pair.public_key_pem()).unwrap();
    let refused = |change: fn(&mut Config)| {
        let mut config = config(&folder);
        change(&mut config);
        Portals::load(&config).unwrap_err()
    };
    assert!(Portals::load(&config(&folder)).is_ok());
    assert!(matches!(refused(|c| c.audience = None), PortalsError::Audience));
    let life = refused(|c| c.assertion_life_max = crate::config::value::Span::secs(301));
    assert!(matches!(life, PortalsError::AssertionLife));
    let skew = refused(|c| c.clock_skew_max = crate::config::value::Span::secs(61));
    assert!(matches!(skew, PortalsError::ClockSkew));
    assert!(matches!(refused(|c| c.client[0].name = "A".to_owned()), PortalsError::Name));
    let bare = refused(|c| c.client[0].certificates.clear());
    assert!(matches!(bare, PortalsError::Incomplete { .. }));
    let doubled = refused(|c| c.client.push(c.client[0].clone()));
    assert!(matches!(doubled, PortalsError::Doubled { .. }));
    let missing = refused(|c| c.client[0].keys = "/nowhere/keys".into());
    assert!(matches!(missing, PortalsError::KeyFile { .. }));
    std::fs::write(folder.path().join("keys.pem"), "{\"keys\":[]}").unwrap();
    assert!(matches!(refused(|_| ()), PortalsError::Keys { .. }));
}

#[tokio::test]
async fn a_turn_is_held_until_the_last_byte_was_taken_or_the_answer_given_up() {
    let world = World::new().await;
    let path = format!("/v1/messages/{}/parts/0", world.message().await);
    let ask = async || {
        let token = world.sign(&world.claims());
        let request =
            Request::builder().uri(&path).header("authorization", format!("Bearer {token}"));
        let client = Client { address: IpAddr::V4(Ipv4Addr::LOCALHOST), certificate: CERTIFICATE };
        world.service.answer(client, request.body(Empty::<Bytes>::new()).unwrap()).await
    };
    let (first, second) = (ask().await, ask().await);
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 200));
    let third = world.get(&path).await;
    assert_eq!((third.status, third.header("retry-after")), (503, "1"));
    drop(first);
    assert_eq!(world.get(&path).await.status, 200);
    assert_eq!(second.into_body().collect().await.unwrap().to_bytes(), BODY);
    let (third, fourth) = (ask().await, ask().await);
    assert_eq!((third.status().as_u16(), fourth.status().as_u16()), (200, 200));
}
