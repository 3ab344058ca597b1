//! What can go wrong, and what to do.
//!
//! Act on [`Error::kind`](crate::Error::kind); the text is for people. The cloud's own request id is
//! in [`Error::request_id`](crate::Error::request_id): its operators ask for it.
//!
//! | kind | means | do |
//! |---|---|---|
//! | `Ambiguous` | sent, the answer was lost, and nobody knows | look whether it was done before repeating it |
//! | `Auth` | the cloud does not know us | check the credentials |
//! | `Canceled` | a `Cancel` said so | nothing |
//! | `Conflict` | something stands in the way | read the text, change what stands there |
//! | `Connection` | no connection, or it broke | repeat later; `source()` tells what the system said |
//! | `Failed` | the cloud tried and could not | read the text, destroy what is left |
//! | `Forbidden` | known, but not allowed | ask the account's owner for the role |
//! | `Invalid` | an argument or setting is wrong | correct it; nothing was changed |
//! | `Local` | a reader or a file here failed | `source()` tells; give the content anew |
//! | `NotFound` | there is no such thing | – |
//! | `Other` | anything else | `status()`, `code()` and the text tell |
//! | `Protocol` | the answer makes no sense | is it this cloud's API at that address? |
//! | `Quota` | no room in the account | free something, or ask for more |
//! | `RateLimited` | too many requests | wait `retry_after()`; the driver did, [for all callers](super::sharing#when-the-cloud-says-slow-down), as long as there was time |
//! | `Timeout(phase)` | time ran out there | more time, or find out what is slow |
//! | `Unavailable` | a part of the cloud is down | repeat later |
//! | `Unsupported` | this cloud has no such service | – |
//!
//! # Asking again
//! [`is_retryable`](crate::Error::is_retryable) tells whether the same call may succeed later without a
//! change on your side. The driver has by then tried [as often as set](crate::Retry), three times unless
//! told otherwise, so another loop around it multiplies; give the operation more attempts instead.
//!
//! | failed | asked again |
//! |---|---|
//! | no connection came about, or it was closed before the request went out | everything |
//! | the connection broke on the way, or no answer came in time | what changes nothing twice; what a cloud knows again by a token in it |
//! | 429, or the cloud's own word for it | everything, when [its time](super::sharing#when-the-cloud-says-slow-down) has come |
//! | 502, 503, 504 | what changes nothing twice |
//! | 401 | everything, with a new token |
//! | anything else | nothing |
//!
//! What an upload's reader or stream has given is gone: from its first byte on nothing is asked again.
//! All retries of a driver share a budget, some thirty in a row and then one for each fourteen
//! successes, so that a cloud that is down is not asked three times as much (`session/retry.rs`). What was
//! told to slow down pays nothing: its service's pace sees to it that no storm comes of it.
//!
//! # What nobody knows
//! When the answer to [`create_node`](crate::Compute::create_node) is lost, the driver looks what became
//! of the order before it says so: on OpenStack for the [mark](super::decisions::orders_carry_a_mark)
//! that each order carries, on EC2 by sending the same order with the same token. `Ambiguous` is what it
//! could not find out, and names the operation; it is never retryable, because the node may still come.
//! `tests/twice` cuts two hundred orders at random places and counts the nodes. Other requests that may
//! not be sent twice, such as [`reboot_node`](crate::Compute::reboot_node), are `Ambiguous` at once.
//!
//! ```
//! # #[cfg(feature = "sim")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use std::time::Duration;
//! # use welkin::sim::{Fault, Sim};
//! # let sim = Sim::builder().create_delay(Duration::ZERO).boot_time(Duration::ZERO).start()?;
//! # let compute = welkin::Driver::open(sim.config())?.compute()?;
//! # let (size, image) = (compute.find_size("m1.tiny").wait()?, compute.find_image("tiny").wait()?);
//! # let spec = welkin::NewNode::named("web").size(&size).image(&image);
//! # sim.fail_next(Fault::silence_before().on("POST", "/compute/v2.1/servers"));
//! use welkin::ErrorKind;
//!
//! match compute.create_node(&spec).timeout(Duration::from_secs(2)).wait() {
//!     Ok(node) => println!("{}", node.id),
//!     Err(e) if e.kind() == ErrorKind::Quota => println!("no room: {e}"),
//!     Err(e) if e.kind() == ErrorKind::Ambiguous => {
//!         // Maybe later, maybe never: look before you order again.
//!         let there = compute.list_nodes().wait()?.into_iter().find(|n| n.name == "web");
//!         println!("{e}; there is {there:?}");
//! #       return Ok(());
//!     }
//!     Err(e) => return Err(e.into()),
//! }
//! # panic!("the order was not answered");
//! # }
//! # #[cfg(not(feature = "sim"))]
//! # fn main() {}
//! ```
//!
//! # Which time ran out
//! `Timeout` says in which [`Phase`](crate::Phase), whatever ran out there: the operation's own time,
//! which bounds all of them, or the time of that step.
//!
//! | phase | the driver was | the step's own time |
//! |---|---|---|
//! | `Acquire` | in line for a connection; nothing was sent | none |
//! | `Connect` | opening one | [`connect_timeout`](crate::Settings::connect_timeout), 5 s |
//! | `Login` | waiting for a token | none |
//! | `Answer` | waiting for an answer, or its end | [`attempt_timeout`](crate::Settings::attempt_timeout), 30 s; [`stall_timeout`](crate::Settings::stall_timeout) for content |
//! | `Wait` | waiting for the cloud to do it | none; `.timeout(..)` of `wait_until_…`, ten minutes by default |
//!
//! A create that ran out of time while it was on its way is `Ambiguous`, not `Timeout`.
//!
//! # Giving up
//! Dropping an operation ends it, at any `.await`: nobody else's is touched, pool and token stay sound
//! (`tests/hazards/cancellation.rs`). A thread in `.wait()` cannot be dropped; it listens to a
//! [`Cancel`](crate::Cancel), which any thread may pull, and ends with `Canceled`. Neither takes back
//! what went out: after an order that was given up, look.
//!
//! ```
//! # #[cfg(feature = "sim")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use welkin::sim::{Fault, Sim};
//! # let sim = Sim::start()?;
//! # let compute = welkin::Driver::open(sim.config())?.compute()?;
//! # sim.fail_next(Fault::silence_before().on("GET", "/compute"));
//! use welkin::{Cancel, ErrorKind};
//!
//! let cancel = Cancel::new();
//! std::thread::scope(|s| {
//!     let listing = s.spawn(|| compute.list_nodes().cancel_on(&cancel).wait());
//!     cancel.cancel();
//!     let error = listing.join().expect("it does not panic").unwrap_err();
//!     assert_eq!(error.kind(), ErrorKind::Canceled);
//!     assert!(!error.is_retryable());
//! });
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sim"))]
//! # fn main() {}
//! ```
//!
//! # In logs
//! `Display` is one line: the operation, what happened, the status and the request id. `Debug` has every
//! field on top of that. What lies below is in [`source()`](std::error::Error::source), which `anyhow`
//! and its like print as a chain. No secret is in any of them, nor in the [spans](super::tracing) that
//! tell of a failure (`tests/secrets.rs`), so log all of it; names and ids of your nodes and objects
//! are.
//!
//! ```
//! # #[cfg(feature = "sim")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let sim = welkin::sim::Sim::start()?;
//! # let compute = welkin::Driver::open(sim.config())?.compute()?;
//! let error = compute.get_node("5d2c").wait().unwrap_err();
//! assert_eq!(error.kind(), welkin::ErrorKind::NotFound);
//! assert_eq!(error.operation(), Some("get_node"));
//! let id = error.request_id().expect("OpenStack names each request");
//! assert!(error.to_string().starts_with("get_node: "));
//! assert!(error.to_string().ends_with(&format!("(404, request {id})")));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sim"))]
//! # fn main() {}
//! ```
