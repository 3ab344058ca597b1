//! One order, whose answer is cut at each place.

use std::error::Error as _;
use std::thread;
use std::time::{Duration, Instant};

use welkin::sim::{Fault, Sim};
use welkin::{Cancel, Compute, Driver, ErrorKind, NewNode, Node, Result, Settings};

use crate::{SERVERS, compute, fast, looks, order, orders};

/// Creates a node in each way in which operations run.
fn in_every_home(compute: &Compute, order: &NewNode) -> [Result<Node>; 3] {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    [
        compute.create_node(order).wait(),
        runtime.block_on(compute.create_node(order)),
        smol::block_on(compute.create_node(order)),
    ]
}

/// The orders that the sim's servers came from, by their marks.
fn marks(sim: &Sim) -> Vec<String> {
    let mut marks: Vec<_> =
        sim.servers().iter().map(|server| server.metadata["welkin_order"].clone()).collect();
    marks.sort();
    marks.dedup();
    marks
}

#[test]
fn what_was_done_before_the_answer_was_lost_is_found() {
    for (what, fault) in [
        ("reset", Fault::reset_after()),
        ("half a body", Fault::cut_body()),
        ("a proxy's 502", Fault::bad_gateway().once_done()),
        ("a balancer's 503", Fault::unavailable().once_done()),
        ("a proxy that would wait no longer", Fault::answer(504).once_done()),
        ("no mark of OpenStack in a 500", Fault::answer(500).once_done()),
        ("accepted, and no word of what", Fault::answer(202).once_done()),
    ] {
        let sim = fast().start().unwrap();
        let compute = compute(&sim);
        let order = order(&compute, "web-1").metadata("role", "web");
        sim.fail_next(fault.on("POST", SERVERS).times(3));
        for node in in_every_home(&compute, &order) {
            let node = node.unwrap_or_else(|e| panic!("{what}: {e:?}"));
            assert_eq!(node.name, "web-1");
            assert_eq!(
                node.metadata.into_iter().collect::<Vec<_>>(),
                [("role".into(), "web".into())]
            );
            assert!(sim.servers().iter().any(|server| server.id == node.id));
        }
        assert_eq!((sim.servers().len(), orders(&sim)), (3, 3), "{what}: each was sent once");
        assert_eq!(marks(&sim).len(), 3, "{what}");
        assert_eq!((looks(&sim), sim.stats().faults), (3, 3), "{what}: found by the first look");
    }
}

#[test]
fn an_answer_that_came_is_looked_no_further_into() {
    let sim = fast().start().unwrap();
    let compute = compute(&sim);
    let order = order(&compute, "web-1");
    sim.fail_next(Fault::close_after().on("POST", SERVERS));
    compute.create_node(&order).wait().unwrap();
    // What goes out at once may meet the connection's end: a request that may be sent twice.
    compute.list_sizes().wait().unwrap();
    // Known not to be done, and so sent again: the same order, with the same mark.
    sim.fail_next(Fault::too_many_requests(Duration::ZERO).on("POST", SERVERS));
    compute.create_node(&order).wait().unwrap();
    assert_eq!((sim.servers().len(), marks(&sim).len(), orders(&sim)), (2, 2, 3));

    let big = order.size("98");
    assert_eq!(compute.create_node(&big).wait().unwrap_err().kind(), ErrorKind::Quota);
    assert_eq!(looks(&sim), 0);
}

#[test]
fn what_was_not_done_is_looked_for_more_than_once_and_said_not_to_be_known() {
    for (what, fault, how) in [
        ("reset", Fault::reset_before(), "answer was lost"),
        ("502", Fault::bad_gateway(), "502"),
        ("503", Fault::unavailable(), "503"),
    ] {
        let sim = fast().start().unwrap();
        let compute = compute(&sim);
        let order = order(&compute, "web-1");
        sim.fail_next(fault.on("POST", SERVERS));
        let create = compute.create_node(&order).timeout(Duration::from_secs(3));
        let error = create.wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ambiguous, "{what}: {error:?}");
        assert!(!error.is_retryable());
        assert_eq!(error.operation(), Some("create_node"));
        let text = error.to_string();
        for said in ["\"web-1\"", "welkin_order=", "times over", "look before you order again"] {
            assert!(text.contains(said), "{what}: {text}");
        }
        let lost = error.source().unwrap().to_string();
        assert!(lost.contains(how), "{what}: {lost}");
        assert!((2..7).contains(&looks(&sim)), "{what}: {} looks in three seconds", looks(&sim));
        assert_eq!((sim.servers().len(), orders(&sim)), (0, 1), "{what}");
    }
}

#[test]
fn what_the_cloud_is_slow_to_write_down_is_found_in_the_end() {
    let sim = fast().hidden_time(Duration::from_millis(700)).start().unwrap();
    let compute = compute(&sim);
    let order = order(&compute, "late");
    sim.fail_next(Fault::reset_after().on("POST", SERVERS));
    let node = compute.create_node(&order).wait().unwrap();
    assert_eq!(sim.servers()[0].id, node.id);
    assert_eq!((sim.servers().len(), orders(&sim)), (1, 1));
    assert!(looks(&sim) > 1, "it was not there at first");
}

#[test]
fn an_answer_that_takes_too_long_is_a_lost_one() {
    let sim = fast().start().unwrap();
    let settings = Settings::new().attempt_timeout(Duration::from_millis(300));
    let compute = Driver::open_with(sim.config(), settings).unwrap().compute().unwrap();
    let order = order(&compute, "web-1");
    sim.set_create_delay(Duration::from_secs(3600));
    let node = compute.create_node(&order).wait().unwrap();
    assert_eq!((&sim.servers()[0].id, sim.servers().len(), orders(&sim)), (&node.id, 1, 1));
}

