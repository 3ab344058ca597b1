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
//! [`is_retryable`](crate::Error::is_retryable) tells whether the same call may succeed later. The
//! driver has by then tried [as often as set](crate::Retry); what changes something twice when sent
//! twice was sent once. When the answer to [`create_node`](crate::Compute::create_node) is lost, the
//! driver itself looks what became of the order; `Ambiguous` is what it could not find out.
//!
//! ```no_run
//! # fn f(compute: welkin::Compute, spec: welkin::NewNode) -> welkin::Result<()> {
//! use welkin::ErrorKind;
//!
//! match compute.create_node(&spec).wait() {
//!     Ok(node) => println!("{}", node.id),
//!     Err(e) if e.kind() == ErrorKind::Quota => println!("no room: {e}"),
//!     Err(e) if e.kind() == ErrorKind::Ambiguous => println!("look for it: {e}"),
//!     Err(e) => return Err(e),
//! }
//! # Ok(())
//! # }
//! ```
