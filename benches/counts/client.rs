//! The process that is measured: one way to ask, so many times.

use std::error::Error;
use std::fmt;
use std::hint::black_box;
use std::str::FromStr;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use welkin::{Driver, Settings};

use super::support::allocations;
use super::support::peers::{Legacy, Question, Raw, token};
use super::support::ready::{driver, thing};
use super::support::server::{At, Manner, Server};

/// Who asks, and from how many tasks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    /// Welkin on a plain thread.
    Wait,
    /// Welkin in tasks of a runtime of one thread, where the peers run too.
    Tokio(usize),
    /// Welkin in tasks of a runtime of two threads.
    Workers(usize),
    Raw(usize),
    Legacy(usize),
}

impl Way {
    pub(crate) const ALL: [Self; 9] = [
        Self::Wait,
        Self::Tokio(1),
        Self::Tokio(16),
        Self::Workers(1),
        Self::Workers(16),
        Self::Raw(1),
        Self::Raw(16),
        Self::Legacy(1),
        Self::Legacy(16),
    ];

    /// Tells whether its instructions say anything: idle workers look for work.
    pub(crate) fn is_lone(self) -> bool {
        !matches!(self, Self::Workers(_))
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wait => write!(f, "wait"),
            Self::Tokio(n) => write!(f, "tokio-{n}"),
            Self::Workers(n) => write!(f, "workers-{n}"),
            Self::Raw(n) => write!(f, "raw-{n}"),
            Self::Legacy(n) => write!(f, "legacy-{n}"),
        }
    }
}

impl FromStr for Way {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Self::ALL.iter().find(|way| way.to_string() == text);
        known().copied().ok_or_else(|| {
            let all: Vec<_> = Self::ALL.iter().map(Self::to_string).collect();
            format!("no way {text:?}; there are {}", all.join(", "))
        })
    }
}

/// Asks so many times and says what it allocated. The server's place comes in the environment.
pub(crate) fn run(way: Way, tls: bool, requests: usize) -> Result<(), Box<dyn Error>> {
    let at = serde_json::from_str(&std::env::var(AT)?)?;
    let mut client = Client::new(way, &at, tls)?;
    client.ask(WARM);
    let before = allocations::so_far();
    measured(&mut client, requests);
    let after = allocations::so_far();
    println!("{}", serde_json::json!([after.0 - before.0, after.1 - before.1]));
    Ok(())
}

/// The profile collects in here alone.
#[inline(never)]
fn measured(client: &mut Client, requests: usize) {
    black_box(client).ask(black_box(requests));
}

/// Prints where one warm request allocates.
pub(crate) fn sites(way: Way, tls: bool) -> Result<(), Box<dyn Error>> {
    let server = Server::start(Manner::default())?;
    let mut client = Client::new(way, server.at(), tls)?;
    client.ask(WARM);
    // Two batches: what the second one has more is the requests alone.
    let mut traces = |requests| {
        allocations::trace(true);
        client.ask(requests);
        allocations::trace(false);
        allocations::traces().iter().map(|(size, t)| (*size, frames(&t.to_string()))).collect()
    };
    let few: Vec<(usize, String)> = traces(FEW);
    let mut more: Vec<(usize, String)> = traces(2 * FEW);
    for known in few {
        if let Some(at) = more.iter().position(|one| *one == known) {
            more.swap_remove(at);
        }
    }
    more.sort_by(|a, b| a.1.cmp(&b.1).then(a.0.cmp(&b.0)));
    println!("{way}: {:.2} allocations per request", more.len() as f64 / FEW as f64);
    for group in more.chunk_by(|a, b| a == b) {
        let (size, frames) = &group[0];
        println!("\n{:.2} x {size} bytes\n{frames}", group.len() as f64 / FEW as f64);
    }
    Ok(())
}

/// Returns the lines of a stack that say something, innermost first.
fn frames(trace: &str) -> String {
    // Lines come as "12: name" and "at place"; inlined functions have a name without a number.
    let lines: Vec<_> = trace.lines().map(str::trim).collect();
    let told = lines.chunk_by(|_, next| next.starts_with("at ")).filter_map(|frame| {
        let name = frame[0].split_once(": ").map_or(frame[0], |(_, name)| name);
        let place = frame.get(1).map_or("", |at| at.trim_start_matches("at "));
        // The standard library's own and this bench's are in each of them.
        let is_dull = place.starts_with("/rustc/") || place.contains("/benches/");
        let place = place.rsplit_once("/registry/src/").map_or(place, |(_, place)| place);
        let place = place.split_once('/').map_or(place, |(_, place)| place);
        (!is_dull && !place.is_empty()).then(|| format!("    {name}  {place}"))
    });
    told.take(8).collect::<Vec<_>>().join("\n")
}

enum Client {
    Wait(Driver),
    Tokio(Runtime, Driver, usize),
    Raw(Runtime, Vec<Raw>, Question),
    Legacy(Runtime, Legacy, Question, usize),
}

impl Client {
    fn new(way: Way, at: &At, tls: bool) -> Result<Self, Box<dyn Error>> {
        let one = || Builder::new_current_thread().enable_all().build();
        let driver = || driver(at, tls, Settings::new());
        let question =
            || Ok::<_, Box<dyn Error>>(Question::new(at, tls, "/bench/thing", &token(at)?));
        Ok(match way {
            Way::Wait => Self::Wait(driver()?),
            Way::Tokio(n) => Self::Tokio(one()?, driver()?, n),
            Way::Workers(n) => {
                let two = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
                Self::Tokio(two, driver()?, n)
            }
            Way::Raw(n) => {
                let runtime = one()?;
                let mut connections = Vec::new();
                for _ in 0..n {
                    connections.push(runtime.block_on(Raw::connect(at, tls))?);
                }
                Self::Raw(runtime, connections, question()?)
            }
            Way::Legacy(n) => Self::Legacy(one()?, Legacy::new(at)?, question()?, n),
        })
    }

    fn ask(&mut self, requests: usize) {
        match self {
            Self::Wait(driver) => {
                for _ in 0..requests {
                    black_box(thing(driver).wait().expect("an answer"));
                }
            }
            Self::Tokio(runtime, driver, n) => runtime.block_on(async {
                let mut tasks = JoinSet::new();
                for _ in 0..*n {
                    let (driver, share) = (driver.clone(), requests / *n);
                    tasks.spawn(async move {
                        for _ in 0..share {
                            black_box(thing(&driver).await.expect("an answer"));
                        }
                    });
                }
                tasks.join_all().await;
            }),
            Self::Raw(runtime, connections, question) => runtime.block_on(async {
                let mut tasks = JoinSet::new();
                let share = requests / connections.len();
                for mut connection in connections.drain(..) {
                    let question = question.clone();
                    tasks.spawn(async move {
                        for _ in 0..share {
                            black_box(connection.ask(&question).await.expect("an answer"));
                        }
                        connection
                    });
                }
                connections.extend(tasks.join_all().await);
            }),
            Self::Legacy(runtime, client, question, n) => runtime.block_on(async {
                let mut tasks = JoinSet::new();
                for _ in 0..*n {
                    let (client, question, share) =
                        (client.clone(), question.clone(), requests / *n);
                    tasks.spawn(async move {
                        for _ in 0..share {
                            black_box(client.ask(&question).await.expect("an answer"));
                        }
                    });
                }
                tasks.join_all().await;
            }),
        }
    }
}

pub(crate) const AT: &str = "WELKIN_BENCH_AT";
const WARM: usize = 320;
const FEW: usize = 16;
