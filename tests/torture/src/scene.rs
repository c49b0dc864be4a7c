//! An installation that is started, loaded and looked at, for programmes that take something away
//! from it.

use crate::programme::Run;
use mbx_tests::installation::{Installation, Setup};
use mbx_tests::trial::{Load, Running, Strictness, aftermath};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// How long anything may take to be as it was.
const PATIENCE: Duration = Duration::from_secs(30);

/// An installation and its load.
pub(crate) struct Scene {
    installation: Arc<Installation>,
    load: Load,
}

impl Scene {
    /// A daemon that is ready, with some mailboxes; `alter` changes the command that starts it.
    pub(crate) fn new(config: String, alter: impl FnOnce(&mut Command)) -> Self {
        let mut installation = Installation::new(&Setup { config, ..Setup::default() });
        let mut mbxd = installation.mbxd();
        alter(&mut mbxd);
        installation.spawn_as(mbxd);
        answers(&mut installation);
        installation.wait_for_token();
        installation.init();
        installation.allow_authority();
        let people = (0..4).map(|person| installation.register(person).0).collect();
        let installation = Arc::new(installation);
        let load = Load::new(Arc::clone(&installation), people, Strictness::Anything);
        Self { installation, load }
    }

    /// The installation.
    pub(crate) fn installation(&self) -> &Installation {
        &self.installation
    }

    /// Begins to load it.
    pub(crate) fn start_load(&self) -> Running {
        self.load.start()
    }

    /// Deliveries acknowledged so far.
    pub(crate) fn delivered(&self) -> u64 {
        self.load.counts().0
    }

    /// Notes where neither deliveries nor reads are back.
    pub(crate) async fn recovers(&self, round: &mut Run, what: &str) {
        let before = self.delivered();
        let running = self.load.start();
        if self.load.reads_resume(PATIENCE).await.is_none() {
            round.finding(format_args!("{what}: reading does not resume"));
        }
        let mut left = PATIENCE;
        while self.delivered() == before && !left.is_zero() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            left = left.saturating_sub(Duration::from_millis(100));
        }
        if self.delivered() == before {
            round.finding(format_args!("{what}: deliveries do not resume"));
        }
        for finding in running.stop().await {
            round.finding(format_args!("{what}: {finding}"));
        }
    }

    /// Starts another run of the daemon, whether or not the last one has ended.
    #[expect(clippy::expect_used, reason = "a panic is a finding of the round")]
    pub(crate) fn restart(self, between: impl FnOnce()) -> Self {
        let people = self.load.people();
        drop(self.load);
        let alone = Arc::try_unwrap(self.installation);
        let mut installation = alone.expect("the load has ended");
        installation.kill();
        between();
        installation.start();
        installation.wait_for_token();
        let installation = Arc::new(installation);
        let load = Load::new(Arc::clone(&installation), people, Strictness::Anything);
        Self { installation, load }
    }

    /// Everything acknowledged must be there.
    pub(crate) async fn end(self, round: &mut Run, what: &str) {
        // After a restart the keys are opened a moment after the token.
        if self.load.reads_resume(PATIENCE).await.is_none() {
            round.finding(format_args!("{what}: reading does not resume"));
        }
        for finding in aftermath(&self.installation, &self.load.ledger()).await {
            round.finding(format_args!("{what}: {finding}"));
        }
        let panicked = self.installation.log().matches("panicked at").count();
        if panicked > 0 {
            round.finding(format_args!("{what}: the daemon panicked {panicked} times"));
        }
        round.done(self.delivered(), "deliveries");
    }
}

/// Waits until the daemon answers.
fn answers(installation: &mut Installation) {
    installation.wait_until("the daemon answers", |installation| {
        UnixStream::connect(installation.path("control.sock")).is_ok()
    });
}
