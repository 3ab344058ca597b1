//! The translators: each cloud's requests and answers, and nothing else.
//!
//! A provider does no I/O, sees no clock and holds no session. Only its `config.rs` reads files and
//! the environment, when a driver is opened. What is said of it outside its own folder is two lines
//! of [`registry`].

mod dialect;
mod registry;

use std::any::Any;
use std::sync::Arc;

use crate::call::{Auth, Trust};
use crate::service::compute::ComputeApi;
use crate::service::storage::StorageApi;

pub use registry::*;

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
