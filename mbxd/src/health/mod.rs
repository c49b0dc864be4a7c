//! Readiness, metrics, watchdog.
