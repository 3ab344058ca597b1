//! One driver in the hands of everybody: every answer to its asker, one login, bounded sockets.
#![cfg(feature = "sim")]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use welkin::sim::{Builder, Sim};
use welkin::{Compute, Driver, NewNode, Settings};

fn fast() -> Builder {
    let no = Duration::ZERO;
    Sim::builder()
        .login_delay(no)
        .read_delay(no)
        .create_delay(no)
        .boot_time(no)
}

/// Creates a node for each caller and returns their ids.
fn create(compute: &Compute, count: usize) -> Vec<String> {
    let image = compute.find_image("tiny").wait().unwrap();
    let order = |i| NewNode::named(format!("n{i}")).size("1").image(&image);
    (0..count)
        .map(|i| compute.create_node(&order(i)).wait().unwrap().id)
        .collect()
}

#[test]
fn in_a_race_of_64_threads_everyone_gets_its_own_node() {
    const THREADS: usize = 64;
    const CALLS: usize = 100_000;
    let sim = fast().start().unwrap();
    let driver = Driver::open(sim.config()).unwrap();
    let compute = driver.compute().unwrap();
    let ids = create(&compute, THREADS);
    let wrong = AtomicUsize::new(0);
    thread::scope(|s| {
        for id in &ids {
            let (compute, wrong) = (&compute, &wrong);
            s.spawn(move || {
                for _ in 0..CALLS.div_ceil(THREADS) {
                    if compute.get_node(id).wait().unwrap().id != *id {
                        wrong.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(wrong.into_inner(), 0);
    let seen = sim.stats();
    assert_eq!(seen.logins, 1);
    assert!(seen.by_path["GET /compute/v2.1/servers/{id}"] >= CALLS as u64);
    assert!(
        seen.connections <= 65,
        "64, and one for the login: {}",
        seen.connections
    );
}

#[test]
fn threads_tokio_tasks_and_smol_tasks_use_one_static_at_once() {
    static COMPUTE: OnceLock<Compute> = OnceLock::new();
    let sim = fast().tls(true).start().unwrap();
    let settings = Settings::new().connections_per_host(8);
    let driver = Driver::open_with(sim.config(), settings).unwrap();
    let compute = COMPUTE.get_or_init(|| driver.compute().unwrap());
    let ids = create(compute, 16);
    thread::scope(|s| {
        for id in &ids {
            s.spawn(move || {
                (0..30).for_each(|_| assert_eq!(compute.get_node(id).wait().unwrap().id, *id));
            });
        }
        s.spawn(|| {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut tasks = tokio::task::JoinSet::new();
                for id in ids.iter().cycle().take(500) {
                    let (asked, id) = (compute.get_node(id), id.clone());
                    tasks.spawn(async move { assert_eq!(asked.await.unwrap().id, id) });
                }
                tasks.join_all().await;
            });
        });
        s.spawn(|| {
            let asked = ids.iter().cycle().take(500);
            let tasks: Vec<_> = asked
                .map(|id| (id, smol::spawn(compute.get_node(id))))
                .collect();
            for (id, task) in tasks {
                assert_eq!(smol::block_on(task).unwrap().id, *id);
            }
        });
    });
    let seen = sim.stats();
    assert_eq!(seen.logins, 1);
    assert!(
        seen.peak_open_connections <= 9,
        "{}",
        seen.peak_open_connections
    );
    assert_eq!(driver.stats().waiting, 0);
}

#[test]
fn revocation_under_many_callers_is_one_login_and_no_failure() {
    let sim = fast().start().unwrap();
    let driver = Driver::open(sim.config()).unwrap();
    let compute = driver.compute().unwrap();
    let ids = create(&compute, 16);
    thread::scope(|s| {
        for id in &ids {
            let compute = &compute;
            s.spawn(move || {
                (0..100).for_each(|_| assert_eq!(compute.get_node(id).wait().unwrap().id, *id));
            });
        }
        s.spawn(|| sim.revoke_tokens());
    });
    compute.list_nodes().wait().unwrap();
    assert_eq!(sim.stats().logins, 2);
}

#[test]
fn tokens_that_live_a_second_are_renewed_ahead_and_nobody_fails() {
    let sim = fast()
        .token_lifetime(Duration::from_secs(1))
        .start()
        .unwrap();
    let driver = Driver::open(sim.config()).unwrap();
    let compute = driver.compute().unwrap();
    let ids = create(&compute, 8);
    let end = std::time::Instant::now() + Duration::from_millis(3_500);
    thread::scope(|s| {
        for id in &ids {
            let compute = &compute;
            s.spawn(move || {
                while std::time::Instant::now() < end {
                    assert_eq!(compute.get_node(id).wait().unwrap().id, *id);
                }
            });
        }
    });
    let logins = sim.stats().logins;
    assert!(
        (4..=9).contains(&logins),
        "{logins} logins in 3.5 lifetimes"
    );
}
