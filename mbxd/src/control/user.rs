//! `/v1/users`: people and organisations that hold a mailbox.

use super::answer::{Answer, json, plan};
use super::ask::Ask;
use super::held::{contents, find, refused, whole};
use super::refusal::Refusal;
use super::rooms::Rooms;
use crate::mailbox::staff;
use crate::mailbox::staff::{FileBatch, Holder, HolderFilter, Numbers, ShownNumber, StaffError};
use crate::operators::Staff;
use mbx_common::audit::Origin;
use mbx_common::control::Page;
use mbx_common::control::route::Route;
use mbx_common::control::user::{
    Acceptance, BatchDone, FindRequest, Found, NumberText, RefusedRow, Registered, Registration,
    RegistrationBatch, RegistryState, StateChanged, User, UserQuery, UserRow,
};
use mbx_common::error::Code;
use mbx_common::explain;
use mbx_common::holder::MailboxState;
use mbx_common::identity::NationalNumber;
use mbx_common::role::Role;

/// Answers a request about holders.
pub(super) async fn answer(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    if ask.route == Route::UserRegister {
        register(rooms, ask, staff).await
    } else if ask.route == Route::UserBatch {
        batch(rooms, ask, staff).await
    } else if ask.route == Route::UserFind {
        let request: FindRequest = ask.body()?;
        let origin = ask.origin(staff);
        let mailbox = rooms.mailboxes.find(&number(&request.number)?, &origin).await;
        json(&Found { mailbox: mailbox.map_err(|error| refused(rooms, &error))? })
    } else if ask.route == Route::UserList {
        list(rooms, ask, staff).await
    } else if ask.route == Route::UserShow {
        show(rooms, ask, staff).await
    } else {
        set_state(rooms, ask, staff).await
    }
}

async fn register(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    let request: Registration = ask.body()?;
    let loa = request.loa;
    let registration = read(request).map_err(|code| {
        Refusal::new(code, "this is no national number: compare it with its source")
    })?;
    if ask.wishes.dry_run {
        match rooms.mailboxes.find(&registration.number, &ask.origin(staff)).await {
            Err(StaffError::NoMailbox) => {}
            Err(error) => return Err(refused(rooms, &error)),
            Ok(mailbox) => {
                let detail = format!("the holder has the mailbox {mailbox} already");
                return Err(Refusal::new(explain::ALREADY_REGISTERED, detail));
            }
        }
        return plan(vec![
            "record the acceptance of the terms".to_owned(),
            "make two key pairs for a new mailbox".to_owned(),
            "leave the address register untold".to_owned(),
        ]);
    }
    let done = rooms.mailboxes.register(registration, &ask.origin(staff)).await;
    let done = done.map_err(|error| Refusal::new(error.code(), error.to_string()))?;
    json(&Registered {
        mailbox: done.mailbox,
        number: done.number,
        kind: done.kind,
        loa,
        terms: done.acceptance.version,
        kek: None,
        registry: RegistryState::NotTold,
        audit: Some(done.audit),
    })
}

async fn batch(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    let request: RegistrationBatch = ask.body()?;
    let file_sha256 = mbx_common::id::parse_hex(&request.file_sha256)
        .map_err(|_| Refusal::new(explain::USAGE, "file_sha256 has 64 lower-case hex digits"))?;
    let batch = FileBatch {
        file_sha256,
        rows_total: request.rows_total,
        first_row: request.first_row,
        rows: request.rows.into_iter().map(read).collect(),
    };
    let done = rooms.mailboxes.register_batch(batch, &ask.origin(staff)).await;
    let done = done.map_err(|error| Refusal::new(error.code(), error.to_string()))?;
    let refused = done.refused.iter().map(|row| RefusedRow {
        row: row.row,
        code: row.code,
        reason: explain::of(row.code).map_or("not registered", |entry| entry.title).to_owned(),
    });
    json(&BatchDone {
        job: done.job,
        next_row: done.next_row,
        registered: done.registered,
        refused: refused.collect(),
        finished: done.finished,
    })
}

