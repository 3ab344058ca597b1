//! The process that is measured: it does one thing so many times.

use std::error::Error;
use std::hint::black_box;

use super::allocations;
use super::server::At;

/// Does the thing so many times and says what that allocated.
pub(crate) fn run(times: &str, mut ask: impl FnMut(usize)) -> Result<(), Box<dyn Error>> {
    let times = times.parse()?;
    ask(WARM);
    let before = allocations::so_far();
    measured(&mut ask, times);
    let after = allocations::so_far();
    println!("{}", serde_json::json!([after.0 - before.0, after.1 - before.1]));
    Ok(())
}

/// Reads where the server is, which whoever started this process knows.
pub(crate) fn at() -> Result<At, Box<dyn Error>> {
    Ok(serde_json::from_str(&std::env::var(AT)?)?)
}

/// A profile collects in here alone.
#[inline(never)]
fn measured(ask: &mut dyn FnMut(usize), times: usize) {
    black_box(ask)(black_box(times));
}

/// Prints where the thing allocates when it is warm.
pub(crate) fn sites(mut ask: impl FnMut(usize)) {
    ask(WARM);
    // Two batches: what the second one has more is the thing alone.
    let mut traces = |times| {
        allocations::trace(true);
        ask(times);
        allocations::trace(false);
        allocations::traces().iter().map(|(size, t)| (*size, frames(&t.to_string()))).collect()
    };
    let few: Vec<(usize, String)> = traces(FEW);
    let mut more: Vec<(usize, String)> = traces(2 * FEW);
    for known in few {
        if let Some(at) = more.iter().position(|one| *one == known) {
            more.swap_remove(at);
        }
    }
    more.sort_by(|a, b| a.1.cmp(&b.1).then(a.0.cmp(&b.0)));
    println!("{:.2} allocations each time", more.len() as f64 / FEW as f64);
    for group in more.chunk_by(|a, b| a == b) {
        let (size, frames) = &group[0];
        println!("\n{:.2} x {size} bytes\n{frames}", group.len() as f64 / FEW as f64);
    }
}

/// Returns the lines of a stack that say something, innermost first.
fn frames(trace: &str) -> String {
    // Lines come as "12: name" and "at place"; inlined functions have a name without a number.
    let lines: Vec<_> = trace.lines().map(str::trim).collect();
    let told = lines.chunk_by(|_, next| next.starts_with("at ")).filter_map(|frame| {
        let name = frame[0].split_once(": ").map_or(frame[0], |(_, name)| name);
        let place = frame.get(1).map_or("", |at| at.trim_start_matches("at "));
        // The standard library's own and this bench's are in each of them.
        let is_dull = place.starts_with("/rustc/") || place.contains("/benches/");
        let place = place.rsplit_once("/registry/src/").map_or(place, |(_, place)| place);
        let place = place.split_once('/').map_or(place, |(_, place)| place);
        (!is_dull && !place.is_empty()).then(|| format!("    {name}  {place}"))
    });
    told.take(8).collect::<Vec<_>>().join("\n")
}

pub(crate) const AT: &str = "WELKIN_BENCH_AT";
const WARM: usize = 320;
const FEW: usize = 16;
