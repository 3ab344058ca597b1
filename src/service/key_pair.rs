//! The key pairs that nodes let users in by.

use std::fmt;

use serde::Serialize;

use crate::call::Secret;

/// A key pair of the account. The cloud keeps the public half, and puts it on nodes by its name.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct KeyPair {
    /// The name, which is its id.
    pub name: String,
    /// The fingerprint in the cloud's own way of writing it; clouds hash in different ways.
    pub fingerprint: Option<String>,
    /// The public half as `authorized_keys` has it, where the cloud tells.
    pub public_key: Option<String>,
    /// The private half, told once: when the cloud makes the pair. It is never serialized.
    #[serde(skip)]
    pub private_key: Option<PrivateKey>,
}

impl KeyPair {
    /// Makes a key pair by hand, for tests of code that uses this crate.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), fingerprint: None, public_key: None, private_key: None }
    }
}

/// Its name.
impl AsRef<str> for KeyPair {
    fn as_ref(&self) -> &str {
        &self.name
    }
}

/// The private half of a key pair: not shown by `Debug`, and wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey(Secret);

impl PrivateKey {
    pub(crate) fn new(pem: impl Into<String>) -> Self {
        Self(Secret::new(pem))
    }

    /// Returns the key in PEM, to be kept where only its owner can read it.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}
