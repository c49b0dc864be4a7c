//! The control API's client: HTTP/1.1 over the Unix socket, with a time limit on every wait.

use crate::failure::Failure;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use mbx_common::control::route::Route;
use mbx_common::control::session::Password;
use mbx_common::control::{self, Plan, Problem, header};
use mbx_common::explain;
use mbx_common::id::RequestId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::UnixStream;

/// Longest answer that is not a stream, in bytes: a full list with room to spare.
const ANSWER_LEN_MAX: usize = 64 * 1024 * 1024;

/// Longest line of a stream, in bytes.
const LINE_LEN_MAX: usize = 1024 * 1024;

/// What goes with every request of this run.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// What proves the session.
    pub token: Option<Password>,
    /// The controlling terminal.
    pub tty: Option<String>,
    /// `--reason`.
    pub reason: Option<String>,
    /// `--ticket`.
    pub ticket: Option<String>,
    /// `--dry-run`.
    pub dry_run: bool,
    /// `--reveal`.
    pub reveal: bool,
}

/// A client; it connects at its first request and keeps the connection.
#[derive(Debug)]
pub struct Client {
    socket: PathBuf,
    timeout: Duration,
    /// What goes with every request.
    pub manner: Manner,
    sender: Option<SendRequest<Full<Bytes>>>,
}

/// An answer and the request it belongs to.
#[derive(Clone, Debug)]
pub struct Answered<T> {
    /// The answer.
    pub value: T,
    /// The request.
    pub request_id: Option<RequestId>,
}

/// What a changing request brought.
#[derive(Clone, Debug)]
pub enum Changed<T> {
    /// It was done.
    Done(Answered<T>),
    /// Only the plan was asked for.
    Planned(Answered<Plan>),
}

impl Client {
    /// A client for this socket.
    pub const fn new(socket: PathBuf, timeout: Duration, manner: Manner) -> Self {
        Self { socket, timeout, manner, sender: None }
    }

    /// Asks a reading route, with a query.
    ///
    /// # Errors
    /// The daemon's problem, or why it could not be asked.
    pub async fn get<T: DeserializeOwned>(
        &mut self,
        route: Route,
        parameter: Option<&str>,
        query: &impl Serialize,
    ) -> Result<Answered<T>, Failure> {
        let path = format!("{}{}", path(route, parameter), query_text(query)?);
        let answer = self.send(route, &path, Bytes::new()).await?;
        self.read(answer).await
    }

