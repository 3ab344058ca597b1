//! What exists: tokens, servers, images, the network.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use super::cloud::{Pace, Settings};
use super::flavor::{self, Flavor};

pub(super) struct World {
    rng: fastrand::Rng,
    pub(super) user_id: String,
    pub(super) project_id: String,
    pub(super) admin_project_id: String,
    pub(super) role_ids: [String; 2],
    pub(super) catalog: serde_json::Value,
    pub(super) born: Timestamp,
    pub(super) images: Vec<Image>,
    pub(super) network: Network,
    tokens: HashMap<String, Token>,
    /// Dead tokens are swept out when there are this many.
    sweep_at: usize,
    /// In the order of their creation.
    servers: BTreeMap<u64, Server>,
    server_numbers: HashMap<String, u64>,
    next_server: u64,
    /// The numbers of the servers whose deletion has begun.
    leaving: Vec<u64>,
}

pub(super) struct Token {
    pub(super) method: &'static str,
    pub(super) audit_id: String,
    pub(super) is_scoped: bool,
    pub(super) issued: Timestamp,
    pub(super) expires: Timestamp,
    pub(super) dies: Instant,
}

pub(super) struct Image {
    pub(super) id: String,
    pub(super) name: &'static str,
    pub(super) is_active: bool,
}

pub(super) struct Network {
    pub(super) id: String,
    pub(super) subnet_id: String,
    pub(super) name: &'static str,
}

pub(super) struct Server {
    pub(super) id: String,
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) flavor: &'static Flavor,
    pub(super) image_id: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) key_name: Option<String>,
    pub(super) has_network: bool,
    pub(super) created: Timestamp,
    pub(super) booted: Timestamp,
    appears: Instant,
    boots: Instant,
    goes: Option<Instant>,
}

/// Where a server is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Building,
    Active,
    Failed,
    Deleting,
}

/// One server, as [`Sim::servers`](super::Sim::servers) tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ServerSummary {
    /// Its id, a UUID.
    pub id: String,
    /// Its name; several may have the same.
    pub name: String,
    /// Nova's status: `BUILD`, `ACTIVE` or `ERROR`.
    pub status: String,
    /// The metadata given at its creation.
    pub metadata: BTreeMap<String, String>,
}

impl World {
    pub(super) fn new(settings: &Settings, mut rng: fastrand::Rng) -> World {
        let mut image = |name, is_active| Image { id: uuid(&mut rng), name, is_active };
        // Newest first, as Glance lists them.
        let images = vec![image("unfinished", false), image("tiny-2", true), image("tiny", true)];
        let network = Network { id: uuid(&mut rng), subnet_id: uuid(&mut rng), name: "shared" };
        World {
            user_id: hex(&mut rng),
            project_id: hex(&mut rng),
            admin_project_id: hex(&mut rng),
            role_ids: [hex(&mut rng), hex(&mut rng)],
            catalog: super::catalog::catalog(settings, || hex(&mut rng)),
            born: Timestamp::now(),
            images,
            network,
            tokens: HashMap::new(),
            sweep_at: 1024,
            servers: BTreeMap::new(),
            server_numbers: HashMap::new(),
            next_server: 0,
            leaving: Vec::new(),
            rng,
        }
    }

    pub(super) fn uuid(&mut self) -> String {
        uuid(&mut self.rng)
    }

    /// Letters and digits, as in passwords that Nova makes up.
    pub(super) fn password(&mut self) -> String {
        (0..12).map(|_| self.rng.alphanumeric()).collect()
    }

    pub(super) fn issue_token(
        &mut self,
        method: &'static str,
        is_scoped: bool,
        lifetime: Duration,
    ) -> (String, &Token) {
        let micros = Duration::from_micros(lifetime.as_micros().try_into().unwrap_or(u64::MAX));
        let issued = whole_micros(Timestamp::now());
        let now = Instant::now();
        if self.tokens.len() >= self.sweep_at {
            self.tokens.retain(|_, token| now < token.dies);
            self.sweep_at = (2 * self.tokens.len()).max(1024);
        }
        // As long as a Fernet token with a project in it, and it begins like one.
        let text: String =
            "gAAAAAB".chars().chain((0..176).map(|_| base64url(&mut self.rng))).collect();
        let token = Token {
            method,
            audit_id: (0..22).map(|_| base64url(&mut self.rng)).collect(),
            is_scoped,
            issued,
            expires: issued.checked_add(micros).unwrap_or(Timestamp::MAX),
            dies: now + micros.min(FAR),
        };
        let token = self.tokens.entry(text.clone()).insert_entry(token).into_mut();
        (text, token)
    }

    /// A token that is neither expired nor revoked.
    pub(super) fn token(&self, text: &str) -> Option<&Token> {
        self.tokens.get(text).filter(|token| Instant::now() < token.dies)
    }

