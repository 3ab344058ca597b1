//! One caller is told to slow down: all who ask that service do, and nobody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use welkin::sim::{Fault, Sim};
use welkin::{Compute, Driver, ErrorKind, Retry};

use crate::support::{GET_NODE, Home, assert_sound, fast, ms, nodes, open, quick, seen, until};

/// Has one request of Nova's refused for so many seconds; returns a time before that.
fn refuse_one(sim: &Sim, driver: &Driver, compute: &Compute, id: &str, seconds: u64) -> Instant {
    let began = Instant::now();
    sim.fail_next(Fault::too_many_requests(Duration::from_secs(seconds)).on("GET", "/compute"));
    let error = compute.get_node(id).retry(Retry::never()).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(driver.stats().slowed_down, 1);
    began
}

#[test]
fn one_429_keeps_64_callers_back_until_its_time_is_over_and_then_none_fails() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, compute) = open(&sim, quick());
        let ids = nodes(&compute, 8);
        let began = refuse_one(&sim, &driver, &compute, &ids[0], 1);
        let before = seen(&sim, GET_NODE);
        thread::scope(|s| {
            let (own, all) = (compute.clone(), Arc::clone(&ids));
            let one = move |i: usize, n| (n < 4).then(|| own.get_node(&all[i % 8]));
            let callers = s.spawn(move || home.crowd(64, one));
            // Glance said nothing of the kind.
            let mut images = 0;
            while began.elapsed() < ms(700) {
                compute.find_image("tiny").wait().unwrap();
                images += 1;
            }
            assert!(images > 10, "{home:?}: {images} calls of another service");
            // Whenever this looks, it looks too late rather than too early.
            until(|| seen(&sim, GET_NODE) > before);
            assert!(began.elapsed() >= ms(1_000), "{home:?}: somebody came too early");
            for node in callers.join().unwrap().into_iter().flatten() {
                node.unwrap();
            }
        });
        assert_eq!(seen(&sim, GET_NODE), before + 64 * 4, "{home:?}: each was sent once");
        assert_eq!((sim.stats().faults, driver.stats().retries), (1, 0), "{home:?}");
        assert_eq!(driver.stats().held_back, 0, "{home:?}");
        assert_sound(&sim, &driver);
    }
}

#[test]
fn a_crowd_that_is_refused_all_at_once_comes_again_and_none_fails() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, compute) = open(&sim, quick());
        let ids = nodes(&compute, 1);
        // The refusals come when all are on their way: more than retries are paid for in a row.
        let refusal = Fault::too_many_requests(ms(1_000)).late(ms(500));
        sim.fail_next(refusal.on("GET", "/compute").times(64));
        let one = move |_, n| (n == 0).then(|| compute.get_node(&ids[0]));
        for node in home.crowd(64, one).into_iter().flatten() {
            node.unwrap();
        }
        assert_eq!((sim.stats().faults, driver.stats().retries), (64, 64), "{home:?}");
        assert_sound(&sim, &driver);
    }
}

#[test]
fn callers_in_full_swing_stop_when_one_of_them_is_told_to() {
    let sim = fast().start().unwrap();
    let (driver, compute) = open(&sim, quick());
    let ids = nodes(&compute, 8);
    sim.fail_next(Fault::too_many_requests(ms(2_000)).on("GET", "/compute").after(500));
    let over = AtomicBool::new(false);
    let (calls, pause) = thread::scope(|s| {
        let callers: Vec<_> = (0..64)
            .map(|i| {
                let (compute, id, over) = (&compute, &ids[i % 8], &over);
                s.spawn(move || {
                    let more = || (!over.load(SeqCst)).then(|| compute.get_node(id).wait());
                    std::iter::from_fn(more).map(Result::unwrap).count() as u64
                })
            })
            .collect();
        until(|| driver.stats().slowed_down == 1);
        // The longest time for which the count of requests was seen to stand still.
        let (mut count, mut since, mut longest) = (0, Instant::now(), Duration::ZERO);
        let told = Instant::now();
        while told.elapsed() < ms(3_000) {
            let now = seen(&sim, GET_NODE);
            if now != count {
                (count, since) = (now, Instant::now());
            }
            longest = longest.max(since.elapsed());
            thread::sleep(ms(1));
        }
        over.store(true, SeqCst);
        (callers.into_iter().map(|caller| caller.join().unwrap()).sum::<u64>(), longest)
    });
    assert!(pause >= ms(1_000), "everybody stopped for {pause:?} only");
    assert_eq!(seen(&sim, GET_NODE), calls + 1, "one was refused, and sent again");
    let stats = driver.stats();
    assert_eq!((sim.stats().faults, stats.slowed_down, stats.retries), (1, 1, 1));
    assert_sound(&sim, &driver);
}

#[test]
fn who_has_no_time_left_is_told_at_once_and_nothing_is_sent() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, compute) = open(&sim, quick());
        let ids = nodes(&compute, 1);
        refuse_one(&sim, &driver, &compute, &ids[0], 25);
        let (before, began) = (sim.stats().requests, Instant::now());
        let error = home.run(compute.get_node(&ids[0]).timeout(ms(15_000))).unwrap_err();
        assert!(began.elapsed() < ms(10_000), "{home:?}: it waited all the same");
        assert_eq!(error.kind(), ErrorKind::RateLimited, "{home:?}");
        let wait = error.retry_after().unwrap();
        assert!(wait > ms(15_000) && wait <= ms(25_000), "{home:?}: {wait:?}");
        let text = error.to_string();
        assert!(text.contains("not sent") && text.contains("allow more time"), "{text}");
        assert_eq!(sim.stats().requests, before, "{home:?}");
    }
}

#[test]
fn given_up_while_held_back() {
    thread::scope(|s| {
        for home in Home::ALL {
            s.spawn(move || give_up_while_held_back(home));
        }
    });
}

fn give_up_while_held_back(home: Home) {
    let sim = fast().start().unwrap();
    let (driver, compute) = open(&sim, quick());
    let ids = nodes(&compute, 1);
    let began = refuse_one(&sim, &driver, &compute, &ids[0], 5);
    let before = seen(&sim, GET_NODE);
    thread::scope(|s| {
        for waiting in 0..8 {
            let result = home.give_up(compute.get_node(&ids[0]), || driver.stats().held_back > 0);
            assert!(result.is_none(), "{home:?}: {waiting}");
            assert_eq!(driver.stats().held_back, 0, "{home:?}: it left the line");
        }
        assert!(began.elapsed() < ms(5_000), "{home:?}: the hold was over before");
        assert_eq!(seen(&sim, GET_NODE), before, "{home:?}: none was sent");
        // The first in line leaves, and those behind it get their turns all the same.
        let first =
            s.spawn(|| home.give_up(compute.get_node(&ids[0]), || driver.stats().held_back == 9));
        until(|| driver.stats().held_back == 1);
        let (own, id) = (compute.clone(), ids[0].clone());
        let next = move |_, n| (n == 0).then(|| own.get_node(&id));
        for node in home.crowd(8, next).into_iter().flatten() {
            node.unwrap();
        }
        assert!(first.join().unwrap().is_none(), "{home:?}");
    });
    assert_eq!(seen(&sim, GET_NODE), before + 8, "{home:?}");
    assert_eq!(driver.stats().held_back, 0, "{home:?}");
    assert_sound(&sim, &driver);
}
