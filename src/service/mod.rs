//! The portable services: for each a handle, its model, and what a provider must translate.

pub(crate) mod compute;
pub(crate) mod key_pair;
pub(crate) mod node;
pub(crate) mod storage;

use std::time::SystemTime;

use serde::Serializer;

/// Writes a time as text.
fn rfc3339<S: Serializer>(time: &Option<SystemTime>, s: S) -> Result<S::Ok, S::Error> {
    let stamp = time.and_then(|t| jiff::Timestamp::try_from(t).ok());
    match stamp {
        Some(stamp) => s.collect_str(&stamp),
        None => s.serialize_none(),
    }
}
