//! The connections to one origin: bounded, shared, first come first served.
//!
//! A *hit* takes an idle connection from a stack ([`rack`]); a *miss* waits in a queue, and dials
//! meanwhile if there is room. What is being dialed belongs to the pool: a caller who leaves takes
//! nothing with it ([`place`]), nor does one who leaves a request half way ([`leftovers`]).

mod breaker;
mod exhausted;
mod keep_alive;
mod leftovers;
mod place;
pub(super) mod rack;
#[cfg(all(test, not(welkin_loom)))]
mod tests;

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use http::HeaderMap;
use tokio::runtime::Id;

pub use self::exhausted::Exhausted;
use self::keep_alive::KeepAlive;
use self::leftovers::{Leftovers, Settled};
use self::place::Place;
use self::rack::{Limits, Rack};
use crate::error::Result;
use crate::settings::Settings;
use crate::wire::connection::{Connection, Left};
use crate::wire::dial::Dialer;
use crate::wire::resolve::Epoch;
use crate::wire::{Origin, alarm, home, park};

/// The connections to one origin.
///
/// Proxy and TLS are the driver's own, and so is the pool: nothing else has to match.
pub(crate) struct Pool {
    origin: Origin,
    dialer: Arc<Dialer>,
    cap: usize,
    idle_timeout: Duration,
    own_reactor: bool,
    rack: Rack<Box<Connection>, Dial, Id>,
    leftovers: Leftovers,
    keep_alive: KeepAlive,
    /// Rises when the host has moved.
    epoch: Epoch,
    since: Instant,
    /// When idle connections were last looked through, in milliseconds.
    swept: AtomicU64,
    /// Connections found closed.
    stale: AtomicU64,
    /// Connections that were opened outside of the queue.
    extra: AtomicU64,
    /// The mutant's one socket, which it hands to everybody.
    #[cfg(test)]
    shared: Option<parking_lot::Mutex<Option<Box<Connection>>>>,
}

/// A connection in the making. Whoever waits for one drives it.
struct Dial {
    future: Pin<Box<dyn Future<Output = Result<Box<Connection>>> + Send>>,
    /// It has failed by then.
    ends: Instant,
    /// Somebody else began it.
    adopted: bool,
}

