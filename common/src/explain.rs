//! The catalogue of error codes, `MBX-nnnn`: what each means, why it happens, what to do next.
//!
//! Shared by the daemon, which sends codes, and `mbxctl explain`, which works without a daemon.
//! Codes are never reused. 1xxx request and command line · 2xxx people · 3xxx HSM and keys ·
//! 4xxx mailboxes, deliveries, senders · 5xxx store and audit · 6xxx configuration, certificates.

use crate::error::{Code, Kind};

/// What the catalogue tells of one code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Explanation {
    /// The code.
    pub code: Code,
    /// Whose move it is.
    pub kind: Kind,
    /// What it means, in a few words.
    pub title: &'static str,
    /// Why it happens, one or two sentences.
    pub why: &'static str,
    /// What to do next, one or two sentences.
    pub next: &'static str,
    /// The command for it, where one command is the answer.
    pub hint: Option<&'static str>,
}

macro_rules! catalogue {
    ($($name:ident = $code:literal, $kind:ident, $title:literal, $why:literal, $next:literal, $hint:expr;)+) => {
        $(#[doc = concat!("`MBX-", $code, "`: ", $title, ".")] pub const $name: Code = Code($code);)+

        /// Every code, ascending.
        pub const CATALOGUE: &[Explanation] = &[$(Explanation {
            code: Code($code),
            kind: Kind::$kind,
            title: $title,
            why: $why,
            next: $next,
            hint: $hint,
        }),+];
    };
}

catalogue! {
    USAGE = 1001, Usage, "the request is not well formed",
        "A field is missing, unknown or has a value that cannot be read.",
        "The message names the field; `mbxctl help COMMAND` shows what each means.", None;
    BODY_TOO_LARGE = 1002, Usage, "the request is too large",
        "Requests on the control socket are bounded, so that nobody can fill the daemon's memory.",
        "Send fewer rows at a time; `--from-file` does so by itself.", None;
    NO_ROUTE = 1003, NotFound, "the daemon knows no such request",
        "mbxctl is newer than mbxd, or something else than mbxctl speaks on the socket.",
        "Compare both versions.", Some("mbxctl version --check");
    NOT_FOUND = 1004, NotFound, "no such thing",
        "Nothing has this name or id, or it was removed.",
        "List what exists; ids are shown in full with `-o wide` or `-o id`.", None;
    CONFLICT = 1005, Conflict, "the state no longer fits",
        "It exists already, or somebody changed it in the meantime.",
        "Look at the present state and decide again.", None;
    LIMIT = 1006, Limit, "too much at once",
        "A queue or rate limit was met; nothing was changed.",
        "Wait a moment and repeat the same command.", None;
    UNAVAILABLE = 1007, Unavailable, "something needed is away",
        "The HSM, the store or another part does not answer; nothing was changed.",
        "`mbxctl status` says which part; repeat the command when it is back.", Some("mbxctl status");
    CORRUPT = 1008, Corrupt, "stored data is damaged",
        "Something stored fails its integrity check: a disk fault, or it was altered.",
        "Do not repair by hand. Verify the mailbox and the audit log, and open an incident.",
        Some("mbxctl mailbox verify --all");
    INTERNAL = 1009, Internal, "a defect of mbx",
        "The daemon met a state that it should never be in; nothing was changed.",
        "Report it with the request id; the journal has the details under the same id.", None;
    VERSION_MISMATCH = 1010, Usage, "versions of mbxctl and mbxd do not match",
        "The major versions of the control API differ, so answers would be misread.",
        "Install mbxctl and mbxd of the same version.", Some("mbxctl version --check");
    INPUT_MISSING = 1011, NotFound, "the input file cannot be read",
        "The file does not exist, or you may not read it.",
        "Check the path and its permissions.", None;
    INPUT_INVALID = 1012, Corrupt, "the input is damaged or not of the expected form",
        "The file is cut off, altered, or something else than the command expects.",
        "The message names the place; make the file again from its source.", None;
    OUTPUT_FAILED = 1013, Internal, "the output cannot be written",
        "The disk is full, the folder does not exist, or you may not write there.",
        "Name another file with -O.", None;
    INPUT_NEEDED = 1014, Usage, "an answer is needed and nobody can be asked",
        "There is no terminal, or --no-input was given.",
        "Give the flag that the message names.", None;
    NOT_CONFIRMED = 1015, Usage, "not confirmed",
        "The command asks before it acts, and the answer was not yes.",
        "Repeat it, or give --yes.", None;
    NO_DAEMON = 1016, Unavailable, "mbxd does not answer",
        "The daemon is not running, or it listens on another socket.",
        "Look at the service, or name its socket with --socket.", Some("systemctl status mbxd");
    TIMED_OUT = 1017, Unavailable, "mbxd took too long",
        "The daemon is busy, or waits for the HSM or the disk. What was asked may still be done.",
        "Look at the present state before you repeat; --timeout waits longer.", Some("mbxctl status");
    SOCKET_DENIED = 1018, Denied, "you may not use the control socket",
        "The socket is open to members of the group mbxadm only.",
        "Ask for membership of the group mbxadm, then log in to the machine anew.", None;
    NUMBER_IN_ARGUMENT = 1019, Usage, "national numbers are not taken as arguments here",
        "Shell history and sudo's log keep arguments; mbxctl.toml forbids numbers there.",
        "Give - and type the number when asked, or pipe it in.", None;
    AMBIGUOUS_ID = 1020, Usage, "the id is not unique",
        "Several things have an id that begins like this.",
        "Give more digits; `-o wide` shows whole ids.", None;
    METHOD = 1021, Usage, "the daemon does not do this with that path",
        "The path exists, but not with this HTTP method.",
        "docs/openapi/control.json names the methods of every path.", None;
    NO_TERMINAL_FOR_SECRET = 1022, Usage, "a secret is needed and nobody can be asked",
        "Secrets are never taken from arguments or the environment.",
        "Give --password-file NAME=FILE or --pin-file FILE.", None;
    STOPPED = 1023, Usage, "stopped",
        "Ctrl-C was pressed. A job in the daemon goes on.",
        "Follow it again when you like.", Some("mbxctl job list");
    NOT_HERE = 1024, Unavailable, "this part of the daemon is not running",
        "The configuration leaves it out, or it has not started yet.",
        "`mbxctl status` says what runs.", Some("mbxctl status");

    NOT_LOGGED_IN = 2001, Denied, "not logged in",
        "Every command is done by a named person (K4.7); there is no session, or it ended.",
        "Log in.", Some("mbxctl login");
    LOGIN_REFUSED = 2002, Denied, "login refused",
        "The name or the password is wrong, or the person is suspended. Which one is not told.",
        "Try again; after several failures each attempt waits longer.", None;
    LOGIN_DELAYED = 2003, Limit, "too many failed logins",
        "After failed attempts the next one must wait, longer each time. The account is not locked.",
        "Wait as long as the message says.", None;
    SESSION_ENDED = 2004, Denied, "your session has ended",
        "It was idle too long, reached its longest life, or was ended.",
        "Log in again.", Some("mbxctl login");
    SESSION_ELSEWHERE = 2005, Denied, "the session belongs to another user or terminal",
        "Sessions are bound to the user id and the terminal where they began.",
        "Log in here.", Some("mbxctl login");
    PASSWORD_DUE = 2006, Denied, "your password must be changed first",
        "First passwords and expired ones open nothing but the change itself.",
        "Change it.", Some("mbxctl password");
    PASSWORD_REJECTED = 2007, Usage, "the new password does not fit the rules",
        "It is too short, too long, commonly known, contains the name, or was used before.",
        "Choose a passphrase of several words, at least 12 characters.", None;
    NOT_INITIALISED = 2008, Unavailable, "mbxd is not set up yet",
        "A new installation has no keys, no audit log and no people.",
        "Set it up, as root.", Some("mbxctl init --officer NAME --officer NAME");
    ALREADY_INITIALISED = 2009, Conflict, "mbxd is set up already",
        "The first set-up is done once; it never overwrites an installation.",
        "Log in as one of its officers.", Some("mbxctl login");
    INIT_NOT_ROOT = 2010, Denied, "only root or the daemon's own user may set up",
        "Nobody is known yet, so the machine's administrator vouches for the first two officers.",
        "Repeat the command as root.", None;
    INIT_OFFICERS = 2011, Usage, "exactly two different officers are needed",
        "No dangerous act is done by one person alone, so an installation begins with two.",
        "Give --officer twice with different names.", None;
    KEYRING_THERE = 2012, Conflict, "a keyring without its store lies in the state folder",
        "It belongs to an installation whose store is not here; without that file its mail is lost.",
        "Put that installation's store back beside it; or move the file to a safe place and repeat.",
        None;
    DENIED = 2040, Denied, "not allowed",
        "Your roles do not allow it, or it is not for you.",
        "`mbxctl whoami` shows your roles.", Some("mbxctl whoami");
    ROLE_MISSING = 2041, Denied, "your roles do not allow this",
        "Every command names the roles that may use it (K4.6); you have none of them.",
        "Ask somebody who has the role; the message names it.", Some("mbxctl whoami");

    HSM_LOCKED = 3001, Unavailable, "the HSM is locked",
        "No PIN was given since the start, or it was locked by a security officer.",
        "Give the PIN.", Some("mbxctl hsm login");
    PIN_REJECTED = 3002, Denied, "the HSM refused the PIN",
        "The PIN is wrong. mbxd does not try it again, because tokens lock after a few attempts.",
        "Check the PIN with its keeper, then give it once more.", Some("mbxctl hsm login");
    PIN_LOCKED = 3003, Unavailable, "the HSM has locked the PIN",
        "Too many wrong PINs were tried, here or elsewhere.",
        "The token's own security officer must reset it with the maker's tool.", None;
    HSM_POLICY = 3004, Unavailable, "a key in the HSM breaks the policy",
        "A key is readable, extractable or usable for more than it should, or the token is not admitted.",
        "See which check fails; do not go on with such a key.", Some("mbxctl hsm test");
    HSM_BUSY = 3005, Limit, "the HSM has too much to do",
        "More secrets are to be opened than the token manages; the queue is full.",
        "Wait a moment. If it lasts, give the token more workers or a faster device.", Some("mbxctl hsm status");
    HSM_TIMEOUT = 3006, Unavailable, "the HSM took too long",
        "The token or its network did not answer in time.",
        "See whether it lasts.", Some("mbxctl hsm status");
    HSM_UNAVAILABLE = 3007, Unavailable, "the HSM does not answer",
        "The token was removed, lost its network or failed. mbxd opens it again by itself; deliveries go on.",
        "See what the token says; no restart of mbxd is needed.", Some("mbxctl hsm test");
    KEY_MISSING = 3008, Corrupt, "the HSM does not hold the key",
        "It was destroyed, or this is another token than the one the installation was made with.",
        "Compare the token's serial number with the configured one.", Some("mbxctl key list");
    SEAL_BROKEN = 3009, Corrupt, "a sealed secret fails its integrity check",
        "The stored record was altered, or belongs to another installation.",
        "Verify the mailbox and open an incident; restore the record from a backup.",
        Some("mbxctl mailbox verify --all");
    KEYRING_CUT = 3010, Corrupt, "the keyring is shorter than what is in use of it",
        "keyring/ in the state folder was cut, or an older copy was put there; mbxd left it as it is.",
        "Stop mbxd, put the newest copy of keyring/ in its place and start it.", Some("mbxctl status");
    HSM_OPEN = 3011, Conflict, "the HSM is open already",
        "It was opened with a PIN that it took; another one would not be tried, and not known right.",
        "To give another PIN, lock the HSM first; reading then ends until the new PIN is taken.",
        Some("mbxctl hsm logout");

    NO_MAILBOX = 4001, NotFound, "no such mailbox",
        "Nobody is registered under this number or id.",
        "List the holders.", Some("mbxctl user list");
    ALREADY_REGISTERED = 4002, Conflict, "the holder has a mailbox already",
        "One number has one mailbox.",
        "Show it; a suspended mailbox is resumed, not registered anew.", Some("mbxctl user show -");
    MAILBOX_STATE = 4003, Conflict, "the mailbox is not in the right state",
        "It is suspended, closing or active already.",
        "Look at its state.", Some("mbxctl user list");
    NUMBER_INVALID = 4004, Usage, "this is no national number",
        "A number has 12 digits, a date or organisation form, and a check digit that fits.",
        "Compare it with its source: one digit is mistyped.", None;
    TERMS_UNKNOWN = 4005, Usage, "these terms are not known",
        "A registration records which version of the terms was accepted; this one is not configured.",
        "Leave --terms away for the current version, or configure the file.", Some("mbxctl config show");
    FILE_CHANGED = 4006, Conflict, "the file is not the one the job began with",
        "A registration job goes on only with exactly the same file, known by its SHA-256.",
        "Resume with the original file, or start a new job without --resume.", Some("mbxctl job list");
    ROWS_REFUSED = 4007, Conflict, "some rows were not registered",
        "Rows with a wrong number, a wrong field or an existing mailbox are left out; the others are registered.",
        "Mend the listed rows and give them in a file of their own.", None;
    HOLDER_KIND = 4008, Usage, "kind and number do not fit",
        "A person or sole trader has a personal or coordination number, others an organisation number.",
        "Leave --kind away, or correct the number.", None;
    LOA_TOO_LOW = 4009, Usage, "the terms were accepted at too low a level of assurance",
        "The configuration names the lowest level at which terms may be accepted.",
        "Have the holder accept them anew, identified more surely.", Some("mbxctl config show");
    TERMS_CHANGED = 4010, Conflict, "the terms have another text than before",
        "Holders accepted another text under the same version; a version never changes its text.",
        "Give the new text a version of its own.", Some("mbxctl config show");
    ACCEPTED_IN_FUTURE = 4011, Usage, "the terms were accepted in the future",
        "The time of acceptance is later than the daemon's clock.",
        "Compare it with its source.", None;
    NO_DELIVERY = 4020, NotFound, "no such delivery",
        "No delivery has this id, or its row has passed its retention.",
        "List the deliveries; senders know ours as TransId.", Some("mbxctl delivery list");
    NO_SENDER = 4030, NotFound, "no such sender",
        "This organisation was never allowed or blocked here.",
        "List the senders.", Some("mbxctl sender list");
    NO_JOB = 4040, NotFound, "no such job",
        "No job has this id, or its row has passed its retention.",
        "List the jobs.", Some("mbxctl job list");
    NOT_ENTITLED = 4101, Denied, "no mailbox that this person may use",
        "The person has no mailbox here, or named another's. Mailboxes of companies and \
         associations answer the same to whoever acts for them: that is not supported yet.",
        "Nothing: persons use the mailbox under their own number.", None;
    COMPANY_NOT_SUPPORTED = 4102, Denied, "mailboxes of companies cannot be used yet",
        "Who acts for a company follows from the company register, which is not consulted yet.",
        "Nothing until this is supported; deliveries are kept.", None;
    LEVEL_TOO_LOW = 4103, Denied, "the person was not identified surely enough",
        "Each protection class needs a level of assurance; class 3 needs level 3.",
        "Identify again at the level that the answer names.", None;
    AUTHENTICATION_TOO_OLD = 4104, Denied, "the person was identified too long ago",
        "A level of assurance ages; class 3 needs a fresh identification.",
        "Identify again.", None;
    AUTHENTICATION_IN_FUTURE = 4105, Denied, "the identification lies in the future",
        "The clock of the portal or of the identity provider is ahead.",
        "Set the clock.", None;
    SUSPENDED = 4106, Denied, "the mailbox is suspended",
        "Staff suspended it; the configuration tells whether it can be read meanwhile.",
        "Ask the operator.", Some("mbxctl user show -");
    CLOSING = 4107, Denied, "the mailbox is being closed",
        "Only reading and export are left.",
        "Export what is to be kept.", None;
    NO_MESSAGE = 4110, NotFound, "no such message",
        "The mailbox holds no message or part of this name, or it was deleted.",
        "List the messages.", None;
    MESSAGE_CHANGED = 4111, Conflict, "the message changed in the meantime",
        "The condition of the request does not hold any more.",
        "Read the message again and decide anew.", None;
    RESTORE_OVER = 4112, Conflict, "the message cannot be restored",
        "It is not deleted, or its restore window has ended.",
        "Nothing: what is erased stays erased.", None;
    RANGE_UNSATISFIABLE = 4113, Usage, "the range lies outside the part",
        "The first byte asked for is past the end.",
        "Ask for a range within the length that the list names.", None;
    ASSERTION_MISSING = 4120, Denied, "no assertion",
        "Every request of a portal carries a signed statement of who was identified and how.",
        "Send it as a bearer token.", None;
    ASSERTION_INVALID = 4121, Denied, "the assertion is not valid",
        "Form, signature, issuer, audience, binding to the certificate or a claim is wrong; the journal says which.",
        "Mend the portal's configuration or its keys.", Some("journalctl -u mbxd");
    ASSERTION_EXPIRED = 4122, Denied, "the assertion is outside its time",
        "It has expired, begins later, or lasts longer than the configuration allows.",
        "Make a new one for each request; compare the clocks.", None;
    ASSERTION_REPLAYED = 4123, Denied, "the assertion was used before",
        "Each assertion is good for one act.",
        "Make a new one for each request.", None;
    LEVEL_UNKNOWN = 4124, Denied, "the assertion names no level of assurance that is accepted",
        "Levels are matched exactly; unknown ones are refused, never rounded up.",
        "Configure the level for this portal, if it deserves it.", Some("mbxctl config show");
    PORTAL_UNKNOWN = 4125, Denied, "this certificate belongs to no portal",
        "The client certificate is not among those of a configured portal.",
        "Add its fingerprint to the portal's configuration.", Some("mbxctl config show");

    DELIVERY_TOO_LONG = 4201, Usage, "the delivery is too long",
        "The request is longer than [delivery] body_max.",
        "The sender must split it; raise the limit only where such deliveries are agreed.", None;
    DELIVERY_NOT_XML = 4202, Usage, "the delivery is no XML that is read",
        "It is not well-formed UTF-8 XML, or holds what no sender needs: a DTD, comments, floods of elements or attributes.",
        "The sender must mend its software.", None;
    DELIVERY_SHAPE = 4203, Usage, "the delivery is not of the contract's form",
        "An element is missing, unknown, out of order, or has a value outside the schema.",
        "The fault told the sender which; its software must be mended.", None;
    DELIVERY_OLD_VERSION = 4204, Usage, "the delivery is of an older service version",
        "The call is of Service v1 or v2; only v3 is served.",
        "The sender must call Service v3.", None;
    DELIVERY_OPERATION = 4205, Usage, "the operation is not served",
        "The body is no operation of Service v3, or one that this operator does not offer.",
        "Only deliverSecure and notify are served.", None;
    DELIVERY_SENDER_NUMBER = 4206, Usage, "the sender's id is no organisation number",
        "Sender/Id must be 16 and a valid organisation number.",
        "The sender must mend its configuration.", None;
    DELIVERY_SIGNATURE_FORM = 4207, Usage, "a signature is not of the accepted form",
        "Count, place, references, transforms or algorithms are outside the profile: a defect or an attack.",
        "Ask the sender which software signs; look at who else it came from.", None;
    DELIVERY_SIGNATURE_WRONG = 4208, Usage, "a signature does not fit",
        "What was signed is not what arrived: it was altered on the way, or signed in another form.",
        "Ask the sender; repeated cases from one sender are a defect of its software.", None;
    DELIVERY_SHA1 = 4209, Usage, "a signature uses SHA-1",
        "SHA-1 is no longer safe and the sender has no exception.",
        "The sender must sign with SHA-256; an exception has an end date.", None;
    DELIVERY_SEAL_SAYS_NO = 4210, Usage, "the seal says the signatures are not right",
        "The dispatcher sent SignaturesOK = false.",
        "The sender and its dispatcher must settle it.", None;
    DELIVERY_CERTIFICATE = 4211, Denied, "a certificate is not believed",
        "It has expired, was issued elsewhere, is not for this use, or its key is weak.",
        "Compare it with the configured roots; the sender may need a new certificate.", Some("mbxctl cert list");
    DELIVERY_REVOKED = 4212, Denied, "a certificate was revoked",
        "A revocation list names the certificate or one of its issuers.",
        "Do not accept it by any exception; ask the sender what happened.", None;
    DELIVERY_REVOCATION_UNKNOWN = 4213, Unavailable, "no current revocation list of an issuer",
        "The list is missing or outdated, so nobody under this issuer is believed.",
        "Fetch the list; this stops deliveries until it is there.", Some("mbxctl cert list");
    DELIVERY_ORGANISATION = 4214, Denied, "a certificate names no organisation",
        "The subject must hold exactly one serialNumber: 16 and ten digits.",
        "The sender must use its organisation certificate.", None;
    DELIVERY_SENDER_UNKNOWN = 4215, Denied, "the sender was never allowed",
        "Senders are denied until staff allow them.",
        "Check that it joined the infrastructure, then allow it.", Some("mbxctl sender list");
    DELIVERY_BLOCKED = 4216, Denied, "an organisation behind the delivery is blocked",
        "Staff blocked the sender, its signer, its dispatcher or the caller.",
        "See why it was blocked.", Some("mbxctl sender list");
    DELIVERY_SIGNER = 4217, Denied, "the signer may not sign for the sender",
        "The inner signature is neither the sender's nor that of a dispatcher that may sign for it.",
        "Where it is the sender's dispatcher, allow it for this sender.", Some("mbxctl sender list");
    DELIVERY_SEALER = 4218, Denied, "the dispatcher may not seal for the sender",
        "The seal is neither the sender's nor that of a dispatcher allowed for it.",
        "Where it is the sender's dispatcher, allow it for this sender.", Some("mbxctl sender list");
    DELIVERY_CLIENT = 4219, Denied, "the caller may not deliver for the sender",
        "The TLS client is neither the sender nor its dispatcher.",
        "Where it is the sender's dispatcher, allow it for this sender.", Some("mbxctl sender list");
    DELIVERY_MEDIA_TYPE = 4220, Usage, "a media type is not accepted",
        "A body is text or HTML; attachments have the types of [delivery] media_types.",
        "The sender must convert the document.", None;
    DELIVERY_NOT_UTF8 = 4221, Usage, "a body is not UTF-8",
        "The infrastructure's texts are UTF-8 always.",
        "The sender must mend its software.", None;
    DELIVERY_CHECKSUM = 4222, Usage, "an attachment does not fit its checksum",
        "The MD5 checksum is wrong, or of other octets (encoded twice, for example).",
        "The sender must mend its software; `checksum = \"flag\"` lets such deliveries through in trials.", None;
    DELIVERY_MESSAGE_TOO_LONG = 4223, Usage, "a message is too long",
        "Body and attachments together exceed [delivery] message_max.",
        "The sender must send less; the infrastructure's limit is 2 MB.", None;
    DELIVERY_OVERLOADED = 4224, Limit, "too many deliveries at once",
        "Memory, turns or waiting places for deliveries were used up; the sender was told to come back.",
        "Look for a flood from one sender; else raise the limits of [delivery].", Some("mbxctl delivery list --rejected");

    SPACE_LOW = 5001, Unavailable, "the disk is almost full",
        "Below the first watermark deliveries are refused, below the second everything but reading.",
        "Make room; mbxd goes on by itself.", Some("mbxctl status");
    STORE_UNAVAILABLE = 5002, Unavailable, "the store cannot write",
        "The disk refused a write or a sync; the store opens itself anew.",
        "Look at the disk and the journal.", Some("journalctl -u mbxd");
    STORE_DAMAGED = 5003, Corrupt, "stored data is damaged",
        "A row or content fails its checksum.",
        "Do not repair by hand: verify, and restore from a backup.", Some("mbxctl mailbox verify --all");
    AUDIT_UNWRITABLE = 5004, Unavailable, "the audit log cannot be written",
        "No act is done without its entry, so nothing was done.",
        "Mend the store first.", Some("mbxctl status");
    AUDIT_BROKEN = 5005, Corrupt, "the audit log does not verify",
        "An entry was altered, removed or reordered, or the end was cut. Nobody is let in and no secret given out until it verifies.",
        "Keep everything as it is, bring the newest checkpoint held outside, open an incident.", None;
    AUDIT_OUTSIDE = 5006, NotFound, "no entries in this period",
        "The log begins later, or nothing happened.",
        "Ask for another period.", Some("mbxctl audit search --limit 1");

    CONFIG_INVALID = 6001, Usage, "the configuration is not valid",
        "A key is unknown, or a value cannot be read.",
        "The message names the place.", Some("mbxctl config check");
    CERT_INVALID = 6002, Usage, "a certificate file cannot be used",
        "The file is missing or not PEM, the key does not fit, or the certificate has ended. The old one stays.",
        "Mend the file and reload.", Some("mbxctl cert reload");
    NO_CERT = 6003, NotFound, "no such certificate",
        "No certificate or revocation list has this name.",
        "List them.", Some("mbxctl cert list");
    CLI_CONFIG = 6004, Usage, "mbxctl.toml is not valid",
        "A key of mbxctl's own configuration is unknown or has a value that cannot be read.",
        "The message names file and key.", None;
    CHECK_FAILED = 6005, Corrupt, "a check found something wrong",
        "The rows marked with a cross are wrong; those with an exclamation mark need attention.",
        "Begin with the first cross.", None;
}

/// What the catalogue tells of a code.
pub fn of(code: Code) -> Option<&'static Explanation> {
    CATALOGUE.iter().find(|entry| entry.code == code)
}

