//! The accept loop, and one connection from its first byte to its end.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::HandshakeKind;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::cloud::Cloud;
use super::handle::handle;
use super::line::Line;
use super::script::{Script, farewell};
use super::stats::OpenConnection;
use super::stream::{Stream, Transport};

/// A client that does not finish its handshake is let go.
const HANDSHAKE: Duration = Duration::from_secs(10);
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

    if let Transport::Tls(stream) = &transport
        && stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed)
    {
        cloud.counts.tls_resumption();
    }

    let line = Arc::new(Line::default());
    let mut stream = Stream::new(transport, Arc::clone(&line));
    let mut idle = cloud.settings.idle_close.map(IdleClock::new);
    loop {
        let service = service_fn(|request| handle(Arc::clone(&cloud), Arc::clone(&line), request));
        // Half-closing is allowed because a request that has arrived is handled, also if its caller
        // has hung up since: otherwise a create would be done or not as the bytes happen to come in.
        let mut connection = http1::Builder::new()
            .half_close(true)
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), service);

        // The requests' futures are polled inside the connection's, so whatever they decide about
        // its further course is known when this poll returns.
        let turn = poll_fn(|cx| {
            let finished = Pin::new(&mut connection).poll(cx).is_ready();
            if let Some(script) = line.script() {
                return Poll::Ready(Turn::Script(script));
            }
            if finished {
                return Poll::Ready(Turn::Finished);
            }
            match &mut idle {
                Some(clock) => clock.poll_expired(&line, cx).map(|()| Turn::Idle),
                None => Poll::Pending,
            }
        })
        .await;

        let parts = connection.into_parts();
        stream = parts.io.into_inner();
        match turn {
            Turn::Finished => return,
            Turn::Idle => return farewell(&mut stream).await,
            Turn::Script(script) => {
                // A request that came before its time has been read already, and is lost.
                let is_over = !matches!(script.play(&mut stream).await, Ok(true));
                if is_over || !parts.read_buf.is_empty() {
                    return;
                }
            }
        }
    }
}

/// Why the library no longer serves a connection.
enum Turn {
    Finished,
    Idle,
    Script(Script),
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
        IdleClock { limit, timer: Box::pin(sleep(limit)), set_after: None }
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
