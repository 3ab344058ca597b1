//! What exists. Servers, volumes and key pairs have a file each.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::cloud::Settings;
use super::keypair::KeyPairs;
use super::servers::Servers;
use super::volume::Volumes;

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
    pub(super) security_group: SecurityGroup,
    pub(super) volume_type_id: String,
    tokens: HashMap<String, Token>,
    /// Dead tokens are swept out when there are this many.
    sweep_at: usize,
    pub(super) servers: Servers,
    pub(super) volumes: Volumes,
    pub(super) keys: KeyPairs,
}

pub(super) struct Token {
    pub(super) method: &'static str,
    pub(super) audit_id: String,
    pub(super) is_scoped: bool,
    pub(super) issued: Timestamp,
    pub(super) expires: Timestamp,
    dies: Instant,
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

/// The one that every project has.
pub(super) struct SecurityGroup {
    pub(super) id: String,
    pub(super) rule_ids: [String; 4],
}

impl SecurityGroup {
    pub(super) const NAME: &str = "default";
}

impl World {
    pub(super) fn new(settings: &Settings, mut rng: fastrand::Rng) -> World {
        let mut image = |name, is_active| Image { id: uuid(&mut rng), name, is_active };
        // Newest first, as Glance lists them.
        let images = vec![image("unfinished", false), image("tiny-2", true), image("tiny", true)];
        let network = Network { id: uuid(&mut rng), subnet_id: uuid(&mut rng), name: "shared" };
        let project_id = hex(&mut rng);
        World {
            user_id: hex(&mut rng),
            catalog: super::catalog::catalog(settings, &project_id, || hex(&mut rng)),
            project_id,
            admin_project_id: hex(&mut rng),
            role_ids: [hex(&mut rng), hex(&mut rng)],
            born: Timestamp::now(),
            images,
            network,
            security_group: SecurityGroup {
                id: uuid(&mut rng),
                rule_ids: std::array::from_fn(|_| uuid(&mut rng)),
            },
            volume_type_id: uuid(&mut rng),
            tokens: HashMap::new(),
            sweep_at: 1024,
            servers: Servers::default(),
            volumes: Volumes::default(),
            keys: KeyPairs::default(),
            rng,
        }
    }

    /// Lets go of what has come to its end.
    pub(super) fn settle(&mut self) {
        self.settle_servers();
        self.volumes.settle();
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
}

/// Longer than any test; a clock cannot count on for ever.
pub(super) const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

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
