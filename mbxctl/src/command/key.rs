//! `key`: the keys in the HSM, and what hangs on them.

use crate::cli::KeyCommand;
use crate::context::{Context, value};
use crate::failure::Failure;
use crate::output::figure::count;
use crate::output::{Answer, Cell, Column, Line, Table, Tone};
use mbx_common::control::Page;
use mbx_common::control::key::{Key, KeyState, KeyStatus};
use mbx_common::control::route::Route;

/// `key …`.
pub(super) async fn run(context: &mut Context, command: &KeyCommand) -> Result<Answer, Failure> {
    match command {
        KeyCommand::Status => status(context).await,
        KeyCommand::List => {
            let answered = context.client.get::<Page<Key>>(Route::KeyList, None, &()).await?;
            let mut table = table(context, &answered.value.rows);
            table.columns.retain(|column| column.key != "loss");
            for (cells, _) in &mut table.rows {
                cells.truncate(table.columns.len());
            }
            let next = answered.value.next;
            Ok(Answer::list("key.list", table, next).request(answered.request_id))
        }
    }
}

async fn status(context: &mut Context) -> Result<Answer, Failure> {
    let answered = context.client.get::<KeyStatus>(Route::KeyStatus, None, &()).await?;
    let status = answered.value;
    let (tone, text) = if status.open {
        (Tone::Ok, "root secrets open".to_owned())
    } else {
        (Tone::Attention, "root secrets locked: no mailbox can be opened".to_owned())
    };
    let mut facts =
        vec![text, format!("{} opened mailbox keys in the cache", count(status.cached))];
    facts.extend(
        status.keyring_records.map(|records| format!("{} keyring records", count(records))),
    );
    let answer = Answer::new("key.status", value(&status)).request(answered.request_id);
    let exit = if status.open { 0 } else { 2 };
    Ok(answer
        .table(table(context, &status.keys))
        .line(Line::blank())
        .line(Line::signed(tone, facts.join(" · ")))
        .exit(exit))
}

fn table(context: &Context, keys: &[Key]) -> Table {
    let row = |key: &Key| {
        let cells = vec![
            Cell::text(format!("{}-{}", key.purpose, key.version)),
            Cell::text(word(key.state)).tone(tone(key.state)),
            Cell::pair(context.zone.day(key.created), key.created.to_string()),
            Cell::text(key.algorithm.clone()),
            key.mailboxes.map_or_else(Cell::none, Cell::count),
            Cell::id(&key.id),
            Cell::text(key.loss.clone()),
        ];
        (cells, value(key))
    };
    Table {
        columns: vec![
            Column::text("key", "KEY"),
            Column::text("state", "STATE"),
            Column::text("created", "CREATED"),
            Column::text("algorithm", "ALGORITHM").drop(),
            Column::figure("mailboxes", "MAILBOXES"),
            Column::text("id", "ID").wide(),
            Column::text("loss", "A LOSS WOULD MEAN").cut(),
        ],
        rows: keys.iter().map(row).collect(),
        id: "id",
        total: u64::try_from(keys.len()).ok(),
        empty: "no key yet: mbxctl init",
    }
}

const fn word(state: KeyState) -> &'static str {
    match state {
        KeyState::Active => "active",
        KeyState::Retired => "retired",
        KeyState::Destroyed => "destroyed",
    }
}

const fn tone(state: KeyState) -> Tone {
    match state {
        KeyState::Active => Tone::Ok,
        KeyState::Retired | KeyState::Destroyed => Tone::Dim,
    }
}
