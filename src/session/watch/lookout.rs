//! The thread that looks.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderValue;
use parking_lot::{Condvar, Mutex};

use super::{Judge, Look, Sight, Slot, Verdict, settle};
use crate::call::{Call, Cursor};
use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind, Result};
use crate::op::Op;
use crate::session::{Session, spawn};

/// Who waits, and the thread that looks for them.
pub(super) struct Lookout<T> {
    session: Session,
    look: Look<T>,
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    waiters: HashMap<u64, Waiter<T>>,
    next: u64,
    /// There is a thread that looks.
    looks: bool,
    /// Ends what it is asking.
    cancel: Cancel,
}

struct Waiter<T> {
    id: String,
    judge: Box<Judge<T>>,
    due: Instant,
    pause: Duration,
    slot: Arc<Mutex<Slot<T>>>,
}

impl<T: Clone + Send + Sync + 'static> Lookout<T> {
    pub(super) fn new(session: Session, look: Look<T>) -> Self {
        let waiters = HashMap::new();
        let state = State { waiters, next: 0, looks: false, cancel: Cancel::new() };
        Self { session, look, state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(super) fn own_reactor(&self) -> bool {
        self.session.core.settings.own_reactor
    }

    /// Begins to look for one more; returns its number, by which it leaves.
    pub(super) fn join(
        self: &Arc<Self>,
        id: String,
        judge: Box<Judge<T>>,
        slot: Arc<Mutex<Slot<T>>>,
    ) -> u64 {
        let waiter = Waiter { id, judge, due: Instant::now(), pause: FIRST_PAUSE, slot };
        let mut state = self.state.lock();
        let number = state.next;
        state.next += 1;
        state.waiters.insert(number, waiter);
        let starts = !std::mem::replace(&mut state.looks, true);
        drop(state);
        if starts {
            // Dropped without having run, it ends the wait of all: there was no thread to be had.
            let shift = Shift { lookout: Arc::clone(self), is_over: false };
            spawn("welkin-watch", move || shift.run());
        } else {
            self.changed.notify_one();
        }
        number
    }
}

impl<T> Lookout<T> {
    pub(super) fn leave(&self, number: u64) {
        let mut state = self.state.lock();
        let left = state.waiters.remove(&number);
        if left.is_some() && state.waiters.is_empty() {
            let cancel = state.cancel.clone();
            drop(state);
            self.changed.notify_one();
            cancel.cancel();
        }
    }
}

/// The thread's work; however it ends, nobody is left waiting for it.
struct Shift<T> {
    lookout: Arc<Lookout<T>>,
    is_over: bool,
}

impl<T: Clone + Send + Sync + 'static> Shift<T> {
    fn run(mut self) {
        let mut pages = 1;
        let mut rested = Instant::now();
        while let Some(round) = self.lookout.next(rested, pages) {
            let began = Instant::now();
            match &round.ids {
                None => self.lookout.list(&mut pages, &round),
                Some(ids) => self.lookout.ask(ids, &round),
            }
            // A cloud that is slow to answer is not asked all the time.
            rested = Instant::now() + began.elapsed().max(FIRST_PAUSE);
        }
        self.is_over = true;
    }
}

impl<T> Drop for Shift<T> {
    fn drop(&mut self) {
        if self.is_over {
            // Whoever waits now has a thread of their own.
            return;
        }
        let mut state = self.lookout.state.lock();
        state.looks = false;
        let left: Vec<_> = state.waiters.drain().collect();
        drop(state);
        for (_, waiter) in left {
            let text = "no thread could be had to look; end some of this process's threads";
            settle(&waiter.slot, Err(Error::new(ErrorKind::Local, text)));
        }
    }
}

/// One look.
struct Round {
    /// Whom to ask for one by one; by default the list is asked for.
    ids: Option<BTreeSet<String>>,
    /// Who came later than this is not told of it: it may show what was before they came.
    before: u64,
    cancel: Cancel,
}

