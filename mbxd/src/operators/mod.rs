//! Staff: login, roles, sessions.
