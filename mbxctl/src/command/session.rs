//! `login`, `logout`, `whoami`, `password`.

use crate::cli::{LoginArgs, PasswordArgs};
use crate::context::{Context, value};
use crate::failure::Failure;
use crate::keep::Kept;
use crate::output::{Answer, Line, Tone};
use mbx_common::control::Done;
use mbx_common::control::route::Route;
use mbx_common::control::session::{LoggedIn, LoginRequest, PasswordRequest, Session};
use mbx_common::explain;
use mbx_common::role::Role;
use serde_json::json;

/// `login`. Where the password is due, the new one is asked for at once.
pub(super) async fn login(context: &mut Context, arguments: LoginArgs) -> Result<Answer, Failure> {
    let name = match arguments.name.or_else(|| std::env::var("USER").ok()) {
        Some(name) if !name.is_empty() => name,
        _ => {
            return Err(Failure::here(explain::INPUT_NEEDED, "whose login is not known")
                .with_hint("give --as NAME"));
        }
    };
    let question = format!("Password of {name}");
    let file = arguments.password_file.as_deref();
    let password = context.prompt.secret(&question, file, "--password-file FILE")?;
    let new_password = match arguments.new_password_file.as_deref() {
        Some(file) => {
            Some(context.prompt.secret("New password", Some(file), "--new-password-file FILE")?)
        }
        None => None,
    };
    context.client.manner.token = None;
    let request = LoginRequest { name: name.clone(), password, new_password };
    let answered = context.client.send_body::<LoggedIn>(Route::Login, None, &request).await?;
    let LoggedIn { token, mut session } = answered.value;
    context.client.manner.token = Some(token.clone());
    context.keeper.save(&Kept { token, name, number_hint_given: false })?;
    if session.password_due && context.prompt.can_ask() {
        context.screen.say(&Line::signed(Tone::Attention, "Your password must be changed now."));
        let new = context.prompt.new_secret("New password", None, "--new-password-file FILE")?;
        let change = PasswordRequest { old: request.password, new };
        context.client.send_body::<Done>(Route::Password, None, &change).await?;
        session = context.client.get::<Session>(Route::Whoami, None, &()).await?.value;
    }
    let due = session.password_due;
    let title = format!("Logged in as {}", session.name);
    let answer = Answer::new("login", value(&session)).request(answered.request_id);
    let answer = answer.line(Line::signed(Tone::Ok, title)).line(about(context, &session));
    Ok(if due { answer.hint("mbxctl password      nothing else is open before") } else { answer }
        .id(session.id))
}

/// `logout`.
pub(super) async fn logout(context: &mut Context) -> Result<Answer, Failure> {
    let Some(kept) = context.keeper.load() else {
        return Err(not_logged_in());
    };
    let ended = context.client.send_body::<Done>(Route::Logout, None, &()).await;
    context.keeper.forget();
    let request_id = match ended {
        Ok(answered) => answered.request_id,
        Err(failure) if failure.code() == explain::NOT_LOGGED_IN => failure.request_id(),
        Err(failure) if failure.code() == explain::SESSION_ENDED => failure.request_id(),
        Err(failure) => return Err(failure),
    };
    Ok(Answer::new("logout", json!({"name": kept.name}))
        .request(request_id)
        .line(Line::signed(Tone::Ok, format!("Logged out {}", kept.name))))
}

/// `whoami`.
pub(super) async fn whoami(context: &mut Context) -> Result<Answer, Failure> {
    if context.client.manner.token.is_none() {
        return Err(not_logged_in());
    }
    let answered = context.client.get::<Session>(Route::Whoami, None, &()).await?;
    let session = answered.value;
    let answer = Answer::new("whoami", value(&session)).request(answered.request_id);
    let answer = answer.id(session.id).pairs(&[
        ("Name", session.name.clone()),
        ("Roles", roles(&session.roles)),
        ("Since", context.zone.minute(session.since)),
        (
            "Ends",
            format!(
                "{}, at the latest {}",
                context.zone.minute(session.idle_until),
                context.zone.minute(session.until)
            ),
        ),
        ("Session", session.id.to_string()),
    ]);
    Ok(if session.password_due {
        answer.hint("mbxctl password      your password must be changed")
    } else {
        answer
    })
}

/// `password`.
pub(super) async fn password(
    context: &mut Context,
    arguments: &PasswordArgs,
) -> Result<Answer, Failure> {
    if context.client.manner.token.is_none() {
        return Err(not_logged_in());
    }
    let prompt = context.prompt;
    let old = prompt.secret(
        "Present password",
        arguments.password_file.as_deref(),
        "--password-file FILE",
    )?;
    let new = prompt.new_secret(
        "New password",
        arguments.new_password_file.as_deref(),
        "--new-password-file FILE",
    )?;
    let request = PasswordRequest { old, new };
    let answered = context.client.send_body::<Done>(Route::Password, None, &request).await?;
    Ok(Answer::new("password", value(&answered.value))
        .request(answered.request_id)
        .line(Line::signed(Tone::Ok, "Password changed")))
}

fn about(context: &Context, session: &Session) -> Line {
    let ends = context.zone.minute(session.until);
    Line::plain(format!("  {}   until {ends}", roles(&session.roles)))
}

fn roles(roles: &[Role]) -> String {
    if roles.is_empty() {
        return "no role".to_owned();
    }
    roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ")
}

fn not_logged_in() -> Failure {
    Failure::here(explain::NOT_LOGGED_IN, "not logged in")
}
