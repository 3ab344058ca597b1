//! Settings of the embedded cloud, and its start.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::Sim;
use super::cloud::{Cloud, Pace, Settings};
use super::{server, tls};

/// Connections the kernel holds for the server before it has accepted them.
const BACKLOG: u32 = 1024;

/// Settings of a [`Sim`]; made by [`Sim::builder`].
///
/// ```
/// use std::time::Duration;
/// use welkin::sim::Sim;
///
/// let sim = Sim::builder()
///     .tls(true)
///     .token_lifetime(Duration::from_secs(60))
///     .page_size(20)
///     .regions(["RegionOne", "RegionTwo"])
///     .start()?;
/// assert!(sim.base_url().starts_with("https://"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until `start`"]
pub struct Builder {
    settings: Settings,
    pace: Pace,
    port: u16,
    public_url: Option<String>,
    tls: bool,
    seed: Option<u64>,
}

impl Builder {
    pub(super) fn new() -> Builder {
        Builder {
            settings: Settings::default(),
            pace: Pace::default(),
            port: 0,
            public_url: None,
            tls: false,
            seed: None,
        }
    }

    /// How long a login takes; 50 ms by default, may be zero.
    pub fn login_delay(mut self, delay: Duration) -> Builder {
        self.pace.login_delay = delay;
        self
    }

    /// How long a request takes that is neither a login nor a create; 20 ms by default, may be
    /// zero.
    pub fn read_delay(mut self, delay: Duration) -> Builder {
        self.pace.read_delay = delay;
        self
    }

    /// How long the answer to `POST /servers` takes; 200 ms by default, may be zero.
    ///
    /// The server exists from the moment the request has arrived, also if the caller hangs up
    /// before the answer.
    pub fn create_delay(mut self, delay: Duration) -> Builder {
        self.pace.create_delay = delay;
        self
    }

    /// How long a server that was ordered is seen by no request, as in a cloud that takes its time to
    /// write the order down; zero by default. [`Sim::servers`] tells it at once.
    pub fn hidden_time(mut self, time: Duration) -> Builder {
        self.pace.hidden_time = time;
        self
    }

    /// How long a server is in `BUILD` after its create was answered; 1 s by default, may be
    /// zero.
    pub fn boot_time(mut self, time: Duration) -> Builder {
        self.pace.boot_time = time;
        self
    }

    /// How long a server takes to reboot, stop or start; 500 ms by default, may be zero.
    pub fn action_time(mut self, time: Duration) -> Builder {
        self.pace.action_time = time;
        self
    }

    /// How long it takes to make, attach, detach or delete a volume; 500 ms by default, may be zero.
    pub fn volume_time(mut self, time: Duration) -> Builder {
        self.pace.volume_time = time;
        self
    }

    /// How long a deleted server is still seen, with the task state `deleting`; zero by default.
    pub fn delete_time(mut self, time: Duration) -> Builder {
        self.pace.delete_time = time;
        self
    }

