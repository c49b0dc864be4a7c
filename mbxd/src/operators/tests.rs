use super::*;
use crate::clock::Clock;
use crate::keys::testing::Bench;
use crate::keys::{Keys, KeysError};
use crate::store::memory::Memory;
use crate::store::{CommitError, Store, Table};
use mbx_common::audit::{Actor, Entry, Event, Fact, Outcome, Peer, Subject};
use mbx_common::error::Kind;
use mbx_common::id::RequestId;
use mbx_common::role::{Role, Roles};
use secrecy::SecretString;
use std::sync::Arc;

const FIRST: &str = "first password of the day";
const NEXT: &str = "a better one: violet tram";

struct Scene {
    staff: Operators,
    memory: Arc<Memory>,
    keys: Keys,
    clock: Clock,
}

impl Scene {
    async fn new() -> Self {
        let memory = Arc::new(Memory::new());
        let store = Store::new(memory.clone());
        let keys = Bench::over(store.clone()).await.keys;
        let clock = Clock::manual("2026-11-24T03:41:00Z".parse().unwrap());
        let options = Options {
            cost: Cost { memory_kib: 64, passes: 1 },
            daemon_uid: 990,
            ..Options::default()
        };
        let staff = Operators::new(store, clock.clone(), options).unwrap();
        Self { staff, memory, keys, clock }
    }

    /// Two officers who have changed their first passwords: anna (all roles), bo (officer only).
    async fn set_up() -> Self {
        let scene = Self::new().await;
        scene.initialise(0).await.unwrap();
        for name in ["anna", "bo"] {
            let session = scene.login(name, FIRST).await.unwrap();
            let staff = scene.whoami(&session.token).await.unwrap();
            scene.staff.change_password(&staff, FIRST.into(), NEXT.into()).await.unwrap();
            scene.staff.logout(&staff).await.unwrap();
        }
        scene
    }

    async fn initialise(&self, uid: u32) -> Result<Initialised, InitialiseError> {
        let founding = self.keys.initialise().await?;
        self.staff.initialise(officers(), &founding, &caller(uid)).await
    }

    async fn login(&self, name: &str, password: &str) -> Result<LoggedIn, LoginError> {
        self.staff.login(name, password.into(), &caller(1000)).await
    }

    async fn whoami(&self, token: &SessionToken) -> Result<Staff, Denied> {
        let permission = Permission { command: "whoami", need: Need::Session };
        self.staff.authorise(Some(token), permission, &caller(1000)).await
    }

    async fn ask(&self, token: &SessionToken, roles: &[Role]) -> Result<Staff, Denied> {
        self.staff.authorise(Some(token), needing(roles), &caller(1000)).await
    }

    fn last(&self) -> Entry {
        self.memory.entries().pop().unwrap()
    }
}

fn needing(roles: &[Role]) -> Permission {
    Permission { command: "user.list", need: Need::OneOf(roles.iter().copied().collect()) }
}

fn caller(uid: u32) -> Caller {
    Caller {
        uid,
        pid: Some(42),
        tty: Some("pts/4".to_owned()),
        request: RequestId::from_bytes([9; 16]),
    }
}

fn officers() -> Vec<NewOfficer> {
    let all: Roles = "KRSA".parse().unwrap();
    let officer =
        |name: &str, roles| NewOfficer { name: name.to_owned(), roles, password: FIRST.into() };
    vec![officer("anna", all), officer("bo", "K".parse().unwrap())]
}

#[tokio::test]
async fn the_first_set_up_commits_keys_and_officers_with_one_entry() {
    let scene = Scene::new().await;
    assert!(!scene.staff.is_initialised().await.unwrap());
    let made = scene.initialise(990).await.unwrap();
    assert!(scene.staff.is_initialised().await.unwrap());
    assert_eq!(scene.memory.entries().len(), 1);
    let entry = scene.last();
    assert_eq!((entry.event, &entry.actor), (Event::Initialised, &Actor::Local(990)));
    for officer in &made.officers {
        assert!(entry.subjects.contains(&Subject::Operator(officer.id)));
    }
    let keys = entry.subjects.iter().filter(|subject| matches!(subject, Subject::Key(_)));
    assert_eq!(keys.count(), 5);
    assert_eq!(entry.facts[..2], [Fact::Count(2), Fact::Count(5)]);
    assert!(!format!("{entry:?}").contains("anna"), "names stand in side records only");
    let names: Vec<_> = scene.staff.list().await.unwrap().into_iter().map(|o| o.name).collect();
    assert_eq!(names.iter().map(OperatorName::as_str).collect::<Vec<_>>(), ["anna", "bo"]);
}

