//! ureq: one agent, whose clones share its pool, for all threads.

use hyper::Uri;
use hyper::header::HeaderValue;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::hyper::token;
use crate::crew::Blocking;
use crate::failure::Failure;
use crate::place::{LOGIN, Place, THING};

#[derive(Clone)]
pub(crate) struct Shared {
    agent: Agent,
    uri: Uri,
    token: HeaderValue,
}

impl Blocking for Shared {
    fn open(place: &Place) -> Result<Self, Failure> {
        let ca = Certificate::from_pem(place.ca_pem.as_bytes())?;
        let tls = TlsConfig::builder().root_certs(RootCerts::from([ca])).build();
        // By default three idle connections are kept for a host, and ten in all: of the others each
        // call would make a new one. Its documentation names no number for many threads, but says
        // that one agent is meant for them all, and gives these two settings.
        let agent = Agent::config_builder()
            .max_idle_connections(place.crowd.max(10))
            .max_idle_connections_per_host(place.crowd.max(3))
            .tls_config(tls)
            .proxy(None)
            .build()
            .new_agent();
        let mut answer = agent.post(place.url(LOGIN)).send(place.credentials())?;
        answer.body_mut().read_to_vec()?;
        let token = token(answer.headers())?;
        Ok(Self { agent, uri: place.url(THING).parse()?, token })
    }

    fn ask(&mut self) -> Result<(), Failure> {
        let request = self.agent.get(self.uri.clone()).header("x-auth-token", self.token.clone());
        request.call().and_then(|mut a| a.body_mut().read_to_vec())?;
        Ok(())
    }
}
