//! Rounds in which all that is compared has its turn, and what they say together.
//!
//! A machine that others use is slower at one time than at another. Within a round that is alike for
//! all, so ratios are taken per round.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// What one round cost, per request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent {
    /// Microseconds of CPU, of this process and of the system for it.
    pub(crate) cpu: f64,
    /// Requests per second.
    pub(crate) rate: f64,
}

pub(crate) fn spend(requests: usize, work: impl FnOnce()) -> Spent {
    let (cpu, began) = (cpu_time(), Instant::now());
    work();
    let (cpu, wall) = (cpu_time() - cpu, began.elapsed());
    Spent {
        cpu: cpu.as_nanos() as f64 / 1e3 / requests as f64,
        rate: requests as f64 / wall.as_secs_f64(),
    }
}

/// Gives each of them its turn in each round; a list of rounds for each of them.
pub(crate) fn rounds(count: usize, turns: &mut [&mut dyn FnMut() -> Spent]) -> Vec<Vec<Spent>> {
    let mut spent = vec![Vec::new(); turns.len()];
    for round in 0..count {
        for turn in 0..turns.len() {
            // Nobody always comes after the same one.
            let turn = (turn + round) % turns.len();
            spent[turn].push(turns[turn]());
        }
    }
    spent
}

/// Lower quartile, median and upper quartile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quartiles(pub(crate) [f64; 3]);

impl Quartiles {
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<_> = values.into_iter().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let at = |part: f64| sorted[((sorted.len() - 1) as f64 * part).round() as usize];
        Self([at(0.25), at(0.5), at(0.75)])
    }

    /// Of the ratio of one to another, round by round.
    pub(crate) fn ratio(of: &[Spent], to: &[Spent], what: fn(&Spent) -> f64) -> Self {
        Self::of(of.iter().zip(to).map(|(of, to)| what(of) / what(to)))
    }

    pub(crate) fn lower(&self) -> f64 {
        self.0[0]
    }

    pub(crate) fn median(&self) -> f64 {
        self.0[1]
    }

    /// Shows all three.
    pub(crate) fn shown(&self) -> String {
        let [lower, median, upper] = self.0;
        format!("{median:.3} ({lower:.3} to {upper:.3})")
    }
}

pub(crate) fn median(spent: &[Spent], what: fn(&Spent) -> f64) -> f64 {
    Quartiles::of(spent.iter().map(what)).median()
}

pub(crate) fn cpu(spent: &Spent) -> f64 {
    spent.cpu
}

pub(crate) fn rate(spent: &Spent) -> f64 {
    spent.rate
}

/// What all threads of this process have used.
fn cpu_time() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec as u64, used.tv_nsec as u32)
}
