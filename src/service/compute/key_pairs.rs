//! Key pairs.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::{Compute, id};
use crate::error::{Error, ErrorKind, Result};
use crate::op::Op;
use crate::page::List;
use crate::service::key_pair::KeyPair;

impl Compute {
    /// Lists the key pairs of the account.
    pub fn list_key_pairs(&self) -> List<KeyPair> {
        let api = Arc::clone(&self.api);
        List::new(&self.session, "list_key_pairs", move |from| api.list_key_pairs(from))
    }

    /// Asks for one key pair.
    ///
    /// # Errors
    /// `NotFound` when there is none of that name.
    pub fn get_key_pair(&self, name: impl AsRef<str>) -> Op<KeyPair> {
        let call = id(name.as_ref(), "key pair").and_then(|name| self.api.get_key_pair(name));
        Op::new(&self.session, "get_key_pair", call)
    }

    /// Has the cloud make a key pair. Its [`private_key`](KeyPair::private_key) is told this once.
    ///
    /// # Errors
    /// `Conflict` when there is one of that name; `Ambiguous` when the answer was lost, and with it
    /// the private half: delete the pair and make another.
    pub fn create_key_pair(&self, name: impl AsRef<str>) -> Op<KeyPair> {
        let call = id(name.as_ref(), "key pair").and_then(|name| self.api.create_key_pair(name));
        Op::new(&self.session, "create_key_pair", call)
    }

    /// Gives the cloud the public half of a key pair that you have, as `authorized_keys` has it.
    ///
    /// # Errors
    /// `Invalid` when the text is no public key, `Conflict` when there is one of that name.
    pub fn import_key_pair(&self, name: impl AsRef<str>, public_key: &str) -> Op<KeyPair> {
        let call = id(name.as_ref(), "key pair").and_then(|name| {
            let key = public_key.trim();
            check(key).map_err(|why| Error::invalid(format!("this is no public key: {why}")))?;
            self.api.import_key_pair(name, key)
        });
        Op::new(&self.session, "import_key_pair", call)
    }

    /// Gives the cloud the public half of a key pair from a file, such as `~/.ssh/id_ed25519.pub`.
    ///
    /// The file is read when the operation runs.
    ///
    /// # Errors
    /// As [`import_key_pair`](Compute::import_key_pair); `Local` when the file cannot be read.
    pub fn import_key_pair_from_file(
        &self,
        name: impl AsRef<str>,
        path: impl Into<PathBuf>,
    ) -> Op<KeyPair> {
        let (this, name, path) = (self.clone(), name.as_ref().to_owned(), path.into());
        Op::own(&self.session, "import_key_pair", move |options| async move {
            let key = read(&path)?;
            let why = |why| Error::invalid(format!("{} is no public key: {why}", path.display()));
            check(key.trim()).map_err(why)?;
            this.import_key_pair(name, &key).with(options).await
        })
    }

    /// Deletes a key pair. Nodes that have it keep it.
    ///
    /// # Errors
    /// `NotFound` when there is none of that name; EC2 does not say so.
    pub fn delete_key_pair(&self, name: impl AsRef<str>) -> Op<()> {
        let call = id(name.as_ref(), "key pair").and_then(|name| self.api.delete_key_pair(name));
        Op::new(&self.session, "delete_key_pair", call)
    }
}

fn read(path: &Path) -> Result<String> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut text));
    if let Err(error) = read {
        let text = format!("{} cannot be read: {error}", path.display());
        return Err(Error::new(ErrorKind::Local, text).with_source(error));
    }
    // What is no text, or too long, is no key: the check says so.
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Checks what OpenSSH and clouds call a public key: its kind, its bytes, and maybe a comment
/// (RFC 4253, 6.6). Whether the cloud takes that kind is for the cloud to say.
fn check(key: &str) -> Result<(), &'static str> {
    if key.len() as u64 > MOST_BYTES {
        return Err("it is too long");
    }
    if key.contains("PRIVATE KEY") {
        return Err("it is the private half, which nobody else should get; use the file with .pub");
    }
    // RFC 4716, which EC2 takes, and certificates.
    if key.starts_with("---- BEGIN SSH2 PUBLIC KEY") || key.starts_with("-----BEGIN ") {
        return Ok(());
    }
    if key.is_empty() {
        return Err("it is empty");
    }
    if key.lines().count() > 1 {
        return Err("it has several lines; give one key");
    }
    let mut words = key.split_ascii_whitespace();
    let (Some(kind), Some(bytes)) = (words.next(), words.next()) else {
        return Err(SHAPE);
    };
    let Ok(bytes) = BASE64_STANDARD.decode(bytes) else {
        return Err(SHAPE);
    };
    let named = bytes.split_at_checked(4).and_then(|(length, rest)| {
        let length = u32::from_be_bytes(length.try_into().ok()?);
        rest.get(..usize::try_from(length).ok()?)
    });
    if named != Some(kind.as_bytes()) {
        return Err("its bytes are damaged");
    }
    Ok(())
}

const SHAPE: &str = "it does not begin with its kind and its bytes, as \"ssh-ed25519 AAAA…\"";
/// The longest public keys are a few kilobytes.
const MOST_BYTES: u64 = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@here";

    #[test]
    fn public_keys_are_told_from_all_else() {
        assert_eq!(check(KEY), Ok(()));
        assert_eq!(check(KEY.strip_suffix(" me@here").unwrap()), Ok(()));
        assert_eq!(check("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END"), Ok(()));
        for (wrong, why) in [
            ("", "empty"),
            ("hello", "does not begin"),
            ("ssh-ed25519", "does not begin"),
            ("ssh-ed25519 not/base64!", "does not begin"),
            ("ssh-ed25519 AAAA", "damaged"),
            (&KEY.replace("ssh-ed25519", "ssh-rsa"), "damaged"),
            (&format!("{KEY}\n{KEY}"), "several lines"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "private half"),
            (&"x".repeat(20_000), "too long"),
        ] {
            assert!(check(wrong).expect_err(wrong).contains(why), "{wrong:?}");
        }
    }
}
