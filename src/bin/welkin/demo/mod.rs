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

use std::process::{ExitCode, exit};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use parking_lot::Mutex;
use tokio::runtime::{self, Runtime};
use welkin::{Cancel, Compute};

use crate::complaint::Complaint;
use cloud::Cloud;
use order::Order;
use progress::Progress;
use report::{Figures, Report};
use tally::Tally;
use work::{Drivers, Run};

/// Create, read, list and destroy nodes from many threads and tasks, with one driver and with many
///
/// N plain threads and N tokio tasks work at once: they create nodes, wait until they run, read
/// each back, list and destroy them. First all of them share one driver, then each opens its own;
/// both are printed side by side.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// How many nodes each of the two runs creates, and destroys
    #[arg(long, value_name = "N", default_value_t = 128)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    nodes: u32,

    /// How many threads, and as many tasks, work at once
    #[arg(long, value_name = "N", default_value_t = 64)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    threads: u32,

    /// Run on a real cloud instead of the sim: `openstack` (OS_* variables) or `openstack:NAME`
    /// (clouds.yaml)
    #[arg(long, value_name = "PROVIDER[:NAME]")]
    cloud: Option<String>,

    /// Network of the nodes, by name or id, where the cloud cannot choose one
    #[arg(long, value_name = "NAME")]
    network: Option<String>,

    /// Size of the nodes, by name or id; by default the one with the least memory
    #[arg(long, value_name = "NAME")]
    size: Option<String>,

    /// Image of the nodes, by name or id; by default the first active one by name
    #[arg(long, value_name = "NAME")]
    image: Option<String>,

    /// Serve the sim over HTTPS
    #[arg(long, conflicts_with = "cloud")]
    tls: bool,

    /// What to print at the end
    #[arg(long, value_name = "FORM", value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    /// A table for people
    Table,
    /// One JSON object, as the last line
    Json,
}

const EXAMPLES: &str = "\
Examples:
  welkin demo                                          on the sim, which it starts itself
  welkin demo --nodes 8 --threads 4 --output json      smaller, and for programs
  welkin demo --cloud openstack --nodes 8 --threads 4  on the cloud that OS_* leads to
  welkin demo --cloud openstack:mycloud --network private --size m1.tiny --nodes 8 --threads 4

Exit status: 0 if all went well, 1 if an operation failed or an answer was wrong, 2 for wrong usage,
130 after Ctrl-C. Whatever was created is destroyed, also after Ctrl-C.";

pub(crate) fn run(args: &Args) -> Result<ExitCode, Complaint> {
    let mut demo = Demo::prepare(args)?;
    demo.headline();
    let shared = Drivers::Shared(demo.cloud.account.open()?);
    let shared = demo.carry_out("one shared driver", "s", shared)?;
    let each = Drivers::OneEach(demo.cloud.account.clone());
    let per_thread = match demo.stop.is_canceled() {
        false => demo.carry_out("one driver per worker", "w", each)?,
        true => return Ok(ExitCode::from(INTERRUPTED)),
    };
    if demo.stop.is_canceled() {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let report = Report { shared, per_thread };
    match args.output {
        Output::Table => report.print_table(demo.cloud.counted_by()),
        Output::Json => report.print_json(),
    }
    .map_err(|e| Complaint::because("the result cannot be printed", &e))?;
    Ok(match report.is_clean() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// What both runs need.
struct Demo<'a> {
    args: &'a Args,
    cloud: Cloud,
    /// Looks up and cleans up, outside of what is counted.
    keeper: Compute,
    order: Order,
    /// Says that Ctrl-C was pressed.
    stop: Cancel,
    /// For the tasks; the threads have none.
    runtime: Runtime,
    /// Makes the names of this demo unique in the account.
    id: u32,
}

impl<'a> Demo<'a> {
    fn prepare(args: &'a Args) -> Result<Self, Complaint> {
        let cloud = match &args.cloud {
            None => Cloud::sim(args.nodes as usize, args.tls)?,
            Some(selector) => Cloud::real(selector),
        };
        let driver = cloud.account.open()?;
        let order = Order::choose(&driver, args)?;
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|e| Complaint::because("the tasks' runtime cannot be started", &e))?;
        let stop = Cancel::new();
        runtime.spawn(heed_ctrl_c(stop.clone()));
        Ok(Self {
            args,
            cloud,
            keeper: driver.compute()?,
            order,
            stop,
            runtime,
            id: fastrand::u32(..),
        })
    }

    fn headline(&self) {
        let Args { nodes, threads, .. } = self.args;
        let cloud = self.args.cloud.as_deref().unwrap_or("the sim");
        eprintln!(
            "{threads} threads and {threads} tasks create {nodes} nodes on {cloud}, wait until they \
             run, read, list\nand destroy them ({}).",
            self.order
        );
    }

    /// Does the work once, and measures it.
    fn carry_out(
        &mut self,
        title: &'static str,
        mark: &str,
        drivers: Drivers,
    ) -> Result<Figures, Complaint> {
        let (nodes, threads) = (self.args.nodes as usize, self.args.threads as usize);
        let run = Arc::new(Run {
            drivers,
            order: self.order.clone(),
            prefix: format!("welkin-demo-{:08x}-{mark}-", self.id),
            threads,
            nodes,
            stop: self.stop.clone(),
            tally: Tally::new(&self.stop),
            progress: Progress::start(title, nodes, 2 * threads),
            created: Mutex::default(),
            destroyed: Mutex::default(),
        });

        self.cloud.reset()?;
        let (began, cpu_before) = (Instant::now(), cpu_time());
        crew::work(&run, &self.runtime);
        let (wall, cpu_after) = (began.elapsed(), cpu_time());
        if let Drivers::Shared(driver) = &run.drivers {
            run.tally.count(driver);
        }
        let counts = self.cloud.counts(&run.tally)?;

        run.progress.finish();
        run.tally.print(title);
        sweep::sweep(&run, &self.keeper)?;

        let cpu = cpu_after
            .zip(cpu_before)
            .map(|(after, before)| after.saturating_sub(before));
        Ok(Figures {
            threads,
            tasks: threads,
            nodes,
            requests: counts.requests,
            logins: counts.logins,
            connections: counts.connections,
            failed: run.tally.failed(),
            wrong: run.tally.wrongs(),
            wall_ms: wall.as_millis() as u64,
            cpu_us_per_request: cpu.map(|cpu| per_request(cpu, counts.requests)),
        })
    }
}

/// On the first Ctrl-C nothing new is begun and all is destroyed; the second one ends at once.
async fn heed_ctrl_c(stop: Cancel) {
    // Where it cannot be listened to, it ends the process as it always does.
    if tokio::signal::ctrl_c().await.is_err() {
        return;
    }
    eprintln!("\nDestroying what was created; Ctrl-C again leaves it and ends now.");
    stop.cancel();
    if tokio::signal::ctrl_c().await.is_ok() {
        exit(INTERRUPTED.into());
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

/// In microseconds, to one decimal.
fn per_request(cpu: Duration, requests: u64) -> f64 {
    let each = cpu.as_secs_f64() * 1e6 / requests.max(1) as f64;
    (each * 10.0).round() / 10.0
}

const INTERRUPTED: u8 = 130;
