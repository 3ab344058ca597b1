//! The servers that exist.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use super::cloud::Pace;
use super::instance::Server;
use super::world::{FAR, World};

#[derive(Default)]
pub(super) struct Servers {
    /// In the order of their creation.
    by_number: BTreeMap<u64, Server>,
    numbers: HashMap<String, u64>,
    next: u64,
    /// The numbers of those whose deletion has begun.
    leaving: Vec<u64>,
}

/// One server, as [`Sim::servers`](super::Sim::servers) tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ServerSummary {
    /// Its id, a UUID.
    pub id: String,
    /// Its name; several may have the same.
    pub name: String,
    /// Nova's status: `BUILD`, `ACTIVE`, `REBOOT`, `HARD_REBOOT`, `SHUTOFF` or `ERROR`.
    pub status: String,
    /// The metadata given at its creation, and what has become of them since.
    pub metadata: BTreeMap<String, String>,
}

impl Servers {
    /// One that requests see.
    pub(super) fn get(&self, id: &str) -> Option<&Server> {
        self.by_number.get(self.numbers.get(id)?).filter(|server| server.is_seen())
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Server> {
        self.by_number.get_mut(self.numbers.get(id)?).filter(|server| server.is_seen())
    }

    /// Those that requests see, newest first, as Nova lists them.
    pub(super) fn newest(&self) -> impl Iterator<Item = &Server> {
        self.by_number.values().rev().filter(|server| server.is_seen())
    }

    pub(super) fn count(&self) -> usize {
        self.by_number.len()
    }

    pub(super) fn cores_in_use(&self) -> u32 {
        self.by_number.values().map(|server| server.flavor.vcpus).sum()
    }

    pub(super) fn memory_in_use(&self) -> u32 {
        self.by_number.values().map(|server| server.flavor.ram).sum()
    }

    /// Oldest first, also those that requests do not see yet.
    pub(super) fn summaries(&self) -> Vec<ServerSummary> {
        let summary = |server: &Server| ServerSummary {
            id: server.id.clone(),
            name: server.name.clone(),
            status: server.status().into(),
            metadata: server.metadata.clone(),
        };
        self.by_number.values().map(summary).collect()
    }
}

impl World {
    /// Adds a server as described; id, number and times are set here.
    pub(super) fn add_server(&mut self, mut server: Server, pace: &Pace) -> String {
        let until_active = pace.create_delay.saturating_add(pace.boot_time).min(FAR);
        server.id = self.uuid();
        server.port_id = server.has_network.then(|| self.uuid());
        server.number = self.servers.next;
        server.created = Timestamp::now();
        server.booted = server.created.checked_add(until_active).unwrap_or(Timestamp::MAX);
        server.appears = Instant::now() + pace.hidden_time.min(FAR);
        server.boots = Instant::now() + until_active;
        self.servers.next += 1;
        let id = server.id.clone();
        self.servers.numbers.insert(id.clone(), server.number);
        self.servers.by_number.insert(server.number, server);
        id
    }

    /// Begins to delete a server that is there.
    pub(super) fn delete_server(&mut self, id: &str, takes: Duration) {
        let Some(server) = self.servers.get_mut(id).filter(|server| server.goes.is_none()) else {
            return;
        };
        // One that never reached a host has nothing to be cleared away and goes at once.
        let takes = if server.status() == "ERROR" { Duration::ZERO } else { takes.min(FAR) };
        server.goes = Some(Instant::now() + takes);
        let number = server.number;
        self.servers.leaving.push(number);
        self.settle_servers();
    }

    pub(super) fn remove_servers(&mut self) {
        let next = self.servers.next;
        for server in std::mem::take(&mut self.servers).by_number.into_values() {
            self.volumes.release(&server.id);
        }
        self.servers.next = next;
    }

    /// Lets go of the servers whose deletion is over, and of their volumes.
    pub(super) fn settle_servers(&mut self) {
        let now = Instant::now();
        let World { servers, volumes, .. } = self;
        let Servers { by_number, numbers, leaving, .. } = servers;
        leaving.retain(|number| {
            let stays = by_number.get(number).is_some_and(|server| server.goes > Some(now));
            if !stays && let Some(server) = by_number.remove(number) {
                numbers.remove(&server.id);
                volumes.release(&server.id);
            }
            stays
        });
    }
}
