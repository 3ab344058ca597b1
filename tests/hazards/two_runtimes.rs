//! Two runtimes and plain threads at the same time, with few connections to share.

use std::sync::Arc;
use std::thread;

use crate::support::{Home, assert_sound, fast, ms, nodes, open, quick};

#[test]
fn they_hand_the_same_connections_to_each_other() {
    const CAP: usize = 2;
    const CALLS: usize = 50;
    for tls in [false, true] {
        let sim = fast().tls(tls).start().unwrap();
        let (driver, compute) = open(&sim, quick().connections_per_host(CAP));
        let ids = nodes(&compute, 8);
        thread::scope(|s| {
            for home in [Home::CurrentThread, Home::CurrentThread, Home::Threads, Home::Smol] {
                let (own, all) = (compute.clone(), Arc::clone(&ids));
                let ids = &ids;
                s.spawn(move || {
                    let next = move |i: usize, n| (n < CALLS).then(|| own.get_node(&all[i]));
                    for (i, nodes) in home.crowd(8, next).into_iter().enumerate() {
                        assert_eq!(nodes.len(), CALLS);
                        for node in nodes {
                            assert_eq!(node.unwrap().id, ids[i], "{home:?}");
                        }
                    }
                });
            }
        });
        let stats = sim.stats();
        assert!(stats.connections <= CAP as u64 + 1, "{stats:?}");
        assert_sound(&sim, &driver);
    }
}

#[test]
fn a_runtime_that_is_not_polled_any_more_holds_nobody_up() {
    let sim = fast().start().unwrap();
    let (driver, compute) = open(&sim, quick().connections_per_host(1));
    let ids = nodes(&compute, 1);
    let idle = crate::support::current_thread();
    idle.block_on(compute.get_node(&ids[0])).unwrap();
    // The one connection lies in a runtime that nobody runs now.
    let opened = sim.stats().connections;
    for home in Home::ALL {
        let node = home.run(compute.get_node(&ids[0]).timeout(ms(5_000))).unwrap();
        assert_eq!(node.id, ids[0], "{home:?}");
    }
    assert_eq!(sim.stats().connections, opened);
    drop(idle);
    assert_sound(&sim, &driver);
}