#[tokio::test]
async fn the_first_set_up_happens_once() {
    let scene = Scene::set_up().await;
    let before = scene.memory.entries().len();
    let again = scene.staff.check_initialise(&officers(), &caller(0)).await;
    assert!(matches!(again, Err(InitialiseError::Already)));
    let again = scene.initialise(0).await;
    assert!(matches!(again, Err(InitialiseError::Keys(KeysError::AlreadyInitialised))));
    assert_eq!(scene.memory.entries().len(), before);
}

#[tokio::test]
async fn the_first_set_up_is_for_root_and_the_daemons_user_only() {
    let scene = Scene::new().await;
    let refused = scene.initialise(1000).await;
    assert!(matches!(refused, Err(InitialiseError::NotAllowed)));
    assert_eq!(scene.last().event, Event::CommandRefused);
    assert!(!scene.staff.is_initialised().await.unwrap());
}

#[tokio::test]
async fn the_first_set_up_wants_two_officers_of_different_names_with_good_passwords() {
    let scene = Scene::new().await;
    let check = async |officers: Vec<NewOfficer>| {
        scene.staff.check_initialise(&officers, &caller(0)).await.unwrap_err()
    };
    let one = officers().into_iter().take(1).collect();
    assert!(matches!(check(one).await, InitialiseError::Officers));
    let mut no_officer = officers();
    no_officer[1].roles = "RSA".parse().unwrap();
    assert!(matches!(check(no_officer).await, InitialiseError::Officers));
    let mut same = officers();
    same[1].name = "anna".to_owned();
    assert!(matches!(check(same).await, InitialiseError::SameName));
    let mut bad = officers();
    bad[1].name = "Bo Ek".to_owned();
    assert!(matches!(check(bad).await, InitialiseError::Name(_)));
    let mut weak = officers();
    weak[1].password = "passwordpassword".into();
    let error = check(weak).await;
    assert_eq!(error.kind(), Kind::Usage);
    assert!(matches!(error, InitialiseError::Password { name, .. } if name == "bo"));
}

#[tokio::test]
async fn a_login_begins_a_session_and_is_in_the_log_with_person_place_and_time() {
    let scene = Scene::set_up().await;
    let logged_in = scene.login("anna", NEXT).await.unwrap();
    let entry = scene.last();
    assert_eq!((entry.event, entry.outcome), (Event::LoggedIn, Outcome::Done));
    assert_eq!(entry.actor, Actor::Operator(logged_in.session.operator));
    assert_eq!(entry.session, Some(logged_in.session.id));
    assert_eq!(entry.time, scene.clock.now());
    let peer = Peer::Local { uid: 1000, pid: Some(42), tty: Some("pts/4".to_owned()) };
    assert_eq!(entry.peer, Some(peer));
    let staff = scene.ask(&logged_in.token, &[Role::Auditor]).await.unwrap();
    assert_eq!(staff.role(), Some(Role::Auditor));
    assert_eq!(staff.origin().actor, entry.actor);
    assert_eq!(staff.origin().session, entry.session);
}

#[tokio::test]
async fn a_wrong_password_an_unknown_name_and_a_suspended_person_answer_alike() {
    let scene = Scene::set_up().await;
    let anna = scene.login("anna", NEXT).await.unwrap().session.name;
    let origin = mbx_common::audit::Origin::of(Actor::Daemon);
    scene.staff.suspend(&anna, &origin).await.unwrap();
    let mut reasons = Vec::new();
    for (name, password) in [("bo", FIRST), ("nobody", NEXT), ("anna", NEXT), ("no name", NEXT)] {
        let error = scene.login(name, password).await.unwrap_err();
        assert!(matches!(error, LoginError::Refused), "{name}");
        let entry = scene.last();
        assert_eq!((entry.event, entry.outcome), (Event::LoginRefused, Outcome::Refused));
        assert_eq!(entry.actor, Actor::Local(1000));
        assert!(!format!("{entry:?}").contains("nobody"), "what was typed is not in the log");
        reasons.push(entry.reason.unwrap());
    }
    let expected = ["wrong password", "no such account", "suspended", "no such account"];
    assert_eq!(reasons[..3], expected[..3]);
}

