//! Percent-encoding, with nothing left to taste: one text has one way to be written.

/// Escapes all but the unreserved characters (RFC 3986, 2.3), and slashes unless they are kept.
pub(in crate::provider) fn encode(text: &str, keep_slash: bool) -> String {
    encode_bytes(text.as_bytes(), keep_slash)
}

/// Writes what is escaped in whatever way as [`encode`] would have.
pub(super) fn encode_again(text: &str, keep_slash: bool) -> String {
    encode_bytes(&decode(text), keep_slash)
}

/// Reads what was written as a form is, with a plus for a space; what is no UTF-8 stays as it is.
pub(in crate::provider) fn decode_form(text: &str) -> String {
    String::from_utf8(decode(&text.replace('+', " "))).unwrap_or_else(|_| text.to_owned())
}

fn encode_bytes(bytes: &[u8], keep_slash: bool) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(byte.into());
            }
            b'/' if keep_slash => out.push('/'),
            _ => {
                let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
                out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    out
}

/// A percent sign that begins no escape stands for itself.
fn decode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let half = |at: usize| char::from(*after.get(at)?).to_digit(16);
        let escaped = match (*first, half(0), half(1)) {
            (b'%', Some(high), Some(low)) => u8::try_from(high << 4 | low).ok(),
            _ => None,
        };
        match escaped {
            Some(byte) => {
                out.push(byte);
                rest = &after[2..];
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_and_kept_slashes_stand_as_they_are() {
        let plain = "AZaz09-._~";
        assert_eq!(encode(plain, false), plain);
        assert_eq!(encode("/a b+ü", true), "/a%20b%2B%C3%BC");
        assert_eq!(encode("/a%", false), "%2Fa%25");
        for code in 0..=127 {
            let text = String::from(char::from(code));
            let kept = plain.contains(&text) || text.chars().all(|c| c.is_ascii_alphanumeric());
            let expected = if kept { text.clone() } else { format!("%{code:02X}") };
            assert_eq!(encode(&text, false), expected);
        }
    }

    #[test]
    fn one_text_is_written_one_way_however_it_was_escaped() {
        for escaped in ["$a~/", "%24a~/", "%24%61%7e/", "%24%61%7E%2f"] {
            assert_eq!(encode_again(escaped, true), "%24a~/");
        }
        assert_eq!(encode_again("a/b", false), "a%2Fb");
        for (broken, expected) in [("%", "%25"), ("%2", "%252"), ("%zz", "%25zz"), ("%%41", "%25A")]
        {
            assert_eq!(encode_again(broken, true), expected);
        }
    }
}
