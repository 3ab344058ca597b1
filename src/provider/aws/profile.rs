//! AWS's shared files, `~/.aws/config` and `~/.aws/credentials`, in their own kind of INI.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use std::collections::BTreeMap;

use crate::call::Secret;
use crate::error::{Error, ErrorKind, Result};

/// Both files; one that does not exist is empty.
pub(super) struct Files {
    pub(super) config: File,
    pub(super) credentials: File,
}

/// The sections of a file, by what stands between their brackets.
pub(super) struct File {
    name: String,
    sections: BTreeMap<String, Section>,
}

/// What is set, by key; that of a key below another is `key.below`.
#[derive(Clone, Default)]
struct Section(BTreeMap<String, Secret>);

/// What both files say of a profile.
pub(super) struct Profile {
    name: String,
    files: String,
    settings: Section,
    services: Section,
}

impl Files {
    /// Finds a profile.
    ///
    /// # Errors
    /// `Invalid` when neither file has it; the message lists those that there are.
    pub(super) fn profile(&self, name: &str) -> Result<Profile> {
        self.find(name)?.ok_or_else(|| {
            let names = self.names();
            let names = match names.is_empty() {
                true => "none".to_owned(),
                false => names.join(", "),
            };
            let mut text = format!("no profile {name:?} in {}; there are: {names}", self.both());
            if self.config.sections.contains_key(name) {
                text += &format!("; [{name}] of {} must be [profile {name}]", self.config.name);
            }
            Error::invalid(text)
        })
    }

    /// Finds a profile, if there is one of that name.
    pub(super) fn find(&self, name: &str) -> Result<Option<Profile>> {
        let of_config = self.config.sections.get(&format!("profile {name}")).or_else(|| {
            // Only the default one may stand without the word.
            self.config.sections.get(name).filter(|_| name == DEFAULT)
        });
        let of_credentials = self.credentials.sections.get(name);
        if of_config.is_none() && of_credentials.is_none() {
            return Ok(None);
        }
        let mut settings = of_config.cloned().unwrap_or_default();
        if let Some(credentials) = of_credentials {
            // A key's parts are never of two files.
            if KEYS.iter().any(|key| credentials.text(key).is_some()) {
                settings.0.retain(|key, _| !KEYS.contains(&key.as_str()));
            }
            settings.0.extend(credentials.0.clone());
        }
        let services = match settings.text("services") {
            None => Section::default(),
            Some(list) => {
                let section = self.config.sections.get(&format!("services {list}"));
                section.cloned().ok_or_else(|| {
                    Error::invalid(format!(
                        "profile {name:?} names services {list:?}, and {} has no \
                         [services {list}]",
                        self.config.name
                    ))
                })?
            }
        };
        Ok(Some(Profile { name: name.to_owned(), files: self.both(), settings, services }))
    }

    pub(super) fn names(&self) -> Vec<&str> {
        let of_config = self.config.sections.keys().filter_map(|section| match section.as_str() {
            DEFAULT => Some(DEFAULT),
            _ => section.strip_prefix("profile "),
        });
        let mut names: Vec<_> =
            of_config.chain(self.credentials.sections.keys().map(String::as_str)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Names both files.
    pub(super) fn both(&self) -> String {
        format!("{} or {}", self.credentials.name, self.config.name)
    }
}

impl Profile {
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.settings.text(key)
    }

    /// Returns the endpoint of a service: its own, or else that of all.
    pub(super) fn endpoint(&self, service: &str) -> Option<&str> {
        self.services.text(&format!("{service}.endpoint_url")).or(self.text("endpoint_url"))
    }

    /// Names a setting, and whose it is.
    pub(super) fn place(&self, key: &str) -> String {
        format!("{key} of profile {:?} in {}", self.name, self.files)
    }

    /// Says that a setting is missing.
    pub(super) fn lacks(&self, key: &str) -> Error {
        Error::invalid(format!("profile {:?} of {} lacks {key}", self.name, self.files))
    }

    /// Tells whether anything is said of keys, be it how to get them.
    pub(super) fn has_keys(&self) -> bool {
        KEYS.iter().chain(&BEFORE_KEYS).chain(&BEHIND_KEYS).any(|key| self.text(key).is_some())
    }

    /// Refuses a profile whose keys have to be fetched from elsewhere.
    pub(super) fn check_keys(&self) -> Result<()> {
        let has_keys = self.text("aws_access_key_id").is_some();
        let mut ways = BEFORE_KEYS.iter().chain(BEHIND_KEYS.iter().filter(|_| !has_keys));
        let Some(way) = ways.find(|key| self.text(key).is_some()) else {
            return Ok(());
        };
        let name = &self.name;
        Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "profile {name:?} of {} gets its keys by {way}, which is not supported yet; put \
                 into the environment what `aws configure export-credentials --profile {name} \
                 --format env` prints",
                self.files
            ),
        ))
    }
}

