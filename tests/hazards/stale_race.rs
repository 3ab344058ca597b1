//! The server's patience ends at the moment at which the client sends.

use std::sync::Arc;
use std::thread;

use welkin::sim::Fault;
use welkin::{ErrorKind, NewNode};

use crate::support::{
    GET_NODE, Home, assert_sound, create_once, fast, ms, nodes, open, order, quick, seen,
};

#[test]
fn reads_that_meet_it_every_time_go_well_one_after_the_other() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, compute) = open(&sim, quick());
        let ids = nodes(&compute, 1);
        sim.fail_next(Fault::close_on_next().on("GET", "/compute").times(u32::MAX));
        for _ in 0..25 {
            assert_eq!(home.run(compute.get_node(&ids[0])).unwrap().id, ids[0], "{home:?}");
        }
        assert_eq!(seen(&sim, GET_NODE), 25, "{home:?}: each was done once");
        assert!(driver.stats().replays > 0, "{home:?}");
        assert_sound(&sim, &driver);
    }
}

#[test]
fn reads_that_meet_it_every_time_go_well_at_the_same_time() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, compute) = open(&sim, quick());
        let ids = nodes(&compute, 1);
        sim.fail_next(Fault::close_on_next().on("GET", "/compute").times(u32::MAX));
        let (own, all) = (compute.clone(), Arc::clone(&ids));
        let next = move |_, n| (n < 25).then(|| own.get_node(&all[0]));
        for node in home.crowd(8, next).into_iter().flatten() {
            assert_eq!(node.unwrap().id, ids[0], "{home:?}");
        }
        assert_eq!(seen(&sim, GET_NODE), 200, "{home:?}: each was done once");
        assert!(driver.stats().replays > 0, "{home:?}");
        assert_sound(&sim, &driver);
    }
}

#[test]
fn a_create_that_meets_it_is_never_doubled() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, compute) = open(&sim, quick());
        let ids = nodes(&compute, 1);
        for name in ["a", "b", "c", "d", "e"] {
            let order = order(&compute, name);
            sim.fail_next(Fault::close_on_next().on("GET", "/compute"));
            home.run(compute.get_node(&ids[0])).unwrap();
            create_once(home, &sim, &compute, &order, name);
        }
        assert_sound(&sim, &driver);
    }
}

#[test]
fn a_gap_as_long_as_the_servers_patience_fails_no_read_and_doubles_no_create() {
    const GAP: u64 = 25;
    let sim = fast().idle_close(ms(GAP)).quota(10_000).start().unwrap();
    let (driver, compute) = open(&sim, quick());
    let ids = nodes(&compute, 8);
    let image = compute.find_image("tiny").wait().unwrap();
    thread::scope(|s| {
        for (caller, home) in Home::ALL.into_iter().cycle().take(8).enumerate() {
            let (sim, compute, ids, image) = (&sim, &compute, &ids, &image);
            s.spawn(move || {
                for round in 0..30 {
                    // The gap is what this is about; a little to both sides of the patience.
                    thread::sleep(ms(GAP - 2 + round % 4));
                    assert_eq!(home.run(compute.get_node(&ids[caller])).unwrap().id, ids[caller]);
                    thread::sleep(ms(GAP - 2 + round % 4));
                    let name = format!("{caller}-{round}");
                    let order = NewNode::named(&name).size("1").image(image);
                    create_once(home, sim, compute, &order, &name);
                }
            });
        }
    });
    assert!(driver.stats().connections_stale > 0, "the race was run");
    assert_sound(&sim, &driver);
}

#[test]
fn a_create_whose_answer_was_reset_is_ambiguous_and_done_once() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, compute) = open(&sim, quick());
        let order = order(&compute, "once");
        sim.fail_next(Fault::reset_after().on("POST", "/compute"));
        if let Err(error) = home.run(compute.create_node(&order)) {
            assert_eq!(error.kind(), ErrorKind::Ambiguous, "{home:?}: {error:?}");
            assert!(!error.is_retryable());
        }
        assert_eq!((sim.servers().len(), sim.stats().duplicates), (1, 0), "{home:?}");
        assert_sound(&sim, &driver);
    }
}
