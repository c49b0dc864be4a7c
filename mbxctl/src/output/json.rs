//! JSON: one envelope for every answer, stable within a schema number.

use super::document::Answer;
use serde_json::{Map, Value, json};

/// Number of the schemas; fields are only ever added within it.
const SCHEMA: u8 = 1;

/// The envelope: `schema`, `request_id`, `data`, and of a list `total` and `next`.
pub fn envelope(answer: &Answer) -> Value {
    let mut envelope = Map::new();
    envelope.insert("schema".to_owned(), schema(answer.schema));
    if let Some(id) = answer.request_id {
        envelope.insert("request_id".to_owned(), Value::from(id.to_string()));
    }
    let data = match &answer.list {
        Some(table) => table.rows.iter().map(|(_, data)| data.clone()).collect(),
        None => answer.data.clone(),
    };
    envelope.insert("data".to_owned(), data);
    if let Some(table) = &answer.list {
        if let Some(total) = table.total {
            envelope.insert("total".to_owned(), Value::from(total));
        }
        envelope.insert("next".to_owned(), answer.next.clone().map_or(Value::Null, Value::from));
    }
    Value::Object(envelope)
}

/// One line per row; an answer that is no list is one line.
pub fn lines(answer: &Answer) -> Vec<Value> {
    match &answer.list {
        Some(table) => {
            let schema = schema(answer.schema);
            let row = |data: &Value| json!({"schema": schema, "data": data});
            let mut lines: Vec<Value> = table.rows.iter().map(|(_, data)| row(data)).collect();
            if let Some(next) = &answer.next {
                lines.push(json!({"schema": "mbxctl/page/1", "next": next}));
            }
            lines
        }
        None => vec![envelope(answer)],
    }
}

/// `mbxctl/user.list/1`.
pub fn schema(name: &str) -> Value {
    Value::from(format!("mbxctl/{name}/{SCHEMA}"))
}
