//! Every route of the control API, and who may use it: the one table (K4.6, K4.9).
//!
//! The daemon dispatches from it, mbxctl prints roles from it, the `OpenAPI` document is held
//! against it. What is not in it does not exist; what has no roles is refused.

use crate::role::Role;
use Role::{Auditor, Observer, Registrar, SecurityOfficer, SystemOperator};

/// HTTP method.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Method {
    /// Reads.
    Get,
    /// Does.
    Post,
    /// Sets.
    Put,
    /// Ends.
    Delete,
}

impl Method {
    /// As HTTP writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// Who may use a route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Anybody whom the socket's mode lets in; the room behind decides more.
    Public,
    /// Anybody who is logged in, even while the password must be changed.
    Session,
    /// Whoever is logged in and has one of these roles.
    Roles(&'static [Role]),
}

/// Any role of a person: state without personal data.
pub const ANY_ROLE: &[Role] = &[Observer, Registrar, SystemOperator, SecurityOfficer, Auditor];

macro_rules! routes {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $method:ident $path:literal, $access:expr;)+) => {
        /// A route. Its name is the command's: `user.list` is `mbxctl user list`.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Route {
            $($(#[$doc])* $name,)+
        }

        /// Every route.
        pub const ROUTES: &[Route] = &[$(Route::$name),+];

        impl Route {
            /// `noun.verb`.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id),+ }
            }

            /// The method.
            pub const fn method(self) -> Method {
                match self { $(Self::$name => Method::$method),+ }
            }

            /// The path; `{…}` stands for one segment.
            pub const fn path(self) -> &'static str {
                match self { $(Self::$name => $path),+ }
            }

            /// Who may use it.
            pub const fn access(self) -> Access {
                match self { $(Self::$name => $access),+ }
            }
        }
    };
}

