//! Clients that nobody here wrote, against the embedded cloud.
//!
//! They are Python's: `tests/real/clients install` and `eval "$(tests/real/clients env)"` before. A
//! client that is not there is skipped, or, with `WELKIN_CLIENTS=required`, missed.

#![cfg(feature = "sim")]

use std::env;
use std::ffi::OsString;
use std::process::Command;
use std::time::Duration;

use welkin::sim::{Sim, Stats};

const SERVERS: &str = "POST /compute/v2.1/servers";
const ACTIONS: &str = "POST /compute/v2.1/servers/{id}/action";

#[test]
fn python_openstackclient_finds_a_cloud() {
    let Some(stats) = judged_by("openstackclient", "command_line.py") else { return };
    assert_eq!((stats.by_path[SERVERS], stats.by_path[ACTIONS]), (5, 7));
}

#[test]
fn apache_libcloud_finds_a_cloud() {
    let Some(stats) = judged_by("libcloud", "libcloud_compute.py") else { return };
    assert_eq!((stats.by_path[SERVERS], stats.by_path[ACTIONS]), (5, 5));
    // One for each service, as its manual says.
    assert_eq!(stats.logins, 4);
}

#[test]
fn openstacksdk_finds_a_cloud() {
    let Some(stats) = judged_by("openstack", "openstacksdk_cloud.py") else { return };
    assert_eq!((stats.by_path[SERVERS], stats.by_path[ACTIONS]), (5, 7));
    assert_eq!(stats.logins, 1);
}

/// Runs a script to its end, and tells what the cloud saw of it; nothing without the module.
fn judged_by(module: &str, script: &str) -> Option<Stats> {
    // Not any Python with such a module: the scripts are for the versions that the installer names.
    let python = env::var_os("WELKIN_CLIENTS_PYTHON").filter(|python| has_module(python, module));
    let Some(python) = python else {
        let is_required = env::var_os("WELKIN_CLIENTS").is_some_and(|value| value == "required");
        assert!(!is_required, "WELKIN_CLIENTS_PYTHON names no Python with the module {module}");
        eprintln!("skipped: WELKIN_CLIENTS_PYTHON names no Python with the module {module}");
        return None;
    };

    let sim = Sim::builder()
        .login_delay(Duration::ZERO)
        .read_delay(Duration::ZERO)
        .create_delay(Duration::ZERO)
        .boot_time(Duration::from_millis(300))
        // Long enough to be seen by a client on a busy machine.
        .action_time(Duration::from_secs(1))
        .volume_time(Duration::from_millis(300))
        .start()
        .unwrap();
    let output = client(&python, &sim)
        .arg(format!("{}/tests/clients/{script}", env!("CARGO_MANIFEST_DIR")))
        .output()
        .unwrap();
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}: {}\n{said}{complained}", output.status);
    assert!(said.ends_with(": ok\n"), "{script} did not come to its end:\n{said}{complained}");

    assert_eq!(sim.servers(), [], "it has cleared up");
    let stats = sim.stats();
    assert_eq!((stats.failed_logins, stats.unauthorized), (0, 0));
    Some(stats)
}

fn has_module(python: &OsString, module: &str) -> bool {
    let found = Command::new(python).arg("-c").arg(format!("import {module}")).output();
    found.is_ok_and(|output| output.status.success())
}

/// Python with the settings that lead to this cloud, and no others.
fn client(python: &OsString, sim: &Sim) -> Command {
    let mut command = Command::new(python);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("OS_") {
            command.env_remove(name);
        }
    }
    command
        .arg("-B")
        .env("OS_AUTH_URL", sim.auth_url())
        .env("OS_USERNAME", "demo")
        .env("OS_PASSWORD", "secret")
        .env("OS_PROJECT_NAME", "demo")
        .env("OS_USER_DOMAIN_NAME", "Default")
        .env("OS_PROJECT_DOMAIN_NAME", "Default")
        .env("OS_REGION_NAME", "RegionOne")
        .env("OS_IDENTITY_API_VERSION", "3")
        .env("OS_CLIENT_CONFIG_FILE", "/dev/null")
        .env("no_proxy", "127.0.0.1");
    command
}
