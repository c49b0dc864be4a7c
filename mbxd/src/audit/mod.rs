//! The audit log: append, checkpoint signing, search, export.
