//! The table of providers: where each lies, and what opens it for those who choose at run time.

use super::Provider;
use crate::error::{Error, Result};

#[cfg(feature = "openstack")]
#[path = "openstack/mod.rs"]
pub mod openstack;

/// One line per provider: its name in selectors, and what opens what the user configured, or a
/// named profile of it.
const PROVIDERS: &[(&str, fn(Option<&str>) -> Result<Provider>)] = &[
    #[cfg(feature = "openstack")]
    ("openstack", openstack::open),
];

/// Opens `provider` or `provider:profile`.
pub(crate) fn open(selector: &str) -> Result<Provider> {
    let (name, profile) = match selector.split_once(':') {
        Some((name, profile)) => (name, Some(profile)),
        None => (selector, None),
    };
    if profile == Some("") {
        return Err(Error::invalid(format!(
            "selector {selector:?} ends in a colon; name a profile"
        )));
    }
    match PROVIDERS.iter().find(|(known, _)| *known == name) {
        Some((_, open)) => open(profile),
        None => {
            let known: Vec<_> = PROVIDERS.iter().map(|(name, _)| *name).collect();
            Err(Error::invalid(format!(
                "no provider {name:?}; this build has: {}",
                known.join(", ")
            )))
        }
    }
}
