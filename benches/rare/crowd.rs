//! 256 threads and 8 connections: how many sockets the server sees, and who waits for whom.

use std::error::Error;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use serde_json::json;
use welkin::Settings;

use crate::support::args::Args;
use crate::support::ready::{driver, thing};
use crate::support::server::{Manner, Server};
use crate::support::table::{Table, met};

pub(crate) fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let mut table = Table::new(
        "crowd: 256 threads, 8 connections",
        &[
            "an answer takes",
            "calls",
            "most sockets",
            "req/s",
            "p50 ms",
            "p99 ms",
            "max ms",
            "most overtaken by",
            "met",
        ],
    );
    for (service, each) in [(20, args.pick(10, 2)), (0, args.pick(1000, 8))] {
        let mut server = Server::start(Manner { service, ..Manner::default() })?;
        let driver = driver(server.at(), false, Settings::new().connections_per_host(CAP))?;
        thing(&driver).wait()?;
        server.seen()?;
        let (began, calls) = (Instant::now(), Mutex::new(Vec::new()));
        thread::scope(|s| {
            for _ in 0..THREADS {
                s.spawn(|| {
                    let ask = |_| {
                        let from = began.elapsed();
                        thing(&driver).wait().expect("an answer");
                        (from, began.elapsed())
                    };
                    let own: Vec<_> = (0..each).map(ask).collect();
                    calls.lock().expect("nobody panics").extend(own);
                });
            }
        });
        let wall = began.elapsed();
        let mut calls = calls.into_inner().expect("nobody panics");
        calls.sort_unstable();
        let ends: Vec<_> = calls.iter().map(|(_, end)| *end).collect();
        let mut times: Vec<_> = calls.iter().map(|(from, end)| *end - *from).collect();
        times.sort_unstable();
        let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3;
        // With no time of service the order in which threads read the clock says little.
        let overtaken = (service > 0).then(|| most_overtaken(&ends));
        let sockets = server.seen()?.most_open;
        // Those that hold a connection when one begins to wait may end after it: they do not count,
        // but of the eight that are served at a time any may be the first to end.
        let is_fair = overtaken.is_none_or(|most| most <= 2 * CAP);
        table.row([
            format!("{service} ms").into(),
            calls.len().into(),
            sockets.into(),
            json!(calls.len() as f64 / wall.as_secs_f64()),
            json!(at(50)),
            json!(at(99)),
            json!(at(100)),
            json!(overtaken),
            met(sockets <= CAP as u64 && is_fair).into(),
        ]);
    }
    table.print(args)
}

/// Of calls in the order in which they began, how many at most ended before one that began earlier.
fn most_overtaken<T: Ord>(ends: &[T]) -> usize {
    let later = |i: usize| ends[i + 1..].iter().filter(|end| **end < ends[i]).count();
    (0..ends.len()).map(later).max().unwrap_or_default()
}

const THREADS: usize = 256;
const CAP: usize = 8;
