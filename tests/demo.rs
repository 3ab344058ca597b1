//! The command line as its users run it: exit status, output, and what it leaves behind.

#![cfg(feature = "cli")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use welkin::sim::{Fault, Sim};

#[test]
fn one_driver_logs_in_once_and_many_drivers_once_each() {
    let run = demo(&["--nodes", "8", "--threads", "4"]);
    let report = report(&run);

    let shared = &report["shared"];
    assert_eq!(shared["logins"], 1);
    assert_clean(shared, 8, 4);

    let per_thread = &report["per_thread"];
    assert_eq!(per_thread["logins"], 8);
    assert_clean(per_thread, 8, 4);

    let connections = |run: &Value| run["connections"].as_u64().unwrap();
    assert!(connections(shared) <= connections(per_thread), "{report}");
    assert!(run.status.success());
}

#[test]
fn the_last_line_has_the_keys_in_their_order() {
    let sim = Sim::builder().boot_time(SOON).start().unwrap();
    let mut command = demo_on(&sim, &["--nodes", "1", "--threads", "1"]);
    let line = last_line(&command.output().unwrap());
    let mut rest = line.as_str();
    for key in ["shared", "per_thread"] {
        rest = after(rest, key);
        for figure in FIGURES {
            rest = after(rest, figure);
        }
    }
    assert!(!rest.contains("\":"), "more keys than documented: {line}");
}

#[test]
fn people_get_a_table_and_what_it_shows() {
    let run = welkin(&["demo", "--nodes", "2", "--threads", "1", "--tls"]);
    let table = String::from_utf8(run.stdout).unwrap();
    assert!(run.status.success(), "{table}");
    assert!(table.contains("one shared driver"), "{table}");
    assert!(table.contains("logins, counted by the server"), "{table}");
    assert!(table.contains("1 login instead of 2"), "{table}");
}

#[test]
fn a_real_cloud_is_counted_by_the_drivers_and_left_as_it_was() {
    let sim = Sim::builder().boot_time(SOON).start().unwrap();
    let mut command = demo_on(&sim, &["--nodes", "3", "--threads", "1"]);
    let run = command.output().unwrap();
    let report = report(&run);
    assert_eq!(report["shared"]["logins"], 1);
    assert_eq!(report["per_thread"]["logins"], 2);
    assert_clean(&report["shared"], 3, 1);
    assert_clean(&report["per_thread"], 3, 1);
    assert!(sim.servers().is_empty());
}

#[test]
fn failures_are_counted_explained_and_cleaned_up() {
    let sim = Sim::builder().boot_time(SOON).start().unwrap();
    let impossible = ["--nodes", "2", "--threads", "1", "--size", "m1.impossible"];
    let run = demo_on(&sim, &impossible).output().unwrap();
    assert_eq!(run.status.code(), Some(1));
    let report = report(&run);
    assert_eq!(report["shared"]["failed"], 2, "{report}");
    assert_eq!(report["per_thread"]["failed"], 2, "{report}");
    let told = told(&run);
    assert!(told.contains("0 of 2 nodes running"), "{told}");
    assert!(told.contains("No valid host"), "{told}");
    assert!(told.contains("(2 times)"), "{told}");
    assert!(sim.servers().is_empty());
}

#[test]
fn a_node_whose_create_was_not_answered_is_found_or_destroyed_all_the_same() {
    let sim = Sim::builder().boot_time(SOON).start().unwrap();
    sim.fail_next(Fault::reset_after().on("POST", "/compute/v2.1/servers"));
    let run = demo_on(&sim, &["--nodes", "1", "--threads", "1"]).output().unwrap();
    assert_clean(&report(&run)["shared"], 1, 1);
    assert!(run.status.success() && sim.servers().is_empty());

    sim.fail_next(Fault::reset_after().on("POST", "/compute/v2.1/servers"));
    sim.fail_next(Fault::answer(403).on("GET", "/compute/v2.1/servers/detail"));
    let run = demo_on(&sim, &["--nodes", "1", "--threads", "1"]).output().unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", told(&run));
    assert_eq!(report(&run)["shared"]["failed"], 1);
    assert!(sim.servers().is_empty());
}

