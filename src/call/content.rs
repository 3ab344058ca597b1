//! What is uploaded, and what is downloaded piece by piece.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use parking_lot::Mutex;

use crate::error::{Error, ErrorKind, Result};

/// What is uploaded: bytes, or what a reader or a stream gives.
///
/// Bytes are sent again when an attempt fails in a way that passes. What a reader or a stream has
/// given is gone, so from its first byte on a failure is the caller's to repeat; until then it is
/// tried again as well.
///
/// To copy, give a download's reader or stream: both need a connection at the same time, so that as
/// many copies at once as there are connections to a host wait for each other. Have the download
/// read its first piece before the upload begins, or let each have a driver of its own.
///
/// # Example
/// ```no_run
/// use std::fs::File;
/// use welkin::Content;
///
/// let note = Content::from("a few bytes");
/// let file = File::open("backup.tar")?;
/// let size = file.metadata()?.len();
/// let backup = Content::reader(file, size);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Content(Kind);

enum Kind {
    Bytes(Bytes),
    Once(Arc<Once>),
}

impl Content {
    /// Takes `size` bytes from a reader, 64 KiB at a time.
    ///
    /// In async code it is read on the executor's own thread: right for files and memory; for what
    /// blocks long use [`stream`](Content::stream).
    ///
    /// # Errors
    /// The upload ends with `Local` if reading fails, or if there are fewer or more bytes than
    /// `size`; the cloud then keeps what it had.
    pub fn reader(reader: impl Read + Send + 'static, size: u64) -> Self {
        Self::stream(Pieces(reader), size)
    }

    /// Takes `size` bytes from a stream, which must end after them. It is asked for more only as the
    /// connection takes them.
    ///
    /// # Errors
    /// As [`reader`](Content::reader).
    pub fn stream(
        stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
        size: u64,
    ) -> Self {
        let source = Mutex::new(Some(Source::new(stream)));
        let once = Once { size, source, waits: Arc::default() };
        Self(Kind::Once(Arc::new(once)))
    }

    /// Returns how many bytes there are.
    pub fn size(&self) -> u64 {
        match &self.0 {
            Kind::Bytes(bytes) => bytes.len() as u64,
            Kind::Once(once) => once.size,
        }
    }

    /// Returns the bytes, if all of them are at hand.
    pub(crate) fn bytes(&self) -> Option<&Bytes> {
        match &self.0 {
            Kind::Bytes(bytes) => Some(bytes),
            Kind::Once(_) => None,
        }
    }

    /// Tells whether some of it was given away and cannot be had again.
    pub(crate) fn is_spent(&self) -> bool {
        match &self.0 {
            Kind::Bytes(_) => false,
            Kind::Once(once) => once.source.lock().is_none(),
        }
    }

    /// Tells whether it has a source that was said to be empty, at which nobody else would look.
    pub(crate) fn must_prove_empty(&self) -> bool {
        self.size() == 0 && matches!(self.0, Kind::Once(_))
    }

    /// Sees that there is nothing in a source that was said to be empty.
    pub(crate) async fn prove_empty(&self) -> Result<()> {
        let Kind::Once(once) = &self.0 else { return Ok(()) };
        let Some(mut supply) = Supply::take(once) else { return Ok(()) };
        poll_fn(|cx| supply.poll_end(cx)).await?;
        // What has ended must not be asked again.
        *once.source.lock() = Some(Source::new(Pieces(io::empty())));
        Ok(())
    }

    /// Returns what gives its bytes to a connection.
    pub(crate) fn supply(&self) -> Result<Supplied> {
        match &self.0 {
            Kind::Bytes(bytes) => Ok(Supplied::Bytes(bytes.clone())),
            Kind::Once(once) => match Supply::take(once) {
                Some(supply) => Ok(Supplied::Once(supply)),
                None => Err(local("what was to be uploaded was used before; make it anew")),
            },
        }
    }
}

impl<T: Into<Bytes>> From<T> for Content {
    fn from(bytes: T) -> Self {
        Self(Kind::Bytes(bytes.into()))
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.size())
    }
}

/// What one attempt sends.
pub(crate) enum Supplied {
    Bytes(Bytes),
    Once(Supply),
}

struct Source(Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>);

impl Source {
    fn new(stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self(Box::pin(stream))
    }
}

/// Content that can be had once.
struct Once {
    size: u64,
    /// `None` while a connection has it, and for good once it has given a byte.
    source: Mutex<Option<Source>>,
    /// The source has nothing to give just now.
    waits: Arc<AtomicBool>,
}

/// The source of a [`Once`] in the hands of one attempt; untouched, it goes back when dropped.
pub(crate) struct Supply {
    once: Arc<Once>,
    source: Option<Source>,
    touched: bool,
    left: u64,
    /// The last piece: it goes out when it is sure that nothing follows.
    last: Option<Bytes>,
}

impl Supply {
    fn take(once: &Arc<Once>) -> Option<Self> {
        let source = once.source.lock().take()?;
        let (once, left) = (Arc::clone(once), once.size);
        Some(Self { once, source: Some(source), touched: false, left, last: None })
    }