    /// Asks a route with a body.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn send_body<T: DeserializeOwned>(
        &mut self,
        route: Route,
        parameter: Option<&str>,
        body: &impl Serialize,
    ) -> Result<Answered<T>, Failure> {
        let answer = self.send(route, &path(route, parameter), json(body)?).await?;
        self.read(answer).await
    }

    /// Asks a changing route: with `--dry-run` its plan comes back.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn change<T: DeserializeOwned>(
        &mut self,
        route: Route,
        parameter: Option<&str>,
        body: &impl Serialize,
    ) -> Result<Changed<T>, Failure> {
        let answer = self.send(route, &path(route, parameter), json(body)?).await?;
        if self.manner.dry_run {
            return self.read(answer).await.map(Changed::Planned);
        }
        self.read(answer).await.map(Changed::Done)
    }

    /// Opens a stream of lines or bytes. Only the wait for its beginning has a time limit.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn stream(
        &mut self,
        route: Route,
        parameter: Option<&str>,
        query: &impl Serialize,
        body: Bytes,
    ) -> Result<Lines, Failure> {
        let path = format!("{}{}", path(route, parameter), query_text(query)?);
        let answer = self.send(route, &path, body).await?;
        let request_id = request_id(answer.headers());
        if !answer.status().is_success() {
            return Err(self.read::<serde_json::Value>(answer).await.err().unwrap_or_else(garbled));
        }
        Ok(Lines { body: answer.into_body(), rest: BytesMut::new(), request_id })
    }

    async fn send(
        &mut self,
        route: Route,
        path: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>, Failure> {
        let request = self.request(route, path, &body)?;
        let timeout = self.timeout;
        let sender = self.connection().await?;
        let answer = tokio::time::timeout(timeout, sender.send_request(request))
            .await
            .map_err(|_| timed_out(timeout))?
            .map_err(|_| broken())?;
        check_version(answer.headers())?;
        Ok(answer)
    }

    async fn read<T: DeserializeOwned>(
        &self,
        answer: Response<Incoming>,
    ) -> Result<Answered<T>, Failure> {
        let status = answer.status();
        let request_id = request_id(answer.headers());
        let body = Limited::new(answer.into_body(), ANSWER_LEN_MAX).collect();
        let bytes = tokio::time::timeout(self.timeout, body)
            .await
            .map_err(|_| timed_out(self.timeout))?
            .map_err(|_| broken())?
            .to_bytes();
        if status.is_success() {
            let bytes: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
            let value = serde_json::from_slice(bytes).map_err(|_| garbled())?;
            return Ok(Answered { value, request_id });
        }
        let problem: Problem = serde_json::from_slice(&bytes).map_err(|_| garbled())?;
        Err(problem.into())
    }

    fn request(
        &self,
        route: Route,
        path: &str,
        body: &Bytes,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::builder()
            .method(route.method().name())
            .uri(path)
            .body(Full::new(body.clone()))
            .map_err(|_| Failure::here(explain::USAGE, "an argument cannot stand in a request"))?;
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_static("mbxd"));
        if !body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(control::JSON));
        }
        if let Some(token) = &self.manner.token {
            let mut value = text_value("session", &format!("Bearer {}", token.expose()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let texts = [
            (header::TTY, "terminal", self.manner.tty.as_deref()),
            (header::REASON, "--reason", self.manner.reason.as_deref()),
            (header::TICKET, "--ticket", self.manner.ticket.as_deref()),
        ];
        for (name, what, text) in texts {
            if let Some(text) = text {
                headers.insert(HeaderName::from_static(name), text_value(what, text)?);
            }
        }
        if self.manner.dry_run {
            headers.insert(HeaderName::from_static(header::DRY_RUN), HeaderValue::from_static("1"));
        }
        if self.manner.reveal {
            headers.insert(HeaderName::from_static(header::REVEAL), HeaderValue::from_static("1"));
        }
        Ok(request)
    }

    async fn connection(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, Failure> {
        let open = self.sender.take().filter(|sender| !sender.is_closed());
        let sender = match open {
            Some(mut sender) => match tokio::time::timeout(self.timeout, sender.ready()).await {
                Ok(Ok(())) => sender,
                Ok(Err(_)) | Err(_) => self.connect().await?,
            },
            None => self.connect().await?,
        };
        Ok(self.sender.insert(sender))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let stream = tokio::time::timeout(self.timeout, UnixStream::connect(&self.socket))
            .await
            .map_err(|_| timed_out(self.timeout))?
            .map_err(|error| self.no_daemon(&error))?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|_| broken())?;
        tokio::spawn(async move { connection.await.unwrap_or_default() });
        Ok(sender)
    }

    fn no_daemon(&self, error: &io::Error) -> Failure {
        let socket = self.socket.display();
        if error.kind() == io::ErrorKind::PermissionDenied {
            return Failure::here(
                explain::SOCKET_DENIED,
                format!("you may not use the control socket {socket}"),
            )
            .with_hint("ask for membership of the group mbxadm, then log in to the machine anew");
        }
        let why = if error.kind() == io::ErrorKind::NotFound {
            "there is no socket"
        } else {
            "nobody answers"
        };
        Failure::here(explain::NO_DAEMON, format!("mbxd is not running: {why} at {socket}"))
            .with_hint("systemctl status mbxd, or mbxctl doctor")
    }
}

/// A stream: whole lines, or the bytes as they come.
#[derive(Debug)]
pub struct Lines {
    body: Incoming,
    rest: BytesMut,
    /// The request.
    pub request_id: Option<RequestId>,
}

impl Lines {
    /// The next line without its end; `None` at the end of the stream.
    ///
    /// # Errors
    /// Where the connection breaks or a line is too long.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some(end) = self.rest.iter().position(|&byte| byte == b'\n') {
                let mut line = self.rest.split_to(end + 1);
                line.truncate(end);
                return Ok(Some(line.freeze()));
            }
            if self.rest.len() > LINE_LEN_MAX {
                return Err(garbled());
            }
            match self.chunk().await? {
                Some(bytes) => self.rest.extend_from_slice(&bytes),
                None if self.rest.is_empty() => return Ok(None),
                None => return Ok(Some(self.rest.split().freeze())),
            }
        }
    }

    /// The next bytes, as they come.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(bytes) = frame.map_err(|_| broken())?.into_data() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }
}

