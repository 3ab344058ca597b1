//! The time, as a value that is handed down.

use std::time::{Duration, Instant, SystemTime};

/// One moment on both clocks: the monotonic one may stand still while the machine sleeps, the wall
/// clock may be set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) instant: Instant,
    pub(crate) wall: SystemTime,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self { instant: Instant::now(), wall: SystemTime::now() }
    }

    /// Returns the moment `later`; one that no clock can show is far enough in the future.
    pub(crate) fn plus(self, later: Duration) -> Self {
        let later = later.min(FAR);
        Self { instant: self.instant + later, wall: self.wall + later }
    }

    /// Tells whether either clock has reached `end`.
    pub(crate) fn reached(self, end: Self) -> bool {
        self.instant >= end.instant || self.wall >= end.wall
    }
}

const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
