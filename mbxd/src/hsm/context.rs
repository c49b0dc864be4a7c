//! The module's context: from `C_Initialize` to a token that answers, and back.

use super::canary::Canaries;
use super::fault::{Fault, Meaning};
use super::pin::{RejectedPin, Verdict};
use super::session::TokenSession;
use super::{KeySpec, State};
use crate::config::hsm::Hsm;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Limit, Slot};
use secrecy::SecretString;
use std::fmt;

/// Tokens that are software, by what they say of themselves: maker and model, each a prefix.
const SOFT_TOKENS: [(&str, &str); 5] =
    [("SoftHSM", ""), ("Kryoptic", ""), ("Mozilla", ""), ("NSS", ""), ("IBM", "Soft")];

/// The module and its log-in. Handed around whole, so that one thread at a time uses it.
pub(super) struct Context {
    module: Option<Pkcs11>,
    initialised: bool,
    /// Does nothing but hold the log-in: a token logs out with its last session.
    anchor: Option<Session>,
    slot: Option<Slot>,
}

/// What the token says of itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct TokenFacts {
    pub(super) label: String,
    pub(super) serial: String,
    pub(super) model: String,
    /// Most read-write sessions that it admits, where it tells.
    pub(super) sessions_max: Option<usize>,
}

/// A token that answers.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    pub(super) module: Pkcs11,
    pub(super) slot: Slot,
    pub(super) facts: TokenFacts,
    /// Expected keys that are not there exactly once.
    pub(super) missing: Vec<KeySpec>,
}

/// What is needed to open the token.
pub(super) struct Opening<'a> {
    pub(super) config: &'a Hsm,
    pub(super) development: bool,
    pub(super) pin: &'a SecretString,
    /// Whether a person gave the PIN: it is then tried even if it was refused before, and not
    /// remembered where it is refused. It is not tried again by itself anyway, and the memory is
    /// for the credential's.
    pub(super) by_hand: bool,
    pub(super) rejected: &'a RejectedPin,
    pub(super) expected: &'a [KeySpec],
    pub(super) canaries: &'a Canaries,
}

/// Why the token could not be opened.
#[derive(Debug)]
pub(super) enum OpenError {
    /// No slot has a token of this label and serial number.
    NoToken,
    /// The token is software, and the configuration wants hardware.
    SoftToken,
    /// The PIN is the one that was refused before, or that cannot be ruled out.
    PinKnownBad,
    /// The token refused the PIN just now; and what it says of further attempts.
    Pin { fault: Fault, left: Left },
    /// None of the expected keys is there: another token, or one that lost its objects.
    KeysGone,
    /// A call failed, or a key is not as it must be.
    Fault(Fault),
}

/// What the token says of further attempts at the PIN. Tokens give no number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Left {
    /// Nothing.
    Untold,
    /// There were wrong ones since the last right one.
    Few,
    /// The next wrong one locks it.
    One,
    /// It is locked.
    None,
}

impl Left {
    /// Asks the token.
    fn ask(module: &Pkcs11, slot: Slot) -> Self {
        match module.get_token_info(slot) {
            Ok(info) if info.user_pin_locked() => Self::None,
            Ok(info) if info.user_pin_final_try() => Self::One,
            Ok(info) if info.user_pin_count_low() => Self::Few,
            Ok(_) | Err(_) => Self::Untold,
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Untold => "",
            Self::Few => "; the token counts wrong PINs and locks after a few",
            Self::One => "; one more wrong PIN locks the token",
            Self::None => "; the token has locked the PIN",
        }
    }
}

impl OpenError {
    /// Whether a PIN was refused and the next wrong one does not lock the token: another PIN may
    /// then be tried without a person.
    pub(super) fn leaves_tries(&self) -> bool {
        let told = !matches!(self, Self::Pin { left: Left::One | Left::None, .. });
        told && self.state() == State::PinRejected
    }

