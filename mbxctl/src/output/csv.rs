//! CSV: the rows of a list, or one row of an answer's plain members.

use super::document::{Answer, Table};
use super::table::{Shape, shown};
use serde_json::Value;

/// The answer as CSV, heading first.
///
/// # Errors
/// Those of the writer, which writes to memory.
pub fn render(answer: &Answer, shape: Shape<'_>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    match &answer.list {
        Some(table) => write_rows(&mut writer, table, shape)?,
        None => write_members(&mut writer, &answer.data, shape)?,
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

type Writer = csv::Writer<Vec<u8>>;

fn write_rows(writer: &mut Writer, table: &Table, shape: Shape<'_>) -> Result<(), csv::Error> {
    let places = shown(table, Shape { wide: true, ..shape });
    if !shape.no_headers {
        let columns = places.iter().filter_map(|&place| table.columns.get(place));
        writer.write_record(columns.map(|column| column.key))?;
    }
    for (cells, _) in &table.rows {
        writer.write_record(
            places.iter().map(|&place| cells.get(place).map_or("", |cell| cell.whole.as_str())),
        )?;
    }
    Ok(())
}

fn write_members(writer: &mut Writer, data: &Value, shape: Shape<'_>) -> Result<(), csv::Error> {
    let mut members = Vec::new();
    flatten("", data, &mut members);
    if !shape.no_headers {
        writer.write_record(members.iter().map(|(name, _)| name.as_str()))?;
    }
    writer.write_record(members.iter().map(|(_, value)| value.as_str()))
}

fn flatten(name: &str, value: &Value, into: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                flatten(&name, value, into);
            }
        }
        Value::String(text) => into.push((name.to_owned(), text.clone())),
        Value::Null => into.push((name.to_owned(), String::new())),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            into.push((name.to_owned(), value.to_string()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_that_is_no_list_is_one_row_of_its_members() {
        let answer = Answer::new("x", json!({"a": 1, "b": {"c": "d,e"}}));
        let bytes = render(&answer, Shape::default()).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), "a,b.c\n1,\"d,e\"\n");
    }
}
