//! Refuses text that is no code: control tokens of models, fences, merge markers, and placeholders for code to come.

use std::sync::LazyLock;

use regex::Regex;

use super::Found;
use super::trial::{Piece, Trial};

/// The code of an edit with a control token, a fence or a merge marker.
pub(super) const MARKER: &str = "marker";

/// The code of an edit that stands for code instead of being it.
pub(super) const PLACEHOLDER: &str = "placeholder";

/// Refuses markers that the document does not use itself.
pub(super) fn markers(trial: &Trial<'_>) -> Found {
    let marker = trial.pieces.iter().find_map(|piece| {
        let text = trial.inserted(piece);
        MARKERS.iter().flat_map(|it| it.find_iter(text)).find(|it| is_new_marker(trial, piece, it.start(), it.as_str()))
    });
    let found = marker.map(|it| {
        let message = format!("contains the marker `{}`", it.as_str().trim());
        trial.finding(MARKER, trial.pieces[0].inserted.start, message)
    });
    Some(found.into_iter().collect())
}

fn is_new_marker(trial: &Trial<'_>, piece: &Piece, at: usize, marker: &str) -> bool {
    if trial.doc().text().contains(marker.trim()) {
        return false;
    }
    let is_fence = marker.trim_start().starts_with("```");
    // Documentation may show code in fences; only code never has one.
    let may_have_fences = trial.language().is_none() || !trial.is_code(piece.inserted.start + at + marker.len());
    !is_fence || !may_have_fences
}

static MARKERS: LazyLock<Vec<Regex>> = LazyLock::new(|| compile(MARKER_PATTERNS));

const MARKER_PATTERNS: &[&str] = &[
    r"<[|｜][A-Za-z0-9_▁ -]{1,40}[|｜]>",
    r"</?(?:PRE|SUF|MID|EOT|EOF)>",
    r"<(?:fim|file|repo|jupyter|commit)[_-][a-z_-]{2,20}>",
    r"<(?:filename|reponame|gh_stars|issue_start|endoftext)>",
    r"▁<(?:PRE|SUF|MID|EOT)>",
    r"\[(?:PREFIX|SUFFIX|MIDDLE)\]|\[/?INST\]",
    r"(?m)^<{7} |^>{7} |^={7}\r?$",
    r"(?m)^[ \t]*```",
];

/// Refuses an insertion of nothing but placeholders, and a placeholder value wherever it stands.
pub(super) fn placeholders(trial: &Trial<'_>) -> Found {
    let found = trial.pieces.iter().find(|piece| {
        let text = trial.inserted(piece);
        (is_all_filler(text) && !has_own_filler(trial, text))
            || has_elision(text, trial)
            || has_sample_value(text, trial)
    });
    let finding =
        |piece: &Piece| trial.finding(PLACEHOLDER, piece.inserted.start, "stands for code that is yet to come");
    Some(found.map(finding).into_iter().collect())
}

fn is_all_filler(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|it| !it.is_empty()).peekable();
    lines.peek().is_some() && lines.all(|line| FILLER_LINE.is_match(line))
}

/// Bodies of three dots are what interfaces and overloads are made of, where a file has them already.
fn has_own_filler(trial: &Trial<'_>, text: &str) -> bool {
    let doc = trial.doc();
    let declares = || ["Protocol", "@overload", "@abstractmethod", "ABC"].iter().any(|it| doc.text().contains(it));
    let is_dots = text.trim() == "...";
    let is_stub = doc.path.extension().is_some_and(|it| it == "pyi");
    is_dots && (is_stub || declares() || doc.text().lines().any(|it| it.trim() == "..." || it.ends_with(": ...")))
}

fn has_elision(text: &str, trial: &Trial<'_>) -> bool {
    ELISION.find_iter(text).any(|it| !trial.doc().text().contains(it.as_str().trim()))
}

fn has_sample_value(text: &str, trial: &Trial<'_>) -> bool {
    SAMPLE_VALUE.find_iter(text).any(|it| !trial.doc().text().contains(it.as_str()))
}

