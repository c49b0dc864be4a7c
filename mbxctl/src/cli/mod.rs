//! The tree of commands, pure: no I/O. Roles, classes and examples stand in [`catalogue`].

pub mod catalogue;
pub mod global;
#[cfg(test)]
mod handbook;
mod help;
mod nouns;
pub mod value;

pub use global::{Color, Format, Global, Progress};
pub(crate) use help::EXIT_CODES;
pub use help::command;
pub use nouns::{
    AuditCommand, CertCommand, ConfigCommand, DeliveryCommand, EventCommand, HsmCommand,
    JobCommand, KeyCommand, MailboxCommand, MessageCommand, RegisterArgs, SenderCommand,
    UserCommand,
};

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;

/// Administers mbxd, the mailbox operator's daemon
#[derive(Debug, Parser)]
#[command(
    name = "mbxctl",
    version,
    propagate_version = false,
    disable_help_subcommand = true,
    subcommand_value_name = "COMMAND",
    max_term_width = 100
)]
pub struct Cli {
    /// Options that every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do; nothing: how the daemon is, in five lines.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show how the daemon is: three abilities, then its parts
    Status(StatusArgs),
    /// Check this machine from outside; needs no daemon
    Doctor(DoctorArgs),
    /// Set up a new installation: keys in the HSM, audit log, two security officers
    Init(InitArgs),
    /// Log in as a named person
    Login(LoginArgs),
    /// End the session
    Logout,
    /// Show who is logged in here, with which roles, until when
    Whoami,
    /// Change one's own password
    Password(PasswordArgs),
    /// Tell what an MBX code means, why it happens, what to do; needs no daemon
    Explain(ExplainArgs),
    /// People and organisations that hold a mailbox
    #[command(subcommand)]
    User(UserCommand),
    /// Mailboxes: sizes, counts, key versions; never content
    #[command(subcommand)]
    Mailbox(MailboxCommand),
    /// Deliveries from authorities, and what became of them
    #[command(subcommand)]
    Delivery(DeliveryCommand),
    /// Authorities that may deliver, and who may deliver for them
    #[command(subcommand)]
    Sender(SenderCommand),
    /// Keys in the HSM, and what hangs on them
    #[command(subcommand)]
    Key(KeyCommand),
    /// The HSM: state, unlocking, compatibility
    #[command(subcommand)]
    Hsm(HsmCommand),
    /// Certificates of both HTTPS doors, roots, revocation lists
    #[command(subcommand)]
    Cert(CertCommand),
    /// The audit log: search, follow, export, verify
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Long work in the daemon
    #[command(subcommand)]
    Job(JobCommand),
    /// The daemon's configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Show help of a command
    Help(HelpArgs),
    /// Write a completion script
    Completion(CompletionArgs),
    /// Show the versions of mbxctl and mbxd
    Version(VersionArgs),
}

/// `status`.
#[derive(Args, Debug, Default)]
pub struct StatusArgs {
    /// Show it anew every two seconds until Ctrl-C
    #[arg(long)]
    pub watch: bool,
    /// Only this ability; its level is the exit code
    #[arg(long, value_parser = ["deliver", "read", "admin"], value_name = "ABILITY")]
    pub ability: Option<String>,
}

/// `doctor`.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// Checks to do; none: all (socket, daemon, config, development, token, credentials,
    /// scanner, certificates, revocation, permissions, clock, disk, swap)
    #[arg(value_name = "CHECK")]
    pub checks: Vec<String>,
    /// For each finding, the command that mends it
    #[arg(long)]
    pub fix_hints: bool,
    /// The daemon's configuration file
    #[arg(long, value_name = "FILE", default_value = "/etc/mbx/mbxd.toml")]
    pub config: PathBuf,
    /// The daemon's program, for its own check of the configuration
    #[arg(long, value_name = "FILE", default_value = "mbxd")]
    pub mbxd: PathBuf,
}

/// `init`.
#[derive(Args, Debug)]
pub struct InitArgs {
    /// A security officer, with letters for further roles: R registrar, S system operator,
    /// A auditor, O observer; exactly two
    #[arg(long, required = true, value_name = "NAME[:ROLES]", value_parser = value::officer)]
    pub officer: Vec<value::OfficerArg>,
    /// The token's label, checked against the configured one
    #[arg(long, value_name = "LABEL")]
    pub token: Option<String>,
    /// File with an officer's first password, where there is no terminal
    #[arg(long, value_name = "NAME=FILE", value_parser = value::named_file)]
    pub password_file: Vec<value::NamedFile>,
}

/// `login`.
#[derive(Args, Debug)]
pub struct LoginArgs {
    /// Login name; absent: your user name on this machine
    #[arg(long = "as", value_name = "NAME")]
    pub name: Option<String>,
    /// File with the password, where there is no terminal
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// File with a new password, where the present one must be changed
    #[arg(long, value_name = "FILE")]
    pub new_password_file: Option<PathBuf>,
}

/// `password`.
#[derive(Args, Debug)]
pub struct PasswordArgs {
    /// File with the present password, where there is no terminal
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// File with the new password, where there is no terminal
    #[arg(long, value_name = "FILE")]
    pub new_password_file: Option<PathBuf>,
}

/// `explain`.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The code: MBX-2041, or an audit event such as MBX-A201
    #[arg(value_name = "CODE")]
    pub code: String,
}

/// `help`.
#[derive(Args, Debug)]
pub struct HelpArgs {
    /// The command, such as: user register
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// `completion`.
#[derive(Args, Debug)]
pub struct CompletionArgs {
    /// The shell
    #[arg(value_parser = clap::value_parser!(Shell), value_name = "SHELL")]
    pub shell: Shell,
}

/// `version`.
#[derive(Args, Debug)]
pub struct VersionArgs {
    /// Ask the daemon too, and fail where the two do not match
    #[arg(long)]
    pub check: bool,
}
