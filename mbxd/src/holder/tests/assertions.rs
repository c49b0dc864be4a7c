//! Assertions: claims, signatures, use but once.

use super::world::{ANNA, World, config, loa};
use crate::holder::http::Service;
use crate::holder::portals::{InForce, Portals};
use crate::jobs::Jobs;
use crate::mailbox::{Mailboxes, Options, Surroundings};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mbx_common::audit::{Actor, Event};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Semaphore;

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
