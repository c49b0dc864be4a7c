//! `[policy]`: the rules that the installation follows.

use super::value::Span;
use mbx_common::assurance::{Loa, RuleProfile};
use serde::{Deserialize, Serialize};

/// Rules for holders and deliveries.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Edition of the requirements: `krav-1.2` (level 2 opens classes 1–2, level 3 class 3) or
    /// `digg-2024` (level 3 for everything). Default `krav-1.2`.
    pub profile: RuleProfile,
    /// How old an identification may be for class 3. Default `15 min`.
    pub fresh_authentication_age_max: Span,
    /// How old an identification may be for anything else. Default `60 min`.
    pub authentication_age_max: Span,
    /// Lowest level of assurance for delegating, exporting everything and ending a mailbox; never
    /// below what the profile demands. Default 3.
    pub grave_loa: Loa,
    /// Lowest level of assurance at which terms may have been accepted; never below what the
    /// profile demands. Default 2.
    pub registration_loa: Loa,
    /// Whether the holder may read while the mailbox is suspended. Default `true`.
    pub read_while_suspended: bool,
    /// How long a deleted message can be restored. Default `30 d`.
    pub restore_window: Span,
    /// How long a `deliverSecure` is recognised as a repeat; at least 30 days.
    /// Default `30 d`.
    pub repeat_window: Span,
    /// How long a `notify` is recognised as a repeat: a reminder worded alike may rightly come
    /// again. Default `24 h`.
    pub notify_repeat_window: Span,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            profile: RuleProfile::Krav12,
            fresh_authentication_age_max: Span::secs(15 * 60),
            authentication_age_max: Span::secs(60 * 60),
            grave_loa: Loa::Three,
            registration_loa: Loa::Two,
            read_while_suspended: true,
            restore_window: Span::secs(30 * 86_400),
            repeat_window: Span::secs(30 * 86_400),
            notify_repeat_window: Span::secs(86_400),
        }
    }
}
