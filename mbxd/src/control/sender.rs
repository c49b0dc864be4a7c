//! `/v1/senders`: authorities that may deliver, and who may deliver for them.

use super::answer::{Answer, json, plan};
use super::ask::Ask;
use super::refusal::Refusal;
use super::rooms::Rooms;
use crate::operators::Staff;
use crate::registers::{self, Change, Standing};
use mbx_common::assurance::ProtectionClass;
use mbx_common::control::Page;
use mbx_common::control::sender::{
    AllowRequest, BlockRequest, Dispatcher, Sender, SenderChanged, SenderState,
};
use mbx_common::explain;
use mbx_common::identity::OrganisationNumber;

/// Every sender.
pub(super) fn list(rooms: &Rooms) -> Result<Answer, Refusal> {
    json(&Page::whole(rooms.senders.list().iter().map(shown).collect()))
}

/// One sender.
pub(super) fn show(rooms: &Rooms, ask: &Ask) -> Result<Answer, Refusal> {
    json(&shown(&rooms.senders.show(organisation(ask)?)?))
}

/// Lets a sender deliver.
pub(super) async fn allow(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    let organisation = organisation(ask)?;
    let request: AllowRequest = ask.body()?;
    let notify_class = request.notify_class.map(class).transpose()?;
    if ask.wishes.dry_run {
        let mut steps = vec![format!("let {organisation} deliver")];
        steps.extend(request.dispatchers.iter().map(|one| {
            let rights = match (one.sign, one.seal) {
                (true, true) => "sign and seal",
                (true, false) => "sign, not seal,",
                (false, _) => "seal, not sign,",
            };
            format!("let {} {rights} for it", one.organisation)
        }));
        steps.extend(request.sha1_until.map(|end| format!("take SHA-1 from it until {end}")));
        steps.extend(
            notify_class.map(|class| format!("its notify messages get class {}", class.number())),
        );
        return plan(steps);
    }
    let dispatchers = request.dispatchers.iter().map(|one| registers::Dispatcher {
        organisation: one.organisation,
        may_sign: one.sign,
        may_seal: one.seal,
    });
    let now = rooms.clock.now();
    let change = Change {
        dispatchers: dispatchers.collect(),
        notify_class,
        sha1_until: request.sha1_until.map(|end| Some(end).filter(|end| *end > now)),
        note: request.name,
        ..Change::default()
    };
    changed(&rooms.senders.allow(organisation, change, &ask.origin(staff)).await?)
}

/// Stops a sender, or one of those that deliver for it.
pub(super) async fn block(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    let organisation = organisation(ask)?;
    let request: BlockRequest = ask.body()?;
    let present = rooms.senders.show(organisation);
    if ask.wishes.dry_run {
        return plan(vec![match request.dispatcher {
            Some(dispatcher) => format!("{dispatcher} delivers no more for {organisation}"),
            None => format!("nothing is taken from {organisation} any more"),
        }]);
    }
    let origin = ask.origin(staff);
    let done = match request.dispatcher {
        Some(dispatcher) => {
            let present = present?;
            if present.standing != Standing::Allowed || present.dispatcher(dispatcher).is_none() {
                let detail = format!("{dispatcher} does not deliver for {organisation}");
                return Err(Refusal::new(explain::CONFLICT, detail));
            }
            let change = Change { remove: vec![dispatcher], ..Change::default() };
            rooms.senders.allow(organisation, change, &origin).await?
        }
        None => rooms.senders.block(organisation, None, &origin).await?,
    };
    changed(&done)
}

fn changed(done: &registers::Changed) -> Result<Answer, Refusal> {
    json(&SenderChanged { sender: shown(&done.sender), audit: Some(done.audit) })
}

fn organisation(ask: &Ask) -> Result<OrganisationNumber, Refusal> {
    ask.parameter()
        .parse()
        .map_err(|_| Refusal::new(explain::USAGE, "this is no organisation number"))
}

fn class(number: u8) -> Result<ProtectionClass, Refusal> {
    number.try_into().map_err(|_| Refusal::new(explain::USAGE, "a protection class is 1 or 2 here"))
}

fn shown(sender: &registers::Sender) -> Sender {
    Sender {
        organisation: sender.organisation,
        name: sender.note.clone(),
        state: match sender.standing {
            Standing::Allowed => SenderState::Allowed,
            Standing::Blocked => SenderState::Blocked,
        },
        since: sender.changed,
        dispatchers: sender.dispatchers.iter().map(dispatcher).collect(),
        notify_class: (sender.notify_class != ProtectionClass::One)
            .then(|| sender.notify_class.number()),
        sha1_until: sender.sha1_until,
    }
}

fn dispatcher(one: &registers::Dispatcher) -> Dispatcher {
    Dispatcher { organisation: one.organisation, sign: one.may_sign, seal: one.may_seal }
}
