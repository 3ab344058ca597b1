//! The part of clouds.yaml that is one cloud, and how one is laid over another.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::LazyLock;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::setting::Setting;
use super::values::{Entry, Region, gathered};
use crate::call::Secret;

/// What is written of a cloud, by key; those below `auth` apart.
#[derive(Default)]
pub(super) struct Section {
    auth: BTreeMap<String, Entry>,
    beside: BTreeMap<String, Entry>,
    regions: Option<Vec<(String, Section)>>,
}

impl Section {
    /// Says where all of it stands.
    pub(super) fn of(mut self, of: &Arc<str>) -> Self {
        for entry in self.auth.values_mut().chain(self.beside.values_mut()) {
            entry.of = Some(Arc::clone(of));
        }
        self.regions = self.regions.map(|regions| {
            let named = |(name, section): (String, Self)| {
                let of = Arc::from(format!("region {name:?} of {of}"));
                (name, section.of(&of))
            };
            regions.into_iter().map(named).collect()
        });
        self
    }

    /// Lays `over` over it, key by key.
    pub(super) fn under(mut self, over: Self) -> Self {
        let names_region = over.beside.contains_key("region_name");
        self.auth.extend(over.auth);
        self.beside.extend(over.beside);
        match over.regions {
            Some(regions) => self.regions = Some(regions),
            // One that is named need not be among those that somebody else knew of.
            None if names_region => {
                let name = self.beside.get("region_name").map(|entry| entry.text.expose());
                if let (Some(regions), Some(name)) = (&mut self.regions, name) {
                    regions.retain(|(known, _)| known == name);
                }
            }
            None => {}
        }
        self
    }

    pub(super) fn text(&self, setting: Setting) -> Option<&str> {
        let entry = setting.keys().into_iter().find_map(|key| self.find(setting, &key))?;
        Some(entry.text.expose()).filter(|text| !text.is_empty())
    }

    /// Finds what it says of a setting.
    pub(super) fn entry(&self, setting: Setting) -> Option<Entry> {
        let mut set = setting.keys().into_iter().filter_map(|key| self.find(setting, &key));
        set.find(|entry| !entry.text.expose().is_empty()).cloned()
    }

    fn find(&self, setting: Setting, key: &str) -> Option<&Entry> {
        let (auth, beside) = (self.auth.get(key), self.beside.get(key));
        if setting.is_rather_beside() { beside.or(auth) } else { auth.or(beside) }
    }

    pub(super) fn regions(&self) -> Vec<Region> {
        let regions = self.regions.iter().flatten();
        let region = |(name, section): &(String, Self)| Region {
            name: name.clone(),
            texts: gathered(|setting| section.entry(setting)),
        };
        regions.map(region).collect()
    }
}

/// Where the reader is in a file, and what it looks for there: for the message when it fails.
#[derive(Default)]
pub(super) struct At(RefCell<(Vec<String>, &'static str)>);

impl At {
    fn expect(&self, what: &'static str) {
        self.0.borrow_mut().1 = what;
    }

    fn enter(&self, key: &str) {
        self.0.borrow_mut().0.push(key.to_owned());
    }

    fn leave(&self) {
        self.0.borrow_mut().0.pop();
    }

    /// Returns the keys that led there, and what has to be there.
    pub(super) fn told(&self) -> (String, &'static str) {
        let (keys, what) = &*self.0.borrow();
        (keys.join("."), what)
    }
}

/// What a mapping is read into, key by key.
pub(super) trait Keys: Sized {
    /// What has to be there, in words.
    const WHAT: &'static str;

    fn value<'de, A: MapAccess<'de>>(
        &mut self,
        key: String,
        map: &mut A,
        at: &At,
    ) -> Result<(), A::Error>;
}

/// Reads a mapping, or nothing.
pub(super) struct Mapping<'a, T>(pub(super) &'a mut T, pub(super) &'a At);

impl<'de, T: Keys> DeserializeSeed<'de> for Mapping<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        self.1.expect(T::WHAT);
        from.deserialize_option(self)
    }
}

impl<'de, T: Keys> Visitor<'de> for Mapping<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::WHAT)
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(into, at) = self;
        while let Some(key) = map.next_key::<String>()? {
            at.enter(&key);
            into.value(key, &mut map, at)?;
            at.leave();
            at.expect(T::WHAT);
        }
        Ok(())
    }
}

/// All clouds of a file, below one of its keys.
pub(super) struct Root {
    pub(super) key: &'static str,
    pub(super) clouds: Clouds,
}

#[derive(Default)]
pub(super) struct Clouds(pub(super) BTreeMap<String, Section>);

impl Keys for Root {
    const WHAT: &'static str = "a mapping that begins with `clouds:`";

