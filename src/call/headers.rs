//! Headers that every cloud sends, and what they say about time.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

/// Reads a time of a header (RFC 9110, 5.6.7).
pub(crate) fn http_date(text: &str) -> Option<SystemTime> {
    system_time(jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?)
}

/// Not every system can hold a time before its own epoch; no cloud has one.
pub(crate) fn system_time(stamp: jiff::Timestamp) -> Option<SystemTime> {
    (stamp >= jiff::Timestamp::UNIX_EPOCH).then(|| stamp.into())
}

/// Reads `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
///
/// A date counts from the answer's own, so that it does not matter how our clock is set. `received`
/// stands in for an answer without one (RFC 9110, 6.6.1), where a clock is at hand.
pub(crate) fn retry_after(headers: &HeaderMap, received: Option<SystemTime>) -> Option<Duration> {
    let text = |name| Some(headers.get(name)?.to_str().ok()?.trim());
    let after = text(header::RETRY_AFTER)?;
    let wait = match after.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let sent = text(header::DATE).and_then(http_date).or(received)?;
            http_date(after)?.duration_since(sent).unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST_WAIT))
}

/// A cloud that says to come back later than tomorrow is taken to mean tomorrow.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let parsed = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        lines.iter().map(parsed).collect()
    }

    #[test]
    fn times_of_headers_are_read() {
        let second = UNIX_EPOCH + Duration::from_secs(1_763_870_319);
        assert_eq!(http_date("Sun, 23 Nov 2025 03:58:39 GMT"), Some(second));
        for wrong in ["", "yesterday", "99999-01-01T00:00:00Z", "Mon, 23 Nov 1925 03:58:39 GMT"] {
            assert_eq!(http_date(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        let date = ("date", "Sun, 23 Nov 2025 03:58:39 GMT");
        for (lines, wait) in [
            (&[("retry-after", "7")][..], Some(7)),
            (&[("retry-after", " 0 ")], Some(0)),
            (&[("retry-after", "Sun, 23 Nov 2025 03:59:09 GMT"), date], Some(30)),
            (&[("retry-after", "Sun, 23 Nov 2025 03:58:09 GMT"), date], Some(0)),
            (&[("retry-after", "Sun, 23 Nov 2025 03:59:09 GMT"), ("date", "soon")], None),
            (&[("retry-after", "18446744073709551615")], Some(24 * 60 * 60)),
            (&[("retry-after", "Tue, 23 Nov 9999 03:58:39 GMT"), date], Some(24 * 60 * 60)),
            (&[("retry-after", "99999999999999999999999")], None),
            (&[("retry-after", "-1"), date], None),
            (&[("retry-after", "1e9"), date], None),
            (&[("retry-after", "soon"), date], None),
            (&[("retry-after", ""), date], None),
            (&[("retry-after", "Sun, 99 Nov 1994"), date], None),
            (&[date], None),
        ] {
            let wait = wait.map(Duration::from_secs);
            assert_eq!(retry_after(&headers(lines), None), wait, "{lines:?}");
        }
    }

    #[test]
    fn a_date_counts_from_our_clock_only_where_the_answer_has_none() {
        let alone = [("retry-after", "Sun, 23 Nov 2025 03:59:09 GMT")];
        let with_date = [alone[0], ("date", "Sun, 23 Nov 2025 03:58:39 GMT")];
        let ours = UNIX_EPOCH + Duration::from_secs(1_763_870_319 + 20);
        let wait = |lines, received| retry_after(&headers(lines), received).map(|w| w.as_secs());
        assert_eq!(wait(&alone, None), None);
        assert_eq!(wait(&alone, Some(ours)), Some(10));
        assert_eq!(wait(&with_date, Some(ours)), Some(30));
    }
}
