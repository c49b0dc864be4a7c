//! Lists, messages, parts, ranges and levels.

use super::world::{BODY, CERTIFICATE, World, loa};
use crate::access::Rules;
use crate::holder::http::Client;
use crate::mailbox::Options;
use crate::store::{Changes, KeyRange, Table};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use mbx_common::audit::Event;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

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
