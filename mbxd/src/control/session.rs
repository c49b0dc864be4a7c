//! `/v1/session`: login, logout, who am I, password.

use super::answer::{Answer, json};
use super::ask::Ask;
use super::refusal::Refusal;
use super::rooms::Rooms;
use crate::operators::{Need, Permission, SessionInfo, Staff};
use mbx_common::control::Done;
use mbx_common::control::route::Route;
use mbx_common::control::session::{LoggedIn, LoginRequest, Password, PasswordRequest, Session};
use mbx_common::explain;
use secrecy::SecretString;

/// Begins a session; with a new password in the request it is changed at once.
pub(super) async fn login(rooms: &Rooms, ask: &Ask) -> Result<Answer, Refusal> {
    let request: LoginRequest = ask.body()?;
    if !rooms.operators.is_initialised().await? {
        return Err(Refusal::new(explain::NOT_INITIALISED, "mbxd is not set up yet"));
    }
    let password = secret(&request.password);
    let done = rooms.operators.login(&request.name, password, &ask.caller).await?;
    let mut session = shown(&done.session);
    if let Some(new) = &request.new_password {
        let permission = Permission { command: Route::Password.id(), need: Need::Session };
        let staff = rooms.operators.authorise(Some(&done.token), permission, &ask.caller).await?;
        rooms.operators.change_password(&staff, secret(&request.password), secret(new)).await?;
        session.password_due = false;
    }
    json(&LoggedIn { token: Password::new(done.token.expose().to_string()), session })
}

/// Ends the session.
pub(super) async fn logout(rooms: &Rooms, staff: &Staff) -> Result<Answer, Refusal> {
    rooms.operators.logout(staff).await?;
    json(&Done { audit: None })
}

/// Tells who is logged in.
pub(super) fn whoami(staff: &Staff) -> Result<Answer, Refusal> {
    json(&shown(staff.session()))
}

/// Changes one's own password.
pub(super) async fn password(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    let request: PasswordRequest = ask.body()?;
    rooms.operators.change_password(staff, secret(&request.old), secret(&request.new)).await?;
    json(&Done { audit: None })
}

fn secret(password: &Password) -> SecretString {
    SecretString::from(password.expose())
}

fn shown(session: &SessionInfo) -> Session {
    Session {
        id: session.id,
        operator: session.operator,
        name: session.name.to_string(),
        roles: session.roles.iter().collect(),
        since: session.since,
        until: session.until,
        idle_until: session.idle_until,
        password_due: session.password_due,
    }
}
