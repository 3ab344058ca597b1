//! What a driver counts.

use serde::Serialize;

use super::pool::Counts;

/// What a driver counted since it was opened, and what it holds now.
///
/// Taken while others work, the numbers need not belong to one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Requests that were given a connection, logins and repetitions among them.
    pub requests: u64,
    /// Requests sent again after a failure that passes.
    pub retries: u64,
    /// Requests sent again at once, because a pooled connection turned out to be closed.
    pub replays: u64,
    /// Logins and renewals of this driver that succeeded; with keys that need none, 1 from the first
    /// request on.
    pub logins: u64,
    /// Tokens that another driver had logged in for; see
    /// [`Settings::shared_login`](crate::Settings::shared_login).
    pub logins_shared: u64,
    /// Logins and renewals that failed, among them those that another driver made for this one too.
    pub logins_failed: u64,
    /// Connections opened.
    pub connections_opened: u64,
    /// Connections open now, in use or idle.
    pub connections_open: usize,
    /// Connections idle now.
    pub connections_idle: usize,
    /// Connections that went from one runtime, or kind of thread, to another.
    pub connections_moved: u64,
    /// Connections found closed by the cloud when they were to be used.
    pub connections_stale: u64,
    /// Callers that wait for a connection now.
    pub waiting: usize,
    /// How often a caller had to wait for a connection.
    pub waits: u64,
    /// Answers in which a cloud asked for fewer requests.
    pub slowed_down: u64,
    /// Callers that wait now because a cloud asked for fewer requests.
    pub held_back: usize,
}

impl Stats {
    pub(super) fn add(&mut self, pool: Counts) {
        self.requests += pool.leased.saturating_sub(pool.stale);
        self.connections_opened += pool.opened;
        self.connections_open += pool.open;
        self.connections_idle += pool.idle;
        self.connections_moved += pool.moved;
        self.connections_stale += pool.stale;
        self.waiting += pool.waiting;
        self.waits += pool.waits;
    }
}
