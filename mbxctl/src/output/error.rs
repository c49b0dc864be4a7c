//! Errors for people and for machines: one sentence, one next step.

use super::document::{Line, Tone};
use super::json;
use super::screen::Screen;
use crate::cli::Format;
use crate::failure::Failure;
use serde_json::{Map, Value};

/// Writes a failure to stderr.
pub fn write(screen: &Screen, failure: &Failure) {
    if screen.format.is_machine() {
        let value = machine(failure);
        let text = match screen.format {
            Format::Yaml => super::yaml::render(&value),
            Format::Json
            | Format::Jsonl
            | Format::Table
            | Format::Wide
            | Format::Csv
            | Format::Id => value.to_string(),
        };
        screen.say(&Line::plain(text));
        return;
    }
    for line in people(failure) {
        screen.say(&line);
    }
}

/// For people: the sentence with its code, then the next step.
pub fn people(failure: &Failure) -> Vec<Line> {
    let code = failure.code();
    let mut first = Line::default().sign(Tone::Wrong).and(capital(&failure.message()), Tone::Plain);
    first = first.and(format!("   {code}"), Tone::Dim);
    let mut lines = vec![first];
    let explain = format!("mbxctl explain {code}");
    let hint = failure.hint().unwrap_or_else(|| explain.clone());
    let next = if hint.contains(&explain) { hint } else { format!("{hint}   ({explain})") };
    lines.push(Line::default().and("→ ", Tone::Dim).and(next, Tone::Plain));
    if failure.kind() == mbx_common::error::Kind::Internal
        && let Some(id) = failure.request_id()
    {
        lines.push(Line::default().and(format!("  reference {id}"), Tone::Dim));
    }
    lines
}

/// For machines: the schema `mbxctl/error/1`.
pub fn machine(failure: &Failure) -> Value {
    let mut error = Map::new();
    error.insert("code".to_owned(), Value::from(failure.code().to_string()));
    error.insert("kind".to_owned(), serde_json::to_value(failure.kind()).unwrap_or_default());
    error.insert("message".to_owned(), Value::from(failure.message()));
    let (have, need) = failure.roles();
    if !need.is_empty() {
        error.insert("have".to_owned(), serde_json::to_value(have).unwrap_or_default());
        error.insert("need".to_owned(), serde_json::to_value(need).unwrap_or_default());
    }
    error.insert("retry".to_owned(), Value::from(failure.retry()));
    if let Some(seconds) = failure.retry_after_s() {
        error.insert("retry_after_s".to_owned(), Value::from(seconds));
    }
    let hint = failure.hint().unwrap_or_else(|| format!("mbxctl explain {}", failure.code()));
    error.insert("hint".to_owned(), Value::from(hint));
    error.insert("exit".to_owned(), Value::from(failure.exit_code()));
    let mut envelope = Map::new();
    envelope.insert("schema".to_owned(), json::schema("error"));
    if let Some(id) = failure.request_id() {
        envelope.insert("request_id".to_owned(), Value::from(id.to_string()));
    }
    envelope.insert("error".to_owned(), Value::Object(error));
    Value::Object(envelope)
}

/// The sentence with a capital, unless it begins with a program's name.
fn capital(text: &str) -> String {
    if text.starts_with("mbx") {
        return text.to_owned();
    }
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
