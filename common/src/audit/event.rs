//! The catalogue of event codes, `MBX-A…`.

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $title:literal;)+) => {
        /// What happened: one code of the catalogue. Codes are never reused.
        ///
        /// Source: K4.8 (activity); the catalogue is printed by `mbxctl audit event list`.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum Event {
            $(#[doc = $title] $name,)+
        }

        impl Event {
            /// Every event, by code.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The number after `MBX-A`.
            pub const fn code(self) -> u16 {
                match self { $(Self::$name => $code),+ }
            }

            /// What the code means, in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),+ }
            }

            /// The event of a stored code.
            pub const fn from_code(code: u16) -> Option<Self> {
                match code { $($code => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

events! {
    DaemonStarted = 1, "daemon started";
    DaemonStopped = 2, "daemon stopped";
    ConfigurationLoaded = 3, "configuration loaded";
    ConfigurationRefused = 4, "configuration refused";
    Initialised = 5, "installation initialised";
    IndexRebuilt = 6, "index rebuilt from the log";
    CertificatesLoaded = 7, "certificates loaded";
    SpaceLow = 8, "disk space below a watermark";
    SpaceBack = 9, "disk space back above the watermarks";
    LoggedIn = 101, "staff logged in";
    LoginRefused = 102, "staff login refused";
    LoggedOut = 103, "staff logged out";
    SessionEnded = 104, "staff session ended by time-out or suspension";
    OperatorCreated = 105, "operator created";
    PasswordChanged = 106, "operator's password changed";
    CommandRefused = 107, "staff command refused";
    OperatorSuspended = 108, "operator suspended";
    CommandsRefusedCounted = 109, "further refused staff commands counted";
    MailboxRegistered = 201, "mailbox registered";
    MailboxSuspended = 202, "mailbox suspended";
    MailboxResumed = 203, "mailbox resumed";
    NumberRevealed = 204, "whole national numbers revealed to staff";
    MailboxVerified = 205, "mailbox verified";
    RowsExpired = 206, "expired rows dropped";
    RegistrationRefused = 207, "registration refused";
    NumberLookedUp = 208, "mailbox of a national number looked up by staff";
    HolderShown = 209, "holder shown to staff";
    HoldersListed = 210, "holders listed with masked numbers for staff";
    MessagesShown = 211, "messages of a mailbox listed for staff";
    JobStarted = 251, "job started";
    JobProgressed = 252, "job progressed";
    JobEnded = 253, "job ended";
    DeliveryAccepted = 301, "delivery accepted";
    DeliveryRefused = 302, "delivery refused";
    DeliveryRepeated = 303, "delivery repeated, original answer given";
    DeliveryNotDeliverable = 304, "delivery answered as not deliverable";
    DeliveriesRefusedCounted = 305, "further refused deliveries counted";
    MessagesListed = 401, "holder listed messages";
    MessageOpened = 402, "holder opened a message";
    MessageMarked = 403, "holder marked a message";
    MessageDeleted = 404, "holder deleted a message";
    MessageRestored = 405, "holder restored a message";
    HolderRefused = 406, "holder refused";
    HolderSessionEnded = 407, "holder session ended";
    MessagesErased = 408, "keys of deleted messages erased after their restore window";
    MailboxViewed = 409, "holder looked at the mailbox";
    HoldersRefusedCounted = 410, "further refused calls of portals counted";
    KeyCreated = 501, "key created in the HSM";
    HsmOpened = 502, "HSM opened";
    HsmLost = 503, "HSM lost";
    PinRejected = 504, "HSM refused the PIN";
    IntegrityViolated = 505, "stored data failed its integrity check";
    HsmTested = 506, "HSM tested";
    HsmLocked = 507, "HSM locked by staff";
    PinGiven = 508, "PIN given to the HSM by staff";
    LookupExported = 509, "lookup secret given to staff as a credential";
    CheckpointSigned = 601, "audit checkpoint signed";
    AuditSearched = 602, "audit log searched";
    AuditExported = 603, "audit log exported";
    AuditVerified = 604, "audit log verified";
    SenderAllowed = 701, "sender allowed";
    SenderBlocked = 702, "sender blocked";
    CrlUpdated = 703, "certificate revocation list updated";
}

impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MBX-A{:03}", self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ascend_and_read_back() {
        assert!(Event::ALL.windows(2).all(|pair| pair[0].code() < pair[1].code()));
        assert!(Event::ALL.iter().all(|&event| Event::from_code(event.code()) == Some(event)));
        assert_eq!(Event::from_code(0), None);
    }
}
