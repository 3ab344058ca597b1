//! Time in every home.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tokio::runtime::Id;
use tokio::time::Sleep;

use super::{home, park};

/// Wakes its poller when a deadline has passed.
///
/// It is armed for the first deadline and armed again only for an earlier one or when it rang: a
/// connection whose deadlines only move ahead arms it about once per time-out, not per request.
pub(crate) struct Alarm {
    own_reactor: bool,
    armed: Option<Armed>,
}

struct Armed {
    /// A `Sleep` must not be touched once its runtime is gone.
    runtime: Id,
    sleep: Pin<Box<Sleep>>,
    waker: Option<Waker>,
}

impl Armed {
    /// Tells whether it will ring in time, for that poller.
    fn is_enough(&self, runtime: Id, deadline: Instant, waker: &Waker) -> bool {
        self.runtime == runtime
            && self.sleep.deadline().into_std() <= deadline
            && !self.sleep.is_elapsed()
            && self.waker.as_ref().is_some_and(|w| w.will_wake(waker))
    }
}

impl Alarm {
    pub(crate) fn new(own_reactor: bool) -> Self {
        Self { own_reactor, armed: None }
    }

    /// Returns whether `deadline` has passed; if not, the poller is woken about then.
    pub(crate) fn rings(&mut self, deadline: Instant, cx: &mut Context<'_>) -> bool {
        let in_wait = park::in_wait();
        let runtime = (!in_wait).then(|| home::runtime(self.own_reactor));
        if let (Some(armed), Some(runtime)) = (&self.armed, &runtime)
            && armed.is_enough(runtime.id(), deadline, cx.waker())
        {
            return false;
        }
        if Instant::now() >= deadline {
            return true;
        }
        let Some(runtime) = runtime else {
            park::wake_at(deadline);
            return false;
        };
        if self.armed.as_ref().is_some_and(|a| a.runtime != runtime.id()) {
            self.armed = None;
        }
        let armed = self.armed.get_or_insert_with(|| {
            let _entered = runtime.enter();
            let sleep = Box::pin(tokio::time::sleep_until(deadline.into()));
            Armed { runtime: runtime.id(), sleep, waker: None }
        });
        if armed.sleep.deadline().into_std() > deadline || armed.sleep.is_elapsed() {
            armed.sleep.as_mut().reset(deadline.into());
            armed.waker = None;
        }
        // A task whose budget is used up would be told "pending" without being registered.
        let mut poll = |cx: &mut Context<'_>| {
            pin!(tokio::task::unconstrained(armed.sleep.as_mut())).poll(cx).is_ready()
        };
        if poll(cx) {
            if Instant::now() >= deadline {
                return true;
            }
            // tokio's clock is ahead of the system's, as in tests that pause it: ask again soon.
            cx.waker().wake_by_ref();
            return false;
        }
        armed.waker = Some(cx.waker().clone());
        false
    }
}

/// Waits until `at`.
pub(crate) async fn sleep_until(at: Instant, own_reactor: bool) {
    let mut alarm = Alarm::new(own_reactor);
    poll_fn(|cx| if alarm.rings(at, cx) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// Gives `future` until `deadline`; `None` when that has passed.
pub(crate) async fn timeout_at<F: Future>(
    deadline: Instant,
    own_reactor: bool,
    future: F,
) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut alarm = Alarm::new(own_reactor);
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        if alarm.rings(deadline, cx) { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
}
