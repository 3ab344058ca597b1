//! hyper's sender, with the answer it is waiting for.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::SendRequest;
use pin_project_lite::pin_project;

use super::payload::Payload;

/// Sends requests and waits for their answers, one at a time.
///
/// The future of an answer lives here and not with the caller: one who is cancelled leaves it behind,
/// and the connection can be read to the answer's end and used again. hyper closes it otherwise.
pub(super) trait Ask: Send {
    fn begin(self: Pin<&mut Self>, request: Request<Payload>);

    /// Waits for the answer to what was begun last.
    fn poll_answer(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer>;

    /// Tells whether the next request can go out.
    fn is_ready(&self) -> bool;
}

pub(super) type Answer = Result<Response<Incoming>, Unanswered>;

/// Why there is no answer.
pub(super) struct Unanswered {
    pub(super) error: hyper::Error,
    /// hyper gave the request back: not a byte of it went out.
    pub(super) unsent: bool,
}

/// Keeps hyper's sender. All the futures of its answers take turns in one place in memory.
pub(super) fn ask(sender: SendRequest<Payload>) -> Pin<Box<dyn Ask>> {
    Box::pin(Sender { sender, send: SendRequest::try_send_request, answer: None })
}

pin_project! {
    struct Sender<S, F> {
        sender: SendRequest<Payload>,
        // hyper's futures have no name: this is what makes them.
        send: S,
        #[pin]
        answer: Option<F>,
    }
}

impl<S, F> Ask for Sender<S, F>
where
    S: FnMut(&mut SendRequest<Payload>, Request<Payload>) -> F + Send,
    F: Future<Output = Result<Response<Incoming>, TrySendError<Request<Payload>>>> + Send,
{
    fn begin(self: Pin<&mut Self>, request: Request<Payload>) {
        let mut this = self.project();
        let answer = (this.send)(this.sender, request);
        this.answer.set(Some(answer));
    }

    fn poll_answer(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        let mut this = self.project();
        let waiting = this.answer.as_mut().as_pin_mut().expect("a request was begun");
        let answer = ready!(waiting.poll(cx));
        this.answer.set(None);
        Poll::Ready(answer.map_err(|mut e| {
            let unsent = e.take_message().is_some();
            Unanswered { error: e.into_error(), unsent }
        }))
    }

    fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }
}
