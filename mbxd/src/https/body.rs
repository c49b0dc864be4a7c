//! A request's body that tells when it has come.

use super::edge::Client;
use crate::peers::{Busy, Doing};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::HOST;
use hyper::{Request, Version};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A request's body. Until its end was read the connection may be given up for another.
#[derive(Debug)]
pub struct Asked {
    incoming: Incoming,
    busy: Arc<Busy<Client>>,
}

impl Asked {
    /// A request whose body tells of itself.
    pub(super) fn of(request: Request<Incoming>, busy: &Arc<Busy<Client>>) -> Request<Self> {
        request.map(|incoming| {
            let asked = Self { incoming, busy: Arc::clone(busy) };
            asked.look();
            asked
        })
    }

    fn look(&self) {
        if self.incoming.is_end_stream() {
            self.busy.now(Doing::Working);
        }
    }
}

/// Whether a request names the host that it is for once, as HTTP/1.1 demands: whoever stands between
/// client and door may believe another of two (RFC 9112, 3.2).
pub fn names_one_host<B>(request: &Request<B>) -> bool {
    let hosts = request.headers().get_all(HOST).iter().count();
    hosts == 1 || (hosts == 0 && request.version() < Version::HTTP_11)
}

impl Body for Asked {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(context));
        self.look();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