#[cfg(unix)]
#[test]
fn ctrl_c_destroys_what_was_created() {
    let sim = Sim::builder().boot_time(Duration::from_secs(3600)).start().unwrap();
    let mut demo =
        demo_on(&sim, &["--nodes", "4", "--threads", "2"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(demo.stderr.take().unwrap()).lines();
    let created = told.find(|line| line.as_ref().unwrap().contains("4 of 4 nodes created"));
    assert!(created.is_some());
    assert_eq!(sim.servers().len(), 4);

    let pid = demo.id().to_string();
    let killed = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(killed.success());
    let rest: Vec<_> = told.map(Result::unwrap).collect();
    assert_eq!(demo.wait().unwrap().code(), Some(130), "{rest:?}");
    assert!(sim.servers().is_empty());
}

#[test]
fn a_wrong_network_is_told_in_one_line_with_those_that_there_are() {
    let run = demo(&["--network", "nowhere"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(run.stdout.is_empty());
    assert_eq!(told(&run), "welkin: no network \"nowhere\"; there are: shared\n");
}

#[test]
fn wrong_usage_ends_with_status_2() {
    for args in [
        &["demo", "--nodes", "0"][..],
        &["demo", "--threads", "many"],
        &["demo", "--output", "poem"],
        &["demo", "--cloud", "openstack", "--tls"],
        &["sim", "--tls"],
        &["fly"],
        &[],
    ] {
        assert_eq!(welkin(args).status.code(), Some(2), "welkin {args:?}");
    }
}

#[test]
fn help_teaches_by_example() {
    for command in ["demo", "sim"] {
        let help = String::from_utf8(welkin(&[command, "--help"]).stdout).unwrap();
        assert!(help.contains("Examples:"), "{help}");
    }
}

#[test]
fn a_steered_sim_answers_line_by_line_and_ends_with_its_stdin() {
    let mut sim = Command::new(WELKIN)
        .args(["sim", "--stdio"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut orders = sim.stdin.take().unwrap();
    let mut answers = BufReader::new(sim.stdout.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());

    let ready = answers.next().unwrap();
    let auth_url = ready["auth_url"].as_str().unwrap();
    assert!(auth_url.starts_with("http://127.0.0.1:"), "{ready}");
    orders.write_all(b"stats\nreset\njump\n").unwrap();
    assert_eq!(answers.next().unwrap()["logins"], 0);
    assert_eq!(answers.next().unwrap()["requests"], 0);
    assert!(answers.next().unwrap()["error"].is_string());

    drop(orders);
    assert!(sim.wait().unwrap().success());
}

fn assert_clean(figures: &Value, nodes: u64, threads: u64) {
    assert_eq!(figures["nodes"], nodes, "{figures}");
    assert_eq!(figures["threads"], threads, "{figures}");
    assert_eq!(figures["tasks"], threads, "{figures}");
    assert_eq!(figures["failed"], 0, "{figures}");
    assert_eq!(figures["wrong"], 0, "{figures}");
}

fn report(run: &Output) -> Value {
    let line = last_line(run);
    serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}; {}", told(run)))
}

fn last_line(run: &Output) -> String {
    let out = str::from_utf8(&run.stdout).unwrap();
    out.lines().last().unwrap_or_default().to_owned()
}

fn told(run: &Output) -> String {
    String::from_utf8(run.stderr.clone()).unwrap()
}

/// What comes behind a key, which must be the next one.
fn after<'a>(text: &'a str, key: &str) -> &'a str {
    let (before, rest) = text.split_once("\":").expect("one more key");
    let next = before.rsplit('"').next().unwrap();
    assert_eq!(next, key);
    rest
}

fn demo(args: &[&str]) -> Output {
    let demo = ["demo", "--output", "json"];
    welkin(&[&demo, args].concat())
}

fn welkin(args: &[&str]) -> Output {
    Command::new(WELKIN).args(args).output().unwrap()
}

/// The demo with `--cloud`, on a sim that it takes for a real cloud.
fn demo_on(sim: &Sim, args: &[&str]) -> Command {
    let mut command = Command::new(WELKIN);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OS_") {
            command.env_remove(name);
        }
    }
    command
        .env("OS_AUTH_URL", sim.auth_url())
        .env("OS_USERNAME", "demo")
        .env("OS_PASSWORD", "secret")
        .env("OS_PROJECT_NAME", "demo")
        .args(["demo", "--output", "json", "--cloud", "openstack"])
        .args(args);
    command
}

const WELKIN: &str = env!("CARGO_BIN_EXE_welkin");
const SOON: Duration = Duration::from_millis(50);
const FIGURES: [&str; 10] = [
    "threads",
    "tasks",
    "nodes",
    "requests",
    "logins",
    "connections",
    "failed",
    "wrong",
    "wall_ms",
    "cpu_ms",
];
