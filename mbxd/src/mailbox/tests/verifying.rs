use super::*;
use crate::jobs::{JobKind, JobState};
use crate::mailbox::row::{MessageRow, message_key};
use crate::mailbox::staff::{Fault, Verified, Verifier, VerifyError, verification};
use crate::store::{Changes, KeyRange, Row as _, Table};
use mbx_common::assurance::ProtectionClass;
use mbx_common::audit::{Outcome, Subject};
use mbx_common::id::MessageId;

async fn full() -> (World, MailboxId) {
    let (world, anna) = World::with_anna().await;
    world.register(BO).await;
    world.mailboxes.accept(letter(1)).await.unwrap();
    world.mailboxes.accept(notify(&[ANNA, BO])).await.unwrap();
    (world, anna)
}

/// Starts a verification and does it, as the daemon's runner would.
async fn verify(mailboxes: &Mailboxes, of: Option<MailboxId>) -> Result<Verified, VerifyError> {
    let job = mailboxes.start_verification(of, 100, &origin()).await?;
    mailboxes.run_verification(job).await
}

impl World {
    async fn verify(&self, of: Option<MailboxId>) -> Result<Verified, VerifyError> {
        verify(&self.mailboxes, of).await
    }

    fn jobs(&self) -> Jobs {
        Jobs::new(self.bench.store.clone(), self.bench.clock.clone())
    }
}

async fn faults(world: &World) -> Vec<Fault> {
    let verified = world.verify(None).await.unwrap();
    let mut faults: Vec<_> = verified.findings.iter().map(|finding| finding.fault).collect();
    assert_eq!(verified.faults, u64::try_from(faults.len()).unwrap());
    faults.dedup();
    faults
}

async fn first_message(world: &World) -> (Bytes, MessageRow) {
    let page = world.bench.store.scan(Table::Message, KeyRange::all(), 1).await.unwrap();
    (page.rows[0].0.clone(), MessageRow::decode(&page.rows[0].1).unwrap())
}

async fn change(world: &World, build: impl FnOnce(&mut Changes)) {
    let mut changes = Changes::new();
    build(&mut changes);
    world.bench.commit(changes).await;
}

#[tokio::test]
async fn a_sound_installation_has_no_findings_and_leaves_its_entry() {
    let (world, anna) = full().await;
    let verified = world.verify(None).await.unwrap();
    assert_eq!((verified.faults, verified.mailboxes, verified.messages), (0, 2, 3));
    assert!(verified.bytes > 0 && verified.entries > 0);
    let entry = world.last_entry();
    assert_eq!((entry.event, entry.outcome), (Event::MailboxVerified, Outcome::Done));
    let one = world.verify(Some(anna)).await.unwrap();
    assert_eq!((one.faults, one.mailboxes, one.messages), (0, 1, 2));
    let unknown = MailboxId::from_bytes([9; 16]);
    let refused = world.verify(Some(unknown)).await.unwrap_err();
    assert!(matches!(refused, VerifyError::NoMailbox));
}

#[tokio::test]
async fn verifying_needs_no_key() {
    let (mut world, _) = full().await;
    world.bench.keys.close();
    world.bench.restart().await;
    let surroundings = Surroundings {
        store: world.bench.store.clone(),
        keys: world.bench.keys.clone(),
        jobs: Jobs::new(world.bench.store.clone(), world.bench.clock.clone()),
        clock: world.bench.clock.clone(),
    };
    let locked = Mailboxes::new(surroundings, Options::default());
    assert_eq!(verify(&locked, None).await.unwrap().faults, 0);
}

#[tokio::test]
async fn a_deleted_and_erased_message_is_no_fault() {
    let (world, _) = full().await;
    let (_, row) = first_message(&world).await;
    for number in [ANNA, BO] {
        let visit = world.visit(number, Loa::Four).await;
        if world.mailboxes.delete(&visit, row.id, None).await.is_ok() {
            break;
        }
    }
    assert_eq!(faults(&world).await, []);
    world.bench.clock.advance(world.mailboxes.options().restore_window_ms);
    assert_eq!(world.mailboxes.sweep().await.unwrap().messages, 1);
    assert_eq!(faults(&world).await, []);
}

#[tokio::test]
async fn a_removed_message_is_found() {
    let (world, _) = full().await;
    let (key, row) = first_message(&world).await;
    change(&world, |changes| {
        changes
            .delete(Table::Message, key.clone())
            .delete(Table::MessagePlace, row.id.as_bytes().to_vec());
    })
    .await;
    assert_eq!(faults(&world).await, [Fault::MessageMissing]);
    change(&world, |changes| {
        changes.put(Table::MessagePlace, row.id.as_bytes().to_vec(), key);
    })
    .await;
    assert_eq!(faults(&world).await, [Fault::PlaceDangling, Fault::MessageMissing]);
}

