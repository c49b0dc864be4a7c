//! A door on a real socket, with rooms in memory.

use super::super::*;
use crate::audit::AuditLog;
use crate::clock::Clock;
use crate::config::{Config, InForce, Loaded, Origin};
use crate::jobs::Jobs;
use crate::keys::testing::{Bench, SoftCustody};
use crate::mailbox::{Mailboxes, Surroundings, Terms};
use crate::operators::{Cost, Operators, Options};
use crate::registers::Senders;
use crate::store::{Changes, Store, Table};
use crate::trust::pki::Pki;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use mbx_common::audit::checkpoint::{PublicKey, VerifierKey};
use mbx_common::audit::{Actor, Event, Origin as AuditOrigin};
use mbx_common::control::Level;
use mbx_common::control::route::Route;
use mbx_common::control::session::{LoggedIn, LoginRequest, Password};
use mbx_common::control::setup::{InitRequest, NewOfficer};
use mbx_common::control::{Problem, header};
use mbx_common::role::Role;
use serde::Serialize;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

pub(super) const FIRST: &str = "first password of the day";
pub(super) const NEXT: &str = "a better one: violet tram";

/// A door on a socket in a folder of its own.
pub(super) struct Scene {
    pub(super) folder: tempfile::TempDir,
    pub(super) store: Store,
    pub(super) audit: AuditLog,
    pub(super) clock: Clock,
    _pki: Pki,
    _stop: tokio::sync::oneshot::Sender<()>,
}

pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) api: String,
    pub(super) body: Value,
}

impl Scene {
    pub(super) async fn open() -> Self {
        let bench = Bench::bare().await;
        let store = bench.store.clone();
        let clock = bench.clock.clone();
        let uid = rustix::process::getuid().as_raw();
        let options = Options {
            cost: Cost { memory_kib: 64, passes: 1 },
            daemon_uid: uid,
            ..Options::default()
        };
        let pki = Pki::new();
        let main = PathBuf::from("/etc/mbx/mbxd.toml");
        let place = Origin { file: main.clone(), line: Some(7) };
        let loaded = Loaded {
            config: Config::default(),
            origin: [("paths.state".to_owned(), place)].into(),
            digest: [0; 32],
            files: vec![main],
        };
        let mut changed = loaded.clone();
        changed.config.delivery.listen = Some(([192, 0, 2, 1], 443).into());
        let loaded = Arc::new(InForce::started(loaded).reloaded(changed));
        let jobs = Jobs::new(store.clone(), clock.clone());
        let audit = audit(&bench);
        let rooms = Rooms {
            operators: Operators::new(store.clone(), clock.clone(), options).unwrap(),
            keys: bench.keys.clone(),
            audit: audit.clone(),
            mailboxes: mailboxes(&bench, &jobs),
            jobs,
            senders: Senders::open(store.clone(), clock.clone()).await.unwrap(),
            trust: pki.trust(store, clock.clone()).await,
            config: Arc::new(move || Arc::clone(&loaded)),
            vitals: Arc::new(vitals),
            started: clock.now(),
            clock,
        };
        let folder = tempfile::tempdir().unwrap();
        let listener = bind(&folder.path().join("s")).unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let stopped = async { drop(stopped.await) };
        tokio::spawn(Door::new(rooms).serve(listener, stopped));
        let (store, clock) = (bench.store.clone(), bench.clock.clone());
        Self { folder, store, audit, clock, _pki: pki, _stop: stop }
    }

    /// Initialised, with anna holding these roles and bo an observer; gives anna's token.
    pub(super) async fn with(roles: &[Role]) -> (Self, String) {
        let scene = Self::open().await;
        let officer = |name: &str, roles: &[Role]| NewOfficer {
            name: name.to_owned(),
            roles: roles.to_vec(),
            password: Password::new(FIRST.to_owned()),
        };
        let officers = vec![officer("anna", roles), officer("bo", &[Role::Observer])];
        let reply = scene.ask(Route::Init, "", None, &InitRequest { officers, token: None }).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let token = scene.log_in("anna").await;
        (scene, token)
    }

