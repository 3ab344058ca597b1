//! One attempt to connect where there is no `poll(2)`: the reactor makes it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::home;
use super::tcp::Socket;

/// A connection that is being opened. Dropped, it is given up.
pub(super) struct Attempt {
    connecting: JoinHandle<io::Result<TcpStream>>,
    stream: Option<TcpStream>,
}

impl Attempt {
    pub(super) fn start(to: SocketAddr) -> io::Result<Self> {
        Ok(Self { connecting: home::reactor().spawn(TcpStream::connect(to)), stream: None })
    }

    /// Tells whether it is connected.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        _own_reactor: bool,
    ) -> Poll<io::Result<()>> {
        let connected = ready!(Pin::new(&mut self.connecting).poll(cx));
        self.stream = Some(connected.map_err(io::Error::other)??);
        Poll::Ready(Ok(()))
    }

    /// Makes a socket of what is connected.
    pub(super) fn finish(
        mut self,
        deadline: Instant,
        _own_reactor: bool,
    ) -> io::Result<Arc<Socket>> {
        let stream = self.stream.take().ok_or(io::ErrorKind::NotConnected)?;
        stream.set_nodelay(true)?;
        Ok(Socket::over(stream, deadline))
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.connecting.abort();
    }
}
