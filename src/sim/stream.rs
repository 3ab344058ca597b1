//! The server's end of a connection: TCP, or TLS over it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::line::Line;

/// Bytes in and out; tells the [`Line`] whether some are still waiting to be sent.
pub(super) struct Stream {
    transport: Transport,
    line: Arc<Line>,
}

pub(super) enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    pub(super) fn new(transport: Transport, line: Arc<Line>) -> Stream {
        Stream { transport, line }
    }

    pub(super) fn socket(&self) -> &TcpStream {
        match &self.transport {
            Transport::Plain(stream) => stream,
            Transport::Tls(stream) => stream.get_ref().0,
        }
    }

    /// Has TLS send a message of its own with the next bytes that go out.
    pub(super) fn renew_keys(&mut self) -> io::Result<()> {
        match &mut self.transport {
            Transport::Plain(_) => Ok(()),
            Transport::Tls(stream) => {
                stream.get_mut().1.refresh_traffic_keys().map_err(io::Error::other)
            }
        }
    }

    fn io(&mut self) -> Pin<&mut (dyn ReadWrite + Unpin)> {
        match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream),
            Transport::Tls(stream) => Pin::new(stream.as_mut()),
        }
    }

    fn sent<T>(&self, outcome: Poll<T>) -> Poll<T> {
        self.line.set_blocked(outcome.is_pending());
        outcome
    }
}

/// Both directions, to name both transports by one type.
trait ReadWrite: AsyncRead + AsyncWrite {}
impl<T: AsyncRead + AsyncWrite> ReadWrite for T {}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.io().poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = self.io().poll_write(cx, bytes);
        self.sent(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = self.io().poll_write_vectored(cx, slices);
        self.sent(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.transport {
            Transport::Plain(stream) => stream.is_write_vectored(),
            Transport::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = self.io().poll_flush(cx);
        self.sent(outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What is not sent yet goes out before the end.
        ready!(self.as_mut().poll_flush(cx))?;
        self.io().poll_shutdown(cx)
    }
}
