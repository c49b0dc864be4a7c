//! `POST /v1/init`: keys and officers in one unit of work.

use super::answer::{Answer, json, plan};
use super::ask::Ask;
use super::refusal::Refusal;
use super::rooms::Rooms;
use crate::operators;
use mbx_common::control::setup::{InitDone, InitRequest, Officer};
use mbx_common::explain;
use mbx_common::role::{Role, Roles};
use secrecy::SecretString;

/// Does the first set-up.
pub(super) async fn init(rooms: &Rooms, ask: &Ask) -> Result<Answer, Refusal> {
    let request: InitRequest = ask.body()?;
    if request.officers.len() != 2 {
        return Err(Refusal::new(explain::INIT_OFFICERS, "exactly two officers are needed"));
    }
    if request.officers.iter().any(|officer| officer.roles.contains(&Role::Timer)) {
        return Err(Refusal::new(explain::INIT_OFFICERS, "a person is no timer"));
    }
    let officers: Vec<operators::NewOfficer> = request
        .officers
        .iter()
        .map(|officer| operators::NewOfficer {
            name: officer.name.clone(),
            roles: officer.roles.iter().copied().collect::<Roles>().with(Role::SecurityOfficer),
            password: SecretString::from(officer.password.expose()),
        })
        .collect();
    rooms.operators.check_initialise(&officers, &ask.caller).await?;
    let status = rooms.keys.status();
    if let Some(wanted) = request.token.filter(|wanted| *wanted != status.hsm.token) {
        let detail = format!("the configured token is {}, not {wanted}", status.hsm.token);
        return Err(Refusal::new(explain::USAGE, detail));
    }
    if ask.wishes.dry_run {
        let names: Vec<&str> = officers.iter().map(|officer| officer.name.as_str()).collect();
        return plan(vec![
            format!("make five keys in the token {}", status.hsm.token),
            "begin the audit log".to_owned(),
            format!("create the security officers {}", names.join(" and ")),
        ]);
    }
    let of_keys = |error| Refusal::of_keys(&error, &rooms.keys.status());
    let founding = rooms.keys.initialise().await.map_err(of_keys)?;
    let specs: Vec<_> = founding.keys().iter().map(|key| key.spec).collect();
    let done = rooms.operators.initialise(officers, &founding, &ask.caller).await;
    let done = done.inspect_err(|_| founding.note_unused())?;
    if let Err(error) = rooms.keys.open().await {
        tracing::warn!(%error, "set up, but the keys are not open yet; they are tried again");
    }
    json(&InitDone {
        installation: founding.installation(),
        officers: done.officers.iter().map(officer).collect(),
        token: status.hsm.token,
        keys: specs
            .iter()
            .map(|spec| format!("{}-{}", spec.purpose.name(), spec.version))
            .collect(),
        audit: done.leaf,
    })
}

fn officer(operator: &operators::Operator) -> Officer {
    Officer {
        id: operator.id,
        name: operator.name.to_string(),
        roles: operator.roles.iter().collect(),
    }
}
