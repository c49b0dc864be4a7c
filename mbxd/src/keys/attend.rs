//! Following the token: opened when it opens, closed when it closes.

use super::error::KeysError;
use super::handle::{Keys, KeysState};
use crate::hsm::State;
use std::time::Duration;

/// How often expired keys are dropped, and how soon a failed opening is tried again.
const STEP: Duration = Duration::from_secs(5);

impl Keys {
    /// Runs for the daemon's life: opens the keys as soon as the token is ready, closes them when
    /// the token is locked or breaks the policy, and drops expired keys from the cache. A token
    /// that is merely away closes nothing: what is opened lasts until it expires.
    ///
    /// `report` is told of every failed opening.
    pub async fn attend(&self, mut report: impl FnMut(&KeysError)) {
        let mut changes = self.0.custody.changes();
        loop {
            let state = *changes.borrow_and_update();
            match state {
                State::Ready if self.state() != KeysState::Open => match self.open().await {
                    Ok(()) | Err(KeysError::NotInitialised) => {}
                    Err(error) => report(&error),
                },
                State::Locked | State::PinRejected | State::PinLocked | State::PolicyViolated => {
                    self.close();
                }
                State::Ready | State::Down => {}
            }
            self.sweep();
            // A closed channel means that the token's room is gone: the daemon is stopping.
            if let Ok(Err(_)) = tokio::time::timeout(STEP, changes.changed()).await {
                return;
            }
        }
    }
}
