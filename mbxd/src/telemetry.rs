//! Logging and redaction.
