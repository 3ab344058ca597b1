//! The words behind the bench's name.

use std::env;
use std::path::PathBuf;

use rustix::process::{Resource, getrlimit, setrlimit};

/// What was asked for; `cargo bench` adds `--bench` by itself.
pub(crate) struct Args {
    pub(crate) quick: bool,
    /// Where the figures are kept as well.
    pub(crate) json: Option<PathBuf>,
    pub(crate) words: Vec<String>,
}

impl Args {
    pub(crate) fn read() -> Self {
        raise_limit();
        let mut args = Self { quick: false, json: None, words: Vec::new() };
        let mut given = env::args().skip(1);
        while let Some(word) = given.next() {
            match word.as_str() {
                "--bench" => {}
                "--quick" => args.quick = true,
                "--json" => args.json = Some(given.next().expect("--json FILE").into()),
                _ => args.words.push(word),
            }
        }
        args
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
