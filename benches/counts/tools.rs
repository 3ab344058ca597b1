//! Valgrind and strace around the process that is measured.
//!
//! Each runs twice, the second time with twice the requests: the difference is the requests alone.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::client::AT;
use super::support::server::{At, Manner, Server};
use super::support::way::Way;

/// What one request costs; `None` where the tool is missing or says nothing.
pub(crate) struct Cost {
    pub(crate) instructions: Option<f64>,
    pub(crate) allocations: f64,
    pub(crate) bytes: f64,
    pub(crate) calls: Option<f64>,
    /// The system calls by name.
    pub(crate) which: String,
}

pub(crate) fn cost(at: &At, way: Way, tls: bool, n: usize) -> Result<Cost, Box<dyn Error>> {
    let own = env::current_exe()?;
    let words = |requests: usize| {
        let scheme = if tls { "https" } else { "http" };
        ["client".into(), way.to_string(), scheme.to_owned(), requests.to_string()]
    };
    let kept = Kept::new()?;

    let plain = run(at, Command::new(&own).args(words(16 * n)))?;
    let [allocations, bytes]: [f64; 2] = serde_json::from_str(&plain)?;
    let mut cost = Cost {
        instructions: None,
        allocations: allocations / (16 * n) as f64,
        bytes: bytes / (16 * n) as f64,
        calls: None,
        which: String::new(),
    };
    if way.is_lone() && is_there("valgrind") {
        let count = |requests| {
            let file = kept.path(&format!("callgrind.{way}.{tls}.{requests}"));
            run(at, callgrind(&file).arg(&own).args(words(requests)))?;
            instructions(&file)
        };
        let (once, twice): (u64, u64) = (count(n)?, count(2 * n)?);
        cost.instructions = Some((twice as f64 - once as f64) / n as f64);
    }
    if is_there("strace") {
        let count = |requests| {
            let file = kept.path(&format!("strace.{way}.{tls}.{requests}"));
            let strace = ["-f", "-c", "-o"];
            run(
                at,
                Command::new("strace").args(strace).arg(&file).arg(&own).args(words(requests)),
            )?;
            system_calls(&file)
        };
        let (once, mut twice): (BTreeMap<_, _>, BTreeMap<_, _>) = (count(2 * n)?, count(4 * n)?);
        for (name, calls) in once {
            *twice.entry(name).or_default() -= calls;
        }
        let each = |calls: i64| calls as f64 / (2 * n) as f64;
        cost.calls = Some(each(twice.values().sum()));
        let named = twice.iter().filter(|(_, calls)| each(**calls) >= 0.005);
        let named = named.map(|(name, calls)| format!("{name} {:.2}", each(*calls)));
        cost.which = named.collect::<Vec<_>>().join(", ");
    }
    Ok(cost)
}

/// Prints which functions the instructions of a request are spent in.
pub(crate) fn profile(way: Way, tls: bool) -> Result<(), Box<dyn Error>> {
    if !is_there("valgrind") {
        return Err("a profile needs valgrind".into());
    }
    let server = Server::start(Manner::default())?;
    let file = PathBuf::from(format!("callgrind.{way}.out"));
    let scheme = if tls { "https" } else { "http" };
    let requests = PROFILED.to_string();
    let mut command = callgrind(&file);
    command.args(["--toggle-collect=*client::measured*", "--dump-instr=no"]);
    command.arg(env::current_exe()?).args(["client", &way.to_string(), scheme, &requests]);
    run(server.at(), &mut command)?;
    let each = instructions(&file)? as f64 / PROFILED as f64;
    println!(
        "{way}, {scheme}: {each:.0} instructions per request, of {PROFILED}, in {}",
        file.display()
    );
    for (title, inclusive) in [("by themselves", "no"), ("with all they call", "yes")] {
        let inclusive = format!("--inclusive={inclusive}");
        let output = Command::new("callgrind_annotate").arg(inclusive).arg(&file).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let lines = text.lines().skip_while(|line| !line.contains("file:function"));
        println!("\nper request, functions {title}:");
        for line in lines.skip(2).take_while(|line| !line.is_empty()).take(60) {
            println!("{}", of_one(line));
        }
    }
    let mut callers = Command::new("callgrind_annotate");
    callers.args(["--tree=caller", "--threshold=100"]).arg(&file);
    let text = String::from_utf8_lossy(&callers.output()?.stdout).into_owned();
    println!("\nper request, who copies and clears memory:");
    for function in text.split("\n\n") {
        let copies = |line: &str| line.contains(" * ") && line.contains("multiarch/mem");
        if function.lines().any(copies) {
            let callers = function.lines().filter(|line| line.contains(" < ") || copies(line));
            callers.for_each(|line| println!("{}", of_one(line)));
        }
    }
    println!("\nmore: callgrind_annotate --auto=yes {0}; kcachegrind {0}", file.display());
    Ok(())
}

/// Divides the count that a line of a profile begins with, and leaves out what it ends with.
fn of_one(line: &str) -> String {
    let (count, rest) = line.trim().split_once(' ').unwrap_or((line, ""));
    let count = count.replace(',', "").parse::<f64>().unwrap_or_default();
    let name = rest.trim_start_matches(|c| "( .%)0123456789".contains(c));
    let name = name.rsplit_once(" [/").map_or(name, |(name, _)| name);
    let name = name.rsplit_once("/registry/src/").map_or(name, |(_, name)| name);
    format!("{:>9.1}  {name}", count / PROFILED as f64)
}

fn callgrind(file: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command.args(["-q", "--tool=callgrind"]);
    command.arg(format!("--callgrind-out-file={}", file.display()));
    command
}

fn run(at: &At, command: &mut Command) -> Result<String, Box<dyn Error>> {
    let command = command.env(AT, serde_json::to_string(at)?).stderr(Stdio::piped());
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn instructions(file: &Path) -> Result<u64, Box<dyn Error>> {
    let text = fs::read_to_string(file)?;
    let total = text.lines().rev().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or("callgrind wrote no totals")?.trim().parse()?)
}

fn system_calls(file: &Path) -> Result<BTreeMap<String, i64>, Box<dyn Error>> {
    let text = fs::read_to_string(file)?;
    let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    // share, seconds, microseconds per call, calls, errors if there were any, name
    let rows = rows.filter_map(|row| {
        let (name, calls) = (*row.last()?, row.get(3)?.parse().ok()?);
        (name != "total").then(|| (name.to_owned(), calls))
    });
    Ok(rows.collect())
}

/// Tells whether a tool can be started, and says so once if it cannot.
fn is_there(tool: &str) -> bool {
    let version = Command::new(tool).arg("--version").stdout(Stdio::null()).status();
    let is_there = version.is_ok_and(|status| status.success());
    if !is_there {
        eprintln!("{tool} is not installed: what it would count is left out");
    }
    is_there
}

/// A folder for what the tools write, gone in the end.
struct Kept(PathBuf);

impl Kept {
    fn new() -> Result<Self, Box<dyn Error>> {
        let folder = env::temp_dir().join(format!("welkin-counts-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // What cannot be removed is left to the system.
        let _ = fs::remove_dir_all(&self.0);
    }
}

const PROFILED: usize = 500;
