//! Connections: who is at the other end, bounded bodies, one answer per request.

use super::answer::{Body, response};
use super::ask::{Ask, Wishes};
use super::dispatch::dispatch;
use super::escape::unescape;
use super::refusal::Refusal;
use super::rooms::Rooms;
use crate::operators::{Caller, SessionToken};
use crate::peers::{self, Busy, Doing, Holding, Paced, Place, Places};
use crate::random;
use crate::telemetry::Seldom;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderMap};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use mbx_common::control::header;
use mbx_common::control::route::{NoRoute, Route};
use mbx_common::explain;
use mbx_common::id::RequestId;
use mbx_common::limit::CONTROL_BODY_LEN_MAX;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::unix::UCred;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Connections at a time: staff and timers are few; more is a fault or an attack. Of them one user
/// holds a share at most, and who asks for nothing gives way to others.
const CONNECTIONS_MAX: usize = 64;
const USER_CONNECTIONS_MAX: usize = 48;

/// Longest time for the head of a request; also how long an idle connection is kept.
const HEAD_TIME: Duration = Duration::from_secs(30);

/// Longest time for the body of a request.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Pause after a failed accept (no descriptors left), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a request or stream may go on while the daemon stops.
const STOP_TIME: Duration = Duration::from_secs(5);

/// Longest head of a request, in bytes.
const HEAD_LEN_MAX: usize = 32 * 1024;

/// Longest name of a terminal, in bytes.
const TTY_LEN_MAX: usize = 64;

/// The control door. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Door {
    rooms: Arc<Rooms>,
    failing: Arc<Seldom>,
}

impl Door {
    /// A door to these rooms.
    pub fn new(rooms: Rooms) -> Self {
        Self { rooms: Arc::new(rooms), failing: Arc::default() }
    }

    /// Takes connections until `stop` is done; then every connection may end its request.
    ///
    /// # Errors
    /// Where the listener cannot be used at all.
    pub async fn serve(
        self,
        listener: std::os::unix::net::UnixListener,
        stop: impl Future<Output = ()>,
    ) -> std::io::Result<()> {
        listener.set_nonblocking(true)?;
        let listener = UnixListener::from_std(listener)?;
        let places = Places::new(CONNECTIONS_MAX, USER_CONNECTIONS_MAX);
        let (stopping, stopped) = watch::channel(false);
        let mut connections = JoinSet::new();
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                Some(_) = connections.join_next() => continue,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let Ok(peer) = stream.peer_cred() else { continue };
                    let Some(place) = places.take(peer.uid()) else { continue };
                    let door = self.clone();
                    connections.spawn(door.connection(stream, peer, place, stopped.clone()));
                }
                Err(error) => {
                    if let Some(times) = self.failing.tell() {
                        tracing::warn!(%error, times, "control connections cannot be taken");
                    }
                    places.give_up_one();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        stopping.send_replace(true);
        while connections.join_next().await.is_some() {}
        Ok(())
    }

    /// Sockets that it may hold at a time.
    pub const fn sockets_max() -> usize {
        CONNECTIONS_MAX + 2
    }

    /// Answers the requests of one connection, until it ends, gives way or the daemon stops.
    async fn connection(
        self,
        stream: UnixStream,
        peer: UCred,
        place: Place<u32>,
        mut stopped: watch::Receiver<bool>,
    ) {
        let place = Arc::new(place);
        let uid = peer.uid();
        let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok());
        let service = hyper::service::service_fn(|request| {
            let (door, busy) = (self.clone(), place.begin());
            async move {
                let answer = Box::pin(door.answer(request, (uid, pid), &busy)).await;
                Ok::<_, Infallible>(answer.map(|body| Holding::new(body, busy)))
            }
        });
        let stream = Paced::new(stream, peers::GRACE, peers::RATE_MIN);
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_buf_size(HEAD_LEN_MAX)
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let served = tokio::select! {
            served = connection.as_mut() => served,
            () = place.given_up() => return,
            () = async { drop(stopped.wait_for(|&stopped| stopped).await) } => {
                connection.as_mut().graceful_shutdown();
                tokio::time::timeout(STOP_TIME, connection).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = served {
            tracing::debug!(%error, "a control connection broke");
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        (uid, pid): (u32, Option<u32>),
        busy: &Busy<u32>,
    ) -> Response<Body> {
        let id = RequestId::from_bytes(random::bytes());
        let tty = match tty(request.headers()) {
            Ok(tty) => tty,
            Err(refusal) => return response(Err(refusal), id),
        };
        let caller = Caller { uid, pid, tty, request: id };
        let asked = ask(request, caller).await;
        busy.now(Doing::Working);
        let answer = match asked {
            Ok((ask, token)) => Box::pin(dispatch(&self.rooms, ask, token.as_ref())).await,
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = &answer {
            tracing::info!(request = %id, uid, code = %refusal.code, "a control request was refused");
        }
        response(answer, id)
    }
}

/// Finds the route, reads headers and body.
async fn ask(
    request: Request<Incoming>,
    caller: Caller,
) -> Result<(Ask, Option<SessionToken>), Refusal> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let (route, parameter) = Route::find(head.method.as_str(), path).map_err(no_route)?;
    let parameter = match parameter {
        Some(text) => Some(unescape(text).ok_or_else(|| no_route(NoRoute::Path))?),
        None => None,
    };
    let token = bearer(&head.headers);
    let wishes = Wishes::read(&head.headers)?;
    let query = head.uri.query().unwrap_or_default().to_owned();
    let body = tokio::time::timeout(BODY_TIME, read(body)).await.map_err(|_| {
        Refusal::new(explain::TIMED_OUT, "the request's body did not come in time")
    })??;
    Ok((Ask { route, parameter, query, body, caller, wishes }, token))
}

async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    match Limited::new(body, CONTROL_BODY_LEN_MAX).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let detail = format!("a request has at most {CONTROL_BODY_LEN_MAX} bytes");
            Err(Refusal::new(explain::BODY_TOO_LARGE, detail))
        }
        Err(_) => Err(Refusal::new(explain::USAGE, "the request's body broke off")),
    }
}

/// The session token. One that cannot be read is none: the room refuses it like any other, with
/// its entry, and what needs no session is done.
fn bearer(headers: &HeaderMap) -> Option<SessionToken> {
    let text = headers.get(AUTHORIZATION)?.to_str().ok()?;
    SessionToken::parse(text.strip_prefix("Bearer ")?).ok()
}

/// The terminal that mbxctl names.
fn tty(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get(header::TTY) else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| !text.is_empty() && text.len() <= TTY_LEN_MAX);
    text.map(|text| Some(text.to_owned()))
        .ok_or_else(|| Refusal::new(explain::USAGE, "the terminal's name cannot be read"))
}

fn no_route(no_route: NoRoute) -> Refusal {
    match no_route {
        NoRoute::Path => Refusal::new(explain::NO_ROUTE, "there is nothing at this path"),
        NoRoute::Method => Refusal::new(explain::METHOD, "this path has no such method"),
    }
}
