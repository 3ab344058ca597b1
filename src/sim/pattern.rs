//! The little of regular expressions that clients use to ask for a name.

/// Whether `text` has a part that `pattern` describes: `^` and `$` are its ends, `.` is any
/// character, `\` takes the next one as it is. All others, and those in other places, stand for
/// themselves.
pub(super) fn finds(pattern: &str, text: &str) -> bool {
    let (from_start, pattern) = match pattern.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let text: Vec<char> = text.chars().collect();
    let starts = if from_start { 0..=0 } else { 0..=text.len() };
    starts.into_iter().any(|start| begins(&text[start..], pattern))
}

fn begins(text: &[char], pattern: &str) -> bool {
    let (mut text, mut pattern) = (text.iter(), pattern.chars());
    while let Some(wanted) = pattern.next() {
        let fits = match wanted {
            '$' if pattern.as_str().is_empty() => return text.as_slice().is_empty(),
            '.' => text.next().is_some(),
            '\\' => text.next().copied() == pattern.next(),
            plain => text.next() == Some(&plain),
        };
        if !fits {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::finds;

    #[test]
    fn names_are_found_by_their_parts_and_ends() {
        for (pattern, text, found) in [
            ("eb", "web-1", true),
            ("", "web-1", true),
            ("^web-1$", "web-1", true),
            ("^web-1$", "web-10", false),
            ("^eb", "web-1", false),
            ("1$", "web-1", true),
            ("w.b", "web", true),
            ("^...$", "ü雲☁", true),
            ("^..$", "abc", false),
            (r"^a\.b$", "axb", false),
            (r"^a\.b$", "a.b", true),
            ("a$b", "a$b", true),
            ("$", "a", true),
        ] {
            assert_eq!(finds(pattern, text), found, "{pattern:?} in {text:?}");
        }
    }
}
