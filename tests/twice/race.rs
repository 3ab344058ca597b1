//! Many orders at once, while answers are lost left and right.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use welkin::sim::Fault;
use welkin::{ErrorKind, Node, Result};

use crate::{SERVERS, compute, fast, order, orders};

const THREADS: usize = 16;
const ORDERS: usize = 200;

#[test]
fn two_hundred_orders_under_random_cuts_make_no_node_that_nobody_asked_for() {
    let sim = fast().create_delay(Duration::from_millis(2)).page_size(7).start().unwrap();
    let compute = compute(&sim);
    let base = order(&compute, "one of many");
    // Each waits for so many orders before it happens.
    for _ in 0..12 {
        for fault in [
            Fault::reset_before(),
            Fault::reset_after(),
            Fault::cut_body(),
            Fault::close_after(),
            Fault::bad_gateway(),
            Fault::bad_gateway().once_done(),
            Fault::too_many_requests(Duration::ZERO),
        ] {
            sim.fail_next(fault.on("POST", SERVERS).after(fastrand(ORDERS)));
        }
        for fault in [Fault::reset_before(), Fault::reset_after(), Fault::unavailable()] {
            sim.fail_next(fault.on("GET", SERVERS).after(fastrand(ORDERS)));
        }
    }

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (next, ends) = (AtomicUsize::new(0), Mutex::new(Vec::<Result<Node>>::new()));
    thread::scope(|s| {
        for worker in 0..THREADS {
            let (compute, base, next, ends, runtime) = (&compute, &base, &next, &ends, &runtime);
            s.spawn(move || {
                while next.fetch_add(1, Ordering::SeqCst) < ORDERS {
                    let create = compute.create_node(base).timeout(Duration::from_secs(4));
                    let end = match worker % 2 {
                        0 => create.wait(),
                        _ => runtime.block_on(runtime.spawn(create)).unwrap(),
                    };
                    ends.lock().unwrap().push(end);
                }
            });
        }
    });

    let (nodes, errors): (Vec<_>, Vec<_>) =
        ends.into_inner().unwrap().into_iter().partition(Result::is_ok);
    let nodes: Vec<_> = nodes.into_iter().map(Result::unwrap).collect();
    let errors: Vec<_> = errors.into_iter().map(Result::unwrap_err).collect();
    assert_eq!(nodes.len() + errors.len(), ORDERS);
    let unknown = errors.iter().filter(|e| e.kind() == ErrorKind::Ambiguous).count();
    // A lucky order of the cuts may refuse one thrice.
    let refused = errors.iter().filter(|e| e.kind() == ErrorKind::RateLimited).count();
    assert_eq!(unknown + refused, errors.len(), "{errors:?}");

    let servers = sim.servers();
    let ids: HashSet<_> = servers.iter().map(|server| &server.id).collect();
    let ours: HashSet<_> = nodes.iter().map(|node| &node.id).collect();
    assert_eq!(ours.len(), nodes.len(), "no node is two callers'");
    assert!(ours.is_subset(&ids), "every node that was returned is there");
    let more = servers.len() - nodes.len();
    assert!(more <= unknown, "{more} more than were returned, {unknown} unknown");
    let marks: HashSet<_> = servers.iter().map(|server| &server.metadata["welkin_order"]).collect();
    assert_eq!(marks.len(), servers.len(), "no order was carried out twice");

    // What the cuts did not undo was found, and not ordered again.
    let sent = orders(&sim);
    let (least, most) = (ORDERS as u64, (ORDERS + 12) as u64);
    assert!((least..=most).contains(&sent), "{sent} sent: again only after 429");
    assert!(nodes.len() > ORDERS * 3 / 4, "{} known, {unknown} unknown", nodes.len());
}

/// A number below `n`, another each time.
fn fastrand(n: usize) -> u32 {
    use std::hash::{BuildHasher, RandomState};
    (RandomState::new().hash_one(()) % n as u64) as u32
}
