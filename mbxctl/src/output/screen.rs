//! The two streams: results on stdout, everything else on stderr.

use super::document::{Answer, Line, Piece, Tone};
use super::style::{Style, Surroundings};
use super::table::Shape;
use super::{csv, json, table, yaml};
use crate::cli::{Color, Format};
use std::io::{self, IsTerminal as _, Write};

/// Why the result was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A column that the list does not have.
    #[error(transparent)]
    Column(#[from] table::UnknownColumn),
    /// The stream refused it. A closed pipe is no error: who reads has read enough.
    #[error("the output cannot be written")]
    Stream(#[from] io::Error),
}

/// How results are written.
#[derive(Clone, Debug)]
pub struct Screen {
    /// The form.
    pub format: Format,
    /// What stdout can show.
    pub out: Style,
    /// What stderr can show.
    pub err: Style,
    /// No hints.
    pub quiet: bool,
    /// `--columns`.
    pub columns: Vec<String>,
    /// `--filter`.
    pub filters: Vec<String>,
    /// `--sort`.
    pub sort: Option<String>,
    /// `--limit`, where it was given.
    pub limit: Option<usize>,
    /// `--no-headers`.
    pub no_headers: bool,
}

impl Screen {
    /// The streams of this process.
    pub fn of_process(format: Format, color: Color) -> Self {
        let columns = rustix::termios::tcgetwinsize(io::stdout()).ok();
        let columns = columns.map(|size| usize::from(size.ws_col)).filter(|&columns| columns > 0);
        let around = |terminal| Surroundings {
            terminal,
            columns: columns.or_else(|| std::env::var("COLUMNS").ok()?.parse().ok()),
            no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
            term: std::env::var("TERM").ok(),
            locale: ["LC_ALL", "LC_CTYPE", "LANG"]
                .into_iter()
                .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty())),
        };
        Self {
            format,
            out: Style::choose(color, &around(io::stdout().is_terminal())),
            err: Style::choose(color, &around(io::stderr().is_terminal())),
            quiet: false,
            columns: Vec::new(),
            filters: Vec::new(),
            sort: None,
            limit: None,
            no_headers: false,
        }
    }

    /// Writes an answer: its result to stdout, its hints to stderr.
    ///
    /// # Errors
    /// [`WriteError`]; a closed pipe is none.
    pub fn answer(&self, mut answer: Answer) -> Result<u8, WriteError> {
        self.arrange(&mut answer)?;
        let text = self.render(&answer)?;
        write(io::stdout().lock(), &text)?;
        self.asides(&answer).iter().for_each(|line| self.say(line));
        Ok(answer.exit)
    }

    /// Writes a line to stdout at once, while an answer is still under way.
    ///
    /// # Errors
    /// As [`Screen::answer`]. `Ok(false)`: nobody reads any more.
    pub fn now(&self, text: &str) -> Result<bool, WriteError> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a line to stderr; what cannot be written there is lost.
    pub fn say(&self, line: &Line) {
        let text = format!("{}\n", self.err.line(line));
        write(io::stderr().lock(), text.as_bytes()).unwrap_or_default();
    }

    /// Writes a next step to stderr: `→ mbxctl …`.
    pub fn hint(&self, hint: &str) {
        if !self.quiet && !self.format.is_machine() {
            self.say(&next_step(hint));
        }
    }

    /// Filters, sorts and bounds a list. Most were bounded by the daemon already; those that come
    /// whole are bounded here.
    fn arrange(&self, answer: &mut Answer) -> Result<(), table::UnknownColumn> {
        let Some(list) = &mut answer.list else { return Ok(()) };
        table::arrange(list, &self.filters, self.sort.as_deref(), &self.columns)?;
        list.rows.truncate(self.limit.unwrap_or(usize::MAX));
        Ok(())
    }

    fn render(&self, answer: &Answer) -> Result<Vec<u8>, WriteError> {
        let shape = self.shape();
        let text = match self.format {
            Format::Json => pretty(&json::envelope(answer)),
            Format::Jsonl => json::lines(answer)
                .iter()
                .flat_map(|line| [line.to_string(), "\n".into()])
                .collect(),
            Format::Yaml => yaml::render(&json::envelope(answer)),
            Format::Csv => return csv::render(answer, shape).map_err(to_io).map_err(Into::into),
            Format::Id => ids(answer),
            Format::Table | Format::Wide => self.people(answer, shape),
        };
        Ok(text.into_bytes())
    }

    fn shape(&self) -> Shape<'_> {
        let wide = matches!(self.format, Format::Wide);
        Shape { wide, columns: &self.columns, no_headers: self.no_headers }
    }

    fn people(&self, answer: &Answer, shape: Shape<'_>) -> String {
        if let Some(list) = &answer.list {
            if list.rows.is_empty() {
                return String::new();
            }
            return table::render(list, shape, self.out);
        }
        let piece = |piece: &Piece| match piece {
            Piece::Line(line) => format!("{}\n", self.out.line(line)),
            Piece::Table(list) => table::render(list, shape, self.out),
        };
        answer.text.iter().map(piece).collect()
    }

    /// What goes to stderr beside a result: how many rows there are, next steps.
    fn asides(&self, answer: &Answer) -> Vec<Line> {
        if self.quiet || !matches!(self.format, Format::Table | Format::Wide) {
            return Vec::new();
        }
        let counted = answer
            .list
            .as_ref()
            .map(|list| counted(list.rows.len(), list.total, answer.next.as_deref(), list.empty));
        counted.into_iter().chain(answer.hints.iter().map(|hint| next_step(hint))).collect()
    }

    /// What would go to stdout and to stderr.
    #[cfg(test)]
    pub(crate) fn transcript(&self, answer: &mut Answer) -> Result<(String, String), WriteError> {
        self.arrange(answer)?;
        let out = String::from_utf8_lossy(&self.render(answer)?).into_owned();
        let asides = self.asides(answer);
        Ok((out, asides.iter().flat_map(|line| [self.err.line(line), "\n".into()]).collect()))
    }
}

