//! Who gets which connection: stacks of idle ones, a gate, a queue. No I/O and no clock.
//!
//! A *hit* touches one stack, which few others use, and reads one number that changes only while
//! somebody waits. Everything else, the *misses*, goes through the gate.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Instant;

use super::breaker::Breaker;
use crate::error::Error;
use crate::session::sync::{AtomicUsize, Mutex, Ordering};

/// Things of kind `T`, at most so many, lent to one caller each.
///
/// A thing is idle here, with a caller, or on its way to a waiter: in one place. `H` is where it is
/// at home, and `D` a thing that is still being made.
pub(super) struct Rack<T, D, H> {
    stacks: Box<[Stack<T, H>]>,
    /// How many stand in the queue. Written under the gate's lock, and before the stacks are looked
    /// through once more; read after a stack's lock: whoever lays something down sees the waiter, or
    /// the waiter sees it.
    waiting: AtomicUsize,
    gate: Mutex<Gate<T, D>>,
    limits: Limits,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How many things there may be, those in the making among them.
    pub(super) live: usize,
    /// How many may be in the making at once.
    pub(super) making: usize,
    /// How many callers may wait.
    pub(super) waiting: usize,
}

/// A line of its own in the cache: threads that use different stacks share nothing.
#[repr(align(128))]
struct Stack<T, H>(Mutex<Stacked<T, H>>);

struct Stacked<T, H> {
    /// The last one was used last.
    idle: Vec<(T, Option<H>)>,
    hits: u64,
    moved: u64,
}

struct Gate<T, D> {
    /// Lent, idle, in the making, and permits to make one.
    live: usize,
    /// Of these, permits and what is in the making.
    making: usize,
    /// Begun by somebody who left.
    begun: Vec<D>,
    /// By arrival.
    queue: BTreeMap<u64, Queued<T, D>>,
    next: u64,
    breaker: Breaker,
    made: u64,
    handed: u64,
    waits: u64,
}

struct Queued<T, D> {
    waiter: Arc<Waiter<T, D>>,
    has_permit: bool,
}

/// A caller in the queue.
pub(super) struct Waiter<T, D> {
    ticket: u64,
    slot: Mutex<Slot<T, D>>,
}

struct Slot<T, D> {
    given: Vec<Given<T, D>>,
    waker: Option<Waker>,
    left: bool,
}

/// What a waiter is handed.
pub(super) enum Given<T, D> {
    /// What it waited for.
    Thing(T),
    /// The right to make one, while it waits; maybe one that somebody began.
    Permit(Option<D>),
    /// There is none to be had.
    Failed(Error),
}

/// Why nobody may wait.
pub(super) enum Refused {
    Full,
    Broken(Error),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) live: usize,
    pub(super) making: usize,
    pub(super) idle: usize,
    pub(super) waiting: usize,
    pub(super) hits: u64,
    pub(super) moved: u64,
    pub(super) made: u64,
    pub(super) handed: u64,
    pub(super) waits: u64,
}

impl<T, D, H: Copy + PartialEq> Rack<T, D, H> {
    pub(super) fn new(stacks: usize, limits: Limits) -> Self {
        let stack = || Stack(Mutex::new(Stacked { idle: Vec::new(), hits: 0, moved: 0 }));
        let gate = Gate {
            live: 0,
            making: 0,
            begun: Vec::new(),
            queue: BTreeMap::new(),
            next: 0,
            breaker: Breaker::default(),
            made: 0,
            handed: 0,
            waits: 0,
        };
        Self {
            stacks: (0..stacks.max(1)).map(|_| stack()).collect(),
            waiting: AtomicUsize::new(0),
            gate: Mutex::new(gate),
            limits,
        }
    }

