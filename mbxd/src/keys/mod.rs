//! Every key below the token: root secrets, mailbox keys, the keyring, sealed DEKs, the delivery
//! directory, and the short-lived cache of opened keys.
//!
//! Delivering needs the lookup secret and public keys, never a key that reads. Reading needs the
//! token, the keyring and the mailbox's row together. What stands where is drawn in
//! `docs/formats/` (`root-secret`, `keyring`, `mailbox-keys`, `directory`, `sealed-dek`,
//! `register-record`).
//!
//! Source: K5.3, K5.4, K6.5; RFC 5869, RFC 9180, FIPS 203.

mod attend;
mod cache;
mod directory;
mod error;
mod fields;
mod founding;
#[doc(hidden)]
pub mod fuzzing;
mod handle;
mod key_schedule;
mod keyring;
mod keyring_len;
mod lookup;
mod mailbox_keys;
mod making;
mod opening;
mod pair;
mod protected;
mod register;
mod report;
mod root_secret;
mod sealed_dek;
mod secret_check;
mod side_record;
mod small;
mod token_key;
mod unlocked;
mod unlocking;
mod xwing;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::testing;

/// The token's state and figures, for edges that do not see the HSM room.
pub use crate::hsm::{
    Check, Latency, Metrics as HsmMetrics, Operation, Outcome as CheckOutcome, Rate, Sheet,
    State as HsmState, Status as HsmStatus,
};
pub use cache::{CacheBounds, HolderSession};
pub use directory::parse_lookup_credential;
pub use error::{KeysError, Thing};
pub use founding::Founding;
pub use handle::{Keys, KeysState, Surroundings};
pub use lookup::{DirectoryKey, DirectoryRow, Found, TierKey};
pub use making::{BATCH_MAX, MadeMailbox, NewMailbox};
pub use opening::OpenedKey;
pub use pair::{PrivateKey, PublicKey};
pub use report::{KeyUse, KeysStatus};
pub use sealed_dek::{Binding, SealedDek, seal_dek};
pub use side_record::{SideRecord, Unveiled};
pub use token_key::{KeyState, TokenKey};
