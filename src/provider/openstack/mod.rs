//! OpenStack.
use super::Provider;
use crate::error::Result;
pub(crate) fn open(_profile: Option<&str>) -> Result<Provider> {
    unimplemented!()
}
