//! The embedded cloud: a small OpenStack in this process.
//!
//! [`Sim::start`] opens a real HTTP/1.1 server on loopback that speaks Keystone v3, Nova v2.1,
//! Glance v2, Cinder v3 and the little of Neutron that servers need. Its state is in memory, it
//! runs on one thread of its own, and it is gone when the [`Sim`] is dropped. Answers have the
//! fields, status codes and texts of OpenStack Zed, so any OpenStack client works against it:
//!
//! ```
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//! use welkin::sim::Sim;
//!
//! let sim = Sim::start()?;
//! let login = serde_json::json!({"auth": {
//!     "identity": {"methods": ["password"], "password": {"user": {
//!         "name": "demo", "password": "secret", "domain": {"name": "Default"}}}},
//!     "scope": {"project": {"name": "demo", "domain": {"name": "Default"}}},
//! }})
//! .to_string();
//!
//! let mut socket = TcpStream::connect(sim.addr())?;
//! write!(
//!     socket,
//!     "POST /identity/v3/auth/tokens HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n\
//!      Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{login}",
//!     login.len(),
//! )?;
//! let mut answer = String::new();
//! socket.read_to_string(&mut answer)?;
//!
//! assert!(answer.starts_with("HTTP/1.1 201"));
//! assert_eq!(sim.stats().logins, 1);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # What stands where
//! One origin carries all services under a prefix each, as a devstack does:
//!
//! | service | address |
//! |---|---|
//! | Keystone | [`Sim::auth_url`], `{base}/identity/v3` |
//! | Nova | `{base}/compute/v2.1`, microversions 2.1 to 2.93 |
//! | Glance | `{base}/image` |
//! | Cinder | `{base}/volume/v3/{project}`, microversions 3.0 to 3.70 |
//! | Neutron | `{base}/networking`, to read only |
//!
//! There are the flavors `m1.tiny` (id 1), `m1.small`, `m1.medium`, `m1.large`, `m1.nano`
//! (id 5) and two that fail: creating `m1.overquota` (id 98) is refused with 403, a server of
//! flavor `m1.impossible` (id 99) is accepted and ends in `ERROR`. Images are `tiny`, `tiny-2`
//! and `unfinished`, which never leaves `queued`. The only network is `shared`, the only zone
//! `nova`, the only security group `default`.
//!
//! Servers can be rebooted, stopped, started and locked, have metadata, key pairs and volumes, and
//! boot from volumes. A test in this crate's repository has python-openstackclient, openstacksdk
//! and Apache Libcloud do all that here.
//!
//! # Where it differs from a real one
//! - `name` in a list of servers knows `^`, `$`, `.` and `\`; Nova takes any regular expression.
//! - A key pair that is made here is an Ed25519 key in OpenSSH's format, where Nova makes RSA keys;
//!   there are none of type `x509`.
//! - `user_data` with characters that base64 has not is refused; Nova drops them.
//! - One request creates one server: `min_count` and `max_count` above 1 are refused, and so is the
//!   old `block_device_mapping` without `_v2`.
//! - Volumes have no snapshots, and a volume cannot be made larger. A server that would exceed the
//!   quota of volumes is refused; Nova takes the order and lets it fail.
//! - Schema errors are told in their first line; Keystone adds the schema.
//! - Links name [`Sim::base_url`], whatever `Host` the caller wrote.
//!
//! It proves how a client behaves, not how a cloud does: run the same tests against a real one.

mod answer;
mod builder;
mod catalog;
mod cinder;
mod cloud;
mod disk;
mod fault;
mod flavor;
mod glance;
mod handle;
mod instance;
mod keypair;
mod keystone;
mod line;
mod login;
mod microversion;
mod neutron;
mod nova;
mod page;
mod pattern;
mod request;
mod schema;
mod script;
mod server;
mod server_request;
mod server_view;
mod servers;
mod stats;
mod stream;
mod tls;
mod volume;
mod world;

pub use builder::Builder;
pub use fault::Fault;
pub use servers::ServerSummary;
pub use stats::Stats;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::openstack;

use cloud::Cloud;

