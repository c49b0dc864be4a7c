//! The engine beside the model in memory: random steps get the same answers from both.

use super::engine::{config, wait, whole};
use super::load::entry;
use crate::programme::{Programme, Run};
use bytes::Bytes;
use mbx_common::audit::Event;
use mbx_common::id::ContentId;
use mbxd::store::back_end::BackEnd;
use mbxd::store::back_end::simulated::SimulatedDisk;
use mbxd::store::embedded::{Embedded, rebuild_index};
use mbxd::store::memory::Memory;
use mbxd::store::{Change, Changes, Engine, Expectation, KeyRange, NewContent, Table};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::fmt::Debug;
use std::sync::Arc;

/// The programme.
pub const MODEL: Programme = Programme {
    name: "model",
    what: "random steps get the same answers from the engine and from the model in memory",
    run: many_steps,
};

/// Steps of one history: the model's audit tree is made anew for each comparison, so that longer
/// ones would do little else.
const STEPS: usize = 500;
const HISTORIES: usize = 20;

/// Plays histories that follow from the seed.
fn many_steps(run: &mut Run) {
    let mut seed = [0; 32];
    run.rng("steps").fill_bytes(&mut seed);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    for history in 0..HISTORIES {
        let steps = match vec(arb_step(), STEPS).new_tree(&mut runner) {
            Ok(steps) => steps.current(),
            Err(error) => panic!("no steps: {error}"),
        };
        run.done(u64::try_from(steps.len()).unwrap_or_default(), "steps");
        if let Err(what) = play(&steps) {
            run.finding(format_args!("history {history}: {what}"));
        }
    }
}

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
    /// The power fails; opened again.
    PowerLoss(u64),
    /// Closed in order; its index made again by hand.
    Rebuild,
    /// Killed, and its index lost.
    IndexLost,
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
        1 => any::<u64>().prop_map(Step::PowerLoss),
        1 => Just(Step::Rebuild),
        1 => Just(Step::IndexLost),
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
            contents.sort_by_key(|(id, _)| *id);
            contents.dedup_by_key(|(id, _)| *id);
            let contents = contents.iter().map(|(id, len)| content(*id, *len)).collect();
            text(&wait(engine.commit(list, contents, entry(number, Event::MailboxRegistered))))
        }
        Step::Get(table, key) => text(&wait(engine.get(*table, key))),
        Step::Scan(table, range, limit) => text(&wait(engine.scan(*table, range.clone(), *limit))),
        Step::Content(id, start, end) => text(&wait(engine.content(content_id(*id), *start..*end))),
        Step::Leaves(first, limit) => text(&wait(engine.leaves(*first, *limit))),
        Step::Tree => text(&wait(engine.tree())),
        Step::Restart | Step::Kill | Step::PowerLoss(_) | Step::Rebuild | Step::IndexLost => {
            String::new()
        }
    }
}

/// Does the same with both; what they do not agree on.
fn play(steps: &[Step]) -> Result<(), String> {
    let model = Memory::new();
    let mut disk = SimulatedDisk::new();
    let mut engine = opened(&disk, 0)?;
    for (step, number) in steps.iter().zip(0_u64..) {
        match step {
            Step::Restart => drop(engine),
            Step::Kill => disk = disk.after_kill(),
            Step::PowerLoss(seed) => disk = disk.after_power_loss(*seed),
            Step::IndexLost => {
                disk = disk.after_kill();
                disk.delete("index.redb");
            }
            Step::Rebuild => {
                drop(engine);
                let back: Arc<dyn BackEnd> = Arc::new(disk.clone());
                rebuild_index(&back, &config(), |_| ())
                    .map_err(|error| format!("step {number}: no new index: {error}"))?;
            }
            Step::Commit { .. }
            | Step::Get(..)
            | Step::Scan(..)
            | Step::Content(..)
            | Step::Leaves(..)
            | Step::Tree => {
                let (ours, models) = (answer(&*engine, step, number), answer(&model, step, number));
                if ours != models {
                    return Err(format!(
                        "step {number}, {step:?}: the engine says {ours}, the model {models}"
                    ));
                }
                continue;
            }
        }
        engine = opened(&disk, number)?;
    }
    match (whole(&*engine), whole(&model)) {
        (Ok(ours), Ok(models)) if ours == models => Ok(()),
        (ours, models) => Err(format!("in the end the engine has {ours:?}, the model {models:?}")),
    }
}

fn opened(disk: &SimulatedDisk, number: u64) -> Result<Arc<Embedded>, String> {
    super::engine::open(disk).map_err(|error| format!("step {number}: it does not open: {error}"))
}

fn content_id(number: u64) -> ContentId {
    ContentId::from_bytes(u128::from(number).to_be_bytes())
}

/// Bytes that tell their owner, in pieces.
fn content(number: u64, len: usize) -> NewContent {
    let whole: Vec<u8> = number.to_be_bytes().into_iter().cycle().take(len).collect();
    let pieces = whole.chunks(700).map(Bytes::copy_from_slice).collect();
    NewContent { id: content_id(number), pieces }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        /// Thousands of random steps get the same answers from both engines, across restarts too.
        #[test]
        fn the_embedded_engine_answers_as_the_model_does(steps in vec(arb_step(), 1..120)) {
            prop_assert_eq!(play(&steps), Ok(()));
        }
    }
}
