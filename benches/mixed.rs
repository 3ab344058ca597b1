//! Plain threads and tasks at once on one driver with few connections, which move between them.

mod support;

use std::error::Error;
use std::sync::Arc;

use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use welkin::{Driver, Settings};

use self::support::args::Args;
use self::support::crew::Crew;
use self::support::ready::{driver, thing};
use self::support::rounds::{Quartiles, cpu, median, rounds, spend};
use self::support::server::{At, Manner, Server, serve_if_asked};
use self::support::table::Table;

const CAP: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    serve_if_asked()?;
    let args = Args::read();
    let server = Server::start(Manner::default())?;
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let runtime = Arc::new(runtime);
    let half = Side::new(server.at(), &runtime, 64, 64)?;
    let threads = Side::new(server.at(), &runtime, 128, 0)?;
    let tasks = Side::new(server.at(), &runtime, 0, 128)?;
    let each = args.pick(100, 4);
    let requests = each * 128;
    let turn = |side: &Side| {
        side.work(2);
        spend(requests, || side.work(each))
    };
    let spent = rounds(
        args.pick(15, 2),
        &mut [&mut || turn(&half), &mut || turn(&threads), &mut || turn(&tasks)],
    );
    let to_threads = Quartiles::ratio(&spent[0], &spent[1], cpu);
    let to_tasks = Quartiles::ratio(&spent[0], &spent[2], cpu);
    let mut table = Table::new(
        "mixed: 64 threads and 64 tasks on 16 connections, CPU per warm GET of 1 KiB",
        &["who", "µs", "mixed to it", "sockets", "moved per 1000 requests", "met"],
    );
    for (name, side, spent, ratio) in [
        ("mixed", &half, &spent[0], None),
        ("128 threads", &threads, &spent[1], Some(to_threads)),
        ("128 tasks", &tasks, &spent[2], Some(to_tasks)),
    ] {
        let stats = side.driver.stats();
        table.row([
            name.into(),
            json!(median(spent, cpu)),
            json!(ratio.map(|ratio| ratio.shown())),
            stats.connections_opened.into(),
            json!(stats.connections_moved as f64 * 1e3 / stats.requests as f64),
            json!(ratio.map(|ratio| if ratio.median() <= 1.10 { "yes" } else { "no" })),
        ]);
    }
    table.print(&args)
}

/// Threads and tasks that share a driver.
struct Side {
    driver: Driver,
    crew: Option<Crew>,
    runtime: Arc<Runtime>,
    tasks: usize,
}

impl Side {
    fn new(
        at: &At,
        runtime: &Arc<Runtime>,
        threads: usize,
        tasks: usize,
    ) -> Result<Self, Box<dyn Error>> {
        let driver = driver(at, false, Settings::new().connections_per_host(CAP))?;
        let handle = driver.clone();
        let crew = (threads > 0).then(|| {
            Crew::start(threads, move || {
                let handle = handle.clone();
                move |each| {
                    for _ in 0..each {
                        thing(&handle).wait().expect("an answer");
                    }
                }
            })
        });
        Ok(Self { driver, crew, runtime: Arc::clone(runtime), tasks })
    }

    fn work(&self, each: usize) {
        let mut running = JoinSet::new();
        for _ in 0..self.tasks {
            let driver = self.driver.clone();
            let task = async move {
                for _ in 0..each {
                    thing(&driver).await.expect("an answer");
                }
            };
            running.spawn_on(task, self.runtime.handle());
        }
        if let Some(crew) = &self.crew {
            crew.work(each);
        }
        self.runtime.block_on(running.join_all());
    }
}