    /// Tells, while this is being sent, whether it is the source that is waited for.
    pub(crate) fn waits(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.once.waits)
    }

    /// Returns how many bytes are still to come.
    pub(crate) fn left(&self) -> u64 {
        self.left + self.last.as_ref().map_or(0, |last| last.len() as u64)
    }

    /// Returns the next piece. A server that was promised `size` bytes never gets the last of them
    /// from a source that has more, or fewer: so it keeps nothing of it.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        if self.last.is_none() && self.left > 0 {
            let piece = match ready!(self.poll_source(cx)) {
                Some(Ok(piece)) => piece,
                Some(Err(e)) => return Poll::Ready(Some(Err(e))),
                None => {
                    let text = format!(
                        "what was uploaded ended {} bytes before the {} that were said",
                        self.left, self.once.size
                    );
                    return Poll::Ready(Some(Err(local(text))));
                }
            };
            match self.left.checked_sub(piece.len() as u64) {
                Some(0) => self.last = Some(piece),
                Some(_) => {
                    self.left -= piece.len() as u64;
                    return Poll::Ready(Some(Ok(piece)));
                }
                None => return Poll::Ready(Some(Err(self.too_much()))),
            }
            self.left = 0;
        }
        if self.last.is_none() {
            return Poll::Ready(None);
        }
        ready!(self.poll_end(cx))?;
        Poll::Ready(self.last.take().map(Ok))
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match ready!(self.poll_source(cx)) {
            None => Poll::Ready(Ok(())),
            Some(Ok(_)) => Poll::Ready(Err(self.too_much())),
            Some(Err(e)) => Poll::Ready(Err(e)),
        }
    }

    /// Returns the source's next piece that is not empty.
    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let Some(source) = &mut self.source else {
            return Poll::Ready(None);
        };
        let piece = loop {
            match source.0.as_mut().poll_next(cx) {
                Poll::Ready(Some(Ok(piece))) if piece.is_empty() => {}
                other => break other,
            }
        };
        self.once.waits.store(piece.is_pending(), Ordering::Relaxed);
        self.touched |= piece.is_ready();
        match ready!(piece) {
            Some(Ok(piece)) => Poll::Ready(Some(Ok(piece))),
            Some(Err(e)) => {
                let text = "what was to be uploaded could not be read";
                Poll::Ready(Some(Err(local(text).with_source(e))))
            }
            None => {
                self.source = None;
                Poll::Ready(None)
            }
        }
    }

    fn too_much(&self) -> Error {
        local(format!("there is more to upload than the {} bytes that were said", self.once.size))
    }
}

impl Drop for Supply {
    fn drop(&mut self) {
        self.once.waits.store(false, Ordering::Relaxed);
        if !self.touched {
            *self.once.source.lock() = self.source.take();
        }
    }
}

/// A reader as a stream of pieces; it blocks whoever polls it.
struct Pieces<R>(R);

// Nobody pins the reader.
impl<R> Unpin for Pieces<R> {}

impl<R: Read> Stream for Pieces<R> {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let mut piece = vec![0; PIECE];
        let read = loop {
            match self.0.read(&mut piece) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        Poll::Ready(match read {
            Ok(0) => None,
            Ok(n) => {
                piece.truncate(n);
                Some(Ok(piece.into()))
            }
            Err(e) => Some(Err(e)),
        })
    }
}

/// The body of an answer that is still on its way. Dropped before its end, it closes the connection.
pub(crate) struct Live(Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>);

impl Live {
    pub(crate) fn new(body: impl Stream<Item = Result<Bytes>> + Send + 'static) -> Self {
        Self(Box::pin(body))
    }

    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        self.0.as_mut().poll_next(cx)
    }
}

fn local(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Local, text).lasting()
}

const PIECE: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn pieces(content: &Content) -> Result<Vec<Bytes>> {
        let Supplied::Once(mut supply) = content.supply()? else { panic!("bytes") };
        let mut cx = Context::from_waker(Waker::noop());
        let mut all = Vec::new();
        while let Poll::Ready(Some(piece)) = supply.poll_piece(&mut cx) {
            all.push(piece?);
        }
        Ok(all)
    }

    #[test]
    fn a_reader_gives_what_it_was_said_to_have_and_only_once() {
        let text = vec![7; PIECE + 1];
        let content = Content::reader(io::Cursor::new(text.clone()), text.len() as u64);
        drop(content.supply().unwrap());
        assert!(!content.is_spent(), "nobody took a byte");
        let all = pieces(&content).unwrap();
        assert_eq!(all.iter().map(Bytes::len).collect::<Vec<_>>(), [PIECE, 1]);
        assert_eq!(all.concat(), text);
        assert!(content.is_spent());
        let error = content.supply().err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Local);
    }

    #[test]
    fn the_last_piece_stays_behind_when_the_size_is_wrong() {
        for (said, sent) in [(3, 0), (5, 4), (4, 0), (0, 0)] {
            let content = Content::reader(&b"four"[..], said);
            let Supplied::Once(mut supply) = content.supply().unwrap() else { panic!("bytes") };
            let mut cx = Context::from_waker(Waker::noop());
            let mut seen = 0;
            let error = loop {
                match supply.poll_piece(&mut cx) {
                    Poll::Ready(Some(Ok(piece))) => seen += piece.len(),
                    Poll::Ready(Some(Err(e))) => break Some(e),
                    _ => break None,
                }
            };
            match said {
                4 => assert_eq!((seen, error.is_none()), (4, true)),
                0 => assert!(
                    crate::wire::block_on(Content::reader(&b"x"[..], 0).prove_empty()).is_err()
                ),
                _ => {
                    assert_eq!((seen, error.unwrap().kind()), (sent, ErrorKind::Local));
                    drop(supply);
                    assert!(content.is_spent());
                }
            }
        }
    }

    #[test]
    fn a_reader_that_fails_says_so() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is gone"))
            }
        }
        let error = pieces(&Content::reader(Broken, 10)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Local);
        assert!(std::error::Error::source(&error).unwrap().to_string().contains("disk is gone"));
    }
}
