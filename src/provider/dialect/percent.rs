//! Percent-encoding, with nothing left to taste: one text has one way to be written.

/// Escapes all but the unreserved characters (RFC 3986, 2.3), and slashes unless they are kept.
pub(in crate::provider) fn encode(text: &str, keep_slash: bool) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
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
}
