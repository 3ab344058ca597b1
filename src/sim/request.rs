//! A request that has arrived whole.

use bytes::Bytes;
use http::Method;
use http::request::Parts;

pub(super) struct Request {
    parts: Parts,
    body: Bytes,
}

impl Request {
    pub(super) fn new(parts: Parts, body: Bytes) -> Request {
        Request { parts, body }
    }

    pub(super) fn method(&self) -> &Method {
        &self.parts.method
    }

    /// The path's segments; a slash at the end makes no difference.
    pub(super) fn segments(&self) -> Vec<&str> {
        self.parts.uri.path().trim_matches('/').split('/').collect()
    }

    pub(super) fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// A header's value; none if it is not text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    pub(super) fn body(&self) -> &Bytes {
        &self.body
    }

    /// A query parameter, decoded; the last one if it is there more than once.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        self.values(name).last()
    }

    /// All values of a query parameter, decoded.
    pub(super) fn query_all(&self, name: &str) -> Vec<String> {
        self.values(name).collect()
    }

    fn values(&self, name: &str) -> impl Iterator<Item = String> {
        self.pairs().filter_map(move |pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(key) == name).then(|| decoded(value))
        })
    }

    /// The query of the first page: as it came, but without a marker.
    pub(super) fn query_without_marker(&self) -> String {
        let query = self.pairs().filter(|pair| !is_marker(pair)).collect::<Vec<_>>().join("&");
        if query.is_empty() { query } else { format!("?{query}") }
    }

    /// The query of the next page: as it came, but after another marker.
    pub(super) fn query_after(&self, marker: &str) -> String {
        let mut query = String::from("?");
        for pair in self.pairs().filter(|pair| !is_marker(pair)) {
            query.push_str(pair);
            query.push('&');
        }
        query + "marker=" + marker
    }

    fn pairs(&self) -> impl Iterator<Item = &str> {
        self.parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty())
    }
}

fn is_marker(pair: &str) -> bool {
    pair.split('=').next() == Some("marker")
}

/// Percent-decoding as forms have it; what is not well-formed stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'%', [high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or_default() as u8;
                bytes.push(digit(*high) << 4 | digit(*low));
                rest = after;
            }
            (b'+', _) => bytes.push(b' '),
            (other, _) => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
