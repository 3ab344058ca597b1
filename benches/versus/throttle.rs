//! A burst of 64 callers on a cloud that answers 200 requests in a second, and the others with 429.

use std::error::Error;

use serde_json::json;

use super::peers::{Peers, Task, WELKIN_OWN, WELKIN_THREADS};
use crate::support::args::Args;
use crate::support::server::{Manner, Server};
use crate::support::table::Table;

pub(crate) fn run(args: &Args, peers: &Peers) -> Result<(), Box<dyn Error>> {
    let mut table = Table::new(
        "versus: 64 callers where 200 requests are answered in a second",
        &["who", "calls", "failed", "answered per second", "429s", "p50 ms", "slowest ms", "error"],
    );
    for who in WHO.into_iter().filter(|who| peers.has(who)) {
        let mut server = Server::start(Manner { limit: LIMIT, ..Manner::default() })?;
        let at = server.at().clone();
        let mut peer = peers.start(who, &Task { at: &at, tls: false, work: "nodes", crowd: 64 })?;
        let lasted = peer.last(args.pick(10.0, 1.0))?;
        let good = lasted.asked.calls - lasted.asked.failed;
        table.row([
            who.into(),
            lasted.asked.calls.into(),
            lasted.asked.failed.into(),
            json!(good as f64 * 1e6 / lasted.asked.wall),
            server.seen()?.limited.into(),
            json!(lasted.p50),
            json!(lasted.slowest),
            json!(lasted.error),
        ]);
    }
    table.print(args)
}

const LIMIT: u64 = 200;
const WHO: [&str; 5] =
    [WELKIN_THREADS, WELKIN_OWN, "openstack_sdk", "libcloud-threads", "openstacksdk"];
