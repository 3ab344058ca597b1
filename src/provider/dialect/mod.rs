//! Dialects that several clouds speak.

pub(super) mod answer;
pub(super) mod config;
#[cfg(feature = "openstack")]
pub(super) mod keystone;
pub(super) mod percent;
