//! A list of 20 nodes, 28 KB that a real Nova sent, against serde_json into the leanest struct that
//! holds the same.

mod support;

#[path = "reading/lean.rs"]
mod lean;

use std::error::Error;
use std::hint::black_box;

use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use welkin::{Compute, Driver, Settings, openstack};

use self::support::allocations::Counting;
use self::support::args::Args;
use self::support::measured;
use self::support::peers::{Question, Raw, token};
use self::support::ready::driver;
use self::support::rounds::{Quartiles, cpu, median, rounds, spend};
use self::support::server::{At, Manner, Server, serve_if_asked};
use self::support::table::Table;
use self::support::tools::{cost, profile};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> Result<(), Box<dyn Error>> {
    serve_if_asked()?;
    let args = Args::read();
    let words: Vec<_> = args.words.iter().map(String::as_str).collect();
    match words[..] {
        ["client", what, times] => {
            let mut work = Work::new(what, &measured::at()?)?;
            measured::run(times, |times| work.ask(times))
        }
        ["profile", what] => profile(Server::start(Manner::default())?.at(), &["client", what]),
        ["sites", what] => {
            let server = Server::start(Manner::default())?;
            let mut work = Work::new(what, server.at())?;
            measured::sites(|times| work.ask(times));
            Ok(())
        }
        [] => compare(&args),
        _ => Err("usage: reading [--quick] | profile|sites WHAT; a WHAT is one of its rows".into()),
    }
}

fn compare(args: &Args) -> Result<(), Box<dyn Error>> {
    let server = Server::start(Manner::default())?;
    let mut works =
        WHAT.iter().map(|what| Work::new(what, server.at())).collect::<Result<Vec<_>, _>>()?;
    let each = args.pick(400, 20);
    let mut turns: Vec<_> = works
        .iter_mut()
        .map(|work| {
            move || {
                work.ask(2);
                spend(each, || work.ask(each))
            }
        })
        .collect();
    let mut turns: Vec<&mut dyn FnMut() -> _> = turns.iter_mut().map(|t| t as _).collect();
    let spent = rounds(args.pick(15, 2), &mut turns);

    let mut table = Table::new(
        "reading: a list of 20 nodes",
        &["what", "CPU µs", "instructions", "allocations", "bytes"],
    );
    let mut instructions = Vec::new();
    for (what, spent) in WHAT.iter().zip(&spent) {
        // Under valgrind each of them takes seconds to begin.
        let counted = || cost(server.at(), &["client", what], 200);
        let cost = (!args.quick).then(counted).transpose()?;
        instructions.push(cost.as_ref().and_then(|cost| cost.instructions));
        table.row([
            (*what).into(),
            json!(median(spent, cpu)),
            json!(cost.as_ref().and_then(|cost| cost.instructions).map(f64::round)),
            json!(cost.as_ref().map(|cost| cost.allocations)),
            json!(cost.as_ref().map(|cost| cost.bytes)),
        ]);
    }
    table.print(args)?;

    let mut goals = Table::new("reading: goals", &["what", "CPU", "instructions", "goal", "met"]);
    let [list, get, lean, raw] = &spent[..] else {
        unreachable!("a list for each of them");
    };
    let rounds = || list.iter().zip(get).zip(lean).zip(raw);
    let whole = Quartiles::of(rounds().map(|(((list, ..), _), raw)| list.cpu / raw.cpu));
    let parse = rounds().map(|(((list, get), lean), _)| (list.cpu - get.cpu) / lean.cpu);
    let parse = Quartiles::of(parse);
    let [list, get, lean, raw] = instructions[..] else {
        unreachable!("a number for each of them");
    };
    let whole_count = list.zip(raw).map(|(list, raw)| list / raw);
    let parse_count = list.zip(get).zip(lean).map(|((list, get), lean)| (list - get) / lean);
    for (what, quartiles, count) in
        [("the whole request", whole, whole_count), ("reading alone", parse, parse_count)]
    {
        let met = quartiles.median() <= 1.2 && count.is_none_or(|count| count <= 1.2);
        let met = if met { "yes" } else { "no" };
        goals.row([what.into(), quartiles.shown().into(), json!(count), json!(1.2), met.into()]);
    }
    goals.print(args)
}

/// What is compared. What reading costs welkin is the first without the second.
const WHAT: [&str; 4] = ["list_nodes", "get", "lean", "raw+lean"];

// There is one of each.
#[allow(clippy::large_enum_variant)]
enum Work {
    /// A list of nodes by welkin, on a plain thread.
    List(Compute),
    /// The same request by welkin, unread.
    Get(Driver),
    /// The lean struct from memory.
    Lean,
    /// A request on a bare connection, and the lean struct.
    Raw(Runtime, Raw, Question),
}

impl Work {
    fn new(what: &str, at: &At) -> Result<Self, Box<dyn Error>> {
        Ok(match what {
            "list_nodes" => Self::List(driver(at, false, Settings::new())?.compute()?),
            "get" => Self::Get(driver(at, false, Settings::new())?),
            "lean" => Self::Lean,
            "raw+lean" => {
                let runtime = Builder::new_current_thread().enable_all().build()?;
                let raw = runtime.block_on(Raw::connect(at, false))?;
                let path = format!("/v2.1{PATH}");
                Self::Raw(runtime, raw, Question::new(at, false, &path, &token(at)?))
            }
            _ => {
                return Err(format!("nothing named {what:?}; there are {}", WHAT.join(", ")).into());
            }
        })
    }

    fn ask(&mut self, times: usize) {
        match self {
            Self::List(compute) => {
                for _ in 0..times {
                    black_box(compute.list_nodes().wait().expect("nodes"));
                }
            }
            Self::Get(driver) => {
                let native = driver.native::<openstack::OpenStack>().expect("it is OpenStack");
                for _ in 0..times {
                    let body = driver.send(native.get("compute", PATH)).wait();
                    black_box(body.expect("nodes"));
                }
            }
            Self::Lean => {
                for _ in 0..times {
                    black_box(lean::read(black_box(NODES)).expect("nodes"));
                }
            }
            Self::Raw(runtime, raw, question) => runtime.block_on(async {
                for _ in 0..times {
                    let body = raw.ask(question).await.expect("nodes");
                    black_box(lean::read(&body).expect("nodes"));
                }
            }),
        }
    }
}

const PATH: &str = "/servers/detail";
const NODES: &[u8] = include_bytes!("data/nova-servers-detail-20.json");
