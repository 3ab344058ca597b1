//! Many who wait for nodes share what is asked, and nobody's end is another's.

use std::sync::Arc;
use std::thread;

use welkin::{Cancel, Compute, ErrorKind, NodeState, Op, Phase, Retry, Settings};

use crate::support::{
    GET_NODE, Home, assert_sound, fast, ms, nodes, open, order, quick, seen, until,
};

const LIST_NODES: &str = "GET /compute/v2.1/servers/detail";

fn waits(compute: &Compute, ids: &[String], home: Home) -> Vec<welkin::Result<welkin::Node>> {
    let (compute, ids) = (compute.clone(), ids.to_vec());
    let results =
        home.crowd(ids.len(), move |i, n| (n == 0).then(|| compute.wait_until_running(&ids[i])));
    results.into_iter().flatten().collect()
}

#[test]
fn hundreds_wait_with_one_list_a_tick() {
    for home in Home::ALL {
        let sim = fast().boot_time(ms(1500)).quota(300).start().unwrap();
        let (driver, compute) = open(&sim, Settings::new());
        let ids = nodes(&compute, 200);
        sim.reset_stats();
        let all = waits(&compute, &ids, home);
        assert!(all.iter().all(|node| node.as_ref().unwrap().state == NodeState::Running));
        // The first may come before anybody else and ask for its node alone.
        assert!(seen(&sim, GET_NODE) <= 2, "{home:?}: {:?}", sim.stats().by_path);
        // Whoever comes late begins with short pauses, and a busy machine lets them come late.
        let lists = seen(&sim, LIST_NODES);
        assert!((1..=40).contains(&lists), "{home:?}: {lists} lists for 200 waits");
        assert_sound(&sim, &driver);
    }
}

#[test]
fn one_who_waits_alone_asks_for_its_node_alone() {
    let sim = fast().boot_time(ms(300)).start().unwrap();
    let (_driver, compute) = open(&sim, Settings::new());
    let ids = nodes(&compute, 1);
    compute.wait_until_running(&ids[0]).wait().unwrap();
    assert_eq!(seen(&sim, LIST_NODES), 0);
    assert!(seen(&sim, GET_NODE) >= 2);
}

#[test]
fn the_one_that_fails_says_why_and_the_others_run() {
    for home in Home::ALL {
        let sim = fast().boot_time(ms(600)).start().unwrap();
        let (_driver, compute) = open(&sim, quick());
        let mut ids = nodes(&compute, 5).to_vec();
        let bad = order(&compute, "bad").size("99");
        ids.insert(2, compute.create_node(&bad).wait().unwrap().id);
        for (i, result) in waits(&compute, &ids, home).into_iter().enumerate() {
            if i != 2 {
                assert_eq!(result.unwrap().state, NodeState::Running);
                continue;
            }
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Failed);
            assert!(error.to_string().contains("No valid host"), "{error}");
            assert!(error.request_id().is_some(), "{error}");
        }
    }
}

#[test]
fn a_node_that_vanishes_ends_its_wait_alone_and_among_others() {
    for others in [0, 3] {
        let sim = fast().boot_time(ms(60_000)).start().unwrap();
        let (_driver, compute) = open(&sim, quick());
        let ids = nodes(&compute, 1 + others);
        let cancel = Cancel::new();
        let (compute, cancel) = (&compute, &cancel);
        thread::scope(|s| {
            let of_others: Vec<_> = ids[1..]
                .iter()
                .map(|id| s.spawn(move || compute.wait_until_running(id).cancel_on(cancel).wait()))
                .collect();
            let vanishing = s.spawn(|| compute.wait_until_running(&ids[0]).wait());
            until(|| seen(&sim, GET_NODE) + seen(&sim, LIST_NODES) >= 2);
            compute.destroy_node(&ids[0]).wait().unwrap();
            let error = vanishing.join().unwrap().unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::Failed | ErrorKind::NotFound),
                "seen before or not: {error:?}"
            );
            assert!(of_others.iter().all(|other| !other.is_finished()));
            cancel.cancel();
            for other in of_others {
                assert_eq!(other.join().unwrap().unwrap_err().kind(), ErrorKind::Canceled);
            }
        });
    }
}

