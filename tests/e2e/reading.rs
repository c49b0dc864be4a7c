//! What the portal shows, as the tests look at it.

use mbx_sim::client::Answer;
use mbx_sim::portal::Portal;
use serde_json::Value;

/// One call of a person at a level of assurance, with an assertion of its own.
pub(crate) async fn call(portal: &Portal, method: &str, path: &str, who: (&str, u8)) -> Answer {
    portal.call(method, path, &portal.claims(who.0, who.1)).await.expect("an answer")
}

/// The list of messages; the call must succeed.
pub(crate) async fn list(portal: &Portal, who: (&str, u8)) -> Vec<Value> {
    let answer = call(portal, "GET", "/v1/messages", who).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let page: Value = serde_json::from_slice(&answer.body).expect("JSON");
    page["messages"].as_array().expect("messages").clone()
}

/// The octets of a part; the call must succeed.
pub(crate) async fn part(portal: &Portal, message: &str, number: u8, who: (&str, u8)) -> Vec<u8> {
    let path = format!("/v1/messages/{message}/parts/{number}");
    let answer = call(portal, "GET", &path, who).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.body.to_vec()
}

/// The id of a listed message.
pub(crate) fn id(message: &Value) -> &str {
    message["id"].as_str().expect("an id")
}
