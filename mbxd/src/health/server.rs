//! The HTTP side: `/livez`, `/readyz`, `/startupz`, `/metrics`.

use super::ability::{Ability, Health};
use super::gauges::exposition;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// Longest time for the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(5);

const TEXT: &str = "text/plain; charset=utf-8";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers the requests of one connection.
pub async fn serve<S>(health: Health, stream: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = hyper::service::service_fn(move |request| {
        let answer = answer(&health, &request);
        async move { Ok::<_, Infallible>(answer) }
    });
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