/// What a pool counted since it was made, and what it holds now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) open: usize,
    pub(crate) dialing: usize,
    pub(crate) idle: usize,
    pub(crate) waiting: usize,
    pub(crate) opened: u64,
    pub(crate) leased: u64,
    pub(crate) waits: u64,
    pub(crate) stale: u64,
    pub(crate) moved: u64,
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
        let cap = settings.connections_per_host;
        let limits = Limits { live: cap, making: MOST_DIALS, waiting: settings.waiting_per_host };
        let since = Instant::now();
        Self {
            epoch: dialer.epoch(&origin),
            origin,
            dialer,
            cap,
            idle_timeout: settings.idle_timeout,
            own_reactor: settings.own_reactor,
            rack: Rack::new(stacks(), limits),
            leftovers: Leftovers::default(),
            keep_alive: KeepAlive::new(since),
            since,
            swept: AtomicU64::new(0),
            stale: AtomicU64::new(0),
            extra: AtomicU64::new(0),
            #[cfg(test)]
            shared: settings.hands_out_twice.then(Default::default),
        }
    }

    /// Takes an idle connection, if there is one that can be used.
    pub(crate) fn take(self: &Arc<Self>, need: Need, now: Instant) -> Option<Lease> {
        self.sweep(now);
        if need.fresh {
            // One connection was closed by the peer: the older ones most likely were too.
            self.drop_all(self.rack.sweep(|_| true));
            return None;
        }
        if !self.leftovers.is_empty() {
            self.settle(self.leftovers.look(now));
        }
        let here = (!park::in_wait()).then(|| home::runtime(self.own_reactor).id());
        loop {
            let (connection, moves) = self.rack.take(lane(), here)?;
            if let Some(lease) = self.lease(connection, moves, need, now) {
                return Some(lease);
            }
        }
    }

    /// Waits for a connection: one that comes back, or a new one.
    ///
    /// # Cancellation
    /// Dropped at any point it gives back what it held, and what it began goes on.
    pub(crate) async fn wait(self: &Arc<Self>, need: Need) -> Result<Lease> {
        if need.login {
            let connection = self.open(need.deadline).await?;
            return Ok(Lease { pool: Arc::clone(self), connection: Some(connection), extra: true });
        }
        if need.fresh {
            return self.wait_for_new(need).await;
        }
        loop {
            let began = Instant::now();
            let place = Place::join(self, began)?;
            // What nobody waits for makes room for who waits.
            if self.rack.counts().live >= self.cap {
                self.drop_all(self.leftovers.give_up().into_iter().collect());
            }
            let connection = place.wait(need.deadline, began).await?;
            let here = (!park::in_wait()).then(|| home::runtime(self.own_reactor).id());
            let moves = connection.home().is_some_and(|home| Some(home) != here);
            if let Some(lease) = self.lease(connection, moves, need, Instant::now()) {
                return Ok(lease);
            }
        }
    }

    /// Opens one although others may come back: those may be as dead as the one that was tried.
    async fn wait_for_new(self: &Arc<Self>, need: Need) -> Result<Lease> {
        if !self.rack.adopt() {
            let began = Instant::now();
            let connection = Place::join(self, began)?.wait(need.deadline, began).await?;
            if connection.is_new() {
                return Ok(Lease {
                    pool: Arc::clone(self),
                    connection: Some(connection),
                    extra: false,
                });
            }
            // Its place is ours now.
            self.stale.fetch_add(1, Relaxed);
        }
        let place = Held(self);
        let connection = self.open(need.deadline).await?;
        std::mem::forget(place);
        Ok(Lease { pool: Arc::clone(self), connection: Some(connection), extra: false })
    }

    /// Opens a connection outside of the queue.
    async fn open(self: &Arc<Self>, deadline: Instant) -> Result<Box<Connection>> {
        let dial = alarm::timeout_at(deadline, self.own_reactor, self.dial().future);
        let dialed = dial.await.unwrap_or_else(|| Err(self.dialer.too_slow(&self.origin)));
        self.extra.fetch_add(u64::from(dialed.is_ok()), Relaxed);
        dialed
    }

    /// Makes a connection ready for its caller, unless it has had its time or the peer has left.
    fn lease(
        self: &Arc<Self>,
        mut connection: Box<Connection>,
        moves: bool,
        need: Need,
        now: Instant,
    ) -> Option<Lease> {
        if moves {
            connection.leave_home();
        }
        let idle = connection.idle(now);
        let trusted = if need.replayable { TRUSTED } else { TRUSTED_WITH_A_CREATE };
        if idle >= trusted
            && (self.is_over(&connection, now) || self.is_stale(&mut connection, now))
        {
            self.drop_all(vec![connection]);
            return None;
        }
        Some(Lease { pool: Arc::clone(self), connection: Some(connection), extra: false })
    }

    fn is_over(&self, connection: &Connection, now: Instant) -> bool {
        let idle = connection.idle(now);
        idle >= self.idle_timeout
            || idle >= self.keep_alive.limit(now)
            || connection.has_had_its_time(now, self.epoch.now())
    }

    fn is_stale(&self, connection: &mut Connection, now: Instant) -> bool {
        let stale = connection.is_stale();
        if stale {
            self.stale.fetch_add(1, Relaxed);
            self.keep_alive.see_closed(connection.idle(now), now);
        }
        stale
    }

    /// Closes what has been idle or alive for too long, or was closed by the peer, at most once a
    /// second.
    fn sweep(&self, now: Instant) {
        let at = now.saturating_duration_since(self.since).as_millis() as u64;
        let swept = self.swept.load(Relaxed);
        if at < swept + SWEEP_EVERY
            || self.swept.compare_exchange(swept, at, Relaxed, Relaxed).is_err()
        {
            return;
        }
        let old = self.rack.sweep(|connection| {
            self.is_over(connection, now)
                || (connection.idle(now) >= TRUSTED && self.is_stale(connection, now))
        });
        self.drop_all(old);
        drop(self.rack.sweep_begun(|dial| now >= dial.ends));
    }

    /// Takes a connection back from its caller.
    fn put_back(&self, mut connection: Box<Connection>, extra: bool) {
        if connection.reusable() && (!extra || self.rack.adopt()) {
            let home = connection.home();
            return self.rack.put(lane(), connection, home);
        }
        if extra {
            return;
        }
        match connection.left() {
            Left::Over => {
                let home = connection.home();
                self.rack.put(lane(), connection, home);
            }
            Left::Pending if !self.rack.is_crowded() => {
                self.leftovers.add(connection, Instant::now());
            }
            Left::Pending | Left::Lost => self.drop_all(vec![connection]),
        }
    }

    fn settle(&self, Settled { over, lost }: Settled) {
        for connection in over {
            let home = connection.home();
            self.rack.put(lane(), connection, home);
        }
        self.drop_all(lost);
    }

    /// Closes connections, which leaves room for others. No lock is held meanwhile.
    #[allow(clippy::vec_box)]
    fn drop_all(&self, connections: Vec<Box<Connection>>) {
        let gone = connections.len();
        drop(connections);
        self.rack.gone(gone, Instant::now());
    }

    pub(crate) fn close_idle(&self) {
        self.drop_all(self.rack.sweep(|_| true));
        drop(self.rack.sweep_begun(|_| true));
    }

    /// Where its connections lead.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Learns from the first answer of a connection how long the server keeps idle ones.
    pub(crate) fn hear(&self, headers: &HeaderMap) {
        self.keep_alive.hear(headers);
    }

    /// Returns how many connections are with callers.
    pub(crate) fn in_use(&self) -> usize {
        let counts = self.counts();
        counts.open.saturating_sub(counts.idle)
    }

    pub(crate) fn counts(&self) -> Counts {
        let rack = self.rack.counts();
        let (stale, extra) = (self.stale.load(Relaxed), self.extra.load(Relaxed));
        Counts {
            open: rack.live - rack.making,
            dialing: rack.making,
            idle: rack.idle,
            waiting: rack.waiting,
            opened: rack.made + extra,
            leased: rack.hits + rack.handed + extra,
            waits: rack.waits,
            stale,
            moved: rack.moved,
        }
    }
}

