//! One connection, one origin, and everybody needs a login: no deadlock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Instant;

use crate::support::{GET_NODE, Home, assert_sound, fast, ms, nodes, open, quick, seen, until};

#[test]
fn sixty_four_callers_with_one_connection_outlive_expiry_and_revocation() {
    for home in Home::ALL {
        let sim = fast().token_lifetime(ms(800)).login_delay(ms(20)).start().unwrap();
        let (driver, compute) = open(&sim, quick().connections_per_host(1));
        let ids = nodes(&compute, 8);
        let (own, all) = (compute.clone(), Arc::clone(&ids));
        let began = Instant::now();
        let calls = Arc::<AtomicUsize>::default();
        thread::scope(|s| {
            let counted = Arc::clone(&calls);
            let callers = s.spawn(move || {
                let next = move |i: usize, _| {
                    let goes_on = began.elapsed() < ms(1_200);
                    goes_on.then(|| counted.fetch_add(1, SeqCst));
                    goes_on.then(|| own.get_node(&all[i % all.len()]))
                };
                home.crowd(64, next)
            });
            for revoked in 1..=2 {
                until(|| seen(&sim, GET_NODE) > revoked * 100 || callers.is_finished());
                sim.revoke_tokens();
            }
            for (i, nodes) in callers.join().unwrap().into_iter().enumerate() {
                for node in nodes {
                    assert_eq!(node.unwrap().id, ids[i % ids.len()], "{home:?}");
                }
            }
        });
        assert!(calls.load(SeqCst) >= 64);
        let stats = sim.stats();
        assert!(stats.logins >= 3, "{home:?}: {stats:?}");
        assert!(stats.peak_open_connections <= 2, "the cap, and a login: {stats:?}");
        assert_sound(&sim, &driver);
    }
}
