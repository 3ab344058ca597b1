//! What OpenStack's services say when they refuse, as an [`Error`].
//!
//! <https://docs.openstack.org/api-guide/compute/faults.html>; each service has its own shape.

use serde::Deserialize;
use serde_json::Value;

use crate::call::headers::retry_after;
use crate::call::{Response, request_id};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::dialect::answer;

/// Reads the JSON of an answer, or the error that it is; `asked` names what was asked for.
pub(super) fn json<'a, T: Deserialize<'a>>(response: &'a Response, asked: &str) -> Result<T> {
    success(response)?;
    answer::json(response, asked).map_err(|e| e.answered_as(request_id(&response.headers)))
}

/// Checks that an answer says it went well.
pub(super) fn success(response: &Response) -> Result<()> {
    if response.status.is_success() {
        return Ok(());
    }
    Err(fault(response))
}

/// Reads an error answer.
pub(super) fn fault(response: &Response) -> Error {
    let Words { code, text } = words(response);
    let kind = kind(response, code.as_deref(), &text);
    let text = match text.is_empty() {
        true => unsaid(response),
        false => text,
    };
    let error = Error::new(kind, text)
        .with_status(response.status)
        .answered_as(request_id(&response.headers))
        .with_retry_after(retry_after(&response.headers, None));
    match code {
        Some(code) => error.with_code(code),
        None => error,
    }
}

fn kind(response: &Response, code: Option<&str>, text: &str) -> ErrorKind {
    match response.status.as_u16() {
        400 | 422 => ErrorKind::Invalid,
        401 => ErrorKind::Auth,
        // Nova says "Quota exceeded" with 403, Neutron with 409, Cinder with 413.
        403 | 409 | 413 if is_quota(code, text) => ErrorKind::Quota,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        405 | 406 | 501 => ErrorKind::Unsupported,
        409 => ErrorKind::Conflict,
        // Before Nova had 429 it slowed clients down with 413 and `overLimit`.
        413 if code == Some("overLimit") || retry_after(&response.headers, None).is_some() => {
            ErrorKind::RateLimited
        }
        413 => ErrorKind::Invalid,
        // 498 is Swift's and Ceph's word for "slow down".
        429 | 498 => ErrorKind::RateLimited,
        502..=504 => ErrorKind::Unavailable,
        _ => ErrorKind::Other,
    }
}

/// "Policy doesn't allow os_compute_api:os-quota-sets:update" speaks of quotas and is none.
fn is_quota(code: Option<&str>, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    code == Some("OverQuota") || (text.contains("quota") && !text.contains("policy"))
}

/// The cloud's word for a failure and its text; either may be missing.
struct Words {
    code: Option<String>,
    text: String,
}

fn words(response: &Response) -> Words {
    if let Ok(Value::Object(body)) = serde_json::from_slice(&response.body) {
        return words_of_json(&body);
    }
    Words { code: None, text: answer::words(response) }
}

/// Reads `{"forbidden": {"message": ..}}`, `{"error": {"title": .., "message": ..}}`,
/// `{"NeutronError": {"type": .., "message": ..}}`, `{"NeutronError": ".."}`,
/// `{"errors": [{"title": .., "detail": ..}]}` and `{"message": ..}`.
fn words_of_json(body: &serde_json::Map<String, Value>) -> Words {
    let text_in = |value: &Value| {
        ["message", "detail", "description", "title"]
            .into_iter()
            .find_map(|key| value.get(key)?.as_str().filter(|text| !text.is_empty()))
            .map(str::to_owned)
    };
    let word_in = |value: &Value| {
        ["type", "code", "title"]
            .into_iter()
            .find_map(|key| value.get(key)?.as_str())
            .map(str::to_owned)
    };
    for (key, value) in body {
        let inner = match value {
            Value::Array(list) => list.first().unwrap_or(value),
            _ => value,
        };
        let text = match inner {
            Value::Object(_) => text_in(inner),
            Value::String(text) if key.ends_with("Error") || key == "error" => Some(text.clone()),
            _ => None,
        };
        if let Some(text) = text {
            // The key is the word, unless all errors of the service have the same key.
            let code = match key.as_str() {
                "error" | "errors" | "NeutronError" => word_in(inner),
                _ => Some(key.clone()),
            };
            return Words { code, text };
        }
    }
    let body = Value::Object(body.clone());
    Words { code: word_in(&body), text: text_in(&body).unwrap_or_default() }
}

fn unsaid(response: &Response) -> String {
    let status = response.status;
    let reason = status.canonical_reason().unwrap_or("an unknown status");
    match response.header("location") {
        Some(location) if status.is_redirection() => {
            let place = location.split('?').next().unwrap_or_default();
            format!("the cloud points to {place:?}, and a token goes to no other address")
        }
        _ => format!("the cloud says {reason:?} and no more"),
    }
}

#[cfg(test)]
mod tests;
