//! Reading answers: JSON that may not be JSON, the words in a page of HTML, times.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;

use crate::call::Response;
use crate::call::headers::system_time;
use crate::error::{Error, Result};

/// Reads the JSON of an answer that said it went well; `asked` names what was asked for.
///
/// serde_json refuses what nests deeper than 128 levels, and skips what nobody reads without
/// recursion, so no answer can exhaust the stack.
pub(in crate::provider) fn json<'a, T: Deserialize<'a>>(
    response: &'a Response,
    asked: &str,
) -> Result<T> {
    // Text that is checked as a whole need not be checked again string by string.
    let read = match str::from_utf8(&response.body) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(&response.body),
    };
    read.map_err(|e| {
        let came = match e.classify() {
            _ if response.body.is_empty() => "nothing",
            _ if is_html(response) => "a web page",
            Category::Eof => "JSON that is cut short",
            Category::Data => "JSON of another shape",
            Category::Io | Category::Syntax => "no JSON",
        };
        unread(response, asked, came, e)
    })
}

/// Says what `came` in place of what was `asked` for.
pub(super) fn unread(
    response: &Response,
    asked: &str,
    came: &str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    let kind = response.header("content-type").unwrap_or("no content type");
    let size = response.body.len();
    let text = format!("asked for {asked}, the cloud sent {came} ({kind}, {size} bytes)");
    Error::protocol(text).with_status(response.status).with_source(source)
}

/// Tells whether an answer is a web page: proxies and login portals send them for anything.
fn is_html(response: &Response) -> bool {
    says_html(response) || response.body.trim_ascii_start().starts_with(b"<")
}

/// Tells whether an answer says of itself that it is a web page.
pub(super) fn says_html(response: &Response) -> bool {
    response
        .header("content-type")
        .is_some_and(|t| t.trim_start().to_ascii_lowercase().starts_with("text/html"))
}

/// Returns the words of an answer whose form nobody knows: those of a web page, or all there are.
pub(in crate::provider) fn words(response: &Response) -> String {
    // No message is longer; a page may be.
    let start = &response.body[..response.body.len().min(LONGEST_READ)];
    let body = String::from_utf8_lossy(start);
    match is_html(response) {
        true => text_of_html(&body),
        false => body.trim().to_owned(),
    }
}

/// Returns what a web page says: its text, or its title if that is all there is.
fn text_of_html(page: &str) -> String {
    let mut title = String::new();
    let mut said = Vec::new();
    let mut inside = "";
    for piece in page.split('<') {
        // The first piece has no tag before it unless the page begins with one.
        let (tag, text) = piece.split_once('>').unwrap_or(("", piece));
        inside = match tag.split_ascii_whitespace().next().unwrap_or("") {
            "title" | "TITLE" => "title",
            "script" | "SCRIPT" | "style" | "STYLE" => "hidden",
            "/title" | "/TITLE" | "/script" | "/SCRIPT" | "/style" | "/STYLE" => "",
            _ => inside,
        };
        let text = text.trim();
        match inside {
            _ if text.is_empty() => {}
            "hidden" => {}
            "title" => title = entities(text),
            _ => said.push(entities(text)),
        }
    }
    said.retain(|text| *text != title);
    if said.is_empty() {
        return title;
    }
    said.join(" ")
}

/// Resolves the entities that frameworks escape messages with.
fn entities(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&")
}

/// Reads an RFC 3339 time; one without a zone is UTC, as OpenStack means it.
pub(in crate::provider) fn time(text: &str) -> Option<SystemTime> {
    let stamp = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let local = text.parse::<jiff::civil::DateTime>().ok()?;
        jiff::tz::Offset::UTC.to_timestamp(local).ok()
    })?;
    system_time(stamp)
}

/// A text that is only looked at.
#[derive(Deserialize)]
pub(in crate::provider) struct Text<'a>(#[serde(borrow)] pub(in crate::provider) Cow<'a, str>);

/// An id: a text by the references; a whole number names a thing as well.
pub(in crate::provider) struct Id(pub(in crate::provider) String);

/// Read by hand because serde keeps all of an untagged value to try one shape after the other.
impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct TextOrNumber;

        impl Visitor<'_> for TextOrNumber {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id")
            }

            fn visit_str<E>(self, text: &str) -> Result<Id, E> {
                Ok(Id(text.to_owned()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Id, E> {
                Ok(Id(number.to_string()))
            }
        }

        from.deserialize_any(TextOrNumber)
    }
}

