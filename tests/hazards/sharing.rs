//! One driver in a `static`, used from everywhere at once.

use std::sync::{Arc, OnceLock};
use std::thread;

use welkin::Driver;

use crate::support::{GET_NODE, Home, fast, nodes, open, quick, seen};

#[test]
fn sixty_four_threads_and_sixty_four_tasks_each_get_their_own_answers() {
    static DRIVER: OnceLock<Driver> = OnceLock::new();
    const CAP: usize = 16;
    const CALLS: usize = 40;
    let sim = fast().start().unwrap();
    let driver = DRIVER.get_or_init(|| open(&sim, quick().connections_per_host(CAP)).0);
    let ids = nodes(&driver.compute().unwrap(), 64);
    thread::scope(|s| {
        for (home, callers) in [
            (Home::Threads, 64),
            (Home::CurrentThread, 22),
            (Home::MultiThread, 21),
            (Home::Smol, 21),
        ] {
            let ids = Arc::clone(&ids);
            s.spawn(move || {
                let expected = Arc::clone(&ids);
                let compute = driver.compute().unwrap();
                let next = move |i: usize, n| (n < CALLS).then(|| compute.get_node(&ids[i]));
                for (i, nodes) in home.crowd(callers, next).into_iter().enumerate() {
                    assert_eq!(nodes.len(), CALLS);
                    for node in nodes {
                        assert_eq!(node.unwrap().id, expected[i], "{home:?}");
                    }
                }
            });
        }
    });
    let stats = sim.stats();
    assert_eq!(stats.logins, 1);
    assert_eq!(seen(&sim, GET_NODE), 128 * CALLS as u64);
    assert!(stats.peak_open_connections <= CAP as u64, "{stats:?}");
    assert!(stats.connections <= CAP as u64 + 1, "they are kept: {stats:?}");
}

#[test]
fn a_cold_start_is_one_login_however_many_begin_at_once() {
    for home in Home::ALL {
        let sim = fast().login_delay(crate::support::ms(50)).start().unwrap();
        let (driver, compute) = open(&sim, quick());
        let all = home.crowd(64, move |_, n| (n == 0).then(|| compute.find_image("tiny")));
        assert!(all.into_iter().flatten().all(|image| image.is_ok()), "{home:?}");
        assert_eq!((sim.stats().logins, driver.stats().logins), (1, 1), "{home:?}");
    }
}