/// The route's path with its parameter, which is escaped.
fn path(route: Route, parameter: Option<&str>) -> String {
    let template = route.path();
    match (template.split_once('{'), parameter) {
        (Some((before, rest)), Some(parameter)) => {
            let after = rest.split_once('}').map_or("", |(_, after)| after);
            format!("{before}{}{after}", escape(parameter))
        }
        _ => template.to_owned(),
    }
}

/// `?name=value&…` of a flat struct; absent and false members are left away.
fn query_text(query: &impl Serialize) -> Result<String, Failure> {
    let value = serde_json::to_value(query).map_err(|_| garbled())?;
    let mut text = String::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        let value = match value {
            serde_json::Value::Null | serde_json::Value::Bool(false) => continue,
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Bool(true)
            | serde_json::Value::Number(_)
            | serde_json::Value::Array(_)
            | serde_json::Value::Object(_) => value.to_string(),
        };
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        text.push_str(&escape(&value));
    }
    Ok(text)
}

/// Percent-encodes everything but unreserved characters (RFC 3986).
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend([byte >> 4, byte & 15].iter().filter_map(|&half| {
                char::from_digit(u32::from(half), 16).map(|digit| digit.to_ascii_uppercase())
            }));
        }
    }
    out
}

fn json(body: &impl Serialize) -> Result<Bytes, Failure> {
    serde_json::to_vec(body).map(Bytes::from).map_err(|_| garbled())
}

fn text_value(what: &str, text: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| Failure::here(explain::USAGE, format!("{what} must be one line of text")))
}

fn request_id(headers: &HeaderMap) -> Option<RequestId> {
    headers.get(header::REQUEST_ID)?.to_str().ok()?.parse().ok()
}

/// Unequal major versions do not talk; nor does a socket that is not mbxd's.
fn check_version(headers: &HeaderMap) -> Result<(), Failure> {
    let text = headers.get(header::API).and_then(|value| value.to_str().ok());
    let Some(text) = text else {
        return Err(Failure::here(
            explain::NO_DAEMON,
            "something else than mbxd answers on the socket",
        ));
    };
    let major = text.split('.').next().and_then(|major| major.parse::<u16>().ok());
    if major == Some(control::MAJOR) {
        return Ok(());
    }
    Err(Failure::here(
        explain::VERSION_MISMATCH,
        format!(
            "mbxctl {} speaks control API {}, mbxd speaks {text}",
            env!("CARGO_PKG_VERSION"),
            control::MAJOR
        ),
    )
    .with_hint("install mbxctl and mbxd of the same version"))
}

fn timed_out(timeout: Duration) -> Failure {
    Failure::here(explain::TIMED_OUT, format!("mbxd did not answer within {} s", timeout.as_secs()))
}

fn broken() -> Failure {
    Failure::here(explain::NO_DAEMON, "the connection to mbxd broke").with_hint("mbxctl status")
}

fn garbled() -> Failure {
    Failure::here(explain::INTERNAL, "the daemon's answer cannot be read")
        .with_hint("mbxctl version --check")
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbx_common::control::user::UserQuery;

    #[test]
    fn parameters_and_queries_are_escaped() {
        assert_eq!(path(Route::CertShow, Some("a/b c")), "/v1/certificates/a%2Fb%20c");
        assert_eq!(path(Route::MessageList, Some("mbx_1")), "/v1/mailboxes/mbx_1/messages");
        let query =
            UserQuery { limit: Some(5), after: Some("a&b".to_owned()), ..UserQuery::default() };
        assert_eq!(query_text(&query).unwrap(), "?limit=5&after=a%26b");
    }

    #[test]
    fn unequal_major_versions_exit_76_naming_both() {
        let mut headers = HeaderMap::new();
        headers.insert(header::API, HeaderValue::from_static("2.0"));
        let error = check_version(&headers).unwrap_err();
        assert_eq!(error.exit_code(), 76);
        assert!(error.message().contains("API 1") && error.message().contains("2.0"));
        headers.insert(header::API, HeaderValue::from_static("1.7"));
        assert!(check_version(&headers).is_ok());
        headers.clear();
        assert_eq!(check_version(&headers).unwrap_err().exit_code(), 69);
    }
}
