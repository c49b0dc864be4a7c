//! The PINs that the supervisor has in hand, and who waits for what comes of them.

use super::CustodyError;
use secrecy::{ExposeSecret, SecretString};
use std::collections::VecDeque;
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;

/// A PIN from a person, who waits for what comes of it.
pub(super) struct Given {
    pub(super) pin: SecretString,
    pub(super) reply: oneshot::Sender<Result<(), CustodyError>>,
}

impl Given {
    /// Tells the person.
    pub(super) fn answer(self, outcome: Result<(), CustodyError>) {
        drop(self.reply.send(outcome));
    }
}

/// The PIN in use, the one before it, and those to come.
#[derive(Default)]
pub(super) struct Pins {
    in_use: Option<SecretString>,
    /// The PIN that the token took last. A PIN given by hand may be a slip: where the token refuses
    /// it, this one is used again. Never one that the token refused, or has not seen.
    accepted: Option<SecretString>,
    /// Whether a person gave the PIN in use, and the token has neither taken nor refused it yet.
    by_hand: bool,
    /// The person who gave the PIN in use.
    waiting: Option<oneshot::Sender<Result<(), CustodyError>>>,
    /// Given while an opening was under way with another one.
    queued: VecDeque<Given>,
}

impl Pins {
    /// With the PIN that is known at start.
    pub(super) fn new(pin: Option<SecretString>) -> Self {
        Self { in_use: pin, ..Self::default() }
    }

    /// The PIN to open the token with.
    pub(super) const fn in_use(&self) -> Option<&SecretString> {
        self.in_use.as_ref()
    }

    /// Whether a person gave it, and the token has neither taken nor refused it yet.
    pub(super) const fn is_by_hand(&self) -> bool {
        self.by_hand
    }

    /// The token took the PIN in use.
    pub(super) fn accept(&mut self) {
        self.by_hand = false;
        self.accepted.clone_from(&self.in_use);
    }

    /// Goes back to the PIN that the token took last, where the refused one is another.
    pub(super) fn fall_back(&mut self) -> bool {
        self.by_hand = false;
        let refused = self.in_use.take();
        let (Some(accepted), Some(refused)) = (self.accepted.take(), refused) else { return false };
        let [former, latter] = [&accepted, &refused].map(|pin| pin.expose_secret().as_bytes());
        let is_other = !bool::from(former.ct_eq(latter));
        self.in_use = is_other.then_some(accepted);
        is_other
    }

    /// Uses a PIN that a person gave; whoever gave an untried one before is told `replaced`.
    pub(super) fn put_in_use(&mut self, given: Given, replaced: CustodyError) {
        self.answer(Err(replaced));
        self.in_use = Some(given.pin);
        self.by_hand = true;
        self.waiting = Some(given.reply);
    }

    /// Keeps a PIN for when the opening that is under way has ended.
    pub(super) fn queue(&mut self, given: Given) {
        self.queued.push_back(given);
    }

    /// The next PIN that was kept, unless one is still to be tried.
    pub(super) fn next_queued(&mut self) -> Option<Given> {
        if self.waiting.is_some() { None } else { self.queued.pop_front() }
    }

    /// Tells the person who gave the PIN in use.
    pub(super) fn answer(&mut self, outcome: Result<(), CustodyError>) {
        if let Some(reply) = self.waiting.take() {
            drop(reply.send(outcome));
        }
    }

    /// Forgets the PINs that were used.
    pub(super) fn forget(&mut self) {
        self.in_use = None;
        self.accepted = None;
        self.by_hand = false;
    }

    /// Forgets every PIN; whoever waits is told that the token was locked.
    pub(super) fn lock(&mut self) {
        self.forget();
        self.answer(Err(CustodyError::Locked));
        for given in self.queued.drain(..) {
            given.answer(Err(CustodyError::Locked));
        }
    }
}
