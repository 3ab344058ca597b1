//! The clients that a user would take instead of welkin, each in a process of its own.
//!
//! ```text
//! peers WHO WORK SCHEME N          answers orders
//! peers count WHO SCHEME N TIMES   for callgrind, strace and the allocator
//! ```
//!
//! WHO is `welkin` (tasks), `welkin-threads`, `welkin-own` (a driver for each thread), or one of those
//! that it is compared with: `hyper-util`, `raw` (bare hyper, a connection for each task), `reqwest`,
//! `reqwest-blocking`, `ureq`, `aws` (what the AWS SDK sends through) and `openstack_sdk`. WORK is
//! `thing`, a GET of 1 KiB that nobody parses, or `nodes`, the client's own typed list of servers.
//! N threads or tasks share one client; tasks run on one thread. `WELKIN_BENCH_AT` says where the
//! server of the benches is.
//!
//! The first line of output says who this is. Then each line of input is done, and answered with a
//! line of JSON: `ask COUNT` has each of the N ask so many times, `for SECONDS` lets them ask until
//! the time is over. The client is made and logs in for the first of them.
//!
//! All are set up as their documentation shows, but for what makes them comparable: the CA, no proxy
//! and, where a pool would throw away the connections of so many, its size.

mod clients;
mod counting;
mod crew;
mod failure;
mod place;
mod tally;
mod versions;

#[path = "../../support/args.rs"]
#[allow(dead_code)] // the words of a bench are others
mod args;

use std::env;
use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use tokio::sync::mpsc::{self, UnboundedReceiver};

use self::counting::Counting;
use self::crew::Crew;
use self::failure::Failure;
use self::place::{Place, Work};
use self::tally::{Order, Spent, Tally};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("peers: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    args::raise_limit();
    // Who takes the process's provider of cryptography takes the same as welkin.
    let ring = rustls::crypto::ring::default_provider();
    ring.install_default()
        .map_err(|_| Failure::new("another provider of cryptography was first"))?;

    let words: Vec<_> = env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["count", who, scheme, crowd, times] => {
            let place = Place::new(Work::Thing, scheme, crowd)?;
            let is_none = |_| Failure::new(format!("{times:?} is no number of times"));
            let times = times.parse().map_err(is_none)?;
            count(&mut *clients::crew(who, place)?, times)
        }
        [who, work, scheme, crowd] => {
            let place = Place::new(work.parse()?, scheme, crowd)?;
            let mut crew = clients::crew(who, place)?;
            println!("{}", json!({"who": who, "version": versions::of(who)}));
            serve(&mut *crew)
        }
        _ => Err(Failure::new(
            "usage: peers WHO thing|nodes http|https N, or peers count WHO http|https N TIMES",
        )),
    }
}

/// Does what each line of input says.
fn serve(crew: &mut dyn Crew) -> Result<(), Failure> {
    let mut lines = lines();
    while let Some(line) = crew.next(&mut lines) {
        let order: Order = line?.parse()?;
        let (cpu, began) = (cpu_time(), Instant::now());
        let tallies = crew.work(order)?;
        let spent = Spent { cpu: cpu_time() - cpu, wall: began.elapsed() };
        println!("{}", order.answer(spent, tallies));
    }
    Ok(())
}

/// Reads lines on a thread of their own, so that a runtime can go on meanwhile.
fn lines() -> UnboundedReceiver<io::Result<String>> {
    let (sender, lines) = mpsc::unbounded_channel();
    thread::spawn(move || io::stdin().lines().try_for_each(|line| sender.send(line)));
    lines
}

/// Prints what so many questions in all allocate when everything is warm.
fn count(crew: &mut dyn Crew, times: usize) -> Result<(), Failure> {
    crew.work(Order::Share(WARM))?.into_iter().try_for_each(Tally::unblemished)?;
    let (count, bytes, tallies) = counting::measured(|| crew.work(Order::Share(times)));
    tallies?.into_iter().try_for_each(Tally::unblemished)?;
    println!("{}", json!([count, bytes]));
    Ok(())
}

/// What all threads of this process have used.
fn cpu_time() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec as u64, used.tv_nsec as u32)
}

const WARM: usize = 320;
