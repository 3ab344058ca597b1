//! One attempt to connect, in whatever home it is waited for.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use socket2::{Domain, Protocol, Type};

use super::home::{self, Home};
use super::park;
use super::tcp::Socket;

/// A connection that is being opened. Dropped, it is given up.
pub(super) struct Attempt {
    stream: Arc<TcpStream>,
    home: Home,
    /// The registration was found dead and renewed.
    moved: bool,
    /// The system has come to an end with it, good or bad.
    over: bool,
}

impl Attempt {
    pub(super) fn start(to: SocketAddr) -> io::Result<Self> {
        let socket =
            socket2::Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        let over = match socket.connect(&to.into()) {
            Ok(()) => true,
            Err(e) if e.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error()) => false,
            Err(e) => return Err(e),
        };
        let stream = Arc::new(TcpStream::from(socket));
        Ok(Self { stream, home: Home::Bare, moved: false, over })
    }

    /// Tells whether it is connected. In a waiting thread [`wait_in_place`] must have looked.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, own_reactor: bool) -> Poll<io::Result<()>> {
        if !self.over {
            if park::in_wait() {
                return Poll::Pending;
            }
            ready!(self.poll_over(cx, own_reactor))?;
        }
        Poll::Ready(self.stream.take_error()?.map_or(Ok(()), Err))
    }

    fn poll_over(&mut self, cx: &mut Context<'_>, own_reactor: bool) -> Poll<io::Result<()>> {
        loop {
            if let Home::Bare = self.home {
                self.home = Home::register(&self.stream, &home::runtime(own_reactor))?;
            }
            let Home::Runtime { watch, .. } = &self.home else {
                unreachable!("registered one line above")
            };
            match ready!(watch.poll_write_ready(cx)) {
                Ok(mut ready) => {
                    ready.retain_ready();
                    return Poll::Ready(Ok(()));
                }
                Err(_) if !std::mem::replace(&mut self.moved, true) => self.home = Home::Bare,
                Err(e) => return Poll::Ready(Err(e)),
            }
        }
    }

    /// Makes a socket of what is connected.
    pub(super) fn finish(self, deadline: Instant, own_reactor: bool) -> io::Result<Arc<Socket>> {
        self.stream.set_nonblocking(false)?;
        self.stream.set_nodelay(true)?;
        Ok(Socket::over(self.stream, self.home, deadline, own_reactor))
    }
}

/// Blocks the waiting thread until one of them is over, or until that time.
///
/// Returns whether one is over; `None` when the thread was interrupted.
pub(super) fn wait_in_place<'a>(
    attempts: impl Iterator<Item = &'a mut Attempt>,
    until: Instant,
) -> Option<bool> {
    let mut attempts: Vec<_> = attempts.collect();
    let streams: Vec<_> = attempts.iter().map(|attempt| Arc::clone(&attempt.stream)).collect();
    let first = streams.first()?;
    let wait = || {
        let left = until.saturating_duration_since(Instant::now());
        let time = Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let mut fds: Vec<_> = streams.iter().map(|s| PollFd::new(s, PollFlags::OUT)).collect();
        // A signal only ends it early, and what another error means shows in what follows.
        let _ = poll(&mut fds, Some(&time));
        for (attempt, fd) in attempts.iter_mut().zip(&fds) {
            attempt.over |= !fd.revents().is_empty();
        }
        attempts.iter().any(|attempt| attempt.over)
    };
    // Whoever interrupts shuts down the first, which ends the wait for all.
    park::with_parker(|parker| parker.block(first, wait)).flatten()
}
