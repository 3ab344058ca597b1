//! Waiting on a plain thread.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::net::{Shutdown, TcpStream};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

use parking_lot::Mutex;

/// Runs a future to its end on the calling thread.
///
/// What would wait inside it waits in place instead, so most futures finish in one poll.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let _entered = Entered::new();
    let parker = with_parker(Arc::clone).expect("entered one line above");
    let waker = Waker::from(Arc::clone(&parker));
    let mut cx = Context::from_waker(&waker);
    // Inside a tokio task whose budget is used up, hyper's channels would be pending for ever.
    let mut future = pin!(tokio::task::unconstrained(future));
    loop {
        ALARM.set(None);
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        parker.park(ALARM.get());
    }
}

/// Tells whether this thread is inside [`block_on`].
pub(crate) fn in_wait() -> bool {
    CURRENT.with_borrow(Option::is_some)
}

/// Sees that the waiting thread polls again at `deadline` at the latest.
pub(crate) fn wake_at(deadline: Instant) {
    ALARM.set(Some(ALARM.get().map_or(deadline, |earlier| earlier.min(deadline))));
}

/// Returns how many threads can run at once.
pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Runs `f`, in which nothing blocks beyond `at`: what would is pending, and polled again then.
pub(crate) fn bounded<R>(at: Instant, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<Instant>);
    impl Drop for Restore {
        fn drop(&mut self) {
            BOUND.set(self.0);
        }
    }
    let outer = BOUND.get();
    let _restored = Restore(outer);
    BOUND.set(Some(outer.map_or(at, |outer| outer.min(at))));
    f()
}

/// Returns when blocking must end, although what it waits for may take longer.
pub(crate) fn bound() -> Option<Instant> {
    BOUND.get()
}

/// Runs `f` with the parker of the waiting thread.
pub(crate) fn with_parker<R>(f: impl FnOnce(&Arc<Parker>) -> R) -> Option<R> {
    CURRENT.with_borrow(|current| current.as_ref().map(f))
}

thread_local! {
    /// The parker of the innermost [`block_on`] on this thread.
    static CURRENT: RefCell<Option<Arc<Parker>>> = const { RefCell::new(None) };
    /// Kept from the last one: a parker per thread, not per operation.
    static SPARE: RefCell<Option<Arc<Parker>>> = const { RefCell::new(None) };
    /// When the thread must poll again although nobody wakes it.
    static ALARM: Cell<Option<Instant>> = const { Cell::new(None) };
    /// Until when it may block in one poll.
    static BOUND: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// How others reach a waiting thread.
pub(crate) struct Parker {
    thread: Thread,
    woken: AtomicBool,
    blocked: Mutex<Blocked>,
}

#[derive(Default)]
struct Blocked {
    interrupted: bool,
    on: Option<Arc<TcpStream>>,
}

impl Parker {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            thread: thread::current(),
            woken: AtomicBool::new(false),
            blocked: Mutex::default(),
        })
    }

    fn park(&self, alarm: Option<Instant>) {
        if self.woken.swap(false, SeqCst) {
            return;
        }
        match alarm {
            Some(at) => thread::park_timeout(at.saturating_duration_since(Instant::now())),
            None => thread::park(),
        }
        self.woken.store(false, SeqCst);
    }

    /// Ends what the thread is blocked on now, and everything it would block on later.
    ///
    /// A thread inside `recv` has no other way to hear of a cancellation.
    pub(crate) fn interrupt(self: &Arc<Self>) {
        let mut blocked = self.blocked.lock();
        blocked.interrupted = true;
        if let Some(stream) = &blocked.on {
            let _ = stream.shutdown(Shutdown::Both);
        }
        drop(blocked);
        self.wake_by_ref();
    }

    /// Blocks in `f` on a stream; `None` if the thread was interrupted before or meanwhile.
    #[cfg(unix)]
    pub(crate) fn block<R>(&self, stream: &Arc<TcpStream>, f: impl FnOnce() -> R) -> Option<R> {
        {
            let mut blocked = self.blocked.lock();
            if blocked.interrupted {
                return None;
            }
            blocked.on = Some(Arc::clone(stream));
        }
        let result = f();
        let mut blocked = self.blocked.lock();
        blocked.on = None;
        // What was seen may be the end that the interruption made.
        (!blocked.interrupted).then_some(result)
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, SeqCst) {
            self.thread.unpark();
        }
    }
}

/// Marks the thread as waiting until dropped, and puts back what was there before.
struct Entered {
    outer: Option<Arc<Parker>>,
    alarm: Option<Instant>,
    bound: Option<Instant>,
}

impl Entered {
    fn new() -> Self {
        let parker = SPARE.take().unwrap_or_else(Parker::new);
        parker.woken.store(false, SeqCst);
        *parker.blocked.lock() = Blocked::default();
        Self { outer: CURRENT.replace(Some(parker)), alarm: ALARM.get(), bound: BOUND.take() }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        SPARE.set(CURRENT.replace(self.outer.take()));
        ALARM.set(self.alarm);
        BOUND.set(self.bound);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_wake_from_another_thread_ends_the_wait() {
        let mut started = false;
        block_on(poll_fn(|cx| {
            if std::mem::replace(&mut started, true) {
                return Poll::Ready(());
            }
            let waker = cx.waker().clone();
            thread::spawn(move || waker.wake());
            Poll::Pending
        }));
    }

    #[test]
    fn an_alarm_ends_the_wait_without_a_wake() {
        let at = Instant::now() + Duration::from_millis(5);
        block_on(poll_fn(|_| {
            wake_at(at + Duration::from_secs(60));
            wake_at(at);
            if Instant::now() >= at { Poll::Ready(()) } else { Poll::Pending }
        }));
    }

    #[test]
    fn waits_nest_and_a_panic_leaves_the_thread_sound() {
        assert!(!in_wait());
        let caught = std::panic::catch_unwind(|| {
            block_on(async { block_on(async { assert!(in_wait()) }) });
            block_on(async { panic!("inside") });
        });
        assert!(caught.is_err());
        assert!(!in_wait());
    }
}
