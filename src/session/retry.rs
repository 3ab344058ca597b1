//! When to try again, and when to stop.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::settings::Retry;

/// What all retries of a driver may cost together.
///
/// A count per call cannot stop a storm: when a cloud fails, every call retries at once. Successes
/// earn, retries pay; with nothing left, failures go straight to the caller.
pub(crate) struct Budget(AtomicI64);

impl Budget {
    pub(crate) fn new() -> Self {
        Self(AtomicI64::new(FULL))
    }

    /// Pays for one retry, if there is enough.
    pub(crate) fn pay(&self) -> bool {
        let paid = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            (left >= RETRY).then_some(left - RETRY)
        });
        paid.is_ok()
    }

    /// Notes a success. A full budget is only read: nobody writes while all is well.
    pub(crate) fn earn(&self) {
        if self.0.load(Ordering::Relaxed) < FULL {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Retry {
    /// Draws the pause before the next attempt, after `failed` of them.
    pub(crate) fn pause(&self, failed: u32) -> Duration {
        let doubled = self.first_pause.saturating_mul(1 << failed.saturating_sub(1).min(16));
        doubled.min(self.longest_pause).mul_f64(fastrand::f64())
    }
}

/// Room for some thirty retries in a row, then one for each fourteen successes.
const FULL: i64 = 500;
const RETRY: i64 = 14;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_below_a_bound_that_doubles() {
        let retry = Retry::attempts(9).pauses(Duration::from_millis(10), Duration::from_millis(35));
        for (failed, bound) in [(1, 10), (2, 20), (3, 35), (40, 35)] {
            for _ in 0..50 {
                assert!(retry.pause(failed) <= Duration::from_millis(bound));
            }
        }
    }

    #[test]
    fn the_budget_ends_a_storm_and_successes_refill_it() {
        let budget = Budget::new();
        let paid = (0..1_000).filter(|_| budget.pay()).count();
        assert_eq!(paid as i64, FULL / RETRY);
        (0..RETRY).for_each(|_| budget.earn());
        assert!(budget.pay());
    }
}
