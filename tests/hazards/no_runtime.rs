//! No runtime anywhere, or one that can do nothing.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};

use welkin::sim::Fault;
use welkin::{ErrorKind, Phase, Retry};

use crate::support::{assert_sound, fast, ms, nodes, open, quick};

/// The least executor there can be.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn a_thread_waits_and_an_executor_of_ten_lines_awaits() {
    for tls in [false, true] {
        let sim = fast().tls(tls).start().unwrap();
        let (driver, compute) = open(&sim, quick());
        let ids = nodes(&compute, 2);
        assert_eq!(compute.get_node(&ids[0]).wait().unwrap().id, ids[0]);
        assert_eq!(block_on(compute.get_node(&ids[1])).unwrap().id, ids[1]);
        assert_eq!(block_on(async { compute.list_nodes().await }).unwrap().len(), 2);
        assert_sound(&sim, &driver);
        assert_eq!(sim.stats().connections, 1, "the same for both");
    }
}

#[test]
fn deadlines_ring_without_a_runtimes_clock() {
    let sim = fast().start().unwrap();
    let (driver, compute) = open(&sim, quick().retry(Retry::never()));
    let ids = nodes(&compute, 1);
    sim.fail_next(Fault::silence_before().on("GET", "/compute").times(2));
    let op = || compute.get_node(&ids[0]).timeout(ms(100));
    for error in [op().wait().unwrap_err(), block_on(op()).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Answer), "{error:?}");
    }
    assert_sound(&sim, &driver);
}

#[test]
fn a_runtime_without_drivers_is_served_when_the_settings_say_so() {
    let sim = fast().start().unwrap();
    let (driver, compute) = open(&sim, quick().own_reactor(true).retry(Retry::never()));
    let ids = nodes(&compute, 1);
    let bare = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(bare.block_on(compute.get_node(&ids[0])).unwrap().id, ids[0]);
    sim.fail_next(Fault::silence_before().on("GET", "/compute"));
    let late = bare.spawn(compute.get_node(&ids[0]).timeout(ms(100)));
    let error = bare.block_on(late).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Answer), "{error:?}");
    assert_sound(&sim, &driver);
}
