//! Waiting for many things with one list a tick.
//!
//! A thousand callers who wait for a thousand nodes would ask a thousand times a tick. Here they say
//! what they wait for, and while anybody does, one short-lived thread looks for all of them: it lists
//! where that takes fewer requests than asking for each. As with logins, no caller's cancellation,
//! panic or dropped runtime can touch it.

mod lookout;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use self::lookout::Lookout;
use super::Session;
use crate::call::{Call, Cursor, Page};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::settings::A_YEAR;
use crate::wire::alarm;

/// Looks for all who wait for a `T` of one account and region.
pub(crate) struct Watch<T>(Arc<Lookout<T>>);

impl<T> Clone for Watch<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// How to look.
pub(crate) struct Look<T> {
    /// The names of the operations that list, and that ask for one.
    pub(crate) operations: [&'static str; 2],
    pub(crate) list: Box<dyn Fn(Option<&Cursor>) -> Result<Call<Page<T>>> + Send + Sync>,
    pub(crate) get: Box<dyn Fn(&str) -> Result<Call<T>> + Send + Sync>,
    pub(crate) id: fn(&T) -> &str,
    /// What it is and how it is, for whoever waited in vain.
    pub(crate) describe: fn(&T) -> String,
}

/// What was seen of the thing that is waited for.
pub(crate) enum Sight<'a, T> {
    /// A list has it; lists may leave out what an answer of its own would tell.
    Listed(&'a T),
    /// The cloud was asked for it alone.
    Asked(&'a T),
    /// A whole list does not have it.
    Missing,
    /// The cloud was asked for it alone, and says that there is none.
    NotFound(&'a Error),
}

/// What follows from a sight.
pub(crate) enum Verdict {
    /// Look again later.
    NotYet,
    /// Ask for it alone, now.
    LookCloser,
    /// The wait is over.
    Over(Result<()>),
}

/// Says of each sight what follows from it and from those before.
pub(crate) type Judge<T> = dyn FnMut(&Sight<'_, T>) -> Verdict + Send;

impl<T: Clone + Send + Sync + 'static> Watch<T> {
    pub(crate) fn new(session: &Session, look: Look<T>) -> Self {
        Self(Arc::new(Lookout::new(session.clone(), look)))
    }

    /// Waits until `judge` says that it is over; returns the thing as it was seen then.
    ///
    /// # Errors
    /// The judge's; `Timeout(Wait)` after `limit`; what asking fails with, unless that may pass.
    ///
    /// # Cancellation
    /// Who stops waiting is forgotten, and nobody else notices.
    pub(crate) async fn wait(
        &self,
        id: String,
        judge: Box<Judge<T>>,
        limit: Duration,
    ) -> Result<Option<T>> {
        let deadline = Instant::now() + limit.min(A_YEAR);
        let slot = Arc::new(Mutex::new(Slot::default()));
        let number = self.0.join(id, judge, Arc::clone(&slot));
        let ticket = Ticket { lookout: Arc::clone(&self.0), number, slot };
        let over = poll_fn(|cx| ticket.poll(cx));
        let own_reactor = self.0.own_reactor();
        match alarm::timeout_at(deadline, own_reactor, over).await {
            Some(outcome) => outcome,
            None => Err(ticket.in_vain(limit)),
        }
    }
}

/// What a waiter and the lookout have in common.
struct Slot<T> {
    /// How the wait ended, with the thing as it was seen last.
    outcome: Option<Result<Option<T>>>,
    waker: Option<Waker>,
    /// The thing, when it was seen last.
    described: Option<String>,
    /// Why it could not be looked for the last time.
    trouble: Option<Error>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { outcome: None, waker: None, described: None, trouble: None }
    }
}

/// Ends a wait. Not under the lookout's lock: a waker may run anybody's code.
fn settle<T>(slot: &Mutex<Slot<T>>, outcome: Result<Option<T>>) {
    let mut slot = slot.lock();
    slot.outcome = Some(outcome);
    let waker = slot.waker.take();
    drop(slot);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// A place among those who wait, given back when dropped.
struct Ticket<T> {
    lookout: Arc<Lookout<T>>,
    number: u64,
    slot: Arc<Mutex<Slot<T>>>,
}

impl<T> Ticket<T> {
    fn poll(&self, cx: &Context<'_>) -> Poll<Result<Option<T>>> {
        let mut slot = self.slot.lock();
        if let Some(outcome) = slot.outcome.take() {
            return Poll::Ready(outcome);
        }
        let before = slot.waker.replace(cx.waker().clone());
        drop(slot);
        // Outside of the lock: a waker's end may run anybody's code.
        drop(before);
        Poll::Pending
    }

    fn in_vain(&self, limit: Duration) -> Error {
        let mut slot = self.slot.lock();
        let what = slot.described.take().unwrap_or_else(|| "the cloud is not there yet".into());
        let text = format!("{what} after {limit:?}; wait again, or look why");
        let error = Error::new(ErrorKind::Timeout(Phase::Wait), text);
        match slot.trouble.take() {
            Some(trouble) => error.with_source(trouble),
            None => error,
        }
    }
}

impl<T> Drop for Ticket<T> {
    fn drop(&mut self) {
        self.lookout.leave(self.number);
    }
}
