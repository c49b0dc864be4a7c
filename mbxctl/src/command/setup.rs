//! `init`: the first set-up.

use crate::cli::InitArgs;
use crate::client::Changed;
use crate::context::{Context, changed};
use crate::failure::Failure;
use crate::output::{Answer, Line, Tone};
use mbx_common::control::route::Route;
use mbx_common::control::setup::{InitDone, InitRequest, NewOfficer};
use mbx_common::explain;

/// `init`.
pub(super) async fn init(context: &mut Context, arguments: InitArgs) -> Result<Answer, Failure> {
    let names: Vec<&str> = arguments.officer.iter().map(|officer| officer.name.as_str()).collect();
    let [first, second] = names.as_slice() else {
        return Err(officers("exactly two officers are needed"));
    };
    if first == second {
        return Err(officers("the two officers must be two people"));
    }
    if let Some(stray) =
        arguments.password_file.iter().find(|file| !names.contains(&file.name.as_str()))
    {
        let message = format!("--password-file names {}, who is no officer here", stray.name);
        return Err(Failure::here(explain::USAGE, message));
    }
    context.confirm("Set up a new installation: make keys in the HSM, begin the audit log?")?;
    let mut officers = Vec::with_capacity(arguments.officer.len());
    for officer in &arguments.officer {
        let file = arguments.password_file.iter().find(|file| file.name == officer.name);
        let password = context.prompt.new_secret(
            &format!("First password of {}", officer.name),
            file.map(|file| file.file.as_path()),
            &format!("--password-file {}=FILE", officer.name),
        )?;
        let roles = officer.roles.iter().collect();
        officers.push(NewOfficer { name: officer.name.clone(), roles, password });
    }
    let request = InitRequest { officers, token: arguments.token };
    let done: Changed<InitDone> = context.client.change(Route::Init, None, &request).await?;
    Ok(changed("init", done, show))
}

fn show(answer: Answer, done: &InitDone) -> Answer {
    let title =
        Line::signed(Tone::Ok, format!("Set up  {}   token {}", done.installation, done.token));
    let mut answer = answer.line(title).id(done.installation);
    answer = answer.line(Line::plain(format!("  keys      {}", done.keys.join(", "))));
    for officer in &done.officers {
        let roles: Vec<&str> = officer.roles.iter().map(|role| role.name()).collect();
        answer = answer.line(Line::plain(format!(
            "  officer   {}   {}",
            officer.name,
            roles.join(", ")
        )));
    }
    let first = done.officers.first().map_or("NAME", |officer| officer.name.as_str());
    answer.line(Line::plain(format!("  audit     begins at entry {}", done.audit))).hint(format!(
        "mbxctl login --as {first}      each officer changes the first password then"
    ))
}

fn officers(message: &str) -> Failure {
    Failure::here(explain::INIT_OFFICERS, message)
        .with_hint("mbxctl init --officer anna:RSA --officer bo:RSA")
}
