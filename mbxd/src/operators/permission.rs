//! What a command asks of whoever gives it.

use mbx_common::role::Roles;

/// What a command asks of whoever gives it. The table of commands stands with the control API's
/// routes, so that mbxctl prints the same one; a command that is not in it cannot be given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Permission {
    /// Name of the command, `noun.verb`; stands in the entry of a refusal.
    pub command: &'static str,
    /// Who may give it.
    pub need: Need,
}

/// Who may give a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Need {
    /// Anybody who is logged in, even while the password must be changed.
    Session,
    /// Whoever has one of these roles; with no role in it, nobody.
    OneOf(Roles),
}
