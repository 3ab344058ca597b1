//! EC2: key pairs.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-key-pairs.html>

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use super::compute::{EC2, Items, VERSION, none_such};
use super::fault;
use super::query::Query;
use crate::call::{Call, Page, Step};
use crate::provider::dialect::key_pair;
use crate::service::key_pair::{KeyPair, PrivateKey};

/// EC2 lists all of them at once.
pub(super) fn list() -> Call<Page<KeyPair>> {
    Call::new(describe().reading(EC2), |response| {
        let KeyPairs { pairs } = fault::xml(&response, PAIRS, "a list of key pairs")?;
        let pairs = pairs.item.into_iter().map(KeyPair::from).collect();
        Ok(Step::Done(Page::new(pairs, None)))
    })
}

pub(super) fn get(name: &str) -> Call<KeyPair> {
    let query = describe().with("KeyName.1", name);
    let name = name.to_owned();
    Call::new(query.reading(EC2), move |response| {
        let KeyPairs { pairs } = fault::xml(&response, PAIRS, "a key pair")?;
        let found = pairs.item.into_iter().find(|pair| pair.name == name);
        let found = found.ok_or_else(|| none_such("key pair", &name, &response))?;
        Ok(Step::Done(found.into()))
    })
}

pub(super) fn create(name: &str) -> Call<KeyPair> {
    let query = Query::new("CreateKeyPair", VERSION).with("KeyName", name);
    key_pair::created(made(query, "CreateKeyPairResponse"), name)
}

pub(super) fn import(name: &str, public_key: &str) -> Call<KeyPair> {
    let query = Query::new("ImportKeyPair", VERSION)
        .with("KeyName", name)
        .with("PublicKeyMaterial", &BASE64_STANDARD.encode(public_key));
    let told = public_key.to_owned();
    let order = made(query, "ImportKeyPairResponse").then(|mut pair| {
        pair.public_key = Some(told);
        Ok(Step::Done(pair))
    });
    key_pair::imported(order, get(name), public_key)
}

/// EC2 says that it went well also where there was none.
pub(super) fn delete(name: &str) -> Call<()> {
    let query = Query::new("DeleteKeyPair", VERSION).with("KeyName", name);
    Call::new(query.reading(EC2), |response| fault::success(&response).map(Step::Done))
}

fn describe() -> Query {
    Query::new("DescribeKeyPairs", VERSION).with("IncludePublicKey", "true")
}

fn made(query: Query, root: &'static str) -> Call<KeyPair> {
    Call::new(query.changing(EC2), move |response| {
        let pair: Ec2KeyPair = fault::xml(&response, root, "the new key pair")?;
        Ok(Step::Done(pair.into()))
    })
}

#[derive(Deserialize)]
struct KeyPairs {
    #[serde(rename = "keySet", default)]
    pairs: Items<Ec2KeyPair>,
}

#[derive(Deserialize)]
struct Ec2KeyPair {
    #[serde(rename = "keyName")]
    name: String,
    #[serde(rename = "keyFingerprint")]
    fingerprint: Option<String>,
    #[serde(rename = "publicKey")]
    public_key: Option<String>,
    #[serde(rename = "keyMaterial")]
    private_key: Option<String>,
}

impl From<Ec2KeyPair> for KeyPair {
    fn from(pair: Ec2KeyPair) -> Self {
        let mut out = Self::new(pair.name);
        out.fingerprint = pair.fingerprint.filter(|text| !text.is_empty());
        out.public_key = pair.public_key.map(|key| key.trim().to_owned());
        out.private_key = pair.private_key.map(PrivateKey::new);
        out
    }
}

const PAIRS: &str = "DescribeKeyPairsResponse";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};
    use crate::provider::aws::tests::body;
    use crate::provider::dialect::by_hand::{failed, read};

    #[test]
    fn pairs_are_listed_with_their_public_half() {
        let call = list();
        let said = "Action=DescribeKeyPairs&Version=2016-11-15&IncludePublicKey=true";
        assert_eq!(body(&call), said);
        let answer = "<DescribeKeyPairsResponse><keySet><item><keyName>a b</keyName>\
            <keyFingerprint>1f:51</keyFingerprint><publicKey>ssh-rsa A me\n</publicKey></item>\
            </keySet></DescribeKeyPairsResponse>";
        let page = read(call, 200, answer).expect("pairs");
        let mut pair = KeyPair::new("a b");
        pair.fingerprint = Some("1f:51".into());
        pair.public_key = Some("ssh-rsa A me".into());
        assert_eq!(page.items, [pair.clone()]);
        assert_eq!(read(get("a b"), 200, answer).expect("a pair"), pair);
        assert_eq!(failed(read(get("a"), 200, answer)).kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_new_pair_tells_its_private_half() {
        let answer = "<CreateKeyPairResponse><keyName>a</keyName><keyMaterial>-----BEGIN\
            </keyMaterial></CreateKeyPairResponse>";
        let pair = read(create("a"), 200, answer).expect("a pair");
        assert_eq!(pair.private_key.as_ref().map(PrivateKey::expose), Some("-----BEGIN"));
    }

    #[test]
    fn an_import_is_base64_and_looked_for_when_its_answer_was_lost() {
        let call = import("a", "ssh-rsa QQ== me");
        let said = "Action=ImportKeyPair&Version=2016-11-15&KeyName=a\
            &PublicKeyMaterial=c3NoLXJzYSBRUT09IG1l";
        assert_eq!(body(&call), said);
        let Ok(Step::Next(look)) = (call.read)(Err(Error::new(ErrorKind::Ambiguous, "cut"))) else {
            panic!("it is looked for")
        };
        let answer = "<DescribeKeyPairsResponse><keySet><item><keyName>a</keyName>\
            <publicKey>ssh-rsa QQ== a</publicKey></item></keySet></DescribeKeyPairsResponse>";
        assert_eq!(read(look, 200, answer).expect("found").name, "a");
    }
}
