//! One server, and the course of its life.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::flavor::{self, Flavor};
use super::world::FAR;

pub(super) struct Server {
    pub(super) id: String,
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) flavor: &'static Flavor,
    pub(super) image_id: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) key_name: Option<String>,
    pub(super) has_network: bool,
    /// Its place in the network, if it has one.
    pub(super) port_id: Option<String>,
    pub(super) created: Timestamp,
    pub(super) booted: Timestamp,
    pub(super) lock: Option<Lock>,
    pub(super) appears: Instant,
    pub(super) boots: Instant,
    pub(super) goes: Option<Instant>,
    change: Option<Change>,
}

/// While a server is locked nobody changes it.
pub(super) struct Lock {
    pub(super) reason: Option<String>,
}

/// Where a server is in its life, in Nova's words.
pub(super) struct State {
    pub(super) status: &'static str,
    pub(super) vm_state: &'static str,
    pub(super) task_state: Option<&'static str>,
    /// Libvirt's number of it: running, shut down, or nothing known yet.
    pub(super) power_state: u8,
}

/// What is done to a server that has booted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Reboot,
    HardReboot,
    Stop,
    Start,
}

/// The last task: it goes on until its end, and what it led to stays.
struct Change {
    task: Task,
    was_running: bool,
    begun: Timestamp,
    ended: Timestamp,
    ends: Instant,
}

/// Why a task cannot begin.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Conflict {
    Locked,
    /// No host has it.
    NotReady,
    /// It is in the wrong `vm_state` or `task_state`, and in which.
    State(&'static str, &'static str),
}

impl Server {
    /// A server before it is added to the world.
    pub(super) fn new(name: String, flavor: &'static Flavor) -> Server {
        Server {
            id: String::new(),
            number: 0,
            name,
            description: None,
            flavor,
            image_id: None,
            metadata: BTreeMap::new(),
            key_name: None,
            has_network: true,
            port_id: None,
            created: Timestamp::UNIX_EPOCH,
            booted: Timestamp::UNIX_EPOCH,
            lock: None,
            appears: Instant::now(),
            boots: Instant::now(),
            goes: None,
            change: None,
        }
    }

    /// Whether requests see it.
    pub(super) fn is_seen(&self) -> bool {
        Instant::now() >= self.appears
    }

    /// All of it at one moment, so that its parts fit each other.
    pub(super) fn state(&self) -> State {
        let now = Instant::now();
        let task =
            self.change.as_ref().filter(|change| now < change.ends).map(|change| change.task);
        let is_running = self.is_running(now);
        let at_rest = if is_running { "ACTIVE" } else { "SHUTOFF" };
        let (status, task_state) = if self.goes.is_some() {
            (at_rest, Some("deleting"))
        } else if now < self.boots {
            ("BUILD", Some("spawning"))
        } else if self.flavor.id == flavor::IMPOSSIBLE {
            ("ERROR", None)
        } else {
            match task {
                None => (at_rest, None),
                Some(Task::Reboot) => ("REBOOT", Some("reboot_started")),
                Some(Task::HardReboot) if is_running => ("HARD_REBOOT", Some(REBOOTING_HARD)),
                Some(Task::HardReboot) => (at_rest, Some(REBOOTING_HARD)),
                Some(Task::Stop) => (at_rest, Some("powering-off")),
                Some(Task::Start) => (at_rest, Some("powering-on")),
            }
        };
        let (vm_state, power_state) = match status {
            "BUILD" => ("building", 0),
            "ERROR" => ("error", 0),
            "SHUTOFF" => ("stopped", 4),
            _ => ("active", 1),
        };
        State { status, vm_state, task_state, power_state }
    }

    pub(super) fn status(&self) -> &'static str {
        self.state().status
    }

    /// Begins a task that takes this long, if Nova would.
    pub(super) fn begin(&mut self, task: Task, takes: Duration) -> Result<(), Conflict> {
        self.check_lock()?;
        let State { vm_state, task_state, .. } = self.state();
        let fits = match task {
            Task::Reboot | Task::Stop => vm_state == "active",
            Task::HardReboot => vm_state == "active" || vm_state == "stopped",
            Task::Start => vm_state == "stopped",
        };
        if vm_state == "error" {
            return Err(Conflict::NotReady);
        }
        if !fits {
            return Err(Conflict::State("vm_state", vm_state));
        }
        match task_state {
            None => {}
            // A reboot that hangs is what a hard reboot is for.
            Some(other) if task == Task::HardReboot && other.starts_with("reboot") => {}
            Some(other) => return Err(Conflict::State("task_state", other)),
        }
        let takes = takes.min(FAR);
        let begun = Timestamp::now();
        self.change = Some(Change {
            task,
            was_running: self.is_running(Instant::now()),
            begun,
            ended: begun.checked_add(takes).unwrap_or(Timestamp::MAX),
            ends: Instant::now() + takes,
        });
        Ok(())
    }

    pub(super) fn check_lock(&self) -> Result<(), Conflict> {
        if self.lock.is_some() { Err(Conflict::Locked) } else { Ok(()) }
    }

    /// Its address within 10.10.0.0/16, the subnet of the network, and that of its interface. The first
    /// addresses are the gateway's.
    pub(super) fn address(&self) -> (String, String) {
        let host = self.number % 65_000 + 10;
        let (high, low) = (host / 256, host % 256);
        (format!("10.10.{high}.{low}"), format!("fa:16:3e:00:{high:02x}:{low:02x}"))
    }

    pub(super) fn updated(&self) -> Timestamp {
        match &self.change {
            Some(change) if Instant::now() < change.ends => change.begun,
            Some(change) => change.ended,
            None if Instant::now() < self.boots => self.created,
            None => self.booted,
        }
    }

    fn is_running(&self, now: Instant) -> bool {
        match &self.change {
            None => true,
            Some(change) if now < change.ends => change.was_running,
            Some(change) => change.task != Task::Stop,
        }
    }
}

const REBOOTING_HARD: &str = "reboot_started_hard";
