//! The server's part of TLS for one request on an open connection: its records, nothing of sockets.

use super::delivery::Judging;
use crate::BenchError;
use crate::cpu;
use crate::sample::{Sample, length};
use crate::site::Site;
use mbx_sim::pki::{Credentials, certificates};
use mbxd::trust::Door;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

/// Two ends of a connection, in memory.
pub(super) struct Records {
    client: ClientConnection,
    server: ServerConnection,
    wire: Vec<u8>,
    plain: Vec<u8>,
}

impl Records {
    /// A connection of the authority's with the door as the daemon opens it.
    pub(super) fn new(site: &Site, judging: &Judging) -> Result<Self, BenchError> {
        let own = Credentials::load(&site.installation.pki(), "authority")?;
        let mut roots = RootCertStore::empty();
        for root in certificates(&site.installation.pki().join("root.pem"))? {
            roots.add(root)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(own.chain.clone(), own.key.clone_key())?;
        let door = judging.trust().tls(Door::Authorities).ok_or("the door has no certificate")?;
        let mut client =
            ClientConnection::new(Arc::new(config), ServerName::try_from("localhost")?)?;
        client.set_buffer_limit(None);
        let server = ServerConnection::new(door)?;
        let mut records = Self { client, server, wire: Vec::new(), plain: Vec::new() };
        while records.client.is_handshaking() || records.server.is_handshaking() {
            records.client_speaks()?;
            records.server_speaks()?;
        }
        records.server_speaks()?;
        Ok(records)
    }

    /// Processor time of the server for the request's records, in microseconds.
    pub(super) fn us_each(&mut self, request: &[u8], time: Duration) -> Result<Sample, BenchError> {
        self.plain.resize(request.len(), 0);
        let (mut used, mut times) = (Duration::ZERO, 0_usize);
        while used < time {
            self.client.writer().write_all(request)?;
            self.wire.clear();
            while self.client.wants_write() {
                self.client.write_tls(&mut self.wire)?;
            }
            let began = cpu::of_thread();
            self.receive()?;
            used += cpu::of_thread().saturating_sub(began);
            times += 1;
        }
        Ok(Sample::one(used.as_secs_f64() * 1e6 / length(times)))
    }

    /// The server takes what is on the wire and reads the plaintext.
    fn receive(&mut self) -> Result<(), BenchError> {
        let (mut wire, mut filled) = (self.wire.as_slice(), 0);
        while !wire.is_empty() {
            self.server.read_tls(&mut wire)?;
            let waiting = self.server.process_new_packets()?.plaintext_bytes_to_read();
            let room = self.plain.get_mut(filled..filled + waiting).ok_or("more than was sent")?;
            self.server.reader().read_exact(room)?;
            filled += waiting;
        }
        if filled == self.plain.len() { Ok(()) } else { Err("less than was sent".into()) }
    }

    fn client_speaks(&mut self) -> Result<(), BenchError> {
        self.wire.clear();
        while self.client.wants_write() {
            self.client.write_tls(&mut self.wire)?;
        }
        let mut wire = self.wire.as_slice();
        while !wire.is_empty() {
            self.server.read_tls(&mut wire)?;
            self.server.process_new_packets()?;
        }
        Ok(())
    }

    fn server_speaks(&mut self) -> Result<(), BenchError> {
        self.wire.clear();
        while self.server.wants_write() {
            self.server.write_tls(&mut self.wire)?;
        }
        let mut wire = self.wire.as_slice();
        while !wire.is_empty() {
            self.client.read_tls(&mut wire)?;
            self.client.process_new_packets()?;
        }
        Ok(())
    }
}
