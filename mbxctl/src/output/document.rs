//! The answer of a command: data for machines beside words for people, rows aligned.

use mbx_common::id::RequestId;
use serde_json::Value;

/// What a piece of text means; colour and sign follow from it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// Well.
    Ok,
    /// Needs attention.
    Attention,
    /// Wrong.
    Wrong,
    /// Secondary.
    Dim,
}

/// A line of text made of toned pieces.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Line(pub Vec<(String, Tone)>);

impl Line {
    /// A plain line.
    pub fn plain(text: impl Into<String>) -> Self {
        Self(vec![(text.into(), Tone::Plain)])
    }

    /// An empty line.
    pub const fn blank() -> Self {
        Self(Vec::new())
    }

    /// A line that begins with the tone's sign: `✓ Registered …`.
    pub fn signed(tone: Tone, text: impl Into<String>) -> Self {
        Self::plain(String::new()).sign(tone).and(text, Tone::Plain)
    }

    /// The same with a sign and a space more.
    #[must_use]
    pub fn sign(mut self, tone: Tone) -> Self {
        self.0.push((format!("{} ", sign(tone)), tone));
        self
    }

    /// The same with a toned piece more.
    #[must_use]
    pub fn and(mut self, text: impl Into<String>, tone: Tone) -> Self {
        self.0.push((text.into(), tone));
        self
    }

    /// The text without tones.
    pub fn text(&self) -> String {
        self.0.iter().map(|(text, _)| text.as_str()).collect()
    }
}

/// The sign of a tone: colour never stands alone.
pub const fn sign(tone: Tone) -> char {
    match tone {
        Tone::Ok => '✓',
        Tone::Attention => '!',
        Tone::Wrong => '✗',
        Tone::Dim => '·',
        Tone::Plain => ' ',
    }
}

/// A column of a table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Column {
    /// Name in `--columns`, `--sort`, `--filter` and CSV.
    pub key: &'static str,
    /// Heading.
    pub title: &'static str,
    /// Whether figures are set to the right.
    pub right: bool,
    /// Whether only `-o wide` and CSV show it.
    pub wide: bool,
    /// How it gives way on a narrow terminal.
    pub give: Give,
}

/// How a column gives way on a narrow terminal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Give {
    /// Not: ids, times, states.
    Never,
    /// Its texts are cut.
    Cut,
    /// It is left away once cutting does not do.
    Drop,
}

impl Column {
    /// A column of text.
    pub const fn text(key: &'static str, title: &'static str) -> Self {
        Self { key, title, right: false, wide: false, give: Give::Never }
    }

    /// A column of figures.
    pub const fn figure(key: &'static str, title: &'static str) -> Self {
        Self { key, title, right: true, wide: false, give: Give::Never }
    }

    /// The same, whose texts are cut on a narrow terminal.
    #[must_use]
    pub const fn cut(mut self) -> Self {
        self.give = Give::Cut;
        self
    }

    /// The same, left away on a narrow terminal.
    #[must_use]
    pub const fn drop(mut self) -> Self {
        self.give = Give::Drop;
        self
    }

    /// The same, for `-o wide` alone.
    #[must_use]
    pub const fn wide(mut self) -> Self {
        self.wide = true;
        self
    }
}

/// A cell: short for tables, whole for `wide`, CSV and sorting.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Cell {
    /// For tables.
    pub short: String,
    /// For wide tables and CSV.
    pub whole: String,
    /// What it means.
    pub tone: Tone,
}

