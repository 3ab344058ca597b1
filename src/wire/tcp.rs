//! One TCP socket, used from every home.
//!
//! It stays in blocking mode for life. Every send, and every receive outside a waiting thread, asks
//! not to block by its own flag; so a change of home flips nothing.

use std::io::{self, IoSlice};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, recv, send, sendmsg};
use tokio::io::ReadBuf;
use tokio::runtime::Id;

use super::home::{self, Home};
use super::park;
use super::terms::Terms;

/// A connected socket. At any time one caller uses it; the lock is never waited for.
pub(crate) struct Socket {
    stream: Arc<TcpStream>,
    own_reactor: bool,
    state: Mutex<State>,
}

struct State {
    home: Home,
    terms: Terms,
    /// One receive may block for so long. hyper reads on after an answer's end, to notice a close:
    /// that read must never block.
    may_block: Option<Duration>,
    /// Nobody waits: whatever is asked for is had at once, or not.
    looks: bool,
    /// The last send found no room.
    wants_write: bool,
    /// The request's own source is waited for, not the peer.
    source_waits: Option<Arc<AtomicBool>>,
    /// The receive time-out that the system was told last.
    armed: Duration,
    /// The registration was found dead and renewed since the exchange began.
    moved: bool,
    scratch: Vec<u8>,
}

/// What came of waiting in place.
pub(crate) enum Waited {
    /// Look again: bytes may be there, or there may be room.
    Look,
    /// Nothing is to be had from the peer: wait to be woken.
    Park,
    /// The deadline has passed, or the thread was interrupted.
    GiveUp,
}

impl Socket {
    /// Takes over a connected stream, and whoever watches it already.
    pub(super) fn over(
        stream: Arc<TcpStream>,
        home: Home,
        deadline: Instant,
        own_reactor: bool,
    ) -> Arc<Self> {
        let state = State {
            home,
            terms: Terms::until(deadline),
            may_block: None,
            looks: false,
            wants_write: false,
            source_waits: None,
            armed: Duration::ZERO,
            moved: false,
            scratch: Vec::new(),
        };
        Arc::new(Self { stream, own_reactor, state: Mutex::new(state) })
    }

    #[cfg(test)]
    pub(crate) fn twin(&self) -> Arc<Self> {
        let stream = self.stream.try_clone().expect("a descriptor is to be had");
        Self::over(Arc::new(stream), Home::Bare, Instant::now(), self.own_reactor)
    }

    /// Begins an exchange. `source_waits` tells when its request's own source is waited for.
    pub(crate) fn begin(&self, terms: Terms, source_waits: Option<Arc<AtomicBool>>) {
        let mut state = self.state.lock();
        state.terms = terms;
        state.source_waits = source_waits;
        state.may_block = None;
        state.looks = false;
        state.wants_write = false;
        state.moved = false;
    }

    /// From now on, until the next exchange begins, nothing waits.
    pub(crate) fn look(&self) {
        self.state.lock().looks = true;
    }

    /// Goes on after a pause that was the caller's own: it does not count.
    pub(crate) fn resume(&self) {
        self.state.lock().terms.bytes_moved();
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.state.lock().terms.deadline
    }

    /// Returns the runtime that watches it, if one does.
    pub(crate) fn home(&self) -> Option<Id> {
        self.state.lock().home.runtime()
    }

    /// Leaves a home that does not suit; the next wait registers in the caller's own.
    pub(crate) fn leave_home(&self) {
        self.state.lock().home = Home::Bare;
    }

    /// Looks, without taking anything, whether the peer has closed or sent what nobody asked for.
    pub(crate) fn peek(&self) -> Peek {
        let mut byte = [0u8; 1];
        match recv(&self.stream, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT) {
            Err(Errno::AGAIN | Errno::INTR) => Peek::Quiet,
            Ok((1.., _)) => Peek::Bytes,
            Ok((0, _)) | Err(_) => Peek::Closed,
        }
    }

