//! The door as a whole: over a real socket, with rooms in memory.

mod scene;

use http_body_util::Full;
use hyper::Request;
use mbx_common::control::header;
use mbx_common::control::route::{Access, ROUTES, Route};
use mbx_common::control::session::Password;
use mbx_common::control::setup::{InitRequest, NewOfficer};
use mbx_common::explain;
use mbx_common::role::Role;
use scene::*;
use serde_json::Value;

#[tokio::test]
async fn before_the_set_up_everything_but_version_and_init_says_so() {
    let scene = Scene::open().await;
    let version = scene.ask(Route::Version, "", None, &()).await;
    assert_eq!((version.status, &version.body["initialised"]), (200, &Value::from(false)));
    assert_eq!(version.api, "1.0");
    for &route in ROUTES {
        if !matches!(route, Route::Version | Route::Init) {
            let body = serde_json::json!({"name": "anna", "password": FIRST});
            let reply = scene.ask(route, parameter(route), None, &body).await;
            assert_eq!(problem(&reply).code, explain::NOT_INITIALISED, "{}", route.id());
        }
    }
}

#[tokio::test]
async fn every_route_but_the_public_ones_refuses_who_is_not_logged_in() {
    let (scene, _) = Scene::with(&[]).await;
    for &route in ROUTES {
        if route.access() == Access::Public {
            continue;
        }
        for token in [None, Some("00".repeat(32)), Some("not a token".to_owned())] {
            let reply = scene.ask(route, parameter(route), token.as_deref(), &()).await;
            assert_eq!(reply.status, 401, "{}", route.id());
            assert_eq!(problem(&reply).code, explain::NOT_LOGGED_IN, "{}", route.id());
        }
    }
}

#[tokio::test]
async fn every_route_refuses_a_person_without_its_role_naming_both_sides() {
    let (scene, token) = Scene::with(&[]).await;
    let mut refused = 0;
    for &route in ROUTES {
        let Access::Roles(roles) = route.access() else { continue };
        if roles.contains(&Role::SecurityOfficer) {
            continue;
        }
        let reply = scene.ask(route, parameter(route), Some(&token), &()).await;
        let problem = problem(&reply);
        assert_eq!((reply.status, problem.code), (403, explain::ROLE_MISSING), "{}", route.id());
        assert_eq!(problem.have, [Role::SecurityOfficer], "{}", route.id());
        let mut need = roles.to_vec();
        need.sort();
        assert_eq!(problem.need, need, "{}", route.id());
        refused += 1;
    }
    assert!(refused > 10);
}

#[tokio::test]
async fn a_first_password_opens_nothing_but_its_own_change() {
    let (scene, _) = Scene::with(&[Role::Auditor]).await;
    let request = serde_json::json!({"name": "bo", "password": FIRST});
    let reply = scene.ask(Route::Login, "", None, &request).await;
    let token = reply.body["token"].as_str().unwrap().to_owned();
    assert_eq!(reply.body["session"]["password_due"], true);
    let reply = scene.ask(Route::Status, "", Some(&token), &()).await;
    assert_eq!(problem(&reply).code, explain::PASSWORD_DUE);
    let change = serde_json::json!({"old": FIRST, "new": "short"});
    let reply = scene.ask(Route::Password, "", Some(&token), &change).await;
    assert_eq!(problem(&reply).code, explain::PASSWORD_REJECTED);
    let change = serde_json::json!({"old": FIRST, "new": NEXT});
    assert_eq!(scene.ask(Route::Password, "", Some(&token), &change).await.status, 200);
    assert_eq!(scene.ask(Route::Status, "", Some(&token), &()).await.status, 200);
}

#[tokio::test]
async fn a_session_is_whoami_until_logout() {
    let (scene, token) = Scene::with(&[Role::Registrar]).await;
    let reply = scene.ask(Route::Whoami, "", Some(&token), &()).await;
    assert_eq!(reply.body["name"], "anna");
    assert_eq!(reply.body["roles"], serde_json::json!(["registrar", "security-officer"]));
    assert_eq!(scene.ask(Route::Logout, "", Some(&token), &()).await.status, 200);
    assert_eq!(scene.ask(Route::Whoami, "", Some(&token), &()).await.status, 401);
}

