//! Named tasks that run until the daemon stops: none of them may end unnoticed before.

use std::collections::HashMap;
use std::future::{Future, pending};
use tokio::task::{Id, JoinError, JoinSet};

/// A task ended that should have run on: a defect of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the task \"{task}\" {}; the daemon goes down in order", if *panicked { "panicked" } else { "ended by itself" })]
pub(super) struct TaskEnded {
    /// Its name.
    task: &'static str,
    /// Whether it panicked; the panic's own words stand in the log before.
    panicked: bool,
}

/// The tasks. Dropped, they are aborted.
#[derive(Default)]
pub(super) struct Tasks {
    set: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

impl Tasks {
    /// Starts a task.
    pub(super) fn spawn(
        &mut self,
        task: &'static str,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        self.names.insert(self.set.spawn(work).id(), task);
    }

    /// Waits until one ends; for ever where there is none.
    pub(super) async fn ended(&mut self) -> TaskEnded {
        match self.set.join_next_with_id().await {
            Some(outcome) => self.told(outcome),
            None => pending().await,
        }
    }

    /// Waits until all have ended, as they are to once the daemon stops; logs those that panicked.
    pub(super) async fn drained(&mut self) {
        while let Some(outcome) = self.set.join_next_with_id().await {
            let ended = self.told(outcome);
            if ended.panicked {
                tracing::error!(task = ended.task, "a task panicked while the daemon stopped");
            }
        }
    }

    /// Aborts all and waits until they are gone.
    pub(super) async fn shutdown(mut self) {
        self.set.shutdown().await;
    }

    fn told(&mut self, outcome: Result<(Id, ()), JoinError>) -> TaskEnded {
        let (id, panicked) = match outcome {
            Ok((id, ())) => (id, false),
            Err(error) => (error.id(), error.is_panic()),
        };
        TaskEnded { task: self.names.remove(&id).unwrap_or("unnamed"), panicked }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::error::StartError;
    use std::time::Duration;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn a_task_that_panics_is_told_by_its_name() {
        let mut tasks = Tasks::default();
        tasks.spawn("goes on", pending());
        tasks.spawn("panics", async { panic!("as the test wants") });
        let ended = tasks.ended().await;
        assert_eq!(ended, TaskEnded { task: "panics", panicked: true });
        assert_eq!(StartError::from(ended).exit_code(), 70, "which the unit starts anew");
        assert_eq!(
            ended.to_string(),
            "the task \"panics\" panicked; the daemon goes down in order"
        );
    }

    #[tokio::test]
    async fn a_task_that_ends_by_itself_is_told_too() {
        let mut tasks = Tasks::default();
        tasks.spawn("ends", async {});
        assert_eq!(tasks.ended().await, TaskEnded { task: "ends", panicked: false });
    }

    #[tokio::test(start_paused = true)]
    async fn while_all_go_on_nothing_is_told() {
        let mut tasks = Tasks::default();
        let hour = Duration::from_hours(1);
        assert!(tokio::time::timeout(hour, tasks.ended()).await.is_err(), "there is none");
        tasks.spawn("goes on", pending());
        assert!(tokio::time::timeout(hour, tasks.ended()).await.is_err());
    }

    #[tokio::test]
    async fn draining_waits_for_the_last_and_bears_a_panic() {
        let mut tasks = Tasks::default();
        let (done, last) = oneshot::channel::<()>();
        tasks.spawn("panics", async { panic!("as the test wants") });
        tasks.spawn("last", async { last.await.unwrap() });
        tokio::spawn(async { done.send(()) });
        tasks.drained().await;
        assert!(tasks.set.is_empty() && tasks.names.is_empty());
    }
}
