//! Smuggling: bytes that two readers of HTTP part differently.

use super::connection::{bare, exchange, post, typed};
use super::documents::sealed;
use super::site::{Site, attack_refused};
use mbx_sim::marshal::{Style, envelope};

/// Makes a request of a sound document.
type Bend = fn(&str) -> Vec<u8>;

/// Forms by which a request is read in one way here and in another by whoever stands before the
/// door, and others that RFC 9112 has refused.
const FORMS: &[(&str, &str, Bend)] = &[
    ("a length in hexadecimal", "HTTP/1.1 400", |text| post("content-length: 0x5\r\n", text)),
    ("a length with a space in it", "HTTP/1.1 400", |text| post("content-length: 1 0\r\n", text)),
    ("an empty length", "HTTP/1.1 400", |text| post("content-length:\r\n", text)),
    ("a length in a list", "HTTP/1.1 400", |text| post("content-length: 5,5\r\n", text)),
    ("two lengths of which one is empty", "HTTP/1.1 400", |text| {
        post("content-length: 5\r\ncontent-length:\r\n", text)
    }),
    ("a coding that is almost chunks", "HTTP/1.1 400", |text| {
        post("transfer-encoding: xchunked\r\n", text)
    }),
    ("chunks after a vertical tab", "HTTP/1.1 400", |text| {
        post("transfer-encoding: \x0bchunked\r\n", text)
    }),
    ("chunks with a parameter", "HTTP/1.1 400", |text| {
        post("transfer-encoding: chunked;q=1\r\n", text)
    }),
    ("chunks in quotes", "HTTP/1.1 400", |text| post("transfer-encoding: \"chunked\"\r\n", text)),
    ("an empty coding", "HTTP/1.1 400", |text| post("transfer-encoding:\r\n", text)),
    ("two fields of codings", "HTTP/1.1 400", |text| {
        post("transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n", text)
    }),
    ("chunks folded over lines", "HTTP/1.1 400", |text| {
        post("transfer-encoding:\r\n chunked\r\n", text)
    }),
    ("chunks before a space before the colon", "HTTP/1.1 400", |text| {
        post("transfer-encoding : chunked\r\n", text)
    }),
    ("chunks in http 1 0", "HTTP/1.1 400", |text| {
        let post = String::from_utf8(post("transfer-encoding: chunked\r\n", text)).unwrap();
        post.replacen("HTTP/1.1", "HTTP/1.0", 1).into_bytes()
    }),
    ("a chunk whose length has a sign", "HTTP/1.1 400", |_| {
        post("transfer-encoding: chunked\r\n", "+3\r\nabc\r\n0\r\n\r\n")
    }),
    ("a chunk whose length is marked as hexadecimal", "HTTP/1.1 400", |_| {
        post("transfer-encoding: chunked\r\n", "0x3\r\nabc\r\n0\r\n\r\n")
    }),
    ("a chunk whose length is empty", "HTTP/1.1 400", |_| {
        post("transfer-encoding: chunked\r\n", "\r\nabc\r\n0\r\n\r\n")
    }),
    ("a chunk line that ends in a bare line feed", "HTTP/1.1 400", |_| {
        post("transfer-encoding: chunked\r\n", "3\nabc\r\n0\r\n\r\n")
    }),
    ("a chunk that ends in a bare line feed", "HTTP/1.1 400", |_| {
        post("transfer-encoding: chunked\r\n", "3\r\nabc\n0\r\n\r\n")
    }),
    ("a line feed in a chunk extension", "HTTP/1.1 400", |_| {
        post("transfer-encoding: chunked\r\n", "3;a\nb\r\nabc\r\n0\r\n\r\n")
    }),
    ("a carriage return in a header", "HTTP/1.1 400", |_| {
        post("x: a\rcontent-length: 5\r\ncontent-length: 0\r\n", "")
    }),
    ("a null character in the name of a header", "HTTP/1.1 400", |_| {
        post("x\0y: a\r\ncontent-length: 0\r\n", "")
    }),
    ("a header without a colon", "HTTP/1.1 400", |_| post("xyz\r\ncontent-length: 0\r\n", "")),
    ("a header without a name", "HTTP/1.1 400", |_| post(": a\r\ncontent-length: 0\r\n", "")),
    ("a space before the first header", "HTTP/1.1 400", |_| {
        b"POST /service/v3 HTTP/1.1\r\n host: a\r\ncontent-length: 0\r\n\r\n".to_vec()
    }),
    ("no host", "HTTP/1.1 400", |text| {
        let bytes = String::from_utf8(typed("text/xml", text)).unwrap();
        bytes.replacen("host: localhost\r\n", "", 1).into_bytes()
    }),
    ("two hosts", "HTTP/1.1 400", |text| {
        let bytes = String::from_utf8(typed("text/xml", text)).unwrap();
        bytes.replacen("host: localhost\r\n", "host: localhost\r\nhost: b\r\n", 1).into_bytes()
    }),
    ("the target of a proxy with another path", "HTTP/1.1 404", |_| {
        bare("POST https://localhost/service/v2")
    }),
    ("the target of a tunnel", "HTTP/1.1 404", |_| bare("CONNECT localhost:443")),
    ("the target of all", "HTTP/1.1 404", |_| bare("OPTIONS *")),
    ("a target with a space", "HTTP/1.1 400", |_| bare("GET /service/v3 /x")),
    ("a version that nobody knows", "HTTP/1.1 400", |_| {
        b"GET /service/v3 HTTP/3.0\r\nhost: a\r\n\r\n".to_vec()
    }),
];

#[test]
fn no_form_of_a_request_is_read_in_two_ways() {
    attack_refused("forms", 0, async |site: &Site| {
        let document = envelope(&sealed(site), Style::Default);
        for (name, status, bend) in FORMS {
            let answer = exchange(site, &bend(&document)).await;
            assert!(answer.starts_with(status), "{name}: {answer}");
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{name}: {answer}");
        }
    });
}
