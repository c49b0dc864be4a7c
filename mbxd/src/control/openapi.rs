//! Holds `docs/openapi/control.json` against the route table and against real answers.

use mbx_common::control::route::{Access, ROUTES, Route};
use serde_json::Value;
use std::collections::BTreeSet;

fn document() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi/control.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Checks an answer of a route against its schema: every field is described, of its type.
pub(super) fn check_answer(route: Route, answer: &Value) {
    let document = document();
    let method = route.method().name().to_ascii_lowercase();
    let content = &document["paths"][route.path()][&method]["responses"]["200"]["content"];
    let content = content.as_object().unwrap().values().next().unwrap();
    let schema = &content["schema"];
    let schemas = schema["oneOf"].as_array().map_or(std::slice::from_ref(schema), Vec::as_slice);
    let faults: Vec<String> =
        schemas.iter().filter_map(|schema| check(&document, schema, answer, "").err()).collect();
    assert!(faults.len() < schemas.len(), "{}: {faults:?}\n{answer}", route.id());
}

/// Checks a problem document.
pub(super) fn check_problem(answer: &Value) {
    let document = document();
    let schema = serde_json::json!({"$ref": "#/components/schemas/Problem"});
    assert_eq!(check(&document, &schema, answer, ""), Ok(()));
}

fn check(document: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let schema =
            document.pointer(name.trim_start_matches('#')).ok_or_else(|| format!("no {name}"))?;
        return check(document, schema, value, at);
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64(),
        Some("boolean") => value.is_boolean(),
        _ => false,
    };
    if !fits {
        return Err(format!("{at}: {value} is no {}", schema["type"]));
    }
    if let Some(names) = schema["enum"].as_array()
        && !names.contains(value)
    {
        return Err(format!("{at}: {value} is not listed"));
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        let inner = schema["properties"]
            .get(name)
            .ok_or_else(|| format!("{at}.{name} is not described"))?;
        check(document, inner, value, &format!("{at}.{name}"))?;
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        value.get(name).ok_or_else(|| format!("{at}.{name} is missing"))?;
    }
    for value in value.as_array().into_iter().flatten() {
        check(document, &schema["items"], value, at)?;
    }
    Ok(())
}

#[test]
fn the_document_describes_every_route_with_its_roles_and_no_other() {
    let document = document();
    let mut described = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            let route = ROUTES.iter().find(|route| route.id() == id).unwrap();
            assert_eq!(
                (route.path(), route.method().name()),
                (path.as_str(), &*method.to_ascii_uppercase())
            );
            let roles: Vec<Value> = match route.access() {
                Access::Public => {
                    assert_eq!(operation["security"], serde_json::json!([]), "{id}");
                    Vec::new()
                }
                Access::Session => Vec::new(),
                Access::Roles(roles) => {
                    roles.iter().map(|role| serde_json::to_value(role).unwrap()).collect()
                }
            };
            assert_eq!(operation["x-roles"].as_array().cloned().unwrap_or_default(), roles, "{id}");
            let parameter = path.split_once('{').map(|(_, rest)| rest.split_once('}').unwrap().0);
            let named = operation["parameters"].as_array().into_iter().flatten();
            let named = named
                .filter(|named| named["in"] == "path")
                .map(|named| named["name"].as_str().unwrap());
            assert_eq!(
                named.collect::<Vec<_>>(),
                parameter.into_iter().collect::<Vec<_>>(),
                "{id}"
            );
            described.insert(id.to_owned());
        }
    }
    let routes: BTreeSet<String> = ROUTES.iter().map(|route| route.id().to_owned()).collect();
    assert_eq!(described, routes);
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(document: &Value, value: &Value) {
        if let Some(name) = value["$ref"].as_str() {
            assert!(document.pointer(name.trim_start_matches('#')).is_some(), "{name}");
        }
        for inner in value.as_object().into_iter().flat_map(serde_json::Map::values) {
            walk(document, inner);
        }
        value.as_array().into_iter().flatten().for_each(|inner| walk(document, inner));
    }
    let document = document();
    walk(&document, &document);
}

#[test]
fn requests_are_described_as_closed() {
    let document = document();
    for operations in document["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            let body = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            if let Some(name) = body.as_str() {
                let schema = document.pointer(name.trim_start_matches('#')).unwrap();
                assert_eq!(schema["additionalProperties"], false, "{name}");
            }
        }
    }
}
