//! Characters that make a text read otherwise than it runs: ones that reorder or hide, and letters of another script.
//!
//! Such tricks are known as Trojan Source (CVE-2021-42574 for reordering, CVE-2021-42694 for lookalike letters).

use crate::{Confidence, Finding, Severity, Source};

/// The check's name.
pub const NAME: &str = "invisible-characters";

const MAX_FINDINGS: usize = 100;
/// How many characters of a text are looked up in its tree.
const MAX_LOOKED_UP: usize = 5_000;

/// Reports characters that reorder or hide, control characters, and names that mix scripts.
pub fn findings(source: &Source<'_>) -> Vec<Finding> {
    // Almost every text is plain, and that is told in one pass over its bytes.
    let is_plain = |it: u8| it.is_ascii() && (!it.is_ascii_control() || matches!(it, b'\t' | b'\n' | b'\r' | 0x0c));
    if source.text.bytes().all(is_plain) {
        return Vec::new();
    }
    let mut findings = characters(source);
    findings.extend(names(source));
    findings.truncate(MAX_FINDINGS);
    findings
}

fn characters(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut before = None;
    let mut n_selectors = 0;
    let mut n_looked_up = 0;
    for (at, it) in source.text.char_indices() {
        n_selectors = if matches!(it, '\u{e0100}'..='\u{e01ef}') { n_selectors + 1 } else { 0 };
        n_looked_up += usize::from(!it.is_ascii() || it == '\u{1b}');
        if findings.len() >= MAX_FINDINGS {
            break;
        }
        if let Some((rule, severity, what)) =
            problem(source, at, it, &Before { character: before, n_selectors, n_looked_up })
        {
            let span = source.span(at..at + it.len_utf8());
            let line = source.text.lines().nth(span.line - 1).unwrap_or_default();
            findings.push(
                Finding::new(NAME, severity, format!("{what} (U+{:04X}) is in the text", u32::from(it)))
                    .rule(rule)
                    .cwe(&[1007_u16][..])
                    .within(source.path, span)
                    .key(format!("{:04x}:{}", u32::from(it), super::grammar::squeezed(line)))
                    .hint("Write the character as an escape, or take it out."),
            );
        }
        // A flag is a black flag followed by tags.
        before = if matches!(it, '\u{e0000}'..='\u{e007f}') { before } else { Some(it) };
    }
    findings
}

/// What stands before a character.
struct Before {
    /// The character before it, tags left out.
    character: Option<char>,
    /// How many variation selectors in a row, with this one.
    n_selectors: usize,
    /// How many characters may have been looked up in the tree.
    n_looked_up: usize,
}

/// Returns the rule that a character breaks, how much it matters here, and what it is.
fn problem(
    source: &Source<'_>,
    at: usize,
    it: char,
    before: &Before,
) -> Option<(&'static str, Severity, &'static str)> {
    let is_code = source.language.is_some();
    let may_look = before.n_looked_up <= MAX_LOOKED_UP;
    let strict = if is_code { Severity::Error } else { Severity::Warning };
    match it {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some(("bidirectional-control", strict, "a character that reorders the line"))
        }
        '\u{e0000}'..='\u{e007f}' if before.character != Some('\u{1f3f4}') => {
            Some(("tag-character", strict, "a tag, which nobody sees"))
        }
        '\u{e0100}'..='\u{e01ef}' if before.n_selectors == 4 => {
            Some(("hidden-data", strict, "a run of variation selectors, which nobody sees"))
        }
        '\0' => Some(("nul", strict, "a NUL")),
        // In a string a program may mean it; anywhere else it only hides something from who reads.
        '\u{1b}' | '\u{9b}' if may_look && is_in_string(source, at) => {
            Some(("escape-sequence", Severity::Note, "a raw escape in a string"))
        }
        '\u{1b}' | '\u{9b}' => Some(("escape-sequence", strict, "a raw escape, an order to the terminal")),
        '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}' | '\u{3164}' | '\u{115f}'
        | '\u{1160}' | '\u{ffa0}'
            if is_code && at > 0 && may_look && is_code_at(source, at) =>
        {
            Some(("zero-width", Severity::Error, "a character without width, in code"))
        }
        '\u{8}' | '\u{7f}' => Some(("control-character", Severity::Warning, "a raw control character")),
        _ => None,
    }
}

