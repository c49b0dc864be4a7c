//! Exports checked by a program in another language that knows our format pages alone
//! (`tests/interop/audit.py`).

use super::scene::{Scene, SoftSigner};
use crate::audit::Form;
use crate::store::Changes;
use mbx_common::audit::{Actor, Entry, Event, Fact, Outcome, Peer, Subject};
use mbx_common::id::*;
use mbx_common::role::Role;
use mbx_common::time::Period;
use std::path::Path;
use std::process::{Command, Output};

/// Entries with every actor, peer, subject and fact there is.
async fn act_in_every_way(scene: &Scene) {
    let number = "162021005521".parse().unwrap();
    let actors = [
        Actor::Daemon,
        Actor::Operator(OperatorId::from_bytes([1; 16])),
        Actor::Local(1000),
        Actor::Authority(number),
        Actor::Unknown,
        Actor::Portal("portal-å".to_owned()),
        Actor::Person(PseudonymId::from_bytes([2; 16])),
    ];
    let peers = [
        Peer::Local { uid: 7, pid: None, tty: None },
        Peer::Local { uid: 7, pid: Some(8), tty: Some("pts/1".to_owned()) },
        Peer::Remote { address: "192.0.2.7".parse().unwrap(), certificate: Some([3; 32]) },
        Peer::Remote { address: "2001:db8::7".parse().unwrap(), certificate: None },
    ];
    let subjects = [
        Subject::Mailbox(MailboxId::from_bytes([4; 16])),
        Subject::Message(MessageId::from_bytes([4; 16])),
        Subject::Delivery(DeliveryId::from_bytes([4; 16])),
        Subject::Operator(OperatorId::from_bytes([4; 16])),
        Subject::Session(SessionId::from_bytes([4; 16])),
        Subject::Job(JobId::from_bytes([4; 16])),
        Subject::Key(KeyId::from_bytes([4; 16])),
        Subject::Person(PseudonymId::from_bytes([4; 16])),
        Subject::Organisation(number),
    ];
    let facts = [
        Fact::ContentRoot([5; 32]),
        Fact::Commitment([5; 32]),
        Fact::Digest([5; 32]),
        Fact::Class(3),
        Fact::Loa(2),
        Fact::Count(u64::MAX),
        Fact::Bytes(50_000),
        Fact::Code(5011),
        Fact::Moment(scene.clock.now()),
        Fact::TreeSize(9),
        Fact::TreeRoot([5; 32]),
    ];
    let outcomes = [Outcome::Asked, Outcome::Done, Outcome::Refused, Outcome::Failed];
    for (count, &event) in Event::ALL.iter().enumerate() {
        scene.clock.advance(1000);
        let role = Role::ALL[count % Role::ALL.len()];
        let entry = Entry {
            time: scene.clock.now(),
            event,
            outcome: outcomes[count % outcomes.len()],
            actor: actors[count % actors.len()].clone(),
            role: Some(role).filter(|_| count % 2 == 0),
            session: Some(SessionId::from_bytes([6; 16])).filter(|_| count % 3 == 0),
            peer: Some(peers[count % peers.len()].clone()).filter(|_| count % 5 > 0),
            request: Some(RequestId::from_bytes([7; 16])).filter(|_| count % 7 > 0),
            subjects: subjects.iter().copied().cycle().skip(count).take(count % 11).collect(),
            facts: facts.iter().copied().cycle().skip(count).take(count % 13).collect(),
            reason: Some("=1+1, \"so\"\nand so".to_owned()).filter(|_| count % 4 == 0),
            ticket: Some("ÄRENDE-7".to_owned()).filter(|_| count % 6 == 0),
            plan: Some([8; 32]).filter(|_| count % 9 == 0),
        };
        scene.store.commit(Changes::new(), entry).await.unwrap();
    }
}

async fn export(scene: &Scene, period: Period, folder: &Path) -> std::path::PathBuf {
    let mut export = scene.log.export(period, Form::Whole, &scene.origin()).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = export.next().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    let path = folder.join("period.mbxaudit");
    std::fs::write(&path, bytes).unwrap();
    path
}

fn python(arguments: &[&Path]) -> Option<Output> {
    let python = std::env::var("MBX_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let probe = Command::new(&python).args(["-c", "import cryptography"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        assert!(std::env::var_os("MBX_TEST_ALL").is_none(), "{python} lacks `cryptography`");
        println!("skipped: {python} lacks `cryptography`");
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/interop/audit.py");
    Some(Command::new(python).arg(script).args(arguments).output().unwrap())
}

#[tokio::test]
async fn an_independent_program_verifies_and_reads_exports_from_the_format_pages_alone() {
    for signer in [SoftSigner::ed25519(), SoftSigner::ecdsa()] {
        let scene = Scene::with(signer);
        let folder = tempfile::tempdir().unwrap();
        let began = scene.clock.now();
        for _ in 0..4 {
            act_in_every_way(&scene).await;
            scene.log.checkpoint().await.unwrap();
        }
        let whole = Period { from: began, until: began.plus_millis(3_600_000) };
        let part = Period { from: began.plus_millis(80_000), until: began.plus_millis(150_000) };
        for period in [whole, part] {
            let path = export(&scene, period, folder.path()).await;
            let Some(output) = python(&[&path]) else { return };
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

#[tokio::test]
async fn the_independent_program_finds_what_ours_finds() {
    let scene = Scene::new();
    let folder = tempfile::tempdir().unwrap();
    let began = scene.clock.now();
    act_in_every_way(&scene).await;
    let whole = Period { from: began, until: began.plus_millis(3_600_000) };
    let path = export(&scene, whole, folder.path()).await;
    let bytes = std::fs::read(&path).unwrap();
    act_in_every_way(&scene).await;
    scene.log.checkpoint().await.unwrap();
    let (size, note) = scene.log.newest_checkpoint().await.unwrap().unwrap();
    let anchor = folder.path().join("kept.txt");
    std::fs::write(&anchor, note).unwrap();
    let Some(output) = python(&[&path, &anchor]) else { return };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains(&format!("the end is cut: the log had {size} entries")), "{text}");

    let place = bytes.windows(8).position(|window| window == b"uid 1000").unwrap();
    let mut altered = bytes;
    altered[place + 4] = b'2';
    std::fs::write(&path, altered).unwrap();
    let output = python(&[&path]).unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && text.contains("entry 2 was altered"), "{text}");
}
