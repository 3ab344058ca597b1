//! `welkin demo`: the same work with one shared driver and with one driver per worker.

mod child;
mod cloud;
mod crew;
mod gate;
mod order;
mod progress;
mod report;
mod sweep;
mod tally;
mod work;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::{self, Runtime};
use welkin::{Cancel, Settings};

use crate::cloud::SIM;
use crate::complaint::{Complaint, tell};
use crate::interrupt::{self, INTERRUPTED};
use crate::print::Output;
use cloud::Cloud;
use order::Order;
use progress::Progress;
use report::{Figures, Report, plural};
use tally::Tally;
use work::{Drivers, Run};

/// Create, read, list and destroy nodes from many threads and tasks, with one driver and with many
///
/// N plain threads and N tokio tasks work at once: they create nodes, wait until they run, read
/// each back, list and destroy them. First all of them share one driver, then each opens its own;
/// both are printed side by side.
#[derive(clap::Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// How many nodes each of the two runs creates, and destroys
    #[arg(long, value_name = "N", default_value_t = 128)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    nodes: u32,

    /// How many threads, and as many tasks, work at once
    #[arg(long, value_name = "N", default_value_t = 64)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    threads: u32,

    /// Network of the nodes, by name or id, where the cloud cannot choose one
    #[arg(long, value_name = "NAME")]
    network: Option<String>,

    /// Size of the nodes, by name or id; by default the one with the least memory
    #[arg(long, value_name = "NAME")]
    size: Option<String>,

    /// Image of the nodes, by name or id; by default the first active one by name
    #[arg(long, value_name = "NAME")]
    image: Option<String>,

    /// How many connections a driver may have to one host; by default the library's 64
    #[arg(long, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: Option<u32>,

    /// Serve the sim over HTTPS
    #[arg(long)]
    tls: bool,
}

const EXAMPLES: &str = "\
Examples:
  welkin demo                                          on the sim, which it starts itself
  welkin demo --nodes 8 --threads 4 --output json      smaller, and for programs
  welkin demo --cloud openstack --nodes 8 --threads 4  on the cloud that OS_* leads to
  welkin demo --cloud openstack:mycloud --network private --size m1.tiny --nodes 8 --threads 4

Without --cloud, and with --cloud sim, it runs on a sim of its own. JSON is one object, as the last
line of stdout.
Exit status: 0 if all went well, 1 if an operation failed or an answer was wrong, 2 for wrong usage,
130 after Ctrl-C. Whatever was created is destroyed, also after Ctrl-C.";

pub(crate) fn run(
    args: &Args,
    selector: Option<&str>,
    output: Output,
) -> Result<ExitCode, Complaint> {
    let selector = selector.filter(|selector| *selector != SIM);
    if selector.is_some() && args.tls {
        return Err(Complaint::usage(
            "--tls is for the sim; a real cloud says itself how it is reached",
        ));
    }
    let mut demo = Demo::prepare(args, selector)?;
    let Some(shared) = demo.carry_out(Sharing::One)? else {
        return Ok(interrupted());
    };
    let Some(per_thread) = demo.carry_out(Sharing::OneEach)? else {
        return Ok(interrupted());
    };

    let report = Report { shared, per_thread };
    match output {
        Output::Table => report.print_table(demo.cloud.counted_by()),
        Output::Json => report.print_json(),
    }
    .map_err(|e| Complaint::because("the result cannot be printed", &e))?;
    Ok(match report.is_clean() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn interrupted() -> ExitCode {
    tell("Interrupted. All that was created is destroyed.");
    ExitCode::from(INTERRUPTED)
}

/// In what the two runs differ.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    One,
    OneEach,
}

/// What both runs need.
struct Demo<'a> {
    args: &'a Args,
    /// What a real cloud is called.
    selector: Option<&'a str>,
    cloud: Cloud,
    /// Says that Ctrl-C was pressed.
    stop: Cancel,
    /// For the tasks; the threads have none.
    runtime: Runtime,
    /// Makes the names of this demo unique in the account.
    id: u32,
}

