//! What a person is told when something fails: one line with what, why and what to do.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use welkin::{ErrorKind, Phase};

use crate::escape::escape;

/// One line for a person, and the status that the process ends with.
#[derive(Debug)]
pub(crate) struct Complaint {
    line: String,
    status: u8,
}

impl Complaint {
    pub(crate) fn new(line: impl Into<String>) -> Self {
        Self { line: line.into(), status: FAILED }
    }

    /// About what was typed, not about what came of it.
    pub(crate) fn usage(line: impl Into<String>) -> Self {
        Self { line: line.into(), status: WRONG_USAGE }
    }

    /// Says what could not be done, and why.
    pub(crate) fn because(what: &str, why: &(dyn Error + 'static)) -> Self {
        Self::new(format!("{what}: {}", chain(why)))
    }

    /// Says first which of several things it is about.
    pub(crate) fn about(self, what: &str) -> Self {
        Self { line: format!("{what}: {}", self.line), ..self }
    }

    /// Adds what else can be done.
    pub(crate) fn and(self, advice: &str) -> Self {
        Self { line: format!("{}; {advice}", self.line), ..self }
    }

    pub(crate) fn status(&self) -> ExitCode {
        ExitCode::from(self.status)
    }
}

impl From<welkin::Error> for Complaint {
    fn from(error: welkin::Error) -> Self {
        let mut line = chain(&error);
        if let Some(advice) = advice(&error) {
            line.push_str("; ");
            line.push_str(advice);
        }
        Self::new(line)
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.line))
    }
}

/// Prints a line to stderr. If even that is not possible, the exit status has to say it.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Prints each failure, and gives the status that says whether there was one.
pub(crate) fn report(failures: &[Complaint]) -> ExitCode {
    for failure in failures {
        tell(&format!("welkin: {failure}"));
    }
    match failures {
        [] => ExitCode::SUCCESS,
        _ => ExitCode::from(FAILED),
    }
}

/// Joins an error and all that lies below it.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut below = error.source();
    while let Some(source) = below {
        let text = source.to_string();
        // Some repeat their source in their own text.
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
    Some(match (error.kind(), error.operation()) {
        (ErrorKind::Conflict, Some("create_node")) => {
            "if the cloud cannot choose a network, name one with --network"
        }
        (ErrorKind::Conflict, Some("create_key_pair" | "import_key_pair")) => {
            "choose another name, or delete the old one with delete-key-pair"
        }
        (
            ErrorKind::Conflict,
            Some("destroy_node" | "reboot_node" | "start_node" | "stop_node"),
        ) => "get-node shows its state; one that is locked has to be unlocked first",
        (ErrorKind::Failed, Some("create_node" | "wait_until_running")) => {
            "try another --size or --image, or ask the cloud's operators"
        }
        (ErrorKind::Forbidden, _) => "ask the account's administrator for the right to do this",
        (ErrorKind::NotFound, Some("get_key_pair" | "delete_key_pair")) => {
            "list-key-pairs shows those that there are"
        }
        (ErrorKind::Quota, _) => "ask for fewer or smaller ones, or make room in the account",
        (ErrorKind::RateLimited | ErrorKind::Unavailable, _) => "try again later",
        (ErrorKind::Timeout(Phase::Wait), _) => {
            "it may still come: look at it later, or wait longer"
        }
        (ErrorKind::Timeout(_), _) => "the cloud is slow: try again later, or ask for less at once",
        _ => return None,
    })
}

const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;
