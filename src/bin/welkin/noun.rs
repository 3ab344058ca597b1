//! The library's nouns as people see them.

use std::fmt::Display;
use std::time::SystemTime;

use jiff::Timestamp;
use serde::Serialize;
use welkin::{Image, KeyPair, Location, Node, Size};

/// What can be printed. JSON is the noun itself; a table has its fields as text.
pub(crate) trait Noun: Serialize {
    /// The fields that a list shows, in that order.
    const COLUMNS: &'static [&'static str];

    /// All fields by the library's names; empty where the cloud does not tell.
    fn fields(&self) -> Vec<(&'static str, String)>;
}

impl Noun for Node {
    const COLUMNS: &'static [&'static str] =
        &["id", "name", "state", "public_ips", "private_ips", "size"];

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("id", self.id.clone()),
            ("name", self.name.clone()),
            ("state", word(&self.state)),
            ("status", self.status.clone()),
            ("public_ips", joined(&self.public_ips)),
            ("private_ips", joined(&self.private_ips)),
            ("size", told(self.size.as_ref())),
            ("image", told(self.image.as_ref())),
            ("location", told(self.location.as_ref())),
            ("key_pair", told(self.key_pair.as_ref())),
            ("created_at", time(self.created_at)),
            ("metadata", joined(self.metadata.iter().map(|(key, value)| format!("{key}={value}")))),
            ("fault", told(self.fault.as_ref())),
        ]
    }
}

impl Noun for Size {
    const COLUMNS: &'static [&'static str] = &["id", "name", "vcpus", "ram_mb", "disk_gb"];

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("id", self.id.clone()),
            ("name", self.name.clone()),
            ("ram_mb", self.ram_mb.to_string()),
            ("disk_gb", self.disk_gb.to_string()),
            ("vcpus", self.vcpus.to_string()),
        ]
    }
}

impl Noun for Image {
    const COLUMNS: &'static [&'static str] = &["id", "name", "state", "created_at"];

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("id", self.id.clone()),
            ("name", self.name.clone()),
            ("state", word(&self.state)),
            ("min_disk_gb", self.min_disk_gb.to_string()),
            ("min_ram_mb", self.min_ram_mb.to_string()),
            ("created_at", time(self.created_at)),
        ]
    }
}

impl Noun for Location {
    const COLUMNS: &'static [&'static str] = &["id", "name", "is_available"];

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("id", self.id.clone()),
            ("name", self.name.clone()),
            ("is_available", self.is_available.to_string()),
        ]
    }
}

impl Noun for KeyPair {
    const COLUMNS: &'static [&'static str] = &["name", "fingerprint"];

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("name", self.name.clone()),
            ("fingerprint", told(self.fingerprint.as_ref())),
            ("public_key", told(self.public_key.as_ref())),
        ]
    }
}

/// A state in the word that JSON has for it.
fn word(state: &impl Serialize) -> String {
    match serde_json::to_value(state) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

pub(crate) fn told(text: Option<&String>) -> String {
    text.cloned().unwrap_or_default()
}

/// Without spaces: it is one word in its column.
fn joined(all: impl IntoIterator<Item = impl Display>) -> String {
    let all: Vec<_> = all.into_iter().map(|one| one.to_string()).collect();
    all.join(",")
}

/// As JSON has it.
fn time(time: Option<SystemTime>) -> String {
    let stamp = time.and_then(|time| Timestamp::try_from(time).ok());
    stamp.map(|stamp| stamp.to_string()).unwrap_or_default()
}