impl<'a> Demo<'a> {
    fn prepare(args: &'a Args, selector: Option<&'a str>) -> Result<Self, Complaint> {
        let cloud = match selector {
            None => Cloud::sim(args.nodes as usize, args.tls)?,
            Some(selector) => Cloud::real(selector),
        };
        let runtime =
            runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .map_err(|e| Complaint::because("the tasks' runtime cannot be started", &e))?;
        let what_now = "Destroying what was created; Ctrl-C again leaves it and ends now.";
        let stop = runtime.block_on(interrupt::listen(what_now));
        Ok(Self { args, selector, cloud, stop, runtime, id: fastrand::u32(..) })
    }

    fn headline(&self, order: &Order) {
        let Args { nodes, threads, .. } = self.args;
        let cloud = self.selector.unwrap_or("the sim");
        tell(&format!(
            "{} and {} create {} on {cloud}, wait until they run, read, list\nand destroy them ({}).",
            plural(threads, "thread"),
            plural(threads, "task"),
            plural(nodes, "node"),
            order
        ));
    }

    /// Does the work once, and measures it; gives nothing after Ctrl-C.
    ///
    /// The first driver also finds out what nodes are made of, and cleans up after all is counted:
    /// no login and no connection is left out.
    fn carry_out(&mut self, sharing: Sharing) -> Result<Option<Figures>, Complaint> {
        let (title, mark) = match sharing {
            Sharing::One => ("one shared driver", "s"),
            Sharing::OneEach => ("one driver per worker", "w"),
        };
        let (nodes, threads) = (self.args.nodes as usize, self.args.threads as usize);
        let settings = match self.args.connections {
            Some(cap) => Settings::new().connections_per_host(cap as usize),
            None => Settings::new(),
        };
        self.cloud.reset()?;
        let (began, cpu_before) = (Instant::now(), cpu_time());
        let first = self.cloud.account.open(settings.clone())?;
        let order = Order::choose(&first, self.args)?;
        if sharing == Sharing::One {
            self.headline(&order);
        }
        let run = Arc::new(Run {
            drivers: match sharing {
                Sharing::One => Drivers::Shared(first.clone()),
                Sharing::OneEach => {
                    let account = self.cloud.account.clone();
                    Drivers::OneEach(Mutex::new(Some(first.clone())), account, settings)
                }
            },
            order,
            prefix: format!("welkin-demo-{:08x}-{mark}-", self.id),
            threads,
            nodes,
            stop: self.stop.clone(),
            tally: Tally::new(&self.stop),
            progress: Progress::start(title, nodes, 2 * threads),
            created: Mutex::default(),
            destroyed: Mutex::default(),
        });

        crew::work(&run, &self.runtime);
        let (wall, cpu_after) = (began.elapsed(), cpu_time());
        if sharing == Sharing::One {
            run.tally.count(&first);
        }
        let counts = self.cloud.counts(&run.tally)?;

        run.progress.finish();
        run.tally.print(title);
        sweep::sweep(&run, &first.compute()?)?;
        if self.stop.is_canceled() {
            return Ok(None);
        }

        let cpu = cpu_after.zip(cpu_before).map(|(after, before)| after.saturating_sub(before));
        Ok(Some(Figures {
            threads,
            tasks: threads,
            nodes,
            requests: counts.requests,
            logins: counts.logins,
            connections: counts.connections,
            failed: run.tally.failed(),
            wrong: run.tally.wrongs(),
            wall_ms: wall.as_millis() as u64,
            cpu_ms: cpu.map(|cpu| cpu.as_millis() as u64),
        }))
    }
}

/// The CPU time that all threads of this process have used, those that ended among them.
#[cfg(unix)]
fn cpu_time() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).ok()
}

#[cfg(not(unix))]
fn cpu_time() -> Option<Duration> {
    None
}
