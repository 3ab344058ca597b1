//! Texts of strangers, made safe to print.

/// Writes out what would move the cursor, break the line or turn the text around.
///
/// Names come from whoever may write in the account, and terminals obey what they print.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // Of no width, or changing the direction of what follows (Unicode's UAX 9).
            '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' => {
                safe.extend(c.escape_default());
            }
            '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}' => {
                safe.extend(c.escape_default());
            }
            _ if c.is_control() => safe.extend(c.escape_default()),
            _ => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out_and_all_else_stays() {
        for (text, safe) in [
            ("web-1", "web-1"),
            ("Größe 日本 👩‍🚀 e\u{301} \\ \"", "Größe 日本 👩‍🚀 e\u{301} \\ \""),
            ("a\n\u{1b}[31mb\r\t\0", "a\\n\\u{1b}[31mb\\r\\t\\u{0}"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
            ("\u{202e}gpj.exe\u{feff}", "\\u{202e}gpj.exe\\u{feff}"),
        ] {
            assert_eq!(escape(text), safe);
        }
    }
}