#[tokio::test]
async fn failed_logins_are_counted_delayed_and_told_at_the_next_login() {
    let scene = Scene::set_up().await;
    for _ in 0..4 {
        assert!(matches!(scene.login("anna", FIRST).await, Err(LoginError::Refused)));
    }
    let entries = scene.memory.entries().len();
    for _ in 0..3 {
        let delayed = scene.login("anna", NEXT).await;
        assert!(matches!(delayed, Err(LoginError::Delayed { retry_after_ms: 1000 })));
    }
    assert_eq!(scene.memory.entries().len(), entries + 1, "one entry tells of the wait");
    scene.clock.advance(1000);
    let logged_in = scene.login("anna", NEXT).await.unwrap();
    assert_eq!(logged_in.failed_before, 4);
    scene.whoami(&logged_in.token).await.unwrap();
    assert_eq!(scene.login("anna", NEXT).await.unwrap().failed_before, 0);
}

#[tokio::test]
async fn nothing_but_the_password_works_while_it_must_be_changed() {
    let scene = Scene::new().await;
    scene.initialise(0).await.unwrap();
    let logged_in = scene.login("anna", FIRST).await.unwrap();
    assert!(logged_in.session.password_due);
    let refused = scene.ask(&logged_in.token, &[Role::Auditor]).await;
    assert!(matches!(refused, Err(Denied::PasswordDue)));
    let staff = scene.whoami(&logged_in.token).await.unwrap();
    scene.staff.change_password(&staff, FIRST.into(), NEXT.into()).await.unwrap();
    assert_eq!(scene.last().event, Event::PasswordChanged);
    assert!(scene.ask(&logged_in.token, &[Role::Auditor]).await.is_ok());
    scene.clock.advance(Options::default().password_age_max_ms);
    assert!(scene.login("anna", NEXT).await.unwrap().session.password_due);
}

#[tokio::test]
async fn a_new_password_needs_the_old_one_keeps_the_rules_and_is_new() {
    let scene = Scene::set_up().await;
    let logged_in = scene.login("anna", NEXT).await.unwrap();
    let staff = scene.whoami(&logged_in.token).await.unwrap();
    let change = async |old: &str, new: &str| {
        scene.clock.advance(3_600_000);
        let (old, new) = (SecretString::from(old), SecretString::from(new));
        scene.staff.change_password(&staff, old, new).await
    };
    assert!(matches!(change(FIRST, "quite another one").await, Err(PasswordError::Wrong)));
    assert_eq!(scene.last().outcome, Outcome::Refused);
    assert!(matches!(
        change(NEXT, "too short").await,
        Err(PasswordError::Weak(WeakPassword::Short))
    ));
    assert!(matches!(
        change(NEXT, "i am anna, me").await,
        Err(PasswordError::Weak(WeakPassword::Name))
    ));
    for used in [NEXT, FIRST] {
        let reused = change(NEXT, used).await;
        assert!(matches!(reused, Err(PasswordError::Weak(WeakPassword::Reused))));
    }
    change(NEXT, "and now a fresh one").await.unwrap();
    assert!(matches!(scene.login("anna", NEXT).await, Err(LoginError::Refused)));
    assert!(scene.login("anna", "and now a fresh one").await.is_ok());
}

#[tokio::test]
async fn guesses_at_the_present_password_are_delayed_and_one_entry_tells_of_the_wait() {
    let scene = Scene::set_up().await;
    let token = scene.login("anna", NEXT).await.unwrap().token;
    let staff = scene.whoami(&token).await.unwrap();
    let guess = || scene.staff.change_password(&staff, FIRST.into(), "a fresh one of mine".into());
    for _ in 0..4 {
        assert!(matches!(guess().await, Err(PasswordError::Wrong)));
    }
    let entries = scene.memory.entries().len();
    for _ in 0..3 {
        assert!(matches!(guess().await, Err(PasswordError::Delayed { .. })));
    }
    assert_eq!(scene.memory.entries().len(), entries + 1);
    let entry = scene.last();
    assert_eq!((entry.event, entry.outcome), (Event::PasswordChanged, Outcome::Refused));
    assert_eq!(entry.reason.as_deref(), Some("delayed after failed attempts"));
}