routes! {
    /// Who speaks here.
    Version = "version", Get "/v1/version", Access::Public;
    /// First set-up; for root's and the daemon's own uid, once.
    Init = "init", Post "/v1/init", Access::Public;
    /// Begins a session.
    Login = "login", Post "/v1/session", Access::Public;
    /// Ends the session.
    Logout = "logout", Delete "/v1/session", Access::Session;
    /// Tells who I am.
    Whoami = "whoami", Get "/v1/session", Access::Session;
    /// Changes one's own password.
    Password = "password", Put "/v1/session/password", Access::Session;
    /// How the daemon is.
    Status = "status", Get "/v1/status", Access::Roles(ANY_ROLE);
    /// Registers a holder.
    UserRegister = "user.register", Post "/v1/users", Access::Roles(&[Registrar]);
    /// Registers some rows of a file.
    UserBatch = "user.batch", Post "/v1/users/batch", Access::Roles(&[Registrar]);
    /// Finds the mailbox of a number.
    UserFind = "user.find", Post "/v1/users/find", Access::Roles(&[Registrar]);
    /// Lists holders.
    UserList = "user.list", Get "/v1/users", Access::Roles(&[Registrar, Observer]);
    /// Shows a holder.
    UserShow = "user.show", Get "/v1/users/{mailbox}", Access::Roles(&[Registrar]);
    /// Suspends a mailbox.
    UserSuspend = "user.suspend", Post "/v1/users/{mailbox}/suspend", Access::Roles(&[Registrar]);
    /// Resumes a suspended mailbox.
    UserResume = "user.resume", Post "/v1/users/{mailbox}/resume", Access::Roles(&[Registrar]);
    /// Lists mailboxes.
    MailboxList = "mailbox.list", Get "/v1/mailboxes", Access::Roles(ANY_ROLE);
    /// Counts over all mailboxes.
    MailboxStats = "mailbox.stats", Get "/v1/mailboxes/stats", Access::Roles(ANY_ROLE);
    /// Checks tags, orphans, dangling rows.
    MailboxVerify = "mailbox.verify", Post "/v1/mailboxes/verify", Access::Roles(&[SystemOperator]);
    /// Shows a mailbox.
    MailboxShow = "mailbox.show", Get "/v1/mailboxes/{mailbox}", Access::Roles(ANY_ROLE);
    /// Lists the messages of a mailbox, without content.
    MessageList = "mailbox.message.list", Get "/v1/mailboxes/{mailbox}/messages", Access::Roles(&[Registrar]);
    /// Lists deliveries.
    DeliveryList = "delivery.list", Get "/v1/deliveries", Access::Roles(ANY_ROLE);
    /// Shows a delivery in all its stages, by our id or the sender's.
    DeliveryTrace = "delivery.trace", Get "/v1/deliveries/{delivery}", Access::Roles(ANY_ROLE);
    /// Lists senders.
    SenderList = "sender.list", Get "/v1/senders", Access::Roles(&[SystemOperator, SecurityOfficer]);
    /// Shows a sender.
    SenderShow = "sender.show", Get "/v1/senders/{organisation}", Access::Roles(&[SystemOperator, SecurityOfficer]);
    /// Lets a sender deliver.
    SenderAllow = "sender.allow", Post "/v1/senders/{organisation}/allow", Access::Roles(&[SystemOperator, SecurityOfficer]);
    /// Stops a sender or one of its dispatchers.
    SenderBlock = "sender.block", Post "/v1/senders/{organisation}/block", Access::Roles(&[SystemOperator, SecurityOfficer]);
    /// Versions, counts, what a loss would mean.
    KeyStatus = "key.status", Get "/v1/keys/status", Access::Roles(ANY_ROLE);
    /// Lists the keys.
    KeyList = "key.list", Get "/v1/keys", Access::Roles(&[SecurityOfficer, Auditor]);
    /// Gives out the lookup secret, to be a credential of the daemon.
    KeyLookup = "key.lookup-credential", Post "/v1/keys/lookup-credential", Access::Roles(&[SecurityOfficer]);
    /// The token's state.
    HsmStatus = "hsm.status", Get "/v1/hsm", Access::Roles(&[SecurityOfficer, SystemOperator]);
    /// The compatibility sheet.
    HsmTest = "hsm.test", Post "/v1/hsm/test", Access::Roles(&[SecurityOfficer]);
    /// Gives the token its PIN.
    HsmLogin = "hsm.login", Post "/v1/hsm/login", Access::Roles(&[SecurityOfficer]);
    /// Locks the token and wipes every opened key.
    HsmLogout = "hsm.logout", Post "/v1/hsm/logout", Access::Roles(&[SecurityOfficer]);
    /// Lists certificates and revocation lists.
    CertList = "cert.list", Get "/v1/certificates", Access::Roles(&[SystemOperator]);
    /// Shows one.
    CertShow = "cert.show", Get "/v1/certificates/{name}", Access::Roles(&[SystemOperator]);
    /// Reads the files anew.
    CertReload = "cert.reload", Post "/v1/certificates/reload", Access::Roles(&[SystemOperator]);
    /// Searches the audit log.
    AuditSearch = "audit.search", Get "/v1/audit/entries", Access::Roles(&[Auditor]);
    /// The newest entries, and those to come.
    AuditTail = "audit.tail", Get "/v1/audit/tail", Access::Roles(&[Auditor]);
    /// Exports a period.
    AuditExport = "audit.export", Post "/v1/audit/exports", Access::Roles(&[Auditor]);
    /// Verifies the live log.
    AuditVerify = "audit.verify", Post "/v1/audit/verify", Access::Roles(&[Auditor]);
    /// Lists jobs.
    JobList = "job.list", Get "/v1/jobs", Access::Roles(&[SystemOperator, Registrar]);
    /// Shows a job.
    JobShow = "job.show", Get "/v1/jobs/{job}", Access::Roles(&[SystemOperator, Registrar]);
    /// Streams a job's events until it ends.
    JobEvents = "job.follow", Get "/v1/jobs/{job}/events", Access::Roles(&[SystemOperator, Registrar]);
    /// The configuration in effect.
    ConfigShow = "config.show", Get "/v1/config", Access::Roles(&[SystemOperator]);
}

