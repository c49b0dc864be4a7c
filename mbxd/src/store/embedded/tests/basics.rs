use super::super::files::Files;
use super::super::place::Place;
use super::super::record::RECORD_LEN_MAX;
use super::*;
use crate::store::back_end::Disk;
use futures_util::future::join_all;

#[test]
fn what_was_committed_is_read_back_after_closing_and_after_a_kill() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    for number in 0..40 {
        let committed = deliver(&engine, number, 1500).unwrap();
        assert_eq!(committed, Committed { lsn: number + 1, leaf: number });
    }
    let before = whole(&*engine, 40);
    let killed = disk.after_kill();
    engine.close();
    drop(engine);
    for disk in [disk, killed] {
        let engine = open(&disk);
        assert_eq!(whole(&*engine, 40), before);
        assert_eq!(check_tree(&engine), 40);
        deliver(&engine, 40, 10).unwrap();
        assert!(delivered(&engine, 40, 10));
    }
}

#[test]
fn it_works_on_a_real_disk() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Embedded::open(Arc::new(Disk::new(folder.path())), &config()).unwrap();
    let engine = open();
    for number in 0..30 {
        deliver(&engine, number, 3000).unwrap();
    }
    let before = whole(&*engine, 30);
    drop(engine);
    let engine = open();
    assert_eq!(whole(&*engine, 30), before);
    assert!(engine.space().used_bytes > 90_000);
    let second = Embedded::open(Arc::new(Disk::new(folder.path())), &config());
    assert!(matches!(second, Err(OpenError::InUse)));
}

/// A place of the index is a claim until the log was read there.
#[test]
fn a_place_longer_than_any_record_is_damage_and_sets_no_memory_aside() {
    let disk = SimulatedDisk::new();
    deliver(&open(&disk), 0, 1500).unwrap();
    let files = Files::new(Arc::new(disk));
    for len in [u64::MAX, 1 << 62, 1 << 40, RECORD_LEN_MAX + 1] {
        let place = Place { segment: 1, offset: 512, len };
        assert!(matches!(files.read(place), Err(ReadError::Damaged)), "{len}");
    }
}

#[test]
fn closing_in_order_goes_on_in_the_same_segment() {
    let disk = SimulatedDisk::new();
    for number in 0..5 {
        let engine = open(&disk);
        deliver(&engine, number, 10).unwrap();
    }
    assert_eq!(segments(&disk).len(), 1);
}

#[test]
fn crash_loops_leave_no_empty_segments() {
    let mut disk = SimulatedDisk::new();
    deliver(&open(&disk), 0, 10).unwrap();
    for _ in 0..5 {
        let engine = open(&disk);
        disk = disk.after_kill();
        drop(engine);
    }
    assert!(segments(&disk).len() <= 2);
}

#[test]
fn a_content_is_read_by_ranges() {
    let engine = open(&SimulatedDisk::new());
    deliver(&engine, 3, 2000).unwrap();
    let all = content_bytes(3, 2000);
    for range in [0..2000, 0..0, 5..6, 1999..2000, 699..1401] {
        let part = wait(engine.content(content_id(3), range.start..range.end)).unwrap();
        assert_eq!(part, all[span(&range)]);
    }
    assert_eq!(wait(engine.content(content_id(3), 1990..u64::MAX)).unwrap(), all[1990..]);
    assert_eq!(wait(engine.content(content_id(3), 5000..u64::MAX)).unwrap(), Bytes::new());
    let missing = wait(engine.content(content_id(4), 0..1));
    assert!(matches!(missing, Err(ReadError::NoContent)));
}

#[test]
fn each_group_costs_one_sync() {
    let disk = SimulatedDisk::new();
    let mut config = config();
    config.segment_size = ByteSize::mib(8);
    config.checkpoint_bytes = ByteSize::mib(64);
    let engine = Embedded::open(Arc::new(disk.clone()), &config).unwrap();
    let before = (disk.syncs("log/"), disk.syncs("index"));
    for number in 0..100 {
        deliver(&engine, number, 5000).unwrap();
    }
    assert_eq!(disk.syncs("log/") - before.0, 100);
    // The index's engine syncs when its file doubles, and at checkpoints.
    assert!(disk.syncs("index") - before.1 <= 2);
}

