//! Every size, count and time limit that two crates share, each with its reason.
//!
//! Limits of one room alone stand in that room.

/// Longest request body on the control socket, in bytes: a registration batch is the largest.
pub const CONTROL_BODY_LEN_MAX: usize = 1024 * 1024;

/// Rows in one registration batch, so that a batch is one short burst of commits.
pub const REGISTER_BATCH_ROWS_MAX: usize = 200;

/// Rows that a list answers with when nothing was asked for: a screen.
pub const LIST_ROWS_DEFAULT: usize = 50;

/// Rows that a list answers with at most, so that one answer stays under a megabyte.
pub const LIST_ROWS_MAX: usize = 1000;

/// Recipients in one `notify`. Source: contract §3.3.
pub const NOTIFY_RECIPIENTS_MAX: usize = 1000;

/// Shortest password of an operator, in characters (K4.7).
pub const PASSWORD_CHARS_MIN: usize = 12;

/// Longest password of an operator, in bytes: bounds the work of one Argon2id call.
pub const PASSWORD_LEN_MAX: usize = 256;

/// Longest reason, ticket or reference that staff may give, in bytes.
pub const NOTE_LEN_MAX: usize = 500;
