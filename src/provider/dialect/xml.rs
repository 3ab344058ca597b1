//! Reading answers: XML that may not be XML.

use quick_xml::de::Deserializer;
use quick_xml::errors::{Error as XmlError, IllFormedError, SyntaxError};
use quick_xml::events::Event;
use quick_xml::{DeError, Reader};
use serde::Deserialize;

use super::answer;
use crate::call::Response;
use crate::error::Result;

/// Reads the XML of an answer that said it went well, whose outermost element is `root`; `asked`
/// names what was asked for.
///
/// quick-xml refuses what nests deeper than 128 levels, skips what nobody reads without recursion,
/// and knows no entities but those of XML itself, so no answer can exhaust the stack or grow while
/// it is read. The elements of a list must stand together: what comes mixed (`Deleted` and `Error`
/// of one answer) is a list of an enum in a field named `$value`.
pub(in crate::provider) fn read<'a, T: Deserialize<'a>>(
    response: &'a Response,
    root: &str,
    asked: &str,
) -> Result<T> {
    if response.body.trim_ascii().is_empty() {
        return Err(answer::unread(response, asked, "nothing", DeError::UnexpectedEof));
    }
    let text = std::str::from_utf8(&response.body)
        .map_err(|e| answer::unread(response, asked, "no UTF-8", e))?;
    let read = match self::root(text) {
        // A page may be sound XML, and lack no field that need not be there.
        Some(other) if other != root => {
            Err(DeError::Custom(format!("the outermost element is {other:?}")))
        }
        _ => T::deserialize(&mut Deserializer::from_str(text)),
    };
    read.map_err(|e| {
        let came = match &e {
            _ if is_page(response) => "a web page",
            _ if !begins(text) => "no XML",
            DeError::Custom(_) | DeError::MixedContent(_) | DeError::KeyNotRead => {
                "XML of another shape"
            }
            DeError::TooDeeplyNested(_) => "XML that nests too deep",
            DeError::UnexpectedEof => "XML that is cut short",
            DeError::InvalidXml(e) if is_cut(e) => "XML that is cut short",
            DeError::InvalidXml(_) => "no XML",
        };
        answer::unread(response, asked, came, e)
    })
}

/// Reads an answer whose form nobody has promised, such as an error, if it is XML at all.
pub(in crate::provider) fn try_read<'a, T: Deserialize<'a>>(response: &'a Response) -> Option<T> {
    let text = std::str::from_utf8(&response.body).ok()?;
    T::deserialize(&mut Deserializer::from_str(text)).ok()
}

/// Tells whether the outermost element has this name; it is looked for near the beginning only.
pub(in crate::provider) fn is_rooted(response: &Response, root: &str) -> bool {
    let start = &response.body[..response.body.len().min(LONGEST_PROLOG)];
    self::root(&String::from_utf8_lossy(start)).as_deref() == Some(root)
}

/// Tells whether an answer is a web page: XML begins with `<` as well, and is not always sent under
/// a name of its own.
pub(in crate::provider) fn is_page(response: &Response) -> bool {
    let start = response.body.trim_ascii_start();
    let begins = |with: &str| {
        start.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
    };
    begins("<html") || begins("<!doctype html") || (answer::says_html(response) && !begins("<?xml"))
}

/// Returns the name of the outermost element, if there is one.
fn root(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) | Event::Empty(tag) => {
                return Some(tag.local_name().into_inner().to_owned());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

fn begins(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with('<')
}

/// Tells whether markup is open where the text ends.
fn is_cut(e: &XmlError) -> bool {
    match e {
        XmlError::Syntax(e) => !matches!(e, SyntaxError::InvalidBangMarkup),
        XmlError::IllFormed(e) => {
            matches!(e, IllFormedError::MissingEndTag(_) | IllFormedError::UnclosedReference)
        }
        _ => false,
    }
}

/// Bytes in which an answer's first element begins, and ends its tag.
const LONGEST_PROLOG: usize = 1_024;

#[cfg(test)]
mod tests;
