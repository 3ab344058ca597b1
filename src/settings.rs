//! What a user can set on a driver; every value has a documented default.

mod environment;
mod exception;
mod proxy;

use std::time::Duration;

use http::HeaderValue;

pub(crate) use self::proxy::{Proxies, Proxy};
use crate::error::{Error, Result};

/// How a driver uses connections and time. The defaults suit a busy service.
///
/// ```
/// use std::time::Duration;
/// use welkin::{Retry, Settings};
///
/// let settings = Settings::new()
///     .connections_per_host(16)
///     .timeout(Duration::from_secs(20))
///     .retry(Retry::attempts(5));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Settings {
    pub(crate) connections_per_host: usize,
    pub(crate) waiting_per_host: usize,
    pub(crate) connect_timeout: Duration,
    pub(crate) attempt_timeout: Duration,
    pub(crate) timeout: Duration,
    pub(crate) stall_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) lifetime: Duration,
    pub(crate) largest_answer: usize,
    pub(crate) retry: Retry,
    pub(crate) own_reactor: bool,
    pub(crate) shared_login: bool,
    pub(crate) user_agent: HeaderValue,
    pub(crate) proxies: Proxies,
    pub(crate) min_tls: TlsVersion,
    /// A broken pool for the test that must notice it.
    #[cfg(test)]
    pub(crate) hands_out_twice: bool,
}

impl Settings {
    /// Returns the defaults.
    pub fn new() -> Self {
        Self {
            connections_per_host: 64,
            waiting_per_host: 32_768,
            connect_timeout: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(30),
            timeout: Duration::from_secs(60),
            stall_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            lifetime: Duration::from_secs(600),
            largest_answer: 64 << 20,
            retry: Retry::default(),
            own_reactor: false,
            shared_login: false,
            user_agent: HeaderValue::from_static(USER_AGENT),
            proxies: Proxies::Unread,
            min_tls: TlsVersion::Tls12,
            #[cfg(test)]
            hands_out_twice: false,
        }
    }

    /// Sets how many connections to one host may be open at once; default 64, at least 1.
    ///
    /// A login that finds all of them busy opens one more, so that it never waits for its callers.
    pub fn connections_per_host(mut self, cap: usize) -> Self {
        self.connections_per_host = cap.max(1);
        self
    }

    /// Sets how many callers may wait for a connection to one host; default 32,768. The next one is
    /// told at once.
    pub fn waiting_per_host(mut self, most: usize) -> Self {
        self.waiting_per_host = most;
        self
    }

