//! What a connection and the requests on it tell each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

use super::script::Script;

/// The state of one connection. All of it is touched by one task only, the connection's own; the
/// atomics are for the compiler, which cannot know.
#[derive(Default)]
pub(super) struct Line {
    script: Mutex<Option<Script>>,
    blocked: AtomicBool,
    in_flight: AtomicU32,
    served: AtomicU64,
}

impl Line {
    /// Has the connection's task take over from here.
    pub(super) fn play(&self, script: Script) {
        *self.script.lock() = Some(script);
    }

    /// What the connection's task shall do by hand now, if anything. Answers before it go out first.
    pub(super) fn script(&self) -> Option<Script> {
        if self.is_blocked() { None } else { self.script.lock().take() }
    }

    /// Whether bytes wait for the client to make room for them.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.load(Relaxed)
    }

    pub(super) fn set_blocked(&self, blocked: bool) {
        self.blocked.store(blocked, Relaxed);
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.load(Relaxed) == 0 && !self.is_blocked()
    }

    /// How many requests have been answered.
    pub(super) fn served(&self) -> u64 {
        self.served.load(Relaxed)
    }

    /// The connection is busy until the result is dropped.
    pub(super) fn busy(self: &Arc<Line>) -> Busy {
        self.in_flight.fetch_add(1, Relaxed);
        Busy(Arc::clone(self))
    }
}

/// A request on its way.
pub(super) struct Busy(Arc<Line>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
        self.0.served.fetch_add(1, Relaxed);
    }
}
