//! The verbs of each noun.
#![expect(clippy::doc_markdown, reason = "these comments are help, read on a terminal")]

use super::value::{self, Moment};
use clap::{Args, Subcommand};
use mbx_common::control::sender::Dispatcher;
use mbx_common::holder::{HolderKind, MailboxState};
use mbx_common::identity::OrganisationNumber;
use std::path::PathBuf;

/// `user`.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Register a holder: keys are made, the acceptance of the terms is recorded
    Register(RegisterArgs),
    /// List holders
    #[command(visible_alias = "ls")]
    List {
        /// Only this state
        #[arg(long, value_parser = value::state())]
        state: Option<MailboxState>,
        /// Only this kind
        #[arg(long, value_parser = value::kind())]
        kind: Option<HolderKind>,
        /// Only registered since: RFC 3339, a date, or -24h
        #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = value::moment)]
        since: Option<Moment>,
    },
    /// Show a holder
    Show {
        /// A mailbox id, a national number, or - to be asked for the number
        user: String,
    },
    /// Suspend a mailbox: deliveries are refused until it is resumed
    Suspend {
        /// A mailbox id, a national number, or - to be asked for the number
        user: String,
    },
    /// Resume a suspended mailbox
    Resume {
        /// A mailbox id, a national number, or - to be asked for the number
        user: String,
    },
}

/// `user register`.
#[derive(Args, Debug)]
pub struct RegisterArgs {
    /// The national number, 12 digits, or - to be asked for it (keeps it out of shell history)
    #[arg(required_unless_present = "from_file", conflicts_with = "from_file")]
    pub number: Option<String>,
    /// What kind of holder; absent: person or company, as the number says
    #[arg(long, value_parser = value::kind())]
    pub kind: Option<HolderKind>,
    /// Version of the terms accepted; absent: the current one
    #[arg(long, value_name = "VERSION")]
    pub terms: Option<String>,
    /// When they were accepted; absent: now, the moment of registering
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = value::moment)]
    pub accepted_at: Option<Moment>,
    /// Level of assurance at which they were accepted, as the evidence says; rows of a file name
    /// their own
    #[arg(long, value_name = "2|3|4", value_parser = ["2", "3", "4"], conflicts_with = "from_file")]
    pub loa: Option<String>,
    /// Where the evidence of the acceptance is
    #[arg(long, value_name = "TEXT")]
    pub reference: Option<String>,
    /// Leave the address register alone
    #[arg(long)]
    pub no_registry: bool,
    /// Register every row of a CSV file: number, kind, accepted_at, terms, loa, reference
    #[arg(long, value_name = "CSV")]
    pub from_file: Option<PathBuf>,
    /// Go on with a file that was begun; the daemon knows where it stopped
    #[arg(long, requires = "from_file")]
    pub resume: bool,
}

/// `mailbox`.
#[derive(Debug, Subcommand)]
pub enum MailboxCommand {
    /// List mailboxes
    #[command(visible_alias = "ls")]
    List {
        /// Only this state
        #[arg(long, value_parser = value::state())]
        state: Option<MailboxState>,
        /// Messages, sizes and key epochs too: counted for each mailbox shown
        #[arg(long)]
        figures: bool,
    },
    /// Show a mailbox
    Show {
        /// A mailbox id; its first digits do, where they are unique
        mailbox: String,
    },
    /// Count over all mailboxes
    Stats,
    /// Check the stored messages: tags, orphans, dangling rows
    Verify {
        /// A mailbox id
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        mailbox: Option<String>,
        /// Every mailbox
        #[arg(long)]
        all: bool,
        /// Only so many per cent of the messages
        #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
        sample: Option<u8>,
    },
    /// Messages of a mailbox, without content
    #[command(subcommand)]
    Message(MessageCommand),
}

/// `mailbox message`.
#[derive(Debug, Subcommand)]
pub enum MessageCommand {
    /// List the messages of a mailbox: sender, time, class, size
    #[command(visible_alias = "ls")]
    List {
        /// A mailbox id
        mailbox: String,
        /// Only this protection class
        #[arg(long, value_name = "1|2|3", value_parser = clap::value_parser!(u8).range(1..=3))]
        class: Option<u8>,
        /// Deleted messages that can still be restored
        #[arg(long)]
        deleted: bool,
    },
}

/// `delivery`.
#[derive(Debug, Subcommand)]
pub enum DeliveryCommand {
    /// List deliveries, the newest first
    #[command(visible_alias = "ls")]
    List {
        /// Only refused ones
        #[arg(long, conflicts_with = "duplicate")]
        rejected: bool,
        /// Only repeats
        #[arg(long)]
        duplicate: bool,
        /// Only from this authority
        #[arg(long, value_name = "ORG")]
        sender: Option<OrganisationNumber>,
        /// Only since: RFC 3339, a date, or -24h
        #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = value::moment)]
        since: Option<Moment>,
        /// Only before
        #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = value::moment)]
        until: Option<Moment>,
    },
    /// Show a delivery in all its stages
    Trace {
        /// Our id, or the TransId that the sender knows
        #[arg(required_unless_present = "sender_id", conflicts_with = "sender_id")]
        id: Option<String>,
        /// The sender's own message id
        #[arg(long, value_name = "ID")]
        sender_id: Option<String>,
    },
}

