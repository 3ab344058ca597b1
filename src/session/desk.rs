//! One login for all drivers of an account, where they were opened so.
//!
//! Only flights come here, on threads of their own that may block. Requests never do: each driver
//! keeps its snapshot, and the routes to its own connections.

mod who;

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use self::who::Who;
use super::clock::Moment;
use super::token::SHARED;
use crate::call::{Auth, Grant, Trust};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::settings::{Retry, Settings};

/// The desks of this process. A desk goes, and what lies on it is wiped, when the last who has a seat
/// at it leaves.
static DESKS: Mutex<Vec<Weak<Desk>>> = Mutex::new(Vec::new());

/// Where drivers of one account leave the newest login for each other.
struct Desk {
    who: Who,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    newest: Option<Arc<Issued>>,
    /// The highest number that the cloud refused to one of the drivers.
    refused: u64,
    /// Counts those who logged in, or tried to.
    turn: u64,
    busy: bool,
    failed: Option<Failed>,
}

/// What a login gave, and when.
pub(super) struct Issued {
    /// The token's generation, the same in all drivers: higher than those of all tokens before it.
    pub(super) number: u64,
    pub(super) began: Moment,
    pub(super) grant: Grant,
}

struct Failed {
    turn: u64,
    error: Error,
    patience: Patience,
    /// Until then it speaks for those who did not wait for it.
    shared: Moment,
}

/// The settings that may decide whether a login comes through.
#[derive(Clone, Copy, PartialEq)]
struct Patience {
    limit: Duration,
    attempt: Duration,
    connect: Duration,
    retry: Retry,
    largest_answer: usize,
}

/// A driver's place at the desk of its account.
pub(super) struct Seat {
    desk: Arc<Desk>,
    patience: Patience,
}

/// What a flight gets at the desk.
pub(super) enum Served {
    /// Another driver logged in.
    Issued(Arc<Issued>),
    /// It is on this one to log in.
    Turn(Turn),
}

/// The right to log in for all. Dropped, for whatever reason, it goes to the next.
pub(super) struct Turn {
    desk: Arc<Desk>,
    pub(super) number: u64,
    patience: Patience,
    outcome: Option<Result<Arc<Issued>>>,
}

impl Seat {
    /// Finds the desk of an account, or sets it up; `None` if its logins are not to be shared.
    pub(super) fn take(
        provider: &'static str,
        auth: &dyn Auth,
        trust: &Trust,
        settings: &Settings,
    ) -> Option<Self> {
        let who = settings.shared_login.then(|| Who::new(provider, auth, trust, settings))??;
        let patience = Patience {
            limit: settings.timeout,
            attempt: settings.attempt_timeout,
            connect: settings.connect_timeout,
            retry: settings.retry,
            largest_answer: settings.largest_answer,
        };
        let mut desks = DESKS.lock();
        desks.retain(|desk| desk.strong_count() > 0);
        if let Some(desk) = desks.iter().filter_map(Weak::upgrade).find(|desk| desk.who == who) {
            return Some(Self { desk, patience });
        }
        let desk = Arc::new(Desk { who, state: Mutex::default(), changed: Condvar::new() });
        desks.push(Arc::downgrade(&desk));
        Some(Self { desk, patience })
    }

    /// Makes a visit of a flight, which does not keep its driver alive while it waits.
    pub(super) fn visit(&self, least: u64, refused: u64) -> Visit {
        Visit { desk: Arc::clone(&self.desk), patience: self.patience, least, refused }
    }
}

/// Who waits for a driver that is no more need not wait on.
impl Drop for Seat {
    fn drop(&mut self) {
        // Under the lock: whoever has looked and does not wait yet would miss it.
        let _state = self.desk.state.lock();
        self.desk.changed.notify_all();
    }
}

