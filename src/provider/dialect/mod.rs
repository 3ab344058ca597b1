//! Dialects that several clouds speak.

pub(super) mod answer;
#[cfg(test)]
pub(super) mod by_hand;
pub(super) mod config;
pub(super) mod key_pair;
#[cfg(feature = "openstack")]
pub(super) mod keystone;
pub(super) mod once;
pub(super) mod percent;
#[cfg(feature = "aws")]
pub(super) mod sigv4;
pub(super) mod user_data;
#[cfg(feature = "aws")]
pub(super) mod xml;
