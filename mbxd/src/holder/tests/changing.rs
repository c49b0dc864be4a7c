//! Marking, deleting, restoring, and their conditions.

use super::world::World;
use mbx_common::audit::Event;
use serde_json::json;

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
