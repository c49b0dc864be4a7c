//! Reads a query string into a flat struct: unknown and doubled fields are refused.

use super::escape::unescape;
use serde::Deserializer;
use serde::de::value::MapDeserializer;
use serde::de::{self, DeserializeOwned, IntoDeserializer, Visitor};
use std::fmt;

/// Most fields in a query: more than any route knows.
const FIELDS_MAX: usize = 32;

/// Reads `name=value&…`.
///
/// # Errors
/// A sentence naming the field.
pub(super) fn read<T: DeserializeOwned>(query: &str) -> Result<T, BadQuery> {
    let mut fields: Vec<(String, Part)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) =
            unescape(name).zip(unescape(value)).ok_or_else(|| bad("broken escape"))?;
        if fields.len() >= FIELDS_MAX || fields.iter().any(|(known, _)| *known == name) {
            return Err(bad(&format!("{name} stands twice, or there are too many fields")));
        }
        fields.push((name, Part(value)));
    }
    T::deserialize(MapDeserializer::new(fields.into_iter()))
}

/// A query that cannot be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub(super) struct BadQuery(String);

fn bad(why: &str) -> BadQuery {
    BadQuery(why.to_owned())
}

impl de::Error for BadQuery {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// One value: a text that becomes what the field wants.
struct Part(String);

impl IntoDeserializer<'_, BadQuery> for Part {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident => $visit:ident),+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BadQuery> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(bad("a value has the wrong form")),
            }
        }
    )+};
}

impl<'de> Deserializer<'de> for Part {
    type Error = BadQuery;

    parsed! {
        deserialize_bool => visit_bool, deserialize_u8 => visit_u8, deserialize_u16 => visit_u16,
        deserialize_u32 => visit_u32, deserialize_u64 => visit_u64, deserialize_i8 => visit_i8,
        deserialize_i16 => visit_i16, deserialize_i32 => visit_i32, deserialize_i64 => visit_i64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BadQuery> {
        visitor.visit_string(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BadQuery> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, BadQuery> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, BadQuery> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any f32 f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbx_common::control::audit::TailQuery;
    use mbx_common::control::delivery::{DeliveryQuery, DeliveryResult};

    #[test]
    fn every_kind_of_field_is_read() {
        let text = "result=not-deliverable&sender=162021004748&since=2026-11-24T00%3A00%3A00Z&limit=7&after=a%26b";
        let query: DeliveryQuery = read(text).unwrap();
        assert_eq!(query.result, Some(DeliveryResult::NotDeliverable));
        assert_eq!((query.limit, query.after.as_deref()), (Some(7), Some("a&b")));
        assert!(query.sender.is_some() && query.since.is_some());
        assert!(read::<TailQuery>("follow=true").unwrap().follow);
        assert_eq!(read::<DeliveryQuery>("").unwrap(), DeliveryQuery::default());
    }

    #[test]
    fn unknown_doubled_and_malformed_fields_are_refused() {
        for text in
            ["colour=red", "limit=1&limit=2", "limit=-1", "limit=x", "result=lost", "after=%f"]
        {
            assert!(read::<DeliveryQuery>(text).is_err(), "{text}");
        }
    }
}