    pub(super) fn revoke_token(&mut self, text: &str) {
        self.tokens.remove(text);
    }

    pub(super) fn revoke_tokens(&mut self) {
        self.tokens.clear();
    }

    /// Adds a server as described; id, number and times are set here.
    pub(super) fn add_server(&mut self, mut server: Server, pace: &Pace) -> String {
        let until_active = pace.create_delay.saturating_add(pace.boot_time).min(FAR);
        server.id = self.uuid();
        server.number = self.next_server;
        server.created = Timestamp::now();
        server.booted = server.created.checked_add(until_active).unwrap_or(Timestamp::MAX);
        server.appears = Instant::now() + pace.hidden_time.min(FAR);
        server.boots = Instant::now() + until_active;
        self.next_server += 1;
        let id = server.id.clone();
        self.server_numbers.insert(id.clone(), server.number);
        self.servers.insert(server.number, server);
        id
    }

    pub(super) fn server(&mut self, id: &str) -> Option<&Server> {
        self.sweep_servers();
        self.servers.get(self.server_numbers.get(id)?).filter(|server| server.is_seen())
    }

    /// Newest first, as Nova lists them.
    pub(super) fn newest_servers(&mut self) -> impl Iterator<Item = &Server> {
        self.sweep_servers();
        self.servers.values().rev().filter(|server| server.is_seen())
    }

    pub(super) fn server_count(&mut self) -> usize {
        self.sweep_servers();
        self.servers.len()
    }

    pub(super) fn cores_in_use(&self) -> u32 {
        self.servers.values().map(|server| server.flavor.vcpus).sum()
    }

    /// Whether there was one to delete.
    pub(super) fn delete_server(&mut self, id: &str, takes: Duration) -> bool {
        if self.server(id).is_none() {
            return false;
        }
        let number = self.server_numbers[id];
        if let Some(server) = self.servers.get_mut(&number).filter(|server| server.goes.is_none()) {
            // One that never reached a host has nothing to be cleared away and goes at once.
            let takes = if server.status() == "ERROR" { Duration::ZERO } else { takes.min(FAR) };
            server.goes = Some(Instant::now() + takes);
            self.leaving.push(number);
        }
        true
    }

    pub(super) fn remove_servers(&mut self) {
        self.servers.clear();
        self.server_numbers.clear();
        self.leaving.clear();
    }

    pub(super) fn summaries(&mut self) -> Vec<ServerSummary> {
        self.sweep_servers();
        let summary = |server: &Server| ServerSummary {
            id: server.id.clone(),
            name: server.name.clone(),
            status: server.status().into(),
            metadata: server.metadata.clone(),
        };
        self.servers.values().map(summary).collect()
    }

    /// Lets go of the servers whose deletion is over.
    fn sweep_servers(&mut self) {
        let now = Instant::now();
        let World { servers, server_numbers, leaving, .. } = self;
        leaving.retain(|number| {
            let stays = servers.get(number).is_some_and(|server| server.goes > Some(now));
            if !stays && let Some(server) = servers.remove(number) {
                server_numbers.remove(&server.id);
            }
            stays
        });
    }
}

impl Server {
    /// A server before it is added to the world.
    pub(super) fn new(name: String, flavor: &'static Flavor) -> Server {
        Server {
            id: String::new(),
            number: 0,
            name,
            description: None,
            flavor,
            image_id: None,
            metadata: BTreeMap::new(),
            key_name: None,
            has_network: true,
            created: Timestamp::UNIX_EPOCH,
            booted: Timestamp::UNIX_EPOCH,
            appears: Instant::now(),
            boots: Instant::now(),
            goes: None,
        }
    }

    /// Whether requests see it.
    fn is_seen(&self) -> bool {
        Instant::now() >= self.appears
    }

    pub(super) fn phase(&self) -> Phase {
        if self.goes.is_some() {
            Phase::Deleting
        } else if Instant::now() < self.boots {
            Phase::Building
        } else if self.flavor.id == flavor::IMPOSSIBLE {
            Phase::Failed
        } else {
            Phase::Active
        }
    }

    pub(super) fn status(&self) -> &'static str {
        match self.phase() {
            Phase::Building => "BUILD",
            Phase::Failed => "ERROR",
            Phase::Active | Phase::Deleting => "ACTIVE",
        }
    }
}

/// Longer than any test; a clock cannot count on for ever.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// OpenStack writes microseconds; a finer clock would make `issued_at` a lie by a fraction.
fn whole_micros(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

fn uuid(rng: &mut fastrand::Rng) -> String {
    // Version 4, variant 1.
    let bits = rng.u128(..) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

fn hex(rng: &mut fastrand::Rng) -> String {
    format!("{:032x}", rng.u128(..))
}

fn base64url(rng: &mut fastrand::Rng) -> char {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    ALPHABET[rng.usize(..64)] as char
}
