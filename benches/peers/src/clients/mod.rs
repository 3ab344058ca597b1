//! The clients, each as its documentation shows it to those who share one.

mod aws;
mod hyper;
mod openstack;
mod reqwest;
mod ureq;
mod welkin;

use super::crew::{Crew, Tasks, Threads};
use super::failure::Failure;
use super::place::{Place, Work};

/// Puts N to work with one of them. Talks to nobody yet.
pub(crate) fn crew(who: &str, place: Place) -> Result<Box<dyn Crew>, Failure> {
    let has_lists = who == "openstack_sdk" || who.starts_with("welkin");
    if place.work == Work::Nodes && !has_lists {
        return Err(Failure::new(format!(
            "{who:?} has no list of servers of its own: ask for the thing"
        )));
    }
    Ok(match who {
        "welkin" => Box::new(Tasks::<welkin::Shared>::new(place)?),
        "welkin-threads" => Box::new(Threads::<welkin::SharedByThreads>::new(place)),
        "welkin-own" => Box::new(Threads::<welkin::Own>::new(place)),
        "hyper-util" => Box::new(Tasks::<hyper::Pooled>::new(place)?),
        "raw" => Box::new(Tasks::<hyper::Raw>::new(place)?),
        "reqwest" => Box::new(Tasks::<reqwest::Shared>::new(place)?),
        "reqwest-blocking" => Box::new(Threads::<reqwest::SharedByThreads>::new(place)),
        "ureq" => Box::new(Threads::<ureq::Shared>::new(place)),
        "aws" => Box::new(Tasks::<aws::Shared>::new(place)?),
        "openstack_sdk" => Box::new(Tasks::<openstack::Session>::new(place)?),
        _ => {
            return Err(Failure::new(format!(
                "nobody is called {who:?}: welkin, welkin-threads, welkin-own, hyper-util, raw, \
                 reqwest, reqwest-blocking, ureq, aws or openstack_sdk"
            )));
        }
    })
}
