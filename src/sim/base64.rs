//! Base64, as keys and user data are written (RFC 4648, section 4).

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn encoded(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(*group.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at > group.len() { '=' } else { digit as char });
        }
    }
    text
}

/// The bytes; none if it is anything but whole groups of four, line breaks aside.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3);
    let mut ended = false;
    for group in digits.chunks(4) {
        let padding = group.iter().rev().take_while(|digit| **digit == b'=').count();
        if ended || group.len() != 4 || padding > 2 {
            return None;
        }
        let mut bits = 0u32;
        for digit in &group[..4 - padding] {
            let value = ALPHABET.iter().position(|known| known == digit)?;
            bits = bits << 6 | value as u32;
        }
        bits <<= 6 * padding;
        bytes.extend(&bits.to_be_bytes()[1..4 - padding]);
        ended = padding > 0;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{decoded, encoded};

    #[test]
    fn bytes_come_back_as_they_went() {
        // The vectors of RFC 4648, section 10.
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encoded(bytes.as_bytes()), text);
            assert_eq!(decoded(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        assert_eq!(decoded("Zm9v\nYmFy").as_deref(), Some(&b"foobar"[..]));
    }

    #[test]
    fn what_is_not_base64_is_not_taken_for_it() {
        for text in ["Z", "Zg=", "Zg==Zg==", "Z===", "====", "Zm9v!", "Z=g="] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
