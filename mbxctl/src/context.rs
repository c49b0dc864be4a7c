//! What every command has at hand.

use crate::cli::Global;
use crate::cli::value::Moment;
use crate::client::{Changed, Client, Manner};
use crate::failure::Failure;
use crate::keep::{Keeper, Kept};
use crate::output::figure::Zone;
use crate::output::{Answer, Line, Screen, Tone};
use crate::prompt::Prompt;
use crate::settings::Settings;
use crate::{now, tty};
use mbx_common::control::Plan;
use mbx_common::explain;
use mbx_common::limit::{LIST_ROWS_DEFAULT, NOTE_LEN_MAX};
use mbx_common::time::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// What every command has at hand.
#[derive(Debug)]
pub(crate) struct Context {
    /// What holds for this run.
    pub(crate) settings: Settings,
    /// The global options as given.
    pub(crate) global: Global,
    /// The two streams.
    pub(crate) screen: Screen,
    /// How moments are shown.
    pub(crate) zone: Zone,
    /// The daemon.
    pub(crate) client: Client,
    /// The person.
    pub(crate) prompt: Prompt,
    /// Where the session is kept.
    pub(crate) keeper: Keeper,
}

impl Context {
    /// Reads configuration and environment; connects to nothing.
    pub(crate) fn new(global: &Global) -> Result<Self, Failure> {
        let settings = Settings::load(global)?;
        for (flag, text) in [("--reason", &global.reason), ("--ticket", &global.ticket)] {
            if text.as_ref().is_some_and(|text| text.len() > NOTE_LEN_MAX) {
                let message = format!("{flag} has more than {NOTE_LEN_MAX} bytes");
                return Err(Failure::here(explain::USAGE, message));
            }
        }
        let mut screen = Screen::of_process(settings.output, settings.color);
        screen.quiet = global.quiet;
        screen.columns.clone_from(&global.columns);
        screen.filters.clone_from(&global.filter);
        screen.sort.clone_from(&global.sort);
        screen.limit = global.limit;
        screen.no_headers = global.no_headers;
        let keeper = Keeper::of(&settings.socket);
        let manner = Manner {
            token: keeper.load().map(|kept| kept.token),
            tty: tty::controlling(),
            reason: global.reason.clone(),
            ticket: global.ticket.clone(),
            dry_run: global.dry_run,
            reveal: global.reveal,
        };
        Ok(Self {
            client: Client::new(settings.socket.clone(), settings.timeout, manner),
            prompt: Prompt { no_input: settings.no_input, yes: global.yes },
            zone: if settings.utc { Zone::utc() } else { Zone::local() },
            global: global.clone(),
            keeper,
            screen,
            settings,
        })
    }

    /// Rows that a list asks for.
    pub(crate) fn limit(&self) -> usize {
        self.global.limit.unwrap_or(LIST_ROWS_DEFAULT)
    }

    /// Where a list goes on.
    pub(crate) fn after(&self) -> Option<String> {
        self.global.after.clone()
    }

    /// A moment as given, resolved against this machine's clock.
    pub(crate) fn moment(moment: Option<Moment>) -> Option<Timestamp> {
        moment.map(|moment| moment.resolve(now::now()))
    }

    /// Asks before an act, unless it is only planned.
    pub(crate) fn confirm(&self, question: &str) -> Result<(), Failure> {
        if self.global.dry_run { Ok(()) } else { self.prompt.confirm(question) }
    }

    /// Tells once in a session where numbers in arguments are kept.
    pub(crate) fn hint_at_numbers(&self) {
        if let Some(kept) = self.keeper.load()
            && !kept.number_hint_given
        {
            self.screen.hint(
                "shell history and sudo's log keep arguments: give - to be asked for the number",
            );
            let kept = Kept { number_hint_given: true, ..kept };
            self.keeper.save(&kept).unwrap_or_default();
        }
    }
}

/// The JSON value of an answer.
pub(crate) fn value(answer: &impl Serialize) -> Value {
    serde_json::to_value(answer).unwrap_or_default()
}

/// The answer of a changing command: what was done as `show` tells it, or the plan.
pub(crate) fn changed<T: Serialize>(
    schema: &'static str,
    changed: Changed<T>,
    show: impl FnOnce(Answer, &T) -> Answer,
) -> Answer {
    match changed {
        Changed::Done(done) => {
            let answer = Answer::new(schema, value(&done.value)).request(done.request_id);
            show(answer, &done.value)
        }
        Changed::Planned(planned) => plan(&planned.value).request(planned.request_id),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// A plan made here, of a command that the daemon has no plan for.
pub(crate) fn planned(steps: Vec<String>) -> Answer {
    let digest: [u8; 32] = Sha256::digest(steps.join("\n")).into();
    plan(&Plan { hash: hex(&digest), steps })
}

/// A plan for people: what would be done.
pub(crate) fn plan(plan: &Plan) -> Answer {
    let short: String = plan.hash.chars().take(8).collect();
    let title = Line::plain(format!("Plan {short}")).and("   nothing has been changed", Tone::Dim);
    let answer = Answer::new("plan", value(plan)).line(title);
    plan.steps.iter().enumerate().fold(answer, |answer, (index, step)| {
        answer.line(Line::plain(format!("  {}  {step}", index + 1)))
    })
}

#[cfg(test)]
impl Context {
    /// A context for a test: this socket, plain streams of this width, UTC, a session kept.
    pub(crate) fn for_test(
        words: &[&str],
        socket: &std::path::Path,
        width: Option<usize>,
    ) -> (Self, Option<crate::cli::Command>) {
        use clap::FromArgMatches as _;
        let line = [&["mbxctl", "--no-input", "--utc"], words].concat();
        let matches = crate::cli::command().try_get_matches_from(line).unwrap();
        let mut cli = crate::cli::Cli::from_arg_matches(&matches).unwrap();
        cli.global.socket = Some(socket.to_owned());
        let mut context = Self::new(&cli.global).unwrap();
        context.screen.out = crate::output::Style { width, ..crate::output::Style::PLAIN };
        context.screen.err = crate::output::Style::PLAIN;
        context.client.manner.token = Some(mbx_common::control::session::Password::new("t".into()));
        context.client.manner.tty = None;
        (context, cli.command)
    }
}
