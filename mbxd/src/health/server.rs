//! The HTTP side: `/livez`, `/readyz`, `/startupz`, `/metrics`.

use super::ability::{Ability, Health};
use super::gauges::exposition;
use crate::peers::{self, Paced, Places};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// Longest time for the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(5);

const TEXT: &str = "text/plain; charset=utf-8";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Connections at a time: probes and collectors are few. For a further one the oldest is given up,
/// so that whoever can reach the address takes nothing from the others.
const CONNECTIONS_MAX: usize = 16;

/// Longest life of a connection.
const LIFE: Duration = Duration::from_mins(1);

/// How long whoever asked may let an answer wait.
const READER_GRACE: Duration = Duration::from_secs(5);

/// What probes' connections share.
#[derive(Clone, Debug)]
pub struct Probes {
    health: Health,
    places: Arc<Places<()>>,
}

impl Probes {
    /// Nobody asks yet.
    pub fn new(health: Health) -> Self {
        Self { health, places: Places::new(CONNECTIONS_MAX, CONNECTIONS_MAX) }
    }

    /// Sockets that they may hold at a time.
    pub const fn sockets_max() -> usize {
        CONNECTIONS_MAX + 2
    }

    /// Takes a connection, if need be in another's place; answers its requests.
    pub fn serve<S>(&self, stream: S) -> impl Future<Output = ()> + Send + 'static
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (health, place) = (self.health.clone(), self.places.take(()));
        async move {
            if let Some(place) = place {
                tokio::select! {
                    () = connection(&health, stream) => {}
                    () = place.given_up() => {}
                    () = tokio::time::sleep(LIFE) => {}
                }
            }
        }
    }
}

async fn connection<S>(health: &Health, stream: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = hyper::service::service_fn(|request| {
        let answer = answer(health, &request);
        async move { Ok::<_, Infallible>(answer) }
    });
    let stream = Paced::new(stream, READER_GRACE, peers::RATE_MIN);
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a probe's connection broke");
    }
}

fn answer(health: &Health, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n".to_owned());
    }
    let abilities = health.abilities();
    match request.uri().path() {
        "/livez" => text(StatusCode::OK, TEXT, "alive\n".to_owned()),
        "/startupz" if health.is_started() => text(StatusCode::OK, TEXT, "started\n".to_owned()),
        "/startupz" => text(StatusCode::SERVICE_UNAVAILABLE, TEXT, "starting\n".to_owned()),
        "/readyz" | "/readyz/deliver" => ready(abilities.deliver),
        "/readyz/read" => ready(abilities.read),
        "/readyz/admin" => ready(abilities.admin),
        "/metrics" => text(StatusCode::OK, OPENMETRICS, exposition(health)),
        _ => text(StatusCode::NOT_FOUND, TEXT, "not here\n".to_owned()),
    }
}

fn ready(ability: Ability) -> Response<Full<Bytes>> {
    let status = if ability.is_up() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    text(status, TEXT, format!("{}\n", ability.cause().unwrap_or("ready")))
}

fn text(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, hyper::header::HeaderValue::from_static("no-store"));
    response
}
