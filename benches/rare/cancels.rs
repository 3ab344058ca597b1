//! Calls that are given up just after they were sent: what became of their connections.

use std::error::Error;
use std::thread;
use std::time::Duration;

use serde_json::json;
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};
use welkin::{Cancel, Settings};

use crate::support::args::Args;
use crate::support::peers::{Legacy, Question, token};
use crate::support::ready::{driver, thing};
use crate::support::server::{Manner, Server};
use crate::support::table::{Table, met};

pub(crate) fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let mut server = Server::start(Manner { service: 20, ..Manner::default() })?;
    let driver = driver(server.at(), false, Settings::new())?;
    let legacy = Legacy::new(server.at())?;
    let question = Question::new(server.at(), false, "/bench/thing", &token(server.at())?);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut table = Table::new(
        "cancels: given up 1 ms after sending, the answer comes after 20 ms",
        &["what", "cancelled", "new connections each", "met"],
    );
    let calls = args.pick(200, 20);
    for what in ["welkin, task dropped", "welkin, thread cancelled", "hyper-util, task dropped"] {
        let before = server.seen()?.accepted;
        let mut cancelled = 0_u32;
        for _ in 0..calls {
            let is_cancelled = match what {
                "welkin, task dropped" => runtime.block_on(async {
                    let is_over = timeout(SOON, thing(&driver)).await.is_err();
                    sleep(AFTER).await;
                    is_over
                }),
                "welkin, thread cancelled" => {
                    let cancel = Cancel::new();
                    let is_over = thread::scope(|s| {
                        let call = s.spawn(|| thing(&driver).cancel_on(&cancel).wait().is_err());
                        thread::sleep(SOON);
                        cancel.cancel();
                        call.join().expect("it ends")
                    });
                    thread::sleep(AFTER);
                    is_over
                }
                _ => runtime.block_on(async {
                    let is_over = timeout(SOON, legacy.ask(&question)).await.is_err();
                    sleep(AFTER).await;
                    is_over
                }),
            };
            cancelled += u32::from(is_cancelled);
        }
        let each = (server.seen()?.accepted - before) as f64 / f64::from(cancelled);
        let is_ours = what.starts_with("welkin");
        table.row([
            what.into(),
            cancelled.into(),
            json!(each),
            json!(is_ours.then(|| met(each <= 0.2))),
        ]);
    }
    table.print(args)
}

const SOON: Duration = Duration::from_millis(1);
/// The answer is there, and within the time that a connection is worth waiting for.
const AFTER: Duration = Duration::from_millis(30);
