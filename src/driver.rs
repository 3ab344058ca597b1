//! The driver: what a user holds.

use std::any::type_name;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::call::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::op::Op;
use crate::provider::{self, Provider};
use crate::service::compute::Compute;
use crate::service::node::Node;
use crate::service::storage::Storage;
use crate::session::watch::Watch;
use crate::session::{Session, Stats};
use crate::settings::Settings;

/// The shared handle of one cloud account.
///
/// Open one, and hand it to everyone: clone it, borrow it, put it in an `Arc` or a `static`. All
/// handles share one connection pool and one token; nobody needs a lock.
///
/// # Threads
/// `Clone + Send + Sync`. Every operation can be started from any thread and from any task of any
/// executor, at the same time. Dropping the last handle, service and operation closes every socket;
/// a login that is under way ends first.
/// A driver does not survive `fork` without `exec`.
///
/// # Example
/// ```no_run
/// use std::sync::LazyLock;
/// use welkin::Driver;
///
/// static CLOUD: LazyLock<Driver> =
///     LazyLock::new(|| Driver::from_selector("openstack:mycloud").expect("clouds.yaml"));
///
/// let nodes = CLOUD.compute()?.list_nodes().wait()?;
/// # Ok::<(), welkin::Error>(())
/// ```
#[derive(Clone)]
pub struct Driver {
    session: Session,
    provider: Arc<Provider>,
    /// Looks for those who wait for nodes of the region.
    nodes: Option<Watch<Node>>,
    /// The same of each region that was named.
    regions: Arc<Mutex<HashMap<String, Watch<Node>>>>,
}

impl Driver {
    /// Opens a cloud with the default [`Settings`]. Talks to nobody yet.
    ///
    /// # Errors
    /// `Invalid` when the configuration cannot be used.
    pub fn open(config: impl TryInto<Provider, Error = Error>) -> Result<Self> {
        Self::open_with(config, Settings::new())
    }

    /// Opens a cloud. Talks to nobody yet.
    ///
    /// # Errors
    /// `Invalid` when the configuration cannot be used.
    pub fn open_with(
        config: impl TryInto<Provider, Error = Error>,
        settings: Settings,
    ) -> Result<Self> {
        Self::assemble(config.try_into()?, settings)
    }

    /// Opens what a selector names: `openstack`, or `openstack:mycloud` for a profile of it.
    ///
    /// # Errors
    /// `Invalid` when there is no such provider or profile, or when what it says cannot be used.
    pub fn from_selector(selector: &str) -> Result<Self> {
        Self::from_selector_with(selector, Settings::new())
    }

    /// Opens what a selector names, with settings of one's own.
    ///
    /// # Errors
    /// As [`from_selector`](Driver::from_selector).
    pub fn from_selector_with(selector: &str, settings: Settings) -> Result<Self> {
        Self::assemble(provider::open(selector)?, settings)
    }

    /// Returns the compute service.
    ///
    /// # Errors
    /// `Unsupported` when this kind of cloud has none.
    pub fn compute(&self) -> Result<Compute> {
        match (&self.provider.compute, &self.nodes) {
            (Some(api), Some(nodes)) => {
                Ok(Compute::new(self.session.clone(), Arc::clone(api), nodes.clone()))
            }
            _ => Err(self.lacks("compute")),
        }
    }

    /// Returns the object storage service.
    ///
    /// # Errors
    /// `Unsupported` when this kind of cloud has none.
    pub fn storage(&self) -> Result<Storage> {
        match &self.provider.storage {
            Some(api) => Ok(Storage::new(self.session.clone(), Arc::clone(api))),
            None => Err(self.lacks("storage")),
        }
    }

    /// Returns a driver for another region of the same account: same pool, same token.
    ///
    /// A region that the account does not have comes out at the first call.
    ///
    /// # Errors
    /// `Invalid` when the name is empty.
    pub fn in_region(&self, region: &str) -> Result<Self> {
        if region.is_empty() {
            return Err(Error::invalid("the region's name is empty"));
        }
        let session = self.session.in_region(region);
        let nodes = self.provider.compute.as_ref().map(|api| {
            let mut regions = self.regions.lock();
            let nodes = regions.entry(region.to_owned());
            nodes.or_insert_with(|| Compute::watch(&session, api)).clone()
        });
        Ok(Self { session, nodes, ..self.clone() })
    }

    /// Returns the provider's own type, whose operations go beyond the portable ones.
    ///
    /// # Errors
    /// `Invalid` when this driver is of another provider.
    pub fn native<P: 'static>(&self) -> Result<&P> {
        self.provider.native.downcast_ref().ok_or_else(|| {
            let (name, wanted) = (self.provider.name, type_name::<P>());
            Error::invalid(format!("this driver is of provider {name}, not {wanted}"))
        })
    }

    /// Carries out one of the provider's own operations, with the same token, retry and pool.
    pub fn send<T: Send + 'static>(&self, call: Call<T>) -> Op<T> {
        Op::new(&self.session, "send", Ok(call))
    }

    /// Returns the name of the provider, such as `openstack`.
    pub fn provider(&self) -> &'static str {
        self.provider.name
    }

    /// Returns what the driver counted since it was opened.
    pub fn stats(&self) -> Stats {
        self.session.stats()
    }

    /// Closes the connections that nobody uses now.
    pub fn close_idle(&self) {
        self.session.close_idle();
    }

    fn assemble(provider: Provider, settings: Settings) -> Result<Self> {
        let provider = Arc::new(provider);
        let Provider { name, auth, trust, region, .. } = &*provider;
        let settings = settings.read_environment()?;
        let session = Session::new(name, Arc::clone(auth), trust, region.as_deref(), settings)?;
        let nodes = provider.compute.as_ref().map(|api| Compute::watch(&session, api));
        let regions = session.region().map(str::to_owned).zip(nodes.clone());
        let regions = Arc::new(Mutex::new(regions.into_iter().collect()));
        Ok(Self { session, provider, nodes, regions })
    }

    fn lacks(&self, service: &str) -> Error {
        let text = format!("provider {} has no {service} service", self.provider.name);
        Error::new(ErrorKind::Unsupported, text)
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("provider", &self.provider.name).finish_non_exhaustive()
    }
}
