//! When to try again, and when to stop.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

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

/// Reads `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    // Not every system can hold a time before its own epoch.
    let date = date.max(jiff::Timestamp::UNIX_EPOCH);
    Some(SystemTime::from(date).duration_since(now).unwrap_or_default())
}

/// Room for some thirty retries in a row, then one for each fourteen successes.
const FULL: i64 = 500;
const RETRY: i64 = 14;

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn after(text: &'static str, now: SystemTime) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(text));
        retry_after(&headers, now)
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(after("Sun, 06 Nov 1994 08:50:07 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:00 GMT", now), Some(Duration::ZERO));
        for odd in ["", "-1", "1e9", "99999999999999999999", "soon", "Sun, 99 Nov 1994"] {
            assert_eq!(after(odd, now), None, "{odd}");
        }
    }

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
