//! Ctrl-C, listened for before the first word is said: pressed ever so early, it is not missed.

use crate::failure::Failure;
use mbx_common::explain;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens for Ctrl-C as long as it lives; until then Ctrl-C ends the program at once.
pub(crate) struct Interrupt(Signal);

impl Interrupt {
    /// Begins to listen.
    ///
    /// # Errors
    /// Where the system gives no handler.
    pub(crate) fn listen() -> Result<Self, Failure> {
        signal(SignalKind::interrupt())
            .map(Self)
            .map_err(|_| Failure::here(explain::INTERNAL, "Ctrl-C cannot be listened for"))
    }

    /// Ends when Ctrl-C is pressed.
    pub(crate) async fn pressed(&mut self) {
        self.0.recv().await;
    }
}