#[tokio::test]
async fn changing_the_password_ends_the_persons_other_sessions() {
    let scene = Scene::set_up().await;
    let here = scene.login("anna", NEXT).await.unwrap();
    let there = scene.login("anna", NEXT).await.unwrap();
    let other = scene.login("bo", NEXT).await.unwrap();
    let staff = scene.whoami(&here.token).await.unwrap();
    let fresh = "and now a fresh one".into();
    scene.staff.change_password(&staff, NEXT.into(), fresh).await.unwrap();
    let subjects = scene.last().subjects;
    assert!(subjects.contains(&Subject::Session(there.session.id)), "{subjects:?}");
    assert!(!subjects.contains(&Subject::Session(here.session.id)), "{subjects:?}");
    assert!(scene.whoami(&here.token).await.is_ok());
    assert!(matches!(scene.whoami(&there.token).await, Err(Denied::NotLoggedIn)));
    assert!(scene.whoami(&other.token).await.is_ok());
}

#[tokio::test]
async fn a_session_is_of_use_to_its_own_uid_and_terminal_only() {
    let scene = Scene::set_up().await;
    let token = scene.login("anna", NEXT).await.unwrap().token;
    let other_uid = caller(1001);
    let other_tty = Caller { tty: None, ..caller(1000) };
    for thief in [other_uid, other_tty] {
        let permission = Permission { command: "whoami", need: Need::Session };
        let refused = scene.staff.authorise(Some(&token), permission, &thief).await;
        assert!(matches!(refused, Err(Denied::NotLoggedIn)));
        let entry = scene.last();
        assert_eq!((entry.event, entry.actor), (Event::CommandRefused, Actor::Local(thief.uid)));
    }
    assert!(scene.whoami(&token).await.is_ok());
}

#[tokio::test]
async fn without_a_session_nothing_is_let_through() {
    let scene = Scene::set_up().await;
    for need in [Need::Session, Need::OneOf(Role::ALL.into_iter().collect())] {
        let permission = Permission { command: "status", need };
        let refused = scene.staff.authorise(None, permission, &caller(0)).await;
        assert!(matches!(refused, Err(Denied::NotLoggedIn)));
        let made_up = SessionToken::parse(&"00".repeat(32)).unwrap();
        let refused = scene.staff.authorise(Some(&made_up), permission, &caller(0)).await;
        assert!(matches!(refused, Err(Denied::NotLoggedIn)));
    }
}

#[tokio::test]
async fn a_flood_of_refused_commands_is_one_entry_and_a_count() {
    let scene = Scene::set_up().await;
    let before = scene.memory.entries().len();
    let permission = Permission { command: "status", need: Need::Session };
    for _ in 0..500 {
        assert!(scene.staff.authorise(None, permission, &caller(7)).await.is_err());
    }
    assert!(scene.staff.authorise(None, permission, &caller(8)).await.is_err());
    scene.clock.advance(60_000);
    scene.staff.sweep().await.unwrap();
    let entries = scene.memory.entries();
    let told: Vec<_> =
        entries[before..].iter().map(|entry| (entry.event, entry.actor.clone())).collect();
    let counted = (Event::CommandsRefusedCounted, Actor::Local(7));
    let one = |uid| (Event::CommandRefused, Actor::Local(uid));
    assert_eq!(told, [one(7), one(8), counted]);
    assert!(scene.last().facts.contains(&Fact::Count(499)));
    assert_eq!(scene.last().reason.as_deref(), Some("status: not logged in"));
}

#[tokio::test]
async fn ended_sessions_are_forgotten_whatever_ended_them() {
    let scene = Scene::set_up().await;
    let anna = scene.login("anna", NEXT).await.unwrap().token;
    for _ in 0..3 {
        scene.login("bo", NEXT).await.unwrap();
    }
    let origin = scene.whoami(&anna).await.unwrap().origin();
    scene.staff.suspend(&"bo".parse().unwrap(), &origin).await.unwrap();
    assert_eq!(scene.staff.activity().len(), 1);
    scene.staff.sweep().await.unwrap();
    assert_eq!(scene.staff.activity().len(), 1);
    assert!(scene.whoami(&anna).await.is_ok());
}

#[tokio::test]
async fn a_command_without_roles_is_refused_to_everybody() {
    let scene = Scene::set_up().await;
    let token = scene.login("anna", NEXT).await.unwrap().token;
    assert!(matches!(scene.ask(&token, &[]).await, Err(Denied::Role { .. })));
}

