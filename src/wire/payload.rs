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
pub(crate) struct Payload(Supplied);

impl Payload {
    pub(crate) fn of(content: &Content) -> Result<Self> {
        content.supply().map(Self)
    }

    /// Tells, while it is being sent, whether its source is waited for and not the peer.
    pub(super) fn waits(&self) -> Option<Arc<AtomicBool>> {
        match &self.0 {
            Supplied::Bytes(_) => None,
            Supplied::Once(supply) => Some(supply.waits()),
        }
    }

    fn left(&self) -> u64 {
        match &self.0 {
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
        match &mut self.get_mut().0 {
            Supplied::Bytes(bytes) => {
                let data = std::mem::take(bytes);
                Poll::Ready((!data.is_empty()).then(|| Ok(Frame::data(data))))
            }
            Supplied::Once(supply) => supply.poll_piece(cx).map_ok(Frame::data),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left())
    }
}
