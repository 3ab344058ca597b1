//! The cloud that `--cloud` selects.

use welkin::sim::Sim;
use welkin::{Driver, ErrorKind};

use crate::complaint::Complaint;

/// What the embedded cloud is called in `--cloud`.
pub(crate) const SIM: &str = "sim";

/// An open cloud.
pub(crate) struct Cloud {
    pub(crate) driver: Driver,
    /// Lives as long as the command.
    _sim: Option<Sim>,
}

impl Cloud {
    pub(crate) fn open(selector: Option<&str>) -> Result<Self, Complaint> {
        let selector = selector.ok_or_else(|| {
            Complaint::usage(format!("say which cloud, with --cloud or WELKIN_CLOUD: {THERE_ARE}"))
        })?;
        if selector == SIM {
            let sim = Sim::start().map_err(|e| Complaint::because("the sim cannot start", &e))?;
            return Ok(Self { driver: Driver::open(sim.config())?, _sim: Some(sim) });
        }
        if !matches!(provider(selector), "aws" | "openstack") {
            let text = format!("no cloud {selector:?}; there are: {THERE_ARE}");
            return Err(Complaint::usage(text));
        }
        let driver = Driver::from_selector(selector).map_err(|error| {
            let is_bare = error.kind() == ErrorKind::Invalid && !selector.contains(':');
            let complaint = Complaint::from(error).about(&format!("--cloud {selector}"));
            match provider(selector) {
                "openstack" if is_bare => complaint.and(OPENSTACK),
                "aws" if is_bare => complaint.and(AWS),
                _ => complaint,
            }
        })?;
        Ok(Self { driver, _sim: None })
    }
}

/// What stands before the colon.
fn provider(selector: &str) -> &str {
    selector.split_once(':').map_or(selector, |(provider, _)| provider)
}

const THERE_ARE: &str = "sim, openstack[:NAME], aws[:PROFILE]";
const OPENSTACK: &str = "or name a cloud of clouds.yaml, as openstack:NAME";
const AWS: &str = "or name a profile of ~/.aws, as aws:PROFILE";
