//! An endpoint that takes 100 ms for each answer, and 64 who wait for it.

use std::error::Error;

use super::compare::{compare, rival, table};
use super::peers::{Peers, Task, WELKIN, WELKIN_OWN, WELKIN_THREADS};
use crate::support::args::Args;
use crate::support::server::{Manner, Server};

pub(crate) fn run(args: &Args, peers: &Peers) -> Result<(), Box<dyn Error>> {
    let rivals = [
        WELKIN_THREADS,
        WELKIN,
        WELKIN_OWN,
        "hyper-util",
        "reqwest",
        "aws",
        "reqwest-blocking",
        "ureq",
    ];
    let mut table = table("versus: 1 KiB from an endpoint that takes 100 ms (640 req/s are all)");
    let server = Server::start(Manner { service: 100, ..Manner::default() })?;
    let task = Task { at: server.at(), tls: false, work: "thing", crowd: 64 };
    compare(&mut table, peers, &task, &rivals.map(rival), args.pick(7, 1), |_| args.pick(10, 3))?;
    table.print(args)
}
