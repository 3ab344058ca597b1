//! The cloud that the demo runs on: the sim in a child process, or a real one.

use welkin::openstack::Config;
use welkin::{Driver, Result, Settings};

use super::child::SimChild;
use super::tally::{Counts, Tally};
use crate::complaint::Complaint;

pub(crate) struct Cloud {
    pub(crate) account: Account,
    sim: Option<SimChild>,
}

/// How to log in, as often as wanted.
#[derive(Clone)]
pub(crate) enum Account {
    Config(Box<Config>),
    Selector(String),
}

impl Account {
    pub(crate) fn open(&self, settings: Settings) -> Result<Driver> {
        match self {
            Self::Config(config) => Driver::open_with(config.as_ref().clone(), settings),
            Self::Selector(selector) => Driver::from_selector_with(selector, settings),
        }
    }
}

impl Cloud {
    /// Starts a sim that has room for `nodes` nodes.
    pub(crate) fn sim(nodes: usize, tls: bool) -> std::result::Result<Self, Complaint> {
        let (sim, ready) = SimChild::start(nodes, tls)?;
        let mut config = Config::password(ready.auth_url, ready.user, ready.password)
            .project(ready.project)
            .domain(ready.domain)
            .region(ready.region);
        if let Some(pem) = ready.ca_pem {
            config = config.ca_pem(pem);
        }
        Ok(Self { account: Account::Config(Box::new(config)), sim: Some(sim) })
    }

    pub(crate) fn real(selector: &str) -> Self {
        Self { account: Account::Selector(selector.to_owned()), sim: None }
    }

    /// Says whose counts these are.
    pub(crate) fn counted_by(&self) -> &'static str {
        match self.sim {
            Some(_) => "server",
            None => "driver",
        }
    }

    /// Begins to count anew, where the server counts.
    pub(crate) fn reset(&mut self) -> std::result::Result<(), Complaint> {
        match &mut self.sim {
            Some(sim) => sim.reset(),
            None => Ok(()),
        }
    }

    /// What the server counted since; of a real cloud, what the drivers of the run counted.
    pub(crate) fn counts(&mut self, tally: &Tally) -> std::result::Result<Counts, Complaint> {
        match &mut self.sim {
            Some(sim) => sim.counts(),
            None => Ok(tally.counted()),
        }
    }
}