    /// The state that follows.
    pub(super) fn state(&self) -> State {
        match self {
            Self::NoToken | Self::KeysGone => State::Down,
            Self::SoftToken => State::PolicyViolated,
            Self::Pin { left: Left::None, .. } => State::PinLocked,
            Self::PinKnownBad | Self::Pin { .. } => State::PinRejected,
            Self::Fault(fault) => match fault.meaning() {
                Meaning::Policy => State::PolicyViolated,
                Meaning::PinRejected => State::PinRejected,
                Meaning::PinLocked => State::PinLocked,
                Meaning::Session | Meaning::Ambiguous | Meaning::Record | Meaning::Key => {
                    State::Down
                }
            },
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoToken => f.write_str("no token has the configured label and serial number"),
            Self::SoftToken => f.write_str("the token is software, and require_hsm is set"),
            Self::PinKnownBad => {
                f.write_str("the PIN is the one that the token refused; it is not tried again")
            }
            Self::Pin { fault, left } => write!(f, "{fault}{}", left.text()),
            Self::KeysGone => f.write_str("the token holds none of the expected keys"),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        Self::Fault(error.into())
    }
}

impl Context {
    /// Nothing is loaded yet.
    pub(super) const fn new() -> Self {
        Self { module: None, initialised: false, anchor: None, slot: None }
    }

    /// Opens the token from the beginning: finalizes, initialises, logs in once, finds and checks
    /// every expected key. Only this order heals every loss. The caller sees to it that no call
    /// into the module is under way and no session of the former epoch is left.
    pub(super) fn open(&mut self, opening: &Opening<'_>) -> Result<Opened, OpenError> {
        // Where it does not finalize, it does not initialise either.
        if let Err(fault) = self.close() {
            tracing::debug!(%fault, "the module does not finalize");
        }
        let module = self.load(opening.config)?;
        let mut flags = CInitializeFlags::OS_LOCKING_OK;
        flags.set(CInitializeFlags::LIBRARY_CANT_CREATE_OS_THREADS, !opening.config.module_threads);
        module.initialize(CInitializeArgs::new(flags))?;
        self.initialised = true;
        let (slot, facts) = find_token(&module, opening.config)?;
        if opening.config.require_hsm && !opening.development && is_soft(&facts) {
            return Err(OpenError::SoftToken);
        }
        self.slot = Some(slot);
        let anchor = module.open_rw_session_no_drop(slot)?;
        let login = login(&anchor, opening);
        self.anchor = Some(anchor);
        match login {
            Err(OpenError::Fault(fault)) if fault.meaning() == Meaning::PinRejected => {
                let left = Left::ask(&module, slot);
                return Err(OpenError::Pin { fault, left });
            }
            outcome => outcome?,
        }
        examine(module, slot, facts, opening)
    }

    /// Asks the token again without opening it anew: while a call does not return, the module
    /// must not be finalized.
    pub(super) fn ask(&self, opening: &Opening<'_>) -> Result<Opened, OpenError> {
        match (&self.module, self.slot) {
            (Some(module), Some(slot)) if self.anchor.is_some() => {
                let facts = self.facts(slot)?;
                examine(module.clone(), slot, facts, opening)
            }
            _ => Err(OpenError::NoToken),
        }
    }

    /// Logs out and finalizes the module. Where that fails, the next opening tries it again.
    pub(super) fn close(&mut self) -> Result<(), Fault> {
        self.slot = None;
        if let Some(anchor) = self.anchor.take() {
            drop(anchor.close());
        }
        if let Some(module) = self.module.clone().filter(|_| self.initialised) {
            let outcome = module.finalize().map_err(Fault::from);
            self.initialised = match &outcome {
                Ok(()) => false,
                Err(fault) => !fault.is(RvError::CryptokiNotInitialized),
            };
            return outcome;
        }
        Ok(())
    }

    fn load(&mut self, config: &Hsm) -> Result<Pkcs11, Fault> {
        if let Some(module) = &self.module {
            return Ok(module.clone());
        }
        let module = Pkcs11::new(&config.module)?;
        self.module = Some(module.clone());
        Ok(module)
    }

