//! Staff: who may log in, who is logged in, and what each may do (K4.4–4.9).
//!
//! Each act here, done or refused, is one unit of work with its audit entry. A session token is
//! known to its holder alone: the store keeps its SHA-256. Passwords are kept as Argon2id hashes
//! with their parameters. The room decides about staff only; holders are the `access` room's.

mod caller;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod login;
mod options;
mod password;
mod permission;
mod row;
mod session;
mod setup;
mod staff;
mod throttle;
mod token;

pub use caller::Caller;
pub use error::{Denied, InitialiseError, LoginError, PasswordError, StaffError};
pub use login::{LoggedIn, Operators};
pub use options::{Cost, Options};
pub use password::WeakPassword;
pub use permission::{Need, Permission};
pub use row::{BadName, Operator, OperatorName};
pub use setup::{Initialised, NewOfficer};
pub use staff::{SessionInfo, Staff};
pub use token::{BadToken, SessionToken};

#[cfg(test)]
mod tests;
