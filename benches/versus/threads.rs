//! 1 KiB on plain threads: Welkin shared, Welkin with a driver each, and the blocking clients.

use std::error::Error;

use super::compare::{compare, goal, rival, table};
use super::peers::{Peers, Task, WELKIN_OWN, WELKIN_THREADS};
use crate::support::args::Args;
use crate::support::server::{Manner, Server};

pub(crate) fn run(args: &Args, peers: &Peers) -> Result<(), Box<dyn Error>> {
    let rivals = [
        rival(WELKIN_THREADS),
        rival(WELKIN_OWN),
        goal("reqwest-blocking", 0.5),
        goal("ureq", 0.9),
    ];
    let mut table = table("versus: 1 KiB on plain threads");
    for tls in [false, true] {
        for crowd in args.pick(vec![1, 8, 64, 256], vec![8, 64]) {
            let server = Server::start(Manner::default())?;
            let task = Task { at: server.at(), tls, work: "thing", crowd };
            let each = args.pick(3000 / crowd, 400 / crowd).max(args.pick(40, 4));
            compare(&mut table, peers, &task, &rivals, args.pick(15, 2), |_| each)?;
        }
    }
    table.print(args)
}
