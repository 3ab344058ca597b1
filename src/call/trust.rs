//! Whom TLS trusts, and who we are to it.
//!
//! A build without TLS reads it and has no use for it.
#![cfg_attr(not(feature = "tls"), allow(dead_code))]

use zeroize::Zeroizing;

/// Whom TLS trusts, and who we are to those who ask.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Trust {
    /// Certificates in PEM form: these and no others; empty for the system's own.
    pub(crate) roots: Vec<u8>,
    /// Where they were read, for messages.
    pub(crate) origin: Option<String>,
    /// Accept any certificate.
    pub(crate) insecure: bool,
    pub(crate) identity: Option<Identity>,
}

/// A certificate of our own, with those that lead to its CA, and its private key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) certificate: Pem,
    pub(crate) key: Pem,
}

/// What a file in PEM form says; wiped when dropped, as it may hold a private key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pem {
    pub(crate) text: Zeroizing<Vec<u8>>,
    /// Where it was read, for messages.
    pub(crate) place: String,
}
