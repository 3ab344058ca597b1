//! When nothing can be made any more: who asks is told at once, and only a probe goes on trying.

use std::time::{Duration, Instant};

use crate::error::Error;

/// Counts failures in a row.
#[derive(Default)]
pub(super) struct Breaker {
    failures: u32,
    open: Option<Open>,
}

struct Open {
    until: Instant,
    error: Error,
}

impl Breaker {
    /// Returns the last failure while it is too early for another try.
    pub(super) fn refuses(&self, now: Instant) -> Option<Error> {
        self.open.as_ref().filter(|open| now < open.until).map(|open| open.error.clone())
    }

    /// Returns how many may try at once.
    pub(super) fn allows(&self, now: Instant, most: usize) -> usize {
        match &self.open {
            None => most,
            Some(open) if now < open.until => 0,
            // One, for all.
            Some(_) => 1,
        }
    }

    pub(super) fn close(&mut self) {
        *self = Self::default();
    }

    pub(super) fn failed(&mut self, error: &Error, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        if let Some(more) = self.failures.checked_sub(IN_A_ROW) {
            let pause = FIRST_PAUSE.saturating_mul(1 << more.min(8)).min(LONGEST_PAUSE);
            let pause = pause.mul_f64(0.8 + 0.2 * fastrand::f64());
            self.open = Some(Open { until: now + pause, error: error.clone() });
        }
    }
}

/// So many failures may be chance.
const IN_A_ROW: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// A server that came back is found again within this time.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn error() -> Error {
        Error::new(crate::error::ErrorKind::Connection, "down")
    }

    #[test]
    fn a_failure_or_two_stop_nobody_and_a_third_leaves_one_probe_per_pause() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        breaker.failed(&error(), now);
        breaker.failed(&error(), now);
        assert!(breaker.refuses(now).is_none());
        assert_eq!(breaker.allows(now, 16), 16);
        breaker.failed(&error(), now);
        assert!(breaker.refuses(now).is_some());
        assert_eq!(breaker.allows(now, 16), 0);
        let later = now + FIRST_PAUSE;
        assert!(breaker.refuses(later).is_none());
        assert_eq!(breaker.allows(later, 16), 1, "a probe");
        breaker.failed(&error(), later);
        assert!(breaker.refuses(later + FIRST_PAUSE).is_some(), "the pause doubles");
        for _ in 0..100 {
            breaker.failed(&error(), later);
        }
        assert!(breaker.refuses(later + LONGEST_PAUSE).is_none(), "and has an end");
        breaker.close();
        assert_eq!(breaker.allows(later, 16), 16);
    }
}
