//! clouds.yaml, where users of OpenStack keep their accounts, and the files that belong to it.
//!
//! <https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html>

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeSeed;
use zeroize::Zeroizing;

use super::places::{Kind, folders};
use super::section::{At, Clouds, Mapping, Root, Section};
use super::setting::Setting;
use super::values::{Origin, Values};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::CloudEntry;

/// All that the files say, those of secure.yaml laid over those of clouds.yaml.
pub(super) struct Files {
    clouds: BTreeMap<String, Cloud>,
    vendors: BTreeMap<String, Section>,
    /// The file of the clouds, or where it was looked for.
    shown: String,
    is_there: bool,
    /// As `shown`, of the profiles.
    vendors_shown: String,
}

/// A cloud, and the file that it is from.
struct Cloud {
    section: Section,
    file: String,
}

impl Files {
    pub(super) fn find(env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let named =
            |kind: Kind| env(kind.variable()).filter(|text| !text.is_empty()).map(PathBuf::from);
        let folders = folders(named(Kind::Clouds).as_deref(), env);
        let first = |kind: Kind| {
            let places = kind.places(&folders);
            let file = match named(kind) {
                Some(file) if file.exists() => Some(file),
                Some(file) => {
                    let (variable, file) = (kind.variable(), file.display());
                    let text = format!("{variable} names {file}, and there is no such file");
                    return Err(Error::invalid(text));
                }
                None => places.iter().find(|place| place.exists()).cloned(),
            };
            let looked: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
            Ok((file.map(|file| Source::read(&file)).transpose()?, looked.join(", ")))
        };
        let (clouds, looked) = first(Kind::Clouds)?;
        let (secure, _) = first(Kind::Secure)?;
        let (vendors, vendors_looked) = first(Kind::Vendors)?;
        let mut files = Self::of(clouds.as_ref(), secure.as_ref(), vendors.as_ref())?;
        if !files.is_there {
            files.shown = looked;
        }
        if vendors.is_none() {
            files.vendors_shown = vendors_looked;
        }
        Ok(files)
    }

    fn of(
        clouds: Option<&Source>,
        secure: Option<&Source>,
        vendors: Option<&Source>,
    ) -> Result<Self> {
        let mut merged = BTreeMap::<_, Cloud>::new();
        for (source, kind) in [(clouds, Kind::Clouds), (secure, Kind::Secure)] {
            let Some(source) = source else { continue };
            for (name, section) in source.clouds(kind.key())? {
                let of = Arc::from(format!("cloud {name:?} in {}", source.file));
                let section = section.of(&of);
                let cloud = match merged.remove(&name) {
                    Some(Cloud { section: under, file }) => {
                        Cloud { section: under.under(section), file }
                    }
                    None => Cloud { section, file: source.file.clone() },
                };
                merged.insert(name, cloud);
            }
        }
        let mut profiles = BTreeMap::new();
        if let Some(source) = vendors {
            for (name, section) in source.clouds(Kind::Vendors.key())? {
                let of = Arc::from(format!("profile {name:?} in {}", source.file));
                profiles.insert(name, section.of(&of));
            }
        }
        let shown = clouds.or(secure).map(|source| source.file.clone());
        Ok(Self {
            clouds: merged,
            vendors: profiles,
            is_there: shown.is_some(),
            shown: shown.unwrap_or_default(),
            vendors_shown: vendors.map(|source| source.file.clone()).unwrap_or_default(),
        })
    }