static FILLER_LINE: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"(?:todo|fixme|xxx|implement(?:ation)?\b|(?:add|write|insert|put|place|type|enter) (?:your|the|some|more) |your (?:own )?(?:code|implementation|logic|solution)|code (?:goes )?here|fill (?:in|this|me))";
    one(&format!(r"(?i)^(?:(?:pass\s*)?(?:#|//|/\*|--|\*)\s*{words}.*|\.\.\.|(?:#|//)\s*\.\.\.)$"))
});

/// What models that chat write for code they leave out.
static ELISION: LazyLock<Regex> = LazyLock::new(|| {
    one(concat!(
        r"(?im)^\s*(?:#|//|/\*)\s*(?:\.\.\.|…)?\s*",
        r"(?:\(?(?:rest|remainder) of (?:the |your )?(?:code|function|file|class|implementation|method)",
        r"|(?:existing|previous|other|same) (?:code|implementation|methods?)(?: \w+){0,3} ?(?:\.\.\.|…|here|unchanged))"
    ))
});

static SAMPLE_VALUE: LazyLock<Regex> = LazyLock::new(|| {
    one(
        r#"(?i)["'`]<?your[_ -](?:own[_ -])?(?:[a-z]+[_ -])?(?:api[_ -]?key|key|token|secret|password|username|id)(?:[_ -]here)?>?["'`]"#,
    )
});

fn one(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the patterns are constants and a test compiles each")
}

fn compile(patterns: &[&str]) -> Vec<Regex> {
    patterns.iter().map(|it| one(it)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Surroundings;
    use super::super::trial::tests;
    use super::*;

    fn codes(path: &str, marked: &str, insert: &str) -> Vec<&'static str> {
        tests::codes(path, marked, insert, &Surroundings::default())
    }

    #[test]
    fn control_tokens_fences_and_merge_markers_are_refused() {
        for marker in
            ["<|fim_middle|>", "<PRE>", "<fim_prefix>", "▁<MID>", "[PREFIX]", "<|endoftext|>", "<｜fim▁end｜>"]
        {
            assert_eq!(codes("a.txt", "x\n║", &format!("y {marker} z\n")), [MARKER], "{marker}");
        }
        assert_eq!(codes("a.py", "x = 1\n║", "```\n"), [MARKER]);
        assert_eq!(codes("a.py", "x = 1\n║", "y = 2\n```python\nz = 1\n"), [MARKER]);
        assert_eq!(codes("a.py", "x = 1\n║", "<<<<<<< HEAD\ny = 2\n"), [MARKER]);
    }

    #[test]
    fn a_document_that_uses_a_marker_may_use_it_again() {
        assert_eq!(codes("a.py", "END = '<|endoftext|>'\n║", "ends = ['<|endoftext|>']\n"), [""; 0]);
        assert_eq!(codes("a.md", "# Title\n║", "```\nx\n```\n"), [""; 0]);
        assert_eq!(codes("a.rs", "║fn f() {}\n", "/// Example:\n/// ```\n/// f();\n/// ```\n"), [""; 0]);
        assert_eq!(codes("a.rs", "fn f(a: u32, b: u32) -> u32 { ║ }\n", "a << 7 | b"), [""; 0]);
    }

    #[test]
    fn what_stands_for_code_is_refused() {
        for filler in ["# TODO: implement this", "...", "pass  # your code here", "# Your code here", "# TODO"] {
            let codes = codes("a.py", "def f(x):\n    ║\n", filler);
            assert_eq!(codes.first(), Some(&PLACEHOLDER), "{filler}");
        }
        assert_eq!(codes("a.js", "function f() {\n  ║\n}\n", "// ... rest of the code"), [PLACEHOLDER]);
        assert_eq!(codes("a.py", "║", "api_key = \"your_api_key\"\n"), [PLACEHOLDER]);
    }

    #[test]
    fn code_with_a_remark_is_code() {
        assert_eq!(codes("a.py", "def f(x):\n    ║\n", "return x  # TODO: round"), [""; 0]);
        assert_eq!(codes("a.py", "def f(x):\n    ║\n", "pass"), [""; 0]);
        assert_eq!(codes("a.py", "class P(Protocol):\n    def f(self):\n        ║\n", "..."), ["parses"; 0]);
    }
}
