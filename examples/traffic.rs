//! Steady traffic on one shared driver: `traffic THREADS SECONDS`, the cloud from `OS_*`.
//!
//! Prints how many calls were made, how many failed and how often the driver logged in. Run it with
//! a token lifetime of seconds, restart the cloud meanwhile, or put a bad network in between.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use welkin::{Driver, Result, openstack};

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1).map(|word| word.parse::<u64>());
    let (Some(Ok(threads)), Some(Ok(seconds))) = (words.next(), words.next()) else {
        eprintln!("usage: traffic THREADS SECONDS");
        std::process::exit(2);
    };
    let driver = Driver::open(openstack::Config::from_env()?)?;
    let compute = driver.compute()?;
    let (calls, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let end = Instant::now() + Duration::from_secs(seconds);
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                while Instant::now() < end {
                    calls.fetch_add(1, Ordering::Relaxed);
                    let listed = compute
                        .list_sizes()
                        .wait()
                        .map(drop)
                        .and_then(|()| compute.list_nodes().wait().map(drop));
                    if let Err(e) = listed {
                        failed.fetch_add(1, Ordering::Relaxed);
                        eprintln!("{e}");
                    }
                }
            });
        }
    });
    println!("{calls:?} rounds, {failed:?} failed, {:?}", driver.stats());
    Ok(())
}
