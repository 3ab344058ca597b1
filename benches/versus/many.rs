//! Ten thousand tasks that ask at once.

use std::error::Error;

use serde_json::json;

use super::peers::{Peers, Task, WELKIN};
use crate::support::args::Args;
use crate::support::server::{Manner, Server};
use crate::support::table::Table;

pub(crate) fn run(args: &Args, peers: &Peers) -> Result<(), Box<dyn Error>> {
    let crowd = args.pick(10_000, 1000);
    let mut table = Table::new(
        "versus: tasks at once, an answer takes 5 ms",
        &["who", "tasks", "failed", "most sockets", "memory MiB", "wall ms", "CPU ms"],
    );
    for who in [WELKIN, "hyper-util", "reqwest", "aws"] {
        let mut server = Server::start(Manner { service: 5, ..Manner::default() })?;
        let at = server.at().clone();
        let mut peer = peers.start(who, &Task { at: &at, tls: false, work: "thing", crowd })?;
        let asked = peer.ask(1)?;
        table.row([
            who.into(),
            crowd.into(),
            asked.failed.into(),
            server.seen()?.most_open.into(),
            json!(peer.memory()),
            json!(asked.wall / 1e3),
            json!(asked.cpu / 1e3),
        ]);
    }
    table.print(args)
}
