//! Following a job. Ctrl-C stops following; the job goes on.

use crate::context::Context;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::figure::short_id;
use crate::output::progress::Meter;
use crate::output::{Line, Tone};
use bytes::Bytes;
use mbx_common::control::job::{Job, JobEvent};
use mbx_common::control::route::Route;
use mbx_common::explain;

/// How often a broken stream is opened again before giving up.
const REOPEN_MAX: u32 = 3;

/// Follows a job until it ends.
///
/// # Errors
/// Exit code 130 where Ctrl-C was pressed; else why the job cannot be followed.
pub(crate) async fn follow(context: &mut Context, job: &str) -> Result<Job, Failure> {
    let mut interrupt = Interrupt::listen()?;
    let mut meter: Option<Meter> = None;
    let mut last: Option<Job> = None;
    for _ in 0..REOPEN_MAX {
        let mut lines =
            context.client.stream(Route::JobEvents, Some(job), &(), Bytes::new()).await?;
        loop {
            let line = tokio::select! {
                line = lines.next() => line,
                () = interrupt.pressed() => {
                    if let Some(meter) = &meter { meter.end(); }
                    return Err(stopped(context, job));
                }
            };
            let Ok(Some(line)) = line else { break };
            let event: JobEvent = serde_json::from_slice(&line)
                .map_err(|_| Failure::here(explain::INTERNAL, "an event cannot be read"))?;
            let meter = meter.get_or_insert_with(|| {
                Meter::new(&context.screen, context.settings.progress, &event.job.what)
            });
            meter.step(&context.screen, event.job.done, event.job.total);
            let ended = event.job.state.is_final();
            last = Some(event.job);
            if ended {
                break;
            }
        }
        if last.as_ref().is_some_and(|job| job.state.is_final()) {
            break;
        }
    }
    if let Some(meter) = &meter {
        meter.end();
    }
    last.ok_or_else(|| Failure::here(explain::NO_DAEMON, "the job's events ended early"))
}

/// Tells that only the following stopped.
fn stopped(context: &Context, job: &str) -> Failure {
    let job = short_id(job);
    if context.screen.format.is_machine() {
        return Failure::here(explain::STOPPED, "no longer following; the job continues")
            .with_hint(format!("mbxctl job follow {job}"));
    }
    let line = Line::default().sign(Tone::Dim).and(
        format!("No longer following; {job} continues.   → mbxctl job follow {job}"),
        Tone::Plain,
    );
    context.screen.say(&line);
    Failure::Told(130)
}
