//! Portals: their section, their keys, their certificates.

use super::world::{World, config};
use crate::config::{Fingerprint, Portal as Config};
use crate::holder::portals::{Portals, PortalsError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mbx_common::assurance::Loa;
use mbx_common::audit::Event;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::json;

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
async fn a_clock_that_was_set_back_keeps_no_new_key_out() {
    let mut world = World::new().await;
    let right = world.bench.clock.now();
    let next = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    world.key = EncodingKey::from_ec_der(&next.serialize_der());
    world.bench.clock.advance(365 * 24 * 3_600_000);
    assert_eq!(world.get("/v1/messages").await.code(), "MBX-4121");
    world.bench.clock.set(right);
    std::fs::write(world.folder.path().join("keys.pem"), next.public_key_pem()).unwrap();
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
