//! One request of a portal: who calls, for whom, what for; then the mailbox's answer.

use super::answer::{Answer, empty, holding, json, octets, with};
use super::assertion::{AssertionError, Judge};
use super::headers;
use super::json::{Change, Mailbox, Message, Page};
use super::portals::{InForce, Portal, Portals};
use super::problem::Refused;
use super::range::{Wanted, wanted};
use super::route::{NoRoute, Route};
use crate::clock::Clock;
use crate::config::Fingerprint;
use crate::mailbox::Mailboxes;
use crate::mailbox::reading::{Caller, Changed, HolderError, ListRequest, OpenedMessage, Visit};
use crate::telemetry::metrics;
use bytes::Bytes;
use hyper::body::Body;
use hyper::header::{
    ACCEPT_RANGES, AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH, RANGE,
};
use hyper::{HeaderMap, Request};
use mbx_common::audit::Peer;
use mbx_common::error::{Code, Kind};
use mbx_common::explain;
use mbx_common::id::{MessageId, RequestId};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The description of every route, served as it stands in the tree.
const OPENAPI: &[u8] = include_bytes!("../../../docs/openapi/portal.json");

/// What answers requests; shared by all connections.
pub(super) struct Service {
    pub(super) mailboxes: Mailboxes,
    pub(super) portals: InForce,
    pub(super) clock: Clock,
    /// Requests in progress; each gives its turn back with the last byte of its answer.
    pub(super) turns: Arc<Semaphore>,
}

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client {
    pub(super) address: IpAddr,
    pub(super) certificate: Fingerprint,
}

/// One request under way.
struct Call<'a> {
    service: &'a Service,
    client: Client,
    request: RequestId,
    headers: &'a HeaderMap,
    query: &'a str,
}

impl Service {
    /// Answers one request; where too many are in progress it is told to come back. Who is no portal
    /// takes no portal's turn to be told so.
    pub(super) async fn answer<B: Body>(&self, client: Client, request: Request<B>) -> Answer {
        let id = RequestId::from_bytes(crate::random::bytes());
        let known = self.portals.current().of(client.certificate).is_some();
        let turn = known.then(|| Arc::clone(&self.turns).try_acquire_owned()).transpose();
        let Ok(turn) = turn else {
            metrics::READS_FAILED.add_one();
            return Refused::busy().answer(id);
        };
        let started = std::time::Instant::now();
        let (head, body) = request.into_parts();
        let call = Call {
            service: self,
            client,
            request: id,
            headers: &head.headers,
            query: head.uri.query().unwrap_or_default(),
        };
        let outcome = if body.is_end_stream() {
            call.answer(Route::of(&head.method, head.uri.path())).await
        } else {
            // No route takes a body; what follows on the connection would be one.
            Err(Refused::of(explain::USAGE))
        };
        metrics::READ_TIME.record(started.elapsed());
        let mut answer = match outcome {
            Ok(answer) => {
                metrics::READS_DONE.add_one();
                answer
            }
            Err(refused) => {
                match refused.kind {
                    Kind::Usage | Kind::Denied | Kind::NotFound | Kind::Conflict => {
                        metrics::READS_REFUSED.add_one();
                    }
                    Kind::Limit | Kind::Unavailable | Kind::Corrupt | Kind::Internal => {
                        metrics::READS_FAILED.add_one();
                    }
                }
                refused.answer(id)
            }
        };
        headers::secure(answer.headers_mut(), id);
        holding(answer, turn)
    }
}

