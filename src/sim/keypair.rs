//! SSH key pairs.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use md5::{Digest, Md5};
use rcgen::PKCS_ED25519;

/// As many as Nova allows a user by default.
pub(super) const MOST: usize = 100;

/// By name, which is the order in which Nova lists them.
#[derive(Default)]
pub(super) struct KeyPairs {
    by_name: BTreeMap<String, KeyPair>,
    last_number: u64,
}

pub(super) struct KeyPair {
    pub(super) name: String,
    pub(super) number: u64,
    pub(super) public_key: String,
    pub(super) fingerprint: String,
    pub(super) created: Timestamp,
}

impl KeyPairs {
    pub(super) fn get(&self, name: &str) -> Option<&KeyPair> {
        self.by_name.get(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &KeyPair> {
        self.by_name.values()
    }

    pub(super) fn count(&self) -> usize {
        self.by_name.len()
    }

    pub(super) fn add(&mut self, name: &str, public_key: &str, fingerprint: String) {
        self.last_number += 1;
        let pair = KeyPair {
            name: name.to_owned(),
            number: self.last_number,
            public_key: public_key.to_owned(),
            fingerprint,
            created: Timestamp::now(),
        };
        self.by_name.insert(name.to_owned(), pair);
    }

    /// Whether there was one to remove.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        self.by_name.remove(name).is_some()
    }
}

/// The MD5 of an OpenSSH public key, `type base64 comment`; none if it is not one.
pub(super) fn fingerprint(public_key: &str) -> Option<String> {
    let mut words = public_key.split_whitespace();
    let (kind, blob) = (words.next()?, BASE64_STANDARD.decode(words.next()?).ok()?);
    // Strings to its end, the first of which is the type once more (RFC 4253, section 6.6).
    let mut strings = Vec::new();
    let mut rest = blob.as_slice();
    while let Some((length, tail)) = rest.split_first_chunk() {
        let (string, after) = tail.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        strings.push(string);
        rest = after;
    }
    if !rest.is_empty() || strings.len() < 2 || strings[0] != kind.as_bytes() {
        return None;
    }
    let digest = Md5::digest(&blob);
    Some(digest.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"))
}

/// A new Ed25519 key: the private one as OpenSSH writes it to files, and the public one.
///
/// # Errors
/// When the system has no randomness to give.
pub(super) fn generate() -> Result<(String, String), rcgen::Error> {
    let pair = rcgen::KeyPair::generate_for(&PKCS_ED25519)?;
    let public = pair.public_key_raw();
    let pkcs8 = pair.serialize_der();
    // The seed follows 16 bytes that are the same in every such key (RFC 8410, section 7).
    let seed = pkcs8.get(16..48).ok_or(rcgen::Error::CouldNotParseKeyPair)?;
    Ok((private_file(seed, public), public_line(public)))
}

fn public_line(public: &[u8]) -> String {
    format!("{KIND} {} Generated-by-Nova", BASE64_STANDARD.encode(public_blob(public)))
}

fn public_blob(public: &[u8]) -> Vec<u8> {
    let mut blob = Vec::new();
    put(&mut blob, KIND.as_bytes());
    put(&mut blob, public);
    blob
}

/// The format is told in OpenSSH's `PROTOCOL.key`; without a passphrase.
fn private_file(seed: &[u8], public: &[u8]) -> String {
    let mut secret = vec![0; 8]; // Two equal numbers tell a right passphrase from a wrong one.
    secret.extend(public_blob(public));
    put(&mut secret, &[seed, public].concat());
    put(&mut secret, b""); // No comment.
    secret.extend((1..).take(secret.len().wrapping_neg() % 8));

    let mut blob = b"openssh-key-v1\0".to_vec();
    put(&mut blob, b"none"); // The cipher,
    put(&mut blob, b"none"); // and how its key is made.
    put(&mut blob, b"");
    blob.extend(1u32.to_be_bytes());
    put(&mut blob, &public_blob(public));
    put(&mut blob, &secret);

    let mut file = String::from("-----BEGIN OPENSSH PRIVATE KEY-----\n");
    let text = BASE64_STANDARD.encode(&blob);
    for line in text.as_bytes().chunks(70) {
        file.push_str(&String::from_utf8_lossy(line));
        file.push('\n');
    }
    file + "-----END OPENSSH PRIVATE KEY-----\n"
}

/// A string as SSH writes it: its length, and its bytes.
fn put(blob: &mut Vec<u8>, bytes: &[u8]) {
    blob.extend((bytes.len() as u32).to_be_bytes());
    blob.extend(bytes);
}

const KIND: &str = "ssh-ed25519";
