//! What one warm GET costs, in numbers that a busy machine does not change: instructions,
//! allocations and system calls.
//!
//! `cargo bench --bench counts`; see `benches/README.md` for what else it does.

mod support;

use std::error::Error;

use serde_json::json;

use self::support::allocations::Counting;
use self::support::args::Args;
use self::support::measured;
use self::support::server::{Manner, Server, serve_if_asked};
use self::support::table::Table;
use self::support::tools::{Cost, cost, profile};
use self::support::way::{Client, Way};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> Result<(), Box<dyn Error>> {
    serve_if_asked()?;
    let args = Args::read();
    let words: Vec<_> = args.words.iter().map(String::as_str).collect();
    match words[..] {
        ["client", way, scheme, times] => {
            let mut client = Client::new(way.parse()?, &measured::at()?, scheme == "https")?;
            measured::run(times, |times| client.ask(times))
        }
        ["profile", way, scheme @ ("http" | "https")] => {
            profile(Server::start(Manner::default())?.at(), &["client", way, scheme])
        }
        ["sites", way, scheme @ ("http" | "https")] => {
            let server = Server::start(Manner::default())?;
            let mut client = Client::new(way.parse()?, server.at(), scheme == "https")?;
            measured::sites(|times| client.ask(times));
            Ok(())
        }
        [] => compare(&args),
        _ => {
            Err("usage: counts [--quick] | profile WAY http[s] | sites WAY http[s]; a WAY is one \
                  of wait, tokio-1, tokio-16, raw-1, raw-16, legacy-1, legacy-16"
                .into())
        }
    }
}

fn compare(args: &Args) -> Result<(), Box<dyn Error>> {
    let server = Server::start(Manner::default())?;
    let mut table = Table::new(
        "counts: one warm GET of 1 KiB",
        &["client", "scheme", "instructions", "allocations", "bytes", "system calls", "which"],
    );
    let mut goals = Table::new("counts: goals", &["what", "scheme", "is", "goal", "met"]);
    for tls in args.pick(vec![false, true], vec![false]) {
        let scheme = if tls { "https" } else { "http" };
        let mut costs = Vec::new();
        for way in Way::ALL {
            let words = ["client", &way.to_string(), scheme];
            let mut cost = cost(server.at(), &words, args.pick(1000, 160))?;
            if !way.is_lone() {
                cost.instructions = None;
            }
            table.row([
                way.to_string().into(),
                scheme.into(),
                json!(cost.instructions.map(f64::round)),
                json!(cost.allocations),
                json!(cost.bytes),
                json!(cost.calls),
                cost.which.clone().into(),
            ]);
            costs.push((way, cost));
        }
        let of = |way: Way| costs.iter().find(|(w, _)| *w == way).map(|(_, cost)| cost);
        for goal in GOALS {
            let (Some(cost), against) = (of(goal.way), goal.against.and_then(of)) else {
                continue;
            };
            let Some(is) = (goal.measure)(cost, against) else {
                continue;
            };
            // What happens once in thousands of requests is not what one costs.
            let is = (is * 100.0).round() / 100.0;
            let met = if is <= goal.most { "yes" } else { "no" };
            goals.row([goal.what.into(), scheme.into(), json!(is), json!(goal.most), met.into()]);
        }
    }
    table.print(args)?;
    goals.print(args)
}

/// A line of the design's table.
struct Goal {
    what: &'static str,
    way: Way,
    against: Option<Way>,
    measure: fn(&Cost, Option<&Cost>) -> Option<f64>,
    most: f64,
}

const GOALS: &[Goal] = &[
    goal("instructions, .wait() / raw", Way::Wait, Some(Way::Raw(1)), instructions, 1.15),
    goal("instructions, tokio-1 / raw", Way::Tokio(1), Some(Way::Raw(1)), instructions, 1.15),
    goal("instructions, tokio-16 / raw", Way::Tokio(16), Some(Way::Raw(16)), instructions, 1.15),
    goal("instructions, tokio-1 / legacy", Way::Tokio(1), Some(Way::Legacy(1)), instructions, 0.70),
    goal(
        "instructions, tokio-16 / legacy",
        Way::Tokio(16),
        Some(Way::Legacy(16)),
        instructions,
        0.70,
    ),
    goal("allocations, .wait()", Way::Wait, None, allocations, 10.0),
    goal("allocations, tokio-1", Way::Tokio(1), None, allocations, 10.0),
    goal("allocations, tokio-16", Way::Tokio(16), None, allocations, 10.0),
    goal("system calls, .wait()", Way::Wait, None, calls, 2.05),
    goal("system calls, tokio-1", Way::Tokio(1), None, calls, 3.05),
    goal("system calls, tokio-16", Way::Tokio(16), None, calls, 2.25),
    goal("system calls, tokio-1 on 2 workers", Way::Workers(1), None, calls, 3.05),
    goal("system calls, tokio-16 on 2 workers", Way::Workers(16), None, calls, 2.25),
];

const fn goal(
    what: &'static str,
    way: Way,
    against: Option<Way>,
    measure: fn(&Cost, Option<&Cost>) -> Option<f64>,
    most: f64,
) -> Goal {
    Goal { what, way, against, measure, most }
}

fn instructions(cost: &Cost, against: Option<&Cost>) -> Option<f64> {
    Some(cost.instructions? / against?.instructions?)
}

fn allocations(cost: &Cost, _: Option<&Cost>) -> Option<f64> {
    Some(cost.allocations)
}

fn calls(cost: &Cost, _: Option<&Cost>) -> Option<f64> {
    cost.calls
}
