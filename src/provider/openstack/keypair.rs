//! Nova: key pairs.
//!
//! <https://docs.openstack.org/api-ref/compute/#keypairs-keypairs>. Nova makes pairs until
//! microversion 2.91.

use serde::{Deserialize, Serialize};

use super::compute::NOVA;
use super::microversion::in_base;
use super::{fault, link};
use crate::call::{Call, Cursor, Page, Request, Step};
use crate::error::Result;
use crate::provider::dialect::key_pair;
use crate::service::key_pair::{KeyPair, PrivateKey};

pub(super) fn list(from: Option<&Cursor>) -> Result<Call<Page<KeyPair>>> {
    let request = Request::get(NOVA, link::page(PATH, from)?);
    let this = from.map(|cursor| cursor.as_str().to_owned());
    Ok(Call::new(request, move |response| {
        let list: KeyPairs = fault::json(&response, "a list of key pairs")?;
        let next = link::next(&list.links, this.as_deref())?;
        let pairs = list.keypairs.into_iter().map(|wrapped| wrapped.keypair.into()).collect();
        Ok(Step::Done(Page::new(pairs, next)))
    }))
}

pub(super) fn get(name: &str) -> Result<Call<KeyPair>> {
    let request = Request::get(NOVA, format!("{PATH}/{}", link::segment(name)?));
    Ok(Call::new(request, |response| {
        let Wrapped { keypair } = fault::json(&response, "a key pair")?;
        Ok(Step::Done(keypair.into()))
    }))
}

pub(super) fn create(name: &str) -> Result<Call<KeyPair>> {
    Ok(key_pair::created(order(name, None)?, name))
}

pub(super) fn import(name: &str, public_key: &str) -> Result<Call<KeyPair>> {
    Ok(key_pair::imported(order(name, Some(public_key))?, get(name)?, public_key))
}

pub(super) fn delete(name: &str) -> Result<Call<()>> {
    let request = Request::delete(NOVA, format!("{PATH}/{}", link::segment(name)?));
    Ok(Call::new(request, |response| {
        let gone = response.resent && response.status == http::StatusCode::NOT_FOUND;
        if !gone {
            fault::success(&response)?;
        }
        Ok(Step::Done(()))
    }))
}

fn order(name: &str, public_key: Option<&str>) -> Result<Call<KeyPair>> {
    // What cannot be asked for or deleted by its name is not made.
    link::segment(name)?;
    let order = Order { keypair: OrderedPair { name, public_key } };
    let request = in_base(Request::post(NOVA, PATH)).json(&order)?;
    Ok(Call::new(request, |response| {
        let Wrapped { keypair } = fault::json(&response, "the new key pair")?;
        Ok(Step::Done(keypair.into()))
    }))
}

#[derive(Serialize)]
struct Order<'a> {
    keypair: OrderedPair<'a>,
}

#[derive(Serialize)]
struct OrderedPair<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<&'a str>,
}

#[derive(Deserialize)]
struct KeyPairs {
    keypairs: Vec<Wrapped>,
    #[serde(rename = "keypairs_links", default)]
    links: Vec<link::Link>,
}

#[derive(Deserialize)]
struct Wrapped {
    keypair: NovaKeyPair,
}

#[derive(Deserialize)]
struct NovaKeyPair {
    name: String,
    fingerprint: Option<String>,
    public_key: Option<String>,
    private_key: Option<String>,
}

impl From<NovaKeyPair> for KeyPair {
    fn from(pair: NovaKeyPair) -> Self {
        let mut out = Self::new(pair.name);
        out.fingerprint = pair.fingerprint.filter(|text| !text.is_empty());
        out.public_key = pair.public_key.filter(|text| !text.is_empty());
        out.private_key = pair.private_key.map(PrivateKey::new);
        out
    }
}

const PATH: &str = "/os-keypairs";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};
    use crate::provider::dialect::answer::answer;
    use crate::provider::dialect::by_hand::{failed, read};

    fn body<T>(call: &Call<T>) -> String {
        let bytes = call.request.body.bytes().expect("bytes");
        String::from_utf8(bytes.to_vec()).expect("text")
    }

    #[test]
    fn pairs_are_read_with_and_without_their_private_half() {
        let list = list(None).expect("a call");
        assert_eq!(list.request.path, "/os-keypairs");
        let text = r#"{"keypairs": [{"keypair": {"name": "a b", "public_key": "ssh-rsa A",
            "fingerprint": "15:b0", "type": "ssh"}}], "keypairs_links":
            [{"rel": "next", "href": "http://h/v2.1/os-keypairs?limit=1&marker=a+b"}]}"#;
        let page = read(list, 200, text).expect("pairs");
        assert_eq!(page.items[0].name, "a b");
        assert_eq!(page.items[0].fingerprint.as_deref(), Some("15:b0"));
        assert_eq!(page.next.as_ref().map(Cursor::as_str), Some("limit=1&marker=a+b"));

        let made = create("new").expect("a call");
        assert_eq!(body(&made), r#"{"keypair":{"name":"new"}}"#);
        let text = r#"{"keypair": {"name": "new", "private_key": "-----BEGIN", "user_id": "u"}}"#;
        let made = read(made, 200, text).expect("a pair");
        assert_eq!(made.private_key.as_ref().map(PrivateKey::expose), Some("-----BEGIN"));
        assert!(!format!("{made:?}").contains("BEGIN"), "{made:?}");

        assert_eq!(get("a b").expect("a call").request.path, "/os-keypairs/a%20b");
        assert_eq!(failed(create("a/b")).kind(), ErrorKind::Invalid);
        read(delete("a").expect("a call"), 202, "").expect("deleted");
    }

    #[test]
    fn an_import_whose_answer_was_lost_is_looked_for_by_its_key() {
        let lost = || Error::new(ErrorKind::Ambiguous, "lost");
        let look = || {
            let call = import("mine", "ssh-rsa A").expect("a call");
            assert_eq!(body(&call), r#"{"keypair":{"name":"mine","public_key":"ssh-rsa A"}}"#);
            let Ok(step) = (call.read)(Err(lost())) else { panic!("it is looked for") };
            let look = step.call();
            assert_eq!(look.request.path, "/os-keypairs/mine");
            look
        };
        let pair = |key| format!(r#"{{"keypair": {{"name": "mine", "public_key": "{key}"}}}}"#);
        read(look(), 200, &pair("ssh-rsa A\\n")).expect("found");
        for (status, text) in [(200, pair("ssh-rsa B")), (404, "{}".into())] {
            assert_eq!(failed(read(look(), status, &text)).kind(), ErrorKind::Ambiguous);
        }
        let call = create("mine").expect("a call");
        let error = failed((call.read)(Err(lost())));
        assert!(error.to_string().contains("delete it and make another"), "{error}");
        let mut gone = answer(404, &[], "");
        gone.resent = true;
        assert!(matches!((delete("a").expect("a call").read)(Ok(gone)), Ok(Step::Done(()))));
    }
}
