//! Class, roles and examples of every command: what its help and manual page say besides options.

use mbx_common::control::route::{ANY_ROLE, Access, Route};

/// How dangerous a command is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    /// Reads only.
    Read,
    /// Changes something; runs at once.
    Routine,
    /// Asks before it acts; `--yes` answers.
    Confirm,
}

impl Class {
    /// As help shows it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Routine => "routine",
            Self::Confirm => "confirm (asks first; --yes answers)",
        }
    }
}

/// Who may use a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Who {
    /// Anybody, without the daemon.
    Offline,
    /// As the route says.
    Route(Route),
}

impl Who {
    /// As help shows it.
    pub fn text(self) -> String {
        match self {
            Self::Offline => "anybody; needs no daemon".to_owned(),
            Self::Route(Route::Init) => "root or the daemon's own user, once".to_owned(),
            Self::Route(route) => match route.access() {
                Access::Public => "anybody who may use the socket".to_owned(),
                Access::Session => "anybody who is logged in".to_owned(),
                Access::Roles(roles) if roles == ANY_ROLE => "any role".to_owned(),
                Access::Roles(roles) => {
                    roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(" or ")
                }
            },
        }
    }
}

/// One command.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its words after `mbxctl`.
    pub path: &'static str,
    /// Its class.
    pub class: Class,
    /// Who may use it.
    pub who: Who,
    /// Two examples: the command after `mbxctl `, and what it is for.
    pub examples: [(&'static str, &'static str); 2],
}

use Class::{Confirm, Read, Routine};

const fn on(
    path: &'static str,
    class: Class,
    route: Route,
    examples: [(&'static str, &'static str); 2],
) -> Entry {
    Entry { path, class, who: Who::Route(route), examples }
}

const fn offline(
    path: &'static str,
    class: Class,
    examples: [(&'static str, &'static str); 2],
) -> Entry {
    Entry { path, class, who: Who::Offline, examples }
}

