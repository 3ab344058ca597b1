//! Valgrind and strace around the process that is measured.
//!
//! Each runs twice, the second time with twice the requests: the difference is the requests alone.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::measured::AT;
use super::server::At;

/// What one request costs; `None` where the tool is missing or says nothing.
pub(crate) struct Cost {
    pub(crate) instructions: Option<f64>,
    pub(crate) allocations: f64,
    pub(crate) bytes: f64,
    pub(crate) calls: Option<f64>,
    /// The system calls by name.
    pub(crate) which: String,
}

/// Measures this binary when it is started with these words and a number of times behind them.
pub(crate) fn cost(at: &At, words: &[&str], times: usize) -> Result<Cost, Box<dyn Error>> {
    cost_of(&env::current_exe()?, at, words, times)
}

/// Measures another one.
pub(crate) fn cost_of(
    own: &Path,
    at: &At,
    words: &[&str],
    times: usize,
) -> Result<Cost, Box<dyn Error>> {
    let with = |times: usize| words.iter().map(|w| (*w).to_owned()).chain([times.to_string()]);
    let kept = Kept::new()?;

    let plain = run(at, Command::new(own).args(with(16 * times)))?;
    let [allocations, bytes]: [f64; 2] = serde_json::from_str(&plain)?;
    let mut cost = Cost {
        instructions: None,
        allocations: allocations / (16 * times) as f64,
        bytes: bytes / (16 * times) as f64,
        calls: None,
        which: String::new(),
    };
    if is_there("valgrind") {
        let count = |times| {
            let file = kept.path("callgrind", times);
            run(at, callgrind(&file).arg(own).args(with(times)))?;
            instructions(&file)
        };
        let (once, twice): (u64, u64) = (count(times)?, count(2 * times)?);
        cost.instructions = Some((twice as f64 - once as f64) / times as f64);
    }
    if is_there("strace") {
        let count = |times| {
            let file = kept.path("strace", times);
            let mut strace = Command::new("strace");
            strace.args(["-f", "-c", "-o"]).arg(&file).arg(own).args(with(times));
            run(at, &mut strace)?;
            system_calls(&file)
        };
        let (once, mut twice): (BTreeMap<_, _>, BTreeMap<_, _>) =
            (count(2 * times)?, count(4 * times)?);
        for (name, calls) in once {
            *twice.entry(name).or_default() -= calls;
        }
        let each = |calls: i64| calls as f64 / (2 * times) as f64;
        cost.calls = Some(each(twice.values().sum()));
        let named = twice.iter().filter(|(_, calls)| each(**calls) >= 0.005);
        let named = named.map(|(name, calls)| format!("{name} {:.2}", each(*calls)));
        cost.which = named.collect::<Vec<_>>().join(", ");
    }
    Ok(cost)
}

/// Prints which functions the instructions are spent in, of this binary started with these words.
pub(crate) fn profile(at: &At, words: &[&str]) -> Result<(), Box<dyn Error>> {
    if !is_there("valgrind") {
        return Err("a profile needs valgrind".into());
    }
    let what = words.join("-");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("callgrind.{what}.out"));
    let mut command = callgrind(&file);
    command.arg("--toggle-collect=*measured::measured*");
    command.arg(env::current_exe()?).args(words).arg(PROFILED.to_string());
    run(at, &mut command)?;
    let each = instructions(&file)? as f64 / PROFILED as f64;
    let shown = file.display();
    println!("{what}: {each:.0} instructions each time, of {PROFILED}, in {shown}");
    for (title, inclusive) in [("by themselves", "no"), ("with all they call", "yes")] {
        let inclusive = format!("--inclusive={inclusive}");
        let output = Command::new("callgrind_annotate").arg(inclusive).arg(&file).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let lines = text.lines().skip_while(|line| !line.contains("file:function"));
        println!("\neach time, functions {title}:");
        for line in lines.skip(2).take_while(|line| !line.is_empty()).take(60) {
            println!("{}", of_one(line));
        }
    }
    let mut callers = Command::new("callgrind_annotate");
    callers.args(["--tree=caller", "--threshold=100"]).arg(&file);
    let text = String::from_utf8_lossy(&callers.output()?.stdout).into_owned();
    println!("\neach time, who copies and clears memory:");
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
        let folder = env::temp_dir().join(format!("welkin-bench-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    fn path(&self, tool: &str, times: usize) -> PathBuf {
        self.0.join(format!("{tool}.{times}"))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // What cannot be removed is left to the system.
        let _ = fs::remove_dir_all(&self.0);
    }
}

const PROFILED: usize = 500;
