//! Nothing left: connections, file descriptors, threads.

use std::env;
use std::error::Error as _;
use std::fs::File;
use std::process::Command;
use std::thread;

use welkin::sim::{Fault, Sim};
use welkin::{Cancel, Driver, Error, ErrorKind, NewNode, Phase, openstack};

use crate::support::{Home, assert_sound, current_thread, fast, ms, nodes, open, quick, until};

#[test]
fn who_gets_no_connection_in_time_is_told_the_counts() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, compute) = open(&sim, quick().connections_per_host(2));
        let ids = nodes(&compute, 1);
        sim.fail_next(Fault::silence_before().on("GET", "/compute").times(2));
        let cancel = Cancel::new();
        thread::scope(|s| {
            for _ in 0..2 {
                s.spawn(|| compute.get_node(&ids[0]).cancel_on(&cancel).wait());
            }
            until(|| sim.stats().faults == 2);
            let (own, id) = (compute.clone(), ids[0].clone());
            let next = move |_, n| (n == 0).then(|| own.get_node(&id).timeout(ms(200)));
            for error in home.crowd(8, next).into_iter().flatten().map(Result::unwrap_err) {
                assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Acquire), "{home:?}");
                let text = error.to_string();
                assert!(text.contains("2 of 2 open, 0 idle"), "{text}");
                assert!(text.contains("connections_per_host"), "what to do: {text}");
            }
            cancel.cancel();
        });
        assert_sound(&sim, &driver);
    }
}

#[test]
fn first_come_is_first_served() {
    for home in Home::ALL {
        let sim = fast().quota(100).start().unwrap();
        let (driver, compute) = open(&sim, quick().connections_per_host(1));
        let image = compute.find_image("tiny").wait().unwrap();
        let order = |i: usize| NewNode::named(i.to_string()).size("1").image(&image);
        let first = order(0);
        sim.fail_next(Fault::delay(ms(200)).on("POST", "/compute"));
        thread::scope(|s| {
            let held = s.spawn(|| compute.create_node(&first).wait());
            until(|| sim.stats().faults == 1);
            let callers: Vec<_> = (1..=16)
                .map(|i| {
                    let op = compute.create_node(&order(i));
                    let caller = s.spawn(move || home.run(op));
                    until(|| driver.stats().waiting == i || sim.servers().len() > i);
                    caller
                })
                .collect();
            held.join().unwrap().unwrap();
            callers.into_iter().for_each(|caller| drop(caller.join().unwrap().unwrap()));
        });
        // The server's order, oldest first.
        let names: Vec<_> = sim.servers().into_iter().map(|server| server.name).collect();
        assert_eq!(names, (0..=16).map(|i| i.to_string()).collect::<Vec<_>>(), "{home:?}");
        assert_sound(&sim, &driver);
    }
}

/// Runs one of the tests below alone in a process with limits of its own, against this cloud.
fn in_a_process_of_its_own(test: &str, sim: &Sim, limits: &str, stack: Option<&str>) {
    let mut child = Command::new("sh");
    child.args(["-c", &format!("{limits} && exec \"$0\" \"$@\"")]);
    child.arg(env::current_exe().unwrap());
    child.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    child.env(CLOUD, sim.auth_url());
    if let Some(stack) = stack {
        child.env("RUST_MIN_STACK", stack);
    }
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}\n{complaint}");
}

const CLOUD: &str = "WELKIN_HAZARD_CLOUD";

fn the_parents_cloud() -> Driver {
    let url = env::var(CLOUD).expect("run by the test that starts a process for it");
    let config = openstack::Config::password(url, "demo", "secret").project("demo");
    Driver::open_with(config.domain("Default"), quick()).unwrap()
}

fn whole(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}

#[cfg(unix)]
#[test]
fn without_file_descriptors_calls_fail_clearly_and_work_again_later() {
    let sim = fast().start().unwrap();
    in_a_process_of_its_own("exhaustion::child_without_descriptors", &sim, "ulimit -n 40", None);
    assert_eq!(sim.stats().open_connections, 0);
}

#[test]
#[ignore = "run in a process of its own, by the test above"]
fn child_without_descriptors() {
    let driver = the_parents_cloud();
    let compute = driver.compute().unwrap();
    let runtime = current_thread();
    compute.list_sizes().wait().unwrap();
    runtime.block_on(compute.list_sizes()).unwrap();
    driver.close_idle();
    let held: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert!(held.len() > 10);
    for error in [
        compute.list_sizes().wait().unwrap_err(),
        runtime.block_on(compute.list_sizes()).unwrap_err(),
        // It has no token, and no way to one.
        the_parents_cloud().compute().unwrap().list_sizes().wait().unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Connection, "{error:?}");
        assert!(whole(&error).contains("Too many open files"), "{}", whole(&error));
    }
    assert_eq!(driver.stats().connections_open, 0);
    drop(held);
    // Failures to connect may be remembered for a moment.
    until(|| compute.list_sizes().wait().is_ok());
    runtime.block_on(compute.list_sizes()).unwrap();
    driver.close_idle();
}

#[cfg(unix)]
#[test]
fn without_threads_a_login_fails_clearly_and_nobody_hangs() {
    let sim = fast().start().unwrap();
    // No stack of this size can be had, so no thread can.
    let stack = Some("70368744177664");
    in_a_process_of_its_own("exhaustion::child_without_threads", &sim, "true", stack);
    assert_eq!(sim.stats().logins, 0);
}

#[test]
#[ignore = "run in a process of its own, by the test above"]
fn child_without_threads() {
    assert!(thread::Builder::new().spawn(|| ()).is_err(), "no thread can be had");
    let compute = the_parents_cloud().compute().unwrap();
    for _ in 0..3 {
        let error = compute.list_sizes().wait().unwrap_err();
        assert!(whole(&error).contains("thread"), "{}", whole(&error));
    }
}