/// A flight at the desk.
pub(super) struct Visit {
    desk: Arc<Desk>,
    patience: Patience,
    /// The number that will do, and any above it.
    least: u64,
    /// The highest number that the cloud refused to this driver.
    refused: u64,
}

impl Visit {
    /// Takes a login that another driver made, waits for one that is under way, or gives the turn.
    ///
    /// One that lives is taken even if it is soon to be renewed: the driver sees to that next, and
    /// meanwhile nobody has to wait.
    ///
    /// # Errors
    /// The failure of the login that was waited for; `Timeout(Login)` when this driver's own login
    /// would have had to end by now; `Canceled` when the driver `is_gone`.
    pub(super) fn wait(self, is_gone: impl Fn() -> bool) -> Result<Served> {
        let Self { desk, patience, least, refused } = self;
        let deadline = Instant::now() + patience.limit;
        let mut joined = None;
        let mut state = desk.state.lock();
        state.refused = state.refused.max(refused);
        loop {
            let now = Moment::now();
            if is_gone() {
                return Err(Error::new(ErrorKind::Canceled, "the driver was dropped"));
            }
            if let Some(issued) = state.usable(least, now) {
                return Ok(Served::Issued(issued));
            }
            if let Some(error) = state.failure(joined, &patience, now) {
                return Err(error);
            }
            if !state.busy {
                break;
            }
            if now.instant >= deadline {
                let text = "the login that another driver of this account makes did not end in \
                            time; is the cloud's identity service well?";
                return Err(Error::new(ErrorKind::Timeout(Phase::Login), text));
            }
            joined.get_or_insert(state.turn);
            desk.changed.wait_until(&mut state, deadline);
        }
        state.busy = true;
        state.turn += 1;
        let next = state.newest.as_ref().map_or(0, |newest| newest.number) + 1;
        let number = next.max(least);
        drop(state);
        // What was spent in waiting is not given twice.
        let limit = joined.map_or(patience.limit, |_| deadline - Instant::now());
        let patience = Patience { limit, ..patience };
        Ok(Served::Turn(Turn { desk, number, patience, outcome: None }))
    }
}

impl State {
    fn usable(&self, least: u64, now: Moment) -> Option<Arc<Issued>> {
        let newest = self.newest.as_ref()?;
        let ended = now.reached(newest.began.plus(newest.grant.lifetime));
        let fits = newest.number >= least && newest.number > self.refused;
        (fits && !ended).then(|| Arc::clone(newest))
    }

    /// Returns the failure of a login that stands for one's own: the cloud does not know the account,
    /// or another tried just as long and as often.
    fn failure(&self, joined: Option<u64>, patience: &Patience, now: Moment) -> Option<Error> {
        let failed = self.failed.as_ref()?;
        let ours = joined.is_some_and(|turn| failed.turn >= turn);
        let just_now = joined.is_none() && !self.busy && !now.reached(failed.shared);
        let alike = failed.error.kind() == ErrorKind::Auth || failed.patience == *patience;
        ((ours || just_now) && alike).then(|| failed.error.clone())
    }
}

impl Turn {
    /// Returns how long the login may take.
    pub(super) fn limit(&self) -> Duration {
        self.patience.limit
    }

    /// Leaves a login for the others, or tells them of the failure.
    pub(super) fn end(mut self, outcome: Result<Issued>) {
        self.outcome = Some(outcome.map(Arc::new));
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.desk.state.lock();
        state.busy = false;
        match self.outcome.take() {
            Some(Ok(issued)) => (state.newest, state.failed) = (Some(issued), None),
            Some(Err(error)) => {
                let (turn, shared) = (state.turn, Moment::now().plus(SHARED));
                let patience = self.patience;
                state.failed = Some(Failed { turn, error, patience, shared });
            }
            // It panicked, or its driver went: that says nothing about the next.
            None => {}
        }
        self.desk.changed.notify_all();
    }
}

#[cfg(all(test, not(welkin_loom)))]
mod tests;
