//! 64 ask without a pause while their token ends, and while all tokens are revoked.

use std::error::Error;
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::peers::{Lasted, Peers, Task, WELKIN, WELKIN_OWN, WELKIN_THREADS};
use crate::support::args::Args;
use crate::support::server::{Manner, Seen, Server};
use crate::support::table::Table;

pub(crate) fn run(args: &Args, peers: &Peers) -> Result<(), Box<dyn Error>> {
    let mut table = Table::new(
        "versus: 64 callers while tokens end",
        &[
            "what",
            "who",
            "asks for",
            "calls",
            "failed",
            "logins",
            "refused",
            "p50 ms",
            "p99 ms",
            "slowest ms",
            "worst per 20 ms",
            "error",
        ],
    );
    for trial in trials(args) {
        for who in WHO.iter().filter(|who| peers.has(who.name)) {
            let (lasted, seen) = trial.run(peers, who)?;
            table.row([
                trial.what.into(),
                who.name.into(),
                who.work.into(),
                lasted.asked.calls.into(),
                lasted.asked.failed.into(),
                seen.logins.into(),
                seen.refused.into(),
                json!(lasted.p50),
                json!(lasted.p99),
                json!(lasted.slowest),
                lasted.worst.into(),
                json!(lasted.error),
            ]);
        }
    }
    table.print(args)
}

struct Trial {
    what: &'static str,
    seconds: f64,
    /// Whether the token comes to its end in the time; else it lives for a day.
    ends: bool,
    revocations: u32,
}

fn trials(args: &Args) -> [Trial; 2] {
    [
        Trial {
            what: "a token ends, a login takes 500 ms",
            seconds: args.pick(20.0, 2.0),
            ends: true,
            revocations: 0,
        },
        Trial {
            what: "all tokens revoked, a login takes 500 ms",
            seconds: args.pick(8.0, 2.0),
            ends: false,
            revocations: args.pick(3, 1),
        },
    ]
}

impl Trial {
    fn run(&self, peers: &Peers, who: &Who) -> Result<(Lasted, Seen), Box<dyn Error>> {
        let token = if self.ends { who.early + HALF_WAY } else { Manner::default().token };
        let mut server =
            Server::start(Manner { login: 500, service: 20, token, ..Manner::default() })?;
        let at = server.at().clone();
        let task = Task { at: &at, tls: false, work: who.work, crowd: 64 };
        let mut peer = peers.start(who.name, &task)?;
        // The first login is waited for; it is not what is looked at here.
        peer.ask(1)?;
        let before = server.seen()?;
        let pause = Duration::from_secs_f64(self.seconds / f64::from(self.revocations + 1));
        let lasted = thread::scope(|s| {
            let asking = s.spawn(|| peer.last(self.seconds).map_err(|e| e.to_string()));
            for _ in 0..self.revocations {
                thread::sleep(pause);
                server.revoke()?;
            }
            Ok::<_, Box<dyn Error>>(asking.join().expect("it ends")?)
        })?;
        let mut seen = server.seen()?;
        seen.logins -= before.logins;
        seen.refused -= before.refused;
        Ok((lasted, seen))
    }
}

/// Milliseconds into the time when a token is taken for spent.
const HALF_WAY: u64 = 12_000;

struct Who {
    name: &'static str,
    work: &'static str,
    /// How many milliseconds before its end it takes a token for spent.
    early: u64,
}

const fn who(name: &'static str, early: u64) -> Who {
    Who { name, work: "nodes", early }
}

/// Welkin renews a short life after half of it and a little more. openstacksdk reads a list of nodes
/// for so long that 64 callers would wait for little else.
const WHO: [Who; 6] = [
    who(WELKIN_THREADS, 10_000),
    who(WELKIN_OWN, 10_000),
    who(WELKIN, 10_000),
    who("openstack_sdk", 0),
    who("libcloud-threads", 5_000),
    Who { work: "thing", ..who("openstacksdk", 120_000) },
];
