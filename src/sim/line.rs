//! What a connection and the requests on it tell each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

/// The state of one connection. All of it is touched by one task only, the connection's own; the
/// atomics are for the compiler, which cannot know.
#[derive(Default)]
pub(super) struct Line {
    ending: Mutex<Option<Ending>>,
    blocked: AtomicBool,
    in_flight: AtomicU32,
    served: AtomicU64,
}

/// How a connection shall end, other than by the client's will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// With an RST, at once.
    Reset,
    /// In order, when all bytes are sent.
    Close,
    /// Without TLS's farewell, when all bytes are sent.
    Cut,
}

impl Line {
    pub(super) fn end(&self, how: Ending) {
        *self.ending.lock() = Some(how);
    }

    /// How the connection shall end now, if it shall.
    pub(super) fn ending(&self) -> Option<Ending> {
        self.ending.lock().filter(|how| *how == Ending::Reset || !self.is_blocked())
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