    /// How long a token lives; 1 hour by default. Parts of a microsecond are dropped.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Builder {
        self.pace.token_lifetime = lifetime;
        self
    }

    /// The most entries one page of a list has, 1000 by default and at least 1.
    pub fn page_size(mut self, entries: usize) -> Builder {
        self.settings.page_size = entries.max(1);
        self
    }

    /// Closes connections on which nothing happened for this long; by default none is closed.
    pub fn idle_close(mut self, after: Duration) -> Builder {
        self.settings.idle_close = Some(after);
        self
    }

    /// The port to listen on; 0, the default, takes a free one.
    pub fn port(mut self, port: u16) -> Builder {
        self.port = port;
        self
    }

    /// Where clients reach it when something stands before it, such as a proxy: what the catalog and
    /// links name, as in `https://127.0.0.1:8443`, and [`Sim::base_url`]. By default where it listens.
    pub fn public_url(mut self, url: impl Into<String>) -> Builder {
        self.public_url = Some(url.into());
        self
    }

    /// Whether to serve HTTPS, with a certificate for `127.0.0.1` and `localhost` by a CA made
    /// at the start ([`Sim::ca_pem`]); off by default.
    pub fn tls(mut self, on: bool) -> Builder {
        self.tls = on;
        self
    }

    /// How many servers there may be; 1000 by default. The next is refused with Nova's 403.
    pub fn quota(mut self, servers: usize) -> Builder {
        self.settings.quota = servers;
        self
    }

    /// How many volumes there may be; 1000 by default. The next is refused with Cinder's 413, and a
    /// server that would need it with Nova's 403.
    pub fn volume_quota(mut self, volumes: usize) -> Builder {
        self.settings.volume_quota = volumes;
        self
    }

    /// The user's name; `demo` by default.
    pub fn user(mut self, name: impl Into<String>) -> Builder {
        self.settings.user = name.into();
        self
    }

    /// The user's password; `secret` by default.
    pub fn password(mut self, password: impl Into<String>) -> Builder {
        self.settings.password = password.into();
        self
    }

    /// The project's name; `demo` by default.
    pub fn project(mut self, name: impl Into<String>) -> Builder {
        self.settings.project = name.into();
        self
    }

    /// The name of the domain of user and project, `Default` by default; its id is `default`.
    pub fn domain(mut self, name: impl Into<String>) -> Builder {
        self.settings.domain = name.into();
        self
    }

    /// The regions in the catalog; `RegionOne` by default. All point to the same endpoints and
    /// see the same servers.
    pub fn regions(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Builder {
        self.settings.regions = names.into_iter().map(Into::into).collect();
        self
    }

    /// Leaves a service type (`identity`, `compute`, `image`, `network`, `block-storage` or
    /// `volumev3`) out of the catalog. Can be called several times.
    pub fn without_service(mut self, service_type: impl Into<String>) -> Builder {
        self.settings.left_out.push(service_type.into());
        self
    }

    /// Makes ids and tokens the same in every run that sends the same requests; random by
    /// default. Two clouds with the same seed also issue the same tokens.
    pub fn seed(mut self, seed: u64) -> Builder {
        self.seed = Some(seed);
        self
    }

    /// Starts the cloud; it answers when this returns.
    ///
    /// # Errors
    /// When the port cannot be opened, no certificate can be made, or the thread cannot be
    /// started.
    pub fn start(self) -> io::Result<Sim> {
        let (report, reported) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("welkin-sim".into())
            .spawn(move || self.run(&report, stopped))?;
        let started = reported.recv().unwrap_or_else(|ended| Err(io::Error::other(ended)))?;
        Ok(Sim {
            auth_url: format!("{}/identity/v3", started.cloud.settings.base_url),
            cloud: started.cloud,
            addr: started.addr,
            ca_pem: started.ca_pem,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The cloud's thread. The runtime is made and dropped here, because the caller's thread may
    /// belong to another runtime, which forbids dropping one there.
    fn run(self, report: &mpsc::Sender<io::Result<Started>>, stopped: oneshot::Receiver<()>) {
        let opened = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .and_then(|runtime| Ok((runtime.block_on(self.open())?, runtime)));
        let ((started, listener, acceptor), runtime) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                // Whoever started this waits for the report, unless it has panicked.
                let _ = report.send(Err(error));
                return;
            }
        };
        runtime.spawn(server::accept(listener, acceptor, Arc::clone(&started.cloud)));
        let _ = report.send(Ok(started));
        // The sender is never used, only dropped: either way it is time to stop.
        let _ = runtime.block_on(stopped);
        // Dropping the runtime drops every task, and with them every socket.
    }

    async fn open(self) -> io::Result<(Started, TcpListener, Option<TlsAcceptor>)> {
        let socket = TcpSocket::new_v4()?;
        // A fixed port can be opened again while old connections are in TIME_WAIT.
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)))?;
        let listener = socket.listen(BACKLOG)?;
        let addr = listener.local_addr()?;

        let (scheme, acceptor, ca_pem) = if self.tls {
            let identity = tls::Identity::generate().map_err(io::Error::other)?;
            ("https", Some(identity.acceptor), Some(identity.ca_pem))
        } else {
            ("http", None, None)
        };

        let mut settings = self.settings;
        settings.base_url = self.public_url.unwrap_or_else(|| format!("{scheme}://{addr}"));
        let rng = self.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        let cloud = Arc::new(Cloud::new(settings, self.pace, rng));
        Ok((Started { cloud, addr, ca_pem }, listener, acceptor))
    }
}

/// Without the password: whoever plays with one may use a real one.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Builder { settings, pace, port, public_url, tls, seed } = self;
        let Settings { user, project, page_size, quota, .. } = settings;
        f.debug_struct("Builder")
            .field("user", user)
            .field("project", project)
            .field("page_size", page_size)
            .field("quota", quota)
            .field("pace", pace)
            .field("port", port)
            .field("public_url", public_url)
            .field("tls", tls)
            .field("seed", seed)
            .finish_non_exhaustive()
    }
}

/// What the cloud's thread tells when it is ready.
struct Started {
    cloud: Arc<Cloud>,
    addr: SocketAddr,
    ca_pem: Option<String>,
}
