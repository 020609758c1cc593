//! Text for people: counts, lists, and names that cannot write to a terminal.

use std::borrow::Cow;

/// `1 map`, `2 maps`.
#[must_use]
pub fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The first few names in backquotes, and how many more there are.
#[must_use]
pub fn listed<T: AsRef<str>>(names: &[T], most: usize) -> String {
    let shown = names.iter().take(most);
    let shown: Vec<String> = shown.map(|name| format!("`{}`", name.as_ref())).collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The text with everything that could move a cursor, ring a bell, colour a terminal or turn the
/// direction of writing replaced by what it is: `\x1b`, `\r`, `\u{202e}`. Line feeds stay.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\t' => safe.push_str("\\t"),
            '\r' => safe.push_str("\\r"),
            _ if !is_unsafe(character) => safe.push(character),
            _ if u32::from(character) < 0x100 => {
                safe.push_str(&format!("\\x{:02x}", u32::from(character)));
            }
            _ => safe.push_str(&format!("\\u{{{:x}}}", u32::from(character))),
        }
    }
    Cow::Owned(safe)
}

/// As [`escaped`], line feeds too: for a name within a line.
#[must_use]
pub fn escaped_line(text: &str) -> Cow<'_, str> {
    match escaped(text) {
        safe if safe.contains('\n') => Cow::Owned(safe.replace('\n', "\\n")),
        safe => safe,
    }
}

fn is_unsafe(character: char) -> bool {
    let invisible = matches!(
        character,
        // Marks, embeddings, overrides and isolates of the bidirectional algorithm; line and
        // paragraph separators; the byte order mark.
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    );
    (character.is_control() && character != '\n') || invisible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_write_to_a_terminal() {
        assert!(matches!(escaped("Röntgen/胸部 1.png"), Cow::Borrowed(_)));
        assert_eq!(escaped("a\x1b[2Jb\r\x07\u{9b}"), "a\\x1b[2Jb\\r\\x07\\x9b");
        assert_eq!(escaped("gnp.\u{202e}exe\t"), "gnp.\\u{202e}exe\\t");
        assert_eq!(escaped("two\nlines"), "two\nlines");
        assert_eq!(escaped_line("two\nlines\x7f"), "two\\nlines\\x7f");
    }

    #[test]
    fn lists_are_cut() {
        assert_eq!(listed(&["a", "b", "c"], 2), "`a`, `b` and 1 more");
        assert_eq!(listed(&["a"], 5), "`a`");
        assert_eq!(plural(1, "map", "maps"), "1 map");
    }
}
