//! HTTP and TLS written by hand: wrong methods, lies about lengths, slow and silent clients.

use super::documents::sealed;
use super::site::{PATIENCE, Site, assert_quick, attack_on, attack_refused};
use mbx_sim::marshal::{Style, envelope};
use mbx_sim::soap::Reply;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// What came back before the daemon closed the connection.
pub(super) async fn exchange(site: &Site, bytes: &[u8]) -> String {
    let mut stream = site.peer(Some(&site.client().own)).stream().await.unwrap();
    // A daemon that has seen enough may close before everything is written.
    stream.write_all(bytes).await.ok();
    stream.flush().await.ok();
    rest(&mut stream).await
}

/// Everything up to the end of the connection, which must come.
async fn rest(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer));
    // An end without a TLS goodbye is an end too.
    drop(read.await.expect("the daemon closes the connection"));
    String::from_utf8_lossy(&answer).into_owned()
}

pub(super) fn post(headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /service/v3 HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/xml\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

/// Sends bytes; the answer begins with this status line, or there is none where it is empty. At
/// once, unless the daemon has to wait for more; and nothing is written for it.
fn answered(name: &str, status: &str, bytes: impl FnOnce(&str) -> Vec<u8>) {
    attack_refused(name, 0, async |site: &Site| {
        let document = envelope(&sealed(site), Style::Default);
        let bytes = bytes(&document);
        let timed = async || {
            let began = Instant::now();
            (exchange(site, &bytes).await, began.elapsed())
        };
        let (answer, took) = timed().await;
        if !["", "HTTP/1.1 408"].contains(&status) {
            assert_quick(name, took, async || timed().await.1).await;
        }
        let line = answer.lines().next().unwrap_or_default();
        assert!(
            line.starts_with(status) && line.is_empty() == status.is_empty(),
            "{name}: {answer}"
        );
    });
}

macro_rules! answered {
    ($($name:ident: $status:literal, $bytes:expr;)*) => {$(
        #[test]
        fn $name() {
            answered(stringify!($name), $status, $bytes);
        }
    )*};
}

/// A request line with headers that end the connection after it.
pub(super) fn bare(line: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").into_bytes()
}

pub(super) fn typed(media_type: &str, document: &str) -> Vec<u8> {
    format!(
        "POST /service/v3 HTTP/1.1\r\nhost: localhost\r\ncontent-type: {media_type}\r\n\
         content-length: {}\r\n\r\n{document}",
        document.len()
    )
    .into_bytes()
}

answered! {
    a_get_of_the_service: "HTTP/1.1 404", |_| bare("GET /service/v3");
    a_get_of_a_file: "HTTP/1.1 404", |_| bare("GET /../../etc/passwd");
    a_put: "HTTP/1.1 405", |_| bare("PUT /service/v3");
    a_delete: "HTTP/1.1 405", |_| bare("DELETE /service/v3");
    a_trace: "HTTP/1.1 405", |_| bare("TRACE /service/v3");
    a_method_that_nobody_knows: "HTTP/1.1 405", |_| bare("BREW /service/v3");
    an_upgrade_to_http_2: "HTTP/1.1 404", |_| {
        let upgrade = "connection: upgrade, close\r\nupgrade: h2c\r\n\r\n";
        format!("GET /service/v3 HTTP/1.1\r\nhost: localhost\r\n{upgrade}").into_bytes()
    };
    a_connect_to_elsewhere: "HTTP/1.1 404", |_| bare("CONNECT 127.0.0.1:22");
    another_path: "HTTP/1.1 404", |text| {
        let text = typed("text/xml", text);
        String::from_utf8(text).unwrap().replacen("/service/v3", "/service/v3/..", 1).into_bytes()
    };
    the_type_of_soap_1_2: "HTTP/1.1 415", |text| typed("application/soap+xml", text);
    a_type_with_attachments: "HTTP/1.1 415", |text| typed("multipart/related; type=\"text/xml\"", text);
    another_character_set: "HTTP/1.1 415", |text| typed("text/xml; charset=utf-16", text);
    a_compressed_body: "HTTP/1.1 415", |text| {
        typed("text/xml\r\ncontent-encoding: gzip", text)
    };
    a_body_that_says_it_is_not_compressed: "HTTP/1.1 415", |text| {
        typed("text/xml\r\ncontent-encoding: identity", text)
    };
    no_type: "HTTP/1.1 415", |text| {
        let bytes = String::from_utf8(typed("text/xml", text)).unwrap();
        bytes.replacen("content-type: text/xml\r\n", "", 1).into_bytes()
    };
    two_lengths: "HTTP/1.1 400", |text| {
        post("content-length: 5\r\ncontent-length: 6\r\n", text)
    };
    a_length_with_a_sign: "HTTP/1.1 400", |text| post("content-length: +5\r\n", text);
    a_length_beyond_all_numbers: "HTTP/1.1 400", |text| {
        post("content-length: 99999999999999999999999\r\n", text)
    };
    two_lengths_in_one_field: "HTTP/1.1 400", |text| post("content-length: 5, 6\r\n", text);
    a_space_before_the_colon: "HTTP/1.1 400", |text| post("content-length : 5\r\n", text);
    chunks_that_are_not_the_last_coding: "HTTP/1.1 400", |text| {
        post("transfer-encoding: chunked, identity\r\n", text)
    };
    a_length_that_is_no_number: "HTTP/1.1 400", |text| post("content-length: -1\r\n", text);
    a_chunk_whose_length_is_no_number: "HTTP/1.1 400", |text| {
        post("transfer-encoding: chunked\r\n", &format!("zz\r\n{text}\r\n0\r\n\r\n"))
    };
    a_chunk_shorter_than_it_says: "HTTP/1.1 400", |_| {
        post("transfer-encoding: chunked\r\n", "3\r\nabcdef\r\n0\r\n\r\n")
    };
    a_chunk_whose_length_overflows: "HTTP/1.1 400", |_| {
        post("transfer-encoding: chunked\r\n", "ffffffffffffffffff\r\nabc")
    };
    a_chunk_with_endless_extensions: "HTTP/1.1 400", |_| {
        post("transfer-encoding: chunked\r\n", &format!("3;{}\r\nabc\r\n0\r\n\r\n", "x".repeat(99_999)))
    };
    trailers_without_end: "HTTP/1.1 400", |_| {
        let trailers = "a: b\r\n".repeat(10_000);
        post("transfer-encoding: chunked\r\n", &format!("3\r\nabc\r\n0\r\n{trailers}"))
    };
    chunks_that_never_end: "HTTP/1.1 408", |_| {
        post("transfer-encoding: chunked\r\n", "3\r\nabc\r\n")
    };
    another_coding_of_the_body: "HTTP/1.1 400", |text| post("transfer-encoding: gzip\r\n", text);
    a_length_longer_than_the_body: "HTTP/1.1 408", |text| {
        post(&format!("content-length: {}\r\n", text.len() + 1), text)
    };
    a_hundred_headers: "HTTP/1.1 431", |_| {
        post(&format!("{}content-length: 0\r\n", "x: y\r\n".repeat(100)), "")
    };
    a_header_of_20_kilobytes: "HTTP/1.1 431", |_| {
        post(&format!("x: {}\r\ncontent-length: 0\r\n", "y".repeat(20_000)), "")
    };
    a_path_of_20_kilobytes: "HTTP/1.1 4", |_| bare(&format!("GET /{}", "a".repeat(20_000)));
    a_null_character_in_a_header: "HTTP/1.1 400", |_| post("x: a\0b\r\ncontent-length: 0\r\n", "");
    a_header_folded_over_lines: "HTTP/1.1 400", |_| {
        post("x: a\r\n b\r\ncontent-length: 0\r\n", "")
    };
    http_0_9: "HTTP/1.1 400", |_| b"GET /service/v3\r\n\r\n".to_vec();
    the_beginning_of_http_2: "", |_| b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    junk_instead_of_http: "HTTP/1.1 400", |_| b"\x16\x03\x01\x02\x00junk\r\n\r\n".to_vec();
    a_header_that_never_ends: "", |_| b"POST /service/v3 HTTP/1.1\r\nhost: loc".to_vec();
    a_client_that_says_nothing: "", |_| Vec::new();
}

#[test]
fn a_body_one_byte_longer_than_is_taken_in_chunks() {
    let name = "too long in chunks";
    attack_refused(name, 1, async |site: &Site| {
        let chunk = format!("8000\r\n{}\r\n", " ".repeat(0x8000)).repeat(32);
        let body = format!("{chunk}1\r\n \r\n0\r\n\r\n");
        let answer = exchange(site, &post("transfer-encoding: chunked\r\n", &body)).await;
        assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
        assert!(answer.contains("ErrorCode>5005<"), "{answer}");
    });
}

/// The chunks count and the connection ends, so that nobody reads a second request out of it.
#[test]
fn a_length_and_chunks_at_once() {
    attack_refused("a length and chunks", 1, async |site: &Site| {
        let smuggled = String::from_utf8(post("content-length: 4\r\n", "<a/>")).unwrap();
        let headers = "content-length: 5\r\ntransfer-encoding: chunked\r\n";
        let answer = exchange(site, &post(headers, &format!("0\r\n\r\n{smuggled}"))).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
        assert!(answer.contains("ErrorCode>5001<"), "{answer}");
    });
}

#[test]
fn a_length_of_a_terabyte_is_refused_before_the_body_comes() {
    attack_refused("a terabyte", 1, async |site: &Site| {
        let mut stream = site.peer(Some(&site.client().own)).stream().await.unwrap();
        let headers = "expect: 100-continue\r\ncontent-length: 1099511627776\r\n";
        stream.write_all(&post(headers, "")).await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
        assert!(answer.contains("ErrorCode>5005<"), "{answer}");
    });
}

#[test]
fn a_body_that_drips() {
    attack_refused("a body that drips", 0, async |site: &Site| {
        let stream = site.peer(Some(&site.client().own)).stream().await.unwrap();
        let (mut read, mut write) = tokio::io::split(stream);
        write.write_all(&post("content-length: 100000\r\n", "<a>")).await.unwrap();
        let start = Instant::now();
        let dripping = async {
            while write.write_all(b" ").await.is_ok() && write.flush().await.is_ok() {
                assert!(start.elapsed() < PATIENCE, "it goes on for ever");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let answer = tokio::select! {
            answer = rest(&mut read) => answer,
            () = dripping => String::from("the daemon closed"),
        };
        let closed = answer == "the daemon closed";
        assert!(closed || answer.starts_with("HTTP/1.1 408"), "{answer}");
    });
}

#[test]
fn a_header_that_drips() {
    attack_refused("a header that drips", 0, async |site: &Site| {
        let stream = site.peer(Some(&site.client().own)).stream().await.unwrap();
        let (mut read, mut write) = tokio::io::split(stream);
        let start = Instant::now();
        let dripping = async {
            write.write_all(b"POST /service/v3 HTTP/1.1\r\n").await.ok();
            while write.write_all(b"x: y\r\n").await.is_ok() && write.flush().await.is_ok() {
                assert!(start.elapsed() < PATIENCE, "it goes on for ever");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::select! {
            _ = rest(&mut read) => {}
            () = dripping => {}
        }
    });
}

/// The body of a request that needs none is no second request, whatever it looks like.
#[test]
fn a_request_in_the_body_of_a_get() {
    attack_refused("a request in a body", 0, async |site: &Site| {
        let smuggled = String::from_utf8(post("content-length: 4\r\n", "<a/>")).unwrap();
        for line in ["GET /service/v3?wsdl", "GET /elsewhere", "PUT /service/v3"] {
            let len = smuggled.len();
            let bytes = format!(
                "{line} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len}\r\n\r\n{smuggled}"
            ) + &String::from_utf8(bare("GET /last")).unwrap();
            let answer = exchange(site, bytes.as_bytes()).await;
            let answers = answer.matches("HTTP/1.1 ").count();
            let closed = answer.to_lowercase().contains("connection: close");
            assert!(answers == 2 || (answers == 1 && closed), "{line}: {answer}");
            assert!(!answer.contains("ErrorCode"), "{line}: {answer}");
        }
    });
}

/// The target of a proxy names the same service (RFC 9112, 3.2.2).
#[test]
fn the_target_of_a_proxy() {
    attack_refused("an absolute target", 1, async |site: &Site| {
        let post = post("connection: close\r\ncontent-length: 4\r\n", "<a/>");
        let post = String::from_utf8(post).unwrap();
        let post = post.replacen("/service/v3", "https://localhost/service/v3", 1);
        let answer = exchange(site, post.as_bytes()).await;
        assert!(answer.contains("ErrorCode>5001<"), "{answer}");
    });
}

/// Who says that nothing more will come may still read the answer (RFC 9112, 9.6).
#[test]
fn a_client_that_half_closes_after_its_request_is_answered() {
    attack_refused("half-closed", 1, async |site: &Site| {
        let mut stream = site.peer(Some(&site.client().own)).stream().await.unwrap();
        let request = post("connection: close\r\ncontent-length: 4\r\n", "<a/>");
        stream.write_all(&request).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(answer.contains("ErrorCode>5001<"), "{answer}");
    });
}

/// A sender that expects leave for a body and sends it without is still told once what it is.
#[test]
fn leave_to_continue_is_given_once() {
    attack_refused("expect", 1, async |site: &Site| {
        let headers = "expect: 100-continue\r\nconnection: close\r\ncontent-length: 4\r\n";
        let answer = exchange(site, &post(headers, "<a/>")).await;
        assert!(answer.matches("HTTP/1.1 100").count() <= 1, "{answer}");
        assert_eq!(answer.matches("ErrorCode>5001<").count(), 1, "{answer}");
    });
}

/// What is called stands in the body; the header only ever says something empty.
#[test]
fn an_action_of_another_operation_changes_nothing() {
    attack_refused("another action", 1, async |site: &Site| {
        let document = envelope(&sealed(site), Style::Default);
        let headers = format!(
            "soapaction: \"http://minameddelanden.gov.se/Service/notify\"\r\nconnection: close\r\n\
             content-length: {}\r\n",
            document.len()
        );
        let answer = exchange(site, &post(&headers, &document)).await;
        // A stranger brings a sound delivery, as without it.
        assert!(answer.contains("ErrorCode>5002<"), "{answer}");
    });
}

#[test]
fn a_client_that_hangs_up_in_the_middle_of_its_body() {
    attack_refused("hangs up", 0, async |site: &Site| {
        let document = envelope(&sealed(site), Style::Default);
        let half = &document[..document.len() / 2];
        for _ in 0..20 {
            let mut stream = site.peer(Some(&site.client().own)).stream().await.unwrap();
            let headers = format!("content-length: {}\r\n", document.len());
            stream.write_all(&post(&headers, half)).await.unwrap();
            stream.flush().await.unwrap();
            drop(stream);
        }
    });
}

#[test]
fn twenty_requests_sent_before_the_first_answer_are_answered_in_order() {
    // Alone: what is refused so often for one cause is counted, and written down a minute later.
    attack_on(&Site::new(), "pipelined", async |site: &Site| {
        let mut bytes = Vec::new();
        for number in 0..20 {
            // Each in turn is refused in one of two ways, so that the order shows.
            let body = if number % 2 == 0 { "<a/>" } else { "junk" };
            bytes.extend(post(&format!("content-length: {}\r\n", body.len()), body));
        }
        let last =
            String::from_utf8(post("connection: close\r\ncontent-length: 0\r\n", "")).unwrap();
        bytes.extend(last.into_bytes());
        let answer = exchange(site, &bytes).await;
        let bodies: Vec<&str> = answer
            .split("<?xml")
            .skip(1)
            .map(|part| part.split("</S:Envelope>").next().unwrap())
            .collect();
        assert_eq!(bodies.len(), 21, "{answer}");
        for (number, body) in bodies.iter().enumerate() {
            let document = format!("<?xml{body}</S:Envelope>");
            let Reply::Fault { error_code, description, .. } =
                Reply::parse(document.as_bytes()).unwrap()
            else {
                panic!("{document}");
            };
            assert_eq!(error_code, 5001, "{description}");
            let is_shape = description.contains("no SOAP 1.1 envelope");
            assert_eq!(is_shape, number % 2 == 0 && number < 20, "{number}: {description}");
        }
    });
}

#[test]
fn http_without_tls() {
    attack_refused("no TLS", 0, async |site: &Site| {
        let address = site.installation.authorities;
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(&post("content-length: 4\r\n", "<a/>")).await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(!answer.contains("HTTP"), "{answer}");
    });
}

#[test]
fn a_handshake_that_never_goes_on() {
    attack_refused("silent", 0, async |site: &Site| {
        let address = site.installation.authorities;
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(b"\x16\x03\x01\x02\x00\x01").await.unwrap();
        assert_eq!(rest(&mut stream).await, "");
    });
}

#[test]
fn a_hundred_silent_connections_do_not_keep_others_out() {
    attack_refused("silent connections", 1, async |site: &Site| {
        let address = site.installation.authorities;
        let mut silent = Vec::new();
        for _ in 0..100 {
            silent.push(tokio::net::TcpStream::connect(address).await.unwrap());
        }
        let client = site.client();
        let (answer, _) = site.send("another", &client, &"<a/>".into()).await;
        assert_eq!(answer.status, 500);
        drop(silent);
    });
}