#[test]
fn a_look_may_fail_as_well_and_is_taken_again() {
    let sim = fast().start().unwrap();
    let compute = compute(&sim);
    let order = order(&compute, "web-1");
    sim.fail_next(Fault::reset_after().on("POST", SERVERS));
    sim.fail_next(Fault::answer(401).on("GET", SERVERS));
    sim.fail_next(Fault::unavailable().on("GET", SERVERS).times(4));
    sim.fail_next(Fault::reset_before().on("GET", SERVERS).times(3));
    let node = compute.create_node(&order).wait().unwrap();
    assert_eq!((node.name.as_str(), sim.servers().len(), orders(&sim)), ("web-1", 1, 1));

    // A cloud that shows no lists: nothing more can be known, and nothing is waited for.
    sim.fail_next(Fault::reset_after().on("POST", SERVERS));
    sim.fail_next(Fault::answer(403).body("no lists for you").on("GET", SERVERS));
    let error = compute.create_node(&order).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
    assert!(error.to_string().contains("no lists for you"), "{error}");
}

#[test]
fn the_operations_time_ends_a_look_that_hangs_and_one_that_waits() {
    let sim = fast().start().unwrap();
    let compute = compute(&sim);
    let order = order(&compute, "web-1");
    let an_hour = Duration::from_secs(3600);
    for (what, hide, hang) in
        [("hangs", Duration::ZERO, an_hour), ("waits", an_hour, Duration::ZERO)]
    {
        sim.clear();
        sim.set_hidden_time(hide);
        sim.set_read_delay(hang);
        sim.fail_next(Fault::reset_after().on("POST", SERVERS));
        let began = Instant::now();
        let create = compute.create_node(&order).timeout(Duration::from_millis(900));
        let error = create.wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ambiguous, "{what}: {error:?}");
        assert!(error.to_string().contains("welkin_order="), "{what}: {error}");
        assert!(began.elapsed() < Duration::from_secs(10), "{what}");
        assert_eq!(sim.servers().len(), 1, "{what}: it was done");
    }
}

#[test]
fn a_cancel_during_the_look_is_heard() {
    let sim = fast().hidden_time(Duration::from_secs(3600)).start().unwrap();
    let compute = compute(&sim);
    let order = order(&compute, "web-1");
    sim.fail_next(Fault::reset_after().on("POST", SERVERS));
    let cancel = Cancel::new();
    let began = Instant::now();
    let error = thread::scope(|s| {
        let create = s.spawn(|| compute.create_node(&order).cancel_on(&cancel).wait());
        while looks(&sim) < 2 {
            assert!(began.elapsed() < Duration::from_secs(10), "it looks more than once");
            thread::sleep(Duration::from_millis(1));
        }
        cancel.cancel();
        create.join().unwrap().unwrap_err()
    });
    assert_eq!(error.kind(), ErrorKind::Canceled);
    assert!(began.elapsed() < Duration::from_secs(10), "sooner than all looks take");
    assert_eq!((sim.servers().len(), orders(&sim)), (1, 1));
}

#[test]
fn a_name_that_looks_like_a_pattern_is_found_among_others_of_its_kind() {
    let sim = fast().page_size(1).start().unwrap();
    let compute = compute(&sim);
    for name in ["a.b*c+d?e", r"(x|y)[z]{1}\d^$", "ümlaut 雲 ☁ 50% & \"more\""] {
        let order = order(&compute, name);
        let twins = [0, 1].map(|_| compute.create_node(&order).wait().unwrap().id);
        sim.fail_next(Fault::reset_after().on("POST", SERVERS));
        let before = looks(&sim);
        let node = compute.create_node(&order).wait().unwrap();
        assert_eq!(node.name, name);
        assert!(!twins.contains(&node.id), "{name}: another one of that name");
        assert!(looks(&sim) >= before + 3, "{name}: it looks through every page");
    }
    compute.create_node(&order(&compute, "another")).wait().unwrap();
    assert_eq!(sim.servers().len(), 10);
}

#[test]
fn of_two_orders_of_one_name_each_gets_its_own_node() {
    let sim = fast().start().unwrap();
    let compute = compute(&sim);
    let order = order(&compute, "twin");
    for _ in 0..20 {
        sim.clear();
        sim.fail_next(Fault::reset_after().on("POST", SERVERS));
        let ids = thread::scope(|s| {
            let both = [0, 1].map(|_| s.spawn(|| compute.create_node(&order).wait()));
            both.map(|one| one.join().unwrap().unwrap().id)
        });
        assert_ne!(ids[0], ids[1]);
        assert!(sim.servers().iter().all(|server| ids.contains(&server.id)));
        assert_eq!(sim.servers().len(), 2);
    }
}

#[test]
fn the_mark_is_not_shown_among_the_users_own_notes() {
    let sim = fast().start().unwrap();
    let compute = compute(&sim);
    let order = order(&compute, "web-1").metadata("role", "web");
    let created = compute.create_node(&order).wait().unwrap();
    assert!(sim.servers()[0].metadata.contains_key("welkin_order"));
    let listed = compute.list_nodes().wait().unwrap().swap_remove(0);
    for node in [&created, &listed, &compute.get_node(&created).wait().unwrap()] {
        assert_eq!(node.metadata.keys().collect::<Vec<_>>(), ["role"]);
    }
    let mine = order.metadata("welkin_order", "mine");
    let error = compute.create_node(&mine).wait().unwrap_err();
    assert_eq!((error.kind(), orders(&sim)), (ErrorKind::Invalid, 1));
}
