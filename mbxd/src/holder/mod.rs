//! The portal's door: JSON over mutual TLS. An edge: translates and never decides.
//!
//! A request comes from a configured portal (client certificate) and carries an assertion of its
//! own (`assertion`): who was identified, how surely, when. The door verifies form, signature,
//! binding and time of the assertion; what the person may do is decided by `access::decide` inside
//! `mailbox::reading`, and the assertion is used up in the act's own unit of work.
//! `docs/openapi/portal.json` describes every route.

mod answer;
mod assertion;
mod door;
#[doc(hidden)]
pub mod fuzzing;
mod headers;
mod http;
mod json;
mod portals;
mod problem;
mod range;
mod route;
mod verification_key;

pub use door::{Behind, Door, Prepared};
pub use portals::PortalsError;

#[cfg(test)]
mod tests;