/// `sender`.
#[derive(Debug, Subcommand)]
pub enum SenderCommand {
    /// List the authorities that may, or may not, deliver
    #[command(visible_alias = "ls")]
    List,
    /// Show one
    Show {
        /// Its organisation number
        org: OrganisationNumber,
    },
    /// Let an authority deliver
    Allow {
        /// Its organisation number
        org: OrganisationNumber,
        /// Its name
        #[arg(long)]
        name: Option<String>,
        /// An organisation that may act for it: sign and seal; ORG:seal brings what the sender
        /// signed itself, ORG:sign signs in its place; one named again gets these rights instead
        #[arg(long, value_name = "ORG[:seal|:sign]", value_parser = value::dispatcher)]
        dispatcher: Vec<Dispatcher>,
        /// Protection class of its unsigned messages
        #[arg(long, value_name = "1|2", value_parser = clap::value_parser!(u8).range(1..=2))]
        notify_class: Option<u8>,
        /// Take signatures with SHA-1 from it until then, within a year; a past time ends that
        #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = value::moment)]
        sha1_until: Option<Moment>,
    },
    /// Stop an authority, or one of those that deliver for it
    Block {
        /// Its organisation number
        org: OrganisationNumber,
        /// Only this dispatcher
        #[arg(long, value_name = "ORG")]
        dispatcher: Option<OrganisationNumber>,
    },
}

/// `key`.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Show versions, counts, and what a loss would mean
    Status,
    /// List the keys in the HSM
    #[command(visible_alias = "ls")]
    List,
    /// Write the lookup secret to a file, to be a credential of mbxd
    LookupCredential {
        /// The file, made with mode 0600; it must not exist
        #[arg(short = 'O', long = "to", value_name = "FILE")]
        to: PathBuf,
    },
}

/// `hsm`.
#[derive(Debug, Subcommand)]
pub enum HsmCommand {
    /// Show the token and its state
    Status,
    /// Give the token its PIN; it is tried once
    Login {
        /// File with the PIN, where there is no terminal
        #[arg(long, value_name = "FILE")]
        pin_file: Option<PathBuf>,
    },
    /// Lock the token and wipe every opened key
    Logout,
    /// Try what the token can do and print a compatibility sheet
    Test,
}

/// `cert`.
#[derive(Debug, Subcommand)]
pub enum CertCommand {
    /// List certificates and revocation lists, the first to end first
    #[command(visible_alias = "ls")]
    List,
    /// Show one
    Show {
        /// Its name, as the list shows it
        name: String,
    },
    /// Read the files anew; the old ones stay where a new one is bad
    Reload,
}

/// `audit`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Search the log, the newest first; the search itself is recorded
    Search {
        /// Only this actor: a login name, opr_…, an organisation number, daemon
        #[arg(long)]
        actor: Option<String>,
        /// Only about this thing: an id with its prefix, or an organisation number
        #[arg(long, value_name = "ID")]
        subject: Option<String>,
        /// Only this event
        #[arg(long, value_name = "CODE")]
        event: Option<String>,
        /// Only since: RFC 3339, a date, or -24h
        #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = value::moment)]
        since: Option<Moment>,
        /// Only before
        #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = value::moment)]
        until: Option<Moment>,
    },
    /// Show the newest entries
    Tail {
        /// Go on with each new one until Ctrl-C
        #[arg(short, long)]
        follow: bool,
    },
    /// Export a period into a file that verifies by itself
    Export {
        /// From: RFC 3339, a date, or -24h
        #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = value::moment)]
        since: Moment,
        /// Before
        #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = value::moment)]
        until: Moment,
        /// The file, made with mode 0600; it must not exist
        #[arg(short = 'O', long = "to", value_name = "FILE")]
        to: PathBuf,
        /// The form; json alone can be verified
        #[arg(long, value_name = "json|csv", default_value = "json",
              value_parser = ["json", "csv"])]
        format: String,
    },
    /// Verify an export offline, or the live log where no file is named
    Verify {
        /// An export; needs no daemon and no HSM
        file: Option<PathBuf>,
        /// A checkpoint kept outside (signed note) that the log must contain
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
        /// Verifier keys kept outside, one per line, instead of those in the export
        #[arg(long, value_name = "FILE", requires = "file")]
        keys: Option<PathBuf>,
    },
    /// The catalogue of events; needs no daemon
    #[command(subcommand)]
    Event(EventCommand),
}

/// `audit event`.
#[derive(Debug, Subcommand)]
pub enum EventCommand {
    /// List every event code
    #[command(visible_alias = "ls")]
    List,
    /// Show one
    Show {
        /// The code: MBX-A201
        code: String,
    },
}

/// `job`.
#[derive(Debug, Subcommand)]
pub enum JobCommand {
    /// List jobs, the newest first
    #[command(visible_alias = "ls")]
    List {
        /// Only this state
        #[arg(long, value_parser = ["waiting", "running", "paused", "done", "failed", "cancelled"])]
        state: Option<String>,
    },
    /// Show a job
    Show {
        /// The job
        job: String,
    },
    /// Follow a job until it ends; Ctrl-C stops following, not the job
    Follow {
        /// The job
        job: String,
    },
}

/// `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check a configuration file with mbxd's own reader; needs no daemon
    Check {
        /// The file
        #[arg(default_value = "/etc/mbx/mbxd.toml")]
        file: PathBuf,
        /// The daemon's program
        #[arg(long, value_name = "FILE", default_value = "mbxd")]
        mbxd: PathBuf,
    },
    /// Show the configuration in effect; secrets are never in it
    Show {
        /// Show which file set each key
        #[arg(long)]
        origin: bool,
    },
}