/// `→ mbxctl …`.
fn next_step(hint: &str) -> Line {
    Line::default().and("→ ", Tone::Dim).and(hint, Tone::Plain)
}

/// The last line of a list: how many there are, and how to see more.
fn counted(shown: usize, total: Option<u64>, next: Option<&str>, empty: &str) -> Line {
    if shown == 0 && next.is_none() {
        return Line::default().and(empty, Tone::Dim);
    }
    let total = total.map(|total| format!(" of {}", super::figure::count(total)));
    let more = next.map(|next| format!(" · more: --after {next}"));
    Line::default()
        .and(format!("{shown}{}{}", total.unwrap_or_default(), more.unwrap_or_default()), Tone::Dim)
}

fn ids(answer: &Answer) -> String {
    let listed = answer.list.as_ref().map(|table| {
        let at = table.columns.iter().position(|column| column.key == table.id);
        let id =
            |cells: &Vec<super::Cell>| at.and_then(|at| cells.get(at)).map(|c| c.whole.clone());
        table.rows.iter().filter_map(|(cells, _)| id(cells)).collect::<Vec<_>>()
    });
    let ids = listed.as_ref().unwrap_or(&answer.ids);
    ids.iter().filter(|id| !id.is_empty()).flat_map(|id| [id.as_str(), "\n"]).collect()
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).map_or_else(|_| value.to_string(), |text| text + "\n")
}

fn to_io(error: ::csv::Error) -> io::Error {
    io::Error::other(error)
}

/// Writes all; a closed pipe is no error.
fn write(mut stream: impl Write, bytes: &[u8]) -> Result<(), io::Error> {
    match stream.write_all(bytes).and_then(|()| stream.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
