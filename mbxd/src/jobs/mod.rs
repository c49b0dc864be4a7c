//! Long work that can be killed at any line and resumed: cursor, progress, cancel.
