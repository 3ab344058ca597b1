//! Many clouds behind **one driver that every thread and every task shares**.
//!
//! ```no_run
//! # async fn f() -> welkin::Result<()> {
//! use welkin::{Driver, NewNode, openstack};
//!
//! let driver = Driver::open(openstack::Config::from_env()?)?;  // reads settings, talks to nobody yet
//! let compute = driver.compute()?;                             // what a cloud cannot do is known here
//! let size = compute.find_size("m1.small").await?;
//! let image = compute.find_image("debian-12").await?;
//!
//! let web = NewNode::named("web-1").size(&size).image(&image);
//! let node = compute.create_node(&web).await?;                 // on any executor
//! let node = compute.wait_until_running(&node).wait()?;        // on a plain thread, without any
//!
//! let specs: Vec<_> = (0..64).map(|i| NewNode::named(format!("job-{i}")).size(&size).image(&image)).collect();
//! std::thread::scope(|s| {                                     // threads borrow the same handle
//!     for spec in &specs {
//!         s.spawn(|| compute.create_node(spec).wait());
//!     }
//! });
//! let task = tokio::spawn(compute.get_node(&node));            // an Op is a future by itself
//!
//! for node in compute.list_nodes().iter() {                    // page by page; `.stream()` in tasks
//!     println!("{}", node?.name);
//! }
//! # let _ = task;
//! # Ok(())
//! # }
//! ```
//!
//! A [`Driver`] is `Clone + Send + Sync`. Behind it are one bounded pool of connections and one
//! token, an immutable snapshot that is swapped atomically: one login for any number of threads and
//! tasks, no lock in your code, no runtime that you must use.
//!
//! # The route of a request
//! A request flows one way; the modules of this crate stand in that order.
//!
//! ```text
//!  you      Driver ─ Compute ─ Op            .await on any executor, .wait() on any thread
//!             │
//!  service    │  portable nouns and verbs: Node, Size, Image; create_node, list_nodes
//!             ▼
//!  call       Call = a request as data + how to read its answer
//!             ▲
//!  provider   │  a translator for one cloud: no I/O, no clock, no session
//!             ▼
//!  session    retry ( token → lease → sign → exchange ) → read → done, next, or wait and again
//!             │
//!  wire       ▼  bytes: whoever holds a connection drives it; no task, no thread behind it
//! ```
//!
//! # Features
//! | feature | default | gives |
//! |---|---|---|
//! | `openstack` | yes | the provider for OpenStack clouds |
//! | `aws` | no | the provider for AWS, and for stores of others that speak S3 |
//! | `tls` | yes | HTTPS through rustls |
//! | `webpki-roots` | no | bundled CA certificates, used where the system has none, as in bare containers |
//! | `ssh` | no | `Compute::deploy_node`: nodes that are set up over SSH |
//! | `sim` | no | `sim::Sim`, an embedded OpenStack for tests of your code |
//! | `cli` | no | the command `welkin` with all providers, and with it `cargo demo` |
//!
//! # More
//! The [`manual`] tells about sharing, errors, [tracing](manual::tracing), configuration and how
//! providers are added.

// What only some clouds need is unused in a build without them; the command line has them all.
#![cfg_attr(not(feature = "cli"), allow(dead_code))]

// In the order of the route: the table of contents is the architecture.
mod driver;
mod settings;
mod op;
mod cancel;
mod page;
mod many;
mod download;
mod error;
mod service;
mod call;
mod provider;
mod session;
mod wire;
#[cfg(feature = "ssh")]
mod deploy;

pub mod manual;
#[cfg(feature = "sim")]
pub mod sim;
#[cfg(all(any(fuzzing, test), feature = "aws", feature = "openstack"))]
#[doc(hidden)]
pub mod fuzz;

pub use call::{Call, Content, Cursor, Page};
pub use cancel::Cancel;
#[cfg(feature = "ssh")]
pub use deploy::{Deployed, Deployment, Output};
pub use download::Download;
pub use driver::Driver;
pub use error::{Error, ErrorKind, Phase, Result};
pub use many::Many;
pub use op::Op;
pub use page::List;
pub use provider::*;
pub use service::compute::Compute;
pub use service::key_pair::{KeyPair, PrivateKey};
pub use service::node::{Image, ImageState, Location, NewNode, Node, NodeState, Reboot, Size};
pub use service::storage::{Container, Object, Storage};
pub use session::{Exhausted, Stats};
pub use settings::{Retry, Settings, TlsVersion};

/// What the handles promise, checked by the compiler.
const _: () = {
    const fn shareable<T: Clone + Send + Sync + Unpin + 'static>() {}
    const fn spawnable<T: Future + Send + Unpin + 'static>() {}
    shareable::<Driver>();
    shareable::<Compute>();
    shareable::<Storage>();
    shareable::<Cancel>();
    shareable::<Settings>();
    shareable::<Error>();
    spawnable::<Op<Node>>();
    spawnable::<Op<()>>();
    spawnable::<List<Node>>();
    const fn sendable<T: Send + Unpin + 'static>() {}
    sendable::<Many<Node>>();
};

/// The README's code is compiled with the tests.
#[cfg(all(doctest, feature = "openstack"))]
#[doc = include_str!("../README.md")]
pub struct Readme;
