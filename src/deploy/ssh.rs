//! One SSH connection (RFC 4251 to 4254), and what is run over it.

use std::fmt;
use std::io::Read;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use russh::client::{self, Handle, Handler};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{ChannelMsg, Disconnect, SshId};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Output;
use crate::call::Secret;
use crate::error::{Error, ErrorKind, Phase, Result};

/// What is shown to be let in, read and checked.
pub(super) enum Credential {
    Key(Arc<PrivateKey>),
    Password(Secret),
}

/// A connection that let its user in.
pub(super) struct Ssh {
    handle: Handle<Guard>,
    pub(super) host_key: String,
}

/// Looks at the host key.
struct Guard {
    expected: Option<PublicKey>,
    seen: Arc<Mutex<Option<PublicKey>>>,
}

impl Handler for Guard {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        key: &PublicKeyOrCertificate,
    ) -> Result<bool, russh::Error> {
        let key = key.public_key();
        let is_right =
            self.expected.as_ref().is_none_or(|expected| expected.key_data() == key.key_data());
        *self.seen.lock() = Some(key);
        Ok(is_right)
    }
}

impl Ssh {
    /// Connects to one address and logs in.
    pub(super) async fn connect(
        address: SocketAddr,
        user: &str,
        credentials: &[Credential],
        expected: Option<&PublicKey>,
    ) -> Result<Self> {
        let opened = timeout(CONNECT_TIMEOUT, Self::open(address, expected.cloned()));
        let mut ssh = opened.await.unwrap_or_else(|_| {
            let text = format!("no SSH server answers at {address}");
            Err(Error::new(ErrorKind::Timeout(Phase::Connect), text))
        })?;
        match timeout(CONNECT_TIMEOUT, ssh.log_in(user, credentials)).await {
            Ok(Ok(true)) => Ok(ssh),
            Ok(Ok(false)) => {
                let text = format!(
                    "the node at {address} does not let user {user:?} in with what was given; is \
                     it that image's user, and the node's key pair?"
                );
                Err(Error::new(ErrorKind::Auth, text))
            }
            Ok(Err(error)) => Err(broken(&format!("the login at {address} broke off"), error)),
            Err(_) => {
                let text = format!("the login at {address} takes too long");
                Err(Error::new(ErrorKind::Timeout(Phase::Login), text))
            }
        }
    }

    async fn open(address: SocketAddr, expected: Option<PublicKey>) -> Result<Self> {
        let refused = |error| broken(&format!("no SSH server answers at {address}"), error);
        let stream = TcpStream::connect(address).await.map_err(refused)?;
        let seen = Arc::new(Mutex::new(None));
        let guard = Guard { expected, seen: Arc::clone(&seen) };
        let config = client::Config {
            client_id: SshId::Standard(
                concat!("SSH-2.0-welkin_", env!("CARGO_PKG_VERSION")).into(),
            ),
            keepalive_interval: Some(KEEPALIVE),
            nodelay: true,
            ..Default::default()
        };
        let opened = client::connect_stream(Arc::new(config), stream, guard).await;
        let seen = seen.lock().take();
        let host_key = seen.and_then(|key| key.to_openssh().ok()).unwrap_or_default();
        match opened {
            Ok(handle) => Ok(Self { handle, host_key }),
            Err(russh::Error::UnknownKey) => {
                let text = format!(
                    "the server at {address} has the host key {host_key:?}, which is not the \
                     expected one: it is another machine, or the expected key is old"
                );
                Err(Error::new(ErrorKind::Auth, text).lasting())
            }
            Err(error) => {
                Err(broken(&format!("what answers at {address} is no SSH server"), error))
            }
        }
    }

