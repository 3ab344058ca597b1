//! What the benches share: a server in a process of its own, the peers, and ways to measure.

// Each bench takes what it needs.
#![allow(dead_code)]

pub(crate) mod allocations;
pub(crate) mod args;
pub(crate) mod cloud;
pub(crate) mod crew;
pub(crate) mod measured;
pub(crate) mod peers;
pub(crate) mod ready;
pub(crate) mod rounds;
pub(crate) mod server;
pub(crate) mod table;
pub(crate) mod tls;
pub(crate) mod tools;
pub(crate) mod way;
