//! The control API on the Unix socket: an edge, translates and never decides.