    /// Returns the one cloud that there is, by name, if there is one only.
    pub(super) fn only(&self) -> Option<&str> {
        match self.clouds.len() {
            1 => self.clouds.keys().next().map(String::as_str),
            _ => None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.clouds.is_empty()
    }

    /// Lists the names of all.
    pub(super) fn names(&self) -> String {
        let names: Vec<_> = self.clouds.keys().map(String::as_str).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }

    /// Takes a cloud, laid over the profile that it names.
    ///
    /// # Errors
    /// `Invalid` when there is none of that name; the message lists those that there are.
    /// `Unsupported` for a profile that would have to be fetched.
    pub(super) fn cloud(mut self, name: &str) -> Result<Values> {
        let Some(Cloud { section, file }) = self.clouds.remove(name) else {
            return Err(Error::invalid(match self.is_there {
                true => format!("no cloud {name:?} in {}; there are: {}", self.shown, self.names()),
                false => {
                    format!("no clouds.yaml to find cloud {name:?} in; looked for {}", self.shown)
                }
            }));
        };
        let of = format!("cloud {name:?} in {file}");
        let section = match self.profile(&section, &of)? {
            Some(profile) => self.vendors.remove(&profile).unwrap_or_default().under(section),
            None => section,
        };
        let regions = section.regions();
        let origin = Origin::Cloud { name: name.to_owned(), file };
        Ok(Values::new(origin, |setting| section.entry(setting)).with_regions(regions))
    }

    /// Finds the name of the profile that a cloud is made from.
    fn profile(&self, section: &Section, of: &str) -> Result<Option<String>> {
        let Some(name) = section.text(Setting::Profile) else {
            return Ok(None);
        };
        if self.vendors.contains_key(name) {
            return Ok(Some(name.to_owned()));
        }
        // As openstacksdk has it, who says everything else needs no profile.
        if section.text(Setting::AuthUrl).is_some() {
            return Ok(None);
        }
        let place = section.entry(Setting::Profile).map_or("profile".to_owned(), |e| e.key);
        if name.contains("://") {
            let host = name.rsplit('@').next().unwrap_or_default();
            let host = host.split_once("://").map_or(host, |(_, host)| host);
            let host = host.split('/').next().unwrap_or_default();
            let text = format!(
                "{place} of {of} is an address, and profiles are not fetched; put what \
                 https://{host}/.well-known/openstack/api says below `public-clouds:` of \
                 clouds-public.yaml, or write auth.auth_url"
            );
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        let names: Vec<_> = self.vendors.keys().map(String::as_str).collect();
        let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Err(Error::invalid(format!(
            "{place} of {of} names {name:?}, and no profiles come with the driver; write \
             auth.auth_url as the vendor's pages have it, or put the profile below \
             `public-clouds:` of clouds-public.yaml (looked for {}; there are: {there})",
            self.vendors_shown
        )))
    }

    /// Lists the clouds without what is secret.
    pub(super) fn entries(&self) -> Vec<CloudEntry> {
        let entry = |(name, cloud): (&String, &Cloud)| {
            let profile = cloud.section.text(Setting::Profile);
            let profile = profile.and_then(|profile| self.vendors.get(profile));
            let text = |setting| {
                let own = cloud.section.text(setting);
                own.or_else(|| profile?.text(setting)).map(str::to_owned)
            };
            let regions = [Some(&cloud.section), profile].into_iter().flatten();
            let first = || regions.clone().find_map(|s| Some(s.regions().first()?.name.clone()));
            let shown = |url: String| url.rsplit('@').next().map(str::to_owned);
            CloudEntry {
                name: name.clone(),
                address: text(Setting::AuthUrl).and_then(shown),
                region: text(Setting::Region).or_else(first),
                source: cloud.file.clone(),
            }
        };
        self.clouds.iter().map(entry).collect()
    }
}

/// A file and what it says.
struct Source {
    file: String,
    text: Zeroizing<String>,
}

impl Source {
    fn read(file: &Path) -> Result<Self> {
        let shown = file.display().to_string();
        let unread = |e| Error::invalid(format!("{shown} cannot be read")).with_source(e);
        let mut bytes = Zeroizing::new(Vec::new());
        let opened = File::open(file).map_err(unread)?;
        opened.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(unread)?;
        if bytes.len() as u64 > MOST_BYTES {
            let text = format!("{shown} is larger than {} MiB", MOST_BYTES >> 20);
            return Err(Error::invalid(text));
        }
        let text = std::str::from_utf8(&bytes).map_err(|e| {
            let line = bytes[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
            Error::invalid(format!("{shown} is not valid UTF-8 at line {line}"))
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Ok(Self::of(shown, text))
    }

    fn of(file: String, text: &str) -> Self {
        // JSON is YAML but for its tabs, which stand between its parts only.
        let text = if file.ends_with(".json") { text.replace('\t', " ") } else { text.to_owned() };
        Self { file, text: text.into() }
    }

    /// The parser's own message is not repeated: it quotes the file, and so its passwords.
    fn clouds(&self, key: &'static str) -> Result<BTreeMap<String, Section>> {
        let options = serde_saphyr::options! {
            // Far more than anybody writes, and no time for a bomb of aliases.
            alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 10_000 },
            with_snippet: false,
        };
        let mut root = Root { key, clouds: Clouds::default() };
        let at = At::default();
        let read =
            serde_saphyr::with_deserializer_from_str_with_options(&self.text, options, |from| {
                Mapping(&mut root, &at).deserialize(from)
            });
        match read {
            Ok(()) => Ok(root.clouds.0),
            Err(e) => Err(self.unread(&e, &at)),
        }
    }

    fn unread(&self, error: &serde_saphyr::Error, at: &At) -> Error {
        use serde_saphyr::Error as Yaml;

        let place = error
            .location()
            .map_or(String::new(), |at| format!(" at line {}, column {}", at.line(), at.column()));
        let (keys, wanted) = at.told();
        let keys = if keys.is_empty() { "the whole".to_owned() } else { keys };
        let why = match error {
            Yaml::DuplicateMappingKey { .. } => format!("a key of {keys} is there twice"),
            Yaml::ExternalMessage { .. } | Yaml::Eof { .. } => {
                "that is no YAML; indent with spaces, close what is opened, and put texts with \
                 special characters between quotes"
                    .to_owned()
            }
            Yaml::MultipleDocuments { .. } => "a second document begins; keep one".to_owned(),
            _ => format!("{keys} has to be {wanted}"),
        };
        Error::invalid(format!("{} cannot be used{place}: {why}", self.file))
    }
}

/// Takes a cloud of texts in memory.
#[cfg(any(fuzzing, test))]
pub(super) fn of_texts(name: &str, clouds: &str, secure: Option<&str>) -> Result<Values> {
    let source = |text: &str| Source::of("a file".into(), text);
    let secure = secure.map(source);
    Files::of(Some(&source(clouds)), secure.as_ref(), None)?.cloud(name)
}

/// Far more than anybody writes.
const MOST_BYTES: u64 = 4 << 20;

#[cfg(test)]
mod tests;
