//! The peers: where their programs are, and one of them at work.
//!
//! A peer's process is started as `PROGRAM WHO WORK SCHEME N`: who it is, what N threads or tasks of
//! it ask for, and how. It says its version, then answers each line on standard input with one line:
//! `ask COUNT`, and `for SECONDS`. It ends with its input.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::support::args::Args;
use crate::support::measured::AT;
use crate::support::rounds::Spent;
use crate::support::server::{At, Manner, Server};
use crate::support::table::Table;

/// What a user could take. The first three are Welkin itself.
pub(crate) const WELKIN: &str = "welkin";
pub(crate) const WELKIN_THREADS: &str = "welkin-threads";
pub(crate) const WELKIN_OWN: &str = "welkin-own";
const RUST: [&str; 6] = [WELKIN, "hyper-util", "reqwest", "ureq", "aws", "openstack_sdk"];
const PYTHON: [&str; 5] = [
    "libcloud-threads",
    "libcloud-gevent",
    "libcloud-twisted",
    "libcloud-twisted-kept",
    "openstacksdk",
];

pub(crate) struct Peers {
    pub(crate) rust: PathBuf,
    /// The interpreter and the script, if they could be had.
    python: Option<[PathBuf; 2]>,
    /// Without those that take too long for a look.
    quick: bool,
}

impl Peers {
    /// Builds the ones, and installs the others; what is there already is kept.
    pub(crate) fn install(args: &Args) -> Result<Self, Box<dyn Error>> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers");
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
        eprintln!("building the peers in Rust; the first time that takes minutes");
        let target = kept.join("peers");
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--release", "--quiet", "--locked", "--manifest-path"])
            .arg(here.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&target)
            .status()?;
        if !built.success() {
            return Err("the peers in Rust do not build".into());
        }
        let rust = target.join("release/peers");
        eprintln!("installing the peers in Python, if they are not there yet");
        let script = here.join("python/peers.py");
        let output = Command::new("bash")
            .arg(here.join("python/install"))
            .arg(kept.join("python"))
            .stderr(Stdio::inherit())
            .output()?;
        let interpreter = String::from_utf8(output.stdout)?.trim().to_owned();
        let python = output.status.success().then(|| [interpreter.into(), script]);
        if python.is_none() {
            eprintln!("the peers in Python are left out");
        }
        Ok(Self { rust, python, quick: args.quick })
    }

    pub(crate) fn has(&self, who: &str) -> bool {
        let is_slow = who == "openstacksdk";
        (!PYTHON.contains(&who) || self.python.is_some()) && !(self.quick && is_slow)
    }

    /// Starts a peer that has not asked for anything yet.
    pub(crate) fn start(&self, who: &str, task: &Task<'_>) -> Result<Peer, Box<dyn Error>> {
        let mut command = match &self.python {
            Some([interpreter, script]) if PYTHON.contains(&who) => {
                let mut command = Command::new(interpreter);
                command.arg(script);
                command
            }
            _ => Command::new(&self.rust),
        };
        command.args([who, task.work, task.scheme(), &task.crowd.to_string()]);
        command.env(AT, serde_json::to_string(task.at)?);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().ok_or("a peer without output")?);
        let mut peer = Peer { child, orders, answers, version: String::new() };
        peer.version = peer.read::<Hello>().map_err(|e| format!("{who}: {e}"))?.version;
        Ok(peer)
    }

    /// Has Libcloud ask a real cloud, with a driver for each thread; says how it fared.
    pub(crate) fn real(
        &self,
        threads: usize,
        each: usize,
    ) -> Result<Option<String>, Box<dyn Error>> {
        let Some([interpreter, script]) = &self.python else {
            return Ok(None);
        };
        let output = Command::new(interpreter)
            .arg(script.with_file_name("real.py"))
            .args([threads.to_string(), each.to_string()])
            .stderr(Stdio::inherit())
            .output()?;
        Ok(Some(String::from_utf8(output.stdout)?))
    }

    /// Tells which of these can be had, and in which version.
    pub(crate) fn versions(&self) -> Result<Table, Box<dyn Error>> {
        let server = Server::start(Manner::default())?;
        let mut table = Table::new("versus: who", &["peer", "version"]);
        let works =
            RUST.map(|who| (who, "thing")).into_iter().chain(PYTHON.map(|who| (who, "nodes")));
        for (who, work) in works.filter(|(who, _)| self.has(who)) {
            let peer = self.start(who, &Task { at: server.at(), tls: false, work, crowd: 1 })?;
            table.row([who.into(), peer.version.clone().into()]);
        }
        Ok(table)
    }
}

/// What a crowd of threads or tasks is to ask for.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub(crate) at: &'a At,
    pub(crate) tls: bool,
    /// `thing`, 1 KiB that nobody reads, or `nodes`, a list of twenty.
    pub(crate) work: &'static str,
    pub(crate) crowd: usize,
}

impl Task<'_> {
    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }
}

/// A peer that runs, and ends when this is dropped.
pub(crate) struct Peer {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    version: String,
}

#[derive(Deserialize)]
struct Hello {
    version: String,
}

/// How a crowd fared that asked so many times each.
#[derive(Deserialize)]
pub(crate) struct Asked {
    /// Microseconds of the whole process.
    pub(crate) cpu: f64,
    /// Microseconds until the last one was done.
    pub(crate) wall: f64,
    pub(crate) calls: u64,
    pub(crate) failed: u64,
}

/// How a crowd fared that asked without a pause for a time.
#[derive(Deserialize)]
pub(crate) struct Lasted {
    #[serde(flatten)]
    pub(crate) asked: Asked,
    /// Milliseconds, as all that follow.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) slowest: f64,
    /// The slowest call that ended in each 20 ms of the time.
    pub(crate) worst: Vec<f64>,
    /// What one of the failures said.
    pub(crate) error: Option<String>,
}

impl Peer {
    /// Has each of the crowd ask that often.
    pub(crate) fn ask(&mut self, count: usize) -> Result<Asked, Box<dyn Error>> {
        self.order(&format!("ask {count}"))
    }

    /// As [`Peer::ask`] for a round, in which none may fail.
    pub(crate) fn spend(&mut self, count: usize) -> Spent {
        let asked = self.ask(count).expect("a peer that answers");
        assert_eq!(asked.failed, 0, "all is well, so nothing fails");
        let calls = asked.calls as f64;
        Spent { cpu: asked.cpu / calls, rate: calls * 1e6 / asked.wall }
    }

    /// Has each of the crowd ask until the time is over.
    pub(crate) fn last(&mut self, seconds: f64) -> Result<Lasted, Box<dyn Error>> {
        self.order(&format!("for {seconds}"))
    }

    /// The most memory that it has had, in MiB, where the system tells (proc(5)).
    pub(crate) fn memory(&self) -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
    }

    fn order<T: DeserializeOwned>(&mut self, line: &str) -> Result<T, Box<dyn Error>> {
        writeln!(self.orders.as_mut().ok_or("a peer without input")?, "{line}")?;
        self.read()
    }

    fn read<T: DeserializeOwned>(&mut self) -> Result<T, Box<dyn Error>> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line).map_err(|e| format!("it said {line:?}: {e}"))?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.orders = None;
        // It ends with its input; nothing is left to do if it did not.
        let _ = self.child.wait();
    }
}
