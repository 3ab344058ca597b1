//! A list of 20 nodes, the 28 KB that a real Nova sent, read by each into types of its own.

use std::error::Error;

use super::compare::{Rival, compare, goal, rival, table};
use super::peers::{Peers, Task, WELKIN, WELKIN_OWN, WELKIN_THREADS};
use crate::support::args::Args;
use crate::support::server::{Manner, Server};

pub(crate) fn run(args: &Args, peers: &Peers) -> Result<(), Box<dyn Error>> {
    let threads = [
        rival(WELKIN_THREADS),
        rival(WELKIN_OWN),
        goal("libcloud-threads", 1.0 / 25.0),
        rival("libcloud-gevent"),
        rival("libcloud-twisted"),
        rival("libcloud-twisted-kept"),
        rival("openstacksdk"),
    ];
    let tasks = [rival(WELKIN), goal("openstack_sdk", 1.0 / 3.0)];
    let mut table = table("versus: a list of 20 nodes");
    for (crowd, rivals) in [(64, &threads[..]), (16, &tasks[..])] as [(usize, &[Rival]); 2] {
        let server = Server::start(Manner::default())?;
        let task = Task { at: server.at(), tls: false, work: "nodes", crowd };
        // Python takes milliseconds for each, openstacksdk a hundred.
        let each = |who: &str| match who {
            "openstacksdk" => 1,
            _ if who.starts_with("libcloud") => args.pick(10, 2),
            _ => args.pick(100, 10),
        };
        compare(&mut table, peers, &task, rivals, args.pick(9, 2), each)?;
    }
    table.print(args)
}
