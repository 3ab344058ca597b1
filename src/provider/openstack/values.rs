//! What is set, whoever wrote it, and the words to speak of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::setting::Setting;
use crate::call::Secret;
use crate::error::{Error, Result};

/// Who wrote the settings; messages speak the words that are used there.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    Cloud { name: String, file: String },
    Code,
    Environment,
}

/// A text, and where it stands.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) text: Secret,
    /// Its variable or its key, as it is written there.
    pub(super) key: String,
    /// The part of a file that it is of, such as `cloud "my" in clouds.yaml`.
    pub(super) of: Option<Arc<str>>,
}

/// What is set.
#[derive(Clone)]
pub(super) struct Values {
    origin: Origin,
    texts: BTreeMap<Setting, Entry>,
    regions: Vec<Region>,
    /// What code sets over all that; nothing if it takes something back.
    code: BTreeMap<Setting, Option<Secret>>,
}

/// What is set for one region only.
#[derive(Clone)]
pub(super) struct Region {
    pub(super) name: String,
    pub(super) texts: BTreeMap<Setting, Entry>,
}

impl Values {
    pub(super) fn of_code() -> Self {
        Self::new(Origin::Code, |_| None)
    }

    pub(super) fn of_environment(env: &dyn Fn(&str) -> Option<String>) -> Self {
        Self::new(Origin::Environment, |setting| {
            setting.variables().into_iter().find_map(|key| {
                let text = env(&key).filter(|text| !text.is_empty())?;
                Some(Entry { text: Secret::new(text), key, of: None })
            })
        })
    }

    /// Asks `of` for each setting.
    pub(super) fn new(origin: Origin, of: impl Fn(Setting) -> Option<Entry>) -> Self {
        Self { origin, texts: gathered(of), regions: Vec::new(), code: BTreeMap::new() }
    }

    pub(super) fn with_regions(mut self, regions: Vec<Region>) -> Self {
        self.regions = regions;
        self
    }

    pub(super) fn set(&mut self, setting: Setting, text: impl Into<String>) {
        let text = Secret::new(text);
        self.code.insert(setting, Some(text).filter(|text| !text.expose().is_empty()));
    }

    pub(super) fn text(&self, setting: Setting) -> Option<&str> {
        self.secret(setting).map(Secret::expose)
    }

    pub(super) fn secret(&self, setting: Setting) -> Option<&Secret> {
        match self.code.get(&setting) {
            Some(text) => text.as_ref(),
            None => self.entry(setting).map(|entry| &entry.text),
        }
    }

    pub(super) fn has(&self, setting: Setting) -> bool {
        self.secret(setting).is_some()
    }

    /// Returns the region that is named, or else the first that is listed.
    pub(super) fn region(&self) -> Option<&str> {
        self.text(Setting::Region).or_else(|| Some(&self.regions.first()?.name))
    }

    /// Checks that the region is one of those that are listed.
    pub(super) fn check_region(&self) -> Result<()> {
        let Some(name) = self.text(Setting::Region).filter(|_| !self.regions.is_empty()) else {
            return Ok(());
        };
        if self.regions.iter().any(|region| region.name == name) {
            return Ok(());
        }
        let there: Vec<_> = self.regions.iter().map(|region| region.name.as_str()).collect();
        let of = match &self.origin {
            Origin::Cloud { name, file } => format!("the regions of cloud {name:?} in {file}"),
            Origin::Code | Origin::Environment => "its regions".to_owned(),
        };
        Err(Error::invalid(format!("no region {name:?} among {of}: {}", there.join(", "))))
    }

    fn entry(&self, setting: Setting) -> Option<&Entry> {
        let of_region = || {
            let name = self.region()?;
            self.regions.iter().find(|region| region.name == name)?.texts.get(&setting)
        };
        // A region's own values do not rename it.
        let of_region = if setting == Setting::Region { None } else { of_region() };
        of_region.or_else(|| self.texts.get(&setting))
    }

    /// Tells whether any certificate is accepted.
    pub(super) fn is_insecure(&self) -> Result<bool> {
        let insecure = self.flag(Setting::Insecure)?.unwrap_or(false);
        let verify = self.flag(Setting::Verify)?.unwrap_or(true);
        Ok(insecure || !verify)
    }

    fn flag(&self, setting: Setting) -> Result<Option<bool>> {
        let Some(text) = self.text(setting) else {
            return Ok(None);
        };
        match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(Some(true)),
            "0" | "false" | "no" | "off" => Ok(Some(false)),
            _ => Err(Error::invalid(format!(
                "{} is {text:?}; it is true or false",
                self.place(setting)
            ))),
        }
    }

    /// Says what is missing, and what to do about it.
    pub(super) fn lacks(&self, missing: &str) -> Error {
        Error::invalid(match &self.origin {
            Origin::Environment if !self.has(Setting::AuthUrl) => {
                format!("set {missing} in the environment, or OS_CLOUD to use clouds.yaml")
            }
            Origin::Environment => format!("set {missing} in the environment"),
            Origin::Cloud { name, file } => format!("cloud {name:?} of {file} lacks {missing}"),
            Origin::Code => format!("the configuration lacks {missing}"),
        })
    }

    /// Names a setting, and whose it is.
    pub(super) fn place(&self, setting: Setting) -> String {
        let entry = self.entry(setting).filter(|_| !self.code.contains_key(&setting));
        let (key, of) = match entry {
            Some(entry) => (entry.key.clone(), entry.of.clone()),
            None => (self.name(setting), None),
        };
        match (of, &self.origin) {
            (Some(of), _) => format!("{key} of {of}"),
            (None, Origin::Cloud { name, file }) => format!("{key} of cloud {name:?} in {file}"),
            (None, Origin::Code | Origin::Environment) => key,
        }
    }

    /// Names a setting as it should be written.
    pub(super) fn name(&self, setting: Setting) -> String {
        let key = setting.keys().into_iter().next().unwrap_or_default();
        match self.origin {
            Origin::Environment => setting.variables().into_iter().next().unwrap_or(key),
            Origin::Cloud { .. } if setting.is_of_auth() => format!("auth.{key}"),
            Origin::Cloud { .. } | Origin::Code => key,
        }
    }
}

/// Asks for each setting; what is empty is not set.
pub(super) fn gathered(of: impl Fn(Setting) -> Option<Entry>) -> BTreeMap<Setting, Entry> {
    let entry = |setting| Some((setting, of(setting).filter(|e| !e.text.expose().is_empty())?));
    Setting::all().filter_map(entry).collect()
}

/// Shows what is no secret.
impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_map();
        for setting in Setting::all() {
            let Some(text) = self.secret(setting) else {
                continue;
            };
            match setting {
                _ if setting.is_secret() => out.entry(&setting, text),
                // Somebody may have put a password before the `@`.
                _ => out.entry(&setting, &text.expose().rsplit('@').next()),
            };
        }
        out.finish()
    }
}
