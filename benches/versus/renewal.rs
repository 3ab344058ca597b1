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
        for who in WHO.into_iter().filter(|who| peers.has(who)) {
            let (lasted, seen) = trial.run(peers, who)?;
            table.row([
                trial.what.into(),
                who.into(),
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
    manner: Manner,
    seconds: f64,
    revocations: u32,
}

fn trials(args: &Args) -> [Trial; 2] {
    let manner = Manner { login: 500, service: 20, ..Manner::default() };
    [
        Trial {
            what: "a token lives 40 s, a login takes 500 ms",
            // keystoneauth renews 30 s before the end: a shorter life would be over for it at once.
            manner: Manner { token: 40_000, ..manner },
            seconds: args.pick(45.0, 3.0),
            revocations: 0,
        },
        Trial {
            what: "all tokens revoked, a login takes 500 ms",
            manner,
            seconds: args.pick(8.0, 3.0),
            revocations: args.pick(3, 1),
        },
    ]
}

impl Trial {
    fn run(&self, peers: &Peers, who: &str) -> Result<(Lasted, Seen), Box<dyn Error>> {
        let mut server = Server::start(self.manner)?;
        let at = server.at().clone();
        let mut peer = peers.start(who, &Task { at: &at, tls: false, work: "nodes", crowd: 64 })?;
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

const WHO: [&str; 6] =
    [WELKIN_THREADS, WELKIN_OWN, WELKIN, "openstack_sdk", "libcloud-threads", "openstacksdk"];