    /// Takes an idle thing, the one used last, and rather one that is at home with the caller; tells
    /// whether it has to move. Nobody who waits is passed by.
    pub(super) fn take(&self, lane: usize, here: Option<H>) -> Option<(T, bool)> {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            return None;
        }
        self.pop(lane, here)
    }

    fn pop(&self, lane: usize, here: Option<H>) -> Option<(T, bool)> {
        let suits = |home: &Option<H>| home.is_none() || *home == here;
        let from = |i: usize| self.stacks[(lane + i) % self.stacks.len()].0.lock();
        for i in 0..self.stacks.len() {
            let mut stack = from(i);
            if let Some(at) = stack.idle.iter().rposition(|(_, home)| suits(home)) {
                stack.hits += 1;
                return Some((stack.idle.remove(at).0, false));
            }
        }
        for i in 0..self.stacks.len() {
            let mut stack = from(i);
            if let Some((thing, _)) = stack.idle.pop() {
                stack.hits += 1;
                stack.moved += 1;
                return Some((thing, true));
            }
        }
        None
    }

    /// Lays a thing down for the next caller, the longest waiting first.
    pub(super) fn put(&self, lane: usize, thing: T, home: Option<H>) {
        let lane = lane % self.stacks.len();
        if self.waiting.load(Ordering::Relaxed) == 0 {
            self.stacks[lane].0.lock().idle.push((thing, home));
            if self.waiting.load(Ordering::Relaxed) == 0 {
                return;
            }
            // Somebody came to wait meanwhile, and may have looked before it lay there.
            return self.at_gate(|gate, woken| self.hand_idle(gate, woken));
        }
        self.at_gate(|gate, woken| self.lay(gate, lane, thing, home, woken));
    }

    fn lay(
        &self,
        gate: &mut Gate<T, D>,
        lane: usize,
        thing: T,
        home: Option<H>,
        woken: &mut Woken,
    ) {
        match gate.hand(thing, woken) {
            None => self.note_waiting(gate),
            Some(thing) => self.stacks[lane].0.lock().idle.push((thing, home)),
        }
    }

    /// Gives what lies idle to those who wait.
    fn hand_idle(&self, gate: &mut Gate<T, D>, woken: &mut Woken) {
        while !gate.queue.is_empty() {
            let found = (0..self.stacks.len()).find_map(|i| self.stacks[i].0.lock().idle.pop());
            let Some((thing, home)) = found else { break };
            self.lay(gate, 0, thing, home, woken);
        }
    }

    /// Joins the queue, with a permit at once if there is room for one more thing.
    pub(super) fn join(&self, now: Instant) -> Result<Arc<Waiter<T, D>>, Refused> {
        self.at_gate(|gate, woken| {
            let without = gate.live == gate.making;
            if let Some(error) = gate.breaker.refuses(now).filter(|_| without) {
                return Err(Refused::Broken(error));
            }
            if gate.queue.len() >= self.limits.waiting {
                return Err(Refused::Full);
            }
            let ticket = gate.next;
            gate.next += 1;
            let slot = Slot { given: Vec::new(), waker: None, left: false };
            let waiter = Arc::new(Waiter { ticket, slot: Mutex::new(slot) });
            let queued = Queued { waiter: Arc::clone(&waiter), has_permit: false };
            gate.queue.insert(ticket, queued);
            self.note_waiting(gate);
            self.hand_idle(gate, woken);
            self.settle(gate, now, woken);
            gate.waits += u64::from(waiter.slot.lock().given.is_empty());
            Ok(waiter)
        })
    }

    /// Sees that nobody waits for nothing: lets those make a thing who wait without a permit, as far
    /// as there is room; or tells all that there is none to be had.
    fn settle(&self, gate: &mut Gate<T, D>, now: Instant, woken: &mut Woken) {
        if let Some(error) = gate.breaker.refuses(now).filter(|_| gate.live == gate.making) {
            for queued in std::mem::take(&mut gate.queue).into_values() {
                // What it holds comes back when it leaves.
                let _ = queued.waiter.give(Given::Failed(error.clone()), woken);
            }
            self.note_waiting(gate);
        }
        loop {
            let begun = !gate.begun.is_empty();
            // One for each who waits, and no more: what others are making may be theirs.
            let making = gate.breaker.allows(now, self.limits.making).min(gate.queue.len());
            let room = gate.live < self.limits.live && gate.making < making;
            if !begun && !room {
                return;
            }
            // Whoever has one stands at the front, mostly: the search is short.
            let Some(next) = gate.queue.values_mut().find(|queued| !queued.has_permit) else {
                return;
            };
            next.has_permit = true;
            let waiter = Arc::clone(&next.waiter);
            if !begun {
                gate.live += 1;
                gate.making += 1;
            }
            let permit = Given::Permit(gate.begun.pop());
            if let Err(Given::Permit(back)) = waiter.give(permit, woken) {
                // It has left, and will say so; the permit goes to the next.
                gate.begun.extend(back);
                if !begun {
                    gate.live -= 1;
                    gate.making -= 1;
                }
            }
        }
    }

    /// A permit has led to a thing: it goes to whoever waits longest.
    pub(super) fn made(&self, ticket: u64, lane: usize, thing: T, home: Option<H>, now: Instant) {
        let lane = lane % self.stacks.len();
        self.at_gate(|gate, woken| {
            gate.making -= 1;
            gate.made += 1;
            gate.breaker.close();
            gate.without_permit(ticket);
            self.lay(gate, lane, thing, home, woken);
            self.settle(gate, now, woken);
        });
    }

    /// A permit has led to nothing. If that is how it goes now, nobody waits for more of it.
    pub(super) fn failed(&self, ticket: u64, error: &Error, now: Instant) {
        self.at_gate(|gate, woken| {
            gate.making -= 1;
            gate.live -= 1;
            gate.without_permit(ticket);
            gate.breaker.failed(error, now);
            self.settle(gate, now, woken);
        });
    }

    /// A waiter leaves, with what it was given and did not use.
    pub(super) fn leave(
        &self,
        waiter: &Waiter<T, D>,
        permit: Option<Option<D>>,
        now: Instant,
        mut lay: impl FnMut(T),
    ) {
        let given = {
            let mut slot = waiter.slot.lock();
            slot.left = true;
            slot.waker = None;
            std::mem::take(&mut slot.given)
        };
        let mut permits: Vec<_> = permit.into_iter().collect();
        for given in given {
            match given {
                Given::Thing(thing) => lay(thing),
                Given::Permit(begun) => permits.push(begun),
                Given::Failed(_) => {}
            }
        }
        self.at_gate(|gate, woken| {
            gate.queue.remove(&waiter.ticket);
            self.note_waiting(gate);
            for begun in permits {
                match begun {
                    // It goes on: what is in the making is everybody's.
                    Some(begun) => gate.begun.push(begun),
                    None => {
                        gate.live -= 1;
                        gate.making -= 1;
                    }
                }
            }
            self.settle(gate, now, woken);
        });
    }

    /// So many things are no more.
    pub(super) fn gone(&self, things: usize, now: Instant) {
        if things > 0 {
            self.at_gate(|gate, woken| {
                gate.live -= things;
                self.settle(gate, now, woken);
            });
        }
    }

    /// One more thing came into being outside of the queue, if there is room for it.
    pub(super) fn adopt(&self) -> bool {
        let mut gate = self.gate.lock();
        let room = gate.live < self.limits.live;
        gate.live += usize::from(room);
        room
    }

    /// Takes out the idle things that `over` says; they are to be reported as gone.
    pub(super) fn sweep(&self, mut over: impl FnMut(&mut T) -> bool) -> Vec<T> {
        let mut out = Vec::new();
        for stack in &self.stacks {
            let mut stack = stack.0.lock();
            out.extend(stack.idle.extract_if(.., |(thing, _)| over(thing)).map(|(thing, _)| thing));
        }
        out
    }

    /// Takes out what was begun and is finished by nobody.
    pub(super) fn sweep_begun(&self, over: impl FnMut(&mut D) -> bool) -> Vec<D> {
        let mut gate = self.gate.lock();
        let out: Vec<_> = gate.begun.extract_if(.., over).collect();
        gate.live -= out.len();
        gate.making -= out.len();
        out
    }

    pub(super) fn is_crowded(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    pub(super) fn counts(&self) -> Counts {
        let gate = self.gate.lock();
        let mut counts = Counts {
            live: gate.live,
            making: gate.making,
            waiting: gate.queue.len(),
            made: gate.made,
            handed: gate.handed,
            waits: gate.waits,
            ..Counts::default()
        };
        for stack in &self.stacks {
            let stack = stack.0.lock();
            counts.idle += stack.idle.len();
            counts.hits += stack.hits;
            counts.moved += stack.moved;
        }
        counts
    }

    fn note_waiting(&self, gate: &Gate<T, D>) {
        self.waiting.store(gate.queue.len(), Ordering::Relaxed);
    }

    /// Runs `f` under the gate's lock, and wakes after it.
    fn at_gate<R>(&self, f: impl FnOnce(&mut Gate<T, D>, &mut Woken) -> R) -> R {
        let mut woken = Woken::default();
        let result = f(&mut self.gate.lock(), &mut woken);
        woken.0.into_iter().for_each(Waker::wake);
        result
    }
}

