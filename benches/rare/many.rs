//! Ten thousand operations at once on 64 connections, against one driver for each operation.

use std::env;
use std::error::Error;
use std::fs;
use std::process::Command;

use rustix::process::{Resource, getrlimit};
use serde_json::json;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use welkin::Settings;

use crate::support::args::Args;
use crate::support::measured::{self, AT};
use crate::support::ready::{driver, thing};
use crate::support::server::{Manner, Server};
use crate::support::table::{Table, met};

pub(crate) fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    // Each operation of its own has a socket here and one in the server, and a thread to log in.
    let room = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX) / 2;
    let own = args.pick(1000, 100).min(usize::try_from(room)?);
    let mut table = Table::new(
        "many: operations at once",
        &["drivers", "operations", "most sockets", "memory MiB", "KiB each", "to own", "met"],
    );
    let mut each_own = None;
    for (who, operations, service) in [("own", own, 2000), ("shared", args.pick(10_000, 1000), 5)] {
        let mut server = Server::start(Manner { service, ..Manner::default() })?;
        let output = Command::new(env::current_exe()?)
            .args([CLIENT, who, &operations.to_string()])
            .env(AT, serde_json::to_string(server.at())?)
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let used: Option<f64> = serde_json::from_slice(&output.stdout)?;
        let each = used.map(|used| used / operations as f64);
        let sockets = server.seen()?.most_open;
        let ratio = each.zip(each_own).map(|(each, own): (f64, f64)| each / own);
        let is_met = (who == "shared")
            .then(|| met(sockets <= 64 + 1 && ratio.is_none_or(|ratio| ratio <= 0.1)));
        table.row([
            who.into(),
            operations.into(),
            sockets.into(),
            json!(used.map(|used| used / 1024.0)),
            json!(each),
            json!(ratio),
            json!(is_met),
        ]);
        each_own = each;
    }
    table.print(args)
}

/// A process of its own: says how many KiB it needed at most for so many operations.
pub(crate) fn client(who: &str, operations: usize) -> Result<(), Box<dyn Error>> {
    let at = measured::at()?;
    let shared = (who == "shared").then(|| driver(&at, false, Settings::new())).transpose()?;
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let before = most_memory();
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..operations {
            let driver = match &shared {
                Some(shared) => shared.clone(),
                None => driver(&at, false, Settings::new()).expect("a driver"),
            };
            // An answer that is kept keeps the buffer that it came in.
            tasks.spawn(async move { drop(thing(&driver).await.expect("an answer")) });
        }
        tasks.join_all().await;
    });
    let used = before.zip(most_memory()).map(|(before, after)| after - before);
    println!("{}", json!(used));
    Ok(())
}

/// The most memory that this process has had, in KiB, where the system tells (proc(5)).
fn most_memory() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

pub(crate) const CLIENT: &str = "client";
