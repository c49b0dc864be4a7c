//! Composition root: start-up, listeners, reload, shutdown.