#[tokio::test]
async fn a_planted_message_is_found() {
    let (world, _) = full().await;
    let (key, mut row) = first_message(&world).await;
    let (mailbox, sequence) = crate::mailbox::row::message_parts(&key).unwrap();
    row.id = MessageId::from_bytes([9; 16]);
    let planted = message_key(mailbox, sequence + 1000);
    change(&world, |changes| {
        changes.put(Table::Message, planted.clone(), row.encode().unwrap()).put(
            Table::MessagePlace,
            row.id.as_bytes().to_vec(),
            planted,
        );
    })
    .await;
    assert_eq!(faults(&world).await, [Fault::NotInLog]);
}

#[tokio::test]
async fn a_message_whose_class_or_root_was_changed_is_found_in_rows_and_log() {
    let (world, _) = full().await;
    let (key, row) = first_message(&world).await;
    let other = match row.class {
        ProtectionClass::One => ProtectionClass::Two,
        ProtectionClass::Two | ProtectionClass::Three => ProtectionClass::One,
    };
    let class = MessageRow { class: other, ..row.clone() }.encode().unwrap();
    change(&world, |changes| {
        changes.put(Table::Message, key.clone(), class);
    })
    .await;
    assert_eq!(faults(&world).await, [Fault::Delivery, Fault::LogDiffers]);
    let root = MessageRow { content_root: [9; 32], ..row }.encode().unwrap();
    change(&world, |changes| {
        changes.put(Table::Message, key, root);
    })
    .await;
    assert_eq!(faults(&world).await, [Fault::Delivery, Fault::LogDiffers]);
}

#[tokio::test]
async fn a_missing_delivery_row_or_directory_row_is_found() {
    let (world, _) = full().await;
    let (_, row) = first_message(&world).await;
    change(&world, |changes| {
        changes.delete(Table::Delivery, row.delivery.as_bytes().to_vec());
    })
    .await;
    assert!(faults(&world).await.contains(&Fault::Delivery));
    let page = world.bench.store.scan(Table::Directory, KeyRange::all(), 10).await.unwrap();
    let key = page.rows[0].0.clone();
    change(&world, |changes| {
        changes.delete(Table::Directory, key);
    })
    .await;
    assert!(faults(&world).await.contains(&Fault::Directory));
}

#[tokio::test]
async fn a_damaged_row_is_found_and_the_rest_is_verified_all_the_same() {
    let (world, _) = full().await;
    let (key, _) = first_message(&world).await;
    change(&world, |changes| {
        changes.put(Table::Message, key, Bytes::from_static(b"\x01garbage"));
    })
    .await;
    let faults = faults(&world).await;
    assert!(faults.contains(&Fault::RowDamaged), "{faults:?}");
    assert!(faults.contains(&Fault::LogDiffers), "{faults:?}");
    assert_eq!(world.last_entry().outcome, Outcome::Failed);
}