    pub(crate) fn shutdown(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Blocks the waiting thread until it is worth looking again.
    pub(crate) fn wait_in_place(&self) -> Waited {
        let mut state = self.state.lock();
        let (now, deadline) = (Instant::now(), state.terms.deadline);
        if now >= deadline {
            return Waited::GiveUp;
        }
        let source_waits = |waits: &Arc<AtomicBool>| waits.load(Ordering::Relaxed);
        if !state.wants_write && state.source_waits.as_ref().is_some_and(source_waits) {
            return Waited::Park;
        }
        let until = park::bound().map_or(deadline, |bound| bound.min(deadline));
        if now >= until {
            park::wake_at(until);
            return Waited::Park;
        }
        if !std::mem::take(&mut state.wants_write) {
            // The receive itself blocks: one system call, not two.
            state.may_block = Some(power_of_two(until - now));
            return Waited::Look;
        }
        drop(state);
        // An upload has no room: an answer that comes early must be seen as well.
        let seen = self.poll_in_place(PollFlags::IN | PollFlags::OUT, until);
        let Some(seen) = seen else {
            return Waited::GiveUp;
        };
        let readable = PollFlags::IN | PollFlags::HUP | PollFlags::ERR;
        self.state.lock().may_block = seen.intersects(readable).then(|| power_of_two(until - now));
        Waited::Look
    }

    /// Blocks in `poll(2)` until something is to be seen; nothing is when time has run out.
    ///
    /// `None` when the thread was interrupted.
    fn poll_in_place(&self, events: PollFlags, deadline: Instant) -> Option<PollFlags> {
        let wait = || loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let time = Timespec {
                tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            let mut fds = [PollFd::new(&self.stream, events)];
            match poll(&mut fds, Some(&time)) {
                // A signal ends it early, and it is never restarted by itself.
                Err(Errno::INTR) => continue,
                // Any other error shows again in the operation that follows.
                _ => return fds[0].revents(),
            }
        };
        park::with_parker(|parker| parker.block(&self.stream, wait)).flatten()
    }

    fn register(&self, state: &mut State) -> io::Result<()> {
        if let Home::Bare = state.home {
            state.home = Home::register(&self.stream, &home::runtime(self.own_reactor))?;
        }
        Ok(())
    }

    pub(crate) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.state.lock();
        if state.looks {
            let State { scratch, .. } = &mut *state;
            return match receive(&self.stream, scratch, buf, RecvFlags::DONTWAIT) {
                Ok(_) => Poll::Ready(Ok(())),
                Err(Errno::AGAIN | Errno::INTR) => Poll::Pending,
                Err(e) => Poll::Ready(Err(e.into())),
            };
        }
        if park::in_wait() {
            let flags = if let Some(time) = state.may_block.take() {
                self.arm_receive_timeout(&mut state, time)?;
                RecvFlags::empty()
            } else if state.source_waits.is_some() {
                // Whoever uploads looks now and then whether it was refused already.
                RecvFlags::DONTWAIT
            } else {
                return Poll::Pending;
            };
            let received = park::with_parker(|parker| {
                let State { scratch, .. } = &mut *state;
                parker.block(&self.stream, || receive(&self.stream, scratch, buf, flags))
            });
            return match received.flatten() {
                Some(Ok(_)) => {
                    state.terms.bytes_moved();
                    Poll::Ready(Ok(()))
                }
                // Time is up, or nearly: the clock decides, in `wait_in_place`.
                Some(Err(Errno::AGAIN | Errno::INTR)) => Poll::Pending,
                Some(Err(e)) => Poll::Ready(Err(e.into())),
                None => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
            };
        }
        loop {
            self.register(&mut state)?;
            let State { home, scratch, moved, .. } = &mut *state;
            let Home::Runtime { watch, .. } = home else {
                unreachable!("registered one line above")
            };
            let mut ready = match watch.poll_read_ready(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(ready)) => ready,
                Poll::Ready(Err(_)) if !std::mem::replace(moved, true) => {
                    // Its runtime was shut down under it: move house, once.
                    *home = Home::Bare;
                    continue;
                }
                Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
            };
            let room = buf.remaining();
            match receive(&self.stream, scratch, buf, RecvFlags::DONTWAIT) {
                Ok(n) => {
                    if 0 < n && n < room {
                        // A short read has drained an edge-triggered socket: don't ask again.
                        ready.clear_ready();
                    }
                    state.terms.bytes_moved();
                    return Poll::Ready(Ok(()));
                }
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(Errno::INTR) => {}
                Err(e) => return Poll::Ready(Err(e.into())),
            }
        }
    }

    pub(crate) fn poll_write(
        &self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            let sent = match bufs {
                [one] => send(&self.stream, one, SEND),
                many => sendmsg(&self.stream, many, &mut SendAncillaryBuffer::default(), SEND),
            };
            match sent {
                Ok(n) => {
                    self.state.lock().terms.bytes_moved();
                    return Poll::Ready(Ok(n));
                }
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => {}
                Err(e) => return Poll::Ready(Err(e.into())),
            }
            let mut state = self.state.lock();
            if state.looks {
                return Poll::Pending;
            }
            if park::in_wait() {
                state.wants_write = true;
                return Poll::Pending;
            }
            self.register(&mut state)?;
            let State { home, moved, .. } = &mut *state;
            let Home::Runtime { watch, .. } = home else {
                unreachable!("registered one line above")
            };
            match watch.poll_write_ready(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(mut ready)) => ready.clear_ready(),
                Poll::Ready(Err(_)) if !std::mem::replace(moved, true) => *home = Home::Bare,
                Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
            }
        }
    }

    /// Tells the system how long a receive may block, when that changes: powers of two seldom do.
    ///
    /// A constant time-out then costs no system call; one that fires early is armed for the rest.
    fn arm_receive_timeout(&self, state: &mut State, time: Duration) -> io::Result<()> {
        if time != state.armed {
            self.stream.set_read_timeout(Some(time))?;
            state.armed = time;
        }
        Ok(())
    }
}

