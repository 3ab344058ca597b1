//! The accept loop, and one connection from its first byte to its end.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWrite;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::cloud::Cloud;
use super::handle::handle;
use super::line::{Ending, Line};
use super::stats::OpenConnection;
use super::stream::{Stream, Transport};

/// A client that does not finish its handshake is let go.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Nor does the server wait long for a client to take its last bytes.
const FAREWELL: Duration = Duration::from_secs(1);
/// After a failed accept (no file descriptors left), some connections may end first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

pub(super) async fn accept(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    cloud: Arc<Cloud>,
) {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                let counted = OpenConnection::count(Arc::clone(&cloud));
                tokio::spawn(serve(socket, acceptor.clone(), Arc::clone(&cloud), counted));
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn serve(
    socket: TcpStream,
    acceptor: Option<TlsAcceptor>,
    cloud: Arc<Cloud>,
    _counted: OpenConnection,
) {
    // Without it a small answer may wait for the client's delayed ACK. It can only fail on a
    // socket that is already dead, and then reading fails next.
    let _ = socket.set_nodelay(true);
    let transport = match acceptor {
        None => Transport::Plain(socket),
        Some(acceptor) => match timeout(HANDSHAKE, acceptor.accept(socket)).await {
            Ok(Ok(stream)) => Transport::Tls(Box::new(stream)),
            Ok(Err(_)) | Err(_) => return,
        },
    };

    let line = Arc::new(Line::default());
    let stream = Stream::new(transport, Arc::clone(&line));
    let mut idle = cloud.settings.idle_close.map(IdleClock::new);
    let service = service_fn({
        let line = Arc::clone(&line);
        move |request| handle(Arc::clone(&cloud), Arc::clone(&line), request)
    });
    // Half-closing is allowed because a request that has arrived is handled, also if its caller has
    // hung up since: otherwise a create would be done or not as the bytes happen to come in.
    let mut connection = http1::Builder::new()
        .half_close(true)
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service);

    // The requests' futures are polled inside the connection's, so whatever they decide about
    // its end is known when this poll returns.
    let ending = poll_fn(|cx| {
        let finished = Pin::new(&mut connection).poll(cx).is_ready();
        if let Some(ending) = line.ending() {
            return Poll::Ready(Some(ending));
        }
        if finished {
            return Poll::Ready(None);
        }
        match &mut idle {
            Some(clock) => clock.poll_expired(&line, cx).map(|()| Some(Ending::Close)),
            None => Poll::Pending,
        }
    })
    .await;

    if let Some(ending) = ending {
        end(connection.into_parts().io.into_inner(), ending).await;
    }
}

/// Ends a connection on the server's initiative.
async fn end(mut stream: Stream, ending: Ending) {
    match ending {
        Ending::Reset => {
            // Closing a socket that lingers for no time sends RST instead of FIN.
            let _ = stream.socket().set_zero_linger();
        }
        Ending::Close => {
            let farewell = poll_fn(|cx| Pin::new(&mut stream).poll_shutdown(cx));
            let _ = timeout(FAREWELL, farewell).await;
        }
        Ending::Cut => {}
    }
}

/// Measures how long nothing has happened on a connection.
struct IdleClock {
    limit: Duration,
    timer: Pin<Box<Sleep>>,
    /// How many requests had been served when the timer was set.
    set_after: Option<u64>,
}

impl IdleClock {
    fn new(limit: Duration) -> IdleClock {
        IdleClock {
            limit,
            timer: Box::pin(sleep(limit)),
            set_after: None,
        }
    }

    fn poll_expired(&mut self, line: &Line, cx: &mut Context<'_>) -> Poll<()> {
        if !line.is_idle() {
            self.set_after = None;
            return Poll::Pending;
        }
        if self.set_after != Some(line.served()) {
            self.set_after = Some(line.served());
            self.timer.as_mut().reset(Instant::now() + self.limit);
        }
        self.timer.as_mut().poll(cx)
    }
}
