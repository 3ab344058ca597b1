//! 64 threads begin at once with a cloud whose login takes 50 ms, over TLS.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use welkin::{Driver, Settings};

use crate::support::args::Args;
use crate::support::ready::{driver, thing};
use crate::support::rounds::{Quartiles, spend};
use crate::support::server::{At, Manner, Server};
use crate::support::table::{Table, met};

pub(crate) fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let mut table = Table::new(
        "cold: 64 threads begin at once, TLS, a login takes 50 ms",
        &[
            "logins at once",
            "drivers",
            "logins",
            "connections",
            "last first answer ms",
            "CPU ms",
            "to own",
            "met",
        ],
    );
    // A real Keystone hashes passwords, on as many cores as it has.
    for login_workers in [8, 0] {
        let manner = Manner { login: 50, login_workers, ..Manner::default() };
        let mut server = Server::start(manner)?;
        let mut sides = [Vec::new(), Vec::new()];
        for _ in 0..args.pick(7, 2) {
            for (side, is_shared) in sides.iter_mut().zip([true, false]) {
                side.push(start(&mut server, is_shared)?);
            }
        }
        let [shared, own] = &sides;
        let median =
            |side: &[Start], what: fn(&Start) -> f64| Quartiles::of(side.iter().map(what)).median();
        let ratio = Quartiles::of(shared.iter().zip(own).map(|(s, o)| s.last / o.last));
        let one_login = shared.iter().all(|start| start.logins == 1);
        for (name, side, ratio) in [("1, shared", shared, Some(&ratio)), ("64, own", own, None)] {
            table.row([
                if login_workers == 0 { "all".into() } else { login_workers.into() },
                name.into(),
                json!(median(side, |s| s.logins as f64)),
                json!(median(side, |s| s.connections as f64)),
                json!(median(side, |s| s.last)),
                json!(median(side, |s| s.cpu)),
                json!(ratio.map(Quartiles::shown)),
                json!(ratio.map(|ratio| met(one_login && ratio.median() <= 0.5))),
            ]);
        }
    }
    table.print(args)
}

struct Start {
    logins: u64,
    connections: u64,
    /// Milliseconds until the last thread had its first answer.
    last: f64,
    cpu: f64,
}

fn start(server: &mut Server, is_shared: bool) -> Result<Start, Box<dyn Error>> {
    let before = server.seen()?;
    let mut last = Duration::ZERO;
    let spent = spend(1, || last = first_answers(server.at(), is_shared));
    let after = server.seen()?;
    Ok(Start {
        logins: after.logins - before.logins,
        connections: after.accepted - before.accepted,
        last: last.as_secs_f64() * 1e3,
        cpu: spent.cpu / 1e3,
    })
}

/// Returns how long the last thread waited for its first answer.
fn first_answers(at: &At, is_shared: bool) -> Duration {
    let open = || driver(at, true, Settings::new()).expect("a driver");
    let shared: Option<Driver> = is_shared.then(open);
    let began = Instant::now();
    thread::scope(|s| {
        let ask = || {
            let own = shared.is_none().then(open);
            let driver = shared.as_ref().or(own.as_ref()).expect("one or the other");
            thing(driver).wait().expect("an answer");
            began.elapsed()
        };
        let threads: Vec<_> = (0..THREADS).map(|_| s.spawn(ask)).collect();
        let times = threads.into_iter().map(|thread| thread.join().expect("it ends"));
        times.max().expect("there are threads")
    })
}

const THREADS: usize = 64;
