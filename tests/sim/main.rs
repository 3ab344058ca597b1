//! The embedded cloud, seen through a socket by a client that shares no code with it.

#![cfg(feature = "sim")]

mod actions;
mod client;
mod connections;
mod faults;
mod keypairs;
mod lists;
mod login;
mod network;
mod rudeness;
mod servers;
mod tokens;
mod volumes;
