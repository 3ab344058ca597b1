//! Carries a deployment out, on a thread of its own.

use std::fs::{self, File};
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use russh::keys::{PublicKey, decode_secret_key};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::ssh::{Credential, End, Ssh};
use super::{Deployed, Deployment, Login, Output, Step};
use crate::call::Secret;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::service::node::Node;
use crate::session::spawn;

/// A deployment whose keys are read and whose files are there: what can be known to fail fails before
/// a node is ordered.
pub(crate) struct Crew {
    what: Deployment,
    credentials: Vec<Credential>,
    host_key: Option<PublicKey>,
}

impl Crew {
    pub(crate) fn ready(what: Deployment) -> Result<Self> {
        if what.login.is_empty() {
            let text = "the deployment has nothing to log in with; give it a private key";
            return Err(Error::invalid(text));
        }
        let credentials = what.login.iter().map(credential).collect::<Result<_>>()?;
        let host_key =
            what.host_key.as_deref().map(|key| public_key(key, "host key")).transpose()?;
        what.steps.iter().try_for_each(check)?;
        Ok(Self { what, credentials, host_key })
    }

    /// Where the node may answer, in the order in which it is tried.
    pub(crate) fn addresses(&self, node: &Node) -> Vec<IpAddr> {
        let mut all = match self.what.is_private {
            true => node.private_ips.clone(),
            // A cloud without public addresses is one that we are inside of.
            false if node.public_ips.is_empty() => node.private_ips.clone(),
            false => node.public_ips.clone(),
        };
        all.sort_by_key(IpAddr::is_ipv6);
        all
    }

    /// Does all the steps on a node that runs.
    pub(crate) async fn deploy(self, node: Node) -> Result<Deployed> {
        let (mut tell, told) = oneshot::channel();
        spawn("welkin-deploy", move || {
            let outcome = match Builder::new_current_thread().enable_io().enable_time().build() {
                Ok(runtime) => runtime.block_on(async {
                    tokio::select! {
                        // Whoever waited has given up.
                        () = tell.closed() => None,
                        outcome = self.work(node) => Some(outcome),
                    }
                }),
                Err(error) => Some(Err(local("there is no room for another reactor", error))),
            };
            if let Some(outcome) = outcome {
                // Given up just now.
                let _ = tell.send(outcome);
            }
        });
        told.await.unwrap_or_else(|_| {
            let text = "no thread could be had to deploy; end some of this process's threads";
            Err(Error::new(ErrorKind::Local, text))
        })
    }

    async fn work(&self, node: Node) -> Result<Deployed> {
        let steps = &self.what.steps;
        let mut ssh = self.reach(&node).await?;
        let mut outputs = Vec::with_capacity(steps.len());
        for (i, step) in (1..).zip(steps) {
            let mut tries = self.what.tries;
            let output = loop {
                let failed = match self.carry_out(&ssh, step).await {
                    Ok(output) => break output,
                    Err(failed) => failed,
                };
                tries -= 1;
                if tries == 0 {
                    let which = format!("step {i} of {} ({step})", steps.len());
                    return Err(failed.beginning_with(&which));
                }
                if failed.kind() != ErrorKind::Failed {
                    // What is still at work on this connection would be in the way.
                    ssh = self.reach(&node).await?;
                }
            };
            outputs.push(output);
        }
        let host_key = ssh.host_key.clone();
        ssh.close().await;
        Ok(Deployed { node, host_key, outputs })
    }

    /// Logs in as soon as the node lets us.
    async fn reach(&self, node: &Node) -> Result<Ssh> {
        let Deployment { user, port, reachable_within, .. } = &self.what;
        let began = Instant::now();
        let mut refused = None;
        loop {
            let mut failed = None;
            for address in self.addresses(node) {
                let address = SocketAddr::new(address, *port);
                let host_key = self.host_key.as_ref();
                match Ssh::connect(address, user, &self.credentials, host_key).await {
                    Ok(ssh) => return Ok(ssh),
                    Err(error) => failed = Some(error),
                }
            }
            let failed = failed.ok_or_else(|| {
                Error::new(ErrorKind::Failed, "it has no address; connect it to a network")
            })?;
            if failed.kind() == ErrorKind::Auth {
                refused.get_or_insert_with(Instant::now);
            }
            let is_refused = refused.is_some_and(|since| since.elapsed() >= KEYS_WITHIN);
            if failed.is_lasting() || is_refused || began.elapsed() >= *reachable_within {
                let after = began.elapsed().as_secs();
                return Err(failed.beginning_with(&format!("no login over SSH in {after} s")));
            }
            sleep(PAUSE).await;
        }
    }

