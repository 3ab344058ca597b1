//! OpenStack: compute, and the login.

mod compute;
mod differences;
mod identity;

pub(crate) use compute::COMPUTE;
pub(crate) use identity::IDENTITY;