impl<T, D> Gate<T, D> {
    /// Gives a thing to whoever waits longest; back if nobody does.
    fn hand(&mut self, mut thing: T, woken: &mut Woken) -> Option<T> {
        while let Some((_, queued)) = self.queue.pop_first() {
            match queued.waiter.give(Given::Thing(thing), woken) {
                Ok(()) => {
                    self.handed += 1;
                    return None;
                }
                Err(Given::Thing(back)) => thing = back,
                Err(_) => unreachable!("what was given comes back"),
            }
        }
        Some(thing)
    }

    fn without_permit(&mut self, ticket: u64) {
        if let Some(queued) = self.queue.get_mut(&ticket) {
            queued.has_permit = false;
        }
    }
}

impl<T, D> Waiter<T, D> {
    pub(super) fn ticket(&self) -> u64 {
        self.ticket
    }

    /// Looks what was handed over: the thing itself before all else.
    pub(super) fn poll(&self, waker: &Waker) -> Poll<Given<T, D>> {
        let mut slot = self.slot.lock();
        let thing = slot.given.iter().position(|given| matches!(given, Given::Thing(_)));
        if let Some(at) = thing.or(slot.given.len().checked_sub(1)) {
            return Poll::Ready(slot.given.swap_remove(at));
        }
        if !slot.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            slot.waker = Some(waker.clone());
        }
        Poll::Pending
    }

    fn give(&self, given: Given<T, D>, woken: &mut Woken) -> Result<(), Given<T, D>> {
        let mut slot = self.slot.lock();
        if slot.left {
            return Err(given);
        }
        slot.given.push(given);
        woken.0.extend(slot.waker.take());
        Ok(())
    }
}

/// Whom to wake once no lock is held.
#[derive(Default)]
struct Woken(Vec<Waker>);
