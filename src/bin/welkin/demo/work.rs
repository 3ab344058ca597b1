//! The work: create nodes, wait until they run, read them back, list and destroy them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use welkin::{Cancel, Compute, Driver, Node};

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
pub(crate) enum Drivers {
    Shared(Driver),
    OneEach(Account),
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
}

/// One thread or task, with its share of the nodes.
pub(crate) struct Worker {
    run: Arc<Run>,
    kind: Kind,
    number: usize,
    ticket: Ticket,
}

impl Worker {
    pub(crate) fn new(run: &Arc<Run>, kind: Kind, number: usize, ticket: Ticket) -> Self {
        Self {
            run: Arc::clone(run),
            kind,
            number,
            ticket,
        }
    }

    /// Does the whole work. What fails is noted and left out of the steps that follow.
    pub(crate) async fn work(mut self) {
        let driver = match &self.run.drivers {
            Drivers::Shared(driver) => Ok(driver.clone()),
            Drivers::OneEach(account) => account.open(),
        };
        let opened = driver.and_then(|driver| Ok((driver.compute()?, driver)));
        let Some((compute, driver)) = self.run.tally.take(opened) else {
            return;
        };

        let nodes = self.create(&compute).await;
        let running = self.wait(&compute, &nodes).await;
        self.read_back(&compute, &running).await;

        self.ticket.pass().await; // now all nodes exist
        self.list(&compute).await;

        self.ticket.pass().await; // now all lists are taken
        self.destroy(&compute, &nodes).await;

        if let Drivers::OneEach(_) = self.run.drivers {
            self.run.tally.count(&driver);
        }
    }

    async fn create(&self, compute: &Compute) -> Vec<Node> {
        let run = &*self.run;
        let mut nodes = Vec::new();
        for name in run.share(self.number) {
            if !run.stop.is_canceled() {
                // Never cancelled half-way: what was ordered must be known, to be destroyed.
                let create = compute.create_node(&run.order.node(&name));
                let created = self.kind.op(create.timeout(PATIENCE)).await;
                if let Some(mut node) = run.tally.take(created) {
                    run.created.lock().push(name.clone());
                    node.name = name;
                    nodes.push(node);
                }
            }
            run.progress.step(Phase::Create);
        }
        nodes
    }

    async fn wait<'n>(&self, compute: &Compute, nodes: &'n [Node]) -> Vec<&'n Node> {
        let run = &*self.run;
        let mut running = Vec::new();
        for node in nodes {
            let wait = compute.wait_until_running(node).timeout(PATIENCE);
            let result = self.kind.op(wait.cancel_on(&run.stop)).await;
            if let Some(answer) = run.tally.take(result) {
                self.compare(node, &answer);
                running.push(node);
            }
            run.progress.step(Phase::Run);
        }
        running
    }

    async fn read_back(&self, compute: &Compute, nodes: &[&Node]) {
        let run = &*self.run;
        for node in nodes {
            let get = compute.get_node(node).cancel_on(&run.stop);
            if let Some(answer) = run.tally.take(self.kind.op(get).await) {
                self.compare(node, &answer);
            }
            run.progress.step(Phase::Read);
        }
    }

    fn compare(&self, asked: &Node, answer: &Node) {
        if (&asked.id, &asked.name) != (&answer.id, &answer.name) {
            self.run.tally.wrong(&format!(
                "asked for node {} ({}), was given {} ({})",
                asked.id, asked.name, answer.id, answer.name
            ));
        }
    }

    /// Takes a list of its own, in which all nodes of all workers must be, once each.
    async fn list(&self, compute: &Compute) {
        let run = &*self.run;
        let list = compute.list_nodes().timeout(PATIENCE).cancel_on(&run.stop);
        if let Some(nodes) = run.tally.take(self.kind.list(list).await) {
            let mut seen = HashMap::<&str, usize>::new();
            for node in &nodes {
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
        run.progress.step(Phase::List);
    }

    async fn destroy(&self, compute: &Compute, nodes: &[Node]) {
        let run = &*self.run;
        for node in nodes {
            let destroyed = self.kind.op(compute.destroy_node(node)).await;
            if run.tally.take(destroyed).is_some() {
                run.destroyed.lock().insert(node.id.clone());
            }
            run.progress.step(Phase::Destroy);
        }
    }
}

/// How many times all workers wait for each other.
pub(crate) const GATES: usize = 2;

/// Real clouds take their time to make a node.
const PATIENCE: Duration = Duration::from_secs(600);
