//! The cloud that `--cloud` selects.

use welkin::Driver;
use welkin::sim::Sim;

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
        let provider = selector.split_once(':').map_or(selector, |(provider, _)| provider);
        if !matches!(provider, "aws" | "openstack") {
            let text = format!("no cloud {selector:?}; there are: {THERE_ARE}");
            return Err(Complaint::usage(text));
        }
        let driver = Driver::from_selector(selector)
            .map_err(|e| Complaint::from(e).about(&format!("--cloud {selector}")))?;
        Ok(Self { driver, _sim: None })
    }
}

const THERE_ARE: &str = "sim, openstack[:NAME], aws[:PROFILE]";
