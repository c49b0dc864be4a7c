//! YAML from JSON values: block style, every text that could be misread quoted.

use serde_json::Value;

/// The value as a YAML document, line ends included.
pub fn render(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out.trim_start_matches('\n').to_owned()
}

fn write(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                start_line(depth, out);
                out.push_str(&text(key));
                out.push(':');
                write_nested(value, depth + 1, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                start_line(depth, out);
                out.push('-');
                write_nested(item, depth + 1, out);
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Object(_)
        | Value::Array(_) => out.push_str(&scalar(value)),
    }
}

fn write_nested(value: &Value, depth: usize, out: &mut String) {
    let empty = value.as_object().is_some_and(serde_json::Map::is_empty)
        || value.as_array().is_some_and(Vec::is_empty);
    if (value.is_object() || value.is_array()) && !empty {
        write(value, depth, out);
    } else {
        out.push(' ');
        out.push_str(&scalar(value));
    }
}

fn start_line(depth: usize, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(string) => text(string),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) | Value::Array(_) => {
            value.to_string()
        }
    }
}

/// Plain where no reader can take it for anything else, else as JSON writes it.
fn text(string: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
    let word = string.starts_with(|c: char| c.is_ascii_alphabetic()) && string.chars().all(safe);
    let reserved = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    if word && !reserved.contains(&string.to_ascii_lowercase().as_str()) {
        string.to_owned()
    } else {
        Value::from(string).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn maps_and_lists_are_blocks_and_doubtful_texts_are_quoted() {
        let value = json!({
            "schema": "mbxctl/x/1", "n": 3, "off": "no", "empty": [], "none": null,
            "rows": [{"id": "mbx_1", "list": ["a b", "c"]}, {}],
        });
        assert_eq!(
            render(&value),
            "schema: mbxctl/x/1\n\"n\": 3\n\"off\": \"no\"\nempty: []\nnone: null\nrows:\n  -\n    id: mbx_1\n    list:\n      - \"a b\"\n      - c\n  - {}\n"
        );
    }
}
