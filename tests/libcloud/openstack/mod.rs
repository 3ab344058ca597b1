//! OpenStack: compute, and the login.

mod asks;
mod compute;
mod differences;
mod identity;

pub(crate) use compute::COMPUTE;
pub(crate) use identity::IDENTITY;
