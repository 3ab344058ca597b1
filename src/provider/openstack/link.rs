//! Paths: ids that stay in their segment, and links to next pages that stay at home.

use std::borrow::Cow;

use serde::Deserialize;

use crate::call::Cursor;
use crate::error::{Error, Result};
use crate::provider::dialect::percent;

/// Writes an id as one segment of a path.
///
/// # Errors
/// `Invalid` for what no escaping keeps in one segment: OpenStack's services see paths unescaped
/// (WSGI, PEP 3333), so Nova takes `ID%2Fmetadata%2Fkey` for another resource, and proxies resolve
/// `%2E%2E`.
pub(super) fn segment(id: &str) -> Result<String> {
    if matches!(id, "" | "." | "..") || id.contains(['/', '\\']) {
        return Err(Error::invalid(format!("{id:?} is no id")));
    }
    Ok(percent::encode(id, false))
}

/// Writes the path of one page of a list.
pub(super) fn page(path: &'static str, from: Option<&Cursor>) -> Result<Cow<'static, str>> {
    let Some(from) = from else {
        return Ok(path.into());
    };
    // A cursor may come from the user's own store.
    let query = from.as_str();
    if !is_query(query) {
        return Err(Error::invalid("that cursor is not one of this list"));
    }
    Ok(format!("{path}?{query}").into())
}

/// A link as Nova and Neutron write them.
#[derive(Deserialize)]
pub(super) struct Link {
    rel: String,
    href: String,
}

/// Finds where the next page begins.
pub(super) fn next(links: &[Link], this: Option<&str>) -> Result<Option<Cursor>> {
    let next = links.iter().find(|link| link.rel == "next");
    next.map(|link| cursor(&link.href, this)).transpose()
}

/// Makes a cursor of a link: of its query alone, so that no link leads to another host.
///
/// `this` is the cursor of the page that holds the link.
pub(super) fn cursor(href: &str, this: Option<&str>) -> Result<Cursor> {
    let query = href.split_once('?').map_or("", |(_, query)| query);
    if !is_query(query) {
        return Err(Error::protocol("the cloud's link to the next page makes no sense"));
    }
    if this == Some(query) {
        return Err(Error::protocol("the cloud's link to the next page leads to the same page"));
    }
    Ok(Cursor::new(query))
}

/// RFC 3986, 3.4, and a length that servers take.
fn is_query(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_graphic() && !matches!(b, b'#' | b'"' | b'<' | b'>' | b'\\');
    !text.is_empty() && text.len() <= 4096 && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn ids_never_leave_their_segment() {
        for (id, written) in [
            ("e54c1fc2-95a4-4f03-86a8-42264ce3c653", "e54c1fc2-95a4-4f03-86a8-42264ce3c653"),
            ("a?b=c&d", "a%3Fb%3Dc%26d"),
            ("a#b", "a%23b"),
            ("a%2Fb", "a%252Fb"),
            ("a\r\nHost: evil", "a%0D%0AHost%3A%20evil"),
            ("größe", "gr%C3%B6%C3%9Fe"),
            ("a..b", "a..b"),
            ("a;b", "a%3Bb"),
        ] {
            assert_eq!(segment(id).expect("an id"), written);
        }
        for id in ["", ".", "..", "../x", "a/b", "/", "a\\b"] {
            let error = segment(id).expect_err("no id");
            assert_eq!(error.kind(), ErrorKind::Invalid, "{id:?}");
        }
    }

    #[test]
    fn of_a_link_only_the_query_is_kept() {
        for href in [
            "http://127.0.0.1:8774/v2.1/servers/detail?limit=2&marker=a",
            "https://evil.example/steal?limit=2&marker=a",
            "/v2/images?limit=2&marker=a",
        ] {
            let next = cursor(href, None).expect("a cursor");
            assert_eq!(next.as_str(), "limit=2&marker=a");
            let path = page("/servers/detail", Some(&next)).expect("a path");
            assert_eq!(path, "/servers/detail?limit=2&marker=a");
        }
    }

    #[test]
    fn links_that_make_no_sense_are_refused() {
        for href in [
            "",
            "http://h/p",
            "http://h/p?",
            "?a b",
            "?a\nb",
            "?a#b",
            "?\u{e4}",
            "?a=1\r\nX-Evil: 1",
        ] {
            let error = cursor(href, None).expect_err("no cursor");
            assert_eq!(error.kind(), ErrorKind::Protocol, "{href:?}");
        }
        let long = format!("?marker={}", "a".repeat(5000));
        assert!(cursor(&long, None).is_err());
        let circle = cursor("?marker=a", Some("marker=a")).expect_err("a circle");
        assert_eq!(circle.kind(), ErrorKind::Protocol);
    }

    #[test]
    fn a_foreign_cursor_is_refused_before_anything_is_sent() {
        let error = page("/servers/detail", Some(&Cursor::new("a b"))).expect_err("foreign");
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}
