//! What went wrong in a run, and what its drivers counted.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde::Deserialize;
use welkin::{Cancel, ErrorKind};

use crate::complaint::{Complaint, tell};

/// What all workers of a run note, at the same time.
pub(crate) struct Tally {
    stop: Cancel,
    failed: AtomicU64,
    wrong: AtomicU64,
    /// The first few things that went wrong, each with those that are alike.
    troubles: Mutex<Vec<Trouble>>,
    counted: Mutex<Counts>,
}

struct Trouble {
    /// Failures of one operation and kind are told once.
    alike: Option<(Option<&'static str>, ErrorKind)>,
    line: String,
    times: u64,
}

/// Logins, connections and requests of a run.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Counts {
    pub(crate) requests: u64,
    pub(crate) logins: u64,
    pub(crate) connections: u64,
}

impl Tally {
    pub(crate) fn new(stop: &Cancel) -> Self {
        Self {
            stop: stop.clone(),
            failed: AtomicU64::new(0),
            wrong: AtomicU64::new(0),
            troubles: Mutex::default(),
            counted: Mutex::default(),
        }
    }

    /// Takes the value out of a result, and notes the failure if there is none.
    pub(crate) fn take<T>(&self, result: welkin::Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            // What we cancelled ourselves did not fail.
            Err(e) if e.kind() == ErrorKind::Canceled && self.stop.is_canceled() => None,
            Err(e) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                let alike = (e.operation(), e.kind());
                self.keep(Some(alike), || {
                    let complaint = match alike {
                        (Some("create_node"), ErrorKind::Ambiguous) => {
                            Complaint::from(e).and("the demo looks for the node and destroys it")
                        }
                        _ => Complaint::from(e),
                    };
                    complaint.to_string()
                });
                None
            }
        }
    }

    /// Notes a failure outside of the library.
    pub(crate) fn fail(&self, line: &str) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        self.keep(None, || line.to_owned());
    }

    /// Notes an answer that cannot be true.
    pub(crate) fn wrong(&self, line: &str) {
        self.wrong.fetch_add(1, Ordering::Relaxed);
        self.keep(None, || line.to_owned());
    }

    /// Adds what one driver counted, at its end.
    pub(crate) fn count(&self, driver: &welkin::Driver) {
        let stats = driver.stats();
        let mut counted = self.counted.lock();
        counted.requests += stats.requests;
        counted.logins += stats.logins;
        counted.connections += stats.connections_opened;
    }

    pub(crate) fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    pub(crate) fn wrongs(&self) -> u64 {
        self.wrong.load(Ordering::Relaxed)
    }

    pub(crate) fn counted(&self) -> Counts {
        *self.counted.lock()
    }

    /// Prints the first few things that went wrong.
    pub(crate) fn print(&self, title: &str) {
        let troubles = self.troubles.lock();
        for Trouble { line, times, .. } in troubles.iter() {
            match times {
                1 => tell(&format!("{title}: {line}")),
                _ => tell(&format!("{title}: {line} ({times} times)")),
            }
        }
        let told: u64 = troubles.iter().map(|trouble| trouble.times).sum();
        match self.failed() + self.wrongs() - told {
            0 => {}
            more => tell(&format!("{title}: and {more} more")),
        }
    }

    fn keep(
        &self,
        alike: Option<(Option<&'static str>, ErrorKind)>,
        line: impl FnOnce() -> String,
    ) {
        let mut troubles = self.troubles.lock();
        let known = troubles.iter_mut().find(|trouble| alike.is_some() && trouble.alike == alike);
        if let Some(known) = known {
            known.times += 1;
        } else if troubles.len() < SHOWN {
            troubles.push(Trouble { alike, line: line(), times: 1 });
        }
    }
}

/// How many different troubles are shown.
const SHOWN: usize = 5;
