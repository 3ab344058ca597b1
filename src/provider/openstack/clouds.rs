//! clouds.yaml, where users of OpenStack keep their accounts.
//!
//! <https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html>

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::setting::{Origin, Setting, Values};
use crate::call::Secret;
use crate::error::{Error, Result};

/// Reads a cloud from the first clouds.yaml there is, and the secure.yaml beside it.
pub(super) fn read(name: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Values> {
    read_first(name, &places(env))
}

/// As [`read`], of texts in memory.
#[cfg(any(fuzzing, test))]
pub(super) fn of_texts(name: &str, clouds: &str, secure: Option<&str>) -> Result<Values> {
    let source = |text: &str| Source { file: "a file".into(), text: text.to_owned().into() };
    choose(name, &source(clouds), secure.map(source).as_ref())
}

fn read_first(name: &str, places: &[PathBuf]) -> Result<Values> {
    let Some(file) = places.iter().find(|path| path.exists()) else {
        let places: Vec<_> = places.iter().map(|p| p.display().to_string()).collect();
        return Err(Error::invalid(format!(
            "no clouds.yaml to find cloud {name:?} in; looked for {}",
            places.join(", ")
        )));
    };
    let clouds = Source::read(file)?;
    let secure = ["secure.yaml", "secure.yml"]
        .map(|name| file.with_file_name(name))
        .into_iter()
        .find(|path| path.exists());
    let secure = secure.as_deref().map(Source::read).transpose()?;
    choose(name, &clouds, secure.as_ref())
}

/// Where the file may be, the first that exists counts.
fn places(env: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let set = |name| env(name).filter(|text| !text.is_empty());
    let named = set("OS_CLIENT_CONFIG_FILE").map(PathBuf::from);
    let config = set("XDG_CONFIG_HOME").map(PathBuf::from);
    let config = config.or_else(|| Some(Path::new(&set("HOME")?).join(".config")));
    let folders = [
        Some(PathBuf::from(".")),
        config.map(|config| config.join("openstack")),
        Some(PathBuf::from("/etc/openstack")),
    ];
    let files = folders
        .into_iter()
        .flatten()
        .flat_map(|folder| [folder.join("clouds.yaml"), folder.join("clouds.yml")]);
    named.into_iter().chain(files).collect()
}

/// A file and what it says.
struct Source {
    file: String,
    text: Zeroizing<String>,
}

impl Source {
    fn read(file: &Path) -> Result<Self> {
        let shown = file.display().to_string();
        match std::fs::read_to_string(file) {
            Ok(text) => Ok(Self { file: shown, text: Zeroizing::new(text) }),
            Err(e) => Err(Error::invalid(format!("{shown} cannot be read")).with_source(e)),
        }
    }

    /// The parser's own message is not repeated: it quotes the file, and so its passwords.
    fn clouds(&self) -> Result<BTreeMap<String, Option<Cloud>>> {
        let options = serde_saphyr::options! {
            // Far more than anybody writes, and no time for a bomb of aliases.
            alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 10_000 },
            with_snippet: false,
        };
        let read: Result<Option<File>, _> =
            serde_saphyr::from_str_with_options(&self.text, options);
        match read {
            Ok(file) => Ok(file.and_then(|file| file.clouds).unwrap_or_default()),
            Err(e) => {
                let place = e.location().map_or(String::new(), |at| {
                    format!(" at line {}, column {}", at.line(), at.column())
                });
                Err(Error::invalid(format!(
                    "{} is not a clouds.yaml that can be read: something is wrong{place}",
                    self.file
                )))
            }
        }
    }
}

fn choose(name: &str, clouds: &Source, secure: Option<&Source>) -> Result<Values> {
    let mut all = clouds.clouds()?;
    let Some(cloud) = all.remove(name) else {
        let names: Vec<_> = all.keys().map(String::as_str).collect();
        let names = match names.is_empty() {
            true => "none".to_owned(),
            false => names.join(", "),
        };
        return Err(Error::invalid(format!(
            "no cloud {name:?} in {}; there are: {names}",
            clouds.file
        )));
    };
    let mut cloud = cloud.unwrap_or_default();
    if let Some(source) = secure
        && let Some(Some(secure)) = source.clouds()?.remove(name)
    {
        cloud.0.extend(secure.0);
    }
    let origin = Origin::Cloud { name: name.to_owned(), file: clouds.file.clone() };
    Ok(Values::read(origin, |setting| {
        let mut set = setting.keys().iter().filter_map(|key| cloud.0.get(*key));
        let text = set.find(|text| !text.expose().is_empty())?;
        Some(text.expose().to_owned())
    }))
}

#[derive(Deserialize)]
struct File {
    clouds: Option<BTreeMap<String, Option<Cloud>>>,
}

/// The settings of a cloud by key, those of its `auth` among them.
#[derive(Default)]
struct Cloud(BTreeMap<String, Secret>);

/// Read by hand because only what is known must be a text, and keeps it: `password: 007`.
impl<'de> Deserialize<'de> for Cloud {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Settings;

        impl<'de> Visitor<'de> for Settings {
            type Value = Cloud;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the settings of a cloud")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cloud, A::Error> {
                let (mut beside, mut auth) = (BTreeMap::new(), Cloud::default());
                while let Some(key) = map.next_key::<String>()? {
                    if key == "auth" {
                        auth = map.next_value::<Option<Cloud>>()?.unwrap_or_default();
                    } else if Setting::ALL.iter().any(|s| s.keys().contains(&key.as_str())) {
                        if let Some(text) = map.next_value::<Option<String>>()? {
                            beside.insert(key, Secret::new(text));
                        }
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                beside.extend(auth.0);
                Ok(Cloud(beside))
            }
        }

        from.deserialize_map(Settings)
    }
}

#[cfg(test)]
mod tests;
