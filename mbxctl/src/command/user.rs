//! `user`: people and organisations that hold a mailbox.

use super::{held, register_file};
use crate::cli::{RegisterArgs, UserCommand};
use crate::client::Changed;
use crate::context::{Context, changed, value};
use crate::failure::Failure;
use crate::output::figure::short_id;
use crate::output::{Answer, Cell, Column, Line, Table, Tone};
use crate::settings::NumbersInArguments;
use mbx_common::assurance::Loa;
use mbx_common::control::Page;
use mbx_common::control::route::Route;
use mbx_common::control::user::{
    FindRequest, Found, NumberText, Registered, Registration, RegistryState, StateChanged, User,
    UserQuery, UserRow,
};
use mbx_common::explain;
use mbx_common::identity::NationalNumber;

/// `user …`.
pub(super) async fn run(context: &mut Context, command: UserCommand) -> Result<Answer, Failure> {
    match command {
        UserCommand::Register(arguments) => match arguments.from_file.clone() {
            Some(file) => register_file::run(context, &file, &arguments).await,
            None => register(context, arguments).await,
        },
        UserCommand::List { state, kind, since } => {
            let query = UserQuery {
                state,
                kind,
                since: Context::moment(since),
                limit: Some(context.limit()),
                after: context.after(),
            };
            list(context, &query).await
        }
        UserCommand::Show { user } => show(context, &user).await,
        UserCommand::Suspend { user } => set_state(context, &user, Route::UserSuspend).await,
        UserCommand::Resume { user } => set_state(context, &user, Route::UserResume).await,
    }
}

async fn register(context: &mut Context, arguments: RegisterArgs) -> Result<Answer, Failure> {
    // What is missing is said before a number is asked for.
    let loa = match arguments.loa {
        Some(text) => loa(&text)?,
        None => loa(&context
            .prompt
            .line("Level of assurance at acceptance (2, 3 or 4)", "--loa 2|3|4")?)?,
    };
    let number = number(context, arguments.number.as_deref().unwrap_or("-"))?;
    let request = Registration {
        number,
        kind: arguments.kind,
        terms: arguments.terms,
        accepted_at: Context::moment(arguments.accepted_at),
        loa,
        reference: arguments.reference,
        no_registry: arguments.no_registry,
    };
    let done: Changed<Registered> =
        context.client.change(Route::UserRegister, None, &request).await?;
    Ok(changed("user.register", done, |answer, done| {
        let mailbox = short_id(&done.mailbox.to_string());
        let title = format!(
            "Registered  {mailbox}   {}   {}   assurance {}",
            done.number, done.kind, done.loa
        );
        let mut facts = vec![format!("terms {}", done.terms)];
        facts.extend(done.kek.as_ref().map(|kek| format!("key pairs under {kek}")));
        facts.push(format!("address register: {}", registry(done.registry)));
        facts.extend(done.audit.map(|position| format!("audit {position}")));
        answer
            .line(Line::signed(Tone::Ok, title))
            .line(Line::plain(format!("  {}", facts.join(" · "))))
            .id(done.mailbox)
            .hint(format!("mbxctl user show {mailbox}"))
    }))
}

async fn list(context: &mut Context, query: &UserQuery) -> Result<Answer, Failure> {
    let answered = context.client.get::<Page<UserRow>>(Route::UserList, None, query).await?;
    let page = answered.value;
    let row = |row: &UserRow| {
        let cells = vec![Cell::id(&row.mailbox), Cell::optional(row.number.clone())];
        let held = held::cells(context, (row.kind, row.state, row.since));
        (cells.into_iter().chain(held).collect(), value(row))
    };
    let columns = vec![Column::text("mailbox", "MAILBOX"), Column::text("number", "NUMBER")];
    let table = Table {
        columns: columns.into_iter().chain(held::columns()).collect(),
        rows: page.rows.iter().map(row).collect(),
        id: "mailbox",
        total: page.total,
        empty: "no holder fits",
    };
    Ok(Answer::list("user.list", table, page.next).request(answered.request_id))
}

