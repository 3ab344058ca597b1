//! The body of an answer that its reader takes piece by piece.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http::response::Parts;
use http::{HeaderValue, StatusCode};

use super::pool::Lease;
use crate::call::request_id;
use crate::error::{Error, Result};

/// A body with the connection it comes from, which goes back to the pool at the body's end and is
/// closed if the body is dropped before.
pub(super) struct Body {
    lease: Option<Lease>,
    status: StatusCode,
    request_id: Option<HeaderValue>,
    /// The reader has a piece, and takes its time with it.
    paused: bool,
}

impl Body {
    pub(super) fn new(lease: Lease, head: &Parts) -> Self {
        let request_id = request_id(&head.headers);
        Self { lease: Some(lease), status: head.status, request_id, paused: true }
    }
}

impl Stream for Body {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let paused = std::mem::take(&mut self.paused);
        let Some(lease) = &mut self.lease else {
            return Poll::Ready(None);
        };
        let connection = lease.connection();
        if paused {
            connection.resume();
        }
        let piece = ready!(connection.poll_piece(cx));
        self.paused = true;
        if !matches!(piece, Some(Ok(_))) {
            self.lease = None;
        }
        Poll::Ready(piece.map(|piece| piece.map_err(|e| named(e, self.status, &self.request_id))))
    }
}

/// Says which answer it was that broke off.
pub(super) fn named(error: Error, status: StatusCode, id: &Option<HeaderValue>) -> Error {
    error.with_status(status).answered_as(id.clone())
}