#[test]
fn who_gives_up_is_forgotten_and_nobody_is_asked_for_when_all_have() {
    for home in Home::ALL {
        let sim = fast().boot_time(ms(60_000)).start().unwrap();
        let (driver, compute) = open(&sim, quick());
        let ids = nodes(&compute, 2);
        let stays = compute.wait_until_running(&ids[0]).timeout(ms(2000));
        thread::scope(|s| {
            let stays = s.spawn(|| stays.wait());
            let op = compute.wait_until_running(&ids[1]);
            let given_up = home.give_up(op, || seen(&sim, LIST_NODES) >= 1);
            assert!(given_up.is_none());
            let error = stays.join().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Wait));
            assert!(error.to_string().contains("\"n0\" is still BUILD"), "{error}");
        });
        assert_sound(&sim, &driver);
        sim.reset_stats();
        thread::sleep(ms(700));
        assert_eq!(seen(&sim, LIST_NODES) + seen(&sim, GET_NODE), 0, "somebody still looks");
    }
}

#[test]
fn a_wait_outlives_what_passes_and_the_driver_it_came_from() {
    use welkin::sim::Fault;
    for waiting in [1, 4] {
        let sim = fast().boot_time(ms(2500)).start().unwrap();
        let (driver, compute) = open(&sim, Settings::new().retry(Retry::never()));
        let ids = nodes(&compute, waiting);
        sim.fail_next(Fault::unavailable().on("GET", "/compute").times(3));
        sim.fail_next(Fault::reset_after().on("GET", "/compute").after(1));
        let ops: Vec<Op<_>> = ids.iter().map(|id| compute.wait_until_running(id)).collect();
        drop((driver, compute));
        let all: Vec<_> = thread::scope(|s| {
            let all: Vec<_> = ops.into_iter().map(|op| s.spawn(|| op.wait())).collect();
            all.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for node in all {
            assert_eq!(node.unwrap().state, NodeState::Running);
        }
        assert_eq!(sim.stats().faults, 4);
    }
}

#[test]
fn a_list_that_is_refused_is_no_reason_not_to_ask_for_each() {
    use welkin::sim::Fault;
    let sim = fast().boot_time(ms(500)).start().unwrap();
    let (_driver, compute) = open(&sim, quick());
    let ids = nodes(&compute, 3);
    let refuse = Fault::answer(403).on("GET", "/compute/v2.1/servers/detail").times(u32::MAX);
    sim.fail_next(refuse);
    for node in waits(&compute, &ids, Home::Threads) {
        assert_eq!(node.unwrap().state, NodeState::Running);
    }
}

#[test]
fn what_is_refused_for_good_ends_the_wait_with_it() {
    use welkin::sim::Fault;
    let sim = fast().boot_time(ms(60_000)).start().unwrap();
    let (_driver, compute) = open(&sim, quick());
    let ids = nodes(&compute, 1);
    sim.fail_next(Fault::answer(403).on("GET", "/compute").times(u32::MAX));
    let error = compute.wait_until_running(&ids[0]).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
}

#[test]
fn all_see_that_their_nodes_are_gone() {
    for home in Home::ALL {
        let sim = fast().delete_time(ms(800)).start().unwrap();
        let (_driver, compute) = open(&sim, Settings::new());
        let ids = nodes(&compute, 20);
        for id in ids.iter() {
            compute.destroy_node(id).wait().unwrap();
        }
        sim.reset_stats();
        let (waits, all) = (compute.clone(), Arc::clone(&ids));
        let results = home.crowd(20, move |i, n| (n == 0).then(|| waits.wait_until_gone(&all[i])));
        assert!(results.into_iter().flatten().all(|gone| gone.is_ok()));
        assert!(sim.servers().is_empty(), "{home:?}");
        assert!(seen(&sim, GET_NODE) <= 2, "{:?}", sim.stats().by_path);
    }
}

#[test]
fn a_node_that_never_was_is_not_waited_for_and_is_gone() {
    let sim = fast().start().unwrap();
    let (_driver, compute) = open(&sim, quick());
    let none = "00000000-0000-4000-8000-000000000000";
    let error = compute.wait_until_running(none).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    compute.wait_until_gone(none).wait().unwrap();
    assert_eq!(compute.wait_until_running("").wait().unwrap_err().kind(), ErrorKind::Invalid);
}
