//! Tokens that end and tokens that are revoked, while 64 threads ask without a pause.

use std::error::Error;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use welkin::Settings;

use crate::support::args::Args;
use crate::support::ready::{driver, thing};
use crate::support::server::{Manner, Server};
use crate::support::table::{Table, met};

pub(crate) fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let mut table = Table::new(
        "renewal: 64 threads while tokens end",
        &["what", "calls", "failed", "tokens", "logins", "refused", "p50 ms", "slowest ms", "met"],
    );
    let seconds = args.pick(6, 2);
    for trial in [
        Trial {
            what: "a token lives 1 s, a login takes 50 ms",
            manner: Manner { login: 50, token: 1000, service: 2, ..Manner::default() },
            revocations: 0,
        },
        Trial {
            what: "all tokens revoked, again and again",
            manner: Manner { login: 50, token: 0, service: 2, ..Manner::default() },
            revocations: 4,
        },
        Trial {
            what: "a token lives 2 s, a login takes 500 ms",
            manner: Manner { login: 500, token: 2000, service: 2, ..Manner::default() },
            revocations: 0,
        },
    ] {
        let Seen { times, failed, tokens, logins, refused } = trial.run(seconds)?;
        let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3;
        // A revocation is felt: whoever is refused waits for the login.
        let in_time = trial.revocations > 0 || at(100) < 250.0;
        let expected = match trial.revocations {
            0 => tokens,
            revocations => revocations + 1,
        };
        table.row([
            trial.what.into(),
            times.len().into(),
            failed.into(),
            tokens.into(),
            logins.into(),
            refused.into(),
            json!(at(50)),
            json!(at(100)),
            met(failed == 0 && logins == expected && in_time).into(),
        ]);
    }
    table.print(args)
}

struct Trial {
    what: &'static str,
    manner: Manner,
    revocations: u64,
}

struct Seen {
    /// Sorted.
    times: Vec<Duration>,
    failed: u64,
    /// What the driver got.
    tokens: u64,
    /// What the server was asked for.
    logins: u64,
    refused: u64,
}

impl Trial {
    fn run(&self, seconds: u64) -> Result<Seen, Box<dyn Error>> {
        let mut server = Server::start(self.manner)?;
        let driver = driver(server.at(), false, Settings::new())?;
        // The first login is waited for; it is not what is looked at here.
        thing(&driver).wait()?;
        let (over, failed) = (AtomicBool::new(false), AtomicU64::new(0));
        let times = Mutex::new(Vec::new());
        thread::scope(|s| {
            for _ in 0..64 {
                s.spawn(|| {
                    let mut own = Vec::new();
                    while !over.load(Ordering::Relaxed) {
                        let began = Instant::now();
                        if thing(&driver).wait().is_err() {
                            failed.fetch_add(1, Ordering::Relaxed);
                        }
                        own.push(began.elapsed());
                    }
                    times.lock().expect("nobody panics").extend(own);
                });
            }
            let pause = Duration::from_secs(seconds) / (self.revocations as u32 + 1);
            for _ in 0..self.revocations {
                thread::sleep(pause);
                server.revoke()?;
            }
            thread::sleep(pause);
            over.store(true, Ordering::Relaxed);
            Ok::<_, Box<dyn Error>>(())
        })?;
        let mut times = times.into_inner().expect("nobody panics");
        times.sort_unstable();
        // A login that is under way when the callers stop still ends.
        let end = Instant::now() + Duration::from_secs(5);
        while driver.stats().logins < server.seen()?.logins && Instant::now() < end {
            thread::sleep(Duration::from_millis(10));
        }
        let (seen, tokens) = (server.seen()?, driver.stats().logins);
        let failed = failed.into_inner();
        Ok(Seen { times, failed, tokens, logins: seen.logins, refused: seen.refused })
    }
}
