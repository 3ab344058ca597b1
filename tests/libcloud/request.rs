//! A request as far as it is compared: not its host, its headers, the order of its query.

use serde_json::{Value, json};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    query: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Request {
    /// Makes one of a path, or of a whole URL.
    pub(crate) fn new(method: &str, url: &str, body: &[u8]) -> Self {
        let path = match url.split_once("://") {
            Some((_, rest)) => rest.find(['/', '?']).map_or("/", |at| &rest[at..]),
            None => url,
        };
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let mut query: Vec<_> = pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (unescaped(name), unescaped(value)))
            .collect();
        query.sort();
        let text = || match body {
            b"" => Value::Null,
            _ => String::from_utf8_lossy(body).into(),
        };
        let body = serde_json::from_slice(body).unwrap_or_else(|_| text());
        Self { method: method.to_owned(), path: unescaped(path), query, body }
    }

    /// Tells whether an answer to one is an answer to the other.
    pub(crate) fn asks_like(&self, other: &Self) -> bool {
        (&self.method, &self.path, &self.query) == (&other.method, &other.path, &other.query)
    }

    /// Writes what is compared of it.
    pub(crate) fn compared(&self) -> Value {
        let Self { method, path, query, body } = self;
        json!({"method": method, "path": path, "query": query, "body": body})
    }
}

fn unescaped(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|hex| str::from_utf8(hex).ok());
        let code = code.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (first, code) {
            (b'%', Some(code)) => {
                out.push(code);
                rest = &after[2..];
            }
            _ => {
                out.push(if *first == b'+' { b' ' } else { *first });
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