#[tokio::test]
async fn every_role_lets_through_its_own_commands_and_no_others() {
    let scene = Scene::set_up().await;
    let (anna, bo) = (scene.login("anna", NEXT).await, scene.login("bo", NEXT).await);
    let (anna, bo) = (anna.unwrap().token, bo.unwrap().token);
    for role in Role::ALL {
        let has = |roles: &str| roles.contains(role.letter());
        assert_eq!(scene.ask(&anna, &[role]).await.is_ok(), has("KRSA"), "{role}");
        assert_eq!(scene.ask(&bo, &[role]).await.is_ok(), has("K"), "{role}");
    }
    let entry = scene.last();
    assert_eq!((entry.event, entry.outcome), (Event::CommandRefused, Outcome::Refused));
    assert_eq!(entry.reason.as_deref(), Some("user.list: this needs another role"));
    assert!(matches!(entry.actor, Actor::Operator(_)));
}

#[tokio::test]
async fn a_session_from_a_clock_that_was_wrong_does_not_outlive_the_correction() {
    let scene = Scene::set_up().await;
    let right = scene.clock.now();
    scene.clock.advance(365 * 24 * 3_600_000);
    let token = scene.login("anna", NEXT).await.unwrap().token;
    scene.clock.set(right);
    assert!(matches!(scene.whoami(&token).await, Err(Denied::TimedOut)));
    // A correction by seconds ends nobody's session.
    let token = scene.login("anna", NEXT).await.unwrap().token;
    scene.clock.set(right.minus_millis(2000));
    assert!(scene.whoami(&token).await.is_ok());
}

#[tokio::test]
async fn idle_and_old_sessions_end_and_the_log_says_so() {
    let scene = Scene::set_up().await;
    let options = Options::default();
    let token = scene.login("anna", NEXT).await.unwrap().token;
    scene.clock.advance(options.idle_ms - 1);
    assert!(scene.whoami(&token).await.is_ok());
    scene.clock.advance(options.idle_ms);
    assert!(matches!(scene.whoami(&token).await, Err(Denied::TimedOut)));
    let entry = scene.last();
    assert_eq!(
        (entry.event, entry.reason.as_deref()),
        (Event::SessionEnded, Some("idle time-out"))
    );
    assert!(matches!(scene.whoami(&token).await, Err(Denied::NotLoggedIn)));

    let token = scene.login("anna", NEXT).await.unwrap().token;
    for _ in 0..options.absolute_ms / (options.idle_ms / 2) - 1 {
        scene.clock.advance(options.idle_ms / 2);
        assert!(scene.whoami(&token).await.is_ok());
    }
    scene.clock.advance(options.idle_ms / 2);
    assert!(matches!(scene.whoami(&token).await, Err(Denied::TimedOut)));
    assert_eq!(scene.last().reason.as_deref(), Some("absolute time-out"));
}

#[tokio::test]
async fn sweeping_ends_exactly_the_sessions_that_have_timed_out() {
    let scene = Scene::set_up().await;
    let old = scene.login("anna", NEXT).await.unwrap().token;
    scene.clock.advance(Options::default().idle_ms);
    let new = scene.login("bo", NEXT).await.unwrap().token;
    assert_eq!(scene.staff.sweep().await.unwrap(), 1);
    assert_eq!(scene.last().event, Event::SessionEnded);
    assert_eq!(scene.staff.session_count().await.unwrap(), 1);
    assert!(scene.whoami(&new).await.is_ok());
    assert!(matches!(scene.whoami(&old).await, Err(Denied::NotLoggedIn)));
}

#[tokio::test]
async fn logging_out_ends_the_session() {
    let scene = Scene::set_up().await;
    let token = scene.login("anna", NEXT).await.unwrap().token;
    let staff = scene.whoami(&token).await.unwrap();
    scene.staff.logout(&staff).await.unwrap();
    assert_eq!(scene.last().event, Event::LoggedOut);
    assert!(matches!(scene.whoami(&token).await, Err(Denied::NotLoggedIn)));
}

#[tokio::test]
async fn suspending_ends_the_persons_sessions_in_the_same_unit_of_work() {
    let scene = Scene::set_up().await;
    let anna = scene.login("anna", NEXT).await.unwrap();
    let bo = scene.login("bo", NEXT).await.unwrap();
    let origin = scene.whoami(&bo.token).await.unwrap().origin();
    scene.staff.suspend(&anna.session.name, &origin).await.unwrap();
    let entry = scene.last();
    assert_eq!(entry.event, Event::OperatorSuspended);
    assert!(entry.subjects.contains(&Subject::Session(anna.session.id)));
    assert!(matches!(scene.whoami(&anna.token).await, Err(Denied::NotLoggedIn)));
    assert!(scene.whoami(&bo.token).await.is_ok());
}

