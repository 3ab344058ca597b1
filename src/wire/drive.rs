//! Waiting for a socket in whatever home the caller has.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::alarm::Alarm;
use super::park;
use super::tcp::{Socket, Waited};

/// How the holder of a connection waits for it.
pub(crate) struct Drive {
    wake: Arc<LocalWake>,
    waker: Waker,
    alarm: Alarm,
}

/// The deadline has passed.
pub(crate) struct TimedOut;

impl Drive {
    pub(crate) fn new(own_reactor: bool) -> Self {
        let wake = Arc::new(LocalWake::default());
        Self { waker: Waker::from(Arc::clone(&wake)), wake, alarm: Alarm::new(own_reactor) }
    }

    /// Polls `step` until it is ready or the socket's deadline has passed.
    pub(crate) async fn run<T>(
        &mut self,
        socket: &Socket,
        mut step: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Result<T, TimedOut> {
        poll_fn(|cx| self.poll(socket, cx, &mut step)).await
    }

    /// The waker that what is driven knows.
    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Lets go of the caller's task, when nothing is driven any more.
    pub(crate) fn rest(&self) {
        self.wake.forget();
    }

    /// As [`run`](Self::run), once.
    pub(crate) fn poll<T>(
        &mut self,
        socket: &Socket,
        cx: &mut Context<'_>,
        step: &mut impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<Result<T, TimedOut>> {
        let Self { wake, waker, alarm } = self;
        let mut inner = Context::from_waker(waker);
        wake.enter(cx.waker());
        let (mut turns, mut since) = (0, None);
        let outcome = loop {
            wake.woken.store(false, SeqCst);
            if let Poll::Ready(value) = step(&mut inner) {
                break Poll::Ready(Ok(value));
            }
            if wake.woken.load(SeqCst) {
                turns += 1;
                // A turn or two is hyper talking to itself; more comes of content that is there.
                if turns <= 2 {
                    continue;
                }
                let now = Instant::now();
                if now >= socket.deadline() {
                    break Poll::Ready(Err(TimedOut));
                }
                let since = *since.get_or_insert(now);
                if turns < MOST_TURNS && now.duration_since(since) < LONGEST_TURNS {
                    continue;
                }
                // Others shall have a turn, and whoever may end this: a used-up budget wakes for
                // ever, and a reader may block.
                cx.waker().wake_by_ref();
                break Poll::Pending;
            }
            if park::in_wait() {
                match socket.wait_in_place() {
                    #[cfg(unix)]
                    Waited::Look => continue,
                    #[cfg(unix)]
                    Waited::GiveUp => break Poll::Ready(Err(TimedOut)),
                    Waited::Park => {}
                }
            }
            if alarm.rings(socket.deadline(), &mut inner) {
                break Poll::Ready(Err(TimedOut));
            }
            wake.polling.store(false, SeqCst);
            if !wake.woken.load(SeqCst) {
                return Poll::Pending;
            }
            wake.polling.store(true, SeqCst);
        };
        wake.polling.store(false, SeqCst);
        if outcome.is_ready() {
            wake.forget();
        }
        outcome
    }
}

/// Answers wakes during our own poll by polling again in place.
///
/// hyper's halves talk through channels that wake the very task that is polling them; through the
/// scheduler each such wake would cost a round and a system call.
#[derive(Default)]
struct LocalWake {
    polling: AtomicBool,
    woken: AtomicBool,
    outer: Mutex<Option<Waker>>,
}

impl LocalWake {
    fn enter(&self, outer: &Waker) {
        let mut own = self.outer.lock();
        if !own.as_ref().is_some_and(|w| w.will_wake(outer)) {
            *own = Some(outer.clone());
        }
        self.polling.store(true, SeqCst);
    }

    /// Lets go of the caller's task.
    fn forget(&self) {
        self.outer.lock().take();
    }
}

impl Wake for LocalWake {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, SeqCst);
        if !self.polling.load(SeqCst) {
            let outer = self.outer.lock().clone();
            if let Some(outer) = outer {
                outer.wake();
            }
        }
    }
}

/// More wakes than this within one poll are not hyper talking to itself.
const MOST_TURNS: u32 = 64;
const LONGEST_TURNS: Duration = Duration::from_millis(1);
