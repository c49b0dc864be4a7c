//! The decision.

use super::action::Action;
use super::denied::Denied;
use super::facts::{Attempt, HeldMailbox, Rules};
use super::grant::{Capacity, Grant};
use mbx_common::assurance::{Loa, ProtectionClass};
use mbx_common::holder::MailboxState;

/// Decides whether the person may do this: the one place where K6.4–K6.6 are applied.
///
/// Entitlement is judged first, so that a stranger learns nothing of a mailbox, neither its state
/// nor that it is a company's, and the level before the age, so that the person is told to identify once, at the level that will do.
///
/// # Errors
/// [`Denied`] with the first reason that stands against it.
pub fn decide(attempt: &Attempt, rules: &Rules) -> Result<Grant, Denied> {
    let mailbox = attempt.mailbox.as_ref().ok_or(Denied::NotEntitled)?;
    let capacity = capacity(attempt, mailbox)?;
    let needed = level(attempt.action, rules);
    if attempt.person.loa < needed {
        return Err(Denied::LevelTooLow { needed });
    }
    freshness(attempt, rules)?;
    state(mailbox.state, attempt.action, rules)?;
    Ok(Grant { mailbox: mailbox.id, action: attempt.action, capacity, loa: attempt.person.loa })
}

/// Direct entitlement (K6.6): natural persons and sole traders hold their mailbox in person.
fn capacity(attempt: &Attempt, mailbox: &HeldMailbox) -> Result<Capacity, Denied> {
    if attempt.person.own_mailbox != Some(mailbox.id) || mailbox.state == MailboxState::Closed {
        return Err(Denied::NotEntitled);
    }
    if !mailbox.kind.is_natural_person() {
        return Err(Denied::CompanyNotSupported);
    }
    Ok(Capacity::Holder)
}

/// The lowest level of assurance that the act needs.
fn level(action: Action, rules: &Rules) -> Loa {
    let profile = rules.profile;
    let basic = profile.loa_for(ProtectionClass::Two);
    let high = profile.loa_for(ProtectionClass::Three);
    match action {
        Action::ListBasic | Action::ReadBasic | Action::RemoveBasic => basic,
        Action::ListHigh | Action::ReadHigh | Action::RemoveHigh => high,
        Action::Settings | Action::AcceptTerms => profile.loa_to_enter(),
        Action::Delegate => rules.grave_loa.max(profile.loa_to_enter()),
        // Both reach messages of class 3, whatever the installation says.
        Action::Export | Action::Terminate => rules.grave_loa.max(high),
    }
}

fn freshness(attempt: &Attempt, rules: &Rules) -> Result<(), Denied> {
    let authenticated = attempt.person.authenticated;
    if authenticated > attempt.now.plus_millis(rules.clock_skew_max_ms) {
        return Err(Denied::AuthenticationInFuture);
    }
    let age_max_ms = if attempt.action.needs_fresh_authentication() {
        rules.fresh_authentication_age_max_ms.min(rules.authentication_age_max_ms)
    } else {
        rules.authentication_age_max_ms
    };
    if attempt.now.since(authenticated) > age_max_ms {
        return Err(Denied::AuthenticationTooOld);
    }
    Ok(())
}

fn state(state: MailboxState, action: Action, rules: &Rules) -> Result<(), Denied> {
    match state {
        MailboxState::Active => Ok(()),
        MailboxState::Suspended if action.changes_nothing() && rules.read_while_suspended => Ok(()),
        MailboxState::Suspended => Err(Denied::Suspended),
        // The window in which the holder takes the messages out.
        MailboxState::Closing if action.changes_nothing() => Ok(()),
        MailboxState::Closing => Err(Denied::Closing),
        MailboxState::Closed => Err(Denied::NotEntitled),
    }
}
