//! Opening connections: name, TCP, proxy, TLS, HTTP.

use std::fmt;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderValue;

use super::connection::Connection;
use super::drive::{Drive, TimedOut};
use super::resolve::{Epoch, Names};
use super::stream::{Plain, Transport};
use super::tcp::Socket;
use super::terms::Terms;
use super::tls::Tls;
use super::{Origin, alarm, proxy, race};
use crate::call::Trust;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::settings::{Proxies, Proxy, Settings};

/// Opens the connections of one driver.
pub(crate) struct Dialer {
    tls: Tls,
    names: Names,
    proxies: Proxies,
    agent: HeaderValue,
    connect_timeout: Duration,
    lifetime: Duration,
    own_reactor: bool,
}

/// How an origin is reached: always the same way, as long as the driver lives.
struct Way<'a> {
    origin: &'a Origin,
    proxy: Option<&'a Proxy>,
}

impl Dialer {
    pub(crate) fn new(trust: &Trust, settings: &Settings) -> Result<Self> {
        Ok(Self {
            tls: Tls::new(trust, settings.min_tls)?,
            names: Names::new(),
            proxies: settings.proxies.clone(),
            agent: settings.user_agent.clone(),
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
        self.way(origin).map_or_else(|unusable| unusable, |way| way.slow())
    }

    /// Opens a connection to `origin`. It has the connect time-out for it, whoever waits.
    pub(crate) async fn dial(&self, origin: &Origin) -> Result<Connection> {
        let deadline = Instant::now() + self.connect_timeout;
        let way = self.way(origin)?;
        let socket = self.connect(&way, deadline).await?;
        socket.begin(Terms::until(deadline), None);
        let mut plain = Plain(Arc::clone(&socket));
        let mut opening = pin!(async {
            if let Some(proxy) = way.proxy {
                proxy::open(&mut plain, proxy, origin, &self.agent).await?;
            }
            match origin.tls {
                true => self.tls.wrap(&origin.host, plain).await,
                false => Ok(Transport::Plain(plain)),
            }
        });
        let mut drive = Drive::new(self.own_reactor);
        let opened = drive.run(&socket, |cx| opening.as_mut().poll(cx)).await;
        let transport = opened.unwrap_or_else(|TimedOut| Err(way.slow()))?;
        // Connections that were opened together shall not all end together.
        let lifetime = self.lifetime.mul_f64(0.9 + 0.1 * fastrand::f64());
        Connection::over(socket, transport, drive, lifetime)
            .await
            .map_err(|e| way.failed(io::Error::other(e)))
    }

    /// Returns the counter that tells connections to where the host was from those to where it is:
    /// one that was opened at another count than the present one should be used no more.
    ///
    /// The counter stays the same one; whoever looks often keeps it.
    pub(crate) fn epoch(&self, origin: &Origin) -> Epoch {
        match self.way(origin) {
            Ok(way) => self.names.host(way.next().0).epoch(),
            Err(_) => Epoch::default(),
        }
    }

    fn way<'a>(&'a self, origin: &'a Origin) -> Result<Way<'a>> {
        let proxy = self.proxies.find(origin.tls, &origin.host, origin.port)?;
        Ok(Way { origin, proxy })
    }

    async fn connect(&self, way: &Way<'_>, deadline: Instant) -> Result<Arc<Socket>> {
        let (name, port) = way.next();
        let host = self.names.host(name);
        let resolving = self.names.addresses(&host, port);
        let addresses = alarm::timeout_at(deadline, self.own_reactor, resolving)
            .await
            .ok_or_else(|| way.slow())?
            .map_err(|e| {
                let check = way.proxy.map_or("the name", |proxy| &proxy.setting);
                let text = format!("cannot find the address of {name:?}; check {check}");
                Error::new(ErrorKind::Connection, text).with_source(e)
            })?;
        race::connect(&addresses, deadline, self.own_reactor).await.map_err(|e| {
            host.doubt();
            way.failed(e)
        })
    }
}

impl Way<'_> {
    /// Returns the host and the port that a socket is opened to.
    fn next(&self) -> (&str, u16) {
        match self.proxy {
            Some(proxy) => (&proxy.host, proxy.port),
            None => (&self.origin.host, self.origin.port),
        }
    }

    fn failed(&self, e: io::Error) -> Error {
        if e.kind() == io::ErrorKind::TimedOut {
            return self.slow().with_source(e);
        }
        let text = match self.proxy {
            Some(proxy) => format!(
                "cannot connect to the proxy {proxy} on the way to {}; check {} and that it is \
                 served",
                self.origin, proxy.setting
            ),
            None => {
                format!("cannot connect to {self}; check the address and that it is served")
            }
        };
        Error::new(ErrorKind::Connection, text).with_source(e)
    }

    fn slow(&self) -> Error {
        let text = format!("connecting to {self} took too long; is it reachable from here?");
        Error::new(ErrorKind::Timeout(Phase::Connect), text)
    }
}

impl fmt::Display for Way<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.origin)?;
        match self.proxy {
            Some(proxy) => write!(f, " through the proxy {proxy}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_one_epoch_and_shares_it_with_those_who_go_by_the_same_proxy() {
        let origin = |host: &str| Origin { tls: false, host: host.into(), port: 80 };
        let [a, b] = ["a.example", "b.example"].map(origin);
        let dialer = |settings: &Settings| Dialer::new(&Trust::default(), settings).unwrap();
        let same = |one: Epoch, other: Epoch| one.is_same(&other);

        let direct = dialer(&Settings::new());
        assert!(same(direct.epoch(&a), direct.epoch(&a)));
        assert!(!same(direct.epoch(&a), direct.epoch(&b)));
        let proxied = dialer(&Settings::new().proxy("http://proxy.example:1").unwrap());
        assert!(same(proxied.epoch(&a), proxied.epoch(&b)));
        assert_eq!(proxied.epoch(&a).now(), 0);
    }
}
