//! Opening connections: name, TCP, TLS, HTTP.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::drive::{Drive, TimedOut};
use super::stream::{Plain, Transport};
use super::tcp::Socket;
use super::terms::Terms;
use super::tls::Tls;
use super::{Origin, alarm, resolve};
use crate::call::Trust;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::settings::Settings;

/// Opens the connections of one driver.
pub(crate) struct Dialer {
    tls: Tls,
    connect_timeout: Duration,
    lifetime: Duration,
    own_reactor: bool,
}

impl Dialer {
    pub(crate) fn new(trust: &Trust, settings: &Settings) -> Result<Self> {
        Ok(Self {
            tls: Tls::new(trust)?,
            connect_timeout: settings.connect_timeout,
            lifetime: settings.lifetime,
            own_reactor: settings.own_reactor,
        })
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// Says that a caller had no more time for it.
    pub(crate) fn too_slow(&self, origin: &Origin) -> Error {
        slow_connect(origin)
    }

    /// Opens a connection to `origin`. It has the connect time-out for it, whoever waits.
    pub(crate) async fn dial(&self, origin: &Origin) -> Result<Connection> {
        let deadline = Instant::now() + self.connect_timeout;
        let socket = self.connect(origin, deadline).await?;
        socket.begin(Terms::until(deadline), None);
        let mut drive = Drive::new(self.own_reactor);
        let plain = Plain(Arc::clone(&socket));
        let transport = if origin.tls {
            let mut wrapped = pin!(self.tls.wrap(&origin.host, plain));
            drive
                .run(&socket, |cx| wrapped.as_mut().poll(cx))
                .await
                .unwrap_or_else(|TimedOut| Err(slow_connect(origin)))?
        } else {
            Transport::Plain(plain)
        };
        // Connections that were opened together shall not all end together.
        let lifetime = self.lifetime.mul_f64(0.9 + 0.1 * fastrand::f64());
        Connection::over(socket, transport, drive, lifetime)
            .await
            .map_err(|e| failed(origin, io::Error::other(e)))
    }

    async fn connect(&self, origin: &Origin, deadline: Instant) -> Result<Arc<Socket>> {
        let resolving = resolve::resolve(&origin.host, origin.port);
        let addresses = alarm::timeout_at(deadline, self.own_reactor, resolving)
            .await
            .ok_or_else(|| slow_connect(origin))?
            .map_err(|e| {
                let text = format!("cannot find the address of {:?}; check the name", origin.host);
                Error::new(ErrorKind::Connection, text).with_source(e)
            })?;
        let mut socket = Err(io::ErrorKind::NotFound.into());
        for (i, address) in addresses.iter().enumerate() {
            // Each address gets its share of the time left, so that a dead first one costs no more.
            let now = Instant::now();
            let share = deadline.saturating_duration_since(now) / (addresses.len() - i) as u32;
            socket = Socket::connect(*address, now + share, self.own_reactor).await;
            if socket.is_ok() {
                break;
            }
        }
        socket.map_err(|e| failed(origin, e))
    }
}

fn failed(origin: &Origin, e: io::Error) -> Error {
    if e.kind() == io::ErrorKind::TimedOut {
        return slow_connect(origin);
    }
    let text = format!("cannot connect to {origin}; check the address and that it is served");
    Error::new(ErrorKind::Connection, text).with_source(e)
}

fn slow_connect(origin: &Origin) -> Error {
    let text = format!("connecting to {origin} took too long; is it reachable from here?");
    Error::new(ErrorKind::Timeout(Phase::Connect), text)
}
