//! One suite for every engine, the one in memory as the judge.

use super::*;
use crate::store::memory::Memory;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::fmt::Debug;

#[derive(Clone, Debug)]
enum Step {
    Commit {
        changes: Vec<Change>,
        contents: Vec<(u64, usize)>,
    },
    Get(Table, Bytes),
    Scan(Table, KeyRange, usize),
    Content(u64, u64, u64),
    Leaves(u64, usize),
    Tree,
    /// Closed in order and opened again.
    Restart,
    /// Killed and opened again.
    Kill,
}

fn arb_table() -> impl Strategy<Value = Table> {
    // Neighbours by number, so that a scan that leaves its table is found out.
    select(&[Table::Directory, Table::Mailbox, Table::Message, Table::Meta][..])
}

fn arb_key() -> impl Strategy<Value = Bytes> {
    vec(select(&[0_u8, 1, 254, 255][..]), 0..3).prop_map(Bytes::from)
}

fn arb_value() -> impl Strategy<Value = Bytes> {
    // Short ones, and long ones that the index does not hold itself.
    prop_oneof![
        3 => vec(any::<u8>(), 0..20).prop_map(Bytes::from),
        1 => (any::<u8>(), 500..530_usize).prop_map(|(byte, len)| vec![byte; len].into()),
    ]
}

fn arb_change() -> impl Strategy<Value = Change> {
    let expectation = prop_oneof![
        3 => Just(Expectation::Absent),
        2 => Just(Expectation::Present),
        1 => vec(0_u8..3, 0..2).prop_map(|value| Expectation::Equals(value.into())),
    ];
    prop_oneof![
        1 => (arb_table(), arb_key(), expectation)
            .prop_map(|(table, key, expectation)| Change::Expect(table, key, expectation)),
        4 => (arb_table(), arb_key(), arb_value())
            .prop_map(|(table, key, value)| Change::Put(table, key, value)),
        2 => (arb_table(), arb_key()).prop_map(|(table, key)| Change::Delete(table, key)),
    ]
}

fn arb_step() -> impl Strategy<Value = Step> {
    let range = (arb_key(), proptest::option::of(arb_key()), any::<bool>())
        .prop_map(|(from, until, backwards)| KeyRange { from, until, backwards });
    prop_oneof![
        40 => (vec(arb_change(), 0..6), vec((0..200_u64, 0..3000_usize), 0..3))
            .prop_map(|(changes, contents)| Step::Commit { changes, contents }),
        10 => (arb_table(), arb_key()).prop_map(|(table, key)| Step::Get(table, key)),
        10 => (arb_table(), range, 0..12_usize)
            .prop_map(|(table, range, limit)| Step::Scan(table, range, limit)),
        10 => (0..200_u64, 0..3000_u64, 0..4000_u64)
            .prop_map(|(id, start, end)| Step::Content(id, start, end)),
        3 => (0..40_u64, 0..20_usize).prop_map(|(first, limit)| Step::Leaves(first, limit)),
        3 => Just(Step::Tree),
        1 => Just(Step::Restart),
        1 => Just(Step::Kill),
    ]
}

/// What an engine answers, in a form that compares.
fn answer(engine: &dyn Engine, step: &Step, number: u64) -> String {
    fn text<T: Debug, E: Debug>(result: &Result<T, E>) -> String {
        format!("{result:?}")
    }
    match step {
        Step::Commit { changes, contents } => {
            let mut list = Changes::new();
            for change in changes {
                match change.clone() {
                    Change::Expect(table, key, expectation) => list.expect(table, key, expectation),
                    Change::Put(table, key, value) => list.put(table, key, value),
                    Change::Delete(table, key) => list.delete(table, key),
                };
            }
            let mut contents = contents.clone();
            contents.dedup_by_key(|(id, _)| *id);
            contents.sort_by_key(|(id, _)| *id);
            contents.dedup_by_key(|(id, _)| *id);
            let contents = contents.iter().map(|(id, len)| content(*id, *len)).collect();
            text(&wait(engine.commit(list, contents, entry(number))))
        }
        Step::Get(table, key) => text(&wait(engine.get(*table, key))),
        Step::Scan(table, range, limit) => text(&wait(engine.scan(*table, range.clone(), *limit))),
        Step::Content(id, start, end) => text(&wait(engine.content(content_id(*id), *start..*end))),
        Step::Leaves(first, limit) => text(&wait(engine.leaves(*first, *limit))),
        Step::Tree => text(&wait(engine.tree())),
        Step::Restart | Step::Kill => String::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Thousands of random steps get the same answers from both engines, across restarts too.
    #[test]
    fn the_embedded_engine_answers_as_the_model_does(steps in vec(arb_step(), 1..120)) {
        let model = Memory::new();
        let mut disk = SimulatedDisk::new();
        let mut engine = open(&disk);
        for (number, step) in steps.iter().enumerate() {
            match step {
                Step::Restart => {
                    drop(engine);
                    engine = open(&disk);
                }
                Step::Kill => {
                    disk = disk.after_kill();
                    engine = open(&disk);
                }
                Step::Commit { .. }
                | Step::Get(..)
                | Step::Scan(..)
                | Step::Content(..)
                | Step::Leaves(..)
                | Step::Tree => {
                    let number = len_u64(number);
                    let (ours, models) =
                        (answer(&*engine, step, number), answer(&model, step, number));
                    prop_assert_eq!(ours, models, "step {}: {:?}", number, step);
                }
            }
        }
        prop_assert_eq!(whole(&*engine, 200), whole(&model, 200));
    }
}
