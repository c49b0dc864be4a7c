//! From a request to its handler: first who may, then what is done. Deny by default.

use super::answer::Answer;
use super::ask::Ask;
use super::refusal::Refusal;
use super::rooms::Rooms;
use super::{
    audit, certificate, config, delivery, hsm, job, key, mailbox, sender, session, setup, status,
    user, version,
};
use crate::operators::{Need, Permission, SessionToken, Staff};
use mbx_common::control::route::{Access, Route};
use mbx_common::explain;

const LOG_VIOLATED: &str = "the audit log is not what was signed";

/// Answers one request.
pub(super) async fn dispatch(
    rooms: &Rooms,
    ask: Ask,
    token: Option<&SessionToken>,
) -> Result<Answer, Refusal> {
    if ask.wishes.dry_run && !ask.route.changes() {
        let command = ask.route.id().replace('.', " ");
        let detail = format!("there is nothing to plan: {command} changes nothing");
        return Err(Refusal::new(explain::USAGE, detail));
    }
    let need = match ask.route.access() {
        Access::Public => return public(rooms, ask).await,
        Access::Session => Need::Session,
        Access::Roles(roles) => Need::OneOf(roles.iter().copied().collect()),
    };
    if !rooms.operators.is_initialised().await? {
        return Err(Refusal::new(explain::NOT_INITIALISED, "mbxd is not set up yet"));
    }
    let permission = Permission { command: ask.route.id(), need };
    let staff = rooms.operators.authorise(token, permission, &ask.caller).await?;
    if ask.route.needs_sound_log() && rooms.audit.integrity().is_violated() {
        rooms.operators.note_refused(&staff, permission, LOG_VIOLATED).await?;
        let detail =
            format!("{LOG_VIOLATED}: nobody is let in and no secret given out until it is");
        return Err(Refusal::new(explain::AUDIT_BROKEN, detail));
    }
    Box::pin(done(rooms, ask, staff)).await
}

async fn public(rooms: &Rooms, ask: Ask) -> Result<Answer, Refusal> {
    if ask.route == Route::Version {
        version::show(rooms).await
    } else if ask.route == Route::Init {
        setup::init(rooms, &ask).await
    } else if ask.route == Route::Login {
        session::login(rooms, &ask).await
    } else {
        Err(Refusal::new(explain::DENIED, "this is not public"))
    }
}

async fn done(rooms: &Rooms, ask: Ask, staff: Staff) -> Result<Answer, Refusal> {
    match ask.route {
        Route::Version | Route::Init | Route::Login => public(rooms, ask).await,
        Route::Logout => session::logout(rooms, &staff).await,
        Route::Whoami => session::whoami(&staff),
        Route::Password => session::password(rooms, &ask, &staff).await,
        Route::Status => status::show(rooms).await,
        Route::UserRegister
        | Route::UserBatch
        | Route::UserFind
        | Route::UserList
        | Route::UserShow
        | Route::UserSuspend
        | Route::UserResume => user::answer(rooms, &ask, &staff).await,
        Route::MailboxList
        | Route::MailboxStats
        | Route::MailboxVerify
        | Route::MailboxShow
        | Route::MessageList => mailbox::answer(rooms, &ask, &staff).await,
        Route::DeliveryList => delivery::list(rooms, &ask).await,
        Route::DeliveryTrace => delivery::trace(rooms, &ask).await,
        Route::SenderList => sender::list(rooms),
        Route::SenderShow => sender::show(rooms, &ask),
        Route::SenderAllow => sender::allow(rooms, &ask, &staff).await,
        Route::SenderBlock => sender::block(rooms, &ask, &staff).await,
        Route::KeyStatus => key::status(rooms).await,
        Route::KeyList => key::list(rooms).await,
        Route::KeyLookup => key::lookup(rooms, &ask, &staff).await,
        Route::HsmStatus => hsm::status(rooms),
        Route::HsmTest => hsm::test(rooms, &ask, &staff).await,
        Route::HsmLogin => hsm::login(rooms, &ask, &staff).await,
        Route::HsmLogout => hsm::logout(rooms, &ask, &staff).await,
        Route::CertList => certificate::list(rooms),
        Route::CertShow => certificate::show(rooms, &ask),
        Route::CertReload => certificate::reload(rooms, &ask, &staff).await,
        Route::AuditSearch | Route::AuditTail | Route::AuditExport | Route::AuditVerify => {
            audit::answer(rooms, &ask, &staff).await
        }
        Route::JobList => job::list(rooms, &ask).await,
        Route::JobShow => job::show(rooms, &ask).await,
        Route::JobEvents => job::events(rooms, &ask).await,
        Route::ConfigShow => config::show(rooms),
    }
}
