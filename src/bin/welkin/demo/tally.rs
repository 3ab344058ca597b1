//! What went wrong in a run, and what its drivers counted.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde::Deserialize;
use welkin::{Cancel, ErrorKind};

use crate::complaint::Complaint;

/// What all workers of a run note, at the same time.
pub(crate) struct Tally {
    stop: Cancel,
    failed: AtomicU64,
    wrong: AtomicU64,
    /// The first few things that went wrong, one line each.
    lines: Mutex<Vec<String>>,
    counted: Mutex<Counts>,
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
            lines: Mutex::default(),
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
                self.fail(&Complaint::from(e).to_string());
                None
            }
        }
    }

    pub(crate) fn fail(&self, line: &str) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        self.keep(line);
    }

    /// Notes an answer that cannot be true.
    pub(crate) fn wrong(&self, line: &str) {
        self.wrong.fetch_add(1, Ordering::Relaxed);
        self.keep(line);
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
        let lines = self.lines.lock();
        for line in lines.iter() {
            eprintln!("{title}: {line}");
        }
        let more = (self.failed() + self.wrongs()).saturating_sub(lines.len() as u64);
        if more > 0 {
            eprintln!("{title}: and {more} more");
        }
    }

    fn keep(&self, line: &str) {
        let mut lines = self.lines.lock();
        if lines.len() < SHOWN {
            lines.push(line.to_owned());
        }
    }
}

/// How many failures are shown; the rest is usually the same again.
const SHOWN: usize = 5;
