//! Bounds below SOAP: methods, lengths, times, connections, stopping.

use super::world::NoScreen;
use super::world::{PATH, World, delivery};
use crate::config;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use mbx_common::explain;
use mbx_sim::client::Answer;
use mbx_sim::pki::{Credentials, certificates};
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

async fn small(change: impl FnOnce(&mut config::Delivery)) -> World {
    World::with(change, Arc::new(NoScreen)).await
}

async fn request(world: &World, method: &str, path: &str, media_type: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("content-type", media_type)
        .body(Full::new(Bytes::from_static(b"<a/>")))
        .unwrap();
    world.peer(Some(&world.dispatcher)).request(request).await.unwrap()
}

/// A TLS connection for bytes as they are.
async fn raw(world: &World, own: &Credentials) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    for root in certificates(&world.folder.path().join("root.pem")).unwrap() {
        roots.add(root).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(own.chain.clone(), own.key.clone_key())
        .unwrap();
    let stream = TcpStream::connect(world.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

/// Everything the door says until it closes.
async fn all(stream: &mut TlsStream<TcpStream>) -> String {
    let mut said = Vec::new();
    // A closed connection may end without a TLS goodbye.
    stream.read_to_end(&mut said).await.ok();
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn other_paths_methods_and_media_types_are_refused_below_soap() {
    let world = World::new().await;
    assert_eq!(request(&world, "POST", "/", "text/xml").await.status, 404);
    assert_eq!(request(&world, "POST", "/service/v3/", "text/xml").await.status, 404);
    assert_eq!(request(&world, "GET", PATH, "text/xml").await.status, 404);
    assert_eq!(request(&world, "POST", PATH, "application/soap+xml").await.status, 415);
    for method in ["PUT", "DELETE", "OPTIONS", "HEAD", "TRACE", "PATCH"] {
        let answer = request(&world, method, PATH, "text/xml").await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.headers["allow"], "GET, POST");
    }
    assert!(world.intake.refused.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_description_is_served_and_no_banner() {
    let world = World::new().await;
    let wsdl = request(&world, "GET", "/service/v3?wsdl", "").await;
    assert_eq!(
        (wsdl.status, &wsdl.headers["content-type"]),
        (200, &"text/xml;charset=UTF-8".parse().unwrap())
    );
    assert!(wsdl.body.starts_with(b"<?xml"));
    let schema = request(&world, "GET", "/service/v3?xsd=message-v3", "").await;
    assert_eq!(schema.status, 200);
    assert!(!wsdl.headers.contains_key("server"));
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_as_told_and_as_it_comes() {
    let world = small(|config| config.body_max = "16 KiB".parse().unwrap()).await;
    let fault = world.fault_of(vec![b'a'; 16 * 1024 + 1]).await;
    assert_eq!((fault.error_code, fault.refusal.cause), (5005, explain::DELIVERY_TOO_LONG));
    let mut stream = raw(&world, &world.dispatcher).await;
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: a\r\ncontent-type: text/xml\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("1000\r\n{}\r\n", "a".repeat(0x1000));
    for _ in 0..5 {
        // The door may have closed by the last of them.
        stream.write_all(chunk.as_bytes()).await.ok();
    }
    let said = all(&mut stream).await;
    assert!(said.starts_with("HTTP/1.1 500") && said.contains("5005"), "{said}");
}

#[tokio::test]
async fn whoever_sends_far_too_much_still_reads_why() {
    let world = small(|config| config.body_max = "16 KiB".parse().unwrap()).await;
    let fault = world.fault_of(vec![b'a'; 24 << 20]).await;
    assert_eq!(fault.error_code, 5005);
}

#[tokio::test]
async fn a_caller_who_hangs_up_does_not_stop_a_delivery() {
    let mut world = World::new().await;
    world.intake.gate.forget_permits(tokio::sync::Semaphore::MAX_PERMITS);
    let document = world.sealed(&delivery("hej"));
    let calling = tokio::spawn({
        let peer = world.peer(Some(&world.dispatcher));
        async move { peer.connect().await.unwrap().soap(PATH, document.into()).await }
    });
    world.intake.arrived.acquire().await.unwrap().forget();
    calling.abort();
    assert!(calling.await.unwrap_err().is_cancelled());
    world.stop();
    world.intake.gate.add_permits(1);
    (&mut world.serving).await.unwrap();
    assert_eq!(world.intake.accepted.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_is_resumed_and_judged_again() {
    let world = World::new().await;
    let doomed = world.flawed(mbx_sim::pki::Flaw::None);
    let mut roots = rustls::RootCertStore::empty();
    for root in certificates(&world.folder.path().join("root.pem")).unwrap() {
        roots.add(root).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(doomed.chain.clone(), doomed.key.clone_key())
        .unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let ask = async || {
        let stream = TcpStream::connect(world.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = connector.connect(name, stream).await.unwrap();
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nhost: a\r\ncontent-type: text/xml\r\n\
             content-length: 4\r\nconnection: close\r\n\r\n<a/>"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let said = all(&mut stream).await;
        (stream.get_ref().1.handshake_kind(), said)
    };
    let (kind, said) = ask().await;
    assert_eq!(kind, Some(rustls::HandshakeKind::Full));
    assert!(said.contains("5001"), "{said}");
    let (kind, _) = ask().await;
    assert_eq!(kind, Some(rustls::HandshakeKind::Resumed));
    let parsed = x509_parser::parse_x509_certificate(&doomed.chain[0]).unwrap().1;
    world.pki.revoke(&[rcgen::SerialNumber::from(parsed.raw_serial().to_vec())]).unwrap();
    world.refresh_lists().await;
    let (kind, said) = ask().await;
    assert_eq!(kind, Some(rustls::HandshakeKind::Resumed));
    assert!(said.contains("5002") && said.contains("revoked"), "{said}");
}

#[tokio::test]
async fn a_sender_that_asks_before_sending_is_told_to_go_on_or_not_to() {
    let world = small(|config| config.body_max = "16 KiB".parse().unwrap()).await;
    let head = |len: usize| {
        format!(
            "POST {PATH} HTTP/1.1\r\nhost: a\r\ncontent-type: text/xml\r\nexpect: 100-continue\r\n\
             content-length: {len}\r\n\r\n"
        )
    };
    let mut stream = raw(&world, &world.dispatcher).await;
    stream.write_all(head(4).as_bytes()).await.unwrap();
    let mut said = [0; 25];
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"HTTP/1.1 100 Continue\r\n\r\n");
    let mut stream = raw(&world, &world.dispatcher).await;
    stream.write_all(head(1 << 20).as_bytes()).await.unwrap();
    assert!(all(&mut stream).await.starts_with("HTTP/1.1 500"));
}

#[tokio::test]
async fn a_header_that_does_not_come_ends_the_connection() {
    let world = small(|config| config.header_timeout = config::value::Span::millis(300)).await;
    let mut stream = raw(&world, &world.dispatcher).await;
    let began = Instant::now();
    stream.write_all(b"POST /service/v3 HTTP/1.1\r\nhost: ").await.unwrap();
    all(&mut stream).await;
    assert!(began.elapsed() < Duration::from_secs(5));
    let mut silent = TcpStream::connect(world.address).await.unwrap();
    let mut said = Vec::new();
    silent.read_to_end(&mut said).await.unwrap();
    assert!(said.is_empty());
}

#[tokio::test]
async fn a_body_that_does_not_come_is_a_timeout_and_no_delivery() {
    let world = small(|config| config.body_timeout = config::value::Span::millis(300)).await;
    let mut stream = raw(&world, &world.dispatcher).await;
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: a\r\ncontent-type: text/xml\r\ncontent-length: 100\r\n\r\n<a"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let said = all(&mut stream).await;
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    assert!(world.intake.refused.lock().unwrap().is_empty());
}

#[tokio::test]
async fn long_headers_and_many_headers_are_refused() {
    let world = World::new().await;
    for header in [format!("a: {}\r\n", "b".repeat(20 * 1024)), "a: b\r\n".repeat(100)] {
        let mut stream = raw(&world, &world.dispatcher).await;
        let head = format!("GET {PATH}?wsdl HTTP/1.1\r\nhost: a\r\n{header}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let said = all(&mut stream).await;
        assert!(said.starts_with("HTTP/1.1 431"), "{said}");
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let world = World::new().await;
    let mut stream = raw(&world, &world.dispatcher).await;
    let wsdl = format!("GET {PATH}?wsdl HTTP/1.1\r\nhost: a\r\n\r\n");
    let none = "GET /none HTTP/1.1\r\nhost: a\r\n\r\n";
    stream.write_all(format!("{wsdl}{wsdl}{none}").as_bytes()).await.unwrap();
    let said = all(&mut stream).await;
    let answers: Vec<&str> = said.lines().filter(|line| line.starts_with("HTTP/1.1 ")).collect();
    assert_eq!(answers, ["HTTP/1.1 200 OK", "HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found"]);
}

#[tokio::test]
async fn two_lengths_and_a_length_beside_chunks_smuggle_nothing() {
    let world = World::new().await;
    for header in [
        "content-length: 4\r\ncontent-length: 5",
        "content-length: 4\r\ntransfer-encoding: chunked",
    ] {
        let mut stream = raw(&world, &world.dispatcher).await;
        let request = format!(
            "POST {PATH} HTTP/1.1\r\nhost: a\r\ncontent-type: text/xml\r\n{header}\r\n\r\n0\r\n\r\n\
             GET {PATH}?wsdl HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let said = all(&mut stream).await;
        assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{said}");
        assert!(!said.starts_with("HTTP/1.1 2") && said.contains("connection: close"), "{said}");
    }
}

#[tokio::test]
async fn an_idle_connection_gives_its_place_to_the_newest_and_one_at_work_does_not() {
    let world = small(|config| config.connections_max = 1).await;
    let mut idle = raw(&world, &world.dispatcher).await;
    let document = world.sealed(&delivery("hej"));
    world.intake.gate.forget_permits(tokio::sync::Semaphore::MAX_PERMITS);
    let under_way = tokio::spawn({
        let peer = world.peer(Some(&world.dispatcher));
        async move { peer.connect().await.unwrap().soap(PATH, document.into()).await.unwrap() }
    });
    assert_eq!(all(&mut idle).await, "");
    world.intake.arrived.acquire().await.unwrap().forget();
    assert_eq!(all(&mut raw(&world, &world.dispatcher).await).await, "");
    world.intake.gate.add_permits(1);
    assert_eq!(under_way.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_connection_is_closed_after_so_many_requests() {
    let world = small(|config| config.requests_per_connection_max = 2).await;
    let mut connection = world.peer(Some(&world.dispatcher)).connect().await.unwrap();
    let first = connection.soap(PATH, Bytes::from_static(b"<a/>")).await.unwrap();
    let second = connection.soap(PATH, Bytes::from_static(b"<a/>")).await.unwrap();
    assert!(!first.headers.contains_key("connection"));
    assert_eq!(second.headers["connection"], "close");
    assert!(connection.soap(PATH, Bytes::from_static(b"<a/>")).await.is_err());
}

#[tokio::test]
async fn a_delivery_for_which_there_is_no_memory_is_told_to_come_back() {
    let world = small(|config| {
        config.body_max = "16 KiB".parse().unwrap();
        config.memory_max = "96 KiB".parse().unwrap();
    })
    .await;
    world.intake.gate.forget_permits(tokio::sync::Semaphore::MAX_PERMITS);
    let document = world.sealed(&delivery(&"a".repeat(3500)));
    let first = tokio::spawn({
        let (peer, document) = (world.peer(Some(&world.dispatcher)), document.clone());
        async move { peer.connect().await.unwrap().soap(PATH, document.into()).await.unwrap() }
    });
    world.intake.arrived.acquire().await.unwrap().forget();
    let answer = world.post(document.clone()).await;
    assert_eq!(answer.headers["retry-after"], "10");
    let fault = world.fault_in(&answer);
    assert_eq!((fault.error_code, fault.refusal.cause), (1, explain::DELIVERY_OVERLOADED));
    world.intake.gate.add_permits(2);
    assert_eq!(first.await.unwrap().status, 200);
    assert_eq!(world.post(document).await.status, 200);
}

#[tokio::test]
async fn stopping_lets_a_delivery_finish_and_takes_no_more() {
    let mut world = World::new().await;
    world.intake.gate.forget_permits(tokio::sync::Semaphore::MAX_PERMITS);
    let document = world.sealed(&delivery("hej"));
    let under_way = tokio::spawn({
        let peer = world.peer(Some(&world.dispatcher));
        async move { peer.connect().await.unwrap().soap(PATH, document.into()).await.unwrap() }
    });
    world.intake.arrived.acquire().await.unwrap().forget();
    world.stop();
    // Once the listener is gone no connection is made any more.
    while TcpStream::connect(world.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!world.serving.is_finished());
    world.intake.gate.add_permits(1);
    assert_eq!(under_way.await.unwrap().status, 200);
    (&mut world.serving).await.unwrap();
}

#[tokio::test]
async fn tls_below_1_3_is_not_spoken_unless_configured() {
    let world = World::new().await;
    let mut roots = rustls::RootCertStore::empty();
    for root in certificates(&world.folder.path().join("root.pem")).unwrap() {
        roots.add(root).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let own = &world.dispatcher;
    let connect = async |versions: &[&'static rustls::SupportedProtocolVersion]| {
        let config = rustls::ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_client_auth_cert(own.chain.clone(), own.key.clone_key())
            .unwrap();
        let stream = TcpStream::connect(world.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    };
    assert!(connect(&[&rustls::version::TLS12]).await.is_err());
    let stream = connect(&[&rustls::version::TLS13]).await.unwrap();
    let group = stream.get_ref().1.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, rustls::NamedGroup::X25519MLKEM768);
}
