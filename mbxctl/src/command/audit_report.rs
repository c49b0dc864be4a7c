//! What verifying the audit log found, live or offline.

use crate::context::value;
use crate::output::figure::{count, things};
use crate::output::{Answer, Line, Tone};
use mbx_common::control::audit::VerifyReport;

/// What verifying found, live or offline.
pub(super) fn report(report: &VerifyReport) -> Answer {
    let facts = format!(
        "{}, {}, {} from outside, root {}…",
        things(report.entries, "entry", "entries"),
        things(report.checkpoints, "checkpoint", "checkpoints"),
        count(report.anchors),
        report.root.chars().take(8).collect::<String>()
    );
    let answer = Answer::new("audit.verify", value(report));
    let mut answer = if report.sound {
        answer.line(Line::signed(Tone::Ok, format!("{facts}, sound")))
    } else {
        answer
            .line(Line::signed(Tone::Wrong, format!("Not sound: {facts}")))
            .exit(1)
            .hint("mbxctl explain MBX-5005")
    };
    for finding in &report.findings {
        answer = answer.line(Line::plain("  ").sign(Tone::Wrong).and(finding, Tone::Plain));
    }
    let shown = u64::try_from(report.findings.len()).unwrap_or(u64::MAX);
    if report.findings_total > shown {
        let more = format!("  and {} more", count(report.findings_total.saturating_sub(shown)));
        answer = answer.line(Line::default().and(more, Tone::Dim));
    }
    for unchecked in &report.unchecked {
        answer = answer.line(
            Line::plain("  ").sign(Tone::Dim).and(format!("not checked: {unchecked}"), Tone::Dim),
        );
    }
    answer
}
