//! `key`: the keys in the HSM, and what hangs on them.

use crate::cli::KeyCommand;
use crate::context::{Context, planned, value};
use crate::failure::Failure;
use crate::output::figure::count;
use crate::output::{Answer, Cell, Column, Line, Table, Tone};
use mbx_common::control::Page;
use mbx_common::control::key::{Key, KeyState, KeyStatus, LookupCredential};
use mbx_common::control::route::Route;
use mbx_common::explain;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// `key …`.
pub(super) async fn run(context: &mut Context, command: &KeyCommand) -> Result<Answer, Failure> {
    match command {
        KeyCommand::Status => status(context).await,
        KeyCommand::LookupCredential { to } => lookup_credential(context, to).await,
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

/// Writes the lookup secret to a new file of mode 0600; a broken one is removed again.
async fn lookup_credential(context: &mut Context, to: &Path) -> Result<Answer, Failure> {
    if context.global.dry_run {
        return Ok(planned(vec![
            "record in the audit log that the lookup secret is given out".to_owned(),
            format!("write it to the new file {}", to.display()),
        ]));
    }
    context.confirm(
        "Write the lookup secret to a file? Whoever has it can tell from the store who has a \
         mailbox, and alter the directory unseen.",
    )?;
    let cannot = |error: std::io::Error| {
        Failure::here(explain::OUTPUT_FAILED, format!("{}: {error}", to.display()))
    };
    // The file first: what cannot be written is not asked for.
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(cannot)?;
    let given =
        context.client.send_body::<LookupCredential>(Route::KeyLookup, None, &json!({})).await;
    let written = match given {
        Ok(given) => file
            .write_all(given.value.secret.expose().as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(cannot)
            .map(|()| given.request_id),
        Err(failure) => Err(failure),
    };
    match written {
        Ok(request_id) => {
            let file = to.display().to_string();
            let text = format!("{file}  the lookup secret; encrypt it and remove the file");
            Ok(Answer::new("key.lookup-credential", json!({"file": file}))
                .request(request_id)
                .line(Line::signed(Tone::Ok, text))
                .hint("systemd-creds encrypt FILE CREDENTIAL"))
        }
        Err(failure) => {
            std::fs::remove_file(to).unwrap_or_default();
            Err(failure)
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
