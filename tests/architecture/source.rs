//! Finds the paths in Rust code, without parsing more of it than that takes.

/// Returns the module that a file is: `provider/openstack/mod.rs` is `provider::openstack`.
pub(super) fn module_of(file: &str) -> Vec<String> {
    let mut parts: Vec<_> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib")) {
        parts.pop();
    }
    parts
}

/// Returns the modules that `file` declares for tests only, `#[cfg(test)] mod tests;`.
pub(super) fn test_modules(file: &str, text: &str) -> Vec<Vec<String>> {
    let code = blank(text, false);
    test_items(&code)
        .into_iter()
        .filter_map(|(start, end)| {
            let item = code[start..end].rsplit(']').next()?.trim();
            let name = item.strip_prefix("mod ")?.strip_suffix(';')?;
            Some([module_of(file), vec![name.to_owned()]].concat())
        })
        .collect()
}

/// Replaces comments, and strings unless they are to be kept, by spaces; the lines stay.
pub(super) fn blank(text: &str, keep_strings: bool) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let in_word = i > 0 && is_word(chars[i - 1]);
        let (end, comment) = if at(i) == '/' && at(i + 1) == '/' {
            let end = (i..chars.len()).find(|&j| chars[j] == '\n');
            (end.unwrap_or(chars.len()), true)
        } else if at(i) == '/' && at(i + 1) == '*' {
            (end_of_block(&chars, i), true)
        } else if at(i) == '"' {
            (end_of_quoted(&chars, i, '"'), false)
        } else if at(i) == '\'' && (at(i + 1) == '\\' || at(i + 2) == '\'') {
            (end_of_quoted(&chars, i, '\''), false)
        } else if let Some(end) = (!in_word).then(|| end_of_raw(&chars, i)).flatten() {
            (end, false)
        } else {
            out.push(at(i));
            i += 1;
            continue;
        };
        let keep = keep_strings && !comment;
        let blanked = |c: &char| if keep || *c == '\n' { *c } else { ' ' };
        out.extend(chars[i..end].iter().map(blanked));
        i = end;
    }
    out
}

fn end_of_block(chars: &[char], start: usize) -> usize {
    let (mut depth, mut i) = (0, start);
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    chars.len()
}

fn end_of_quoted(chars: &[char], start: usize, quote: char) -> usize {
    let mut i = start + 1;
    while i < chars.len() && chars[i] != quote {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    (i + 1).min(chars.len())
}

/// Returns the end of a raw string that begins here: `r"…"`, `br##"…"##`.
fn end_of_raw(chars: &[char], start: usize) -> Option<usize> {
    let mut i = start + usize::from(matches!(chars[start], 'b' | 'c'));
    if chars.get(i) != Some(&'r') {
        return None;
    }
    i += 1;
    let hashes = chars[i..].iter().take_while(|c| **c == '#').count();
    if chars.get(i + hashes) != Some(&'"') {
        return None;
    }
    let close: Vec<_> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let from = i + hashes + 1;
    let length = chars[from..].windows(close.len()).position(|w| w == close)?;
    Some(from + length + close.len())
}

/// Replaces the items under `#[cfg(test)]` by spaces; the lines stay.
pub(super) fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    for (start, end) in test_items(&blank(code, false)) {
        let keep = |c: char| {
            if c == '\n' { "\n".into() } else { " ".repeat(c.len_utf8()) }
        };
        let blanked: String = code[start..end].chars().map(keep).collect();
        out.replace_range(start..end, &blanked);
    }
    out
}

/// Returns where the items under `#[cfg(test)]` begin and end, in bytes.
fn test_items(code: &str) -> Vec<(usize, usize)> {
    let mut items = Vec::new();
    let mut from = 0;
    while let Some(found) = code[from..].find("#[cfg(") {
        let start = from + found;
        let condition = &code[start + "#[cfg(".len()..];
        from = start + 1;
        if condition.starts_with("test)") || condition.starts_with("all(test,") {
            from = end_of_item(code, start);
            items.push((start, from));
        }
    }
    items
}

fn end_of_item(code: &str, start: usize) -> usize {
    let (mut depth, mut braces) = (0usize, 0usize);
    for (i, c) in code[start..].char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '{' => braces += 1,
            '}' => braces = braces.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && braces == 0 && matches!(c, '}' | ';') {
            return start + i + 1;
        }
    }
    code.len()
}