impl Section {
    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(Secret::expose).filter(|text| !text.is_empty())
    }
}

impl File {
    /// Reads the text of a file; its name is for messages.
    ///
    /// # Errors
    /// `Invalid` with the number of a line that makes no sense. The line itself may hold a secret.
    pub(super) fn parse(name: impl Into<String>, text: &str) -> Result<Self> {
        let mut file = Self { name: name.into(), sections: BTreeMap::new() };
        let mut section = None;
        // The key that further lines may belong to, and how far it is indented.
        let mut open: Option<(usize, String)> = None;
        for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
            let wrong =
                |what: &str| Error::invalid(format!("line {number} of {} {what}", file.name));
            let indent = line.len() - line.trim_start().len();
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            let below = open.as_ref().filter(|(of, _)| indent > *of).map(|(_, key)| key.clone());
            if let (Some(header), None) = (line.strip_prefix('['), &below) {
                let Some((header, _)) = header.split_once(']') else {
                    return Err(wrong("begins a section, and there is no ] at its end"));
                };
                let header = header_of(header);
                file.sections.entry(header.clone()).or_default();
                (section, open) = (Some(header), None);
                continue;
            }
            let Some(settings) = section.as_ref().and_then(|s| file.sections.get_mut(s)) else {
                return Err(wrong("stands before any section, such as [default]"));
            };
            match (below, line.split_once('=')) {
                (Some(key), pair) => settings.below(&key, line, pair),
                (None, Some((key, value))) if !key.trim().is_empty() => {
                    let key = key.trim().to_ascii_lowercase();
                    settings.0.insert(key.clone(), Secret::new(value_of(value)));
                    open = Some((indent, key));
                }
                (None, _) => return Err(wrong("is neither a [section] nor a `key = value`")),
            }
        }
        Ok(file)
    }
}

impl Section {
    /// Takes a line that belongs to the key above it: a setting below it, or more of its value.
    fn below(&mut self, key: &str, line: &str, pair: Option<(&str, &str)>) {
        match (self.text(key), pair) {
            (None, Some((name, value))) => {
                let name = format!("{key}.{}", name.trim().to_ascii_lowercase());
                self.0.insert(name, Secret::new(value_of(value)));
            }
            (None, None) => {}
            (Some(value), _) => {
                let value = Secret::new(format!("{value}\n{}", value_of(line)));
                self.0.insert(key.to_owned(), value);
            }
        }
    }
}

/// Folds the white space and takes the quotes away: `[profile "my own"]`.
fn header_of(text: &str) -> String {
    let words: Vec<_> = text.split_ascii_whitespace().collect();
    words.join(" ").replace(['"', '\''], "")
}

/// Takes away a comment, which has white space before it: keys may hold a `#`.
fn value_of(text: &str) -> &str {
    let begins = |(at, c): &(usize, char)| {
        matches!(c, '#' | ';') && text[..*at].ends_with(|c: char| c.is_ascii_whitespace())
    };
    let end = text.char_indices().find(begins).map_or(text.len(), |(at, _)| at);
    text[..end].trim()
}

/// The profile that is used when none is named.
pub(super) const DEFAULT: &str = "default";

const KEYS: [&str; 3] = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];

/// Ways to get keys that count even if keys are there, as AWS's own tools have it.
const BEFORE_KEYS: [&str; 5] =
    ["role_arn", "web_identity_token_file", "sso_session", "sso_account_id", "sso_start_url"];

/// Ways to get keys that count if no keys are there.
const BEHIND_KEYS: [&str; 4] =
    ["credential_process", "credential_source", "source_profile", "login_session"];

#[cfg(test)]
mod tests;
