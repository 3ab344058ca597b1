//! Checking what callers send against Nova's schemas, in Nova's words.

use serde_json::{Map, Value};

/// Why a body is refused with 400.
pub(super) struct Refusal(pub(super) String);

/// The object that the body has under this name.
pub(super) fn object(body: &[u8], name: &str) -> Result<Map<String, Value>, Refusal> {
    match parsed(body)?.remove(name) {
        Some(Value::Object(object)) => Ok(object),
        Some(other) => Err(invalid(name, &other, &of_type(&other, "object"))),
        None => Err(Refusal(required(name))),
    }
}

pub(super) fn parsed(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if body.is_empty() {
        return Err(Refusal(of_type(&Value::Null, "object")));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(other) => Err(Refusal(of_type(&other, "object"))),
        Err(_) => Err(Refusal("Malformed request body".into())),
    }
}

pub(super) fn is_uuid(text: &str) -> bool {
    let digits = text.bytes().filter(|byte| *byte != b'-');
    digits.clone().count() == 32 && digits.clone().all(|byte| byte.is_ascii_hexdigit())
}

pub(super) fn invalid(field: &str, value: &Value, why: &str) -> Refusal {
    let value = match value {
        Value::String(text) => text.clone(),
        other => python(other),
    };
    Refusal(format!("Invalid input for field/attribute {field}. Value: {value}. {why}"))
}

pub(super) fn required(property: &str) -> String {
    format!("'{property}' is a required property")
}

pub(super) fn of_type(value: &Value, kind: &str) -> String {
    format!("{} is not of type '{kind}'", python(value))
}

pub(super) fn no_schema(value: &Value) -> String {
    format!("{} is not valid under any of the given schemas", python(value))
}

/// A value as Python prints it, for Nova's messages show it so.
pub(super) fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("'{text}'"),
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(python).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Object(values) => {
            let pair = |(key, value)| format!("'{key}': {}", python(value));
            let values: Vec<_> = values.iter().map(pair).collect();
            format!("{{{}}}", values.join(", "))
        }
    }
}