/// A running embedded cloud.
///
/// It can be asked and steered from any thread while it runs. Dropping it closes every
/// connection and waits for its thread to end.
///
/// ```
/// use std::time::Duration;
/// use welkin::sim::{Fault, Sim};
///
/// let sim = Sim::builder().boot_time(Duration::ZERO).quota(2).start()?;
/// sim.fail_next(Fault::unavailable().on("GET", "/compute").times(2));
/// sim.set_read_delay(Duration::from_millis(5));
/// assert_eq!(sim.auth_url(), format!("http://{}/identity/v3", sim.addr()));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Sim {
    cloud: Arc<Cloud>,
    addr: SocketAddr,
    auth_url: String,
    ca_pem: Option<String>,
    /// Dropping it is the signal to stop.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sim {
    /// The id of the built-in application credential of the demo user.
    pub const APPLICATION_CREDENTIAL_ID: &'static str = "5eedc0de5eedc0de5eedc0de5eedc0de";
    /// The name of the built-in application credential.
    pub const APPLICATION_CREDENTIAL_NAME: &'static str = "sim";
    /// The secret of the built-in application credential.
    pub const APPLICATION_CREDENTIAL_SECRET: &'static str = "sim-secret";

    /// Starts a cloud with the defaults of [`Builder`].
    ///
    /// # Errors
    /// When no loopback port can be opened or the thread cannot be started.
    pub fn start() -> io::Result<Sim> {
        Sim::builder().start()
    }

    /// A cloud with other settings.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:{port}`, or `https://` with TLS, or what [`Builder::public_url`] said; no
    /// slash at the end.
    pub fn base_url(&self) -> &str {
        &self.cloud.settings.base_url
    }

    /// Keystone's address, as in `OS_AUTH_URL`.
    pub fn auth_url(&self) -> &str {
        &self.auth_url
    }

    /// The certificate of the CA that signed the server's, if TLS is on.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// What a [`Driver`](crate::Driver) needs to use this cloud.
    ///
    /// ```
    /// use welkin::{Driver, sim::Sim};
    ///
    /// let sim = Sim::start()?;
    /// let driver = Driver::open(sim.config())?;
    /// assert_eq!(driver.compute()?.list_nodes().wait()?, []);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn config(&self) -> openstack::Config {
        let settings = &self.cloud.settings;
        let config =
            openstack::Config::password(&self.auth_url, &settings.user, &settings.password)
                .project(&settings.project)
                .domain(&settings.domain);
        match &self.ca_pem {
            Some(pem) => config.ca_pem(pem.as_str()),
            None => config,
        }
    }

    /// What the server has seen so far.
    pub fn stats(&self) -> Stats {
        self.cloud.counts.stats()
    }

    /// Sets all counts to zero; open connections stay counted as open.
    pub fn reset_stats(&self) {
        self.cloud.counts.reset();
    }

    /// The servers that are there, oldest first; also those that requests do not see yet.
    pub fn servers(&self) -> Vec<ServerSummary> {
        self.cloud.world().servers.summaries()
    }

    /// Removes all servers and the volumes that go with them, at once and without a trace. Other
    /// volumes and the key pairs stay.
    pub fn clear(&self) {
        self.cloud.world().remove_servers();
    }

    /// Refuses every token issued so far with 401 from now on.
    pub fn revoke_tokens(&self) {
        self.cloud.world().revoke_tokens();
    }

    /// Makes the next matching requests fail as `fault` says.
    ///
    /// Faults are tried in the order in which they were added; the first that matches a request
    /// is used, and only that one.
    pub fn fail_next(&self, fault: Fault) {
        self.cloud.faults.lock().push(fault);
    }

    /// Forgets all faults that have not happened yet.
    pub fn clear_faults(&self) {
        self.cloud.faults.lock().clear();
    }

    /// From now on, a login takes this long.
    pub fn set_login_delay(&self, delay: Duration) {
        self.cloud.pace.lock().login_delay = delay;
    }

    /// From now on, a request that is neither a login nor a create takes this long.
    pub fn set_read_delay(&self, delay: Duration) {
        self.cloud.pace.lock().read_delay = delay;
    }

    /// From now on, the answer to `POST /servers` takes this long.
    pub fn set_create_delay(&self, delay: Duration) {
        self.cloud.pace.lock().create_delay = delay;
    }

    /// Servers created from now on are seen by nobody for this long after their order.
    pub fn set_hidden_time(&self, time: Duration) {
        self.cloud.pace.lock().hidden_time = time;
    }

    /// Servers created from now on are in `BUILD` for this long after the create was answered.
    pub fn set_boot_time(&self, time: Duration) {
        self.cloud.pace.lock().boot_time = time;
    }

    /// Reboots, stops and starts that begin from now on take this long.
    pub fn set_action_time(&self, time: Duration) {
        self.cloud.pace.lock().action_time = time;
    }

    /// What is done to volumes from now on takes this long.
    pub fn set_volume_time(&self, time: Duration) {
        self.cloud.pace.lock().volume_time = time;
    }

    /// Servers deleted from now on are still seen for this long.
    pub fn set_delete_time(&self, time: Duration) {
        self.cloud.pace.lock().delete_time = time;
    }

    /// Tokens issued from now on live this long.
    pub fn set_token_lifetime(&self, lifetime: Duration) {
        self.cloud.pace.lock().token_lifetime = lifetime;
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server's thread is printed where it happens.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("base_url", &self.base_url()).finish_non_exhaustive()
    }
}
