//! The portable services: for each a handle, its model, and what a provider must translate.

pub(crate) mod compute;
pub(crate) mod node;
