//! One HTTP request of an authority: path, method, type, length; then the pipeline.

use super::body::{self, BodyError, Bounds};
use super::call::Call;
use super::cause::Cause;
use super::description::Description;
use super::fault::fault;
use super::memory::Memory;
use super::pipeline::Pipeline;
use crate::clock::Clock;
use crate::https::{Asked, Remote, names_one_host};
use crate::mailbox::incoming::Stage;
use crate::telemetry::metrics;
use crate::trust::{ChainError, Door as TlsDoor};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use mbx_common::error::Kind;
use mbx_common::identity::OrganisationNumber;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

/// What answers requests; shared by all connections.
pub(super) struct Service {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) description: Description,
    pub(super) path: String,
    pub(super) bounds: Bounds,
    pub(super) clock: Clock,
}

/// An answer, and whether the connection can go on after it.
pub(super) struct Answer {
    pub(super) response: Response<Full<Bytes>>,
    pub(super) close: bool,
}

impl Service {
    /// Answers one request. Everything but a SOAP call is settled here, without trace but a count.
    pub(super) async fn answer(
        self: &Arc<Self>,
        remote: &Remote,
        request: Request<Asked>,
    ) -> Answer {
        if !names_one_host(&request) {
            return plain(StatusCode::BAD_REQUEST, "one Host is needed");
        }
        if request.uri().path() != self.path {
            return plain(StatusCode::NOT_FOUND, "no such path");
        }
        if request.method() == Method::GET {
            return self.describe(request.uri().query().unwrap_or_default());
        }
        if request.method() != Method::POST {
            let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "POST a SOAP envelope");
            let allowed = HeaderValue::from_static("GET, POST");
            answer.response.headers_mut().insert(header::ALLOW, allowed);
            return answer;
        }
        if !is_soap(request.headers()) {
            return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "text/xml in UTF-8 is taken");
        }
        self.call(remote, request).await
    }

    fn describe(&self, query: &str) -> Answer {
        match self.description.get(query) {
            Some(document) => xml(StatusCode::OK, document),
            None => plain(StatusCode::NOT_FOUND, "GET ?wsdl"),
        }
    }

    /// A SOAP call: the body within bounds, then the pipeline; every refusal is kept account of.
    async fn call(self: &Arc<Self>, remote: &Remote, request: Request<Asked>) -> Answer {
        let expects = request.headers().contains_key(header::EXPECT);
        let mut body = request.into_body();
        let certificate = remote.chain.first().map(|leaf| crate::trust::fingerprint(leaf).0);
        let mut call = Call::begin(&self.clock, remote.address, certificate);
        let client = match self.client(remote) {
            Ok(client) => client,
            Err(cause) => return self.refused_early(&call, &cause).await,
        };
        call.client = Some(client);
        let mut memory = self.pipeline.memory.memory(client);
        match body::read(&mut body, &self.bounds, &mut memory).await {
            Ok(body) => self.deliver(call, body, memory).await,
            Err(BodyError::TooLong) => {
                let cause = Cause::TooLong { max: self.bounds.len_max };
                self.refused_unread(&call, &cause, body, expects).await
            }
            Err(BodyError::NoRoom) => {
                self.refused_unread(&call, &Cause::Overloaded, body, expects).await
            }
            Err(BodyError::TooSlow) => {
                plain(StatusCode::REQUEST_TIMEOUT, "the body came too slowly")
            }
            Err(BodyError::Broken) => plain(StatusCode::BAD_REQUEST, "the body did not come whole"),
        }
    }

    /// The pipeline, in a task of its own: a caller who hangs up neither stops a delivery half-way
    /// nor frees the memory and the turn that it still takes.
    async fn deliver(self: &Arc<Self>, mut call: Call, body: Bytes, memory: Memory) -> Answer {
        let service = Arc::clone(self);
        let request = call.request;
        let delivering = tokio::spawn(async move {
            let _memory = memory;
            call.reached(Stage::Received);
            let began = Instant::now();
            let outcome = service.pipeline.run(&mut call, body).await;
            metrics::DELIVERY_TIME.record(began.elapsed());
            match outcome {
                Ok(envelope) => {
                    tracing::info!(%request, sender = ?call.sender, "delivery answered");
                    xml(StatusCode::OK, envelope.into())
                }
                Err(cause) => service.refused(&call, &cause).await,
            }
        });
        delivering.await.unwrap_or_else(|_| {
            tracing::error!(%request, "a delivery ended in a defect");
            let text = fault(&Cause::NotStored(Kind::Internal), request);
            xml(StatusCode::INTERNAL_SERVER_ERROR, text.into())
        })
    }

    /// Keeps account of a client whose certificate was refused in the handshake.
    pub(super) async fn refused_in_handshake(&self, address: IpAddr, error: ChainError) {
        let call = Call::begin(&self.clock, address, None);
        self.refused(&call, &Cause::Client(error)).await;
    }

    /// The organisation of the TLS client, judged anew for each call, so that a resumed session or
    /// a long connection does not outlive a revocation.
    fn client(&self, remote: &Remote) -> Result<OrganisationNumber, Cause> {
        let peer = self
            .pipeline
            .trust
            .check_client(TlsDoor::Authorities, &remote.chain)
            .map_err(Cause::Client)?;
        peer.organisation.map_err(|error| Cause::Client(error.into()))
    }

    /// A refusal of which the caller learns, although it may still be sending.
    async fn refused_unread(
        &self,
        call: &Call,
        cause: &Cause,
        body: Asked,
        expects: bool,
    ) -> Answer {
        let answer = self.refused_early(call, cause).await;
        if !expects {
            body::discard(body, &self.bounds).await;
        }
        answer
    }

    /// A refusal before the body was read: the connection ends with it.
    async fn refused_early(&self, call: &Call, cause: &Cause) -> Answer {
        Answer { close: true, ..self.refused(call, cause).await }
    }

    async fn refused(&self, call: &Call, cause: &Cause) -> Answer {
        if cause.is_temporary() {
            metrics::DELIVERIES_FAILED.add_one();
        } else {
            metrics::DELIVERIES_REFUSED.add_one();
        }
        if self.pipeline.intake.refuse(call.refusal(cause)).await {
            tracing::info!(
                request = %call.request,
                code = %cause.code(),
                fault = cause.error_code(),
                client = ?call.client,
                "delivery refused: {cause}"
            );
        }
        let mut answer = xml(StatusCode::INTERNAL_SERVER_ERROR, fault(cause, call.request).into());
        if cause.is_temporary() {
            let seconds = HeaderValue::from_static(RETRY_AFTER_SECS);
            answer.response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        answer
    }
}

