//! Connecting to a host of several addresses: the first that answers wins (RFC 8305).

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::alarm::Alarm;
use super::attempt::Attempt;
#[cfg(unix)]
use super::park;
use super::tcp::Socket;

/// Connects to one of `addresses`, which stand in the order of preference.
///
/// # Cancellation
/// Dropped half way, all attempts are given up. Left half way, they go on, and whoever polls next
/// finds what became of them, on whatever thread or runtime.
pub(super) async fn connect(
    addresses: &[SocketAddr],
    deadline: Instant,
    own_reactor: bool,
) -> io::Result<Arc<Socket>> {
    let mut race = Race {
        left: interleaved(addresses).into_iter(),
        running: Vec::new(),
        next: Instant::now(),
        failed: None,
        alarm: Alarm::new(own_reactor),
        deadline,
        own_reactor,
    };
    let winner = poll_fn(|cx| race.poll(cx)).await?;
    winner.finish(deadline, own_reactor)
}

struct Race {
    left: std::vec::IntoIter<SocketAddr>,
    running: Vec<(SocketAddr, Attempt)>,
    /// When the next attempt begins, whatever becomes of those that run.
    next: Instant,
    /// Why the last that failed did.
    failed: Option<io::Error>,
    alarm: Alarm,
    deadline: Instant,
    own_reactor: bool,
}

impl Race {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Attempt>> {
        loop {
            let now = Instant::now();
            if now >= self.deadline {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            if now >= self.next
                && let Some(to) = self.left.next()
            {
                match Attempt::start(to) {
                    Ok(attempt) => {
                        self.running.push((to, attempt));
                        self.next = now + DELAY;
                    }
                    Err(e) => {
                        self.failed = Some(at(to, &e));
                        continue;
                    }
                }
            }
            if let Some(winner) = self.winner(cx, now) {
                return Poll::Ready(Ok(winner));
            }
            let more = self.left.len() > 0;
            if more && self.next <= now {
                continue;
            }
            if self.running.is_empty() && !more {
                let none = io::Error::from(io::ErrorKind::NotFound);
                return Poll::Ready(Err(self.failed.take().unwrap_or(none)));
            }
            let until = if more { self.next.min(self.deadline) } else { self.deadline };
            #[cfg(unix)]
            if park::in_wait() {
                let bound = park::bound().unwrap_or(until);
                let attempts = self.running.iter_mut().map(|(_, attempt)| attempt);
                match super::attempt::wait_in_place(attempts, until.min(bound)) {
                    Some(false) if bound < until => {
                        park::wake_at(bound);
                        return Poll::Pending;
                    }
                    Some(_) => continue,
                    None => return Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                }
            }
            if !self.alarm.rings(until, cx) {
                return Poll::Pending;
            }
        }
    }

    /// Takes out the attempt that has come through, and those that have failed; after a failure the
    /// next begins at once.
    fn winner(&mut self, cx: &mut Context<'_>, now: Instant) -> Option<Attempt> {
        let mut i = 0;
        while let Some((to, attempt)) = self.running.get_mut(i) {
            match attempt.poll(cx, self.own_reactor) {
                Poll::Pending => i += 1,
                Poll::Ready(Ok(())) => return Some(self.running.swap_remove(i).1),
                Poll::Ready(Err(e)) => {
                    self.failed = Some(at(*to, &e));
                    self.next = now;
                    self.running.remove(i);
                }
            }
        }
        None
    }
}

/// A host may have several addresses: says which one this is about.
fn at(address: SocketAddr, e: &io::Error) -> io::Error {
    io::Error::new(e.kind(), format!("{address}: {e}"))
}

/// Lets the families take turns, so that one that leads nowhere costs one delay (RFC 8305, 4).
fn interleaved(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (one, other): (Vec<_>, Vec<_>) =
        addresses.iter().copied().partition(|a| a.is_ipv6() == first);
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let mut mixed = Vec::with_capacity(addresses.len());
    loop {
        let before = mixed.len();
        mixed.extend(one.next());
        mixed.extend(other.next());
        if mixed.len() == before {
            return mixed;
        }
    }
}

/// RFC 8305, 5: "recommended value of 250 milliseconds".
const DELAY: Duration = Duration::from_millis(250);

#[cfg(test)]
#[cfg(unix)]
mod tests;
