//! A real OpenStack, which `OS_*` or `OS_CLOUD` name: 64 threads list its sizes three times each.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;
use welkin::Driver;

use super::peers::{Peers, WELKIN_THREADS};
use crate::support::args::Args;
use crate::support::rounds::spend;
use crate::support::table::Table;

pub(crate) fn run(args: &Args, peers: &Peers) -> Result<(), Box<dyn Error>> {
    let mut table = Table::new(
        "versus: a real OpenStack, 64 threads list its sizes three times each",
        &["who", "wall s", "worst first answer s", "logins", "failed", "CPU s", "error"],
    );
    let welkin = welkin()?;
    let libcloud = peers.real(THREADS, EACH)?.map(|line| serde_json::from_str::<Came>(&line));
    let libcloud = libcloud.transpose()?.map(|came| ("libcloud-threads", came));
    for (who, came) in [Some((WELKIN_THREADS, welkin)), libcloud].into_iter().flatten() {
        table.row([
            who.into(),
            json!(came.wall),
            json!(came.worst_first),
            came.logins.into(),
            came.failed.into(),
            json!(came.cpu),
            json!(came.error),
        ]);
    }
    table.print(args)
}

/// Times in seconds.
#[derive(Default, Deserialize)]
struct Came {
    wall: f64,
    /// Until the last of the threads had its first answer.
    worst_first: f64,
    cpu: f64,
    logins: u64,
    failed: u64,
    error: Option<String>,
}

fn welkin() -> Result<Came, Box<dyn Error>> {
    let driver = Driver::from_selector("openstack")?;
    let compute = driver.compute()?;
    let mut came = Came::default();
    let spent = spend(1, || {
        let began = Instant::now();
        let ask = || {
            let mut first = Duration::ZERO;
            let mut failures = Vec::new();
            for i in 0..EACH {
                failures.extend(compute.list_sizes().wait().err().map(|e| e.to_string()));
                if i == 0 {
                    first = began.elapsed();
                }
            }
            (first, failures)
        };
        thread::scope(|s| {
            let threads: Vec<_> = (0..THREADS).map(|_| s.spawn(ask)).collect();
            for thread in threads {
                let (first, failures) = thread.join().expect("it ends");
                came.worst_first = came.worst_first.max(first.as_secs_f64());
                came.failed += failures.len() as u64;
                came.error = failures.into_iter().next().or(came.error.take());
            }
        });
        came.wall = began.elapsed().as_secs_f64();
    });
    Ok(Came { cpu: spent.cpu / 1e6, logins: driver.stats().logins, ..came })
}

const THREADS: usize = 64;
const EACH: usize = 3;
