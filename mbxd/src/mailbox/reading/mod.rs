//! What holders do with their mailbox: look, list, open, mark, delete, restore.
//!
//! A portal's verified statement ([`Caller`]) becomes a [`Visit`]; every act asks
//! `access::decide` for its grant, and commits its audit entry together with the used assertion
//! before a byte is given out. Refused acts leave an entry too.

mod change;
mod content;
mod error;
mod list;
mod open;
mod part;
mod stored;
mod view;
mod visit;

pub use change::Changed;
pub(in crate::mailbox) use content::stored_root;
pub use error::HolderError;
pub use list::{ListRequest, Listed, Listing};
pub use open::OpenedMessage;
pub use part::PartStream;
pub use view::{Etag, MailboxView, MessageView, PartView, SupportView};
pub use visit::{Caller, Ticket, Visit};
