//! How long an exchange may take.

use std::time::{Duration, Instant};

/// Until when an exchange must be over.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    /// As things stand.
    pub(crate) deadline: Instant,
    /// Each byte that moves gives it this long from then on, but never beyond `limit`.
    pub(crate) stall: Option<Duration>,
    pub(crate) limit: Instant,
}

impl Terms {
    pub(crate) fn until(deadline: Instant) -> Self {
        Self { deadline, stall: None, limit: deadline }
    }

    pub(super) fn bytes_moved(&mut self) {
        if let Some(stall) = self.stall {
            self.deadline = (Instant::now() + stall).min(self.limit);
        }
    }
}
