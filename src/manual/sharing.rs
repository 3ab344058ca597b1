//! Sharing one driver.
//!
//! Open one [`Driver`](crate::Driver) per cloud account and hand it to everyone.
//!
//! | | pool, counters | token, catalog | pace, waiting for nodes |
//! |---|---|---|---|
//! | a clone, and its services | shared | shared | shared |
//! | [`in_region`](crate::Driver::in_region) | shared | shared | each region its own |
//! | a driver opened again | its own | its own, unless [asked otherwise](#many-drivers-of-one-account) | its own |
//!
//! What you set on an operation (`.timeout(..)`, `.retry(..)`, `.header(..)`) is that operation's alone.
//!
//! ```
//! # #[cfg(feature = "sim")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use welkin::{Driver, sim::Sim};
//!
//! let sim = Sim::start()?;
//! let compute = Driver::open(sim.config())?.compute()?;
//! let runtime = tokio::runtime::Runtime::new()?;
//! let tokio = runtime.spawn(compute.list_nodes()); // a task of tokio's,
//! let smol = smol::spawn(compute.list_nodes()); // one of smol's,
//! std::thread::scope(|s| {
//!     for _ in 0..8 {
//!         s.spawn(|| compute.list_nodes().wait().expect("a list")); // and eight threads
//!     }
//! });
//! runtime.block_on(tokio)??;
//! smol::block_on(smol)?;
//! assert_eq!(sim.stats().logins, 1);
//! assert!(sim.stats().connections <= 11); // one each at most, and one for the login
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sim"))]
//! # fn main() {}
//! ```
//! `tests/sharing.rs` does the same with crowds of each, and `benches/README.md` has what it costs.
//!
//! # Threads
//! `.wait()` runs an operation on the calling thread. No runtime is started: the thread writes to the
//! socket and blocks in the receive itself.
//!
//! ```no_run
//! # fn f(driver: welkin::Driver) -> welkin::Result<()> {
//! let compute = driver.compute()?;
//! std::thread::scope(|s| {
//!     for _ in 0..64 {
//!         s.spawn(|| compute.list_nodes().wait());
//!     }
//! });
//! # Ok(())
//! # }
//! ```
//!
//! # One driver in a `static`
//! ```no_run
//! use std::sync::LazyLock;
//! use welkin::{Compute, Driver, Result};
//!
//! static CLOUD: LazyLock<Result<Compute>> =
//!     LazyLock::new(|| Driver::from_selector("openstack:mycloud")?.compute());
//!
//! fn count() -> Result<usize> {
//!     Ok(CLOUD.as_ref().map_err(Clone::clone)?.list_nodes().wait()?.len())
//! }
//! ```
//!
//! # Tasks
//! An [`Op`](crate::Op) is a future that owns all it needs, so it can be spawned as it is, on tokio's
//! current-thread and multi-thread runtimes, in a `JoinSet`, on smol, or on an executor of your own.
//!
//! ```no_run
//! # async fn f(compute: welkin::Compute) -> welkin::Result<()> {
//! let one = tokio::spawn(compute.get_node("5d2c…"));
//! let mut many = tokio::task::JoinSet::new();
//! for id in ["5d2c…", "77ab…"] {
//!     many.spawn(compute.get_node(id));
//! }
//! let nodes = many.join_all().await;
//! # let _ = (one, nodes);
//! # Ok(())
//! # }
//! ```
//! ```no_run
//! # fn f(compute: welkin::Compute) -> welkin::Result<()> {
//! let task = smol::spawn(compute.get_node("5d2c…"));
//! let node = smol::block_on(task)?;
//! # let _ = node;
//! # Ok(())
//! # }
//! ```
//!
//! Where there is no tokio runtime, one small thread (`welkin-reactor`) is started at the first
//! `.await` and watches the sockets. `.wait()` never needs it on Unix.
//!
//! # A tokio runtime without I/O or time
//! tokio cannot be asked whether a runtime was built with `enable_io` and `enable_time`, and panics
//! when what is missing is used. For such a runtime open the driver with
//! [`Settings::own_reactor`](crate::Settings::own_reactor): its tasks then wait with the small thread.
//!
//! ```no_run
//! # fn f() -> welkin::Result<()> {
//! use welkin::{Driver, Settings, openstack};
//!
//! let settings = Settings::new().own_reactor(true);
//! let driver = Driver::open_with(openstack::Config::from_env()?, settings)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Several runtimes
//! A pooled connection goes to whoever needs one next, on whatever runtime or thread; the pool
//! prefers one that is at home there already. When a runtime is dropped, its idle connections live
//! on; an operation that was polled in it may be awaited elsewhere and goes on
//! (`tests/hazards/two_runtimes.rs`, `runtime_dropped.rs`).
//!
//! ```
//! # #[cfg(feature = "sim")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let sim = welkin::sim::Sim::start()?;
//! # let compute = welkin::Driver::open(sim.config())?.compute()?;
//! let first = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! first.block_on(compute.list_nodes())?;
//! drop(first);
//! let second = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
//! second.block_on(compute.list_nodes())?;
//! compute.list_nodes().wait()?;
//! assert_eq!(sim.stats().logins, 1);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sim"))]
//! # fn main() {}
//! ```
//!
//! # Waiting inside a runtime
//! `.wait()` on a runtime's thread works and blocks that thread. With the pool at its cap and every
//! connection in the hands of tasks that only this thread could run, nobody can go on: the wait ends
//! with `Timeout(Acquire)`, whose text says so. `.await` there instead
//! (`tests/hazards/wait_inside_runtime.rs`).
//!
//! # Content
//! Uploads and downloads hold one connection each from their first byte to their last, and no more of
//! the content in memory than the connection has room for. A [`Content`](crate::Content) that reads
//! from a plain [`Read`](std::io::Read) reads on whichever thread polls it: right for `.wait()`, and
//! for files in tasks; what blocks long belongs in a stream. In `.wait()` a thread whose own stream
//! has nothing to give sleeps until it is woken.
//!
//! # What is bounded
//! Per host at most [`connections_per_host`](crate::Settings::connections_per_host) connections,
//! 64 by default, and one more while a login finds all of them busy. Callers beyond that wait in
//! line, first come, first served. [`Driver::stats`](crate::Driver::stats) tells all numbers.
//!
//! A cloud is often several hosts: Keystone, Nova and Glance behind names of their own are three times
//! 64 at most, behind one name 64. A connection that nobody uses is closed after a minute, but only
//! when the pool is used again; a process that falls silent calls
//! [`close_idle`](crate::Driver::close_idle).
//!
//! # When the cloud says slow down
//! What one caller is told counts for all. After a 429, a cloud's own word for it, or a 503 that says
//! when to come again, nobody asks that service of that region before the time that the cloud named
//! is over (of others' times, at most 30 seconds; where it named none, a short while that doubles).
//! Then callers go in the order in which they came, at first half as many at once as before; the more
//! goes well the more go, and a minute without a complaint later nobody counts any more. Other
//! services, other regions and logins go on as before.
//!
//! An operation whose time would be over before its turn comes ends at once with
//! [`RateLimited`](crate::ErrorKind::RateLimited), and nothing of it was sent. `slowed_down` and
//! `held_back` of [`Driver::stats`](crate::Driver::stats) tell how often clouds asked and who waits.
//! There is nothing to set; [why](super::decisions::all_slow_down_together).
//!
//! ```no_run
//! # fn f(driver: welkin::Driver, compute: welkin::Compute) -> welkin::Result<()> {
//! use welkin::ErrorKind;
//!
//! match compute.list_nodes().wait() {
//!     Err(e) if e.kind() == ErrorKind::RateLimited => {
//!         println!("{e}; again in {:?}", e.retry_after());
//!         println!("{} others wait", driver.stats().held_back);
//!     }
//!     other => println!("{} nodes", other?.len()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Many drivers of one account
//! Where parts of a program open drivers of their own, for example with other time-outs, they can
//! still log in once: open each with [`Settings::shared_login`](crate::Settings::shared_login). They
//! then share the token and the catalog, not connections, and only if account, trust and proxy are the
//! same; the [decision](crate::manual::decisions::one_login_for_many_drivers) tells how.
//!
//! ```no_run
//! # fn f() -> welkin::Result<()> {
//! use std::time::Duration;
//! use welkin::{Driver, Settings, openstack};
//!
//! let config = openstack::Config::from_cloud("mycloud")?;
//! let settings = Settings::new().shared_login(true);
//! let pages = Driver::open_with(config.clone(), settings.clone().timeout(Duration::from_secs(2)))?;
//! let nightly = Driver::open_with(config, settings)?;
//! # let _ = (pages, nightly);
//! # Ok(())
//! # }
//! ```
//!
//! # Ending
//! The last driver, service and operation dropped closes every socket; a login that is under way ends
//! first, one of another driver is not waited for. There is no `close`. A driver in a `static` ends with
//! the process.
//!
//! # Fork
//! A driver does not survive `fork` without `exec`: both processes would write to the same sockets.
//! Open it after the fork, in each child.
//!
//! # Threads of the driver's own
//! | thread | lasts |
//! |---|---|
//! | `welkin-login` | as long as a login or renewal |
//! | `welkin-resolve` | as long as the look-up of a host's name: when a connection is opened and the last answer is older than 30 seconds |
//! | `welkin-watch` | as long as anybody waits for nodes |
//! | `welkin-many` | as long as a [`Many`](crate::Many) runs on threads, as many as run at once |
//! | `welkin-deploy` | as long as a conversation over SSH |
//! | `welkin-reactor` | from the first `.await` without tokio on |
//!
//! # Proxies, certificates, TLS
//! The machine's proxies are those of its environment, unless
//! [`Settings::proxy`](crate::Settings::proxy) or [`Settings::no_proxy`](crate::Settings::no_proxy) says
//! otherwise. Certificates are judged by the system's CAs or by the one that an account names; in a
//! container without any, the feature `webpki-roots` brings a bundle. An account may have a client
//! certificate, and [`Settings::min_tls`](crate::Settings::min_tls) sets the oldest version that is
//! spoken. All connections of a driver share their TLS sessions, so that only the first to a host pays
//! for a full handshake.
