//! OpenStack: Keystone v3 for the login, Nova for nodes, Glance for images, Neutron for networks.
//!
//! # Configuration
//! What users of the `openstack` command have will do: an openrc file in the environment, or a
//! clouds.yaml. [`Driver::from_selector`](crate::Driver::from_selector) takes `openstack` for the
//! environment ([`Config::from_env`]) and `openstack:mycloud` for a cloud of clouds.yaml
//! ([`Config::from_cloud`]).
//!
//! | environment | clouds.yaml | in code |
//! |---|---|---|
//! | `OS_CLOUD` | the cloud's name | [`Config::from_cloud`] |
//! | `OS_AUTH_URL` | `auth.auth_url` | [`Config::password`] |
//! | `OS_USERNAME`, `OS_USER_ID` | `auth.username`, `auth.user_id` | [`Config::password`], [`Config::user_id`] |
//! | `OS_PASSWORD` | `auth.password` | [`Config::password`] |
//! | `OS_PROJECT_NAME`, `OS_PROJECT_ID` (or `OS_TENANT_*`) | `auth.project_name`, `auth.project_id` | [`Config::project`], [`Config::project_id`] |
//! | `OS_USER_DOMAIN_NAME`, `OS_USER_DOMAIN_ID` | `auth.user_domain_name`, `auth.user_domain_id` | [`Config::user_domain`], [`Config::user_domain_id`] |
//! | `OS_PROJECT_DOMAIN_NAME`, `OS_PROJECT_DOMAIN_ID` | `auth.project_domain_name`, `auth.project_domain_id` | [`Config::project_domain`], [`Config::project_domain_id`] |
//! | `OS_DOMAIN_NAME`, `OS_DOMAIN_ID` | `auth.domain_name`, `auth.domain_id` | with a project both domains: [`Config::domain`]; without one the scope: [`Config::scope_domain`] |
//! | `OS_DEFAULT_DOMAIN` (an id), `OS_DEFAULT_DOMAIN_NAME` | `auth.default_domain_id`, `auth.default_domain_name` | `Default` if nothing is said |
//! | `OS_APPLICATION_CREDENTIAL_ID`, `_NAME`, `_SECRET` | `auth.application_credential_id`, `_name`, `_secret` | [`Config::application_credential`] |
//! | `OS_AUTH_TYPE` | `auth_type` | `password` or `v3applicationcredential`; told by what is set |
//! | `OS_REGION_NAME` | `region_name` | [`Config::region`] |
//! | `OS_INTERFACE`, `OS_ENDPOINT_TYPE` | `interface`, `endpoint_type` | [`Config::interface`] |
//! | `OS_CACERT` | `cacert` | [`Config::ca_pem`] |
//! | `OS_CERT`, `OS_KEY` | `cert`, `key` | [`Config::client_certificate_pem`]; one file may hold both |
//! | `OS_INSECURE` | `verify: false` | [`Config::insecure`] |
//!
//! An empty variable counts as not set. An application credential known by its name needs its user
//! beside it.
//!
//! # Example
//! ```no_run
//! use welkin::{Driver, NewNode, openstack};
//!
//! let driver = Driver::open(openstack::Config::from_env()?)?;
//! let compute = driver.compute()?;
//! let size = compute.find_size("m1.tiny").wait()?;
//! let image = compute.find_image("debian-13").wait()?;
//!
//! // What only OpenStack has is on its own type.
//! let native = driver.native::<openstack::OpenStack>()?;
//! let networks = driver.send(native.list_networks()).wait()?;
//! let mut order = NewNode::named("web-1").size(&size).image(&image);
//! if let Some(inner) = networks.iter().find(|network| !network.is_external) {
//!     order = order.network(inner);
//! }
//! let node = compute.create_node(&order).wait()?;
//! let node = compute.wait_until_running(&node).wait()?;
//! # Ok::<(), welkin::Error>(())
//! ```

mod addresses;
mod clouds;
mod compute;
mod config;
mod fault;
mod flavor;
mod image;
mod keypair;
mod link;
mod login;
mod microversion;
mod network;
mod places;
mod raw;
mod section;
mod service;
mod setting;
mod values;
mod zone;

pub use config::Config;
pub(crate) use config::{clouds, open};
pub use network::Network;

/// What OpenStack has beyond the portable services; from [`Driver::native`](crate::Driver::native).
///
/// Each operation returns a [`Call`](crate::Call), which [`Driver::send`](crate::Driver::send)
/// carries out with the driver's token, retries and connections.
#[derive(Debug)]
pub struct OpenStack {
    known: microversion::Known,
}

impl OpenStack {
    /// Makes one for a driver whose settings wish for a microversion, or for none.
    fn wishing(wish: Option<microversion::Wish>) -> Self {
        Self { known: microversion::Known::new(wish) }
    }

    #[cfg(test)]
    pub(crate) fn new() -> Self {
        Self::wishing(None)
    }
}

const NAME: &str = "openstack";
