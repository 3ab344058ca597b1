//! Dialects that several clouds speak.

#[cfg(feature = "openstack")]
pub(super) mod answer;
#[cfg(feature = "openstack")]
pub(super) mod keystone;
