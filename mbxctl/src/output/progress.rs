//! Progress of long work: a bar on a terminal, else a line now and then, or JSON for machines.

use super::document::{Line, Tone};
use super::figure;
use super::screen::Screen;
use crate::cli::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// How often a line is written where there is no bar.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows how far a piece of work is.
#[derive(Debug)]
pub struct Meter {
    label: String,
    how: How,
    told: Option<Instant>,
}

#[derive(Debug)]
enum How {
    Bar(ProgressBar),
    Plain,
    Json,
    Silent,
}

impl Meter {
    /// A meter for work of this name.
    pub fn new(screen: &Screen, wish: Progress, label: &str) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let how = match wish {
            Progress::None => How::Silent,
            Progress::Json => How::Json,
            Progress::Plain => How::Plain,
            Progress::Auto if screen.quiet => How::Silent,
            Progress::Auto if !terminal => How::Plain,
            Progress::Bar | Progress::Auto => How::Bar(bar(screen, label)),
        };
        Self { label: label.to_owned(), how, told: None }
    }

    /// Tells that `done` of `total` steps are done.
    pub fn step(&mut self, screen: &Screen, done: u64, total: Option<u64>) {
        match &self.how {
            How::Bar(bar) => {
                bar.set_length(total.unwrap_or(done));
                bar.set_position(done);
            }
            How::Json => {
                let line = json!({"schema": "mbxctl/progress/1", "work": self.label, "done": done, "total": total});
                screen.say(&Line::plain(line.to_string()));
            }
            How::Plain => {
                if self.told.is_none_or(|told| told.elapsed() >= LINE_EVERY) {
                    self.told = Some(Instant::now());
                    let total = total.map(|total| format!(" of {}", figure::count(total)));
                    let text = format!(
                        "  {} {}{}",
                        self.label,
                        figure::count(done),
                        total.unwrap_or_default()
                    );
                    screen.say(&Line::default().and(text, Tone::Dim));
                }
            }
            How::Silent => {}
        }
    }

    /// Clears the bar.
    pub fn end(&self) {
        if let How::Bar(bar) = &self.how {
            bar.finish_and_clear();
        }
    }
}

fn bar(screen: &Screen, label: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let template =
        "  {msg}  {bar:32}  {percent:>3} %  {human_pos} / {human_len}  {per_sec}  ETA {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars(if screen.err.unicode { "█▌ " } else { "## " }));
    }
    bar.set_message(label.to_owned());
    bar
}
