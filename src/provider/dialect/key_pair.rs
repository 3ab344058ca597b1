//! Key pairs that are ordered once, where the cloud has no token to know an order by.

use crate::call::{Call, Step};
use crate::error::{Error, ErrorKind};
use crate::service::key_pair::KeyPair;

/// Orders a pair that the cloud makes. A lost answer takes the private half with it.
pub(in crate::provider) fn created(order: Call<KeyPair>, name: &str) -> Call<KeyPair> {
    let name = name.to_owned();
    order.settled(move |result| match result {
        Err(lost) if lost.kind() == ErrorKind::Ambiguous => {
            let text = format!(
                "the answer with the private half was lost; if there is a key pair {name:?} now, \
                 delete it and make another"
            );
            Err(Error::new(ErrorKind::Ambiguous, text).with_source(lost))
        }
        other => other.map(Step::Done),
    })
}

/// Orders a pair whose public half is known. When the answer was lost, a pair of that name with the
/// same key is the one.
pub(in crate::provider) fn imported(
    order: Call<KeyPair>,
    look: Call<KeyPair>,
    public_key: &str,
) -> Call<KeyPair> {
    let public_key = public_key.to_owned();
    order.settled(move |result| match result {
        Err(lost) if lost.kind() == ErrorKind::Ambiguous => {
            let look = look.settled(move |found| match found {
                Ok(pair) if is_same(&public_key, pair.public_key.as_deref()) => {
                    Ok(Step::Done(pair))
                }
                _ => Err(lost),
            });
            Ok(Step::Next(look))
        }
        other => other.map(Step::Done),
    })
}

/// Compares kind and bytes: some clouds put a comment of their own behind them.
fn is_same(wanted: &str, found: Option<&str>) -> bool {
    let key = |text: &str| -> Vec<String> {
        text.split_ascii_whitespace().take(2).map(str::to_owned).collect()
    };
    found.is_some_and(|found| key(found) == key(wanted))
}
