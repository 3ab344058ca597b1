//! The translators: each cloud's requests and answers, and nothing else.
//!
//! A provider does no I/O, sees no clock and holds no session. Only its `config.rs` reads files and
//! the environment, when a driver is opened. Outside its own folder it is named in this file alone.

#[cfg(feature = "aws")]
pub mod aws;
mod dialect;
#[cfg(feature = "openstack")]
pub mod openstack;

use std::any::Any;
use std::sync::Arc;

use crate::call::{Auth, Trust};
use crate::error::{Error, Result};
use crate::service::compute::ComputeApi;
use crate::service::storage::StorageApi;

#[cfg(all(test, feature = "aws", feature = "openstack"))]
mod tests;

/// The table of providers.
const PROVIDERS: &[Entry] = &[
    #[cfg(feature = "aws")]
    Entry { name: "aws", open: aws::open, clouds: aws::clouds },
    #[cfg(feature = "openstack")]
    Entry { name: "openstack", open: openstack::open, clouds: openstack::clouds },
];

struct Entry {
    /// The name in selectors.
    name: &'static str,
    /// Opens what the user configured, or a named profile of it.
    open: fn(Option<&str>) -> Result<Provider>,
    /// Lists the profiles that there are.
    clouds: fn() -> Result<Vec<CloudEntry>>,
}

/// Lists what is configured for each provider of this build, with nothing secret: the provider's
/// name, and its clouds, or why they cannot be listed.
///
/// # Example
/// ```no_run
/// for (provider, clouds) in welkin::configured() {
///     for cloud in clouds? {
///         println!("{provider}:{} of {}", cloud.name, cloud.source);
///     }
/// }
/// # Ok::<(), welkin::Error>(())
/// ```
pub fn configured() -> Vec<(&'static str, Result<Vec<CloudEntry>>)> {
    PROVIDERS.iter().map(|entry| (entry.name, (entry.clouds)())).collect()
}

/// A cloud that somebody configured, as far as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct CloudEntry {
    /// The name in selectors, behind the provider's.
    pub name: String,
    /// Where the login goes, if that is configured.
    pub address: Option<String>,
    /// The region that is used unless another is asked for.
    pub region: Option<String>,
    /// The file that says so, or the environment.
    pub source: String,
}

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
    match PROVIDERS.iter().find(|entry| entry.name == name) {
        Some(entry) => (entry.open)(profile),
        None => {
            let known: Vec<_> = PROVIDERS.iter().map(|entry| entry.name).collect();
            Err(Error::invalid(format!(
                "no provider {name:?}; this build has: {}",
                known.join(", ")
            )))
        }
    }
}

/// What a cloud's configuration becomes: the parts that a [`Driver`](crate::Driver) is opened with.
///
/// Made from a provider's configuration, such as
/// [`openstack::Config`].
pub struct Provider {
    pub(crate) name: &'static str,
    pub(crate) auth: Arc<dyn Auth>,
    pub(crate) trust: Trust,
    /// The region that the configuration names.
    pub(crate) region: Option<String>,
    /// What the cloud can do is what is here.
    pub(crate) compute: Option<Arc<dyn ComputeApi>>,
    pub(crate) storage: Option<Arc<dyn StorageApi>>,
    /// The provider's public type, with its own operations.
    pub(crate) native: Arc<dyn Any + Send + Sync>,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("name", &self.name).finish_non_exhaustive()
    }
}