impl<T: Clone + Send + Sync + 'static> Lookout<T> {
    /// Waits until somebody is to be looked for; `None` when nobody waits any more.
    fn next(&self, rested: Instant, pages: usize) -> Option<Round> {
        let mut state = self.state.lock();
        loop {
            let Some(due) = state.waiters.values().map(|waiter| waiter.due).min() else {
                state.looks = false;
                return None;
            };
            let (now, at) = (Instant::now(), due.max(rested));
            if now < at {
                self.changed.wait_until(&mut state, at);
                continue;
            }
            if state.cancel.is_canceled() {
                state.cancel = Cancel::new();
            }
            let (before, cancel) = (state.next, state.cancel.clone());
            let mut ids = BTreeSet::new();
            ids.extend(state.waiters.values().map(|waiter| waiter.id.clone()));
            if ids.len() > pages {
                return Some(Round { ids: None, before, cancel });
            }
            let due = state.waiters.values().filter(|waiter| waiter.due <= now);
            let ids = due.map(|waiter| waiter.id.clone()).collect();
            return Some(Round { ids: Some(ids), before, cancel });
        }
    }

    /// Looks for all by a list, and closer at those for whom that was not enough.
    fn list(&self, pages: &mut usize, round: &Round) {
        let mut been = HashSet::new();
        let listed = self.pages(&round.cancel, &mut been);
        *pages = been.len() + 1;
        let closer = match &listed {
            _ if round.cancel.is_canceled() => return,
            Ok(all) => {
                let all: HashMap<_, _> =
                    all.iter().map(|item| ((self.look.id)(item), item)).collect();
                let see = |waiter: &Waiter<T>| {
                    Some(all.get(waiter.id.as_str()).map_or(Sight::Missing, |i| Sight::Listed(*i)))
                };
                self.judge(round, None, see)
            }
            Err(error) if error.is_retryable() => {
                self.put_off(error, |_| true);
                return;
            }
            // What the list was refused for may not be true for each of them: a page that begins with
            // what is no more, for one.
            Err(_) => self.state.lock().waiters.values().map(|waiter| waiter.id.clone()).collect(),
        };
        self.ask(&closer, round);
    }

    fn pages(&self, cancel: &Cancel, been: &mut HashSet<Cursor>) -> Result<Vec<T>> {
        let (mut all, mut from) = (Vec::new(), None);
        loop {
            let page =
                self.send(self.look.operations[0], (self.look.list)(from.as_ref()), cancel)?;
            all.extend(page.items);
            match page.next {
                None => return Ok(all),
                Some(next) if !been.insert(next.clone()) => {
                    let text = "the list leads back to a page that was read before";
                    return Err(Error::protocol(text));
                }
                next => from = next,
            }
        }
    }

    /// Asks for each by itself.
    fn ask(&self, ids: &BTreeSet<String>, round: &Round) {
        for id in ids {
            let call = (self.look.get)(id).map(Call::identified);
            let answer = self.send(self.look.operations[1], call, &round.cancel);
            let is_it = |waiter: &Waiter<T>| waiter.id == *id;
            match &answer {
                _ if round.cancel.is_canceled() => return,
                Ok((item, request_id)) => {
                    let see = |waiter: &Waiter<T>| is_it(waiter).then_some(Sight::Asked(item));
                    self.judge(round, request_id.as_ref(), see);
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    let see = |waiter: &Waiter<T>| is_it(waiter).then_some(Sight::NotFound(error));
                    self.judge(round, None, see);
                }
                Err(error) if error.is_retryable() => self.put_off(error, is_it),
                Err(error) => self.end(error, is_it),
            }
        }
    }

    fn send<U: Send + 'static>(
        &self,
        operation: &'static str,
        call: Result<Call<U>>,
        cancel: &Cancel,
    ) -> Result<U> {
        Op::new(&self.session, operation, call).cancel_on(cancel).wait()
    }

    /// Shows what was seen to all who wait for it; returns the ids to look at more closely.
    fn judge<'a>(
        &self,
        round: &Round,
        request_id: Option<&HeaderValue>,
        see: impl Fn(&Waiter<T>) -> Option<Sight<'a, T>>,
    ) -> BTreeSet<String>
    where
        T: 'a,
    {
        let (mut closer, mut over) = (BTreeSet::new(), Vec::new());
        let now = Instant::now();
        let mut state = self.state.lock();
        state.waiters.retain(|number, waiter| {
            let Some(sight) = see(waiter).filter(|_| *number < round.before) else { return true };
            match (waiter.judge)(&sight) {
                Verdict::NotYet => waiter.look_later(now),
                Verdict::LookCloser => {
                    closer.insert(waiter.id.clone());
                    waiter.look_later(now);
                }
                Verdict::Over(result) => {
                    let result = result.map_err(|e| e.answered_as(request_id.cloned()));
                    over.push((waiter.slot.clone(), result.map(|()| sight.item().cloned())));
                    return false;
                }
            }
            if let Some(item) = sight.item() {
                let mut slot = waiter.slot.lock();
                (slot.described, slot.trouble) = (Some((self.look.describe)(item)), None);
            }
            true
        });
        drop(state);
        over.into_iter().for_each(|(slot, outcome)| settle(&slot, outcome));
        closer
    }

    /// Looks again later for those who could not be looked for now.
    fn put_off(&self, error: &Error, who: impl Fn(&Waiter<T>) -> bool) {
        let now = Instant::now();
        for waiter in self.state.lock().waiters.values_mut().filter(|waiter| who(waiter)) {
            waiter.look_later(now);
            waiter.slot.lock().trouble = Some(error.clone());
        }
    }

    fn end(&self, error: &Error, who: impl Fn(&Waiter<T>) -> bool) {
        let over: Vec<_> = {
            let mut state = self.state.lock();
            state.waiters.extract_if(|_, waiter| who(waiter)).collect()
        };
        over.into_iter().for_each(|(_, waiter)| settle(&waiter.slot, Err(error.clone())));
    }
}

impl<T> Waiter<T> {
    /// All have their next look together, when the one with the shortest pause has its own. A look that
    /// comes early, for another's sake, makes no pause longer.
    fn look_later(&mut self, now: Instant) {
        let was_due = self.due <= now;
        self.due = now + self.pause;
        if was_due {
            self.pause = (self.pause * 5 / 4).min(LONGEST_PAUSE);
        }
    }
}

impl<'a, T> Sight<'a, T> {
    fn item(&self) -> Option<&'a T> {
        match self {
            Self::Listed(item) | Self::Asked(item) => Some(item),
            Self::Missing | Self::NotFound(_) => None,
        }
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
