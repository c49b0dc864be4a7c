//! `/v1/hsm`: the token's state, its unlocking, its compatibility sheet.

use super::answer::{Answer, json, plan};
use super::ask::Ask;
use super::refusal::Refusal;
use super::rooms::Rooms;
use crate::keys::{CheckOutcome, HsmState as State, HsmStatus as Status, KeysError, Sheet};
use crate::operators::Staff;
use mbx_common::audit::{Event, Origin, Outcome};
use mbx_common::control::Level;
use mbx_common::control::hsm::{Check, HsmState, HsmStatus, Opened, PinRequest, TestSheet};
use mbx_common::error::Kind;
use secrecy::SecretString;

/// What each place of the token's counters stands for.
const PURPOSES: [&str; 8] =
    ["", "kek-basic", "kek-high", "kek-register", "keyring", "backup", "sign", ""];

/// The token's state.
pub(super) fn status(rooms: &Rooms) -> Result<Answer, Refusal> {
    json(&shown(&rooms.keys.status().hsm))
}

/// Gives the token its PIN and opens the keys.
pub(super) async fn login(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    let request: PinRequest = ask.body()?;
    if ask.wishes.dry_run {
        let token = rooms.keys.status().hsm.token;
        return plan(vec![
            format!("give the token {token} its PIN, once"),
            "open the keys".to_owned(),
        ]);
    }
    let pin = SecretString::from(request.pin.expose());
    let act = Act::begin(rooms, ask.origin(staff), Event::PinGiven).await?;
    act.end(rooms.keys.hsm_unlock(pin).await).await?;
    status(rooms)
}

/// Locks the token; every opened key is wiped.
pub(super) async fn logout(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    if ask.wishes.dry_run {
        return plan(vec![
            "wipe every opened key; reading ends, deliveries go on".to_owned(),
            format!("log out of the token {}", rooms.keys.status().hsm.token),
        ]);
    }
    let act = Act::begin(rooms, ask.origin(staff), Event::HsmLocked).await?;
    rooms.keys.hsm_lock().await;
    act.end(Ok(())).await?;
    status(rooms)
}

/// Tries what the daemon needs.
pub(super) async fn test(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    let act = Act::begin(rooms, ask.origin(staff), Event::HsmTested).await?;
    json(&test_sheet(&act.end(rooms.keys.hsm_test().await).await?))
}

/// An act on the token: its entry *asked* stands before it is done, then one with what came out.
struct Act<'a> {
    rooms: &'a Rooms,
    origin: Origin,
    event: Event,
}

impl<'a> Act<'a> {
    async fn begin(rooms: &'a Rooms, origin: Origin, event: Event) -> Result<Self, Refusal> {
        rooms.audit.record_act(&origin, event, Outcome::Asked).await?;
        Ok(Self { rooms, origin, event })
    }

    async fn end<T>(self, result: Result<T, KeysError>) -> Result<T, Refusal> {
        let outcome = match &result {
            Ok(_) => Outcome::Done,
            // Not even tried.
            Err(error) if error.kind() == Kind::Conflict => Outcome::Refused,
            Err(_) => Outcome::Failed,
        };
        self.rooms.audit.record_act(&self.origin, self.event, outcome).await?;
        result.map_err(|error| Refusal::of_keys(&error, &self.rooms.keys.status()))
    }
}

/// The state as the API spells it.
pub(super) const fn state(state: State) -> HsmState {
    match state {
        State::Ready => HsmState::Ready,
        State::Locked => HsmState::Locked,
        State::PinRejected => HsmState::PinRejected,
        State::PinLocked => HsmState::PinLocked,
        State::Down => HsmState::Down,
        State::PolicyViolated => HsmState::PolicyViolated,
    }
}

fn shown(status: &Status) -> HsmStatus {
    let opened = PURPOSES.iter().zip(status.opened).filter(|(purpose, _)| !purpose.is_empty());
    HsmStatus {
        state: state(status.state),
        token: status.token.clone(),
        serial: status.serial.clone(),
        model: status.model.clone(),
        epoch: status.epoch,
        since_s: status.since.as_secs(),
        next_try_s: status.next_try.map(|wait| wait.as_secs()),
        queue_len: u64::try_from(status.queue_len).unwrap_or(u64::MAX),
        workers_lost: u64::try_from(status.workers_lost).unwrap_or(u64::MAX),
        opened: opened
            .map(|(purpose, count)| Opened { purpose: (*purpose).to_owned(), count })
            .collect(),
        cause: status.cause.clone(),
        missing: status
            .missing
            .iter()
            .map(|spec| format!("{}-{}", spec.purpose.name(), spec.version))
            .collect(),
    }
}

fn test_sheet(sheet: &Sheet) -> TestSheet {
    let check = |check: &crate::keys::Check| {
        let (level, detail) = match &check.outcome {
            CheckOutcome::Passed => (Level::Ok, "as it should be".to_owned()),
            CheckOutcome::Absent if check.needed => (Level::Wrong, "not offered".to_owned()),
            CheckOutcome::Absent => (Level::Attention, "not offered".to_owned()),
            CheckOutcome::Failed(why) => (Level::Wrong, why.clone()),
        };
        Check { name: check.name.to_owned(), needed: check.needed, level, detail, per_s: None }
    };
    let rate = |rate: &crate::keys::Rate| Check {
        name: rate.operation.to_owned(),
        needed: false,
        level: Level::Ok,
        detail: format!("median {} µs, 99th percentile {} µs", rate.p50_us, rate.p99_us),
        per_s: Some(u64::from(rate.per_second)),
    };
    TestSheet {
        token: format!("{} · {}", sheet.model, sheet.module),
        usable: sheet.usable(),
        checks: sheet.checks.iter().map(check).chain(sheet.rates.iter().map(rate)).collect(),
    }
}