impl Cell {
    /// The same text everywhere.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { short: text.clone(), whole: text, tone: Tone::Plain }
    }

    /// A short form and a whole one.
    pub fn pair(short: impl Into<String>, whole: impl Into<String>) -> Self {
        Self { short: short.into(), whole: whole.into(), tone: Tone::Plain }
    }

    /// An id: its prefix and first digits in tables.
    pub fn id(id: &impl ToString) -> Self {
        let whole = id.to_string();
        Self { short: super::figure::short_id(&whole), whole, tone: Tone::Plain }
    }

    /// A count with its thousands apart.
    pub fn count(count: u64) -> Self {
        Self::pair(super::figure::count(count), count.to_string())
    }

    /// A size.
    pub fn bytes(bytes: u64) -> Self {
        Self::pair(super::figure::bytes(bytes), bytes.to_string())
    }

    /// Nothing: a dash for people.
    pub fn none() -> Self {
        Self { short: "–".to_owned(), whole: String::new(), tone: Tone::Dim }
    }

    /// The text, or nothing.
    pub fn optional(text: Option<impl Into<String>>) -> Self {
        text.map_or_else(Self::none, Self::text)
    }

    /// The same with a tone.
    #[must_use]
    pub const fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }
}

/// A table: each row beside its data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows; each has a cell per column and the data it was made of.
    pub rows: Vec<(Vec<Cell>, Value)>,
    /// The column whose whole text `-o id` prints.
    pub id: &'static str,
    /// How many rows there are in all, where known.
    pub total: Option<u64>,
    /// What to say where there is no row.
    pub empty: &'static str,
}

/// A piece of what people read.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// A line.
    Line(Line),
    /// A table inside a text.
    Table(Table),
}

/// The answer of a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// `user.list`; machines see `mbxctl/user.list/1`.
    pub schema: &'static str,
    /// The request, where the daemon was asked.
    pub request_id: Option<RequestId>,
    /// What machines read; of a list, the rows of [`Answer::list`] replace it.
    pub data: Value,
    /// The list, where the answer is one.
    pub list: Option<Table>,
    /// What people read, where the answer is no list.
    pub text: Vec<Piece>,
    /// What to name as `--after` to read on.
    pub next: Option<String>,
    /// Ids for `-o id`, where the answer is no list.
    pub ids: Vec<String>,
    /// Next steps, for stderr.
    pub hints: Vec<String>,
    /// The exit code.
    pub exit: u8,
}

impl Answer {
    /// An answer without text yet.
    pub const fn new(schema: &'static str, data: Value) -> Self {
        Self {
            schema,
            request_id: None,
            data,
            list: None,
            text: Vec::new(),
            next: None,
            ids: Vec::new(),
            hints: Vec::new(),
            exit: 0,
        }
    }

    /// A list.
    pub fn list(schema: &'static str, table: Table, next: Option<String>) -> Self {
        let mut answer = Self::new(schema, Value::Null);
        answer.list = Some(table);
        answer.next = next;
        answer
    }

    /// The same with the request's id.
    #[must_use]
    pub const fn request(mut self, id: Option<RequestId>) -> Self {
        self.request_id = id;
        self
    }

    /// The same with a line more.
    #[must_use]
    pub fn line(mut self, line: Line) -> Self {
        self.text.push(Piece::Line(line));
        self
    }

    /// The same with labelled values, set in one column.
    #[must_use]
    pub fn pairs(mut self, pairs: &[(&str, String)]) -> Self {
        let width = pairs.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
        for (label, value) in pairs {
            let padded = format!("{label:width$}  ");
            let line = Line(vec![(padded, Tone::Dim), (value.clone(), Tone::Plain)]);
            self.text.push(Piece::Line(line));
        }
        self
    }

    /// The same with a table inside the text.
    #[must_use]
    pub fn table(mut self, table: Table) -> Self {
        self.text.push(Piece::Table(table));
        self
    }

    /// The same with a next step: `mbxctl …`.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same with an id for `-o id`.
    #[must_use]
    pub fn id(mut self, id: impl std::fmt::Display) -> Self {
        self.ids.push(id.to_string());
        self
    }

    /// The same with an exit code.
    #[must_use]
    pub const fn exit(mut self, exit: u8) -> Self {
        self.exit = exit;
        self
    }
}