/// Reads a field that may be null as if it were not there.
pub(in crate::provider) fn or_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Bytes of an error answer that is no JSON in which its words are looked for.
const LONGEST_READ: usize = 16 * 1024;

#[cfg(test)]
pub(in crate::provider) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let mut map = http::HeaderMap::new();
    for (name, value) in headers {
        let name = http::HeaderName::try_from(*name).expect("a header's name");
        map.insert(name, http::HeaderValue::from_str(value).expect("a value"));
    }
    Response {
        status: http::StatusCode::from_u16(status).expect("a status"),
        headers: map,
        body: body.to_owned().into(),
        live: None,
        resent: false,
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::error::ErrorKind;

    #[derive(Debug, Deserialize)]
    struct Thing {
        id: String,
    }

    fn refusal(headers: &[(&str, &str)], body: &str) -> Error {
        let response = answer(200, headers, body);
        let error = json::<Thing>(&response, "a thing").expect_err("no thing");
        assert_eq!(error.kind(), ErrorKind::Protocol);
        error
    }

    #[test]
    fn what_came_instead_of_json_is_named() {
        let html = [("content-type", "text/html; charset=UTF-8")];
        for (headers, body, came) in [
            (&html[..], "<html>log in first</html>", "a web page"),
            (&[], "  <!doctype html>", "a web page"),
            (&[], "", "nothing"),
            (&[], "{\"id\": \"a", "JSON that is cut short"),
            (&[], "{\"name\": \"a\"}", "JSON of another shape"),
            (&[], "{\"id\": 1}", "JSON of another shape"),
            (&[], "{\"id\": 1e400}", "no JSON"),
            (&[], "OK", "no JSON"),
            (&[], "\u{0}\u{1}", "no JSON"),
        ] {
            let error = refusal(headers, body);
            let text = error.to_string();
            assert!(text.contains(&format!("sent {came} (")), "{body:?}: {text}");
            assert!(text.contains("asked for a thing"), "{text}");
            assert!(error.source().is_some());
        }
        assert!(refusal(&html, "<p>").to_string().contains("text/html"));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_only_where_they_are_read() {
        let with = |body: &[u8]| Response { body: body.to_vec().into(), ..answer(200, &[], "") };
        let response = with(b"{\"id\": \"\xc3\xa4\", \"other\": \"\xe4\"}");
        assert_eq!(json::<Thing>(&response, "a thing").expect("a thing").id, "\u{e4}");
        let refused = json::<Thing>(&with(b"{\"id\": \"\xe4\"}"), "a thing");
        assert!(refused.expect_err("no thing").to_string().contains("sent no JSON"));
    }

    #[test]
    fn deep_nesting_is_refused_and_does_not_exhaust_the_stack() {
        let deep = "[".repeat(1_000_000);
        refusal(&[], &deep);
        refusal(&[], &format!("{{\"id\": {deep}"));
        refusal(&[], &format!("{{\"other\": {deep}"));
    }

    #[test]
    fn a_web_page_says_its_text_without_the_title_that_repeats() {
        let page = "<html>\n <head>\n <title>404 Not Found</title>\n </head>\n <body>\n \
                    <h1>404 Not Found</h1>\n No image with ID &lt;a&gt;<br /><br />\n</body></html>";
        assert_eq!(text_of_html(page), "No image with ID <a>");
        assert_eq!(text_of_html("<title>Bad Gateway</title><h1>Bad Gateway</h1>"), "Bad Gateway");
        assert_eq!(text_of_html("<style>p{}</style><p>hello</p>"), "hello");
        assert_eq!(text_of_html("<"), "");
    }

    #[test]
    fn times_are_read_with_zone_and_without() {
        let second = UNIX_EPOCH + Duration::from_secs(1_763_870_319);
        assert_eq!(time("2025-11-23T03:58:39Z"), Some(second));
        assert_eq!(time("2025-11-23T03:58:39.000000Z"), Some(second));
        assert_eq!(time("2025-11-23T03:58:39.000000"), Some(second));
        for wrong in ["", "yesterday", "99999-01-01T00:00:00Z"] {
            assert_eq!(time(wrong), None);
        }
    }
}
