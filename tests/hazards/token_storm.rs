//! Tokens that end, are revoked, and cannot be renewed, under many callers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use welkin::sim::{Fault, Sim};
use welkin::{Compute, Node, Result};

use crate::support::{
    GET_NODE, Home, LOGIN, SetWhenDropped, fast, ms, nodes, open, quick, seen, until,
};

/// 64 callers, as long as `meanwhile` takes; gives what they got.
fn storm(
    home: Home,
    compute: &Compute,
    ids: &Arc<[String]>,
    meanwhile: impl FnOnce(),
) -> Vec<Result<Node>> {
    let over = Arc::<AtomicBool>::default();
    thread::scope(|s| {
        let (compute, ids, ends) = (compute.clone(), Arc::clone(ids), Arc::clone(&over));
        let callers = s.spawn(move || {
            let one = move |i: usize| compute.get_node(&ids[i % ids.len()]);
            home.crowd(64, move |i, _| (!ends.load(SeqCst)).then(|| one(i)))
        });
        // Also when it panics: otherwise nobody would ever end.
        let _over = SetWhenDropped(&over);
        meanwhile();
        drop(_over);
        callers.join().unwrap().into_iter().flatten().collect()
    })
}

/// Many calls have gone well since.
fn after_more_calls(sim: &Sim) {
    let before = seen(sim, GET_NODE);
    until(|| seen(sim, GET_NODE) > before + 200);
}

fn all_went_well(results: Vec<Result<Node>>) {
    assert!(results.len() >= 64);
    for result in results {
        result.unwrap();
    }
}

#[test]
fn revocation_is_one_login_each_time_and_no_failed_call() {
    for home in Home::ALL {
        let sim = fast().login_delay(ms(20)).start().unwrap();
        let (_, compute) = open(&sim, quick());
        let ids = nodes(&compute, 8);
        let results = storm(home, &compute, &ids, || {
            for generation in 1..=3 {
                after_more_calls(&sim);
                sim.revoke_tokens();
                until(|| sim.stats().logins == generation + 1);
            }
            after_more_calls(&sim);
        });
        all_went_well(results);
        assert_eq!((sim.stats().logins, sim.stats().failed_logins), (4, 0), "{home:?}");
        assert!(sim.stats().unauthorized >= 3, "{home:?}");
    }
}

#[test]
fn tokens_of_a_second_and_of_three_run_out_under_nobody() {
    thread::scope(|s| {
        for (lifetime, logins) in [(ms(1_000), 4..=10), (ms(3_000), 2..=4)] {
            s.spawn(move || {
                let sim = fast().token_lifetime(lifetime).start().unwrap();
                let (_, compute) = open(&sim, quick());
                let ids = nodes(&compute, 8);
                let results = storm(Home::MultiThread, &compute, &ids, || {
                    let began = Instant::now();
                    until(|| began.elapsed() >= ms(3_500));
                });
                all_went_well(results);
                assert_eq!(sim.stats().unauthorized, 0, "they are renewed ahead");
                assert!(logins.contains(&sim.stats().logins), "{}", sim.stats().logins);
            });
        }
    });
}

#[test]
fn a_token_refused_although_it_lives_is_replaced() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (_, compute) = open(&sim, quick());
        let ids = nodes(&compute, 1);
        sim.fail_next(Fault::unauthorized().on("GET", "/compute"));
        home.run(compute.get_node(&ids[0])).unwrap();
        assert_eq!(sim.stats().logins, 2, "{home:?}");
    }
}

#[test]
fn while_a_renewal_takes_long_or_fails_the_old_token_serves_everybody() {
    let sim = fast().token_lifetime(Duration::from_secs(4)).start().unwrap();
    let (driver, compute) = open(&sim, quick());
    let ids = nodes(&compute, 8);
    let slow = Fault::unavailable().late(ms(100)).on("POST", "/identity");
    sim.fail_next(slow.times(u32::MAX));
    let results = storm(Home::Threads, &compute, &ids, || {
        until(|| seen(&sim, LOGIN) > 1);
        let during = seen(&sim, GET_NODE);
        until(|| driver.stats().logins_failed > 0);
        assert!(seen(&sim, GET_NODE) > during + 20, "nobody waits for it");
        sim.clear_faults();
        until(|| sim.stats().logins == 2);
        after_more_calls(&sim);
    });
    all_went_well(results);
    assert_eq!(sim.stats().unauthorized, 0);
}
