//! welkin: one driver for all tasks or all threads, or one for each thread.

use welkin::{Compute, Driver, openstack};

use crate::crew::{Asynchronous, Blocking};
use crate::failure::Failure;
use crate::place::{Place, Work};

#[derive(Clone)]
pub(crate) struct Shared {
    driver: Driver,
    compute: Compute,
    work: Work,
}

impl Shared {
    fn new(config: openstack::Config, work: Work) -> Result<Self, Failure> {
        let driver = Driver::open(config)?;
        let compute = driver.compute()?;
        Ok(Self { driver, compute, work })
    }

    fn thing(&self) -> welkin::Op<bytes::Bytes> {
        let native = self.driver.native::<openstack::OpenStack>().expect("it is OpenStack");
        self.driver.send(native.get("bench", "/thing"))
    }
}

impl Asynchronous for Shared {
    async fn open(place: &Place) -> Result<Self, Failure> {
        Self::new(config(place), place.work)
    }

    async fn ask(&mut self) -> Result<(), Failure> {
        match self.work {
            Work::Thing => drop(self.thing().await?),
            Work::Nodes => drop(self.compute.list_nodes().await?),
        }
        Ok(())
    }
}

/// The same for threads.
#[derive(Clone)]
pub(crate) struct SharedByThreads(Shared);

impl Blocking for SharedByThreads {
    fn open(place: &Place) -> Result<Self, Failure> {
        Shared::new(config(place), place.work).map(Self)
    }

    fn ask(&mut self) -> Result<(), Failure> {
        ask(&self.0)
    }
}

/// A driver for each thread, which opens it when it asks first.
pub(crate) struct Own {
    config: openstack::Config,
    work: Work,
    own: Option<Shared>,
}

impl Clone for Own {
    fn clone(&self) -> Self {
        Self { config: self.config.clone(), work: self.work, own: None }
    }
}

impl Blocking for Own {
    fn open(place: &Place) -> Result<Self, Failure> {
        Ok(Self { config: config(place), work: place.work, own: None })
    }

    fn ask(&mut self) -> Result<(), Failure> {
        if self.own.is_none() {
            self.own = Some(Shared::new(self.config.clone(), self.work)?);
        }
        self.own.as_ref().map_or(Ok(()), ask)
    }
}

fn ask(shared: &Shared) -> Result<(), Failure> {
    match shared.work {
        Work::Thing => drop(shared.thing().wait()?),
        Work::Nodes => drop(shared.compute.list_nodes().wait()?),
    }
    Ok(())
}

fn config(place: &Place) -> openstack::Config {
    openstack::Config::password(place.url(""), "bench", "secret")
        .project("bench")
        .ca_pem(place.ca_pem.as_bytes())
}
