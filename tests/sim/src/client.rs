//! HTTPS with a client certificate, one connection kept open.

use crate::error::SimError;
use crate::pki::Credentials;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper::header::CONNECTION;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A peer that requests go to.
#[derive(Clone)]
pub struct Peer {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Peer({})", self.address)
    }
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: hyper::HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Peer {
    /// A peer whose certificate comes from one of the roots, asked with these credentials.
    ///
    /// # Errors
    /// [`SimError::Certificate`] where roots or credentials cannot be used.
    pub fn new(
        address: SocketAddr,
        roots: &[CertificateDer<'static>],
        credentials: Option<&Credentials>,
    ) -> Result<Self, SimError> {
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(root.clone())?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(store);
        let config = match credentials {
            Some(own) => builder.with_client_auth_cert(own.chain.clone(), own.key.clone_key())?,
            None => builder.with_no_client_auth(),
        };
        Ok(Self { address, tls: Arc::new(config) })
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// [`SimError::Connection`] where the peer does not answer or refuses the certificate.
    pub async fn connect(&self) -> Result<Connection, SimError> {
        let stream = self.stream().await?;
        let (sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(connection)?;
        tokio::spawn(driver);
        Ok(Connection { sender, is_closing: false })
    }

    /// A TLS stream alone, for those who write their HTTP by hand.
    ///
    /// # Errors
    /// As [`Peer::connect`].
    pub async fn stream(&self) -> Result<TlsStream<TcpStream>, SimError> {
        let stream = TcpStream::connect(self.address).await.map_err(connection)?;
        stream.set_nodelay(true).map_err(connection)?;
        let name = ServerName::try_from("localhost").map_err(connection)?;
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        connector.connect(name, stream).await.map_err(connection)
    }

    /// One request on a connection of its own.
    ///
    /// # Errors
    /// [`SimError::Connection`] where no whole answer comes.
    pub async fn request(&self, request: Request<Full<Bytes>>) -> Result<Answer, SimError> {
        self.connect().await?.request(request).await
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Whether the peer said that it takes no further request.
    is_closing: bool,
}

impl Connection {
    /// Whether the peer ended the connection, or said with an answer that it does.
    pub fn is_closing(&self) -> bool {
        self.is_closing || self.sender.is_closed()
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// [`SimError::Connection`] where no whole answer comes.
    pub async fn request(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, SimError> {
        self.sender.ready().await.map_err(connection)?;
        let response: Response<_> = self.sender.send_request(request).await.map_err(connection)?;
        let (head, body) = response.into_parts();
        self.is_closing =
            head.headers.get(CONNECTION).is_some_and(|said| said.as_bytes() == b"close");
        let body = body.collect().await.map_err(connection)?.to_bytes();
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }

    /// Posts a SOAP document.
    ///
    /// # Errors
    /// As [`Connection::request`].
    pub async fn soap(&mut self, path: &str, document: Bytes) -> Result<Answer, SimError> {
        let request = Request::post(path)
            .header("host", "localhost")
            .header("content-type", "text/xml;charset=UTF-8")
            .header("soapaction", "\"\"")
            .body(Full::new(document))
            .map_err(connection)?;
        self.request(request).await
    }
}

fn connection(error: impl std::fmt::Display) -> SimError {
    SimError::Connection(error.to_string())
}
