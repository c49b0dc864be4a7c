//! Plays authorities, dispatchers and a portal against a mailbox operator.