#[tokio::test]
async fn the_set_up_is_done_once_and_only_with_two_people() {
    let (scene, _) = Scene::with(&[]).await;
    let officer = |name: &str| NewOfficer {
        name: name.to_owned(),
        roles: Vec::new(),
        password: Password::new(FIRST.to_owned()),
    };
    let again = InitRequest { officers: vec![officer("eva"), officer("per")], token: None };
    let reply = scene.ask(Route::Init, "", None, &again).await;
    assert_eq!((reply.status, problem(&reply).code), (409, explain::ALREADY_INITIALISED));
    let scene = Scene::open().await;
    for officers in [vec![officer("eva")], vec![officer("eva"), officer("eva")]] {
        let reply = scene.ask(Route::Init, "", None, &InitRequest { officers, token: None }).await;
        assert_eq!(problem(&reply).code, explain::INIT_OFFICERS);
    }
    let other = InitRequest {
        officers: vec![officer("eva"), officer("per")],
        token: Some("another".to_owned()),
    };
    let reply = scene.ask(Route::Init, "", None, &other).await;
    assert_eq!(reply.status, 400, "another token than the configured one");
}

#[tokio::test]
async fn status_tells_abilities_and_parts() {
    let (scene, token) = Scene::with(&[]).await;
    let reply = scene.ask(Route::Status, "", Some(&token), &()).await;
    assert_eq!(reply.body["phase"], "open");
    assert_eq!(reply.body["deliver"]["accepted_per_min"], 3);
    assert_eq!(reply.body["hsm"]["state"], "ready");
    assert_eq!(reply.body["admin"]["sessions"], 1);
}

#[tokio::test]
async fn senders_are_planned_allowed_listed_and_blocked() {
    let (scene, session) = Scene::with(&[]).await;
    let token = Some(session.as_str());
    let org = "162021004748";
    let body = serde_json::json!({"name": "Example", "dispatchers": [
        {"organisation": "165568402266", "sign": true, "seal": true},
    ]});
    let request = Request::builder()
        .method("POST")
        .uri(format!("/v1/senders/{org}/allow"))
        .header("authorization", format!("Bearer {session}"))
        .header(header::DRY_RUN, "1")
        .body(Full::new(body.to_string().into()))
        .unwrap();
    let plan = scene.send(request).await;
    assert_eq!(plan.body["steps"].as_array().unwrap().len(), 2);
    let reply = scene.ask(Route::SenderShow, org, token, &()).await;
    assert_eq!(problem(&reply).code, explain::NO_SENDER, "a plan changes nothing");
    let reply = scene.ask(Route::SenderAllow, org, token, &body).await;
    assert_eq!((reply.status, reply.body["audit"].is_u64()), (200, true));
    let reply = scene.ask(Route::SenderList, "", token, &()).await;
    assert_eq!(reply.body["rows"][0]["dispatchers"], body["dispatchers"]);
    let narrow = serde_json::json!([{"organisation": "165568402266", "sign": false, "seal": true}]);
    let request = serde_json::json!({"dispatchers": narrow, "sha1_until": "2027-06-01T00:00:00Z"});
    let reply = scene.ask(Route::SenderAllow, org, token, &request).await;
    assert_eq!(reply.body["sender"]["dispatchers"], narrow, "it has these rights alone");
    assert_eq!(reply.body["sender"]["sha1_until"], "2027-06-01T00:00:00.000Z");
    let past = serde_json::json!({"sha1_until": "2020-01-01T00:00:00Z"});
    let reply = scene.ask(Route::SenderAllow, org, token, &past).await;
    assert_eq!(reply.body["sender"].get("sha1_until"), None);
    let none = serde_json::json!([{"organisation": "165568402266", "sign": false, "seal": false}]);
    let refused =
        scene.ask(Route::SenderAllow, org, token, &serde_json::json!({"dispatchers": none})).await;
    assert_eq!(refused.status, 400, "a dispatcher without a right is none");
    let only = serde_json::json!({"dispatcher": "165568402266"});
    let reply = scene.ask(Route::SenderBlock, org, token, &only).await;
    assert_eq!(reply.body["sender"]["state"], "allowed");
    assert_eq!(reply.body["sender"]["dispatchers"], serde_json::json!([]));
    let reply = scene.ask(Route::SenderBlock, org, token, &serde_json::json!({})).await;
    assert_eq!(reply.body["sender"]["state"], "blocked");
}

