//! Mailboxes: register, accept a delivery, list, open, delete; one unit of work each.

pub mod incoming;
