//! What a node is told when it first boots, as clouds take it: Base64, and so much of it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::error::{Error, Result};
use crate::service::node::NewNode;

/// Writes the user data of an order; `cloud` takes `most` bytes of it before they are Base64.
pub(in crate::provider) fn user_data(
    new: &NewNode,
    cloud: &str,
    most: usize,
) -> Result<Option<String>> {
    let Some(data) = &new.user_data else { return Ok(None) };
    let size = data.bytes().len();
    if size > most {
        let text =
            format!("the user data has {size} bytes; {cloud} takes {most}: have it fetch the rest");
        return Err(Error::invalid(text));
    }
    Ok(Some(BASE64_STANDARD.encode(data.bytes())))
}