impl Route {
    /// The route of this method and path, and what stands for its `{…}`.
    ///
    /// # Errors
    /// [`NoRoute`] says whether the path or only the method is unknown.
    pub fn find<'a>(method: &str, path: &'a str) -> Result<(Self, Option<&'a str>), NoRoute> {
        let mut path_known = false;
        for &route in ROUTES {
            if let Some(parameter) = matches(route.path(), path) {
                if route.method().name() == method {
                    return Ok((route, parameter));
                }
                path_known = true;
            }
        }
        Err(if path_known { NoRoute::Method } else { NoRoute::Path })
    }

    /// Whether it changes something, so that a plan can be asked for.
    pub const fn changes(self) -> bool {
        matches!(
            self,
            Self::Init
                | Self::UserRegister
                | Self::UserSuspend
                | Self::UserResume
                | Self::SenderAllow
                | Self::SenderBlock
                | Self::HsmLogin
                | Self::HsmLogout
                | Self::CertReload
        )
    }

    /// Whether it is refused while the audit log is not what was signed: it lets somebody in or
    /// gives something out, and nobody could say later who did. What takes away or keeps the
    /// daemon going – suspend, block, lock, a PIN, fresh revocation lists, one's own password –
    /// is what an incident needs and stays allowed, as reading does.
    pub const fn needs_sound_log(self) -> bool {
        matches!(
            self,
            Self::UserRegister
                | Self::UserBatch
                | Self::UserResume
                | Self::SenderAllow
                | Self::KeyLookup
        )
    }
}

/// Why no route was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoRoute {
    /// No route has this path.
    Path,
    /// The path has no such method.
    Method,
}

/// `Some` where the path fits the template; inside, what stands for its parameter.
#[expect(clippy::option_option, reason = "fits or not, with or without a parameter")]
fn matches<'a>(template: &str, path: &'a str) -> Option<Option<&'a str>> {
    let mut parameter = None;
    let mut given = path.split('/');
    for wanted in template.split('/') {
        let segment = given.next()?;
        if wanted.starts_with('{') {
            if segment.is_empty() {
                return None;
            }
            parameter = Some(segment);
        } else if wanted != segment {
            return None;
        }
    }
    given.next().is_none().then_some(parameter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_route_but_the_three_public_ones_asks_for_a_session_or_a_role() {
        let public: Vec<&str> = ROUTES
            .iter()
            .filter(|route| route.access() == Access::Public)
            .map(|route| route.id())
            .collect();
        assert_eq!(public, ["version", "init", "login"]);
        for route in ROUTES {
            if let Access::Roles(roles) = route.access() {
                assert!(!roles.is_empty(), "{} is open to nobody", route.id());
            }
        }
    }

    #[test]
    fn a_timer_may_use_no_route_by_role() {
        for route in ROUTES {
            if let Access::Roles(roles) = route.access() {
                assert!(!roles.contains(&Role::Timer), "{}", route.id());
            }
        }
    }

    #[test]
    fn ids_and_places_are_unique() {
        let ids: HashSet<_> = ROUTES.iter().map(|route| route.id()).collect();
        let places: HashSet<_> =
            ROUTES.iter().map(|route| (route.method(), route.path())).collect();
        assert_eq!((ids.len(), places.len()), (ROUTES.len(), ROUTES.len()));
    }

    #[test]
    fn a_path_finds_its_route_and_parameter() {
        assert_eq!(
            Route::find("GET", "/v1/mailboxes/mbx_1/messages"),
            Ok((Route::MessageList, Some("mbx_1")))
        );
        assert_eq!(Route::find("GET", "/v1/mailboxes/stats"), Ok((Route::MailboxStats, None)));
        assert_eq!(Route::find("GET", "/v1/status"), Ok((Route::Status, None)));
        assert_eq!(Route::find("PUT", "/v1/status"), Err(NoRoute::Method));
        assert_eq!(Route::find("GET", "/v1/nothing"), Err(NoRoute::Path));
        assert_eq!(Route::find("GET", "/v1/users/"), Err(NoRoute::Path));
        assert_eq!(Route::find("GET", "/v1/status/"), Err(NoRoute::Path));
    }
}