/// Whether a body is what SOAP 1.1 sends: `text/xml`, UTF-8, not compressed.
fn is_soap(headers: &hyper::HeaderMap) -> bool {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return false;
    }
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let mut parts = value.split(';');
    let essence = parts.next().unwrap_or_default().trim();
    let charset = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    essence.eq_ignore_ascii_case("text/xml")
        && charset.is_none_or(|charset| {
            charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("us-ascii")
        })
}

fn xml(status: StatusCode, document: Bytes) -> Answer {
    respond(status, "text/xml;charset=UTF-8", document)
}

/// A refusal below SOAP: the connection is closed after it, because what follows is not known.
fn plain(status: StatusCode, text: &'static str) -> Answer {
    Answer {
        close: true,
        ..respond(status, "text/plain;charset=UTF-8", Bytes::from_static(text.as_bytes()))
    }
}

fn respond(status: StatusCode, media_type: &'static str, document: Bytes) -> Answer {
    let mut response = Response::new(Full::new(document));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    Answer { response, close: false }
}

/// When a temporary fault asks to come back.
const RETRY_AFTER_SECS: &str = "10";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_xml_in_utf8_without_compression_is_soap() {
        let verdict = |media_type: &'static str| {
            let mut headers = hyper::HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
            is_soap(&headers)
        };
        for media_type in ["text/xml", "Text/XML;charset=UTF-8", "text/xml; charset=\"utf-8\""] {
            assert!(verdict(media_type), "{media_type}");
        }
        for media_type in [
            "application/soap+xml",
            "text/xml; charset=iso-8859-1",
            "multipart/related; type=\"text/xml\"",
            "application/xml",
            "",
        ] {
            assert!(!verdict(media_type), "{media_type}");
        }
        let mut headers = hyper::HeaderMap::new();
        assert!(!is_soap(&headers));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert!(!is_soap(&headers));
    }
}