    /// Sets how long opening a connection may take (address, TCP, proxy and TLS); default 5 s.
    ///
    /// A host with several addresses is tried at the next one after 250 ms, or at once when one
    /// fails; the first that answers is used (RFC 8305).
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit.min(A_YEAR);
        self
    }

    /// Sets how long one attempt may take, from the request to the end of its answer; default 30 s.
    /// Of an upload or a download, how long until its first byte moves.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt_timeout = limit.min(A_YEAR);
        self
    }

    /// Sets how long an operation may take with all its attempts and pages; default 60 s.
    ///
    /// For uploads and downloads [`stall_timeout`](Settings::stall_timeout) stands in its place.
    /// Operations that wait for the cloud, such as `wait_until_running`, have ten minutes unless
    /// their own `.timeout(..)` says otherwise.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit.min(A_YEAR);
        self
    }

    /// Sets how long an upload or a download may stand still; default 30 s.
    ///
    /// As long as its bytes move, moving content may take any time, unless its own `.timeout(..)`
    /// says otherwise.
    pub fn stall_timeout(mut self, limit: Duration) -> Self {
        self.stall_timeout = limit.min(A_YEAR);
        self
    }

    /// Sets after how long an unused connection is closed; default 60 s.
    ///
    /// The pool looks when it is used; a silent process calls
    /// [`Driver::close_idle`](crate::Driver::close_idle).
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = limit.min(A_YEAR);
        self
    }

    /// Sets how old a connection may grow before it is replaced; default 10 minutes.
    pub fn connection_lifetime(mut self, limit: Duration) -> Self {
        self.lifetime = limit.min(A_YEAR);
        self
    }

    /// Sets the largest answer that is read into memory, in bytes; default 64 MiB.
    pub fn largest_answer(mut self, bytes: usize) -> Self {
        self.largest_answer = bytes;
        self
    }

    /// Sets how failures that pass are tried again; default [`Retry::default`].
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Always waits on a small thread of the driver's own instead of the caller's tokio runtime.
    ///
    /// Needed in a tokio runtime that was built without `enable_io` and `enable_time`: tokio cannot
    /// be asked whether it has them, and panics when they are used. `.wait()` never needs it.
    pub fn own_reactor(mut self, on: bool) -> Self {
        self.own_reactor = on;
        self
    }

    /// Lets drivers of one account log in once for all of them, as long as each was opened with this
    /// set; default off.
    ///
    /// Where one program opens many drivers of one account, such as one in each of its parts, a cold
    /// start is then one login instead of many, and so is each renewal and each replacement of a
    /// token that the cloud refused. Whoever can hand one driver to everybody needs none of this.
    ///
    /// Shared are the token and the catalog that came with it, within this process; a driver that is
    /// opened later begins with those of the last login. Connections, retries and counters are not
    /// shared. The last of the drivers wipes what they had in common.
    ///
    /// Drivers share when all that decides what a login gives, and how it can be trusted, was given
    /// to them alike: the address, the user, project and secret, the interface, the CA, the client
    /// certificate, whether certificates are verified, [`min_tls`](Settings::min_tls), and the proxy
    /// on the way. The region may differ. A driver with another password is on its own, and so is one
    /// whose account needs no login, such as AWS's keys.
    ///
    /// ```no_run
    /// use welkin::{Driver, Settings, openstack};
    ///
    /// let settings = Settings::new().shared_login(true);
    /// let config = openstack::Config::from_cloud("mycloud")?;
    /// let north = Driver::open_with(config.clone().region("north"), settings.clone())?;
    /// let south = Driver::open_with(config.region("south"), settings)?; // with the same token
    /// # Ok::<(), welkin::Error>(())
    /// ```
    pub fn shared_login(mut self, on: bool) -> Self {
        self.shared_login = on;
        self
    }

    /// Sends everything through a proxy: `http://host:port`, or `http://user:password@host:port` with
    /// what is neither letter nor digit escaped (`%40` for `@`).
    ///
    /// By default the environment decides, when the driver is opened: `https_proxy` or `HTTPS_PROXY`
    /// for `https://` hosts, `http_proxy` (in small letters only) for `http://` ones, `all_proxy` or
    /// `ALL_PROXY` for both, but for the hosts in `no_proxy` or `NO_PROXY`: a list of names, domains
    /// (with all below them), addresses and blocks such as `10.0.0.0/8`, each with `:port` or
    /// without, or `*` for all. `localhost` and `127.0.0.1` are no exceptions unless they are listed.
    /// A proxy that is set here has no exceptions. A proxy of the environment that cannot be used
    /// fails the operations that would go through it.
    ///
    /// The proxy is asked for a tunnel (CONNECT) to `https://` and to `http://` hosts alike; the
    /// [decision](crate::manual::decisions::proxies_are_tunnels) tells why. The proxy looks up the
    /// host's name.
    ///
    /// ```
    /// use welkin::Settings;
    ///
    /// let settings = Settings::new().proxy("http://proxy.example:3128")?;
    /// # Ok::<(), welkin::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` when that is no address, `Unsupported` for `https://` and `socks5://` proxies.
    pub fn proxy(mut self, url: &str) -> Result<Self> {
        self.proxies = Proxies::Always(Proxy::parse(url, "Settings::proxy")?);
        Ok(self)
    }

    /// Goes through no proxy, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.proxies = Proxies::Never;
        self
    }

    /// Sets the oldest version of TLS that is spoken; default 1.2.
    pub fn min_tls(mut self, version: TlsVersion) -> Self {
        self.min_tls = version;
        self
    }

    /// Puts an application's name behind Welkin's own in the `User-Agent`, such as `billing/2.1`.
    ///
    /// # Errors
    /// `Invalid` when the text cannot stand in a header.
    pub fn application(mut self, name: &str) -> Result<Self> {
        self.user_agent = HeaderValue::from_str(&format!("{USER_AGENT} {name}")).map_err(|e| {
            Error::invalid(format!("application name {name:?} cannot stand in a header"))
                .with_source(e)
        })?;
        Ok(self)
    }

    /// Asks the environment for what nobody has set.
    pub(crate) fn read_environment(mut self) -> Result<Self> {
        if let Proxies::Unread = self.proxies {
            self.proxies = environment::proxies()?;
        }
        Ok(self)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

/// A version of TLS. Older ones than these are never spoken (RFC 8996).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TlsVersion {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

/// How often, and after which pauses, a failure that may pass is tried again.
///
/// Only what is safe to repeat is repeated: requests that change nothing twice, and any request that
/// the cloud refused with 429, or its own word for it. Pauses are random between zero and a bound that
/// doubles each time; a `Retry-After` of the cloud is obeyed when it fits the time left. All callers of
/// a driver [slow down together](crate::manual::sharing#when-the-cloud-says-slow-down).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Retry {
    pub(crate) attempts: u32,
    pub(crate) first_pause: Duration,
    pub(crate) longest_pause: Duration,
}

impl Retry {
    /// Tries up to `attempts` times in all; at least once.
    pub fn attempts(attempts: u32) -> Self {
        Self { attempts: attempts.max(1), ..Self::default() }
    }

    /// Tries once.
    pub fn never() -> Self {
        Self::attempts(1)
    }

    /// Sets the bounds of the random pauses: the first one's, and the longest; default 100 ms, 20 s.
    pub fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.first_pause = first.min(A_YEAR);
        self.longest_pause = longest.min(A_YEAR);
        self
    }
}

/// Three attempts.
impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 3,
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(20),
        }
    }
}

/// Longer than anyone waits, short enough for every clock.
pub(crate) const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
const USER_AGENT: &str = concat!("welkin/", env!("CARGO_PKG_VERSION"));