#[tokio::test]
async fn malformed_requests_get_their_problem_and_no_value_is_repeated() {
    let (scene, token) = Scene::with(&[]).await;
    let token = Some(token.as_str());
    let body = serde_json::json!({"name": "x", "colour": "191212121212"});
    let reply = scene.ask(Route::SenderAllow, "162021004748", token, &body).await;
    assert_eq!(problem(&reply).code, explain::USAGE);
    assert!(!reply.body.to_string().contains("191212121212"));
    let reply = scene.ask(Route::SenderShow, "17", token, &()).await;
    assert_eq!(problem(&reply).code, explain::USAGE);
    let large = "x".repeat(mbx_common::limit::CONTROL_BODY_LEN_MAX);
    let reply = scene.ask(Route::SenderAllow, "162021004748", token, &large).await;
    assert_eq!((reply.status, problem(&reply).code), (413, explain::BODY_TOO_LARGE));
    let get = |path: &str| Request::builder().uri(path).body(Full::default()).unwrap();
    assert_eq!(problem(&scene.send(get("/v1/nothing")).await).code, explain::NO_ROUTE);
    assert_eq!(problem(&scene.send(get("/v2/version")).await).code, explain::NO_ROUTE);
    let post = Request::builder().method("POST").uri("/v1/version").body(Full::default()).unwrap();
    let reply = scene.send(post).await;
    assert_eq!((reply.status, problem(&reply).code), (405, explain::METHOD));
    let reply = scene.ask(Route::JobShow, "job_zz", token, &()).await;
    assert_eq!(problem(&reply).code, explain::ROLE_MISSING);
}

#[tokio::test]
async fn a_session_that_cannot_be_read_is_none_and_its_refusal_is_an_entry() {
    let (scene, token) = Scene::with(&[Role::Auditor]).await;
    let bad = Some("not-a-token");
    assert_eq!(scene.ask(Route::Version, "", bad, &()).await.status, 200);
    let refused = scene.ask(Route::Status, "", bad, &()).await;
    assert_eq!((refused.status, problem(&refused).code), (401, explain::NOT_LOGGED_IN));
    let found = scene.ask(Route::AuditSearch, "?event=MBX-A107", Some(&token), &()).await;
    assert_eq!(found.body["rows"][0]["reason"], "status: not logged in", "{}", found.body);
}

#[tokio::test]
async fn the_configuration_is_shown_with_its_origin_and_what_a_restart_would_change() {
    let (scene, token) = Scene::with(&[Role::SystemOperator]).await;
    let reply = scene.ask(Route::ConfigShow, "", Some(&token), &()).await;
    let keys = reply.body["keys"].as_array().unwrap();
    let state = keys.iter().find(|key| key["key"] == "paths.state").unwrap();
    assert_eq!(state["origin"], "/etc/mbx/mbxd.toml:7");
    assert_eq!(state["value"], "\"/var/lib/mbxd\"");
    assert_eq!(state["after_restart"], Value::Null);
    let listen = keys.iter().find(|key| key["key"] == "delivery.listen").unwrap();
    assert_eq!(listen["value"], "", "it is not in force");
    assert_eq!(listen["after_restart"], "\"192.0.2.1:443\"");
}

#[tokio::test]
async fn keys_and_token_are_shown_and_locked() {
    let (scene, token) = Scene::with(&[Role::Auditor]).await;
    let token = Some(token.as_str());
    let reply = scene.ask(Route::KeyStatus, "", token, &()).await;
    assert_eq!(reply.body["keys"].as_array().unwrap().len(), 5);
    assert_eq!(reply.body["open"], true);
    let reply = scene.ask(Route::HsmLogout, "", token, &()).await;
    assert_eq!(reply.status, 200);
    let reply = scene.ask(Route::KeyStatus, "", token, &()).await;
    assert_eq!(reply.body["open"], false);
    let found = scene.ask(Route::AuditSearch, "?event=MBX-A507", token, &()).await;
    let results: Vec<&Value> =
        found.body["rows"].as_array().unwrap().iter().map(|row| &row["result"]).collect();
    assert_eq!(results, ["done", "asked"], "the entry stands before the act");
}

const PERSON: &str = "191212121212";

