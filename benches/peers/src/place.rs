//! Where the server is, and what is asked of it by how many.

use std::env;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use super::failure::Failure;

/// What a client has to know to begin.
pub(crate) struct Place {
    pub(crate) work: Work,
    /// How many threads or tasks ask at once.
    pub(crate) crowd: usize,
    pub(crate) ca_pem: String,
    pub(crate) port: u16,
    pub(crate) tls: bool,
}

/// What is asked.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Work {
    /// 1 KiB, unparsed.
    Thing,
    /// The list of servers, in the client's own type.
    Nodes,
}

/// As the server of the benches says it.
#[derive(Deserialize)]
struct At {
    plain: u16,
    tls: u16,
    ca_pem: String,
}

impl Place {
    pub(crate) fn new(work: Work, scheme: &str, crowd: &str) -> Result<Self, Failure> {
        let tls = match scheme {
            "http" => false,
            "https" => true,
            _ => return Err(Failure::new(format!("{scheme:?} is no scheme: http or https"))),
        };
        let crowd = crowd.parse().ok().filter(|crowd| *crowd > 0);
        let crowd =
            crowd.ok_or_else(|| Failure::new("N is how many threads or tasks ask, from 1 on"))?;
        let at = env::var(AT).map_err(wrong)?;
        let at: At = serde_json::from_str(&at).map_err(wrong)?;
        let port = if tls { at.tls } else { at.plain };
        Ok(Self { work, crowd, ca_pem: at.ca_pem, port, tls })
    }

    /// Returns the address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}{path}", self.port)
    }

    /// What is sent to log in.
    pub(crate) fn credentials(&self) -> String {
        let domain = serde_json::json!({"name": "Default"});
        let user = serde_json::json!({"name": "bench", "password": "secret", "domain": domain});
        serde_json::json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "bench", "domain": domain}},
        }})
        .to_string()
    }
}

fn wrong(error: impl fmt::Display) -> Failure {
    Failure::new(format!("{AT} has to say where the server is: {error}"))
}

impl FromStr for Work {
    type Err = Failure;

    fn from_str(word: &str) -> Result<Self, Failure> {
        match word {
            "thing" => Ok(Self::Thing),
            "nodes" => Ok(Self::Nodes),
            _ => Err(Failure::new(format!("{word:?} is no work: thing or nodes"))),
        }
    }
}

const AT: &str = "WELKIN_BENCH_AT";
pub(crate) const LOGIN: &str = "/v3/auth/tokens";
pub(crate) const THING: &str = "/bench/thing";
