//! The sim as a child process, so that this process' CPU time is the client's alone.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::de::DeserializeOwned;

use super::tally::Counts;
use crate::complaint::Complaint;
use crate::sim::Ready;

/// A `welkin sim --stdio`; it ends when this is dropped, or when this process ends.
pub(crate) struct SimChild {
    child: Child,
    /// Its end is the signal to end.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl SimChild {
    pub(crate) fn start(quota: usize, tls: bool) -> Result<(Self, Ready), Complaint> {
        Self::spawn(quota, tls)
            .and_then(|mut sim| sim.read().map(|ready| (sim, ready)))
            .map_err(|e| Complaint::because("the sim cannot be started", &e))
    }

    pub(crate) fn reset(&mut self) -> Result<(), Complaint> {
        self.ask("reset").map(|_: Counts| ())
    }

    pub(crate) fn counts(&mut self) -> Result<Counts, Complaint> {
        self.ask("stats")
    }

    fn spawn(quota: usize, tls: bool) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["sim", "--stdio", "--quota", &quota.to_string()])
            .args(tls.then_some("--tls"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        // A Ctrl-C at the terminal is for us; the sim is needed to clean up.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let orders = child.stdin.take();
        let answers = child.stdout.take().expect("stdout is piped");
        Ok(Self {
            child,
            orders,
            answers: BufReader::new(answers),
        })
    }

    fn ask<T: DeserializeOwned>(&mut self, order: &str) -> Result<T, Complaint> {
        let sent = match &mut self.orders {
            Some(orders) => writeln!(orders, "{order}").and_then(|()| orders.flush()),
            None => Ok(()),
        };
        sent.and_then(|()| self.read())
            .map_err(|e| Complaint::because("the sim does not answer", &e))
    }

    fn read<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for SimChild {
    fn drop(&mut self) {
        drop(self.orders.take());
        // It has nothing to save; its exit status says nothing we want to know.
        let _ = self.child.wait();
    }
}
