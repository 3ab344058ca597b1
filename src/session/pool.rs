//! The connections to one origin: bounded, shared, first come first served.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::Id;

use crate::error::{Error, ErrorKind, Phase, Result};
use crate::settings::Settings;
use crate::wire::connection::Connection;
use crate::wire::dial::Dialer;
use crate::wire::{Origin, alarm, home, park};

/// The connections to one origin.
///
/// A connection is in exactly one place: idle here, in a lease, or on its way to a waiter. Whoever
/// has one, or the permit to open one, counts in `live`.
pub(crate) struct Pool {
    origin: Origin,
    dialer: Arc<Dialer>,
    cap: usize,
    idle_timeout: Duration,
    own_reactor: bool,
    state: Mutex<State>,
    /// The mutant's one socket, which it hands to everybody.
    #[cfg(test)]
    shared: Option<Mutex<Option<Box<Connection>>>>,
}

#[derive(Default)]
// A connection moves between here, leases and waiters: as a pointer, not as half a kilobyte.
#[allow(clippy::vec_box)]
struct State {
    /// Newest last. Never both idle connections and waiters.
    idle: Vec<Box<Connection>>,
    live: usize,
    /// By arrival.
    waiting: BTreeMap<u64, Arc<Waiter>>,
    next_ticket: u64,
    swept: Option<Instant>,
    counts: Counts,
}

/// What a pool counted since it was made, and what it holds now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) open: usize,
    pub(crate) idle: usize,
    pub(crate) waiting: usize,
    pub(crate) opened: u64,
    pub(crate) reused: u64,
    pub(crate) waits: u64,
    pub(crate) stale: u64,
    pub(crate) moved: u64,
}

/// A caller in the queue.
#[derive(Default)]
struct Waiter(Mutex<Slot>);

#[derive(Default)]
struct Slot {
    granted: Option<Granted>,
    waker: Option<Waker>,
    left: bool,
}

/// What a waiter is handed.
enum Granted {
    Connection(Box<Connection>),
    /// The right to open one.
    Permit,
}

/// What a caller needs a connection for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    /// When the operation ends, connection or not.
    pub(crate) deadline: Instant,
    /// The request may go out again if the connection turns out dead.
    pub(crate) replayable: bool,
    /// Only a connection that was never used will do.
    pub(crate) fresh: bool,
    /// A login. It never queues: those who hold the connections may be waiting for it.
    pub(crate) login: bool,
}

impl Pool {
    pub(crate) fn new(origin: Origin, dialer: Arc<Dialer>, settings: &Settings) -> Self {
        Self {
            origin,
            dialer,
            cap: settings.connections_per_host,
            idle_timeout: settings.idle_timeout,
            own_reactor: settings.own_reactor,
            state: Mutex::default(),
            #[cfg(test)]
            shared: settings.hands_out_twice.then(Mutex::default),
        }
    }

    /// Waits for a connection of its own for the caller.
    ///
    /// # Cancellation
    /// Dropped at any point it gives back what it held.
    pub(crate) async fn lease(self: &Arc<Self>, need: Need) -> Result<Lease> {
        let here = (!park::in_wait()).then(|| home::runtime(self.own_reactor).id());
        let granted = match self.take(here, need) {
            Taken::Now(granted) => granted,
            Taken::Queued(place) => place.wait(need.deadline).await?,
        };
        let mut lease = Lease { pool: Arc::clone(self), connection: None, extra: false };
        match granted {
            Granted::Connection(connection) => {
                lease.connection = Some(connection);
                if lease.check(here, need) {
                    return Ok(lease);
                }
                // Closed by the peer: who came first keeps the place, and opens another.
            }
            Granted::Permit => lease.extra = need.login,
        }
        // Opening is rare and large: keep it out of every operation's own size.
        lease.connection = Some(Box::pin(self.open(need.deadline)).await?);
        self.state.lock().counts.opened += 1;
        Ok(lease)
    }