    fn value<'de, A: MapAccess<'de>>(
        &mut self,
        key: String,
        map: &mut A,
        at: &At,
    ) -> Result<(), A::Error> {
        if key == self.key {
            return map.next_value_seed(Mapping(&mut self.clouds, at));
        }
        map.next_value::<IgnoredAny>().map(drop)
    }
}

impl Keys for Clouds {
    const WHAT: &'static str = "a mapping of clouds by their names";

    fn value<'de, A: MapAccess<'de>>(
        &mut self,
        key: String,
        map: &mut A,
        at: &At,
    ) -> Result<(), A::Error> {
        let mut section = Section::default();
        map.next_value_seed(Mapping(&mut section, at))?;
        self.0.insert(key, section);
        Ok(())
    }
}

impl Keys for Section {
    const WHAT: &'static str = "a mapping of settings, such as `region_name: north`";

    fn value<'de, A: MapAccess<'de>>(
        &mut self,
        key: String,
        map: &mut A,
        at: &At,
    ) -> Result<(), A::Error> {
        let key = key.replace('-', "_");
        match key.as_str() {
            "auth" => {
                let mut auth = Auth(std::mem::take(&mut self.auth));
                let read = map.next_value_seed(Mapping(&mut auth, at));
                self.auth = auth.0;
                read
            }
            "regions" => {
                let mut regions = Vec::new();
                map.next_value_seed(Regions(&mut regions, at))?;
                self.regions = (!regions.is_empty()).then_some(regions);
                Ok(())
            }
            "region_name" => {
                let mut regions = Vec::new();
                map.next_value_seed(Regions(&mut regions, at))?;
                if let [(name, _)] = &regions[..] {
                    let text = Secret::new(name.as_str());
                    self.beside.insert(key.clone(), Entry { text, key, of: None });
                } else if !regions.is_empty() {
                    // openstacksdk takes several as the list that they are.
                    self.regions = Some(regions);
                }
                Ok(())
            }
            _ => text_into(&mut self.beside, "", key, map, at),
        }
    }
}

/// What is below `auth`.
struct Auth(BTreeMap<String, Entry>);

impl Keys for Auth {
    const WHAT: &'static str = "a mapping of what the login needs, such as `auth_url: https://…`";

    fn value<'de, A: MapAccess<'de>>(
        &mut self,
        key: String,
        map: &mut A,
        at: &At,
    ) -> Result<(), A::Error> {
        text_into(&mut self.0, "auth.", key.replace('-', "_"), map, at)
    }
}

/// Only what is known must be a text, and keeps it as it is written: `password: 007`.
fn text_into<'de, A: MapAccess<'de>>(
    into: &mut BTreeMap<String, Entry>,
    above: &str,
    key: String,
    map: &mut A,
    at: &At,
) -> Result<(), A::Error> {
    static KNOWN: LazyLock<BTreeSet<String>> =
        LazyLock::new(|| Setting::all().flat_map(Setting::keys).collect());
    if !KNOWN.contains(&key) {
        return map.next_value::<IgnoredAny>().map(drop);
    }
    at.expect("one text");
    if let Some(text) = map.next_value::<Option<String>>()? {
        let entry = Entry { text: Secret::new(text), key: format!("{above}{key}"), of: None };
        into.insert(key, entry);
    }
    Ok(())
}

/// A list of regions, each a name or a mapping of `name` and `values`; or names between commas.
struct Regions<'a>(&'a mut Vec<(String, Section)>, &'a At);

impl Regions<'_> {
    const WHAT: &'static str = "names of regions, or mappings of `name` and `values`";
}

impl<'de> DeserializeSeed<'de> for Regions<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        self.1.expect(Self::WHAT);
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Regions<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::WHAT)
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, names: &str) -> Result<(), E> {
        let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        self.0.extend(names.map(|name| (name.to_owned(), Section::default())));
        Ok(())
    }

    // Some clouds number their regions.
    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<(), E> {
        self.visit_str(&number.to_string())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self(into, at) = self;
        while list.next_element_seed(Regions(&mut *into, at))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Self(into, at) = self;
        let mut one = OneRegion::default();
        Mapping(&mut one, at).visit_map(map)?;
        at.expect(Self::WHAT);
        let Some(name) = one.name.filter(|name| !name.is_empty()) else {
            return Err(serde::de::Error::custom("a region without a name"));
        };
        into.push((name, one.values));
        Ok(())
    }
}

#[derive(Default)]
struct OneRegion {
    name: Option<String>,
    values: Section,
}

impl Keys for OneRegion {
    const WHAT: &'static str = "a mapping of `name` and `values`";

    fn value<'de, A: MapAccess<'de>>(
        &mut self,
        key: String,
        map: &mut A,
        at: &At,
    ) -> Result<(), A::Error> {
        match key.as_str() {
            "name" => {
                self.name = map.next_value()?;
                Ok(())
            }
            "values" => map.next_value_seed(Mapping(&mut self.values, at)),
            _ => Err(serde::de::Error::custom("a region has a name and values")),
        }
    }
}
