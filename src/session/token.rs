//! One token for everybody: an immutable snapshot, swapped atomically.
//!
//! Readers load a pointer and compare two times. A login or a renewal, a *flight*, belongs to the
//! store: it runs on a short-lived thread of its own, so no caller's cancellation, panic or dropped
//! runtime can touch it.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::clock::Moment;
use super::route::Routes;
use super::sync::{ArcSwapOption, AtomicBool, AtomicU64, Mutex, Ordering, spawn};
use super::trace::LoginSpan;
use crate::call::Token;
use crate::error::{Error, ErrorKind, Result};

/// A token with all that came with it.
pub(crate) struct Snapshot {
    pub(crate) token: Token,
    pub(crate) generation: u64,
    /// From here on somebody fetches the next one; nobody waits for it.
    pub(crate) renew: Moment,
    /// From here on it is not used.
    pub(crate) end: Moment,
    pub(crate) routes: Routes,
    /// Another driver logged in for it.
    pub(crate) shared: bool,
    /// There is no other to be had.
    forever: bool,
    /// The cloud took it at least once, so a later refusal is about its age, not about us.
    accepted: AtomicBool,
}

impl Snapshot {
    /// Lays the cloud's lifetime on our clocks, from the moment the login began.
    pub(crate) fn new(
        token: Token,
        generation: u64,
        began: Moment,
        lifetime: Duration,
        routes: Routes,
    ) -> Self {
        let renew = began.plus(lifetime - ahead(lifetime, fastrand::f64()));
        let end = began.plus(lifetime);
        let (forever, accepted) = (lifetime == Duration::MAX, AtomicBool::new(false));
        Self { token, generation, renew, end, routes, shared: false, forever, accepted }
    }

    pub(crate) fn is_forever(&self) -> bool {
        self.forever
    }