/// What stands in an idle socket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Peek {
    Bytes,
    Closed,
    Quiet,
}

/// Receives into `buf`, by way of `scratch` when that is cheaper than zeroing `buf` each time.
fn receive(
    stream: &TcpStream,
    scratch: &mut Vec<u8>,
    buf: &mut ReadBuf<'_>,
    flags: RecvFlags,
) -> Result<usize, Errno> {
    let room = buf.remaining();
    if room <= SCRATCH {
        scratch.resize(SCRATCH, 0);
        let (n, _) = recv(stream, &mut scratch[..room], flags)?;
        buf.put_slice(&scratch[..n]);
        Ok(n)
    } else {
        let (n, _) = recv(stream, buf.initialize_unfilled(), flags)?;
        buf.advance(n);
        Ok(n)
    }
}

/// Returns the largest power of two of milliseconds that fits.
fn power_of_two(left: Duration) -> Duration {
    let ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1);
    Duration::from_millis(1 << (u64::BITS - 1 - ms.leading_zeros()))
}

const SCRATCH: usize = 16 << 10;
#[cfg(not(target_vendor = "apple"))]
const SEND: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);
/// There the socket itself was told not to signal.
#[cfg(target_vendor = "apple")]
const SEND: SendFlags = SendFlags::DONTWAIT;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receive_timeouts_are_powers_of_two_that_fit() {
        let ms = Duration::from_millis;
        for (left, armed) in [(0, 1), (1, 1), (3, 2), (250, 128), (30_000, 16_384)] {
            assert_eq!(power_of_two(ms(left)), ms(armed));
        }
        assert!(power_of_two(Duration::MAX) <= Duration::MAX);
    }
}
