//! Pauses exactly as long as the server keeps an idle connection: it closes while the next request
//! is on its way.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use welkin::{ErrorKind, NewNode, Settings};

use crate::support::args::Args;
use crate::support::peers::{Legacy, Question, token};
use crate::support::ready::{driver, thing};
use crate::support::server::{Manner, Server};
use crate::support::table::{Table, met};

pub(crate) fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let mut table = Table::new(
        "gaps: 64 callers that pause as long as the server keeps an idle connection",
        &["what", "requests", "failed", "said to be unknown", "done twice", "met"],
    );
    let each = args.pick(100, 1);
    for what in ["GET, welkin", "POST, welkin", "GET, hyper-util"] {
        let Came { failed, unknown, doubles } = gaps(what, each)?;
        table.row([
            what.into(),
            (CALLERS * each).into(),
            failed.into(),
            unknown.into(),
            doubles.into(),
            json!(what.ends_with("welkin").then(|| met(failed + doubles == 0))),
        ]);
    }
    table.print(args)
}

struct Came {
    failed: u64,
    /// The connection closed when the order was on its way: whether it was done nobody can know.
    unknown: u64,
    /// What the server did twice.
    doubles: u64,
}

fn gaps(what: &'static str, each: usize) -> Result<Came, Box<dyn Error>> {
    let mut server = Server::start(Manner { keep_alive: GAP, ..Manner::default() })?;
    let driver = driver(server.at(), false, Settings::new())?;
    let legacy = Legacy::new(server.at())?;
    let question = Question::new(server.at(), false, "/bench/thing", &token(server.at())?);
    let came = Arc::new([const { AtomicU64::new(0) }; 2]);
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let (driver, legacy, question) = (driver.clone(), legacy.clone(), question.clone());
            let came = Arc::clone(&came);
            callers.spawn(async move {
                let compute = driver.compute().expect("compute");
                for i in 0..each {
                    let kind = match what {
                        "GET, welkin" => thing(&driver).await.err().map(|e| e.kind()),
                        "POST, welkin" => {
                            let order = NewNode::named(format!("node-{caller}-{i}"));
                            let order = order.size("1").image("an image");
                            compute.create_node(&order).await.err().map(|e| e.kind())
                        }
                        _ => legacy.ask(&question).await.err().map(|_| ErrorKind::Connection),
                    };
                    if let Some(kind) = kind {
                        let place = usize::from(kind == ErrorKind::Ambiguous);
                        came[place].fetch_add(1, Ordering::Relaxed);
                    }
                    tokio::time::sleep(Duration::from_millis(GAP)).await;
                }
            });
        }
        callers.join_all().await;
    });
    let doubles = server.seen()?.doubles;
    let [failed, unknown] = [0, 1].map(|i: usize| came[i].load(Ordering::Relaxed));
    Ok(Came { failed, unknown, doubles })
}

const CALLERS: usize = 64;
/// Milliseconds.
const GAP: u64 = 100;
