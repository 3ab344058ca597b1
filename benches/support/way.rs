//! The ways to ask that are compared: welkin in each of its homes, and the peers.

use std::error::Error;
use std::fmt;
use std::hint::black_box;
use std::str::FromStr;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use welkin::{Driver, Settings};

use super::peers::{Legacy, Question, Raw, token};
use super::ready::{driver, thing};
use super::server::At;

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

/// One client of one of these ways, with the runtime that it needs.
pub(crate) enum Client {
    Wait(Driver),
    Tokio(Runtime, Driver, usize),
    Raw(Runtime, Vec<Raw>, Question),
    Legacy(Runtime, Legacy, Question, usize),
}

impl Client {
    pub(crate) fn new(way: Way, at: &At, tls: bool) -> Result<Self, Box<dyn Error>> {
        let one = || Builder::new_current_thread().enable_all().build();
        // Enough for each of them.
        let driver = || driver(at, tls, Settings::new().connections_per_host(256));
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

    /// Asks so many times in all, and returns when all answers are there.
    pub(crate) fn ask(&mut self, requests: usize) {
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