    async fn open(&self, deadline: Instant) -> Result<Box<Connection>> {
        let dial = alarm::timeout_at(deadline, self.own_reactor, self.dialer.dial(&self.origin));
        let open = async { dial.await.unwrap_or_else(|| Err(self.exhausted())) };
        #[cfg(test)]
        if let Some(shared) = &self.shared {
            let first = shared.lock().take();
            let first = match first {
                Some(first) => first,
                None => Box::new(open.await?),
            };
            let twin = first.twin().await;
            *shared.lock() = Some(first);
            return Ok(Box::new(twin));
        }
        Ok(Box::new(open.await?))
    }

    fn take(self: &Arc<Self>, here: Option<Id>, need: Need) -> Taken {
        let mut state = self.state.lock();
        let mut dead = self.sweep(&mut state);
        if need.fresh {
            // One connection was closed by the peer: the older ones most likely were too.
            state.live -= state.idle.len();
            dead.append(&mut state.idle);
        }
        let suits = state.idle.iter().rposition(|c| c.suits(here));
        let taken = match suits.or(state.idle.len().checked_sub(1)) {
            Some(i) => {
                state.counts.reused += 1;
                Taken::Now(Granted::Connection(state.idle.remove(i)))
            }
            None if need.login => Taken::Now(Granted::Permit),
            None if state.live < self.cap && state.waiting.is_empty() => {
                state.live += 1;
                Taken::Now(Granted::Permit)
            }
            None => {
                let (ticket, waiter) = (state.next_ticket, Arc::<Waiter>::default());
                state.next_ticket += 1;
                state.counts.waits += 1;
                state.waiting.insert(ticket, Arc::clone(&waiter));
                Taken::Queued(Place { pool: Arc::clone(self), ticket, waiter })
            }
        };
        drop(state);
        // Sockets are closed outside the lock.
        drop(dead);
        taken
    }

    /// Takes out what has been idle or alive for too long, at most once a second.
    #[must_use]
    #[allow(clippy::vec_box)]
    fn sweep(&self, state: &mut State) -> Vec<Box<Connection>> {
        let now = Instant::now();
        if state.swept.is_some_and(|at| now.saturating_duration_since(at) < SWEEP_EVERY) {
            return Vec::new();
        }
        state.swept = Some(now);
        let idle = std::mem::take(&mut state.idle);
        let (old, idle): (Vec<_>, Vec<_>) = idle.into_iter().partition(|c| self.is_over(c, now));
        state.idle = idle;
        state.live -= old.len();
        old
    }

    fn is_over(&self, connection: &Connection, now: Instant) -> bool {
        connection.idle(now) >= self.idle_timeout || connection.has_had_its_time(now)
    }

    /// Gives a connection to the first waiter, or lays it down.
    fn put(&self, mut connection: Box<Connection>, extra: bool) {
        let reusable = connection.reusable() && !self.is_over(&connection, Instant::now());
        let mut state = self.state.lock();
        let old = self.sweep(&mut state);
        if extra {
            // A login's own connection joins the others where there is room.
            if !reusable || state.live >= self.cap {
                drop((state, old));
                return drop(connection);
            }
            state.live += 1;
        }
        drop((state, old));
        if reusable {
            self.give(Granted::Connection(connection));
        } else {
            drop(connection);
            self.give(Granted::Permit);
        }
    }

    /// Hands a connection, or the right to open one, to the first waiter, or lays it down.
    fn give(&self, mut granted: Granted) {
        loop {
            let mut state = self.state.lock();
            let Some((_, waiter)) = state.waiting.pop_first() else {
                match granted {
                    Granted::Connection(connection) => state.idle.push(connection),
                    Granted::Permit => state.live -= 1,
                }
                return;
            };
            state.counts.reused += u64::from(matches!(granted, Granted::Connection(_)));
            drop(state);
            match waiter.take(granted) {
                None => return,
                Some(back) => granted = back,
            }
        }
    }

