//! The server of the benches, in a process of its own: the bench's own binary, started once more.
//!
//! It waits for nothing unless it is told to, so that what is measured is the client. It says on
//! standard output where it listens, answers each line on standard input with one line, and ends
//! with it.

use std::env;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread;

use serde::{Deserialize, Serialize};

use super::args::raise_limit;
use super::cloud::Cloud;
use super::tls::Identity;

/// How the server behaves; times in milliseconds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Manner {
    /// How long a login takes.
    pub(crate) login: u64,
    /// How many logins are done at once; 0 for all.
    pub(crate) login_workers: u64,
    /// How long a token lives; 0 for a day.
    pub(crate) token: u64,
    /// How long any other answer takes.
    pub(crate) service: u64,
    /// After how long an idle connection is closed; 0 for never.
    pub(crate) keep_alive: u64,
    /// How many requests it answers in a second, the others are refused with a 429; 0 for all.
    pub(crate) limit: u64,
}

/// What the server has seen.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Seen {
    pub(crate) logins: u64,
    pub(crate) requests: u64,
    /// Requests whose token was not, or no longer, good.
    pub(crate) refused: u64,
    /// Requests that were too many.
    pub(crate) limited: u64,
    /// Orders that came more than once.
    pub(crate) doubles: u64,
    /// Connections accepted so far.
    pub(crate) accepted: u64,
    pub(crate) open: u64,
    pub(crate) most_open: u64,
}

/// A server that runs, and ends when this is dropped.
pub(crate) struct Server {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    at: At,
}

/// Where a server listens, and whom to trust.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct At {
    pub(crate) plain: u16,
    pub(crate) tls: u16,
    pub(crate) ca_pem: String,
}

impl At {
    pub(crate) fn base(&self, tls: bool) -> String {
        match tls {
            false => format!("http://127.0.0.1:{}", self.plain),
            true => format!("https://127.0.0.1:{}", self.tls),
        }
    }
}

impl Server {
    pub(crate) fn start(manner: Manner) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(env::current_exe()?)
            .arg(SERVE)
            .arg(serde_json::to_string(&manner)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take();
        let mut answers = BufReader::new(child.stdout.take().ok_or("the server has no output")?);
        let at = read(&mut answers)?;
        Ok(Self { child, orders, answers, at })
    }

    pub(crate) fn at(&self) -> &At {
        &self.at
    }

    /// Asks what it has seen since it was last asked.
    pub(crate) fn seen(&mut self) -> Result<Seen, Box<dyn Error>> {
        self.order("seen")
    }

    /// Makes all tokens that it has issued worthless.
    pub(crate) fn revoke(&mut self) -> Result<Seen, Box<dyn Error>> {
        self.order("revoke")
    }

    fn order(&mut self, word: &str) -> Result<Seen, Box<dyn Error>> {
        writeln!(self.orders.as_mut().ok_or("the server has no input")?, "{word}")?;
        read(&mut self.answers)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.orders = None;
        // It ends with its input; nothing is left to do if it did not.
        let _ = self.child.wait();
    }
}

fn read<T: serde::de::DeserializeOwned>(from: &mut impl BufRead) -> Result<T, Box<dyn Error>> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    Ok(serde_json::from_str(&line).map_err(|e| format!("the server said {line:?}: {e}"))?)
}

/// Serves and never comes back, if that is what this process was started for.
pub(crate) fn serve_if_asked() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let (Some(SERVE), Some(manner)) = (words.next().as_deref(), words.next()) else {
        return Ok(());
    };
    raise_limit();
    let cloud = Arc::new(Cloud::new(serde_json::from_str(&manner)?));
    let identity = Identity::generate()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (plain, tls) = runtime.block_on(async {
        let plain = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let tls = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        io::Result::Ok((plain, tls))
    })?;
    let (plain_port, tls_port) = (plain.local_addr()?.port(), tls.local_addr()?.port());
    let at = At { plain: plain_port, tls: tls_port, ca_pem: identity.ca_pem };
    println!("{}", serde_json::to_string(&at)?);

    let seen_by = Arc::clone(&cloud);
    thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            if line == "revoke" {
                seen_by.revoke();
            }
            let seen = serde_json::to_string(&seen_by.seen()).expect("plain numbers");
            println!("{seen}");
        }
        std::process::exit(0);
    });
    runtime.block_on(async {
        let tls = Arc::clone(&cloud).accept(tls, Some(identity.acceptor));
        tokio::join!(cloud.accept(plain, None), tls);
    });
    Ok(())
}

const SERVE: &str = "serve";
