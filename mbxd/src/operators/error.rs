//! Why staff could not do something.

use super::password::WeakPassword;
use super::row::BadName;
use crate::keys::KeysError;
use crate::store::{BadRow, CommitError, ReadError};
use mbx_common::error::Kind;
use mbx_common::role::Roles;

/// The store behind the room did not do its part.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StaffError {
    /// A row of staff or sessions cannot be read.
    #[error("a row of staff is damaged")]
    Row(#[from] BadRow),
    /// The store could not read.
    #[error("cannot read the rows of staff")]
    Read(#[from] ReadError),
    /// The store did not commit: without its audit entry the act does not happen.
    #[error("cannot write the rows of staff")]
    Commit(#[from] CommitError),
    /// No member of staff has this name.
    #[error("no such member of staff")]
    Unknown,
}

impl StaffError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Row(error) => error.kind(),
            Self::Read(error) => error.kind(),
            Self::Commit(error) => error.kind(),
            Self::Unknown => Kind::NotFound,
        }
    }
}

/// Why nobody was logged in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// Name and password do not go together, or the person is suspended; never told which.
    #[error("name and password do not fit, or this person may not log in")]
    Refused,
    /// Too many failed attempts; this one was not looked at.
    #[error("too many failed logins; try again in {} s", retry_after_ms.div_ceil(1000))]
    Delayed {
        /// Milliseconds until an attempt is looked at again.
        retry_after_ms: u64,
    },
    /// The password could not be checked.
    #[error("the password could not be checked")]
    Password(#[from] PasswordError),
    /// The store failed.
    #[error("cannot log in")]
    Staff(#[from] StaffError),
}

impl LoginError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Refused => Kind::Denied,
            Self::Delayed { .. } => Kind::Limit,
            Self::Password(error) => error.kind(),
            Self::Staff(error) => error.kind(),
        }
    }
}

/// Why a password was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// The present password is another.
    #[error("the present password is another")]
    Wrong,
    /// The new password is not good enough.
    #[error(transparent)]
    Weak(#[from] WeakPassword),
    /// Too many failed attempts; this one was not looked at.
    #[error("too many failed attempts; try again in {} s", retry_after_ms.div_ceil(1000))]
    Delayed {
        /// Milliseconds until an attempt is looked at again.
        retry_after_ms: u64,
    },
    /// The hash could not be made.
    #[error("the password could not be hashed")]
    Hash,
    /// The store failed.
    #[error("cannot change the password")]
    Staff(#[from] StaffError),
}

impl PasswordError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Wrong => Kind::Denied,
            Self::Weak(_) => Kind::Usage,
            Self::Delayed { .. } => Kind::Limit,
            Self::Hash => Kind::Internal,
            Self::Staff(error) => error.kind(),
        }
    }
}

/// Why a command was not let through.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// No session: none was named, it has ended, or it is another user's or terminal's.
    #[error("not logged in")]
    NotLoggedIn,
    /// The session had timed out; it is ended now.
    #[error("the session has timed out: log in again")]
    TimedOut,
    /// The person was suspended; the session is ended.
    #[error("this person may not use mbxctl at present")]
    Suspended,
    /// The password must be changed before anything else.
    #[error("the password must be changed first")]
    PasswordDue,
    /// None of the person's roles may do this.
    #[error("this needs another role")]
    Role {
        /// Any of these would do.
        need: Roles,
        /// What the person has.
        have: Roles,
    },
    /// The store failed, so nothing is allowed.
    #[error("cannot check the session")]
    Staff(#[from] StaffError),
}

impl Denied {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NotLoggedIn
            | Self::TimedOut
            | Self::Suspended
            | Self::PasswordDue
            | Self::Role { .. } => Kind::Denied,
            Self::Staff(error) => error.kind(),
        }
    }
}

/// Why the first set-up did not happen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitialiseError {
    /// Only root and the daemon's own user may do it.
    #[error("only root and the daemon's own user may initialise")]
    NotAllowed,
    /// It was done before.
    #[error("this installation is initialised already")]
    Already,
    /// Fewer than two security officers: nobody could approve another's request.
    #[error("name at least two security officers")]
    Officers,
    /// Two of them have the same name.
    #[error("each officer has a name of their own")]
    SameName,
    /// A name is no login name.
    #[error(transparent)]
    Name(#[from] BadName),
    /// A password is not good enough.
    #[error("the password of {name} cannot be taken")]
    Password {
        /// Whose.
        name: String,
        /// Why.
        source: PasswordError,
    },
    /// The keys could not be made, or the side records of the officers.
    #[error("cannot make the keys of the installation")]
    Keys(#[from] KeysError),
    /// The store failed.
    #[error("cannot initialise")]
    Staff(#[from] StaffError),
}

impl InitialiseError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NotAllowed => Kind::Denied,
            Self::Already => Kind::Conflict,
            Self::Officers | Self::SameName | Self::Name(_) => Kind::Usage,
            Self::Password { source, .. } => source.kind(),
            Self::Keys(error) => error.kind(),
            Self::Staff(error) => error.kind(),
        }
    }
}

/// Lets `?` carry the store's errors into every error of the room.
macro_rules! from_store {
    ($($error:ident),+) => {$(
        impl From<ReadError> for $error {
            fn from(error: ReadError) -> Self {
                Self::Staff(error.into())
            }
        }

        impl From<CommitError> for $error {
            fn from(error: CommitError) -> Self {
                Self::Staff(error.into())
            }
        }

        impl From<BadRow> for $error {
            fn from(error: BadRow) -> Self {
                Self::Staff(error.into())
            }
        }
    )+};
}

from_store!(Denied, InitialiseError, LoginError, PasswordError);
