//! What a faulty server does on the connection itself, where no server library would.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Method, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{sleep, timeout};

use super::fault::plan::{Pace, Plan, Shape, Then};
use super::stream::Stream;

/// The bytes to send, and what follows.
pub(super) struct Script {
    late: Duration,
    bytes: Bytes,
    /// So much white space after them.
    flood: u64,
    pace: Option<Pace>,
    then: Then,
}

impl Script {
    /// Sends nothing, or bytes that are no answer.
    pub(super) fn raw(plan: &Plan, bytes: &'static [u8]) -> Script {
        let Plan { late, pace, then, .. } = *plan;
        Script { late, bytes: Bytes::from_static(bytes), flood: 0, pace, then }
    }

    /// Sends an answer in the plan's shape.
    pub(super) fn answering(plan: &Plan, method: &Method, answer: &Response<Bytes>) -> Script {
        let bytes = written(plan.shape, method, answer).freeze();
        let flood = match plan.shape {
            Shape::Flood(size) if *method != Method::HEAD => size,
            _ => 0,
        };
        Script { bytes, flood, ..Script::raw(plan, b"") }
    }

    /// Whether the connection is closed by the end of it.
    pub(super) fn closing(mut self) -> Script {
        if matches!(self.then, Then::GoOn | Then::RenewKeys) {
            self.then = Then::Close;
        }
        self
    }

    /// Plays to the end, and tells whether the connection can be used on.
    ///
    /// # Errors
    /// When the client is gone.
    pub(super) async fn play(self, stream: &mut Stream) -> io::Result<bool> {
        if !self.late.is_zero() {
            sleep(self.late).await;
        }
        self.send(stream).await?;
        match self.then {
            Then::GoOn => return Ok(true),
            Then::RenewKeys => {
                stream.renew_keys()?;
                flush(stream).await?;
                return Ok(true);
            }
            // Closing a socket that lingers for no time sends RST instead of FIN.
            Then::Reset => stream.socket().set_zero_linger()?,
            Then::Close => farewell(stream).await,
            Then::Cut => {}
            Then::CloseOnNext => {
                read_some(stream).await?;
                farewell(stream).await;
            }
            Then::HalfClose => {
                farewell(stream).await;
                while read_some(stream).await? {}
            }
            Then::Silence => while read_some(stream).await? {},
            Then::Deaf => sleep(DEAF).await,
        }
        Ok(false)
    }

    async fn send(&self, stream: &mut Stream) -> io::Result<()> {
        let size = self.pace.map_or(self.bytes.len(), |pace| pace.bytes).max(1);
        let pause = self.pace.map_or(Duration::ZERO, |pace| pace.pause);
        let mut pieces = self.bytes.chunks(size).peekable();
        while let Some(piece) = pieces.next() {
            write(stream, piece).await?;
            if pieces.peek().is_some() {
                sleep(pause).await;
            }
        }
        if self.flood > 0 {
            let mut left = self.flood;
            while left > 0 {
                let size = left.min(FLOOD_CHUNK);
                let (head, spaces) = (format!("{size:x}\r\n"), vec![b' '; size as usize]);
                write(stream, &[head.as_bytes(), &spaces, b"\r\n"].concat()).await?;
                left -= size;
            }
            write(stream, b"0\r\n\r\n").await?;
        }
        Ok(())
    }
}

/// Ends a connection in order.
pub(super) async fn farewell(stream: &mut Stream) {
    let farewell = poll_fn(|cx| Pin::new(&mut *stream).poll_shutdown(cx));
    // Whoever does not take the last bytes in time goes without them.
    let _ = timeout(FAREWELL, farewell).await;
}

fn written(shape: Shape, method: &Method, answer: &Response<Bytes>) -> BytesMut {
    let (status, body) = (answer.status(), answer.body());
    let mut out = BytesMut::new();
    if let Shape::Preceded(status) = shape {
        put_line(&mut out, status);
        out.put_slice(b"\r\n");
    }
    put_line(&mut out, status);
    for (name, value) in answer.headers() {
        put_header(&mut out, name.as_str(), value.as_bytes());
    }
    let has_body = *method != Method::HEAD;
    let send = match shape {
        Shape::Flood(_) => {
            put_header(&mut out, TRANSFER_ENCODING.as_str(), b"chunked");
            0
        }
        _ if status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED => 0,
        Shape::Whole | Shape::Half | Shape::Misframed(_) | Shape::Preceded(_) => {
            let by = if let Shape::Misframed(by) = shape { by } else { 0 };
            let length = (body.len() as u64).saturating_add_signed(by);
            put_header(&mut out, CONTENT_LENGTH.as_str(), length.to_string().as_bytes());
            if shape == Shape::Half { body.len() / 2 } else { body.len() }
        }
    };
    out.put_slice(b"\r\n");
    if has_body {
        out.put_slice(&body[..send]);
    }
    out
}

fn put_line(out: &mut BytesMut, status: StatusCode) {
    let reason = status.canonical_reason().unwrap_or_default();
    out.put_slice(format!("HTTP/1.1 {} {reason}\r\n", status.as_str()).as_bytes());
}

fn put_header(out: &mut BytesMut, name: &str, value: &[u8]) {
    out.put_slice(name.as_bytes());
    out.put_slice(b": ");
    out.put_slice(value);
    out.put_slice(b"\r\n");
}

async fn write(stream: &mut Stream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match poll_fn(|cx| Pin::new(&mut *stream).poll_write(cx, bytes)).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => bytes = &bytes[written..],
        }
    }
    flush(stream).await
}

async fn flush(stream: &mut Stream) -> io::Result<()> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_flush(cx)).await
}

/// Whether something came, and not the end.
async fn read_some(stream: &mut Stream) -> io::Result<bool> {
    let mut space = [0; 4096];
    let mut buffer = ReadBuf::new(&mut space);
    poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, &mut buffer)).await?;
    Ok(!buffer.filled().is_empty())
}

/// The server does not wait long for a client to take its last bytes.
const FAREWELL: Duration = Duration::from_secs(1);
/// Without reading, nobody sees a client go.
const DEAF: Duration = Duration::from_secs(10);
const FLOOD_CHUNK: u64 = 1 << 16;
