//! How long the other side keeps an idle connection, as far as it is known.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use http::HeaderMap;

/// What was said, and what was seen.
pub(super) struct KeepAlive {
    since: Instant,
    /// By the header, in milliseconds.
    said: AtomicU64,
    /// By connections found closed, in milliseconds; and when, since the beginning.
    seen: AtomicU64,
    seen_at: AtomicU64,
}

impl KeepAlive {
    pub(super) fn new(since: Instant) -> Self {
        let never = || AtomicU64::new(u64::MAX);
        Self { since, said: never(), seen: never(), seen_at: AtomicU64::new(0) }
    }

    /// Returns how long a connection may lie idle and still be trusted to be open.
    pub(super) fn limit(&self, now: Instant) -> Duration {
        let seen = match self.seen.load(Relaxed) {
            u64::MAX => u64::MAX,
            _ if self.at(now) > self.seen_at.load(Relaxed) + FORGOTTEN => u64::MAX,
            seen => seen,
        };
        Duration::from_millis(seen.min(self.said.load(Relaxed)))
    }

    /// Reads `Keep-Alive: timeout=5` (RFC 2068, 19.7.1.1), in seconds.
    pub(super) fn hear(&self, headers: &HeaderMap) {
        let Some(value) = headers.get("keep-alive").and_then(|value| value.to_str().ok()) else {
            return;
        };
        let parameters = value.split(',').filter_map(|parameter| parameter.trim().split_once('='));
        let mut timeouts =
            parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("timeout"));
        if let Some(seconds) = timeouts.next().and_then(|(_, n)| n.trim().parse::<u32>().ok()) {
            // A request that goes out in the last second may meet the close.
            let ms = u64::from(seconds).saturating_sub(1) * 1_000;
            self.said.store(ms.max(LEAST), Relaxed);
        }
    }

    /// Notes that a connection was found closed after it had lain idle for so long.
    pub(super) fn see_closed(&self, idle: Duration, now: Instant) {
        let ms = u64::try_from(idle.as_millis()).unwrap_or(u64::MAX) / 5 * 4;
        let known = u64::try_from(self.limit(now).as_millis()).unwrap_or(u64::MAX);
        if ms < known {
            self.seen.store(ms.max(LEAST), Relaxed);
            self.seen_at.store(self.at(now), Relaxed);
        }
    }

    fn at(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.since).as_millis() as u64
    }
}

/// One early close must not end all reuse.
const LEAST: u64 = 1_000;
/// What was seen once may have been a restart: after so many milliseconds it no longer counts.
const FORGOTTEN: u64 = 300_000;

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_the_server_says_counts_less_a_second() {
        let (now, secs) = (Instant::now(), Duration::from_secs);
        for (text, limit) in [
            ("timeout=5", Some(4)),
            ("max=100, Timeout = 15", Some(14)),
            ("timeout=1", Some(1)),
            ("timeout=0", Some(1)),
            ("timeout=x", None),
            ("max=3", None),
            ("", None),
        ] {
            let keep_alive = KeepAlive::new(now);
            let mut headers = HeaderMap::new();
            headers.insert("keep-alive", HeaderValue::from_static(text));
            keep_alive.hear(&headers);
            let expected = limit.map_or(Duration::from_millis(u64::MAX), secs);
            assert_eq!(keep_alive.limit(now), expected, "{text:?}");
        }
    }

    #[test]
    fn a_close_that_was_seen_teaches_for_a_while() {
        let (now, secs) = (Instant::now(), Duration::from_secs);
        let keep_alive = KeepAlive::new(now);
        keep_alive.see_closed(secs(10), now);
        assert_eq!(keep_alive.limit(now), secs(8));
        keep_alive.see_closed(secs(20), now);
        assert_eq!(keep_alive.limit(now), secs(8), "the shortest counts");
        keep_alive.see_closed(Duration::from_millis(3), now);
        assert_eq!(keep_alive.limit(now), secs(1), "down to a floor");
        assert!(keep_alive.limit(now + secs(301)) > secs(1_000), "and not for ever");
    }
}