impl Call<'_> {
    async fn answer(&self, route: Result<Route, NoRoute>) -> Result<Answer, Refused> {
        let portals = self.service.portals.current();
        let Some(portal) = portals.of(self.client.certificate) else {
            self.refuse(None, explain::PORTAL_UNKNOWN).await;
            return Err(Refused::of(explain::PORTAL_UNKNOWN));
        };
        let route = match route {
            Ok(Route::OpenApi) => return Ok(openapi()),
            Ok(route) => route,
            Err(NoRoute::Path) => return Err(Refused::of(explain::NO_ROUTE)),
            Err(NoRoute::Method) => return Err(Refused::of(explain::METHOD)),
            Err(NoRoute::Message) => return Err(Refused::of(explain::NO_MESSAGE)),
        };
        let list = if route == Route::List { Some(self.list_request()?) } else { None };
        let condition = if route.takes_condition() { self.condition()? } else { None };
        let caller = match self.caller(&portals, &portal) {
            Ok(caller) => caller,
            Err(error) => {
                let told = self.refuse(Some(&portal), error.code()).await;
                if told {
                    let (request, name) = (self.request, &portal.client.name);
                    tracing::warn!(%request, portal = name, %error, "assertion refused");
                }
                return Err(Refused::of(error.code()));
            }
        };
        let outcome = self.act(route, list, condition, caller).await;
        outcome.map_err(|error| {
            let (request, code) = (self.request, error.code());
            if matches!(error.kind(), Kind::Corrupt | Kind::Internal) {
                tracing::error!(%request, %code, error = chain(&error), "holder's request failed");
            } else {
                tracing::info!(%request, %code, %error, "holder's request refused");
            }
            Refused::from(&error)
        })
    }

    /// Who calls, as the assertion says, once it is believed.
    fn caller(&self, portals: &Portals, portal: &Portal) -> Result<Caller, AssertionError> {
        let judge = Judge {
            portals,
            portal,
            certificate: self.client.certificate,
            now: self.service.clock.now(),
        };
        let assertion = judge.judge(self.bearer().ok_or(AssertionError::Missing)?)?;
        Ok(Caller {
            portal: portal.client.name.clone(),
            peer: Some(self.peer()),
            request: self.request,
            number: assertion.number,
            loa: assertion.loa,
            authenticated: assertion.authenticated,
            on_behalf_of: assertion.on_behalf_of,
            ticket: assertion.ticket,
        })
    }

    /// The one `Authorization: Bearer` of the request.
    fn bearer(&self) -> Option<&str> {
        let mut values = self.headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        value.to_str().ok()?.strip_prefix("Bearer ")
    }

    fn peer(&self) -> Peer {
        let certificate = Some(self.client.certificate.0);
        Peer::Remote { address: self.client.address, certificate }
    }

    /// Keeps account of a refusal before it is clear for whom the portal calls. Tells whether it has
    /// an entry of its own; of many alike within a minute only the first has.
    async fn refuse(&self, portal: Option<&Portal>, code: Code) -> bool {
        let name = portal.map(|portal| portal.client.name.as_str());
        let peer = Some(self.peer());
        let noted = self.service.mailboxes.refuse_portal(name, peer, self.request, code).await;
        noted.unwrap_or_else(|error| {
            tracing::error!(request = %self.request, %error, "refusal not recorded");
            true
        })
    }

    async fn act(
        &self,
        route: Route,
        list: Option<ListRequest>,
        condition: Option<&str>,
        caller: Caller,
    ) -> Result<Answer, HolderError> {
        let mailboxes = &self.service.mailboxes;
        let visit = mailboxes.enter(caller).await?;
        match route {
            Route::Mailbox => Ok(json(200, &Mailbox::from(mailboxes.view(&visit).await?))),
            Route::List => {
                let listing = mailboxes.list(&visit, list.unwrap_or_default()).await?;
                Ok(json(200, &Page::from(listing)))
            }
            Route::Open(id) => self.open(&visit, id).await,
            Route::Part(id, number) => self.part(&visit, id, number).await,
            Route::MarkRead(id) => {
                let marked = mailboxes.mark_read(&visit, id, condition).await?;
                Ok(changed(id, &marked))
            }
            Route::Delete(id) => Ok(changed(id, &mailboxes.delete(&visit, id, condition).await?)),
            Route::Restore(id) => Ok(changed(id, &mailboxes.restore(&visit, id, condition).await?)),
            Route::EndSession => {
                mailboxes.end_session(&visit).await?;
                Ok(empty(204))
            }
            Route::OpenApi => Ok(openapi()),
        }
    }

    async fn open(&self, visit: &Visit, id: MessageId) -> Result<Answer, HolderError> {
        let opened = self.service.mailboxes.open(visit, id).await?;
        let etag = opened.view.etag.to_string();
        let known = self.headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        if known.and_then(tag) == Some(&etag) {
            return Ok(tagged(empty(304), &etag));
        }
        Ok(tagged(json(200, &Message::from(&opened.view)), &etag))
    }

    async fn part(
        &self,
        visit: &Visit,
        id: MessageId,
        number: usize,
    ) -> Result<Answer, HolderError> {
        let opened = self.service.mailboxes.open(visit, id).await?;
        let part = opened.view.parts.get(number).ok_or(HolderError::NoMessage)?;
        let range = self.headers.get(RANGE).and_then(|value| value.to_str().ok());
        let (status, range) = match wanted(range, part.len) {
            Wanted::Whole => (200, 0..part.len),
            Wanted::Part(range) => (206, range),
            Wanted::Unsatisfiable => return Ok(self.unsatisfiable(part.len)),
        };
        let mut answer = self.octets(&opened, number, status, range.clone()).await?;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, headers::media_type(&part.media_type));
        headers.insert(CONTENT_DISPOSITION, headers::attachment(part.file_name.as_deref()));
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        let len = range.end.saturating_sub(range.start);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(len));
        if status == 206 {
            let last = range.end.saturating_sub(1);
            let text = format!("bytes {}-{last}/{}", range.start, part.len);
            insert(headers, CONTENT_RANGE, &text);
        }
        Ok(answer)
    }

    async fn octets(
        &self,
        opened: &OpenedMessage,
        number: usize,
        status: u16,
        range: std::ops::Range<u64>,
    ) -> Result<Answer, HolderError> {
        let part = self.service.mailboxes.read_part(opened, number, range).await?;
        Ok(octets(status, part))
    }

    fn unsatisfiable(&self, len: u64) -> Answer {
        let mut answer = Refused::of(explain::RANGE_UNSATISFIABLE).answer(self.request);
        insert(answer.headers_mut(), CONTENT_RANGE, &format!("bytes */{len}"));
        answer
    }

    /// The tag of the request's `If-Match`; `None` where there is none or any would do. What cannot
    /// be read is refused: it was meant as a condition.
    fn condition(&self) -> Result<Option<&str>, Refused> {
        let mut values = self.headers.get_all(IF_MATCH).iter();
        let text = match (values.next(), values.next()) {
            (None, _) => return Ok(None),
            (Some(value), None) => value.to_str().ok().map(str::trim),
            (Some(_), Some(_)) => None,
        };
        match text {
            Some("*") => Ok(None),
            text => match text.and_then(tag) {
                Some(tag) => Ok(Some(tag)),
                None => Err(Refused::of(explain::USAGE)),
            },
        }
    }

    /// Reads `?limit=&after=&deleted=`; anything else is refused.
    fn list_request(&self) -> Result<ListRequest, Refused> {
        let mut request = ListRequest::default();
        for pair in self.query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let read = match name {
                "limit" => value.parse().map(|limit| request.limit = Some(limit)).ok(),
                "after" => place(value).map(|place| request.before = Some(place)),
                "deleted" => value.parse().map(|deleted| request.deleted = deleted).ok(),
                _ => None,
            };
            read.ok_or_else(|| Refused::of(explain::USAGE))?;
        }
        Ok(request)
    }
}

/// One entity tag (RFC 9110, 8.8.3). Ours are strong; a proxy that encodes may have weakened one.
fn tag(text: &str) -> Option<&str> {
    let text = text.trim();
    let quoted = text.strip_prefix("W/").unwrap_or(text);
    quoted.strip_prefix('"')?.strip_suffix('"').filter(|tag| !tag.contains('"'))
}

/// A cursor: 16 lower-case hex digits.
fn place(text: &str) -> Option<u64> {
    let place = u64::from_str_radix(text, 16).ok()?;
    (format!("{place:016x}") == text).then_some(place)
}

fn changed(id: MessageId, changed: &Changed) -> Answer {
    tagged(json(200, &Change::of(id, changed)), &changed.etag.to_string())
}

fn tagged(mut answer: Answer, etag: &str) -> Answer {
    insert(answer.headers_mut(), ETAG, &format!("\"{etag}\""));
    answer
}

fn insert(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

fn openapi() -> Answer {
    let mut answer = with(200, Bytes::from_static(OPENAPI));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// An error with its causes, for the journal.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
