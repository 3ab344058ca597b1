//! How many may be on their way at once, and who goes next. No I/O, no lock, no clock.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// Who may go, while a cloud asks for fewer requests.
///
/// Whoever goes has a *pass*. There are as many as the *limit*: each *round* in which the cloud asks
/// for less halves it, and answers without complaint raise it, one for as many as the limit says.
/// During a *hold* nobody sets out.
pub(super) struct Gait {
    on: bool,
    limit: usize,
    /// Answers that raise the limit when they are as many.
    gone_well: usize,
    /// Passes with callers, and laid down for them. Decreases may leave more than the limit.
    out: usize,
    /// Rises when the limit falls; a pass says in which round it was given.
    round: u64,
    /// Rounds that ended badly, one after the other.
    in_a_row: u32,
    hold: Option<Instant>,
    /// When the cloud asked last.
    asked: Option<Instant>,
    /// By arrival.
    waiting: BTreeMap<u64, Option<Waker>>,
    /// Passes laid down for those who have not looked yet, with their rounds.
    given: BTreeMap<u64, u64>,
    next: u64,
    /// To be woken once no lock is held.
    pub(super) woken: Vec<Waker>,
}

/// What a cloud said when it refused.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused {
    /// In which round its request got a pass; `None` for one that set out without.
    pub(super) round: Option<u64>,
    /// For how long nobody should come.
    pub(super) asked: Option<Duration>,
    /// How many were on their way, as far as it is known of those without passes.
    pub(super) busy: usize,
    /// From 0 to 1; spreads the pauses of those who were told the same.
    pub(super) random: f64,
}

impl Gait {
    pub(super) fn new() -> Self {
        Self {
            on: false,
            limit: 1,
            gone_well: 0,
            out: 0,
            round: 0,
            in_a_row: 0,
            hold: None,
            asked: None,
            waiting: BTreeMap::new(),
            given: BTreeMap::new(),
            next: 0,
            woken: Vec::new(),
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.on
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Returns until when nobody sets out, if that is yet to come.
    pub(super) fn held(&self, now: Instant) -> Option<Instant> {
        self.hold.filter(|end| now < *end)
    }

    /// Joins the end of the line; returns a number for it.
    pub(super) fn join(&mut self, now: Instant) -> u64 {
        let ticket = self.next;
        self.next += 1;
        self.waiting.insert(ticket, None);
        self.settle(now);
        ticket
    }

    /// Looks whether a pass is there, and says in which round it was given.
    pub(super) fn poll(&mut self, ticket: u64, waker: &Waker, now: Instant) -> Poll<u64> {
        self.settle(now);
        if let Some(round) = self.given.remove(&ticket) {
            return Poll::Ready(round);
        }
        let own = self.waiting.get_mut(&ticket).expect("it waits, or was given a pass");
        if !own.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *own = Some(waker.clone());
        }
        Poll::Pending
    }

    /// Returns when this one has to look again, although nobody wakes it.
    ///
    /// As many watch the end of a hold as can go then: were it the first alone, one that is never
    /// polled again would stop all behind it.
    pub(super) fn alarm(&self, ticket: u64, now: Instant) -> Option<Instant> {
        self.held(now).filter(|_| self.waiting.keys().take(self.limit).any(|own| *own == ticket))
    }

    /// Leaves the line; a pass that was laid down for it goes to the next.
    pub(super) fn leave(&mut self, ticket: u64, now: Instant) {
        if self.given.remove(&ticket).is_some() {
            return self.release(now);
        }
        if self.waiting.remove(&ticket).is_none() {
            return;
        }
        // It may have been the one who would have seen the end of a hold.
        self.settle(now);
        if self.held(now).is_some() {
            self.wake_last_watcher();
        }
    }

    /// Somebody may have moved up to those who watch the end of a hold.
    fn wake_last_watcher(&mut self) {
        let last = self.waiting.values_mut().nth(self.limit - 1);
        self.woken.extend(last.and_then(Option::take));
    }

    /// The request that had this pass was answered without complaint.
    pub(super) fn went_well(&mut self, round: u64) {
        if round != self.round {
            return;
        }
        self.in_a_row = 0;
        // A limit that nobody reaches says nothing about more.
        if self.waiting.is_empty() && self.out < self.limit {
            return;
        }
        self.gone_well += 1;
        if self.gone_well >= self.limit {
            (self.limit, self.gone_well) = (self.limit + 1, 0);
            self.wake_last_watcher();
        }
    }

    /// The cloud asks for less.
    pub(super) fn refused(&mut self, refused: Refused, now: Instant) {
        let Refused { round, asked, busy, random } = refused;
        // What set out before the last decrease was sent at the pace that was too fast.
        let is_news = !self.on || round == Some(self.round);
        if is_news {
            let (before, in_a_row) = match self.on {
                true => (self.limit.min(self.out), self.in_a_row.saturating_add(1)),
                false => (self.out.max(busy), 1),
            };
            (self.on, self.limit, self.gone_well) = (true, (before / 2).max(1), 0);
            (self.round, self.in_a_row) = (self.round + 1, in_a_row);
        }
        self.asked = Some(now);
        let pause = match asked {
            Some(asked) => asked.min(LONGEST_HOLD),
            None if is_news => backoff(self.in_a_row, random),
            None => Duration::ZERO,
        };
        let end = now + pause;
        if self.hold.is_none_or(|known| known < end) {
            self.hold = Some(end);
        }
        // Passes that nobody has taken up yet come back. Their callers are awake and look again, and so
        // do those who may have to watch the hold.
        self.out -= self.given.len();
        self.waiting.extend(std::mem::take(&mut self.given).into_keys().map(|own| (own, None)));
        let front = self.waiting.values_mut().take(self.limit);
        self.woken.extend(front.filter_map(Option::take));
    }

    /// A pass comes back.
    pub(super) fn release(&mut self, now: Instant) {
        self.out -= 1;
        self.settle(now);
    }

    /// Gives out the passes there are, to those who wait longest.
    fn settle(&mut self, now: Instant) {
        if self.held(now).is_some() {
            return;
        }
        let calm = self.asked.is_none_or(|asked| now.saturating_duration_since(asked) >= CALM);
        // Fewer come than could go.
        if calm && self.out + self.waiting.len() < self.limit {
            self.on = false;
        }
        while !self.on || self.out < self.limit {
            let Some((ticket, waker)) = self.waiting.pop_first() else { return };
            self.out += 1;
            self.given.insert(ticket, self.round);
            self.woken.extend(waker);
        }
    }
}

/// How long nobody sets out after so many bad rounds in a row, where the cloud does not say.
fn backoff(in_a_row: u32, random: f64) -> Duration {
    let doubled = FIRST_BACKOFF.saturating_mul(1 << (in_a_row - 1).min(16));
    doubled.min(LONGEST_BACKOFF).mul_f64(0.5 + 0.5 * random)
}

/// Who was told a longer time obeys it; the others look after this long whether it still holds.
pub(super) const LONGEST_HOLD: Duration = Duration::from_secs(30);
/// After so long without a complaint nobody counts any more.
pub(super) const CALM: Duration = Duration::from_secs(60);
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
