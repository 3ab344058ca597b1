//! One shared driver on plain threads, against one driver per thread and one hyper-util client per
//! thread: sharing has to win, or at least to cost nothing.

mod support;

use std::error::Error;

use serde_json::json;
use tokio::runtime::Builder;
use welkin::{Driver, Settings};

use self::support::args::Args;
use self::support::crew::Crew;
use self::support::peers::{Legacy, Question, token};
use self::support::ready::{driver, thing};
use self::support::rounds::{Quartiles, Spent, cpu, median, rate, rounds, spend};
use self::support::server::{At, Manner, Server, serve_if_asked};
use self::support::table::Table;

fn main() -> Result<(), Box<dyn Error>> {
    serve_if_asked()?;
    let args = Args::read();
    let mut table = Table::new(
        "sharing: CPU per warm GET of 1 KiB, plain threads",
        &[
            "threads",
            "scheme",
            "cap",
            "sockets",
            "shared µs",
            "own µs",
            "legacy µs",
            "shared/own",
            "shared/legacy",
            "req/s",
            "req/s to own",
            "req/s to legacy",
            "met",
        ],
    );
    for tls in [false, true] {
        for (threads, cap) in [(1, 64), (8, 64), (64, 64), (256, 256), (256, 64)] {
            // Each has a server of its own: no one else's idle sockets are in its way.
            let server = Server::start(Manner::default())?;
            compare(&mut table, &args, server.at(), tls, threads, cap)?;
        }
    }
    table.print(&args)
}

fn compare(
    table: &mut Table,
    args: &Args,
    at: &At,
    tls: bool,
    threads: usize,
    cap: usize,
) -> Result<(), Box<dyn Error>> {
    let settings = move || Settings::new().connections_per_host(cap);
    let shared = driver(at, tls, settings())?;
    let own = Place { at: at.clone(), tls };
    let token = token(at)?;

    let handle = shared.clone();
    let crews = [
        Crew::start(threads, move || {
            let handle = handle.clone();
            move |each| ask(&handle, each)
        }),
        Crew::start(threads, {
            let own = own.clone();
            move || {
                let driver = driver(&own.at, own.tls, settings()).expect("a driver");
                move |each| ask(&driver, each)
            }
        }),
        Crew::start(threads, move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            let client = Legacy::new(&own.at).expect("a client");
            let question = Question::new(&own.at, own.tls, "/bench/thing", &token);
            move |each| {
                runtime.block_on(async {
                    for _ in 0..each {
                        client.ask(&question).await.expect("an answer");
                    }
                });
            }
        }),
    ];
    let each = args.pick(3000 / threads, 400 / threads).max(args.pick(40, 4));
    let turn = |crew: &Crew| {
        // What has idled meanwhile is looked at before it is used again: not what is compared here.
        crew.work(2);
        spend(each * threads, || crew.work(each))
    };
    let [one, two, three] = &crews;
    let spent =
        rounds(args.pick(25, 2), &mut [&mut || turn(one), &mut || turn(two), &mut || turn(three)]);
    let [shared_spent, own_spent, legacy_spent] = &spent[..] else {
        unreachable!("a list for each crew");
    };
    let to_own = Quartiles::ratio(shared_spent, own_spent, cpu);
    let to_legacy = Quartiles::ratio(shared_spent, legacy_spent, cpu);
    let is_met = |q: &Quartiles| q.median() <= 1.02 && q.lower() <= 1.0;
    let rate_to = |of: &[Spent]| Quartiles::ratio(shared_spent, of, rate).median();
    table.row([
        threads.into(),
        (if tls { "https" } else { "http" }).into(),
        cap.into(),
        shared.stats().connections_opened.into(),
        json!(median(shared_spent, cpu)),
        json!(median(own_spent, cpu)),
        json!(median(legacy_spent, cpu)),
        to_own.shown().into(),
        to_legacy.shown().into(),
        json!(median(shared_spent, rate)),
        json!(rate_to(own_spent)),
        json!(rate_to(legacy_spent)),
        (if is_met(&to_own) && is_met(&to_legacy) { "yes" } else { "no" }).into(),
    ]);
    Ok(())
}

#[derive(Clone)]
struct Place {
    at: At,
    tls: bool,
}

fn ask(driver: &Driver, times: usize) {
    for _ in 0..times {
        thing(driver).wait().expect("an answer");
    }
}
