//! A driver that has logged in and is warm, and settings that suit a bench.

use std::error::Error;

use welkin::{Driver, Settings, openstack};

use super::server::At;

/// Opens a driver for the server. Talks to nobody yet.
pub(crate) fn driver(at: &At, tls: bool, settings: Settings) -> Result<Driver, Box<dyn Error>> {
    let config = openstack::Config::password(at.base(tls), "bench", "secret")
        .project("bench")
        .ca_pem(at.ca_pem.as_bytes());
    Ok(Driver::open_with(config, settings)?)
}

/// Returns the call that all benches make: 1 KiB, unparsed.
pub(crate) fn thing(driver: &Driver) -> welkin::Op<bytes::Bytes> {
    let native = driver.native::<openstack::OpenStack>().expect("it is OpenStack");
    driver.send(native.get("bench", "/thing"))
}