#[tokio::test]
async fn a_holder_is_registered_found_shown_suspended_and_resumed() {
    let (scene, token) = Scene::with(&[Role::Observer, Role::Registrar]).await;
    let token = Some(token.as_str());
    let body = serde_json::json!({"number": PERSON, "loa": 3, "reference": "prt_51c0"});
    let done = scene.ask(Route::UserRegister, "", token, &body).await;
    assert_eq!(done.status, 200, "{}", done.body);
    assert_eq!(done.body["number"], "19121212-••••");
    let mailbox = done.body["mailbox"].as_str().unwrap().to_owned();
    let again = scene.ask(Route::UserRegister, "", token, &body).await;
    assert_eq!(problem(&again).code, explain::ALREADY_REGISTERED);
    let found = scene.ask(Route::UserFind, "", token, &serde_json::json!({"number": PERSON})).await;
    assert_eq!(found.body["mailbox"], mailbox.as_str());
    let user = scene.ask(Route::UserShow, mailbox.get(..12).unwrap(), token, &()).await;
    assert_eq!(user.body["terms"]["reference"], "prt_51c0", "{}", user.body);
    assert_eq!(user.body["terms"]["current"], true);
    let listed = scene.ask(Route::UserList, "?state=active", token, &()).await;
    assert_eq!(listed.body["rows"][0]["number"], "19121212-••••");
    let none = serde_json::json!({});
    let done = scene.ask(Route::UserSuspend, &mailbox, token, &none).await;
    assert_eq!(done.body["state"], "suspended");
    let again = scene.ask(Route::UserSuspend, &mailbox, token, &none).await;
    assert_eq!((again.status, problem(&again).code), (409, explain::MAILBOX_STATE));
    assert_eq!(scene.ask(Route::UserResume, &mailbox, token, &none).await.status, 200);
    let listed = scene.ask(Route::MailboxList, "", token, &()).await;
    assert_eq!(listed.body["rows"][0].get("figures"), None);
    let listed = scene.ask(Route::MailboxList, "?figures=true", token, &()).await;
    assert_eq!(listed.body["rows"][0]["figures"]["epochs"], serde_json::json!([1, 1]));
    let stats = scene.ask(Route::MailboxStats, "", token, &()).await;
    assert_eq!(stats.body["active"], 1);
    let messages = scene.ask(Route::MessageList, &mailbox, token, &()).await;
    assert_eq!(messages.body["rows"], serde_json::json!([]));
}

#[tokio::test]
async fn a_full_number_is_shown_on_wish_alone_and_the_wish_is_audited() {
    let (scene, token) = Scene::with(&[Role::Registrar, Role::Auditor]).await;
    let body = serde_json::json!({"number": PERSON, "loa": 3});
    let done = scene.ask(Route::UserRegister, "", Some(&token), &body).await;
    let mailbox = done.body["mailbox"].as_str().unwrap().to_owned();
    let request = |wish: &str| {
        Request::builder()
            .uri(format!("/v1/users/{mailbox}"))
            .header("authorization", format!("Bearer {token}"))
            .header(header::REVEAL, wish)
            .header(header::TICKET, "S-1")
            .body(Full::default())
            .unwrap()
    };
    assert!(!scene.send(request("0")).await.body.to_string().contains(PERSON));
    assert_eq!(scene.send(request("1")).await.body["number"], PERSON);
    let found = scene.ask(Route::AuditSearch, "?event=MBX-A204", Some(&token), &()).await;
    let entry = &found.body["rows"][0];
    assert_eq!((&entry["actor"], &entry["ticket"]), (&"anna".into(), &"S-1".into()));
    assert!(!found.body.to_string().contains(PERSON));
}

#[tokio::test]
async fn an_observer_sees_holders_without_numbers() {
    let (scene, token) = Scene::with(&[Role::Registrar]).await;
    let body = serde_json::json!({"number": PERSON, "loa": 3});
    scene.ask(Route::UserRegister, "", Some(&token), &body).await;
    let observer = scene.log_in("bo").await;
    let listed = scene.ask(Route::UserList, "", Some(&observer), &()).await;
    assert_eq!(listed.body["rows"][0]["state"], "active");
    assert_eq!(listed.body["rows"][0].get("number"), None);
}

