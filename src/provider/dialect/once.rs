//! Orders that must not be carried out twice: a text to know each one by, and the search for one
//! whose answer was lost.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Phase};

/// Makes a text that no other order in the world has: 128 bits as 32 hexadecimal digits.
pub(in crate::provider) fn unique() -> String {
    // The standard library takes the keys of its hashers from the system's randomness, and never
    // the same twice. A generator that is seeded by a clock may meet its twin on another machine.
    let half = || RandomState::new().hash_one(());
    format!("{:016x}{:016x}", half(), half())
}

/// What is known of an order whose answer was lost, while it is looked for.
pub(in crate::provider) struct Search {
    /// How the answer was lost.
    lost: Error,
    looks: u32,
    waited: Duration,
    /// Why the last look could not be taken.
    failed: Option<Error>,
}

impl Search {
    pub(in crate::provider) fn of(lost: Error) -> Self {
        Self { lost, looks: 0, waited: Duration::ZERO, failed: None }
    }

    /// Notes that one more look found nothing, or why it failed; returns how long to wait before the
    /// next one, unless no other is worth it.
    ///
    /// The pauses grow: mostly the first look decides, and a cloud that still works on the order may
    /// take seconds to write it down. They vary, because a proxy that fails loses many answers at
    /// the same time.
    pub(in crate::provider) fn again(&mut self, failed: Option<Error>) -> Option<Duration> {
        if failed.as_ref().is_some_and(|e| e.kind() == ErrorKind::Timeout(Phase::Wait)) {
            return None;
        }
        self.looks += 1;
        let in_vain = failed.as_ref().is_some_and(|e| !may_pass(e));
        self.failed = failed;
        if in_vain || self.looks == MOST_LOOKS {
            return None;
        }
        let pause = FIRST_PAUSE * 2_u32.pow(self.looks - 1);
        let pause = pause.mul_f64(0.75 + fastrand::f64() / 2.0);
        self.waited += pause;
        Some(pause)
    }

    /// Says that nobody knows. `what` tells what was done to find out, how often is put behind it.
    pub(in crate::provider) fn in_vain(self, what: &str) -> Error {
        let Self { lost, looks, waited, failed } = self;
        let often = match looks {
            0 => "for want of time not once".to_owned(),
            1 => "once".to_owned(),
            n => format!("{n} times over {:.1} s", waited.as_secs_f64()),
        };
        let mut text = format!("{what} {often}");
        if let Some(failed) = failed {
            text.push_str(&format!(", at last in vain: {failed}"));
        }
        text.push_str("; it may have been carried out, or still be: look before you order again");
        Error::new(ErrorKind::Ambiguous, text).with_source(lost)
    }
}

/// Tells whether another look may go better.
fn may_pass(failed: &Error) -> bool {
    // A look by the same bytes again may itself be lost.
    failed.kind() == ErrorKind::Ambiguous || failed.is_retryable()
}

/// Some sixteen seconds in all.
const MOST_LOOKS: u32 = 7;
const FIRST_PAUSE: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::error::Error as _;

    use super::*;

    #[test]
    fn no_two_orders_are_known_by_the_same_text() {
        let threads: Vec<_> = (0..4)
            .map(|_| std::thread::spawn(|| (0..1_000).map(|_| unique()).collect::<Vec<_>>()))
            .collect();
        let all: Vec<_> = threads.into_iter().flat_map(|t| t.join().expect("texts")).collect();
        assert!(all.iter().all(|t| t.len() == 32 && t.bytes().all(|b| b.is_ascii_hexdigit())));
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 4_000);
    }

    fn search() -> Search {
        Search::of(Error::new(ErrorKind::Ambiguous, "cut"))
    }

    #[test]
    fn the_pauses_grow_and_end() {
        let mut search = search();
        let pauses: Vec<_> = std::iter::from_fn(|| search.again(None)).collect();
        assert_eq!(pauses.len(), 6);
        for (pause, middle) in pauses.iter().zip([0.25, 0.5, 1.0, 2.0, 4.0, 8.0]) {
            let ratio = pause.as_secs_f64() / middle;
            assert!((0.75..=1.25).contains(&ratio), "{pauses:?}");
        }
        let error = search.in_vain("node \"n\" was looked for");
        assert_eq!(error.kind(), ErrorKind::Ambiguous);
        assert!(error.to_string().starts_with("node \"n\" was looked for 7 times over 1"));
        assert_eq!(error.source().expect("how it was lost").to_string(), "cut");
    }

    #[test]
    fn a_look_that_must_fail_again_is_the_last_and_is_told() {
        let mut told = search();
        assert!(told.again(Some(Error::new(ErrorKind::Connection, "refused"))).is_some());
        assert!(told.again(Some(Error::new(ErrorKind::Forbidden, "no lists for you"))).is_none());
        let error = told.in_vain("it was looked for").to_string();
        assert!(error.contains("2 times") && error.contains("no lists for you"), "{error}");

        let mut no_time = search();
        let over = Error::new(ErrorKind::Timeout(Phase::Wait), "not yet");
        assert!(no_time.again(Some(over)).is_none());
        assert!(no_time.in_vain("it was looked for").to_string().contains("not once"));
    }
}
