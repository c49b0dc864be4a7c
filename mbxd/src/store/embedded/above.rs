//! The layers above the index's file, and the thread that writes them into it.

use super::error::IndexError;
use super::layers::{Layer, Layers};
use super::progress::Progress;
use super::record::Record;
use super::walk::Position;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// How many times as large as a large layer the young one may become while the old is written.
const LAYERS_MAX: usize = 4;

/// What was taken in and is on its way to the index's file.
pub(super) struct Above {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
    /// How much makes a layer large: rows, contents and leaves.
    layer_len: usize,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    layers: Layers,
    /// Whether the old layer could not be written; it stays where it is, to be read.
    failed: bool,
    /// Why, for the first who asks.
    error: Option<IndexError>,
    stopped: bool,
}

/// The layers at one moment: nothing goes from them into the file while this is held.
pub(super) struct Held<'a>(MutexGuard<'a, State>);

impl Deref for Held<'_> {
    type Target = Layers;

    fn deref(&self) -> &Layers {
        &self.0.layers
    }
}

impl Above {
    /// Starts the thread, which writes each layer by `write`.
    pub(super) fn new(
        layer_len: usize,
        write: impl Fn(&Layer) -> Result<(), IndexError> + Send + 'static,
    ) -> Result<Self, IndexError> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("index".to_owned());
        let writer = thread.spawn(move || theirs.write_layers(write)).map_err(redb::Error::Io)?;
        Ok(Self { shared, writer: Some(writer), layer_len })
    }

    /// The layers, to be read.
    pub(super) fn layers(&self) -> Held<'_> {
        Held(self.shared.state())
    }

    /// Takes in records: readable from now on, written by and by. Waits where more comes than is
    /// written.
    ///
    /// # Errors
    /// Where what came before could not be written.
    pub(super) fn take_in<'a>(
        &self,
        records: impl Iterator<Item = (Position, Record<'a>)>,
        progress: &Progress,
    ) -> Result<(), IndexError> {
        let mut state = self.shared.state();
        state.layers.young.add(records, progress);
        let len = state.layers.young.len();
        let far_too_large = len >= self.layer_len.saturating_mul(LAYERS_MAX);
        let large = len >= self.layer_len && !state.is_writing();
        if large || far_too_large { self.shared.turn(state) } else { Ok(()) }
    }

    /// Returns when the file has everything.
    ///
    /// # Errors
    /// Where it could not be written.
    pub(super) fn settle(&self) -> Result<(), IndexError> {
        // First the young layer is given to the thread, then it is waited for.
        self.shared.turn(self.shared.state())?;
        self.shared.turn(self.shared.state())
    }
}

impl Drop for Above {
    fn drop(&mut self) {
        self.shared.state().stopped = true;
        self.shared.changed.notify_all();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the index's thread ended by a defect");
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while the condition holds.
    fn wait_while<'s>(
        &self,
        state: MutexGuard<'s, State>,
        condition: impl Fn(&State) -> bool,
    ) -> MutexGuard<'s, State> {
        let waited = self.changed.wait_while(state, |state| condition(state));
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the young layer the old one, once that is written.
    fn turn(&self, state: MutexGuard<'_, State>) -> Result<(), IndexError> {
        let mut state = self.wait_while(state, State::is_writing);
        if state.failed {
            let error = state.error.take();
            return Err(error.unwrap_or_else(|| IndexError::senseless("the index's file")));
        }
        if !state.layers.young.is_empty() {
            let young = std::mem::take(&mut state.layers.young);
            state.layers.old = Some(Arc::new(young));
            self.changed.notify_all();
        }
        Ok(())
    }

    /// Writes each old layer, until it is stopped or one cannot be written.
    fn write_layers(&self, write: impl Fn(&Layer) -> Result<(), IndexError>) {
        loop {
            let idle = |state: &State| !state.stopped && state.layers.old.is_none();
            let state = self.wait_while(self.state(), idle);
            let Some(old) = state.layers.old.clone().filter(|_| !state.stopped) else { return };
            drop(state);
            // The index's engine trusts the bytes of its file and may panic where they are damaged.
            let written = catch_unwind(AssertUnwindSafe(|| write(&old)))
                .unwrap_or_else(|_| Err(IndexError::senseless("the index's file")));
            let mut state = self.state();
            match written {
                Ok(()) => state.layers.old = None,
                Err(error) => (state.failed, state.error) = (true, Some(error)),
            }
            self.changed.notify_all();
            if state.failed {
                return;
            }
        }
    }
}

impl State {
    /// Whether an old layer is still to be written.
    fn is_writing(&self) -> bool {
        self.layers.old.is_some() && !self.failed
    }
}
