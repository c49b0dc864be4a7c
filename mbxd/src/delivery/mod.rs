//! The authorities' door: SOAP over mutual TLS. An edge: translates and never decides.

mod answer;
mod body;
mod call;
mod cause;
mod content;
mod description;
mod door;
mod fault;
mod file_name;
#[doc(hidden)]
pub mod fuzzing;
mod handover;
mod http;
mod intake;
#[doc(hidden)]
pub mod measuring;
mod memory;
mod pipeline;
mod port;
mod section;
pub mod signature;
pub mod soap;
mod turns;
mod xml;

pub use door::{Behind, Door};
pub use port::{Intake, Screen, Screened, Taken};
pub use section::{DoorError, check, sockets_max};

#[cfg(test)]
mod tests;