    async fn carry_out(&self, ssh: &Ssh, step: &Step) -> Result<Output> {
        let limit = self.what.step_timeout;
        let ran = match step {
            Step::Authorize(key) => {
                timeout(limit, ssh.run(&shell(AUTHORIZE, key.trim()), io::empty())).await
            }
            Step::File { from, to } => {
                let file = File::open(from).map_err(|e| local(&from.display().to_string(), e))?;
                timeout(limit, ssh.run(&shell(COPY, to), file)).await
            }
            Step::Script(text) => {
                timeout(limit, ssh.run(&shell(RUN, ""), text.expose().as_bytes())).await
            }
        };
        let ran = ran.unwrap_or_else(|_| {
            let text = format!("it is not over after {limit:?} and may still run on the node");
            Err(Error::new(ErrorKind::Timeout(Phase::Answer), text))
        })?;
        if ran.end == End::Status(0) {
            return Ok(ran.output);
        }
        let said = ran.output.stderr.lines().rev().chain(ran.output.stdout.lines().rev());
        let last = said.map(str::trim).find(|line| !line.is_empty()).unwrap_or("it said nothing");
        Err(Error::new(ErrorKind::Failed, format!("it {}: {last}", ran.end)))
    }
}

fn credential(login: &Login) -> Result<Credential> {
    let (pem, whose) = match login {
        Login::Password(password) => return Ok(Credential::Password(password.clone())),
        Login::Key(pem) => (pem.clone(), "the private key".to_owned()),
        Login::KeyFile(path) => {
            let text = fs::read_to_string(path)
                .map_err(|e| local(&format!("{} cannot be read", path.display()), e))?;
            (Secret::new(text), path.display().to_string())
        }
    };
    let is_rsa = pem.expose().contains("-----BEGIN RSA PRIVATE KEY-----");
    match decode_secret_key(pem.expose(), None) {
        Ok(key) if !key.algorithm().is_rsa() => Ok(Credential::Key(Arc::new(key))),
        Err(error) if !is_rsa => Err(unread(&whose, &error)),
        _ => {
            let text = format!("{whose} is an RSA key, which is not taken; import an Ed25519 one");
            Err(Error::new(ErrorKind::Unsupported, text))
        }
    }
}

fn unread(whose: &str, error: &russh::keys::Error) -> Error {
    Error::invalid(match error {
        russh::keys::Error::KeyIsEncrypted => {
            format!("{whose} has a passphrase; give a key without one")
        }
        _ => format!("{whose} is no private key that can be read: {error}"),
    })
}

fn public_key(text: &str, what: &str) -> Result<PublicKey> {
    PublicKey::from_openssh(text.trim()).map_err(|error| {
        let text = format!("the {what} is no public key as \"ssh-ed25519 AAAA…\": {error}");
        Error::invalid(text)
    })
}

fn check(step: &Step) -> Result<()> {
    match step {
        Step::Authorize(key) if key.trim().lines().count() > 1 => {
            Err(Error::invalid("the key to authorize has several lines; give one key a step"))
        }
        Step::Authorize(key) => public_key(key, "key to authorize").map(|_| ()),
        Step::File { to, .. } if to.is_empty() || to.contains('\0') => {
            Err(Error::invalid(format!("{to:?} is no path on the node")))
        }
        Step::File { from, .. } => {
            let mut file = File::open(from)
                .map_err(|e| local(&format!("{} cannot be read", from.display()), e))?;
            // A folder opens, and does not read.
            let read = file.read(&mut [0]);
            read.map_err(|e| local(&format!("{} cannot be read", from.display()), e)).map(|_| ())
        }
        Step::Script(text) if !text.expose().starts_with("#!") => {
            let text = "a script begins with who reads it, as \"#!/bin/sh\"";
            Err(Error::invalid(text))
        }
        Step::Script(_) => Ok(()),
    }
}

/// Writes a command for whatever shell the user has: `sh` runs `script` with `$1` set.
fn shell(script: &str, argument: &str) -> String {
    format!("exec sh -c {} sh {}", quoted(script), quoted(argument))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn local(what: &str, error: io::Error) -> Error {
    Error::new(ErrorKind::Local, format!("{what}: {error}")).with_source(error)
}

const AUTHORIZE: &str = r#"set -e
umask 077
mkdir -p ~/.ssh
f=~/.ssh/authorized_keys
if ! grep -qxF -e "$1" "$f" 2>/dev/null; then
    [ ! -s "$f" ] || [ -z "$(tail -c 1 "$f")" ] || echo >>"$f"
    printf "%s\n" "$1" >>"$f"
fi"#;
/// What is cut off half-way replaces nothing.
const COPY: &str = r#"set -e
trap 'rm -f "$1.welkin"' EXIT
cat >"$1.welkin"
mv -f "$1.welkin" "$1""#;
const RUN: &str = r#"set -e
f=$(mktemp)
trap 'rm -f "$f"' EXIT
cat >"$f"
chmod 700 "$f"
"$f" </dev/null"#;

/// How long a node may refuse its user before it has been given its keys.
const KEYS_WITHIN: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_secs(2);