async fn show(context: &mut Context, user: &str) -> Result<Answer, Failure> {
    let mailbox = find(context, user).await?;
    let answered = context.client.get::<User>(Route::UserShow, Some(&mailbox), &()).await?;
    let user = answered.value;
    let mut pairs = vec![
        ("Mailbox", user.mailbox.to_string()),
        ("Holder", user.number.clone().unwrap_or_else(|| "– (the register is locked)".to_owned())),
        ("Kind", user.kind.to_string()),
        ("State", format!("{} since {}", user.state, context.zone.day(user.since))),
        ("Registered", context.zone.minute(user.registered)),
    ];
    if let Some(terms) = &user.terms {
        let current = if terms.current { " (current)" } else { "" };
        let at = context.zone.minute(terms.accepted_at);
        let reference = terms.reference.as_ref().map(|text| format!(", ref {text}"));
        pairs.push((
            "Terms",
            format!(
                "{}{current}, accepted {at} at level {}{}",
                terms.version,
                terms.loa,
                reference.unwrap_or_default()
            ),
        ));
    }
    pairs.push(("Register", registry(user.registry).to_owned()));
    pairs.extend(held::figures(context, &user.contents, user.epochs));
    let answer = Answer::new("user.show", value(&user)).request(answered.request_id);
    let answer = answer.pairs(&pairs).id(user.mailbox);
    let short = short_id(&user.mailbox.to_string());
    Ok(answer.hint(format!("mbxctl mailbox message list {short}")))
}

async fn set_state(context: &mut Context, user: &str, route: Route) -> Result<Answer, Failure> {
    let mailbox = find(context, user).await?;
    let (schema, question, title, next) = if route == Route::UserSuspend {
        let question = "Suspend {}? Authorities are told that it cannot be reached.";
        ("user.suspend", question, "Suspended", "resume")
    } else {
        ("user.resume", "Resume {}? It takes deliveries again.", "Resumed", "show")
    };
    context.confirm(&question.replace("{}", &short_id(&mailbox)))?;
    let done: Changed<StateChanged> =
        context.client.change(route, Some(&mailbox), &serde_json::json!({})).await?;
    Ok(changed(schema, done, |answer, done| {
        let short = short_id(&done.mailbox.to_string());
        let audit = done.audit.map(|position| format!("   audit {position}"));
        let text = format!("{title}  {short}{}", audit.unwrap_or_default());
        answer
            .line(Line::signed(Tone::Ok, text))
            .id(done.mailbox)
            .hint(format!("mbxctl user {next} {short}"))
    }))
}

/// The mailbox id of what was named: an id or its beginning, a number, or `-`.
async fn find(context: &mut Context, user: &str) -> Result<String, Failure> {
    if user.starts_with("mbx_") {
        return Ok(user.to_owned());
    }
    let request = FindRequest { number: number(context, user)? };
    // To look up whom a plan is about plans nothing yet.
    let dry_run = std::mem::take(&mut context.client.manner.dry_run);
    let found = context.client.send_body::<Found>(Route::UserFind, None, &request).await;
    context.client.manner.dry_run = dry_run;
    Ok(found?.value.mailbox.to_string())
}

/// The number that was given or asked for, checked here so that a slip is told at once.
fn number(context: &Context, given: &str) -> Result<NumberText, Failure> {
    let text = if given == "-" {
        context.prompt.number()?
    } else {
        if context.settings.numbers_in_arguments == NumbersInArguments::Refuse {
            let message = "national numbers are not taken as arguments here";
            return Err(Failure::here(explain::NUMBER_IN_ARGUMENT, message)
                .with_hint("give - and type the number when asked, or pipe it in"));
        }
        context.hint_at_numbers();
        given.to_owned()
    };
    match text.parse::<NationalNumber>() {
        Ok(_) => Ok(NumberText::new(text)),
        Err(error) => Err(Failure::here(explain::NUMBER_INVALID, error.to_string())),
    }
}

/// The level of assurance; clap admits digits alone.
fn loa(text: &str) -> Result<Loa, Failure> {
    text.parse().map_err(|_| Failure::here(explain::USAGE, "a level of assurance is 2, 3 or 4"))
}

const fn registry(state: RegistryState) -> &'static str {
    match state {
        RegistryState::NotTold => "not told",
        RegistryState::Pending => "asked, not answered yet",
        RegistryState::Confirmed => "confirmed",
    }
}