#[tokio::test]
async fn the_job_tells_how_far_it_is_and_keeps_what_it_found() {
    let (world, _) = full().await;
    let (_, row) = first_message(&world).await;
    let mut steps = world.mailboxes.jobs().follow();
    let job = world.mailboxes.start_verification(None, 100, &origin()).await.unwrap();
    let other = world.mailboxes.start_verification(None, 100, &origin()).await.unwrap_err();
    assert!(matches!(other, VerifyError::Running { job: running } if running == job.id));
    change(&world, |changes| {
        changes.delete(Table::MessagePlace, row.id.as_bytes().to_vec());
    })
    .await;
    let verified = world.mailboxes.run_verification(job.clone()).await.unwrap();
    assert_eq!(verified.findings[0].message, Some(row.id));
    let mut told = Vec::new();
    while let Ok(step) = steps.try_recv() {
        assert_eq!(step.id, job.id);
        told.push((step.counts.done, step.state));
    }
    let (first, last) = (told[0], told[told.len() - 1]);
    assert_eq!(first, (0, JobState::Running));
    assert!(told.len() > 3 && told.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{told:?}");
    let ended = world.jobs().get(job.id).await.unwrap();
    assert_eq!((ended.state, Some(last.0)), (JobState::Done, ended.counts.total));
    assert_eq!(ended.counts.refused, verified.faults);
    assert_eq!(verification(&ended).unwrap(), Some(verified));
    assert_eq!(world.last_entry().outcome, Outcome::Failed);
    assert!(world.last_entry().subjects.contains(&Subject::Job(job.id)));
}

#[tokio::test]
async fn a_verification_that_a_crash_interrupted_is_done_at_the_next_start() {
    let (world, _) = full().await;
    let job = world.mailboxes.start_verification(None, 100, &origin()).await.unwrap();
    let restarted = world.jobs();
    let surroundings = Surroundings {
        store: world.bench.store.clone(),
        keys: world.bench.keys.clone(),
        jobs: restarted.clone(),
        clock: world.bench.clock.clone(),
    };
    let mailboxes = Mailboxes::new(surroundings, Options::default());
    restarted.register(Arc::new(Verifier::new(mailboxes)));
    let mut steps = restarted.follow();
    assert_eq!(restarted.resume().await.unwrap(), 1);
    let ended = loop {
        let step = steps.recv().await.unwrap();
        if step.state != JobState::Running {
            break step;
        }
    };
    assert_eq!(
        (ended.id, ended.kind, ended.state),
        (job.id, JobKind::VerifyMailboxes, JobState::Done)
    );
    assert_eq!(verification(&ended).unwrap().unwrap().messages, 3);
}

#[tokio::test]
async fn a_cancelled_verification_stops_and_says_so() {
    let (world, _) = full().await;
    let job = world.mailboxes.start_verification(None, 100, &origin()).await.unwrap();
    world.mailboxes.jobs().register(Arc::new(Verifier::new(world.mailboxes.clone())));
    world.mailboxes.jobs().cancel(job.id, &origin()).await.unwrap();
    let stopped = world.mailboxes.run_verification(job.clone()).await.unwrap_err();
    assert!(matches!(stopped, VerifyError::Cancelled));
    assert_eq!(world.jobs().get(job.id).await.unwrap().state, JobState::Cancelled);
}

#[tokio::test]
async fn what_the_sweep_erases_while_its_page_is_verified_is_no_fault() {
    for table in [Table::Message, Table::MessagePlace] {
        let (world, _) = full().await;
        let (key, row) = first_message(&world).await;
        let id = row.id;
        for number in [ANNA, BO] {
            let visit = world.visit(number, Loa::Four).await;
            if world.mailboxes.delete(&visit, id, None).await.is_ok() {
                break;
            }
        }
        world.bench.clock.advance(world.mailboxes.options().restore_window_ms);
        let job = world.mailboxes.start_verification(None, 100, &origin()).await.unwrap();
        let mailboxes = world.mailboxes.clone();
        let sweep = async move { assert_eq!(mailboxes.sweep().await.unwrap().messages, 1) };
        // The first scan counts the rows: the work comes after the one that judges them.
        let memory = Arc::clone(&world.memory);
        world
            .memory
            .after_scan(table, Box::pin(async move { memory.after_scan(table, Box::pin(sweep)) }));
        let verified = world.mailboxes.run_verification(job).await.unwrap();
        assert_eq!(verified.findings, [], "{table:?}");
        let left = world.bench.store.get(Table::Message, &key).await.unwrap();
        assert_eq!(left, None, "the sweep came in between");
    }
}

#[tokio::test]
async fn a_mailbox_that_is_suspended_while_its_page_is_verified_is_no_fault() {
    let (world, anna) = full().await;
    let job = world.mailboxes.start_verification(None, 100, &origin()).await.unwrap();
    let mailboxes = world.mailboxes.clone();
    let suspend = async move {
        mailboxes.suspend(anna, &origin()).await.unwrap();
    };
    let memory = Arc::clone(&world.memory);
    world.memory.after_scan(
        Table::Mailbox,
        Box::pin(async move { memory.after_scan(Table::Mailbox, Box::pin(suspend)) }),
    );
    let verified = world.mailboxes.run_verification(job).await.unwrap();
    assert_eq!(verified.findings, []);
    let again = world.mailboxes.suspend(anna, &origin()).await;
    assert!(again.is_err(), "it was suspended in between");
}

#[tokio::test]
async fn of_two_verifications_asked_for_at_once_one_is_told_that_the_other_runs() {
    let (world, _) = full().await;
    let (mailboxes, (sender, other)) = (world.mailboxes.clone(), tokio::sync::oneshot::channel());
    // Asked for between the first's look for another and its beginning.
    let ask = async move {
        tokio::spawn(async move {
            let asked = mailboxes.start_verification(None, 100, &origin()).await;
            sender.send(asked.map(|job| job.id)).unwrap();
        });
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    };
    world.memory.after_scan(Table::Job, Box::pin(ask));
    let job = world.mailboxes.start_verification(None, 100, &origin()).await.unwrap();
    let other = other.await.unwrap();
    assert!(matches!(other, Err(VerifyError::Running { job: running }) if running == job.id));
}