    pub(super) async fn log_in(&self, name: &str) -> String {
        let request = LoginRequest {
            name: name.to_owned(),
            password: Password::new(FIRST.to_owned()),
            new_password: Some(Password::new(NEXT.to_owned())),
        };
        let reply = self.ask(Route::Login, "", None, &request).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let done: LoggedIn = serde_json::from_value(reply.body).unwrap();
        assert!(!done.session.password_due);
        done.token.expose().to_owned()
    }

    pub(super) async fn ask(
        &self,
        route: Route,
        parameter: &str,
        token: Option<&str>,
        body: &impl Serialize,
    ) -> Reply {
        let template = route.path();
        let path = match template.split_once('{') {
            Some((before, rest)) => {
                format!("{before}{parameter}{}", rest.split_once('}').unwrap().1)
            }
            None => format!("{template}{parameter}"),
        };
        let mut request = Request::builder().method(route.method().name()).uri(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = serde_json::to_vec(body).unwrap();
        let reply = self.send(request.body(Full::new(body.into())).unwrap()).await;
        match reply.status {
            200 if !reply.body.is_null() => openapi::check_answer(route, &reply.body),
            200 => {}
            _ => openapi::check_problem(&reply.body),
        }
        reply
    }

    pub(super) async fn send(&self, request: Request<Full<bytes::Bytes>>) -> Reply {
        let stream = tokio::net::UnixStream::connect(self.folder.path().join("s")).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let answer = sender.send_request(request).await.unwrap();
        let api = answer.headers()[header::API].to_str().unwrap().to_owned();
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        Reply { status, api, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }
}

/// A key among those that sign which is none of the installation's: what a forger would plant.
pub(super) async fn plant_a_key(scene: &Scene) {
    // The curve's base point: a key must be a point.
    let mut point = [0x66; 32];
    point[0] = 0x58;
    let forged = PublicKey::Ed25519(point);
    let forged = VerifierKey::new("mbx.example/log".to_owned(), forged).unwrap();
    let mut changes = Changes::new();
    let row = [b"audit/key/".as_slice(), &[9; 16]].concat();
    changes.put(Table::Meta, row, forged.to_string());
    let entry = AuditOrigin::of(Actor::Daemon).entry(scene.clock.now(), Event::DaemonStarted);
    scene.store.commit(changes, entry).await.unwrap();
}

pub(super) fn audit(bench: &Bench) -> AuditLog {
    let custody: Arc<dyn crate::hsm::Custody> = Arc::<SoftCustody>::clone(&bench.custody);
    let options = crate::audit::Options {
        origin: "mbx.example/log".to_owned(),
        checkpoint_every_ms: 60_000,
        checkpoint_entries: 1000,
    };
    let (keys, ever) = (bench.keys.clone(), bench.keys.clone());
    let signer = crate::audit::Signer {
        custody,
        key: Box::new(move || keys.sign_key().ok()),
        ever: Box::new(move || ever.clone().sign_keys_ever()),
    };
    AuditLog::new(bench.store.clone(), signer, bench.clock.clone(), options)
}

pub(super) fn mailboxes(bench: &Bench, jobs: &Jobs) -> Mailboxes {
    let surroundings = Surroundings {
        store: bench.store.clone(),
        keys: bench.keys.clone(),
        jobs: jobs.clone(),
        clock: bench.clock.clone(),
    };
    let terms = Terms { version: "2026-05".to_owned(), sha256: [5; 32] };
    let options =
        crate::mailbox::Options { terms: Some(terms), ..crate::mailbox::Options::default() };
    Mailboxes::new(surroundings, options)
}

pub(super) fn vitals() -> Vitals {
    let ok = Ability { level: Level::Ok, reason: None };
    Vitals {
        deliver: ok.clone(),
        read: ok.clone(),
        admin: ok,
        accepted_per_min: 3,
        median_us: Some(11_000),
        refused_today: 0,
        last_refused: None,
        used_bytes: 1 << 30,
        free_bytes: 3 << 30,
        space_low: false,
    }
}

pub(super) fn problem(reply: &Reply) -> Problem {
    serde_json::from_value(reply.body.clone()).unwrap()
}

/// A parameter that every route's template takes.
pub(super) fn parameter(route: Route) -> &'static str {
    match route.path().split_once('{').map(|(_, rest)| rest) {
        Some(rest) if rest.starts_with("mailbox") => "mbx_4f3a9c21",
        Some(rest) if rest.starts_with("organisation") => "162021004748",
        Some(_) => "x",
        None => "",
    }
}