/// A row as the service takes it; an error is the code of what is wrong.
fn read(row: Registration) -> Result<staff::Registration, Code> {
    Ok(staff::Registration {
        number: row.number.expose().parse().map_err(|_| explain::NUMBER_INVALID)?,
        kind: row.kind,
        terms: row.terms,
        accepted: row.accepted_at,
        loa: row.loa,
        reference: row.reference,
    })
}

async fn list(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    let query: UserQuery = ask.query()?;
    let filter = HolderFilter {
        state: query.state,
        kind: query.kind,
        since: query.since,
        limit: query.limit,
        after: query.after.as_deref().map(whole).transpose()?,
    };
    let sees_numbers = staff.session().roles.has(Role::Registrar);
    let numbers = if sees_numbers { numbers(ask) } else { Numbers::Hidden };
    // The role that lets numbers be seen, whichever let the list through.
    let role = if sees_numbers { Some(Role::Registrar) } else { staff.role() };
    let origin = Origin { role, ..ask.origin(staff) };
    let page = rooms.mailboxes.list_holders(filter, numbers, &origin).await;
    let page = page.map_err(|error| refused(rooms, &error))?;
    let row = |holder: Holder| UserRow {
        mailbox: holder.mailbox,
        number: holder.number.map(ShownNumber::into_text),
        kind: holder.kind,
        state: holder.state,
        since: holder.since,
    };
    let rows = page.holders.into_iter().map(row).collect();
    json(&Page { rows, next: page.next.map(|id| id.to_string()), total: None })
}

async fn show(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    let mailbox = find(rooms, ask.parameter()).await?;
    let detail = rooms.mailboxes.show_holder(mailbox, numbers(ask), &ask.origin(staff)).await;
    let detail = detail.map_err(|error| refused(rooms, &error))?;
    let holder = detail.holder;
    json(&User {
        mailbox,
        number: holder.number.map(ShownNumber::into_text),
        kind: holder.kind,
        state: holder.state,
        since: holder.since,
        registered: holder.registered,
        terms: detail.acceptance.map(|accepted| Acceptance {
            version: accepted.version,
            sha256: super::answer::hex(&accepted.sha256),
            accepted_at: accepted.accepted,
            loa: accepted.loa,
            reference: accepted.reference,
            current: detail.current,
        }),
        registry: RegistryState::NotTold,
        contents: contents(&detail.figures.contents),
        epochs: detail.figures.epochs,
    })
}

/// How much of numbers is wanted.
const fn numbers(ask: &Ask) -> Numbers {
    if ask.wishes.reveal { Numbers::Whole } else { Numbers::Masked }
}

async fn set_state(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    let mailbox = find(rooms, ask.parameter()).await?;
    let suspends = ask.route == Route::UserSuspend;
    if ask.wishes.dry_run {
        let shown = rooms.mailboxes.show_mailbox(mailbox).await;
        let (holder, _) = shown.map_err(|error| refused(rooms, &error))?;
        return planned(&holder, suspends);
    }
    let origin = ask.origin(staff);
    let done = if suspends {
        rooms.mailboxes.suspend(mailbox, &origin).await
    } else {
        rooms.mailboxes.resume(mailbox, &origin).await
    };
    let done = done.map_err(|error| refused(rooms, &error))?;
    json(&StateChanged { mailbox: done.mailbox, state: done.state, audit: Some(done.audit) })
}

fn planned(holder: &Holder, suspends: bool) -> Result<Answer, Refusal> {
    let (needed, step) = if suspends {
        (MailboxState::Active, "tell authorities that the mailbox cannot be reached")
    } else {
        (MailboxState::Suspended, "take deliveries again")
    };
    if holder.state != needed {
        let detail = format!("the mailbox is {}", holder.state);
        return Err(Refusal::new(explain::MAILBOX_STATE, detail));
    }
    let mut steps = vec![step.to_owned()];
    if suspends {
        steps.push("wipe its opened keys".to_owned());
    }
    plan(steps)
}

fn number(text: &NumberText) -> Result<NationalNumber, Refusal> {
    text.expose().parse().map_err(|error: mbx_common::identity::ParseNumberError| {
        Refusal::new(explain::NUMBER_INVALID, error.to_string())
    })
}
