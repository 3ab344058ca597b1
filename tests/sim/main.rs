//! The embedded cloud, seen through a socket by a client that shares no code with it.

#![cfg(feature = "sim")]

mod client;
mod connections;
mod faults;
mod lists;
mod login;
mod rudeness;
mod servers;
mod tokens;
