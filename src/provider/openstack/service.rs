//! What can be set for one service alone, such as `compute_endpoint_override`.
//!
//! <https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html>, and the types and
//! their former names of <https://service-types.openstack.org/>.

use super::microversion::Wish;
use super::setting::Setting;
use super::values::Values;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::dialect::config;
use crate::provider::dialect::keystone::{Interface, Override};

/// A service that settings can be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Service {
    BlockStorage,
    Compute,
    Dns,
    Identity,
    Image,
    LoadBalancer,
    Network,
    ObjectStore,
}

impl Service {
    pub(super) const ALL: [Self; 8] = [
        Self::BlockStorage,
        Self::Compute,
        Self::Dns,
        Self::Identity,
        Self::Image,
        Self::LoadBalancer,
        Self::Network,
        Self::ObjectStore,
    ];

    /// # Errors
    /// `Invalid` for one that nothing can be set for; the message lists those that there are.
    pub(super) fn named(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|service| service.types().contains(&name));
        found.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|service| service.types()[0]).collect();
            Error::invalid(format!("no service {name:?}; there are {}", names.join(", ")))
        })
    }

    /// Its types in catalogs, today's name first.
    fn types(self) -> &'static [&'static str] {
        match self {
            Self::BlockStorage => {
                &["block-storage", "volumev3", "volumev2", "volume", "block-store"]
            }
            Self::Compute => &["compute"],
            Self::Dns => &["dns"],
            Self::Identity => &["identity"],
            Self::Image => &["image"],
            Self::LoadBalancer => &["load-balancer"],
            Self::Network => &["network"],
            Self::ObjectStore => &["object-store"],
        }
    }

    /// The one major version that its API is spoken in.
    fn major(self) -> &'static str {
        match self {
            Self::BlockStorage | Self::Identity => "3",
            Self::Compute | Self::Dns | Self::Image | Self::LoadBalancer | Self::Network => "2",
            Self::ObjectStore => "1",
        }
    }
}

/// What can be set for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    ApiVersion,
    Endpoint,
    Interface,
    Microversion,
    Name,
    Region,
    Type,
}

impl Part {
    pub(super) const ALL: [Self; 7] = [
        Self::ApiVersion,
        Self::Endpoint,
        Self::Interface,
        Self::Microversion,
        Self::Name,
        Self::Region,
        Self::Type,
    ];

    /// Its keys in clouds.yaml for a service; in capitals behind `OS_` they are the variables.
    pub(super) fn keys(self, service: Service) -> Vec<String> {
        let ends: &[&str] = match self {
            Self::ApiVersion => &["api_version"],
            Self::Endpoint => &["endpoint_override", "endpoint"],
            Self::Interface => &["interface", "endpoint_type"],
            Self::Microversion => &["default_microversion"],
            Self::Name => &["service_name"],
            Self::Region => &["region_name"],
            Self::Type => &["service_type"],
        };
        let of = |end: &&str| {
            let end = String::from(*end);
            let kinds = service.types().iter();
            kinds.map(move |kind| format!("{}_{end}", kind.replace('-', "_"))).collect::<Vec<_>>()
        };
        ends.iter().flat_map(of).collect()
    }
}

/// Adds up what differs from the catalog.
///
/// # Errors
/// `Invalid` for what makes no sense, `Unsupported` for a version of an API that is not spoken here;
/// the setting is named.
pub(super) fn overrides(values: &Values) -> Result<Vec<Override>> {
    let mut all = Vec::new();
    for service in Service::ALL {
        let text = |part| values.text(Setting::Of(service, part));
        let owned = |part| text(part).map(str::to_owned);
        version(service, values)?;
        let interface = text(Part::Interface).map(|name| {
            Interface::parse(name)
                .map_err(|e| wrong(values, Setting::Of(service, Part::Interface), &e.to_string()))
        });
        let url = text(Part::Endpoint).map(|url| {
            let place = Setting::Of(service, Part::Endpoint);
            // What is filled in later is no address yet.
            let filled = url.replace(['{', '}', '(', ')', '$'], "").replace("%", "");
            match config::address(&filled) {
                Ok(_) => Ok(url.trim().replace("{region_name}", "{region}")),
                Err(why) => Err(wrong(values, place, why)),
            }
        });
        let changed = Override {
            types: service.types(),
            kind: owned(Part::Type),
            name: owned(Part::Name),
            interface: interface.transpose()?,
            region: owned(Part::Region),
            url: url.transpose()?,
        };
        if changed.says_something() {
            all.push(changed);
        }
    }
    Ok(all)
}

fn wrong(values: &Values, setting: Setting, why: &str) -> Error {
    Error::invalid(format!("{} cannot be used: {why}", values.place(setting)))
}

/// Checks that a version that is asked for is the one that is spoken.
fn version(service: Service, values: &Values) -> Result<()> {
    let setting = Setting::Of(service, Part::ApiVersion);
    let Some(text) = values.text(setting) else {
        return Ok(());
    };
    let number = text.trim_start_matches('v');
    let major = number.split('.').next().unwrap_or_default();
    let (place, known) = (values.place(setting), service.major());
    match major {
        _ if major == known || number == "latest" => Ok(()),
        _ if major.is_empty() || !major.bytes().all(|b| b.is_ascii_digit()) => {
            let text = format!("{place} is {text:?}, which is no version; write {known}");
            Err(Error::invalid(text))
        }
        _ => {
            let name = service.types()[0];
            let text = format!(
                "{place} is {text}; of the {name} API only version {known} is supported, write \
                 {known}"
            );
            Err(Error::new(ErrorKind::Unsupported, text))
        }
    }
}

/// Reads the microversion that is wished for: `compute_default_microversion`, or one that
/// `compute_api_version` names, as openstacksdk and the `openstack` command have it.
///
/// # Errors
/// `Invalid` when they contradict each other, or for what is none.
pub(super) fn microversion(values: &Values) -> Result<Option<Wish>> {
    let read = |part| {
        let setting = Setting::Of(Service::Compute, part);
        let Some(text) = values.text(setting) else {
            return Ok(None);
        };
        // A major version alone asks for nothing more.
        if part == Part::ApiVersion && text.trim_start_matches('v') == "2" {
            return Ok(None);
        }
        let wish = Wish::parse(text).map_err(|why| wrong(values, setting, &why))?;
        Ok(Some(wish))
    };
    match (read(Part::Microversion)?, read(Part::ApiVersion)?) {
        (Some(one), Some(other)) if one != other => {
            let [one, other] = [Part::Microversion, Part::ApiVersion]
                .map(|part| values.place(Setting::Of(Service::Compute, part)));
            Err(Error::invalid(format!("{one} and {other} are two microversions; keep one")))
        }
        (one, other) => Ok(one.or(other)),
    }
}
