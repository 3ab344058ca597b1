//! The body of a request, as hyper asks for it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::call::{Content, Supplied};
use crate::error::{Error, Result};

/// The body of a request: one piece, many, or none.
pub(crate) struct Payload {
    supplied: Supplied,
    /// A piece was taken, and nobody has looked at the connection since.
    gave: bool,
}

impl Payload {
    pub(crate) fn of(content: &Content) -> Result<Self> {
        Ok(Self { supplied: content.supply()?, gave: false })
    }

    /// Tells, while it is being sent, whether its source is waited for and not the peer.
    pub(super) fn waits(&self) -> Option<Arc<AtomicBool>> {
        match &self.supplied {
            Supplied::Bytes(_) => None,
            Supplied::Once(supply) => Some(supply.waits()),
        }
    }

    fn left(&self) -> u64 {
        match &self.supplied {
            Supplied::Bytes(bytes) => bytes.len() as u64,
            Supplied::Once(supply) => supply.left(),
        }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>>>> {
        let Self { supplied, gave } = self.get_mut();
        match supplied {
            Supplied::Bytes(bytes) => {
                let data = std::mem::take(bytes);
                Poll::Ready((!data.is_empty()).then(|| Ok(Frame::data(data))))
            }
            // hyper would take many pieces before it sends the first, or hears of a refusal.
            Supplied::Once(_) if std::mem::take(gave) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Supplied::Once(supply) => {
                let piece = supply.poll_piece(cx).map_ok(Frame::data);
                *gave = matches!(piece, Poll::Ready(Some(Ok(_))));
                piece
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left())
    }
}