#[test]
fn units_that_wait_share_a_sync_and_keep_their_order() {
    let disk = SimulatedDisk::new();
    let mut config = config();
    config.segment_size = ByteSize::mib(64);
    config.checkpoint_bytes = ByteSize::mib(640);
    let engine = Embedded::open(Arc::new(disk.clone()), &config).unwrap();
    let before = disk.syncs("log/");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let tasks: Vec<_> = (0..2000)
        .map(|number| {
            let engine = Arc::clone(&engine);
            runtime.spawn(async move {
                let done = engine.commit(put(number), vec![content(number, 50)], entry(number));
                (number, done.await.unwrap())
            })
        })
        .collect();
    let done = runtime.block_on(join_all(tasks));
    assert!(disk.syncs("log/") - before < 2000, "{} syncs", disk.syncs("log/") - before);
    assert_eq!(check_tree(&engine), 2000);
    let leaves = wait(engine.leaves(0, usize::MAX)).unwrap();
    let mut lsns = Vec::new();
    for done in done {
        let (number, committed) = done.unwrap();
        assert_eq!(committed.lsn, committed.leaf + 1);
        assert_eq!(leaves[usize::try_from(committed.leaf).unwrap()], entry(number).encode());
        lsns.push(committed.lsn);
    }
    lsns.sort_unstable();
    assert_eq!(lsns, (1..=2000).collect::<Vec<_>>());
}

#[test]
fn of_two_equal_deliveries_in_one_group_one_is_stored_and_the_other_finds_its_row() {
    let engine = open(&SimulatedDisk::new());
    let deliver = |answer: &'static str, content: u64| {
        let mut changes = Changes::new();
        changes.expect(Table::Dedup, "mark", Expectation::Absent);
        changes.put(Table::Dedup, "mark", answer);
        engine.commit(changes, vec![super::content(content, 100)], entry(content))
    };
    // Both wait while the committer is kept busy, so that they share a group.
    let (first, second) = wait(async {
        let busy = join_all((10..60).map(|n| engine.commit(put(n), Vec::new(), entry(n))));
        let (_, first, second) =
            futures_util::future::join3(busy, deliver("one", 1), deliver("two", 2)).await;
        (first, second)
    });
    first.unwrap();
    let Err(CommitError::Expectation { table, key, found }) = second else {
        panic!("stored twice")
    };
    assert_eq!((table, key, found), (Table::Dedup, "mark".into(), Some("one".into())));
    assert!(wait(engine.content(content_id(1), 0..9)).is_ok());
    assert!(wait(engine.content(content_id(2), 0..9)).is_err());
    assert_eq!(check_tree(&engine), 51);
}

#[test]
fn a_content_id_is_never_used_twice() {
    let engine = open(&SimulatedDisk::new());
    wait(engine.commit(Changes::new(), vec![content(1, 10)], entry(1))).unwrap();
    let again = wait(engine.commit(Changes::new(), vec![content(1, 20)], entry(2)));
    assert!(matches!(again, Err(CommitError::ContentExists)));
    assert_eq!(wait(engine.content(content_id(1), 0..99)).unwrap(), content_bytes(1, 10));
}

#[test]
fn what_the_log_cannot_hold_is_refused() {
    let engine = open(&SimulatedDisk::new());
    let piece = Bytes::from(vec![0; 1 << 20]);
    let huge = NewContent { id: content_id(1), pieces: vec![piece; 256] };
    let refused = wait(engine.commit(Changes::new(), vec![huge], entry(1)));
    assert!(matches!(refused, Err(CommitError::TooLarge)));
    let mut changes = Changes::new();
    changes.put(Table::Meta, vec![0; 70_000], "");
    let refused = wait(engine.commit(changes, Vec::new(), entry(1)));
    assert!(matches!(refused, Err(CommitError::TooLarge)));
    deliver(&engine, 1, 100_000).unwrap();
    assert!(delivered(&engine, 1, 100_000), "larger than a segment, and still stored");
}

#[test]
fn a_full_queue_says_busy() {
    let mut config = config();
    config.queue_units = 1;
    let engine = Embedded::open(Arc::new(SimulatedDisk::new()), &config).unwrap();
    let results =
        wait(join_all((0..500).map(|n| engine.commit(put(n), vec![content(n, 2000)], entry(n)))));
    let done = results.iter().filter(|result| result.is_ok()).count();
    assert!(results.iter().all(|result| matches!(result, Ok(_) | Err(CommitError::Busy))));
    assert!(done > 0 && done < 500, "{done}");
    assert_eq!(check_tree(&engine), len_u64(done));
}

