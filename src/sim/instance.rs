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

/// Where a server is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Building,
    Running,
    Stopped,
    Failed,
    Deleting,
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

    pub(super) fn phase(&self) -> Phase {
        if self.goes.is_some() {
            Phase::Deleting
        } else if Instant::now() < self.boots {
            Phase::Building
        } else if self.flavor.id == flavor::IMPOSSIBLE {
            Phase::Failed
        } else if self.is_running() {
            Phase::Running
        } else {
            Phase::Stopped
        }
    }

    /// Begins a task that takes this long, if Nova would.
    pub(super) fn begin(&mut self, task: Task, takes: Duration) -> Result<(), Conflict> {
        self.check_lock()?;
        let state = self.vm_state();
        let fits = match task {
            Task::Reboot | Task::Stop => state == "active",
            Task::HardReboot => state == "active" || state == "stopped",
            Task::Start => state == "stopped",
        };
        if state == "error" {
            return Err(Conflict::NotReady);
        }
        if !fits {
            return Err(Conflict::State("vm_state", state));
        }
        match self.task_state() {
            None => {}
            // A reboot that hangs is what a hard reboot is for.
            Some(_) if task == Task::HardReboot && self.is_rebooting() => {}
            Some(other) => return Err(Conflict::State("task_state", other)),
        }
        let takes = takes.min(FAR);
        let begun = Timestamp::now();
        self.change = Some(Change {
            task,
            was_running: self.is_running(),
            begun,
            ended: begun.checked_add(takes).unwrap_or(Timestamp::MAX),
            ends: Instant::now() + takes,
        });
        Ok(())
    }

    pub(super) fn check_lock(&self) -> Result<(), Conflict> {
        if self.lock.is_some() { Err(Conflict::Locked) } else { Ok(()) }
    }

    pub(super) fn status(&self) -> &'static str {
        match self.phase() {
            Phase::Building => "BUILD",
            Phase::Failed => "ERROR",
            Phase::Running | Phase::Stopped | Phase::Deleting => {
                match (self.is_running(), self.task()) {
                    (true, Some(Task::Reboot)) => "REBOOT",
                    (true, Some(Task::HardReboot)) => "HARD_REBOOT",
                    (true, _) => "ACTIVE",
                    (false, _) => "SHUTOFF",
                }
            }
        }
    }

    pub(super) fn vm_state(&self) -> &'static str {
        match self.status() {
            "BUILD" => "building",
            "ERROR" => "error",
            "SHUTOFF" => "stopped",
            _ => "active",
        }
    }

    pub(super) fn task_state(&self) -> Option<&'static str> {
        match self.phase() {
            Phase::Building => Some("spawning"),
            Phase::Deleting => Some("deleting"),
            Phase::Failed => None,
            Phase::Running | Phase::Stopped => self.task().map(|task| match task {
                Task::Reboot => "reboot_started",
                Task::HardReboot => "reboot_started_hard",
                Task::Stop => "powering-off",
                Task::Start => "powering-on",
            }),
        }
    }

    /// Libvirt's number of it: running, shut down, or nothing known yet.
    pub(super) fn power_state(&self) -> u8 {
        match self.vm_state() {
            "active" => 1,
            "stopped" => 4,
            _ => 0,
        }
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
            None if self.phase() == Phase::Building => self.created,
            None => self.booted,
        }
    }

    /// The task that goes on now.
    fn task(&self) -> Option<Task> {
        let change = self.change.as_ref()?;
        (Instant::now() < change.ends).then_some(change.task)
    }

    fn is_rebooting(&self) -> bool {
        matches!(self.task(), Some(Task::Reboot | Task::HardReboot))
    }

    fn is_running(&self) -> bool {
        match &self.change {
            None => true,
            Some(change) if Instant::now() < change.ends => change.was_running,
            Some(change) => change.task != Task::Stop,
        }
    }
}
