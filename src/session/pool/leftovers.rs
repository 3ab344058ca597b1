//! Exchanges that their callers left: a cancel need not cost a connection.

use std::time::{Duration, Instant};

use crate::session::sync::{AtomicUsize, Mutex, Ordering};
use crate::wire::connection::{Connection, Left};

/// Connections whose answer is still to come, though nobody waits for it.
///
/// No task stands behind them: whoever needs a connection next looks whether one is done. They stand
/// in nobody's way: one is closed as soon as somebody needs its place.
#[derive(Default)]
pub(super) struct Leftovers {
    count: AtomicUsize,
    #[allow(clippy::vec_box)]
    all: Mutex<Vec<(Instant, Box<Connection>)>>,
}

/// What became of some of them.
#[derive(Default)]
#[allow(clippy::vec_box)]
pub(super) struct Settled {
    pub(super) over: Vec<Box<Connection>>,
    pub(super) lost: Vec<Box<Connection>>,
}

impl Leftovers {
    pub(super) fn add(&self, connection: Box<Connection>, now: Instant) {
        let mut all = self.all.lock();
        all.push((now + PATIENCE, connection));
        self.count.store(all.len(), Ordering::Relaxed);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    /// Looks at each of them, without waiting.
    pub(super) fn look(&self, now: Instant) -> Settled {
        let mut settled = Settled::default();
        // Whoever finds it taken knows that somebody is looking.
        let Some(mut all) = self.all.try_lock() else {
            return settled;
        };
        for (until, mut connection) in std::mem::take(&mut *all) {
            match connection.left() {
                Left::Over => settled.over.push(connection),
                Left::Pending if now < until => all.push((until, connection)),
                Left::Pending | Left::Lost => settled.lost.push(connection),
            }
        }
        self.count.store(all.len(), Ordering::Relaxed);
        settled
    }

    /// Gives up the one that was left first.
    pub(super) fn give_up(&self) -> Option<Box<Connection>> {
        let mut all = self.all.lock();
        let first = (!all.is_empty()).then(|| all.remove(0).1);
        self.count.store(all.len(), Ordering::Relaxed);
        first
    }
}

/// Longer than most answers take; much longer would be a bet on a cloud that is not well.
const PATIENCE: Duration = Duration::from_millis(250);