#[tokio::test]
async fn a_file_is_registered_in_batches_and_bad_rows_are_named() {
    let (scene, token) = Scene::with(&[Role::Registrar]).await;
    let token = Some(token.as_str());
    let rows = serde_json::json!([
        {"number": PERSON, "loa": 3},
        {"number": "191212121213", "loa": 3},
    ]);
    let batch = |first: u64, rows: &Value| serde_json::json!({"file_sha256": "ab".repeat(32), "rows_total": 2, "first_row": first, "rows": rows});
    let done = scene.ask(Route::UserBatch, "", token, &batch(0, &rows)).await;
    assert_eq!(done.status, 200, "{}", done.body);
    assert_eq!((&done.body["next_row"], &done.body["registered"]), (&2.into(), &1.into()));
    assert_eq!(done.body["refused"][0]["code"], "MBX-4004");
    let job = done.body["job"].as_str().unwrap().to_owned();
    let asked = scene.ask(Route::UserBatch, "", token, &batch(0, &serde_json::json!([]))).await;
    assert_eq!(asked.body["finished"], true, "asking where it stands does nothing twice");
    let shown = scene.ask(Route::JobShow, job.get(..12).unwrap(), token, &()).await;
    assert_eq!((&shown.body["state"], &shown.body["by"]), (&"done".into(), &"anna".into()));
    let events = scene.ask(Route::JobEvents, &job, token, &()).await;
    assert_eq!(events.body["job"]["failed"], 1, "one line, because the job has ended");
    let listed = scene.ask(Route::JobList, "?state=running", token, &()).await;
    assert_eq!(listed.body["rows"], serde_json::json!([]));
}

#[tokio::test]
async fn the_log_is_searched_followed_exported_and_verified() {
    let (scene, token) = Scene::with(&[Role::Auditor]).await;
    let token = Some(token.as_str());
    let found = scene.ask(Route::AuditSearch, "?actor=anna&limit=2", token, &()).await;
    assert_eq!(found.body["rows"].as_array().unwrap().len(), 2, "{}", found.body);
    assert_eq!(found.body["rows"][0]["actor"], "anna");
    let refused = scene.ask(Route::AuditSearch, "?actor=nobody", token, &()).await;
    assert_eq!(problem(&refused).code, explain::USAGE);
    let tail = scene.ask(Route::AuditTail, "?limit=1", token, &()).await;
    assert_eq!(tail.status, 200);
    assert!(tail.body["event"].as_str().unwrap().starts_with("MBX-A"), "{}", tail.body);
    let report = scene.ask(Route::AuditVerify, "", token, &serde_json::json!({})).await;
    assert_eq!(report.body["sound"], true, "{}", report.body);
    let period =
        serde_json::json!({"since": "2020-01-01T00:00:00Z", "until": "2040-01-01T00:00:00Z"});
    let export = scene.ask(Route::AuditExport, "", token, &period).await;
    assert_eq!(export.status, 200, "{}", export.body);
}

#[tokio::test]
async fn while_the_log_is_violated_nothing_is_let_in_or_given_out_and_an_incident_can_be_contained()
{
    let (scene, token) = Scene::with(&[Role::Registrar, Role::SystemOperator, Role::Auditor]).await;
    let token = Some(token.as_str());
    let person = serde_json::json!({"number": PERSON, "loa": 3});
    let done = scene.ask(Route::UserRegister, "", token, &person).await;
    let mailbox = done.body["mailbox"].as_str().unwrap().to_owned();
    assert!(!scene.audit.check_all().await.unwrap().is_violated());
    plant_a_key(&scene).await;
    assert!(scene.audit.check_all().await.unwrap().is_violated());

    let none = serde_json::json!({});
    for &route in ROUTES.iter().filter(|route| route.needs_sound_log()) {
        let stranger = scene.ask(route, parameter(route), None, &none).await;
        assert_eq!(problem(&stranger).code, explain::NOT_LOGGED_IN, "{}", route.id());
        let refused = scene.ask(route, parameter(route), token, &none).await;
        assert_eq!(problem(&refused).code, explain::AUDIT_BROKEN, "{}", route.id());
    }
    let found = scene.ask(Route::AuditSearch, "?event=MBX-A107&actor=anna", token, &()).await;
    let reason = found.body["rows"][0]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("the audit log is not what was signed"), "{}", found.body);

    let suspended = scene.ask(Route::UserSuspend, &mailbox, token, &none).await;
    assert_eq!(suspended.status, 200, "{}", suspended.body);
    let blocked = scene.ask(Route::SenderBlock, "162021004748", token, &none).await;
    assert_eq!(blocked.status, 200, "{}", blocked.body);
    let reloaded = scene.ask(Route::CertReload, "", token, &none).await;
    assert_ne!(reloaded.body["code"], "MBX-5005", "there are no files to reload here");
    let locked = scene.ask(Route::HsmLogout, "", token, &none).await;
    assert_eq!(locked.status, 200, "{}", locked.body);
}
