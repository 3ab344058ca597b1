//! What verbs are given: files, spans of time, pairs.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::complaint::Complaint;

/// Reads a file, or stdin for `-`, up to a length that nobody means to send.
///
/// There may be secrets in it: it is wiped when dropped.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Complaint> {
    let mut content = Zeroizing::new(Vec::new());
    let read = match path.to_str() {
        Some("-") => io::stdin().lock().take(MOST_BYTES).read_to_end(&mut content),
        _ => File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut content)),
    };
    match read {
        Ok(_) => Ok(content),
        Err(e) => {
            let what = match path.to_str() {
                Some("-") => "stdin cannot be read".to_owned(),
                _ => format!("{} cannot be read", path.display()),
            };
            Err(Complaint::because(&what, &e))
        }
    }
}

/// Reads `90`, `90s`, `10m` or `2h`.
pub(super) fn time_span(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.as_bytes().last() {
        Some(b's') => (&text[..text.len() - 1], 1),
        Some(b'm') => (&text[..text.len() - 1], 60),
        Some(b'h') => (&text[..text.len() - 1], 3600),
        _ => (text, 1),
    };
    let seconds = number.parse::<u32>().ok().filter(|n| *n > 0).map(|n| u64::from(n) * unit);
    seconds.map(Duration::from_secs).ok_or_else(|| "write 90s, 10m or 2h".to_owned())
}

/// Reads `KEY=VALUE`; the value may be empty, and have more of `=`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}

/// Far more than any cloud takes, which then says so.
const MOST_BYTES: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_have_a_unit_or_are_seconds() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("10m", 600), ("2h", 7200)] {
            assert_eq!(time_span(text), Ok(Duration::from_secs(seconds)));
        }
        for text in ["", "s", "0", "-1", "1d", "1.5h", "1ß", "99999999999h"] {
            assert!(time_span(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn pairs_are_split_at_the_first_sign() {
        assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(pair("a="), Ok(("a".into(), String::new())));
        assert!(pair("a").is_err() && pair("=a").is_err() && pair("").is_err());
    }
}