/// A place within the cap that no connection has yet.
struct Held<'a>(&'a Pool);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.rack.gone(1, Instant::now());
    }
}

/// A connection in the hands of one caller.
///
/// Dropped, a sound connection goes back to the pool; any other is closed.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    connection: Option<Box<Connection>>,
    /// It does not count in the pool's cap.
    extra: bool,
}

impl Lease {
    pub(crate) fn connection(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("a lease is given out with its connection")
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.put_back(connection, self.extra);
        }
    }
}

/// Returns which stack is this thread's own.
fn lane() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static LANE: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    LANE.with(|lane| {
        if lane.get() == usize::MAX {
            lane.set(NEXT.fetch_add(1, Relaxed) % MOST_STACKS);
        }
        lane.get()
    })
}

/// A stack for each processor, so that two threads at work seldom meet at one.
fn stacks() -> usize {
    park::processors().next_power_of_two().min(MOST_STACKS)
}

const MOST_STACKS: usize = 16;
/// So many connections are opened at once: a burst of handshakes helps nobody.
const MOST_DIALS: usize = 16;
/// Milliseconds.
const SWEEP_EVERY: u64 = 1_000;
/// A connection idle for less is used without a look: a request that can go out again is cheaper
/// sent twice, once in a blue moon, than looked at each time.
const TRUSTED: Duration = Duration::from_secs(1);
/// For a request that must not go out again.
const TRUSTED_WITH_A_CREATE: Duration = Duration::from_millis(10);
