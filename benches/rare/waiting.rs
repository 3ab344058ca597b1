//! A thousand who wait for a node each, against a request for each of them at the same ticks.

use std::error::Error;
use std::time::Duration;

use serde_json::json;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use welkin::sim::Sim;
use welkin::{Compute, Driver, NewNode, NodeState};

use crate::support::args::Args;
use crate::support::table::{Table, met};

pub(crate) fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let (count, boot) = (args.pick(1000, 100), Duration::from_secs(args.pick(20, 3) as u64));
    let mut table = Table::new(
        "waiting: nodes that boot, a task waits for each",
        &["who asks", "nodes", "boot s", "requests", "connections", "to own", "met"],
    );
    let mut own = None;
    for who in ["own", "shared"] {
        let no = Duration::ZERO;
        let sim = Sim::builder().login_delay(no).read_delay(no).create_delay(no).quota(count);
        let sim = sim.boot_time(boot).start()?;
        let compute = Driver::open(sim.config())?.compute()?;
        let image = compute.find_image("tiny").wait()?;
        let orders: Vec<_> =
            (0..count).map(|i| NewNode::named(format!("n{i}")).size("1").image(&image)).collect();
        let ids: Vec<_> = compute.create_nodes(&orders).wait().into_iter().flatten().collect();
        assert_eq!(ids.len(), count, "all are made");
        sim.reset_stats();
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for node in ids {
                let compute = compute.clone();
                tasks.spawn(async move {
                    match who {
                        "own" => ask(&compute, &node.id).await,
                        _ => compute.wait_until_running(&node).await.map(|_| ()),
                    }
                });
            }
            tasks.join_all().await.into_iter().collect::<Result<(), _>>()
        })?;
        let stats = sim.stats();
        let ratio = own.map(|own: u64| stats.requests as f64 / own as f64);
        table.row([
            who.into(),
            count.into(),
            boot.as_secs().into(),
            stats.requests.into(),
            stats.peak_open_connections.into(),
            json!(ratio),
            json!(ratio.map(|ratio| met(ratio <= 0.01))),
        ]);
        own = Some(stats.requests);
    }
    table.print(args)
}

/// Asks for one node as often as the driver looks.
async fn ask(compute: &Compute, id: &str) -> welkin::Result<()> {
    let mut pause = Duration::from_millis(200);
    while compute.get_node(id).await?.state != NodeState::Running {
        tokio::time::sleep(pause).await;
        pause = (pause * 5 / 4).min(Duration::from_secs(5));
    }
    Ok(())
}
