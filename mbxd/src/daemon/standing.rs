//! The configuration in force, as the rooms ask for it.

use crate::config::{InForce, Loaded};
use std::sync::{Arc, PoisonError, RwLock};

/// The configuration in force; a reload puts another one in its place. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Standing(Arc<RwLock<Arc<InForce>>>);

impl Standing {
    pub(super) fn new(loaded: Loaded) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(InForce::started(loaded)))))
    }

    pub(super) fn get(&self) -> Arc<InForce> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts in force what a reload can.
    pub(super) fn reload(&self, loaded: Loaded) {
        let reloaded = Arc::new(self.get().reloaded(loaded));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = reloaded;
    }
}
