//! Many orders at once: each has its own result, and no more go out than are wanted.

use std::collections::HashSet;
use std::pin::Pin;
use std::task::Poll;

use futures_core::Stream;
use welkin::sim::Sim;
use welkin::{Cancel, Compute, ErrorKind, NewNode, Node, Result};

use crate::support::{fast, ms, open, order, quick, until};

fn orders(compute: &Compute, count: usize) -> Vec<NewNode> {
    (0..count).map(|i| order(compute, &format!("m{i}"))).collect()
}

/// Eight say that there was no room, two are there: nothing is hidden.
fn assert_two_of_ten(sim: &Sim, results: &[Result<Node>]) {
    assert_eq!(results.len(), 10);
    let made: HashSet<_> = results.iter().flatten().map(|node| node.id.clone()).collect();
    let there: HashSet<_> = sim.servers().into_iter().map(|server| server.id).collect();
    assert_eq!((made.len(), &made), (2, &there));
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        assert_eq!(error.kind(), ErrorKind::Quota, "{error}");
        assert!(error.request_id().is_some(), "{error}");
    }
    // Each result stands where its order stood.
    for (i, node) in results.iter().enumerate().filter_map(|(i, r)| Some((i, r.as_ref().ok()?))) {
        assert_eq!(node.name, format!("m{i}"));
    }
}

#[test]
fn a_quota_that_is_met_by_the_third_of_ten_is_said_eight_times() {
    let sim = || fast().quota(2).create_delay(ms(20)).start().unwrap();
    for at_once in [1, 4, 16] {
        let cloud = sim();
        let (_driver, compute) = open(&cloud, quick());
        let all = compute.create_nodes(&orders(&compute, 10)).at_once(at_once);
        assert_two_of_ten(&cloud, &all.wait());

        let cloud = sim();
        let (_driver, compute) = open(&cloud, quick());
        let all = compute.create_nodes(&orders(&compute, 10)).at_once(at_once);
        assert_two_of_ten(&cloud, &smol::block_on(async { all.await }));

        let cloud = sim();
        let (_driver, compute) = open(&cloud, quick());
        let all = compute.create_nodes(&orders(&compute, 10)).at_once(at_once);
        let mut results: Vec<_> = all.iter().collect();
        results.sort_by_key(|(place, _)| *place);
        let results: Vec<_> = results.into_iter().map(|(_, result)| result).collect();
        assert_two_of_ten(&cloud, &results);
    }
}

#[test]
fn no_more_are_under_way_than_are_wanted() {
    for at_once in [1, 3] {
        let sim = fast().create_delay(ms(30)).start().unwrap();
        let (_driver, compute) = open(&sim, quick());
        let orders = orders(&compute, 12);
        let both = [
            compute.create_nodes(&orders).at_once(at_once).wait(),
            smol::block_on(async { compute.create_nodes(&orders).at_once(at_once).await }),
        ];
        assert!(both.iter().flatten().all(|result| result.is_ok()));
        assert_eq!(sim.stats().peak_open_connections, at_once as u64);
        assert_eq!(sim.servers().len(), 24);
    }
}

#[test]
fn what_has_not_begun_when_it_is_dropped_never_does() {
    let sim = fast().create_delay(ms(50)).start().unwrap();
    let (_driver, compute) = open(&sim, quick());
    let orders = orders(&compute, 10);

    let mut some = compute.create_nodes(&orders).at_once(2).iter();
    assert!(some.next().is_some_and(|(_, result)| result.is_ok()));
    drop(some);
    // Those under way are carried to their end, and then no thread of theirs is left.
    until(|| sim.stats().open_connections == 0 || is_quiet(&sim));
    let on_threads = sim.servers().len();
    assert!((1..=4).contains(&on_threads), "{on_threads}");

    sim.clear();
    let mut some = compute.create_nodes(&orders).at_once(2).stream();
    let first = smol::block_on(std::future::poll_fn(|cx| Pin::new(&mut some).poll_next(cx)));
    assert!(first.is_some_and(|(_, result)| result.is_ok()));
    drop(some);
    until(|| is_quiet(&sim));
    assert!((1..=3).contains(&sim.servers().len()), "{}", sim.servers().len());
}

/// Nothing more was made for some time.
fn is_quiet(sim: &Sim) -> bool {
    let before = sim.servers().len();
    std::thread::sleep(ms(300));
    sim.servers().len() == before
}

#[test]
fn all_end_when_they_are_cancelled_and_every_one_says_so() {
    let sim = fast().create_delay(ms(60_000)).start().unwrap();
    let (_driver, compute) = open(&sim, quick());
    let orders = orders(&compute, 6);
    let cancel = Cancel::new();
    std::thread::scope(|s| {
        s.spawn(|| {
            until(|| sim.stats().by_path.contains_key("POST /compute/v2.1/servers"));
            cancel.cancel();
        });
        let results = compute.create_nodes(&orders).at_once(2).cancel_on(&cancel).wait();
        assert_eq!(results.len(), 6);
        for result in results {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Canceled);
        }
    });
}

#[test]
fn none_are_nothing() {
    let sim = fast().start().unwrap();
    let (_driver, compute) = open(&sim, quick());
    assert!(compute.create_nodes(&[]).wait().is_empty());
    assert!(smol::block_on(async { compute.create_nodes(&[]).await }).is_empty());
    let mut stream = compute.create_nodes(&[]).at_once(0).stream();
    let end =
        smol::block_on(std::future::poll_fn(|cx| match Pin::new(&mut stream).poll_next(cx) {
            Poll::Ready(item) => Poll::Ready(item.is_none()),
            Poll::Pending => Poll::Pending,
        }));
    assert!(end);
}
