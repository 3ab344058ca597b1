//! The manual.
//!
//! - [`sharing`]: threads, tokio, other executors, one driver in a `static`, several runtimes
//! - [`errors`]: kinds, and what to do about each
//! - [`configuration`]: where accounts come from, and what can be set
//! - [`testing`]: testing your code with the sim
//! - [`tracing`]: spans and their fields, for logs and OpenTelemetry
//! - [`from_libcloud`]: coming from Apache Libcloud, call by call
//! - [`adding_a_provider`]: from an empty folder to a cell in the README's table
//! - [`architecture`]: the route of a request, and where a line belongs
//! - [`decisions`]: why it is as it is

#[doc = include_str!("adding_a_provider.md")]
pub mod adding_a_provider {}
pub mod architecture;
#[doc = include_str!("configuration.md")]
pub mod configuration {}
pub mod decisions;
pub mod errors;
#[doc = include_str!("from_libcloud.md")]
pub mod from_libcloud {}
pub mod sharing;
#[doc = include_str!("testing.md")]
pub mod testing {}
pub mod tracing;
