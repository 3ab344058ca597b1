//! What a person is told when something fails: one line with what, why and what to do.

use std::error::Error;
use std::fmt;

use welkin::{ErrorKind, Phase};

/// One line for a person.
#[derive(Debug)]
pub(crate) struct Complaint(String);

impl Complaint {
    pub(crate) fn new(line: impl Into<String>) -> Self {
        Self(line.into())
    }

    /// Says what could not be done, and why.
    pub(crate) fn because(what: &str, why: &(dyn Error + 'static)) -> Self {
        Self(format!("{what}: {}", chain(why)))
    }
}

impl From<welkin::Error> for Complaint {
    fn from(error: welkin::Error) -> Self {
        let mut line = chain(&error);
        if let Some(advice) = advice(&error) {
            line.push_str("; ");
            line.push_str(advice);
        }
        Self(line)
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Joins an error and all that lies below it.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut below = error.source();
    while let Some(source) = below {
        let text = source.to_string();
        // Some libraries repeat their source in their own text.
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        below = source.source();
    }
    line
}

/// What to do about it, where the message does not say so itself.
fn advice(error: &welkin::Error) -> Option<&'static str> {
    Some(match error.kind() {
        ErrorKind::Auth => "check the user, the password and the project",
        ErrorKind::Quota => "ask for fewer with --nodes, or make room in the account",
        ErrorKind::Connection | ErrorKind::Timeout(Phase::Connect) => {
            "check that the cloud's address can be reached from here"
        }
        ErrorKind::RateLimited | ErrorKind::Unavailable => {
            "try again later, or with fewer --threads"
        }
        ErrorKind::Timeout(_) => "the cloud is slow or overloaded: try fewer --nodes or --threads",
        ErrorKind::Conflict if error.operation() == Some("create_node") => {
            "if the cloud cannot choose a network, name one with --network"
        }
        ErrorKind::Failed => "the cloud's operators know more; try another --size or --image",
        _ => return None,
    })
}
