//! `sender`: authorities that may deliver, and who may deliver for them.

use crate::cli::SenderCommand;
use crate::client::Changed;
use crate::context::{Context, changed, value};
use crate::failure::Failure;
use crate::output::{Answer, Cell, Column, Line, Table, Tone};
use mbx_common::control::Page;
use mbx_common::control::route::Route;
use mbx_common::control::sender::{
    AllowRequest, BlockRequest, Dispatcher, Sender, SenderChanged, SenderState,
};
use serde_json::json;

/// `sender …`.
pub(super) async fn run(context: &mut Context, command: SenderCommand) -> Result<Answer, Failure> {
    match command {
        SenderCommand::List => list(context).await,
        SenderCommand::Show { org } => {
            let answered = context
                .client
                .get::<Sender>(Route::SenderShow, Some(&org.to_string()), &())
                .await?;
            let answer = Answer::new("sender.show", value(&answered.value));
            Ok(about(context, answer, &answered.value).request(answered.request_id))
        }
        SenderCommand::Allow { org, name, dispatcher, notify_class, sha1_until } => {
            context.confirm(&format!("Let {org} deliver?"))?;
            let request = AllowRequest {
                name,
                dispatchers: dispatcher,
                notify_class,
                sha1_until: Context::moment(sha1_until),
            };
            let parameter = org.to_string();
            let done: Changed<SenderChanged> =
                context.client.change(Route::SenderAllow, Some(&parameter), &request).await?;
            Ok(changed("sender.allow", done, |answer, done| effect(answer, "Allowed", done)))
        }
        SenderCommand::Block { org, dispatcher } => {
            let through = dispatcher.map(|organisation| format!(" through {organisation}"));
            let question = format!("Stop deliveries from {org}{}?", through.unwrap_or_default());
            context.confirm(&question)?;
            let parameter = org.to_string();
            let request = BlockRequest { dispatcher };
            let done: Changed<SenderChanged> =
                context.client.change(Route::SenderBlock, Some(&parameter), &request).await?;
            let title = match dispatcher {
                Some(dispatcher) => format!("Stopped {dispatcher} for"),
                None => "Blocked".to_owned(),
            };
            Ok(changed("sender.block", done, |answer, done| effect(answer, &title, done)))
        }
    }
}

async fn list(context: &mut Context) -> Result<Answer, Failure> {
    let query = json!({"limit": context.limit(), "after": context.after()});
    let answered = context.client.get::<Page<Sender>>(Route::SenderList, None, &query).await?;
    let page = answered.value;
    let row = |sender: &Sender| {
        let cells = vec![
            Cell::text(sender.organisation.to_string()),
            Cell::optional(sender.name.clone()),
            Cell::text(word(sender.state)).tone(tone(sender.state)),
            Cell::pair(context.zone.day(sender.since), sender.since.to_string()),
            dispatchers(sender),
        ];
        (cells, value(sender))
    };
    let table = Table {
        columns: vec![
            Column::text("sender", "SENDER"),
            Column::text("name", "NAME").cut(),
            Column::text("state", "STATE"),
            Column::text("since", "SINCE"),
            Column::text("dispatchers", "DISPATCHERS").cut(),
        ],
        rows: page.rows.iter().map(row).collect(),
        id: "sender",
        total: page.total,
        empty: "no sender yet: mbxctl sender allow ORG",
    };
    Ok(Answer::list("sender.list", table, page.next).request(answered.request_id))
}

fn about(context: &Context, answer: Answer, sender: &Sender) -> Answer {
    let mut pairs = vec![("Sender", sender.organisation.to_string())];
    if let Some(name) = &sender.name {
        pairs.push(("Name", name.clone()));
    }
    pairs.push((
        "State",
        format!("{} since {}", word(sender.state), context.zone.minute(sender.since)),
    ));
    pairs.push((
        "Dispatchers",
        match sender.dispatchers.as_slice() {
            [] => "itself alone".to_owned(),
            _ => format!("itself, {}", dispatchers(sender).whole),
        },
    ));
    if let Some(class) = sender.notify_class {
        pairs.push(("notify", format!("protection class {class}")));
    }
    if let Some(end) = sender.sha1_until {
        pairs.push(("SHA-1", format!("taken until {}", context.zone.minute(end))));
    }
    answer.pairs(&pairs).id(sender.organisation)
}

fn effect(answer: Answer, title: &str, done: &SenderChanged) -> Answer {
    let sender = &done.sender;
    let name = sender.name.as_ref().map(|name| format!("  {name}"));
    let audit = done.audit.map(|position| format!("   audit {position}"));
    let text = format!(
        "{title}  {}{}{}",
        sender.organisation,
        name.unwrap_or_default(),
        audit.unwrap_or_default()
    );
    answer
        .line(Line::signed(Tone::Ok, text))
        .id(sender.organisation)
        .hint(format!("mbxctl sender show {}", sender.organisation))
}

fn dispatchers(sender: &Sender) -> Cell {
    let name = |one: &Dispatcher| match (one.sign, one.seal) {
        (true, true) => one.organisation.to_string(),
        (true, false) => format!("{} (signs only)", one.organisation),
        (false, _) => format!("{} (seals only)", one.organisation),
    };
    let names: Vec<String> = sender.dispatchers.iter().map(name).collect();
    if names.is_empty() { Cell::none() } else { Cell::text(names.join(", ")) }
}

const fn word(state: SenderState) -> &'static str {
    match state {
        SenderState::Allowed => "allowed",
        SenderState::Blocked => "blocked",
    }
}

const fn tone(state: SenderState) -> Tone {
    match state {
        SenderState::Allowed => Tone::Ok,
        SenderState::Blocked => Tone::Wrong,
    }
}
