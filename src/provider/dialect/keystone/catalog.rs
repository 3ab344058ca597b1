//! The catalog that comes with a token, and what settings say otherwise.

use std::sync::{Arc, OnceLock};

use http::{HeaderName, HeaderValue};
use serde::Deserialize;

use super::{Interface, address};
use crate::call::{Call, Endpoint};
use crate::error::Result;
use crate::provider::dialect::answer;

/// What is set for one service, in place of what holds for all or of what the catalog says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::provider) struct Override {
    /// Its types in catalogs, which calls know it by.
    pub(in crate::provider) types: &'static [&'static str],
    /// Its type in this catalog.
    pub(in crate::provider) kind: Option<String>,
    /// Its name in this catalog.
    pub(in crate::provider) name: Option<String>,
    pub(in crate::provider) interface: Option<Interface>,
    pub(in crate::provider) region: Option<String>,
    /// Its address, whatever the catalog says. May have places for the project's id and, as
    /// `{region}`, the region.
    pub(in crate::provider) url: Option<String>,
}

impl Override {
    pub(in crate::provider) fn says_something(&self) -> bool {
        *self != Self { types: self.types, ..Self::default() }
    }

    /// Tells whether a service of the catalog is the one that is meant.
    fn is_of(&self, service: &CatalogService) -> bool {
        let is_kind = match &self.kind {
            Some(kind) => service.kind == *kind,
            None => self.types.contains(&service.kind.as_str()),
        };
        is_kind && self.name.as_ref().is_none_or(|name| service.name == *name)
    }

    /// Tells whether it says where to find what calls know by this type.
    fn decides_on(&self, kind: &str) -> bool {
        self.types.contains(&kind) || self.kind.as_deref() == Some(kind)
    }
}

/// Headers that go on each request to one service, unless it has them.
#[derive(Clone, Debug)]
pub(in crate::provider) struct Standing {
    pub(in crate::provider) service: &'static str,
    /// Where they are found out; `None` for the first region that has the service.
    pub(in crate::provider) region: Option<String>,
    pub(in crate::provider) headers: Arc<OnceLock<Vec<(HeaderName, HeaderValue)>>>,
    /// How to find them out at an endpoint, if they are not known from the start.
    pub(in crate::provider) ask: Option<fn(&str) -> Result<Call<Vec<(HeaderName, HeaderValue)>>>>,
}

impl Standing {
    /// Asks for the headers, if they have to be asked for and were not.
    pub(super) fn ask(&self, endpoints: &[Endpoint]) -> Result<Option<Call<()>>> {
        let Some(ask) = self.ask.filter(|_| self.headers.get().is_none()) else {
            return Ok(None);
        };
        let serves = |e: &&Endpoint| match (&self.region, &e.region) {
            (Some(asked), Some(own)) => asked == own,
            (None, _) | (_, None) => true,
        };
        let Some(endpoint) = endpoints.iter().filter(|e| e.service == self.service).find(serves)
        else {
            return Ok(None);
        };
        let headers = Arc::clone(&self.headers);
        Ok(Some(ask(&endpoint.url)?.then(move |found| {
            let _ = headers.set(found);
            Ok(crate::call::Step::Done(()))
        })))
    }
}

/// Makes endpoints of a catalog.
pub(super) fn endpoints(
    catalog: Vec<CatalogService>,
    interface: Interface,
    overrides: &[Override],
    project: Option<&str>,
) -> Vec<Endpoint> {
    let mut endpoints = Vec::new();
    for service in &catalog {
        let listed = |types: &[&str], interface: Interface, region: Option<&str>| {
            let mut found = Vec::new();
            for endpoint in &service.endpoints {
                let own = endpoint.region_id.as_ref().or(endpoint.region.as_ref());
                let own = own.filter(|name| !name.is_empty());
                let elsewhere = region.is_some() && own.map(String::as_str) != region;
                if elsewhere || !interface.is_named(&endpoint.interface) {
                    continue;
                }
                for kind in types {
                    let Some(url) = address::base(&endpoint.url, kind) else {
                        continue;
                    };
                    // A service that is to be found in one region serves all of them.
                    let region = own.filter(|_| region.is_none()).cloned();
                    found.push(Endpoint { service: String::from(*kind), region, url });
                }
            }
            found
        };
        for this in overrides.iter().filter(|o| o.url.is_none() && o.is_of(service)) {
            let interface = this.interface.unwrap_or(interface);
            let own = [service.kind.as_str()];
            // By the type that it has, unless it has one that calls do not know.
            let types = if this.types.contains(&own[0]) { &own } else { this.types };
            endpoints.extend(listed(types, interface, this.region.as_deref()));
        }
        if !overrides.iter().any(|o| o.decides_on(&service.kind)) {
            endpoints.extend(listed(&[&service.kind], interface, None));
        }
    }
    for this in overrides {
        let Some(url) = &this.url else { continue };
        let project = project.unwrap_or_default();
        let places = ["%(project_id)s", "%(tenant_id)s", "$(project_id)s", "$(tenant_id)s"];
        let url = places.iter().fold(url.clone(), |url, place| url.replace(place, project));
        let url = match &this.region {
            Some(region) => url.replace("{region}", region),
            None => url,
        };
        endpoints.extend(this.types.iter().map(|kind| Endpoint {
            service: String::from(*kind),
            region: None,
            url: address::versioned(&url, kind),
        }));
    }
    endpoints
}

#[derive(Deserialize)]
pub(super) struct CatalogService {
    #[serde(rename = "type", default, deserialize_with = "answer::or_default")]
    kind: String,
    #[serde(default, deserialize_with = "answer::or_default")]
    name: String,
    #[serde(default, deserialize_with = "answer::or_default")]
    endpoints: Vec<CatalogEndpoint>,
}

#[derive(Deserialize)]
struct CatalogEndpoint {
    #[serde(default, deserialize_with = "answer::or_default")]
    interface: String,
    region_id: Option<String>,
    /// The name of `region_id` before Keystone v3.2; still sent.
    region: Option<String>,
    #[serde(default, deserialize_with = "answer::or_default")]
    url: String,
}

#[cfg(test)]
mod tests;
