//! The pace of one service in one region, shared by all callers: when one is told to slow down, all
//! do, and take turns.
//!
//! Mostly it is off, and a request reads one flag that nobody writes. What happens while it is on is
//! in [`gait`].

mod gait;

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use self::gait::{Gait, Refused};
use crate::error::{Error, ErrorKind, Result};
use crate::wire::alarm::Alarm;

pub(crate) struct Pace {
    /// A copy of what the gait says, to be read without its lock.
    on: AtomicBool,
    gait: Mutex<Gait>,
    /// Answers that asked for fewer requests.
    slowed_down: AtomicU64,
}

/// What an answer says about the pace.
#[derive(Clone, Copy, Debug)]
pub(super) enum Word {
    /// The cloud did what it was asked for, or said why not.
    Well,
    /// It asks for fewer requests, and maybe for none for so long.
    SlowDown(Option<Duration>),
    /// It has other troubles.
    Nothing,
}

impl Word {
    /// Reads a refusal; `None` is an answer that went well.
    pub(super) fn of(refusal: Option<ErrorKind>, asked: Option<Duration>) -> Self {
        match refusal {
            Some(ErrorKind::RateLimited) => Self::SlowDown(asked),
            // One that says when to come again has too much to do.
            Some(ErrorKind::Unavailable) if asked.is_some() => Self::SlowDown(asked),
            Some(ErrorKind::Unavailable) => Self::Nothing,
            _ => Self::Well,
        }
    }
}

impl Pace {
    pub(crate) fn new() -> Self {
        let (on, slowed_down) = (AtomicBool::new(false), AtomicU64::new(0));
        Self { on, gait: Mutex::new(Gait::new()), slowed_down }
    }

    /// Tells whether a request needs a pass.
    pub(super) fn is_on(&self) -> bool {
        self.on.load(Relaxed)
    }

    /// Waits in line for a pass.
    ///
    /// # Errors
    /// `RateLimited` when its turn cannot come before `deadline`, as soon as that is known.
    ///
    /// # Cancellation
    /// Dropped, it leaves the line.
    pub(super) async fn wait(
        self: &Arc<Self>,
        deadline: Instant,
        own_reactor: bool,
    ) -> Result<Pass> {
        let place = Place::join(self, Instant::now());
        let mut alarm = Alarm::new(own_reactor);
        poll_fn(|cx| place.poll(cx, &mut alarm, deadline)).await
    }

    /// A request that set out without a pass, one of so many, was told to slow down.
    pub(super) fn slow_down(&self, asked: Option<Duration>, busy: impl FnOnce() -> usize) {
        let busy = if self.is_on() { 0 } else { busy() };
        self.refused(Refused { round: None, asked, busy, random: fastrand::f64() });
    }

    fn refused(&self, refused: Refused) {
        self.slowed_down.fetch_add(1, Relaxed);
        let limit = self.with(|gait| {
            gait.refused(refused, Instant::now());
            gait.limit()
        });
        tracing::debug!(asked = ?refused.asked, limit, "the cloud asks for fewer requests");
    }

    /// Returns how often a cloud asked for fewer requests, and how many callers wait for it now.
    pub(crate) fn counts(&self) -> (u64, usize) {
        (self.slowed_down.load(Relaxed), self.gait.lock().waiting())
    }

    /// Runs `f` under the lock, and wakes after it.
    fn with<R>(&self, f: impl FnOnce(&mut Gait) -> R) -> R {
        let mut gait = self.gait.lock();
        let result = f(&mut gait);
        self.on.store(gait.is_on(), Relaxed);
        let woken = std::mem::take(&mut gait.woken);
        drop(gait);
        woken.into_iter().for_each(Waker::wake);
        result
    }
}

/// A place in the line; dropped, it is given up.
struct Place<'a> {
    pace: &'a Arc<Pace>,
    ticket: u64,
}

impl<'a> Place<'a> {
    fn join(pace: &'a Arc<Pace>, now: Instant) -> Self {
        Self { pace, ticket: pace.with(|gait| gait.join(now)) }
    }

    fn poll(
        &self,
        cx: &mut Context<'_>,
        alarm: &mut Alarm,
        deadline: Instant,
    ) -> Poll<Result<Pass>> {
        let Self { pace, ticket } = self;
        loop {
            let now = Instant::now();
            let alarmed = pace.with(|gait| match gait.poll(*ticket, cx.waker(), now) {
                Poll::Ready(round) => Err(Ok(Pass { pace: Arc::clone(pace), round })),
                Poll::Pending => match gait.held(now) {
                    Some(end) if end >= deadline => Err(Err(too_long(end - now))),
                    held if now >= deadline => Err(Err(too_late(gait, held.map(|end| end - now)))),
                    _ => Ok(gait.alarm(*ticket, now)),
                },
            });
            let until = match alarmed {
                Ok(until) => until.map_or(deadline, |until| until.min(deadline)),
                Err(result) => return Poll::Ready(result),
            };
            if !alarm.rings(until, cx) {
                return Poll::Pending;
            }
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.pace.with(|gait| gait.leave(self.ticket, Instant::now()));
    }
}

/// The right to have one request on its way; dropped, it goes to whoever waits longest.
pub(super) struct Pass {
    pace: Arc<Pace>,
    round: u64,
}

impl Pass {
    /// Hears what came of the request.
    pub(super) fn hear(self, word: Word) {
        match word {
            Word::Well => self.pace.with(|gait| gait.went_well(self.round)),
            Word::SlowDown(asked) => {
                let (round, random) = (Some(self.round), fastrand::f64());
                self.pace.refused(Refused { round, asked, busy: 0, random });
            }
            Word::Nothing => {}
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.pace.with(|gait| gait.release(Instant::now()));
    }
}

fn too_long(rest: Duration) -> Error {
    let text = format!(
        "the cloud asked everybody to wait for another {rest:.1?}, longer than this call may take; \
         it was not sent: allow more time, or call again then"
    );
    Error::new(ErrorKind::RateLimited, text).with_retry_after(Some(rest))
}

fn too_late(gait: &Gait, rest: Option<Duration>) -> Error {
    let text = format!(
        "the cloud asked for fewer requests, and the turn of this one did not come in time: {} may \
         be on their way at once, {} wait; it was not sent: allow more time, or make fewer calls",
        gait.limit(),
        gait.waiting()
    );
    Error::new(ErrorKind::RateLimited, text).with_retry_after(rest)
}