#[tokio::test]
async fn a_further_login_ends_the_oldest_session_over_the_limit() {
    let scene = Scene::set_up().await;
    let mut tokens = Vec::new();
    for _ in 0..=Options::default().sessions_max {
        scene.clock.advance(1);
        tokens.push(scene.login("anna", NEXT).await.unwrap());
    }
    let entry = scene.last();
    let ended = entry.subjects.iter().filter(|subject| matches!(subject, Subject::Session(_)));
    assert_eq!(entry.event, Event::LoggedIn);
    assert_eq!(ended.collect::<Vec<_>>(), [&Subject::Session(tokens[0].session.id)]);
    assert_eq!(scene.staff.activity().len(), Options::default().sessions_max);
    assert!(matches!(scene.whoami(&tokens[0].token).await, Err(Denied::NotLoggedIn)));
    assert!(scene.whoami(&tokens[1].token).await.is_ok());
}

#[tokio::test]
async fn where_the_log_cannot_be_written_nobody_logs_in_and_nothing_is_let_through() {
    let scene = Scene::set_up().await;
    let token = scene.login("anna", NEXT).await.unwrap().token;
    scene.memory.refuse(Some(CommitError::Unavailable));
    let error = scene.login("bo", NEXT).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    let error = scene.login("bo", FIRST).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    let error = scene.ask(&token, &[]).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    scene.memory.refuse(None);
    assert_eq!(scene.staff.session_count().await.unwrap(), 1);
}

#[tokio::test]
async fn the_store_holds_neither_token_nor_password() {
    let scene = Scene::set_up().await;
    let token = scene.login("anna", NEXT).await.unwrap().token;
    let text = token.expose();
    let raw: Vec<u8> = (0..64)
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2).unwrap(), 16).unwrap())
        .collect();
    let store = Store::new(scene.memory.clone());
    for table in [Table::Operator, Table::OperatorSession] {
        let page = store.scan(table, crate::store::KeyRange::all(), 100).await.unwrap();
        assert!(!page.rows.is_empty());
        for part in page.rows.iter().flat_map(|(key, value)| [key, value]) {
            let holds = |needle: &[u8]| part.windows(needle.len()).any(|window| window == needle);
            assert!(!holds(&raw) && !holds(text.as_bytes()));
            assert!(!holds(NEXT.as_bytes()) && !holds(FIRST.as_bytes()));
        }
    }
    assert!(!format!("{token:?}").contains(text.as_str()));
}

#[test]
fn a_token_has_one_spelling() {
    let token = SessionToken::generate();
    let text = token.expose();
    assert_eq!(SessionToken::parse(&text).unwrap().expose(), text);
    for bad in [
        "",
        "zz",
        text.get(1..).unwrap(),
        &text.to_uppercase().replace(|c: char| c.is_ascii_digit(), "A"),
    ] {
        assert!(SessionToken::parse(bad).is_err());
    }
}

#[test]
fn login_names_are_short_and_plain() {
    for good in ["a", "anna", "bo-ek_2", &"a".repeat(32)] {
        assert_eq!(good.parse::<OperatorName>().unwrap().as_str(), good);
    }
    for bad in ["", "Anna", "1a", "-a", "a b", "å", "a.b", &"a".repeat(33)] {
        assert_eq!(bad.parse::<OperatorName>(), Err(BadName), "{bad}");
    }
}

#[tokio::test]
async fn the_side_record_of_an_officer_opens_to_the_name_and_fits_its_commitment() {
    let scene = Scene::set_up().await;
    scene.keys.open().await.unwrap();
    let entry = scene.memory.entries().remove(0);
    let persons: Vec<_> = entry
        .subjects
        .iter()
        .filter_map(|subject| if let Subject::Person(id) = subject { Some(*id) } else { None })
        .collect();
    let commitments: Vec<_> = entry
        .facts
        .iter()
        .filter_map(|fact| if let Fact::Commitment(hash) = fact { Some(*hash) } else { None })
        .collect();
    for ((person, commitment), name) in persons.into_iter().zip(commitments).zip(["anna", "bo"]) {
        let opened = scene.keys.unveil(person).await.unwrap().unwrap();
        assert_eq!(opened.record[..], [&[1], name.as_bytes()].concat());
        assert_eq!(opened.commitment, commitment);
    }
}
