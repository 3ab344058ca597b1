//! A crowd begins at once with a cloud whose login takes 50 ms, over TLS.

use std::error::Error;

use serde_json::json;

use super::peers::{Peers, Task, WELKIN, WELKIN_OWN, WELKIN_THREADS};
use crate::support::args::Args;
use crate::support::rounds::Quartiles;
use crate::support::server::{Manner, Server};
use crate::support::table::Table;

pub(crate) fn run(args: &Args, peers: &Peers) -> Result<(), Box<dyn Error>> {
    let mut table = Table::new(
        "versus: cold, TLS, a login takes 50 ms, eight at once",
        &["crowd", "who", "logins", "sockets", "last first answer ms", "CPU ms"],
    );
    for crowd in args.pick(vec![1, 8, 64, 256], vec![64]) {
        for who in WHO.into_iter().filter(|who| peers.has(who)) {
            let manner = Manner { login: 50, login_workers: 8, ..Manner::default() };
            let mut starts = Vec::new();
            for _ in 0..args.pick(5, 1) {
                let mut server = Server::start(manner)?;
                let task = Task { at: server.at(), tls: true, work: "nodes", crowd };
                // The process itself has started: what it takes to load an interpreter is not asked.
                let mut peer = peers.start(who, &task)?;
                let asked = peer.ask(1)?;
                if asked.failed > 0 {
                    return Err(format!("{who}: {} of {crowd} failed", asked.failed).into());
                }
                let seen = server.seen()?;
                starts.push([
                    seen.logins as f64,
                    seen.accepted as f64,
                    asked.wall / 1e3,
                    asked.cpu / 1e3,
                ]);
            }
            let median = |i: usize| Quartiles::of(starts.iter().map(|start| start[i])).median();
            table.row([
                crowd.into(),
                who.into(),
                json!(median(0)),
                json!(median(1)),
                json!(median(2)),
                json!(median(3)),
            ]);
        }
    }
    table.print(args)
}

const WHO: [&str; 6] =
    [WELKIN_THREADS, WELKIN_OWN, WELKIN, "openstack_sdk", "libcloud-threads", "openstacksdk"];
