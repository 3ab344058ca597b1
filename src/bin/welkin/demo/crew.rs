//! The crew of a run: plain threads and tokio tasks that do the same work at the same time.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::Runtime;
use welkin::{List, Op};

use super::gate::Gates;
use super::work::{GATES, Run, Worker};

/// What a worker is; the two differ only in how they wait.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Thread,
    Task,
}

impl Kind {
    /// Carries out an operation: a thread blocks for it, a task awaits it.
    pub(crate) async fn op<T: Send + 'static>(self, op: Op<T>) -> welkin::Result<T> {
        match self {
            Self::Thread => op.wait(),
            Self::Task => op.await,
        }
    }

    /// The same for a list.
    pub(crate) async fn list<T: Send + 'static>(self, list: List<T>) -> welkin::Result<Vec<T>> {
        match self {
            Self::Thread => list.wait(),
            Self::Task => list.await,
        }
    }
}

/// Lets all workers of a run work, and returns when the last one is done.
pub(crate) fn work(run: &Arc<Run>, runtime: &Runtime) {
    // Nobody can pass a gate before everybody has a ticket.
    let tickets = Gates::new(GATES, run.workers());
    let (mut threads, mut tasks) = (Vec::new(), Vec::new());
    for (number, ticket) in tickets.into_iter().enumerate() {
        // Alternating, so that a few nodes go to both kinds.
        let kind = [Kind::Thread, Kind::Task][number % 2];
        let worker = Worker::new(run, kind, number, ticket);
        match kind {
            Kind::Thread => {
                let name = format!("worker-{number}");
                let work = move || on_this_thread(worker.work());
                match thread::Builder::new().name(name).spawn(work) {
                    Ok(thread) => threads.push(thread),
                    Err(e) => run.tally.fail(&format!("a thread cannot be started: {e}")),
                }
            }
            Kind::Task => tasks.push(runtime.spawn(worker.work())),
        }
    }
    for thread in threads {
        if thread.join().is_err() {
            run.tally.fail(PANIC);
        }
    }
    for task in tasks {
        if runtime.block_on(task).is_err() {
            run.tally.fail(PANIC);
        }
    }
}

/// Runs a worker on the calling thread, without a runtime.
///
/// The worker blocks in its operations ([`Op::wait`]); pending it is only at a gate.
fn on_this_thread<F: Future>(worker: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut worker = pin!(worker);
    loop {
        match worker.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

const PANIC: &str = "a worker panicked, which is a bug; please report it with what it said";
