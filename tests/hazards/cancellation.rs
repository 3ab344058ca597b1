//! Operations given up at every stage: dropped in tasks, cancelled on threads.

use std::thread;

use welkin::Op;
use welkin::sim::Fault;

use crate::support::{
    GET_NODE, Home, Relay, assert_sound, current_thread, fast, ms, nodes, open, order, quick, seen,
};

#[test]
fn given_up_in_the_queue() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, compute) = open(&sim, quick().connections_per_host(1));
        let ids = nodes(&compute, 1);
        sim.fail_next(Fault::delay(ms(300)).on("GET", "/compute"));
        thread::scope(|s| {
            let holder = s.spawn(|| compute.get_node(&ids[0]).wait());
            crate::support::until(|| sim.stats().faults == 1);
            let queued = compute.get_node(&ids[0]);
            let result = home.give_up(queued, || driver.stats().waiting == 1);
            assert!(result.is_none(), "{home:?}");
            assert_eq!(driver.stats().waiting, 0, "{home:?}");
            holder.join().unwrap().unwrap();
        });
        assert_eq!(seen(&sim, GET_NODE), 1, "what waited was never sent");
        assert_sound(&sim, &driver);
    }
}

#[test]
fn given_up_while_dialing() {
    for home in Home::ALL {
        let relay = Relay::new();
        let sim = relay.before_tls();
        let (driver, compute) = open(&sim, quick());
        let ids = nodes(&compute, 1);
        driver.close_idle();
        let before = relay.connections();
        relay.hold(true);
        let dialing = home.give_up(compute.get_node(&ids[0]), || relay.connections() > before);
        assert!(dialing.is_none(), "{home:?}");
        relay.hold(false);
        assert_sound(&sim, &driver);
    }
}

#[test]
fn given_up_while_waiting_for_a_login_that_goes_on_for_the_others() {
    for home in Home::ALL {
        let sim = fast().login_delay(ms(100)).start().unwrap();
        let (driver, compute) = open(&sim, quick());
        let waiting = compute.find_image("tiny");
        assert!(home.give_up(waiting, || sim.stats().requests == 1).is_none(), "{home:?}");
        assert_sound(&sim, &driver);
        assert_eq!((sim.stats().logins, sim.stats().failed_logins), (1, 0), "{home:?}");
    }
}

#[test]
fn given_up_after_sending() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, compute) = open(&sim, quick());
        let ids = nodes(&compute, 1);
        for _ in 0..5 {
            sim.fail_next(Fault::silence_after().on("GET", "/compute"));
            let sent = seen(&sim, GET_NODE);
            let op = compute.get_node(&ids[0]);
            assert!(home.give_up(op, || seen(&sim, GET_NODE) > sent).is_none(), "{home:?}");
        }
        assert_sound(&sim, &driver);
    }
}

#[test]
fn given_up_with_half_an_answer() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, compute) = open(&sim, quick());
        let ids = nodes(&compute, 1);
        for part in [1, 5, 20] {
            // The head comes in the first pieces, most of the body never.
            sim.fail_next(Fault::slow_bytes(100, ms(20)).on("GET", "/compute"));
            let mut since = None;
            let half_way = || {
                let begun = sim.stats().faults > 0;
                let since = since.get_or_insert_with(std::time::Instant::now);
                begun && since.elapsed() >= ms(20) * part
            };
            let result = home.give_up(compute.get_node(&ids[0]), half_way);
            assert!(result.is_none_or(|node| node.is_ok()), "{home:?}");
            assert_eq!(driver.stats().waiting, 0);
        }
        assert_sound(&sim, &driver);
    }
}

#[test]
fn a_create_given_up_is_done_at_most_once() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, compute) = open(&sim, quick());
        let order = order(&compute, "once");
        sim.fail_next(Fault::silence_after().on("POST", "/compute"));
        let op = compute.create_node(&order);
        assert!(home.give_up(op, || sim.servers().len() == 1).is_none(), "{home:?}");
        assert_sound(&sim, &driver);
        assert_eq!((sim.servers().len(), sim.stats().duplicates), (1, 0), "{home:?}");
    }
}

#[test]
fn given_up_at_any_moment_whatever_was_going_on() {
    let sim = fast().login_delay(ms(5)).read_delay(ms(2)).token_lifetime(ms(500)).start().unwrap();
    let (driver, compute) = open(&sim, quick().connections_per_host(2));
    let ids = nodes(&compute, 4);
    current_thread().block_on(async {
        for limit in 0..150 {
            let limit = std::time::Duration::from_micros(limit * 60);
            let ops: Vec<Op<_>> = ids.iter().map(|id| compute.get_node(id)).collect();
            let tasks = ops.into_iter().map(|op| tokio::spawn(tokio::time::timeout(limit, op)));
            for (task, id) in tasks.collect::<Vec<_>>().into_iter().zip(ids.iter()) {
                // Either it was dropped half way, or it is right.
                if let Ok(node) = task.await.unwrap() {
                    assert_eq!(node.unwrap().id, *id);
                }
            }
        }
    });
    assert_sound(&sim, &driver);
}

#[test]
fn dropped_calls_leave_their_connection_behind_when_the_answer_comes_soon() {
    for home in [Home::CurrentThread, Home::MultiThread, Home::Smol] {
        few_new_connections(home);
    }
}

/// Not so threads: a thread that is cancelled is woken by the end of its connection.
fn few_new_connections(home: Home) {
    const CALLS: usize = 50;
    let sim = fast().start().unwrap();
    let (driver, compute) = open(&sim, quick());
    let ids = nodes(&compute, 1);
    let before = sim.stats().connections;
    for _ in 0..CALLS {
        sim.fail_next(Fault::delay(ms(10)).on("GET", "/compute"));
        let sent = seen(&sim, GET_NODE);
        home.give_up(compute.get_node(&ids[0]), || seen(&sim, GET_NODE) > sent);
        // The next call comes when the answer that nobody waits for has come.
        thread::sleep(ms(20));
    }
    let new = sim.stats().connections - before;
    assert!(new * 5 <= CALLS as u64, "{home:?}: {new} connections for {CALLS} calls");
    assert_sound(&sim, &driver);
}
