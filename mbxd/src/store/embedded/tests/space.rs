use super::*;

const LEN: usize = 1300;

fn with_watermarks(disk: &SimulatedDisk) -> Arc<Embedded> {
    let mut config = config();
    config.stop_deliveries_below = ByteSize::bytes(400_000);
    config.stop_writes_below = ByteSize::bytes(200_000);
    Embedded::open(Arc::new(disk.clone()), &config).unwrap()
}

fn register(engine: &Embedded, number: u64) -> Result<Committed, CommitError> {
    wait(engine.commit(put(number), Vec::new(), entry(number)))
}

fn open_message(engine: &Embedded, number: u64) -> Result<Committed, CommitError> {
    let mut entry = entry(number);
    entry.event = Event::MessageOpened;
    wait(engine.commit(put(number), Vec::new(), entry))
}

/// A sweep's unit of work: rows dropped, messages' keys erased.
fn drop_row(engine: &Embedded, number: u64, event: Event) -> Result<Committed, CommitError> {
    let mut changes = Changes::new();
    changes.delete(Table::Message, number.to_be_bytes().to_vec());
    let mut entry = entry(number);
    entry.event = event;
    wait(engine.commit(changes, Vec::new(), entry))
}

fn leave_free(disk: &SimulatedDisk, bytes: u64) {
    disk.set_capacity(Some(disk.used_bytes() + bytes));
}

#[test]
fn below_the_first_watermark_deliveries_stop_and_come_back_by_themselves() {
    let disk = SimulatedDisk::new();
    let engine = with_watermarks(&disk);
    deliver(&engine, 1, LEN).unwrap();
    leave_free(&disk, 399_999);
    assert!(matches!(deliver(&engine, 2, LEN), Err(CommitError::SpaceLow)));
    register(&engine, 3).unwrap();
    open_message(&engine, 4).unwrap();
    let space = engine.space();
    assert!(space.deliveries_stopped && !space.writes_stopped);
    leave_free(&disk, 500_000);
    deliver(&engine, 2, LEN).unwrap();
    assert!(!engine.space().deliveries_stopped);
}

#[test]
fn below_the_second_watermark_only_reading_and_freeing_space_go_on() {
    let disk = SimulatedDisk::new();
    let engine = with_watermarks(&disk);
    deliver(&engine, 1, LEN).unwrap();
    leave_free(&disk, 199_999);
    assert!(matches!(deliver(&engine, 2, LEN), Err(CommitError::SpaceLow)));
    assert!(matches!(register(&engine, 3), Err(CommitError::SpaceLow)));
    open_message(&engine, 4).unwrap();
    assert!(delivered(&engine, 1, LEN), "reading goes on");
    assert!(engine.space().writes_stopped);
    let mut changes = Changes::new();
    changes.put(Table::Meta, "large", vec![0; 100_000]);
    let mut reading = entry(5);
    reading.event = Event::MessageOpened;
    let large = wait(engine.commit(changes, Vec::new(), reading));
    assert!(matches!(large, Err(CommitError::SpaceLow)), "the reserve is for small units");
    drop_row(&engine, 1, Event::MessagesErased).unwrap();
    drop_row(&engine, 4, Event::RowsExpired).unwrap();
    assert!(matches!(drop_row(&engine, 3, Event::SenderBlocked), Err(CommitError::SpaceLow)));
    disk.set_capacity(None);
    register(&engine, 3).unwrap();
    deliver(&engine, 2, LEN).unwrap();
    assert_eq!(check_tree(&engine), 6);
}

#[test]
fn when_the_reserve_is_gone_too_nothing_is_written_and_the_store_survives_it() {
    let disk = SimulatedDisk::new();
    let engine = with_watermarks(&disk);
    for number in 0..10 {
        deliver(&engine, number, LEN).unwrap();
    }
    leave_free(&disk, 100_000);
    for number in 20..70 {
        open_message(&engine, number).unwrap();
    }
    leave_free(&disk, 12_499);
    assert!(matches!(open_message(&engine, 70), Err(CommitError::SpaceLow)));
    assert!((0..10).all(|number| delivered(&engine, number, LEN)), "what is there can be read");
    disk.set_capacity(None);
    deliver(&engine, 500, LEN).unwrap();
    assert_eq!(check_tree(&engine), 61);
    drop(engine);
    assert_eq!(check_tree(&open(&disk)), 61);
}

#[test]
fn a_disk_that_fills_up_unawares_is_survived() {
    // Without watermarks nothing is refused before the disk itself does.
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    leave_free(&disk, 60_000);
    let mut done = Vec::new();
    for number in 0..200 {
        match deliver(&engine, number, LEN) {
            Ok(_) => done.push(number),
            Err(CommitError::SpaceLow | CommitError::Unavailable) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert!(!done.is_empty() && done.len() < 200);
    disk.set_capacity(None);
    while deliver(&engine, 500, LEN).is_err() {
        std::thread::yield_now();
    }
    for number in 0..200 {
        assert_eq!(delivered(&engine, number, LEN), done.contains(&number));
    }
    drop(engine);
    assert_eq!(check_tree(&open(&disk)), len_u64(done.len()) + 1);
}
