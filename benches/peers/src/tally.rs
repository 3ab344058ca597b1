//! What is ordered, and what came of it.

use std::str::FromStr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::failure::Failure;

/// What a crew shall do, all at once.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    /// Each asks so many times.
    Each(usize),
    /// All together ask so many times.
    Share(usize),
    /// Each asks until this time is over.
    For(Duration),
}

/// What an order took of this process.
pub(crate) struct Spent {
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
}

/// What one of the crew has to do, and has done.
pub(crate) struct Tally {
    left: Left,
    calls: usize,
    failed: usize,
    error: Option<Failure>,
    calls_seen: Vec<Call>,
}

enum Left {
    Calls(usize),
    Time { begin: Instant, end: Instant, now: Instant },
}

/// When a call ended, from the begin of all, and how long it took; in microseconds.
struct Call {
    ended: u32,
    took: u32,
}

impl Order {
    /// Gives each of so many its part.
    pub(crate) fn parts(self, crowd: usize) -> impl Iterator<Item = Tally> {
        let begin = Instant::now();
        (0..crowd).map(move |one| {
            Tally::new(match self {
                Self::Each(calls) => Left::Calls(calls),
                Self::Share(calls) => Left::Calls(calls / crowd + usize::from(one < calls % crowd)),
                Self::For(time) => Left::Time { begin, end: begin + time, now: begin },
            })
        })
    }

    /// Puts together what all of them have done.
    pub(crate) fn answer(self, spent: Spent, tallies: Vec<Tally>) -> Value {
        let mut answer = json!({
            "cpu": micros(spent.cpu),
            "wall": micros(spent.wall),
            "calls": tallies.iter().map(|t| t.calls).sum::<usize>(),
            "failed": tallies.iter().map(|t| t.failed).sum::<usize>(),
        });
        let Self::For(time) = self else {
            return answer;
        };
        let mut took = Vec::new();
        let mut worst = vec![0; time.as_micros().div_ceil(u128::from(SLICE)) as usize];
        for call in tallies.iter().flat_map(|t| &t.calls_seen) {
            took.push(call.took);
            // What ends after the time has no slice.
            if let Some(worst) = worst.get_mut((call.ended / SLICE) as usize) {
                *worst = call.took.max(*worst);
            }
        }
        took.sort_unstable();
        let at =
            |part: f64| took.get((took.len().saturating_sub(1) as f64 * part).round() as usize);
        let at = |part| at(part).copied().map(millis);
        answer["p50"] = json!(at(0.5));
        answer["p99"] = json!(at(0.99));
        answer["slowest"] = json!(at(1.0));
        answer["worst"] = worst.into_iter().map(millis).collect();
        let error = tallies.iter().find_map(|t| t.error.as_ref());
        answer["error"] = json!(error.map(Failure::to_string));
        answer
    }
}

impl FromStr for Order {
    type Err = Failure;

    fn from_str(line: &str) -> Result<Self, Failure> {
        let order = match line.split_once(' ') {
            Some(("ask", count)) => count.parse().ok().map(Self::Each),
            Some(("for", seconds)) => {
                let seconds = seconds.parse().ok();
                seconds.and_then(|s| Duration::try_from_secs_f64(s).ok()).map(Self::For)
            }
            _ => None,
        };
        let told = || Failure::new(format!("{line:?} is no order: ask COUNT or for SECONDS"));
        order.ok_or_else(told)
    }
}

impl Tally {
    fn new(left: Left) -> Self {
        Self { left, calls: 0, failed: 0, error: None, calls_seen: Vec::new() }
    }

    /// Tells whether there is one more call to make.
    pub(crate) fn goes_on(&self) -> bool {
        match &self.left {
            Left::Calls(calls) => self.calls < *calls,
            Left::Time { end, now, .. } => now < end,
        }
    }

    /// Takes down a call that has just ended; the next one begins now.
    pub(crate) fn note(&mut self, outcome: Result<(), Failure>) {
        self.calls += 1;
        if let Err(failure) = outcome {
            self.failed += 1;
            self.error.get_or_insert(failure);
        }
        if let Left::Time { begin, now, .. } = &mut self.left {
            let ended = Instant::now();
            let took = micros(ended - *now) as u32;
            self.calls_seen.push(Call { ended: micros(ended - *begin) as u32, took });
            *now = ended;
        }
    }

    /// Fails if any call did.
    pub(crate) fn unblemished(self) -> Result<(), Failure> {
        self.error.map_or(Ok(()), Err)
    }
}

fn micros(time: Duration) -> u64 {
    time.as_micros() as u64
}

fn millis(micros: u32) -> f64 {
    f64::from(micros) / 1e3
}

/// What `worst` is told for.
const SLICE: u32 = 20_000;