    async fn log_in(
        &mut self,
        user: &str,
        credentials: &[Credential],
    ) -> Result<bool, russh::Error> {
        for credential in credentials {
            let result = match credential {
                Credential::Key(key) => {
                    let hash = self.handle.best_supported_rsa_hash().await?.flatten();
                    let key = PrivateKeyWithHashAlg::new(Arc::clone(key), hash);
                    self.handle.authenticate_publickey(user, key).await?
                }
                Credential::Password(password) => {
                    self.handle.authenticate_password(user, password.expose()).await?
                }
            };
            if result.success() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Runs a command with that input; its end decides, whether it has read all of it or not.
    pub(super) async fn run(&self, command: &str, input: impl Read) -> Result<Ran> {
        let lost = |error| broken("the connection to the node broke off", error);
        let channel = self.handle.channel_open_session().await.map_err(lost)?;
        channel.exec(true, command).await.map_err(lost)?;
        let (mut from, to) = channel.split();
        let feed = async {
            let mut input = input;
            let mut piece = vec![0; PIECE];
            loop {
                let read = input.read(&mut piece).map_err(|e| {
                    let text = format!("what is sent to the node cannot be read: {e}");
                    Error::new(ErrorKind::Local, text).with_source(e)
                })?;
                if read == 0 {
                    return to.eof().await.map_err(lost);
                }
                to.data_bytes(piece[..read].to_vec()).await.map_err(lost)?;
            }
        };
        let listen = async {
            let mut heard = Heard::default();
            while let Some(message) = from.wait().await {
                heard.take(message);
            }
            heard
        };
        let (mut feed, mut listen) = (pin!(feed), pin!(listen));
        let mut is_fed = false;
        let heard = loop {
            tokio::select! {
                fed = &mut feed, if !is_fed => match fed {
                    Err(error) if error.kind() == ErrorKind::Local => return Err(error),
                    // If the connection broke off, what is heard says so as well.
                    _ => is_fed = true,
                },
                heard = &mut listen => break heard,
            }
        };
        heard.end().ok_or_else(|| {
            let text = "the connection to the node broke off before the step was over";
            Error::new(ErrorKind::Connection, text)
        })
    }

    pub(super) async fn close(self) {
        // The work is done: whether the farewell arrives matters to nobody.
        let _ = self.handle.disconnect(Disconnect::ByApplication, "", "").await;
    }
}

/// How a command ended.
pub(super) struct Ran {
    pub(super) end: End,
    pub(super) output: Output,
}

#[derive(PartialEq, Eq)]
pub(super) enum End {
    Status(u32),
    Signal(String),
    /// The node would not run it.
    Refused,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "ended with status {status}"),
            Self::Signal(name) => write!(f, "was ended by signal {name}"),
            Self::Refused => f.write_str("was refused by the node's SSH server"),
        }
    }
}

#[derive(Default)]
struct Heard {
    stdout: Tail,
    stderr: Tail,
    end: Option<End>,
}

impl Heard {
    fn take(&mut self, message: ChannelMsg) {
        match message {
            ChannelMsg::Data { data } => self.stdout.push(&data),
            ChannelMsg::ExtendedData { data, .. } => self.stderr.push(&data),
            ChannelMsg::ExitStatus { exit_status } => self.end = Some(End::Status(exit_status)),
            ChannelMsg::ExitSignal { signal_name, .. } => {
                self.end = Some(End::Signal(format!("{signal_name:?}")));
            }
            ChannelMsg::Failure | ChannelMsg::OpenFailure(_) => self.end = Some(End::Refused),
            _ => {}
        }
    }

    fn end(self) -> Option<Ran> {
        let output = Output { stdout: self.stdout.text(), stderr: self.stderr.text() };
        Some(Ran { end: self.end?, output })
    }
}

/// The last of what was said.
#[derive(Default)]
struct Tail(Vec<u8>);

impl Tail {
    fn push(&mut self, more: &[u8]) {
        self.0.extend_from_slice(more);
        if self.0.len() > 2 * MOST_KEPT {
            self.0.drain(..self.0.len() - MOST_KEPT);
        }
    }

    fn text(self) -> String {
        String::from_utf8_lossy(&self.0[self.0.len().saturating_sub(MOST_KEPT)..]).into_owned()
    }
}

fn broken(what: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Connection, format!("{what}: {error}")).with_source(error)
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Three without an answer, and the node is gone.
const KEEPALIVE: Duration = Duration::from_secs(20);
const PIECE: usize = 32 * 1024;
const MOST_KEPT: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_of_endless_words_is_kept() {
        let mut tail = Tail::default();
        for i in 0..10_000 {
            tail.push(format!("{i:>100}\n").as_bytes());
        }
        let text = tail.text();
        assert_eq!(text.len(), MOST_KEPT);
        assert!(text.ends_with(" 9999\n"));
    }
}