    pub(crate) fn close_idle(&self) {
        let mut state = self.state.lock();
        let idle = std::mem::take(&mut state.idle);
        state.live -= idle.len();
        drop(state);
        drop(idle);
    }

    pub(crate) fn counts(&self) -> Counts {
        let state = self.state.lock();
        Counts {
            open: state.live,
            idle: state.idle.len(),
            waiting: state.waiting.len(),
            ..state.counts
        }
    }

    fn exhausted(&self) -> Error {
        let Counts { open, idle, waiting, .. } = self.counts();
        let advice = match park::in_wait() && tokio::runtime::Handle::try_current().is_ok() {
            true => "this wait() blocks a runtime's thread: .await there instead",
            false => "allow more connections_per_host, or more time",
        };
        let text = format!(
            "no connection to {} became free in time: {open} of {} open, {idle} idle, {waiting} \
             waiting; {advice}",
            self.origin, self.cap
        );
        Error::new(ErrorKind::Timeout(Phase::Acquire), text)
    }
}

enum Taken {
    Now(Granted),
    Queued(Place),
}

/// A place in the queue; dropped, it is given up.
struct Place {
    pool: Arc<Pool>,
    ticket: u64,
    waiter: Arc<Waiter>,
}

impl Place {
    async fn wait(self, deadline: Instant) -> Result<Granted> {
        let granted = poll_fn(|cx| {
            let mut slot = self.waiter.0.lock();
            if let Some(granted) = slot.granted.take() {
                return Poll::Ready(granted);
            }
            slot.waker = Some(cx.waker().clone());
            Poll::Pending
        });
        match alarm::timeout_at(deadline, self.pool.own_reactor, granted).await {
            Some(granted) => Ok(granted),
            None => Err(self.pool.exhausted()),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pool.state.lock().waiting.remove(&self.ticket);
        let mut slot = self.waiter.0.lock();
        slot.left = true;
        let granted = slot.granted.take();
        drop(slot);
        // What was handed over at the same moment goes to the next one.
        if let Some(granted) = granted {
            self.pool.give(granted);
        }
    }
}

impl Waiter {
    /// Takes what is handed over, or gives it back if the caller has left.
    fn take(&self, granted: Granted) -> Option<Granted> {
        let mut slot = self.0.lock();
        if slot.left {
            return Some(granted);
        }
        slot.granted = Some(granted);
        let waker = slot.waker.take();
        drop(slot);
        if let Some(waker) = waker {
            waker.wake();
        }
        None
    }
}

/// A connection, or the permit to open one, in the hands of one caller.
///
/// Dropped, a sound connection goes back to the pool; any other is closed.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    connection: Option<Box<Connection>>,
    /// It does not count in `live`.
    extra: bool,
}

impl Lease {
    pub(crate) fn connection(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("a lease is given out with its connection")
    }

    /// Makes a used connection ready for this caller; `false` if the peer has left.
    fn check(&mut self, here: Option<Id>, need: Need) -> bool {
        let connection = self.connection();
        let idle = connection.idle(Instant::now());
        let look = idle >= if need.replayable { TRUSTED } else { TRUSTED_WITH_A_CREATE };
        let moves = !connection.suits(here);
        if moves {
            connection.leave_home();
        }
        let stale = look && connection.is_stale();
        if moves || stale {
            let mut state = self.pool.state.lock();
            state.counts.moved += u64::from(moves);
            state.counts.stale += u64::from(stale);
        }
        if stale {
            drop(self.connection.take());
        }
        !stale
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        match self.connection.take() {
            Some(connection) => self.pool.put(connection, self.extra),
            None if self.extra => {}
            None => self.pool.give(Granted::Permit),
        }
    }
}

const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// A connection idle for less is used without a look: a request that can go out again is cheaper
/// sent twice, once in a blue moon, than looked at each time.
const TRUSTED: Duration = Duration::from_secs(1);
/// For a request that must not go out again.
const TRUSTED_WITH_A_CREATE: Duration = Duration::from_millis(10);
