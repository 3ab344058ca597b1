//! `welkin compute` as its users run it, on a sim that it takes for a real cloud: what is printed in
//! both forms, the exit status, and what the server saw.

#![cfg(feature = "cli")]

mod acting;
mod choosing;
mod creating;
mod key_pairs;
mod pipes;
mod reading;
mod usage;

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use welkin::sim::Sim;

const WELKIN: &str = env!("CARGO_BIN_EXE_welkin");

/// A sim that takes no longer than it must.
fn quick() -> Sim {
    quick_with_room_for(1000)
}

fn quick_with_room_for(nodes: usize) -> Sim {
    Sim::builder()
        .login_delay(Duration::ZERO)
        .read_delay(Duration::ZERO)
        .create_delay(Duration::ZERO)
        .boot_time(Duration::from_millis(20))
        .action_time(Duration::from_millis(20))
        .quota(nodes)
        .start()
        .unwrap()
}

/// What a command printed, and how it ended.
struct Ran {
    status: i32,
    out: String,
    told: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            status: output.status.code().expect("no signal ended it"),
            out: String::from_utf8(output.stdout).unwrap(),
            told: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The array that it printed, when all went well.
    #[track_caller]
    fn json(&self) -> Vec<Value> {
        assert_eq!((self.status, &*self.told), (0, ""), "{}", self.out);
        self.any_json()
    }

    /// The array that it printed, also when something failed.
    #[track_caller]
    fn any_json(&self) -> Vec<Value> {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {:?}", self.out))
    }

    /// What it printed, when all went well.
    #[track_caller]
    fn table(&self) -> &str {
        assert_eq!((self.status, &*self.told), (0, ""), "{}", self.out);
        &self.out
    }

    /// The one line that it told, when it failed and printed nothing.
    #[track_caller]
    fn complaint(&self) -> &str {
        assert_eq!((self.status, &*self.out), (1, ""), "{}", self.told);
        let line = self.told.strip_suffix('\n').expect("a whole line");
        assert!(line.starts_with("welkin: ") && !line.contains('\n'), "{line}");
        line
    }
}

/// `welkin compute …` on the sim.
fn compute(sim: &Sim, args: &[&str]) -> Ran {
    Ran::of(command(sim).arg("compute").args(args).output().unwrap())
}

/// The same for programs.
fn compute_json(sim: &Sim, args: &[&str]) -> Ran {
    Ran::of(command(sim).args(["compute", "--output", "json"]).args(args).output().unwrap())
}

/// The same with something on stdin.
fn compute_with(sim: &Sim, args: &[&str], stdin: &[u8]) -> Ran {
    let mut command = command(sim);
    command.arg("compute").args(args).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may end without having read all.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    Ran::of(child.wait_with_output().unwrap())
}

/// `welkin` with all it needs to use the sim.
fn command(sim: &Sim) -> Command {
    let mut command = bare();
    command
        .env("WELKIN_CLOUD", "openstack")
        .env("OS_AUTH_URL", sim.auth_url())
        .env("OS_USERNAME", "demo")
        .env("OS_PASSWORD", "secret")
        .env("OS_PROJECT_NAME", "demo");
    command
}

/// `welkin` that knows of no cloud.
fn bare() -> Command {
    let mut command = Command::new(WELKIN);
    for (name, _) in std::env::vars_os() {
        let of_a_cloud = ["OS_", "AWS_", "WELKIN_"];
        if of_a_cloud.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command.env("HOME", env!("CARGO_TARGET_TMPDIR")).env_remove("XDG_CONFIG_HOME");
    command
}

/// Makes nodes that boot at once, and gives their ids.
fn make(sim: &Sim, names: &[&str]) -> Vec<String> {
    let made = names.iter().map(|name| {
        let made =
            compute_json(sim, &["create-node", name, "--size", "m1.tiny", "--image", "tiny"]);
        text(&made.json()[0]["id"])
    });
    made.collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// The names of what is in an array.
fn names(all: &[Value]) -> Vec<String> {
    all.iter().map(|one| text(&one["name"])).collect()
}