/// The code for a failure of which only the kind is known.
pub const fn generic(kind: Kind) -> Code {
    match kind {
        Kind::Usage => USAGE,
        Kind::Denied => DENIED,
        Kind::NotFound => NOT_FOUND,
        Kind::Conflict => CONFLICT,
        Kind::Limit => LIMIT,
        Kind::Unavailable => UNAVAILABLE,
        Kind::Corrupt => CORRUPT,
        Kind::Internal => INTERNAL,
    }
}

/// The HTTP status of a code: its kind's, but for the few where HTTP has a closer word.
pub fn http_status(code: Code, kind: Kind) -> u16 {
    match code {
        NOT_LOGGED_IN | SESSION_ENDED | SESSION_ELSEWHERE | LOGIN_REFUSED | ASSERTION_MISSING
        | ASSERTION_INVALID | ASSERTION_EXPIRED | ASSERTION_REPLAYED | LEVEL_UNKNOWN => 401,
        MESSAGE_CHANGED => 412,
        RANGE_UNSATISFIABLE => 416,
        BODY_TOO_LARGE => 413,
        METHOD => 405,
        _ => kind.http_status(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ascend_and_are_found() {
        assert!(CATALOGUE.windows(2).all(|pair| pair[0].code < pair[1].code));
        for entry in CATALOGUE {
            assert_eq!(of(entry.code), Some(entry));
        }
        assert_eq!(of(Code(0)), None);
    }

    #[test]
    fn every_generic_code_has_its_kind() {
        for kind in Kind::ALL {
            assert_eq!(of(generic(kind)).map(|entry| entry.kind), Some(kind));
        }
    }

    #[test]
    fn every_text_is_whole_sentences_and_every_hint_a_command() {
        for entry in CATALOGUE {
            assert!(entry.why.ends_with('.') && entry.next.ends_with('.'), "{:?}", entry.code);
            assert!(!entry.title.ends_with('.'), "{:?}", entry.code);
            let command = |hint: &str| {
                ["mbxctl ", "systemctl ", "journalctl "].iter().any(|tool| hint.starts_with(tool))
            };
            assert!(entry.hint.is_none_or(command), "{:?}", entry.code);
        }
    }
}
