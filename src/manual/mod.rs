//! The manual.
//!
//! - [`sharing`]: threads, tokio, other executors, one driver in a `static`, several runtimes
//! - [`errors`]: kinds, and what to do about each
//! - [`tracing`]: spans and their fields, for logs and OpenTelemetry
//! - [`architecture`]: the route of a request, and where a line belongs
//! - [`decisions`]: why it is as it is
//!
//! Configuration stands with each provider, for example in
//! [`openstack`](crate::openstack#configuration).

pub mod architecture;
pub mod decisions;
pub mod errors;
pub mod sharing;
pub mod tracing;