fn is_code_at(source: &Source<'_>, at: usize) -> bool {
    source.tree().is_some_and(|tree| tree.is_code(at))
}

fn is_in_string(source: &Source<'_>, at: usize) -> bool {
    let node = source.tree().and_then(|tree| tree.root().descendant_for_byte_range(at, at));
    node.is_some_and(|it| it.kind().contains("string") || it.kind().contains("char"))
}

fn names(source: &Source<'_>) -> Vec<Finding> {
    let Some(tree) = source.tree() else { return Vec::new() };
    let mut findings = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut start = None;
    for (at, it) in source.text.char_indices().chain([(source.text.len(), ' ')]) {
        let is_part = it.is_alphanumeric() || it == '_';
        match (start, is_part) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                start = None;
                let name = &source.text[from..at];
                if !name.is_ascii()
                    && seen.len() < MAX_LOOKED_UP
                    && seen.insert(name)
                    && findings.len() < MAX_FINDINGS
                    && tree.is_code(from)
                {
                    findings.extend(lookalike(source, name, from..at));
                }
            }
            _ => {}
        }
    }
    findings
}

fn lookalike(source: &Source<'_>, name: &str, range: std::ops::Range<usize>) -> Option<Finding> {
    let has_latin = name.chars().any(|it| it.is_ascii_alphabetic());
    let foreign = name.chars().find(|it| is_lookalike(*it))?;
    let is_all = name.chars().all(|it| is_lookalike(it) || !it.is_alphabetic());
    // A word in Cyrillic is a word; one that could be read as Latin from end to end is a trap.
    if !has_latin && !is_all {
        return None;
    }
    let (severity, confidence) =
        if has_latin { (Severity::Error, Confidence::High) } else { (Severity::Warning, Confidence::Medium) };
    Some(
        Finding::new(
            NAME,
            severity,
            format!("a name holds a letter that only looks Latin (U+{:04X})", u32::from(foreign)),
        )
        .rule("lookalike-letter")
        .confidence(confidence)
        .cwe(&[1007_u16][..])
        .within(source.path, source.span(range))
        .key(name)
        .hint("Type the name again with letters of one script."),
    )
}

/// Returns whether a letter of another script is drawn like a Latin one. Greek letters of formulas are none.
fn is_lookalike(it: char) -> bool {
    const CYRILLIC: &str = "аеорсухіјѕһԁԛԝАВЕЅІЈКМНОРСТХҮ";
    const GREEK: &str = "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοϲϳ";
    const ARMENIAN: &str = "օսհոց";
    CYRILLIC.contains(it)
        || GREEK.contains(it)
        || ARMENIAN.contains(it)
        || matches!(it, '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}')
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn rules(path: &str, text: &str) -> Vec<String> {
        findings(&Source::new(Path::new(path), text))
            .into_iter()
            .map(|it| format!("{} {:?}", it.rule, it.severity))
            .collect()
    }

    #[test]
    fn what_reorders_or_hides_code_is_an_error() {
        assert_eq!(rules("a.py", "x = 1 # \u{202e} }\u{2066}\n")[0], "bidirectional-control Error");
        assert_eq!(rules("a.js", "const a\u{200b}b = 1;\n"), ["zero-width Error"]);
        assert_eq!(rules("a.rs", "// \u{1b}[31m\nfn f() {}\n"), ["escape-sequence Error"]);
        assert_eq!(rules("a.py", "s = '\u{1b}[31m'\n"), ["escape-sequence Note"]);
        assert_eq!(rules("a.go", "package a // \u{e0041}\n"), ["tag-character Error"]);
    }

    #[test]
    fn a_name_that_mixes_scripts_is_an_error() {
        assert_eq!(rules("a.py", "p\u{430}ssword = 1\n"), ["lookalike-letter Error"]);
        assert_eq!(rules("a.py", "\u{430} = 1\n"), ["lookalike-letter Warning"]);
    }

    #[test]
    fn words_of_other_scripts_formulas_and_emoji_are_fine() {
        for text in [
            "привет = 1\n",
            "Δx = α_max\n",
            "s = '👩\u{200d}💻 🏴\u{e0067}\u{e0062}\u{e007f}'\n",
            "# Über naïve café\n",
            "\u{feff}x = 1\n",
        ] {
            assert_eq!(rules("a.py", text), [""; 0], "{text}");
        }
    }
}
