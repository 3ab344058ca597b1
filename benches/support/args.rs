//! The words behind the bench's name.

use std::env;

use rustix::process::{Resource, getrlimit, setrlimit};

/// What was asked for; `cargo bench` adds `--bench` by itself.
pub(crate) struct Args {
    pub(crate) quick: bool,
    pub(crate) words: Vec<String>,
}

impl Args {
    pub(crate) fn read() -> Self {
        raise_limit();
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

/// Takes as many descriptors as the system allows: hundreds of connections stay open at a time.
pub(crate) fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // A bench that then runs out says so.
    let _ = setrlimit(Resource::Nofile, limit);
}
