//! Runtimes end; the driver and its connections do not.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use welkin::sim::Fault;

use crate::support::{
    GET_NODE, assert_sound, current_thread, fast, ms, multi_thread, nodes, open, quick, seen,
};

#[test]
fn connections_outlive_the_runtime_that_opened_them() {
    let sim = fast().tls(true).start().unwrap();
    let (driver, compute) = open(&sim, quick());
    let ids = nodes(&compute, 4);
    sim.set_read_delay(ms(50));
    let all = |runtime: tokio::runtime::Runtime| {
        let tasks: Vec<_> = ids.iter().map(|id| runtime.spawn(compute.get_node(id))).collect();
        for (task, id) in tasks.into_iter().zip(ids.iter()) {
            assert_eq!(runtime.block_on(task).unwrap().unwrap().id, *id);
        }
    };
    all(multi_thread());
    let opened = sim.stats().connections;
    all(current_thread());
    all(multi_thread());
    for id in ids.iter() {
        assert_eq!(compute.get_node(id).wait().unwrap().id, *id);
        assert_eq!(smol::block_on(compute.get_node(id)).unwrap().id, *id);
    }
    assert_eq!(sim.stats().connections, opened, "none was lost with its runtime");
    assert_sound(&sim, &driver);
}

#[test]
fn a_runtime_dropped_with_calls_in_flight_leaks_nothing() {
    let sim = fast().start().unwrap();
    let (driver, compute) = open(&sim, quick().connections_per_host(4));
    let ids = nodes(&compute, 1);
    for runtime in [current_thread(), multi_thread()] {
        let before = sim.stats().faults;
        sim.fail_next(Fault::silence_after().on("GET", "/compute").times(4));
        // Four on their way, four in the queue.
        (0..8).for_each(|_| drop(runtime.spawn(compute.get_node(&ids[0]))));
        let (sim, driver) = (&sim, &driver);
        runtime.block_on(async move {
            while sim.stats().faults < before + 4 || driver.stats().waiting < 4 {
                tokio::time::sleep(ms(1)).await;
            }
        });
        drop(runtime);
        assert_sound(sim, driver);
    }
    assert_eq!(smol::block_on(compute.get_node(&ids[0])).unwrap().id, ids[0]);
}

#[test]
fn an_operation_begun_in_a_runtime_that_ended_ends_in_another_and_on_a_thread() {
    let sim = fast().start().unwrap();
    let (driver, compute) = open(&sim, quick());
    let ids = nodes(&compute, 1);
    for on_a_thread in [false, true] {
        sim.fail_next(Fault::delay(ms(100)).on("GET", "/compute"));
        let sent = seen(&sim, GET_NODE);
        let mut op = compute.get_node(&ids[0]);
        let first = current_thread();
        first.block_on(async {
            while seen(&sim, GET_NODE) == sent {
                let polled = Pin::new(&mut op).poll(&mut Context::from_waker(Waker::noop()));
                assert!(matches!(polled, Poll::Pending));
                tokio::time::sleep(ms(1)).await;
            }
        });
        drop(first);
        let node = if on_a_thread { op.wait() } else { current_thread().block_on(op) };
        assert_eq!(node.unwrap().id, ids[0]);
        assert_eq!(seen(&sim, GET_NODE), sent + 1, "it was sent once");
        assert_sound(&sim, &driver);
    }
}
