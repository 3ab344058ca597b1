//! What we show to a server that asks who we are.

use std::cell::Cell;
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, SignatureScheme};
use zeroize::Zeroize;

use super::certificates;
use crate::call;
use crate::error::{Error, Result};

/// Our certificate and its key, if we have one.
#[derive(Debug)]
pub(super) struct Identity(Option<Arc<CertifiedKey>>);

impl Identity {
    pub(super) fn new(given: Option<&call::Identity>) -> Result<Self> {
        let Some(call::Identity { certificate, key }) = given else {
            return Ok(Self(None));
        };
        let chain = certificates(&certificate.text, &certificate.place)?;
        let mut der = PrivateKeyDer::from_pem_slice(&key.text).map_err(|e| {
            let place = &key.place;
            let text = format!("{place} holds no private key in PEM form that is not encrypted");
            Error::invalid(text).with_source(e)
        })?;
        let signing = any_supported_type(&der);
        // What the library made of it is its own; this copy was ours.
        der.zeroize();
        let signing = signing.map_err(|e| {
            let text = format!("the private key in {} is of no kind that is supported", key.place);
            Error::invalid(text).with_source(e)
        })?;
        let both = CertifiedKey::new(chain, signing);
        match both.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {
                Ok(Self(Some(Arc::new(both))))
            }
            Err(e @ rustls::Error::InconsistentKeys(_)) => {
                let text = format!(
                    "the private key in {} is not that of the certificate in {}",
                    key.place, certificate.place
                );
                Err(Error::invalid(text).with_source(e))
            }
            Err(e) => {
                let text = format!("the certificate in {} cannot be read", certificate.place);
                Err(Error::invalid(text).with_source(e))
            }
        }
    }

    pub(super) fn is_some(&self) -> bool {
        self.0.is_some()
    }
}

impl ResolvesClientCert for Identity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        ASKED.set(true);
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

/// Tells whether a server asked for our certificate during `step`.
///
/// It asks the configuration, which all connections share, and on the thread that drives its own.
pub(super) fn whether_asked<T>(step: impl FnOnce() -> T) -> (T, bool) {
    ASKED.set(false);
    (step(), ASKED.take())
}

thread_local! {
    static ASKED: Cell<bool> = const { Cell::new(false) };
}
