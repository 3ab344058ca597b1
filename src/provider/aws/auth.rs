//! Who asks: keys that sign each request.

use std::fmt;
use std::time::Duration;

use super::endpoint::check_region;
use super::fault;
use crate::call::{Auth, Endpoint, Grant, Keys, Response, Signing, Step, Token};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::dialect::sigv4::{self, Payload, Scope};

/// Keys that last until the account's owner takes them back, and where they are good.
pub(super) struct Signer {
    keys: Keys,
    endpoints: Vec<Endpoint>,
}

impl Signer {
    /// `endpoints` names services as signatures do.
    pub(super) fn new(keys: Keys, endpoints: Vec<Endpoint>) -> Self {
        Self { keys, endpoints }
    }
}

impl Auth for Signer {
    fn login(&self) -> Result<Step<Grant>> {
        Ok(Step::Done(Grant {
            token: Token::Keys(self.keys.clone()),
            lifetime: Duration::MAX,
            endpoints: self.endpoints.clone(),
        }))
    }

    fn authorize(&self, signing: Signing<'_>) -> Result<()> {
        let Signing { method, uri, headers, body, service, region, now, token } = signing;
        let Token::Keys(keys) = token else {
            return Err(Error::invalid("AWS signs with keys, and this token is not one"));
        };
        // It goes into a line whose parts have meanings.
        check_region(region, "the region")?;
        let payload = body.bytes().map_or(Payload::Unsigned, |bytes| Payload::Bytes(bytes));
        sigv4::sign(keys, Scope { region, service }, now, method, uri, headers, payload)
    }

    fn refusal(&self, answer: &Response) -> ErrorKind {
        fault::kind(answer)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("key", &self.keys.id).finish_non_exhaustive()
    }
}
