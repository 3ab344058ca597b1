//! Why something failed, in one line.

use std::error::Error;
use std::fmt;

/// What a client said, and what it said was behind it.
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl<E: Error> From<E> for Failure {
    /// Keeps the sources too: many clients hide in them what matters, others repeat them.
    fn from(error: E) -> Self {
        let mut said = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            let why = error.to_string();
            if !said.contains(&why) {
                said = format!("{said}: {why}");
            }
            source = error.source();
        }
        Self(said)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Some say it in several lines.
        f.write_str(&self.0.replace('\n', " "))
    }
}
