//! The words behind the bench's name.

use std::env;

/// What was asked for; `cargo bench` adds `--bench` by itself.
pub(crate) struct Args {
    pub(crate) quick: bool,
    pub(crate) words: Vec<String>,
}

impl Args {
    pub(crate) fn read() -> Self {
        let mut words: Vec<_> = env::args().skip(1).filter(|word| word != "--bench").collect();
        let before = words.len();
        words.retain(|word| word != "--quick");
        Self { quick: words.len() < before, words }
    }

    /// Returns the long value, or the short one for `--quick`.
    pub(crate) fn pick<T>(&self, long: T, short: T) -> T {
        if self.quick { short } else { long }
    }
}
