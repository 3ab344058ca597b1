//! Counting what the server sees.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;

use super::cloud::Cloud;
use super::schema::is_uuid;

/// What the server has seen since its start or the last [`Sim::reset_stats`].
///
/// [`Sim::reset_stats`]: super::Sim::reset_stats
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// TCP connections accepted, also those whose TLS handshake failed later.
    pub connections: u64,
    /// Connections open now.
    pub open_connections: u64,
    /// The most connections open at the same time.
    pub peak_open_connections: u64,
    /// Requests whose head arrived, logins included.
    pub requests: u64,
    /// Logins that gave a token.
    pub logins: u64,
    /// Logins refused, whatever the reason.
    pub failed_logins: u64,
    /// Requests answered 401 for want of a live token; failed logins are not among them.
    pub unauthorized: u64,
    /// Servers ordered once more: with the name and the metadata of one that was ordered before.
    /// Whoever marks each order sees here whether one was sent twice.
    pub duplicates: u64,
    /// TLS handshakes that took up an earlier session.
    pub tls_resumptions: u64,
    /// Requests that a [`Fault`](super::Fault) hit.
    pub faults: u64,
    /// Requests by method and path, ids folded: `GET /compute/v2.1/servers/{id}`.
    pub by_path: BTreeMap<String, u64>,
}

#[derive(Default)]
pub(super) struct Counts {
    stats: Mutex<Stats>,
    /// Names and metadata.
    ordered: Mutex<HashSet<(String, BTreeMap<String, String>)>>,
}

impl Counts {
    pub(super) fn stats(&self) -> Stats {
        self.stats.lock().clone()
    }

    pub(super) fn reset(&self) {
        let mut stats = self.stats.lock();
        let open = stats.open_connections;
        *stats = Stats { open_connections: open, peak_open_connections: open, ..Stats::default() };
        self.ordered.lock().clear();
    }

    pub(super) fn request(&self, method: &str, path: &str) {
        let key = folded(method, path);
        let mut stats = self.stats.lock();
        stats.requests += 1;
        *stats.by_path.entry(key).or_default() += 1;
    }

    pub(super) fn login(&self, accepted: bool) {
        let mut stats = self.stats.lock();
        if accepted {
            stats.logins += 1;
        } else {
            stats.failed_logins += 1;
        }
    }

    /// A server was ordered, and will be there.
    pub(super) fn order(&self, name: &str, metadata: &BTreeMap<String, String>) {
        if !self.ordered.lock().insert((name.to_owned(), metadata.clone())) {
            self.stats.lock().duplicates += 1;
        }
    }

    pub(super) fn tls_resumption(&self) {
        self.stats.lock().tls_resumptions += 1;
    }

    pub(super) fn unauthorized(&self) {
        self.stats.lock().unauthorized += 1;
    }

    pub(super) fn fault(&self) {
        self.stats.lock().faults += 1;
    }
}

/// One open connection; counted as open until dropped.
pub(super) struct OpenConnection(Arc<Cloud>);

impl OpenConnection {
    pub(super) fn count(cloud: Arc<Cloud>) -> OpenConnection {
        let mut stats = cloud.counts.stats.lock();
        stats.connections += 1;
        stats.open_connections += 1;
        stats.peak_open_connections = stats.peak_open_connections.max(stats.open_connections);
        drop(stats);
        OpenConnection(cloud)
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.counts.stats.lock().open_connections -= 1;
    }
}

const COLLECTIONS: [&str; 14] = [
    "flavors",
    "images",
    "metadata",
    "networks",
    "ports",
    "projects",
    "os-keypairs",
    "os-volume_attachments",
    "security-groups",
    "servers",
    "subnets",
    "types",
    "users",
    "volumes",
];

/// `GET /compute/v2.1/servers/{id}`: what follows the name of a collection is an id.
fn folded(method: &str, path: &str) -> String {
    let mut key = String::with_capacity(method.len() + 1 + path.len());
    key.push_str(method);
    key.push(' ');
    let mut after_collection = false;
    for segment in path.trim_matches('/').split('/') {
        key.push('/');
        let is_id = after_collection && segment != "detail" || is_uuid(segment);
        key.push_str(if is_id { "{id}" } else { segment });
        after_collection = COLLECTIONS.contains(&segment);
    }
    key
}