    fn facts(&self, slot: Slot) -> Result<TokenFacts, OpenError> {
        self.module.as_ref().map_or(Err(OpenError::NoToken), |module| Ok(facts(module, slot)?))
    }
}

/// The one slot whose token has the configured label and serial number.
fn find_token(module: &Pkcs11, config: &Hsm) -> Result<(Slot, TokenFacts), OpenError> {
    if let Some(id) = config.slot_id {
        let slot = Slot::try_from(id)?;
        let unreadable = TokenFacts {
            label: config.token_label.clone(),
            serial: config.token_serial.clone(),
            ..TokenFacts::default()
        };
        return Ok((slot, facts(module, slot).unwrap_or(unreadable)));
    }
    for slot in module.get_slots_with_token()? {
        // A neighbour that cannot be read does not keep us from ours.
        let Ok(facts) = facts(module, slot) else { continue };
        if facts.label == config.token_label && facts.serial == config.token_serial {
            return Ok((slot, facts));
        }
    }
    Err(OpenError::NoToken)
}

fn facts(module: &Pkcs11, slot: Slot) -> Result<TokenFacts, Fault> {
    let info = module.get_token_info(slot)?;
    Ok(TokenFacts {
        label: info.label().trim_end().to_owned(),
        serial: info.serial_number().trim_end().to_owned(),
        model: format!("{} {}", info.manufacturer_id().trim_end(), info.model().trim_end()),
        sessions_max: [info.max_session_count(), info.max_rw_session_count()]
            .into_iter()
            .filter_map(sessions)
            .min(),
    })
}

fn sessions(limit: Limit) -> Option<usize> {
    match limit {
        // Some modules write 0 where they should write "not told".
        Limit::Max(0) | Limit::Unavailable | Limit::Infinite => None,
        Limit::Max(max) => usize::try_from(max).ok(),
    }
}

fn is_soft(facts: &TokenFacts) -> bool {
    SOFT_TOKENS.iter().any(|(maker, model)| {
        facts.model.strip_prefix(maker).is_some_and(|rest| rest.trim_start().starts_with(model))
    })
}

/// Logs in, once. A credential that the token refuses is remembered before anything else happens.
fn login(anchor: &Session, opening: &Opening<'_>) -> Result<(), OpenError> {
    if !opening.by_hand && opening.rejected.judge(opening.pin) != Verdict::New {
        return Err(OpenError::PinKnownBad);
    }
    match anchor.login(UserType::User, Some(opening.pin)).map_err(Fault::from) {
        Ok(()) => {}
        Err(fault) if fault.is_logged_in_already() => {}
        Err(fault) => {
            if !opening.by_hand
                && fault.meaning() == Meaning::PinRejected
                && let Err(error) = opening.rejected.remember(opening.pin)
            {
                tracing::error!(%error, "the rejected PIN cannot be remembered on disk");
            }
            return Err(fault.into());
        }
    }
    opening.rejected.forget();
    Ok(())
}

/// Finds every expected key, checks its attributes and does a known-answer operation with it, in a
/// session of its own.
fn examine(
    module: Pkcs11,
    slot: Slot,
    facts: TokenFacts,
    opening: &Opening<'_>,
) -> Result<Opened, OpenError> {
    let mut session = TokenSession::new(module.clone(), slot);
    let outcome = examine_keys(&mut session, opening);
    session.discard();
    Ok(Opened { module, slot, facts, missing: outcome? })
}

fn examine_keys(
    session: &mut TokenSession,
    opening: &Opening<'_>,
) -> Result<Vec<KeySpec>, OpenError> {
    let mut missing = Vec::new();
    for key in opening.expected {
        match opening.canaries.ask(session, *key) {
            Ok(()) => {}
            Err(fault) if fault.meaning() == Meaning::Key => missing.push(*key),
            Err(fault) => return Err(fault.into()),
        }
    }
    if opening.expected.is_empty() {
        session.raw()?;
    } else if missing.len() == opening.expected.len() {
        return Err(OpenError::KeysGone);
    }
    Ok(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_soft_tokens_are_known_by_maker_and_model() {
        for (model, soft) in [
            ("SoftHSM project SoftHSM v2", true),
            ("Kryoptic Project v1", true),
            ("Mozilla Foundation NSS 3", true),
            ("IBM Soft", true),
            ("IBM CCA", false),
            ("SafeNet Luna K7", false),
            ("Yubico (www.yubico.com) YubiHSM", false),
        ] {
            let facts = TokenFacts { model: model.to_owned(), ..TokenFacts::default() };
            assert_eq!(is_soft(&facts), soft, "{model}");
        }
    }
}