#[test]
fn after_closing_nothing_is_admitted() {
    let engine = open(&SimulatedDisk::new());
    deliver(&engine, 1, 10).unwrap();
    engine.close();
    assert!(matches!(deliver(&engine, 2, 10), Err(CommitError::Closed)));
    assert_eq!(engine.health(), Health::Closed);
}

#[test]
fn scans_page_through_thousands_of_rows_both_ways() {
    let engine = open(&SimulatedDisk::new());
    for chunk in 0..30_u64 {
        let mut changes = Changes::new();
        for number in chunk * 200..(chunk + 1) * 200 {
            changes.append(put(number));
        }
        wait(engine.commit(changes, Vec::new(), entry(chunk))).unwrap();
    }
    let mut from = Bytes::new();
    let mut seen = 0_u64;
    loop {
        let range = KeyRange { from: from.clone(), until: None, backwards: false };
        let page = wait(engine.scan(Table::Message, range, 97)).unwrap();
        for (key, value) in &page.rows {
            assert_eq!((key, value), (&seen.to_be_bytes().to_vec().into(), &row_of(seen).into()));
            seen += 1;
        }
        if !page.more {
            break;
        }
        let mut next = page.rows.last().unwrap().0.to_vec();
        next.push(0);
        from = next.into();
    }
    assert_eq!(seen, 6000);
    let last = wait(engine.scan(Table::Message, KeyRange::all().backwards(), 2)).unwrap();
    let keys: Vec<_> = last.rows.iter().map(|(key, _)| key.to_vec()).collect();
    assert_eq!(keys, [5999_u64.to_be_bytes(), 5998_u64.to_be_bytes()]);
    assert!(last.more);
}

#[test]
fn stats_tell_groups_units_and_bytes() {
    let engine = open(&SimulatedDisk::new());
    for number in 0..10 {
        deliver(&engine, number, 5000).unwrap();
    }
    let stats = engine.stats();
    assert_eq!((stats.units, stats.groups, stats.content_bytes), (10, 10, 50_000));
    assert!(stats.log_bytes > 50_000 && stats.log_bytes < 59_000, "{}", stats.log_bytes);
    assert_eq!((stats.waiting_units, stats.waiting_bytes, stats.recoveries), (0, 0, 0));
}

#[test]
fn contents_are_listed_in_pages() {
    let engine = open(&SimulatedDisk::new());
    for number in 0..25 {
        deliver(&engine, number, usize::try_from(number).unwrap()).unwrap();
    }
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let page = wait(engine.contents(after, 7)).unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        found.extend(page);
    }
    assert_eq!(found, (0..25).map(|number| (content_id(number), number)).collect::<Vec<_>>());
}

/// Checks all segments; the units read, places damaged, places missed.
pub(super) fn check_all(engine: &Embedded) -> (u64, Vec<(u32, u64)>, u64) {
    let (mut units, mut damaged, mut misplaced, mut next) = (0, Vec::new(), 0, None);
    loop {
        let checked = wait(engine.check(next)).unwrap();
        units += checked.units;
        misplaced += checked.misplaced;
        damaged.extend(checked.damaged_at.map(|offset| (checked.segment, offset)));
        next = checked.next;
        if next.is_none() {
            return (units, damaged, misplaced);
        }
    }
}

#[test]
fn the_whole_log_is_checked_while_the_store_serves() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    for number in 0..50 {
        deliver(&engine, number, 1500).unwrap();
    }
    assert_eq!(check_all(&engine), (50, Vec::new(), 0));
    let killed = disk.after_kill();
    drop(engine);
    let engine = open(&killed);
    deliver(&engine, 50, 1500).unwrap();
    assert_eq!(check_all(&engine), (51, Vec::new(), 0));
    drop(engine);
    // A flipped bit deep in a sealed segment, which no opening reads.
    let mut bytes = killed.contents("log/00000002.seg").unwrap();
    // What is not zero is no padding.
    let place = (5000..bytes.len()).find(|at| bytes[*at] != 0).unwrap();
    bytes[place] ^= 1;
    killed.replace("log/00000002.seg", bytes);
    let engine = open(&killed);
    let (units, damaged, _) = check_all(&engine);
    assert!(units < 51);
    assert_eq!(damaged.len(), 1);
    let (segment, offset) = damaged[0];
    let place = len_u64(place);
    assert!(segment == 2 && offset <= place && place - offset < 3000, "{place}: {offset}");
}
