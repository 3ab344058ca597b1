//! The work: create nodes, wait until they run, read them back, list and destroy them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use welkin::{Cancel, Compute, Driver, Node, Settings};

use super::cloud::Account;
use super::crew::Kind;
use super::gate::Ticket;
use super::order::Order;
use super::progress::{Phase, Progress};
use super::tally::Tally;

/// One run of the work, shared by all its workers.
pub(crate) struct Run {
    pub(crate) drivers: Drivers,
    pub(crate) order: Order,
    /// What all names of this run begin with; nothing else in the account is touched.
    pub(crate) prefix: String,
    /// As many threads as tasks.
    pub(crate) threads: usize,
    pub(crate) nodes: usize,
    pub(crate) stop: Cancel,
    pub(crate) tally: Tally,
    pub(crate) progress: Progress,
    /// Names of the nodes that exist.
    pub(crate) created: Mutex<Vec<String>>,
    /// Ids of the nodes whose end the cloud has accepted.
    pub(crate) destroyed: Mutex<HashSet<String>>,
}

/// Where workers get their driver from; the one thing in which the two runs differ.
// There is one for each run.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Drivers {
    Shared(Driver),
    /// The first one is open already.
    OneEach(Mutex<Option<Driver>>, Account, Settings),
}

impl Drivers {
    fn open(&self) -> welkin::Result<Driver> {
        match self {
            Self::Shared(driver) => Ok(driver.clone()),
            Self::OneEach(first, account, settings) => {
                let first = first.lock().take();
                first.map_or_else(|| account.open(settings.clone()), Ok)
            }
        }
    }
}

impl Run {
    pub(crate) fn workers(&self) -> usize {
        2 * self.threads
    }

    /// Deals the nodes out evenly, by number.
    fn share(&self, worker: usize) -> impl Iterator<Item = String> + '_ {
        (worker..self.nodes)
            .step_by(self.workers())
            .map(|number| format!("{}{:04}", self.prefix, number + 1))
    }

    /// Tells whether the cloud answered, and notes an answer about another node than was asked for.
    fn took(&self, slot: &Slot, answer: welkin::Result<Node>) -> bool {
        let answer = self.tally.take(answer);
        if let (Some(node), Some(id)) = (&answer, &slot.id)
            && (&node.id, &node.name) != (id, &slot.name)
        {
            self.tally.wrong(&format!(
                "asked for node {id} ({}), was given {} ({})",
                slot.name, node.id, node.name
            ));
        }
        answer.is_some()
    }
}

/// One thread or task, with its share of the nodes.
pub(crate) struct Worker {
    run: Arc<Run>,
    kind: Kind,
    share: Vec<Slot>,
    ticket: Ticket,
}

/// One node of a worker's share, and how far it came.
struct Slot {
    name: String,
    id: Option<String>,
    is_running: bool,
}

impl Worker {
    pub(crate) fn new(run: &Arc<Run>, kind: Kind, number: usize, ticket: Ticket) -> Self {
        let share = run.share(number).map(|name| Slot { name, id: None, is_running: false });
        Self { run: Arc::clone(run), kind, share: share.collect(), ticket }
    }

    /// Does the whole work. A node that fails is noted and left out of the phases that follow.
    pub(crate) async fn work(mut self) {
        let opened = self.run.drivers.open().and_then(|driver| Ok((driver.compute()?, driver)));
        let Some((compute, driver)) = self.run.tally.take(opened) else {
            return;
        };

        self.create(&compute).await;
        self.wait(&compute).await;
        self.read_back(&compute).await;

        self.ticket.pass().await; // now all nodes exist
        self.list(&compute).await;

        self.ticket.pass().await; // now all lists are taken
        self.destroy(&compute).await;

        if let Drivers::OneEach(..) = self.run.drivers {
            self.run.tally.count(&driver);
        }
    }

    async fn create(&mut self, compute: &Compute) {
        let run = &*self.run;
        for slot in &mut self.share {
            if !run.stop.is_canceled() {
                // Never cancelled half-way: what was ordered must be known, to be destroyed.
                let create = compute.create_node(&run.order.node(&slot.name));
                let created = self.kind.op(create.timeout(PATIENCE)).await;
                slot.id = run.tally.take(created).map(|node| node.id);
            }
            if slot.id.is_some() {
                run.created.lock().push(slot.name.clone());
            }
            run.progress.step(Phase::Create, slot.id.is_some());
        }
    }

    async fn wait(&mut self, compute: &Compute) {
        let run = &*self.run;
        for slot in &mut self.share {
            if let Some(id) = &slot.id {
                let wait = compute.wait_until_running(id).timeout(PATIENCE);
                let running = self.kind.op(wait.cancel_on(&run.stop)).await;
                slot.is_running = run.took(slot, running);
            }
            run.progress.step(Phase::Run, slot.is_running);
        }
    }

    async fn read_back(&self, compute: &Compute) {
        let run = &*self.run;
        for slot in &self.share {
            let mut good = false;
            if let (Some(id), true) = (&slot.id, slot.is_running) {
                let get = compute.get_node(id).cancel_on(&run.stop);
                good = run.took(slot, self.kind.op(get).await);
            }
            run.progress.step(Phase::Read, good);
        }
    }

    /// Takes a list of its own, in which all nodes of all workers must be, once each.
    async fn list(&self, compute: &Compute) {
        let run = &*self.run;
        let list = compute.list_nodes().timeout(PATIENCE).cancel_on(&run.stop);
        let nodes = run.tally.take(self.kind.list(list).await);
        if let Some(nodes) = &nodes {
            let mut seen = HashMap::<&str, usize>::new();
            for node in nodes {
                *seen.entry(&node.name).or_default() += 1;
            }
            for name in run.created.lock().iter() {
                let times = seen.get(name.as_str()).copied().unwrap_or(0);
                if times != 1 {
                    let line = format!("node {name} is in the final list {times} times");
                    run.tally.wrong(&line);
                }
            }
        }
        run.progress.step(Phase::List, nodes.is_some());
    }

    async fn destroy(&self, compute: &Compute) {
        let run = &*self.run;
        for slot in &self.share {
            let mut good = false;
            if let Some(id) = &slot.id {
                let destroyed = self.kind.op(compute.destroy_node(id)).await;
                good = run.tally.take(destroyed).is_some();
                if good {
                    run.destroyed.lock().insert(id.clone());
                }
            }
            run.progress.step(Phase::Destroy, good);
        }
    }
}

/// How many times all workers wait for each other.
pub(crate) const GATES: usize = 2;

/// Real clouds take their time to make a node.
const PATIENCE: Duration = Duration::from_secs(600);
