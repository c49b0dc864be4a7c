//! One file per noun: asks the daemon, makes an answer.

mod audit;
mod audit_entry;
mod audit_offline;
mod audit_report;
mod cert;
mod config;
mod delivery;
mod doctor;
mod held;
mod hsm;
mod job;
mod key;
mod mailbox;
mod offline;
mod register_file;
mod sender;
mod session;
mod setup;
mod status;
mod user;
mod version;

use crate::cli::Command;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Answer;

/// Runs a command; none: the status in five lines.
pub(crate) async fn run(mut context: Context, command: Option<Command>) -> Result<Answer, Failure> {
    let context = &mut context;
    match command {
        None => status::short(context).await,
        Some(Command::Status(arguments)) => status::run(context, &arguments).await,
        Some(Command::Doctor(arguments)) => doctor::run(context, &arguments).await,
        Some(Command::Init(arguments)) => setup::init(context, arguments).await,
        Some(Command::Login(arguments)) => session::login(context, arguments).await,
        Some(Command::Logout) => session::logout(context).await,
        Some(Command::Whoami) => session::whoami(context).await,
        Some(Command::Password(arguments)) => session::password(context, &arguments).await,
        Some(Command::Explain(arguments)) => offline::explain(&arguments.code),
        Some(Command::User(command)) => user::run(context, command).await,
        Some(Command::Mailbox(command)) => mailbox::run(context, command).await,
        Some(Command::Delivery(command)) => delivery::run(context, command).await,
        Some(Command::Sender(command)) => sender::run(context, command).await,
        Some(Command::Key(command)) => key::run(context, &command).await,
        Some(Command::Hsm(command)) => hsm::run(context, command).await,
        Some(Command::Cert(command)) => cert::run(context, command).await,
        Some(Command::Audit(command)) => audit::run(context, command).await,
        Some(Command::Job(command)) => job::run(context, command).await,
        Some(Command::Config(command)) => config::run(context, command).await,
        Some(Command::Help(arguments)) => offline::help(context, &arguments.command),
        Some(Command::Completion(arguments)) => offline::completion(context, arguments.shell),
        Some(Command::Version(arguments)) => version::run(context, &arguments).await,
    }
}
