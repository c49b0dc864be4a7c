//! A thousand clients that hold a connection and do nothing with it.

use super::site::{PATIENCE, Site};
use mbx_sim::delivery::Message;
use mbx_sim::soap::Reply;
use mbx_tests::installation::{Installation, Setup};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

const CLIENTS: u32 = 1000;
/// Files that this process needs: a socket for each client, and everything else.
const FILES: u64 = 4096;

/// Lets this process, and the daemon that it starts, hold as many connections as are needed.
fn admit_files() {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.map_or(FILES, |current| current.max(FILES));
    let current = limit.maximum.map_or(current, |most| current.min(most));
    setrlimit(Resource::Nofile, Rlimit { current: Some(current), ..limit }).unwrap();
}

/// Deliveries go through, each by a new connection, while the slow ones stand; and memory is small.
async fn assert_served(installation: &Installation, person: &str) {
    for number in 0..10 {
        let message = Message::text(format!("m-{number}"), "Beslut", "Dear holder");
        let reply = tokio::time::timeout(PATIENCE, installation.deliver(person, message)).await;
        let reply = reply.expect("an answer in time");
        assert!(matches!(reply, Reply::Result { .. }), "{reply:?}");
    }
}

#[test]
fn a_thousand_silent_connections_keep_no_delivery_out() {
    admit_files();
    let installation = Installation::ready(&Setup::default());
    let (person, _) = installation.register(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut silent = Vec::new();
        for number in 0..CLIENTS {
            let mut stream = TcpStream::connect(installation.authorities).await.unwrap();
            // Every other one begins a handshake.
            if number % 2 == 0 {
                stream.write_all(b"\x16\x03\x01\x02\x00\x01").await.unwrap();
            }
            silent.push(stream);
        }
        assert_served(&installation, &person).await;
        drop(silent);
    });
}

/// Whoever has a certificate holds a share of the connections at most, dripping or not.
#[test]
fn a_client_that_opens_a_thousand_connections_and_drips_keeps_no_delivery_out() {
    admit_files();
    let site = Site::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let greedy = site.client();
        let peer = site.peer(Some(&greedy.own));
        let mut dripping = Vec::new();
        for _ in 0..CLIENTS / 4 {
            // Beyond its share the daemon hangs up.
            if let Ok(mut stream) = peer.stream().await {
                stream.write_all(b"POST /service/v3 HTTP/1.1\r\n").await.ok();
                dripping.push(stream);
            }
        }
        let drip = async {
            loop {
                for stream in &mut dripping {
                    stream.write_all(b"x: y\r\n").await.ok();
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::select! {
            () = assert_served(&site.installation, &site.victim) => {}
            () = drip => {}
        }
    });
}