/// Returns every path of the code with its line: as written, but `self` and `super` resolved.
pub(super) fn paths(code: &str, module: &[String]) -> Vec<(usize, Vec<String>)> {
    let mut scan = Scan { tokens: tokens(code), at: 0, found: Vec::new() };
    let mut inner: Vec<(usize, String)> = Vec::new();
    let mut depth = 0;
    while scan.at < scan.tokens.len() {
        let before = scan.at.checked_sub(1).map(|i| scan.tokens[i].1);
        match scan.tokens[scan.at].1 {
            "mod" if scan.peek(2) == Some("{") => {
                inner.push((depth, scan.peek(1).unwrap_or_default().to_owned()));
                scan.at += 2;
                continue;
            }
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                inner.pop_if(|(at, _)| *at == depth);
            }
            // `a.tokio` is a field, `<T>::now` a member of a type.
            word if is_path(word) && before == Some(".") && scan.before(2) != Some(".") => {}
            word if is_path(word) => {
                let first = scan.found.len();
                let member = before == Some("::") && scan.before(2) == Some(">");
                scan.path(Vec::new());
                if member {
                    scan.found.truncate(first);
                }
                let here = inner.iter().map(|(_, name)| name);
                let here: Vec<_> = module.iter().chain(here).cloned().collect();
                for (_, path) in &mut scan.found[first..] {
                    resolve(path, &here);
                }
                continue;
            }
            _ => {}
        }
        scan.at += 1;
    }
    scan.found
}

struct Scan<'a> {
    tokens: Vec<(usize, &'a str)>,
    at: usize,
    found: Vec<(usize, Vec<String>)>,
}

impl<'a> Scan<'a> {
    fn peek(&self, ahead: usize) -> Option<&'a str> {
        self.tokens.get(self.at + ahead).map(|t| t.1)
    }

    fn before(&self, back: usize) -> Option<&'a str> {
        self.at.checked_sub(back).map(|i| self.tokens[i].1)
    }

    /// Reads one path, or the tree of a `use`: `a::{b, c::*}` is `a::b` and `a::c::*`.
    fn path(&mut self, mut path: Vec<String>) {
        let line = self.tokens[self.at].0;
        while let Some(word) = self.peek(0).filter(|w| is_path(w) || *w == "*") {
            path.push(word.to_owned());
            self.at += 1;
            if self.peek(0) != Some("::") {
                break;
            }
            self.at += 1;
            if self.peek(0) == Some("{") {
                return self.branches(&path);
            }
        }
        self.found.push((line, path));
    }

    fn branches(&mut self, path: &[String]) {
        self.at += 1;
        while let Some(token) = self.peek(0) {
            match token {
                "}" => break,
                word if is_path(word) || word == "*" => self.path(path.to_vec()),
                _ => self.at += 1,
            }
            // `a as b`: what it is called here is not a path.
            if self.peek(0) == Some("as") {
                self.at += 2;
            }
        }
        self.at += 1;
    }
}

/// Makes `self::` and `super::` begin at the crate, and drops the `self` of `a::{self}`.
fn resolve(path: &mut Vec<String>, module: &[String]) {
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    if !matches!(path[0].as_str(), "self" | "super") {
        return;
    }
    let ups = path.iter().filter(|p| *p == "super").count();
    let rest = path.iter().skip_while(|p| matches!(p.as_str(), "self" | "super")).cloned();
    let here = module[..module.len().saturating_sub(ups)].iter().cloned();
    *path = std::iter::once("crate".to_owned()).chain(here).chain(rest).collect();
}

/// Splits code into words, `::` and single signs, each with its line.
fn tokens(code: &str) -> Vec<(usize, &str)> {
    let mut all = Vec::new();
    for (line, text) in (1..).zip(code.lines()) {
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = match first {
                c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                ':' if rest.starts_with("::") => 2,
                c => c.len_utf8(),
            };
            all.push((line, &rest[..length]));
            rest = rest[length..].trim_start();
        }
    }
    all
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_path(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Returns the words of a line in lower case, names with `_` also in their parts.
pub(super) fn words(line: &str) -> Vec<String> {
    tokens(line)
        .into_iter()
        .flat_map(|(_, token)| {
            let whole = token.replace('_', "").to_lowercase();
            token.split('_').map(str::to_lowercase).chain([whole]).collect::<Vec<_>>()
        })
        .collect()
}
