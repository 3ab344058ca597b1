//! Setting a node up over SSH: what to do there, and who does it.
//!
//! The conversation runs on a thread of its own with a small runtime of its own, so that it can be
//! waited for from any thread and any executor. It goes straight to the node: no proxy is asked.

mod crew;
mod ssh;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::call::Secret;
use crate::service::node::Node;

pub(crate) use self::crew::Crew;

/// What is done on a node over SSH: who logs in, and the steps in their order.
///
/// The way to the node is straight, whatever proxy is set for the cloud.
///
/// ```
/// use welkin::Deployment;
///
/// let setup = Deployment::as_user("ubuntu")
///     .private_key_file("/home/me/.ssh/id_ed25519")
///     .authorize("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl you")
///     .file("/srv/app.conf", "/tmp/app.conf")
///     .script("#!/bin/sh\nset -e\nsudo install -m 644 /tmp/app.conf /etc/app.conf\n");
/// ```
#[derive(Clone)]
#[must_use = "a deployment does nothing until a node is deployed with it"]
pub struct Deployment {
    user: String,
    port: u16,
    login: Vec<Login>,
    host_key: Option<String>,
    is_private: bool,
    steps: Vec<Step>,
    reachable_within: Duration,
    step_timeout: Duration,
    tries: u32,
}

/// What a user shows to be let in.
#[derive(Clone)]
enum Login {
    Key(Secret),
    KeyFile(PathBuf),
    Password(Secret),
}

#[derive(Clone)]
enum Step {
    Authorize(String),
    File { from: PathBuf, to: String },
    Script(Secret),
}

impl Deployment {
    /// Begins a deployment as that user of the node.
    pub fn as_user(user: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            port: 22,
            login: Vec::new(),
            host_key: None,
            is_private: false,
            steps: Vec::new(),
            reachable_within: REACHABLE_WITHIN,
            step_timeout: STEP_TIMEOUT,
            tries: 1,
        }
    }

    /// Logs in with a private key in PEM: Ed25519 or ECDSA, without a passphrase. RSA keys are not taken
    /// ([why](crate::manual::decisions::no_rsa_over_ssh)), which are what most clouds make of
    /// themselves: import a key pair of your own.
    ///
    /// Of several keys and passwords the first that the node takes is used.
    pub fn private_key(mut self, pem: impl Into<String>) -> Self {
        self.login.push(Login::Key(Secret::new(pem)));
        self
    }

    /// Logs in with a private key from a file; see [`private_key`](Deployment::private_key).
    pub fn private_key_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.login.push(Login::KeyFile(path.into()));
        self
    }

    /// Logs in with a password.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.login.push(Login::Password(Secret::new(password)));
        self
    }

    /// Sets the port of the node's SSH server; 22 by default.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Takes no node for the right one but that with this public host key, as `known_hosts` has it.
    ///
    /// A new node mostly makes its own, which nobody knows yet: by default any is taken, and
    /// [`Deployed::host_key`] tells which it was. User data can give a node a key that you know.
    pub fn host_key(mut self, public_key: impl Into<String>) -> Self {
        self.host_key = Some(public_key.into());
        self
    }

    /// Goes to the node's private addresses, from inside of its network.
    pub fn over_private_address(mut self) -> Self {
        self.is_private = true;
        self
    }

    /// Step: lets the owner of one more public key in, unless it is in already.
    pub fn authorize(mut self, public_key: impl Into<String>) -> Self {
        self.steps.push(Step::Authorize(public_key.into()));
        self
    }

    /// Step: copies a file of this machine to a path on the node, where it replaces what was there as
    /// a whole. What a user may not write, a script may move with `sudo`.
    pub fn file(mut self, from: impl Into<PathBuf>, to: impl Into<String>) -> Self {
        self.steps.push(Step::File { from: from.into(), to: to.into() });
        self
    }

    /// Step: runs a script on the node. Its first line names who reads it, such as `#!/bin/sh`.
    ///
    /// It has no terminal and no input, and has failed if it ends with a status other than 0.
    pub fn script(mut self, text: impl Into<String>) -> Self {
        self.steps.push(Step::Script(Secret::new(text)));
        self
    }

    /// Sets for how long the node may not answer to SSH once it runs; 5 minutes by default.
    ///
    /// A node that answers and refuses the login is asked again for a minute: it may not have been
    /// given its keys yet.
    pub fn reachable_within(mut self, limit: Duration) -> Self {
        self.reachable_within = limit;
        self
    }

    /// Sets how long each try of a step may take; 10 minutes by default.
    pub fn step_timeout(mut self, limit: Duration) -> Self {
        self.step_timeout = limit;
        self
    }

    /// Sets how often a step that fails is tried in all; once by default, and once at least.
    ///
    /// For scripts that may run again where they, or the connection, ended half-way.
    pub fn tries(mut self, times: u32) -> Self {
        self.tries = times.max(1);
        self
    }
}

/// A node that was set up.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Deployed {
    /// The node, as it was when it ran and had an address.
    pub node: Node,
    /// The public host key that it showed, as `known_hosts` has it.
    pub host_key: String,
    /// What each step said, in their order.
    pub outputs: Vec<Output>,
}

/// What a step said: the last 64 KiB of each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Output {
    /// Its standard output; what is no UTF-8 is replaced.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl fmt::Debug for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<_> = self.steps.iter().map(Step::to_string).collect();
        f.debug_struct("Deployment")
            .field("user", &self.user)
            .field("port", &self.port)
            .field("steps", &steps)
            .finish_non_exhaustive()
    }
}

/// Names it in messages. A script may hold secrets.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorize(_) => f.write_str("authorize a key"),
            Self::File { from, to } => write!(f, "copy {} to {to:?}", from.display()),
            Self::Script(_) => f.write_str("run a script"),
        }
    }
}

const REACHABLE_WITHIN: Duration = Duration::from_secs(300);
const STEP_TIMEOUT: Duration = Duration::from_secs(600);