    pub(crate) fn note_accepted(&self) {
        // Read first: the line is shared by all callers and written once.
        if !self.accepted.load(Ordering::Relaxed) {
            self.accepted.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn was_accepted(&self) -> bool {
        self.accepted.load(Ordering::Relaxed)
    }
}

/// How long before its end a token is renewed: a quarter of its life, at least a minute (but half of
/// a short life), at most fifteen; a little less at random, and never in its first quarter.
fn ahead(lifetime: Duration, random: f64) -> Duration {
    let least = Duration::from_secs(60).min(lifetime / 2);
    let most = Duration::from_secs(900);
    let ahead = most.min(least.max(lifetime / 4)).mul_f64(0.8 + 0.2 * random);
    ahead.min(lifetime - lifetime / 4)
}

/// Where the current token lies, and whoever is fetching the next.
pub(crate) struct TokenStore {
    current: ArcSwapOption<Snapshot>,
    /// The highest generation that the cloud refused.
    rejected: AtomicU64,
    flight: Mutex<Flight>,
    logins: AtomicU64,
    shared: AtomicU64,
    failures: AtomicU64,
    /// A mistake for the model that must notice it.
    #[cfg(welkin_loom)]
    pub(super) logs_in_blindly: bool,
}

#[derive(Default)]
struct Flight {
    id: u64,
    running: bool,
    waiting: Vec<Waker>,
    failed: Option<Failed>,
    rejections: Rejections,
}

struct Failed {
    id: u64,
    in_a_row: u32,
    error: Error,
    /// Until then nobody tries while the old token lives.
    again: Moment,
    /// Until then it speaks for callers without a token.
    shared: Moment,
}

/// How many tokens the cloud refused lately.
#[derive(Default)]
struct Rejections {
    since: Option<Moment>,
    count: u32,
}

/// Fetches a token of that generation or a later one, on the calling thread.
pub(crate) type Login = dyn Fn(u64) -> Result<Snapshot> + Send + Sync;

impl TokenStore {
    pub(crate) fn new() -> Self {
        Self {
            current: ArcSwapOption::empty(),
            rejected: AtomicU64::new(0),
            flight: Mutex::default(),
            logins: AtomicU64::new(0),
            shared: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            #[cfg(welkin_loom)]
            logs_in_blindly: false,
        }
    }

    /// Returns the current snapshot if it may still be used.
    pub(crate) fn usable(&self, now: Moment) -> Option<Arc<Snapshot>> {
        let current = self.current.load();
        let live = current.as_ref().filter(|s| {
            s.generation > self.rejected.load(Ordering::Acquire) && !now.reached(s.end)
        });
        live.cloned()
    }

    /// Waits for a token when there is none to use.
    ///
    /// # Cancellation
    /// The caller never drives the flight, so dropping this does nothing to it.
    pub(crate) async fn wait(self: &Arc<Self>, login: &Arc<Login>) -> Result<Arc<Snapshot>> {
        let mut joined = None;
        poll_fn(|cx| self.join(&mut joined, login, cx.waker())).await
    }

    /// Has the next token fetched when this one is due; nobody waits for it.
    pub(crate) fn see_to_next(
        self: &Arc<Self>,
        snapshot: &Snapshot,
        now: Moment,
        login: &Arc<Login>,
    ) {
        if now.reached(snapshot.renew) {
            self.renew(login, now);
        }
    }

    fn join(
        self: &Arc<Self>,
        joined: &mut Option<u64>,
        login: &Arc<Login>,
        waker: &Waker,
    ) -> Poll<Result<Arc<Snapshot>>> {
        let now = Moment::now();
        let mut flight = self.flight.lock();
        // Published before the flight ends, and looked at under its lock: never two for one need.
        let usable = self.usable(now);
        #[cfg(welkin_loom)]
        let usable = usable.filter(|_| !self.logs_in_blindly || joined.is_some());
        if let Some(snapshot) = usable {
            return Poll::Ready(Ok(snapshot));
        }
        if let Some(failed) = &flight.failed {
            let ours = joined.is_some_and(|id| failed.id >= id);
            let just_now = joined.is_none() && !now.reached(failed.shared);
            if ours || (just_now && !flight.running) {
                return Poll::Ready(Err(failed.error.clone()));
            }
        }
        if !flight.waiting.iter().any(|w| w.will_wake(waker)) {
            flight.waiting.push(waker.clone());
        }
        if flight.running {
            joined.get_or_insert(flight.id);
        } else {
            let takeoff = self.takeoff(&mut flight);
            joined.get_or_insert(flight.id);
            drop(flight);
            takeoff.start(login);
        }
        Poll::Pending
    }

    /// Starts a flight ahead of need, unless one is under way or has just failed.
    fn renew(self: &Arc<Self>, login: &Arc<Login>, now: Moment) {
        // Whoever finds it taken knows that somebody is at it.
        let Some(mut flight) = self.flight.try_lock() else {
            return;
        };
        let failed = flight.failed.as_ref().is_some_and(|f| !now.reached(f.again));
        let done = self.usable(now).is_some_and(|s| !now.reached(s.renew));
        if flight.running || failed || done {
            return;
        }
        let takeoff = self.takeoff(&mut flight);
        drop(flight);
        takeoff.start(login);
    }

    fn takeoff(self: &Arc<Self>, flight: &mut Flight) -> Takeoff {
        flight.running = true;
        flight.id += 1;
        let current = self.current.load().as_ref().map_or(0, |s| s.generation);
        let generation = current.max(self.rejected.load(Ordering::Acquire)) + 1;
        Takeoff { store: Arc::clone(self), id: flight.id, generation, outcome: None }
    }

    /// Notes that the cloud refused a token of that generation, and tells whether to try the next.
    ///
    /// A newer one is not touched. An endpoint that refuses everything must not drive all others from
    /// login to login: after a few in a row, refusals count as the endpoint's own.
    pub(crate) fn reject(&self, generation: u64, now: Moment) -> bool {
        if self.current.load().as_ref().is_some_and(|s| s.generation > generation) {
            return true;
        }
        let mut flight = self.flight.lock();
        if self.rejected.load(Ordering::Acquire) >= generation {
            return true;
        }
        let Rejections { since, count } = &mut flight.rejections;
        if since.is_none_or(|since| now.reached(since.plus(REJECTIONS_PER))) {
            (*since, *count) = (Some(now), 0);
        }
        *count += 1;
        if *count > MOST_REJECTIONS {
            return false;
        }
        self.rejected.fetch_max(generation, Ordering::AcqRel);
        true
    }

    /// Returns the highest generation that the cloud refused.
    pub(crate) fn refused(&self) -> u64 {
        self.rejected.load(Ordering::Acquire)
    }

    /// Counts the logins: those that were made here, those that were shared, and those that failed.
    pub(crate) fn logins(&self) -> [u64; 3] {
        [&self.logins, &self.shared, &self.failures].map(|count| count.load(Ordering::Relaxed))
    }

    fn land(&self, id: u64, outcome: Result<Snapshot>) {
        // Before the lock: who listens may use the driver.
        match &outcome {
            Ok(Snapshot { generation, shared, .. }) => {
                tracing::debug!(generation, shared, "logged in");
            }
            Err(error) => tracing::warn!(%error, "login failed"),
        }
        let now = Moment::now();
        let mut flight = self.flight.lock();
        match outcome {
            Ok(snapshot) => {
                let count = if snapshot.shared { &self.shared } else { &self.logins };
                count.fetch_add(1, Ordering::Relaxed);
                self.current.store(Some(Arc::new(snapshot)));
                flight.failed = None;
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                let in_a_row = flight.failed.as_ref().map_or(0, |f| f.in_a_row) + 1;
                let polite = POLITE.saturating_mul(1 << (in_a_row - 1).min(6)).min(LONGEST);
                let polite = polite.mul_f64(0.8 + 0.2 * fastrand::f64());
                let (again, shared) = (now.plus(polite), now.plus(SHARED));
                flight.failed = Some(Failed { id, in_a_row, error, again, shared });
            }
        }
        flight.running = false;
        let waiting = std::mem::take(&mut flight.waiting);
        drop(flight);
        for waker in waiting {
            waker.wake();
        }
    }
}

/// A flight that has been announced. Dropped, for whatever reason, it lands.
struct Takeoff {
    store: Arc<TokenStore>,
    id: u64,
    generation: u64,
    outcome: Option<Result<Snapshot>>,
}

impl Takeoff {
    fn start(mut self, login: &Arc<Login>) {
        let (login, span) = (Arc::clone(login), LoginSpan::open());
        // If no thread can be had, the closure is dropped and the takeoff with it.
        spawn("welkin-login", move || {
            span.around(|| {
                self.outcome = Some(login(self.generation));
                drop(self);
            });
        });
    }
}

impl Drop for Takeoff {
    fn drop(&mut self) {
        let outcome = self.outcome.take().unwrap_or_else(|| {
            let text = "the login could not be carried out: no thread for it, or it panicked";
            Err(Error::new(ErrorKind::Other, text))
        });
        self.store.land(self.id, outcome);
    }
}

/// So many tokens may be refused within so long before refusals count as the endpoint's own.
const MOST_REJECTIONS: u32 = 5;
const REJECTIONS_PER: Duration = Duration::from_secs(5);
const POLITE: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// For so long a failed login speaks for those who come right after it.
pub(super) const SHARED: Duration = Duration::from_millis(500);
