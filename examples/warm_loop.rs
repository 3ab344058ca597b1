//! One login, then many calls on one shared driver:
//! `warm_loop wait|tokio|smol AUTH_URL WORKERS REQUESTS`, the rest of the cloud from `OS_*`.
//!
//! Lists the nodes REQUESTS times in all, from WORKERS plain threads or tasks, and prints one line of
//! JSON. What a call costs the system shows without trusting it: `strace -f -c`, `perf stat`.

use std::env::{self, VarError};
use std::error::Error;
use std::time::{Duration, Instant};
use std::{fs, thread};

use welkin::{Compute, Driver, Result, openstack};

fn main() {
    if let Err(wrong) = run() {
        eprintln!("warm_loop: {wrong}");
        std::process::exit(2);
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let words: Vec<_> = env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let usage = "usage: warm_loop wait|tokio|smol AUTH_URL WORKERS REQUESTS";
    let &[mode, auth_url, workers, requests] = &words[..] else {
        return Err(usage.into());
    };
    let (Ok(workers @ 1..=10_000), Ok(requests)) = (workers.parse::<usize>(), requests.parse())
    else {
        return Err("WORKERS must be a number from 1 to 10000, and REQUESTS a number".into());
    };
    let work = match mode {
        "wait" => on_threads,
        "tokio" => in_tokio,
        "smol" => in_smol,
        _ => return Err(format!("no way to run named {mode:?}; {usage}").into()),
    };

    let driver = Driver::open(cloud(auth_url)?)?;
    let compute = driver.compute()?;
    compute.list_nodes().wait()?;
    let (cpu, began) = (cpu_time(), Instant::now());
    let mut times = work(&compute, &shares(requests, workers))?;
    let (cpu, wall) = (cpu_time() - cpu, began.elapsed());

    times.sort_unstable();
    let micros = |d: Duration| d.as_nanos() as f64 / 1e3;
    let part = |p: usize| times.get(times.len() * p / 100).map_or(0.0, |d| micros(*d));
    let stats = driver.stats();
    let line = serde_json::json!({
        "requests": requests,
        "wall_ms": wall.as_millis(),
        "cpu_us_per_request": micros(cpu) / requests.max(1) as f64,
        "p50_us": part(50),
        "p99_us": part(99),
        "connections": stats.connections_opened,
        "logins": stats.logins,
    });
    println!("{line}");
    Ok(())
}

fn on_threads(compute: &Compute, shares: &[usize]) -> Result<Vec<Duration>> {
    thread::scope(|s| {
        let threads: Vec<_> = shares
            .iter()
            .map(|&share| {
                s.spawn(move || {
                    let one = |_| {
                        let began = Instant::now();
                        compute.list_nodes().wait().map(|_| began.elapsed())
                    };
                    (0..share).map(one).collect::<Result<Vec<_>>>()
                })
            })
            .collect();
        let results = threads.into_iter().map(|t| t.join().expect("a thread that ends"));
        results.collect::<Result<Vec<_>>>().map(|times| times.concat())
    })
}

fn in_tokio(compute: &Compute, shares: &[usize]) -> Result<Vec<Duration>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let start = |&share| tokio::spawn(in_task(compute.clone(), share));
        let mut times = Vec::new();
        for task in shares.iter().map(start).collect::<Vec<_>>() {
            times.extend(task.await.expect("a task that ends")?);
        }
        Ok(times)
    })
}

fn in_smol(compute: &Compute, shares: &[usize]) -> Result<Vec<Duration>> {
    smol::block_on(async {
        let start = |&share| smol::spawn(in_task(compute.clone(), share));
        let mut times = Vec::new();
        for task in shares.iter().map(start).collect::<Vec<_>>() {
            times.extend(task.await?);
        }
        Ok(times)
    })
}

async fn in_task(compute: Compute, share: usize) -> Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(share);
    for _ in 0..share {
        let began = Instant::now();
        compute.list_nodes().await?;
        times.push(began.elapsed());
    }
    Ok(times)
}

/// Divides the requests among the workers.
fn shares(requests: usize, workers: usize) -> Vec<usize> {
    (0..workers).map(|i| requests / workers + usize::from(i < requests % workers)).collect()
}

fn cloud(auth_url: &str) -> Result<openstack::Config, Box<dyn Error>> {
    let must = |name: &str| env::var(name).map_err(|e: VarError| format!("{name}: {e}"));
    let may = |name: &str| env::var(name).ok().filter(|text| !text.is_empty());
    let mut config =
        openstack::Config::password(auth_url, must("OS_USERNAME")?, must("OS_PASSWORD")?)
            .project(must("OS_PROJECT_NAME")?);
    if let Some(domain) = may("OS_USER_DOMAIN_NAME") {
        config = config.user_domain(domain);
    }
    if let Some(domain) = may("OS_PROJECT_DOMAIN_NAME") {
        config = config.project_domain(domain);
    }
    if let Some(region) = may("OS_REGION_NAME") {
        config = config.region(region);
    }
    if let Some(path) = may("OS_CACERT") {
        config = config.ca_pem(fs::read(&path).map_err(|e| format!("OS_CACERT={path}: {e}"))?);
    }
    Ok(config)
}

/// What all threads of this process have used, their own time and the system's for them.
#[cfg(unix)]
fn cpu_time() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec as u64, used.tv_nsec as u32)
}

#[cfg(not(unix))]
fn cpu_time() -> Duration {
    Duration::ZERO
}
