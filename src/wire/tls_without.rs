//! A build without TLS speaks plain HTTP only.

use super::stream::{Plain, Transport};
use crate::call::Trust;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::TlsVersion;

pub(crate) struct Tls;

impl Tls {
    pub(crate) fn new(_: &Trust, _: TlsVersion) -> Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn wrap(&self, host: &str, _: Plain) -> Result<Transport> {
        let text = format!("no TLS with {host}: this build is without the feature `tls`");
        Err(Error::new(ErrorKind::Unsupported, text))
    }
}