/// Every command, in the order of help.
pub const ENTRIES: &[Entry] = &[
    on(
        "status",
        Read,
        Route::Status,
        [
            ("status", "three abilities, then the parts"),
            (
                "status --ability deliver -o json",
                "one ability, for monitoring; the exit code tells",
            ),
        ],
    ),
    offline(
        "doctor",
        Read,
        [
            ("doctor", "every check"),
            ("doctor config disk --fix-hints", "two checks, and what to do"),
        ],
    ),
    on(
        "init",
        Confirm,
        Route::Init,
        [
            ("init --officer anna:RSA --officer bo:RSA", "asks for both first passwords"),
            (
                "init --officer anna --officer bo --password-file anna=a.txt --password-file bo=b.txt --yes",
                "without a terminal",
            ),
        ],
    ),
    on(
        "login",
        Routine,
        Route::Login,
        [
            ("login --as anna", "asks for the password"),
            ("login --as anna --password-file anna.txt", "without a terminal"),
        ],
    ),
    on(
        "logout",
        Routine,
        Route::Logout,
        [("logout", "ends the session here"), ("logout --quiet", "the same, saying nothing")],
    ),
    on(
        "whoami",
        Read,
        Route::Whoami,
        [("whoami", "name, roles, end of the session"), ("whoami -o json", "for scripts")],
    ),
    on(
        "password",
        Routine,
        Route::Password,
        [
            ("password", "asks for the present and the new one"),
            ("password --password-file old.txt --new-password-file new.txt", "without a terminal"),
        ],
    ),
    offline(
        "explain",
        Read,
        [("explain MBX-2041", "an error code"), ("explain MBX-A201", "an audit event")],
    ),
    on(
        "user register",
        Routine,
        Route::UserRegister,
        [
            ("user register - --loa 3 --reference prt_51c0", "asks for the number"),
            ("user register --from-file holders.csv", "every row of a file, as a job"),
        ],
    ),
    on(
        "user list",
        Read,
        Route::UserList,
        [
            ("user list --state suspended", "holders whose mailbox is suspended"),
            ("user list --since -24h -o csv", "registered since yesterday, for a spreadsheet"),
        ],
    ),
    on(
        "user show",
        Read,
        Route::UserShow,
        [
            ("user show mbx_4f3a9c21", "by the first digits of the id"),
            ("user show -", "asks for the number"),
        ],
    ),
    on(
        "user suspend",
        Confirm,
        Route::UserSuspend,
        [
            (
                "user suspend mbx_4f3a9c21 --reason \"holder's request\" --ticket S-20431",
                "asks first",
            ),
            ("user suspend - --yes", "asks for the number alone"),
        ],
    ),
    on(
        "user resume",
        Confirm,
        Route::UserResume,
        [
            ("user resume mbx_4f3a9c21", "asks first"),
            ("user resume mbx_4f3a9c21 --dry-run", "shows what would be done"),
        ],
    ),
    on(
        "mailbox list",
        Read,
        Route::MailboxList,
        [
            ("mailbox list --limit 100", "the first hundred"),
            ("mailbox list --state suspended -o id", "bare ids, for xargs"),
        ],
    ),
    on(
        "mailbox show",
        Read,
        Route::MailboxShow,
        [
            ("mailbox show mbx_4f3a9c21", "sizes, counts, key versions"),
            ("mailbox show mbx_4f3a9c21 -o yaml", "the same for reading by machine"),
        ],
    ),
    on(
        "mailbox stats",
        Read,
        Route::MailboxStats,
        [
            ("mailbox stats", "counts over all mailboxes"),
            ("mailbox stats -o json", "for monitoring"),
        ],
    ),
    on(
        "mailbox verify",
        Read,
        Route::MailboxVerify,
        [
            ("mailbox verify mbx_4f3a9c21", "one mailbox"),
            ("mailbox verify --all --sample 5", "one message in twenty, of all"),
        ],
    ),
    on(
        "mailbox message list",
        Read,
        Route::MessageList,
        [
            ("mailbox message list mbx_4f3a9c21", "sender, time, class, size; no content"),
            ("mailbox message list mbx_4f3a9c21 --deleted", "those that can still be restored"),
        ],
    ),
    on(
        "delivery list",
        Read,
        Route::DeliveryList,
        [
            ("delivery list --rejected --since -24h", "refused since yesterday, and why"),
            ("delivery list --sender 162021004748 -o jsonl", "one authority's, for a script"),
        ],
    ),
    on(
        "delivery trace",
        Read,
        Route::DeliveryTrace,
        [
            ("delivery trace dlv_8a2e09b4", "all stages, both ids"),
            ("delivery trace --sender-id 2f0e77c1", "by the sender's own message id"),
        ],
    ),
    on(
        "sender list",
        Read,
        Route::SenderList,
        [("sender list", "who may deliver"), ("sender list --filter state=blocked", "who may not")],
    ),
    on(
        "sender show",
        Read,
        Route::SenderShow,
        [
            ("sender show 162021004748", "with its dispatchers"),
            ("sender show 2021004748 -o json", "ten digits do"),
        ],
    ),
    on(
        "sender allow",
        Confirm,
        Route::SenderAllow,
        [
            ("sender allow 162021004748 --name \"Example Authority\"", "it delivers by itself"),
            (
                "sender allow 162021004748 --dispatcher 165560269986 --yes",
                "another delivers for it",
            ),
        ],
    ),
    on(
        "sender block",
        Confirm,
        Route::SenderBlock,
        [
            ("sender block 162021004748 --reason \"certificate lost\"", "nothing more from it"),
            (
                "sender block 162021004748 --dispatcher 165560269986",
                "not through this one any more",
            ),
        ],
    ),
    on(
        "key status",
        Read,
        Route::KeyStatus,
        [
            ("key status", "versions, counts, what a loss would mean"),
            ("key status -o json", "for monitoring"),
        ],
    ),
    on(
        "key list",
        Read,
        Route::KeyList,
        [("key list", "the keys in the token"), ("key list -o wide", "with whole ids")],
    ),
    on(
        "key lookup-credential",
        Confirm,
        Route::KeyLookup,
        [
            ("key lookup-credential -O /run/mbxd-lookup", "then encrypt it with systemd-creds"),
            ("key lookup-credential -O /run/mbxd-lookup --yes", "without asking"),
        ],
    ),
    on(
        "hsm status",
        Read,
        Route::HsmStatus,
        [("hsm status", "the token and its state"), ("hsm status -o json", "for monitoring")],
    ),
    on(
        "hsm login",
        Confirm,
        Route::HsmLogin,
        [
            ("hsm login", "asks for the PIN"),
            ("hsm login --pin-file /run/credentials/pin --yes", "without a terminal"),
        ],
    ),
    on(
        "hsm logout",
        Confirm,
        Route::HsmLogout,
        [
            ("hsm logout --reason \"maintenance\"", "asks first; deliveries go on"),
            ("hsm logout --yes", "at once"),
        ],
    ),
    on(
        "hsm test",
        Routine,
        Route::HsmTest,
        [("hsm test", "what the token can do"), ("hsm test -o json", "the sheet, to be kept")],
    ),
    on(
        "cert list",
        Read,
        Route::CertList,
        [
            ("cert list", "the first to end first"),
            ("cert list --filter use=crl", "revocation lists alone"),
        ],
    ),
    on(
        "cert show",
        Read,
        Route::CertShow,
        [
            ("cert show delivery-server-1", "all of it"),
            ("cert show crl-1 -o yaml", "a revocation list"),
        ],
    ),
    on(
        "cert reload",
        Routine,
        Route::CertReload,
        [
            ("cert reload", "read the files anew"),
            ("cert reload --dry-run", "only say what would change"),
        ],
    ),
    on(
        "audit search",
        Read,
        Route::AuditSearch,
        [
            ("audit search --actor anna --since -24h", "what a person did"),
            ("audit search --subject mbx_4f3a9c21 -o wide", "all that touched a mailbox"),
        ],
    ),
    on(
        "audit tail",
        Read,
        Route::AuditTail,
        [
            ("audit tail --limit 20", "the last twenty"),
            ("audit tail -f -o jsonl", "each new one, as a line of JSON"),
        ],
    ),
    on(
        "audit export",
        Routine,
        Route::AuditExport,
        [
            (
                "audit export --since 2026-10-01 --until 2026-11-01 -O 2026-10.mbxaudit",
                "a month that verifies by itself",
            ),
            ("audit export --since -24h --until -0h -O day.csv --format csv", "for a spreadsheet"),
        ],
    ),
    on(
        "audit verify",
        Read,
        Route::AuditVerify,
        [
            ("audit verify 2026-10.mbxaudit", "an export: no daemon, no HSM"),
            (
                "audit verify --from checkpoint.txt",
                "the live log against a checkpoint kept outside",
            ),
        ],
    ),
    offline(
        "audit event list",
        Read,
        [("audit event list", "every code"), ("audit event list -o csv", "for a handbook")],
    ),
    offline(
        "audit event show",
        Read,
        [
            ("audit event show MBX-A201", "one code"),
            ("audit event show A201 -o json", "the prefix may be left away"),
        ],
    ),
    on(
        "job list",
        Read,
        Route::JobList,
        [("job list", "the newest first"), ("job list --state running", "those that run")],
    ),
    on(
        "job show",
        Read,
        Route::JobShow,
        [
            ("job show job_ab3f02c1", "by the first digits of the id"),
            ("job show job_ab3f02c1 -o json", "for scripts"),
        ],
    ),
    on(
        "job follow",
        Read,
        Route::JobEvents,
        [
            ("job follow job_ab3f02c1", "until it ends"),
            ("job follow job_ab3f02c1 --progress json", "for machines"),
        ],
    ),
    offline(
        "config check",
        Read,
        [("config check", "the installed file"), ("config check ./mbxd.toml", "a draft")],
    ),
    on(
        "config show",
        Read,
        Route::ConfigShow,
        [
            ("config show", "what is in effect"),
            ("config show --origin", "and the line that set it"),
        ],
    ),
    offline("help", Read, [("help user register", "of one command"), ("help audit", "of a noun")]),
    offline(
        "completion",
        Read,
        [
            ("completion bash", "source <(mbxctl completion bash)"),
            ("completion zsh", "into a folder of fpath, as _mbxctl"),
        ],
    ),
    offline(
        "version",
        Read,
        [("version", "of mbxctl"), ("version --check", "of both; fails where they do not match")],
    ),
];

/// The entry of a command.
pub fn find(path: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.path == path)
}
