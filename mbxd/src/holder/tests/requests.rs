//! What may be asked, and the document that describes it.

use super::world::{CERTIFICATE, World, loa};
use crate::holder::route::ROUTES;
use bytes::Bytes;
use http_body_util::{Empty, Full};
use hyper::Request;
use std::collections::BTreeSet;

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
