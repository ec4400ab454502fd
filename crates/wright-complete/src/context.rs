//! What the model is shown around a position.
//!
//! Each part has its own budget and is cut at a line end; what was left out is part of the value, never silent. Where the
//! last request was about the same place, the parts begin and end where they did then: a prompt that only grew at its end
//! costs nothing but what was typed.

use std::ops::Range;
use std::path::Path;

use wright_provider::{FimOrder, Prompt};
use wright_text::Document;

use crate::extent::Extent;
use crate::related::Snippet;

/// How much a part may outgrow its budget before it is cut anew, as a share of it.
const SLACK: f64 = 0.5;

/// The share of the prefix's budget, as a divisor, that imports may take on top of it.
const IMPORTS_SHARE: usize = 8;

/// What the model is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// What the document imports, where the prefix does not reach back to it.
    pub imports: String,
    /// Text before the position.
    pub prefix: String,
    /// Text after the position, without what an editor closes by itself on the same line: that comes and goes while
    /// someone types, and a suffix that stays the same need not be read again.
    pub suffix: String,
    /// Code from elsewhere, as comments before the prefix.
    pub snippets: Vec<Snippet>,
    /// The parts, with what was left out.
    pub sections: Vec<Section>,
    /// How much is expected at the position.
    pub extent: Extent,
    /// Where the prefix begins in the document.
    pub(crate) start: usize,
}

/// One part of the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What it is.
    pub name: &'static str,
    /// What is shown of it.
    pub text: String,
    /// Bytes there are.
    pub available: usize,
    /// Why it is there.
    pub reason: String,
}

/// How much of a document may be shown, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Before the position.
    pub prefix: usize,
    /// After it.
    pub suffix: usize,
    /// From elsewhere.
    pub snippets: usize,
}

impl Context {
    /// Takes the text around `offset` within the budget, where possible with the same beginning and end as `last`.
    pub(crate) fn around(doc: &Document, offset: usize, budget: Budget, last: Option<&Context>) -> Self {
        let (before, after) = doc.text().split_at(offset);
        let extent = Extent::at(before, after);
        let after = match extent {
            Extent::RestOfLine | Extent::Block => after.trim_start_matches(|it| it != '\n'),
            Extent::WithinLine | Extent::FreshLine => after,
        };
        let start = last
            .and_then(|last| kept_start(last, before, budget.prefix))
            .unwrap_or_else(|| start_within(before, budget.prefix));
        let prefix = &before[start..];
        let suffix = last
            .and_then(|last| kept_suffix(last, after, budget.suffix))
            .unwrap_or_else(|| &after[end_within(after, budget.suffix)]);
        let section = |name, shown: &str, all: &str, reason: &str| Section {
            name,
            text: shown.to_owned(),
            available: all.len(),
            reason: reason.to_owned(),
        };
        let imports = imports(&before[..start], budget.prefix / IMPORTS_SHARE);
        let mut sections = vec![
            section("prefix", prefix, before, "the document before the position"),
            section("suffix", suffix, after, "the document after the position"),
        ];
        if !imports.is_empty() {
            sections.push(section(
                "imports",
                &imports,
                &imports,
                "the document's imports, which the prefix leaves out",
            ));
        }
        Self {
            imports,
            sections,
            snippets: Vec::new(),
            extent,
            start,
            prefix: prefix.to_owned(),
            suffix: suffix.to_owned(),
        }
    }

    /// Returns the context that shows nothing, for a completion that is there already.
    pub(crate) fn at(doc: &Document, offset: usize) -> Self {
        let (before, after) = doc.text().split_at(offset);
        Self { extent: Extent::at(before, after), start: offset, ..Self::default() }
    }

    /// Adds code from elsewhere.
    pub(crate) fn with_snippets(mut self, snippets: Vec<Snippet>) -> Self {
        for snippet in &snippets {
            let text = snippet.as_comment();
            let reason = format!("{}: {}", snippet.path.display(), snippet.reason);
            self.sections.push(Section { name: "snippet", available: text.len(), text, reason });
        }
        self.snippets = snippets;
        self
    }

    /// Returns the prompt. The suffix comes first and the end of the prefix last, so that what changes least is read first.
    pub fn prompt(&self) -> Prompt {
        let mut prefix: String = self.snippets.iter().map(Snippet::as_comment).collect();
        prefix.push_str(&self.imports);
        prefix.push_str(&self.prefix);
        Prompt::FillInTheMiddle { prefix, suffix: self.suffix.clone(), order: FimOrder::SuffixFirst }
    }
}

/// Returns the lines of `text` that import something, up to so many bytes: they say which names there are.
fn imports(text: &str, max: usize) -> String {
    const WORDS: [&str; 6] = ["import ", "from ", "use ", "pub use ", "#include", "package "];
    let is_import = |line: &&str| {
        let is_required = line.starts_with("const ") && line.contains("require(");
        is_required || WORDS.iter().any(|word| line.starts_with(word))
    };
    let mut imports = String::new();
    for line in text.split_inclusive('\n').filter(is_import) {
        if imports.len() + line.len() > max {
            break;
        }
        imports.push_str(line);
    }
    imports
}

/// Returns where the prefix of the last request begins, when the text there is the same and it has not grown too long.
fn kept_start(last: &Context, before: &str, budget: usize) -> Option<usize> {
    let rest = before.get(last.start..)?;
    let n_compared = last.prefix.floor_char_boundary(last.prefix.len().min(200));
    let is_same = rest.starts_with(&last.prefix[..n_compared.min(rest.len())]) || last.prefix.starts_with(rest);
    let is_long_enough = last.start == 0 || rest.len() * 2 >= budget;
    (is_same && is_long_enough && rest.len() as f64 <= budget as f64 * (1.0 + SLACK)).then_some(last.start)
}

/// Returns the suffix of the last request, when the text still begins with it and it was not cut for a smaller budget.
fn kept_suffix<'a>(last: &Context, after: &'a str, budget: usize) -> Option<&'a str> {
    let length = last.suffix.len();
    let is_enough = length == after.len() || length * 2 >= budget;
    (length <= budget && is_enough && !last.suffix.is_empty() && after.starts_with(&last.suffix))
        .then(|| &after[..length])
}

/// Returns where the last `max` bytes of `text` begin, moved forward to the start of a line.
fn start_within(text: &str, max: usize) -> usize {
    if text.len() <= max {
        return 0;
    }
    let earliest = text.ceil_char_boundary(text.len() - max);
    text[earliest..].find('\n').map_or(earliest, |it| earliest + it + 1)
}

/// Returns the first `max` bytes of `text`, cut back to the end of a line.
fn end_within(text: &str, max: usize) -> Range<usize> {
    if text.len() <= max {
        return 0..text.len();
    }
    let latest = text.floor_char_boundary(max);
    0..text[..latest].rfind('\n').map_or(latest, |it| it + 1)
}

/// Returns whether files of this name hold secrets. The path may come from another system, with its separators.
pub fn is_secret_file(path: &Path) -> bool {
    let path = path.to_string_lossy();
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    let is_env = name == ".env" || name.starts_with(".env.") && name != ".env.example";
    let is_key = [".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx"].iter().any(|it| name.ends_with(it));
    let is_named = [".netrc", ".pgpass", ".npmrc", ".pypirc", ".htpasswd", "credentials"].contains(&name.as_str())
        || name.starts_with("id_") && !name.contains('.');
    is_env || is_key || is_named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(prefix: usize, suffix: usize) -> Budget {
        Budget { prefix, suffix, snippets: 0 }
    }

    fn around(text: &str, offset: usize, budget: Budget, last: Option<&Context>) -> Context {
        Context::around(&Document::new("a.py", 1, text), offset, budget, last)
    }

    #[test]
    fn long_text_is_cut_at_line_ends_and_the_cut_is_stated() {
        let context = around("aaaa\nbbbb\ncccc\ndddd\n", 10, budget(7, 7), None);
        assert_eq!((context.prefix.as_str(), context.suffix.as_str()), ("bbbb\n", "cccc\n"));
        assert_eq!((context.sections[0].text.as_str(), context.sections[0].available), ("bbbb\n", 10));
    }

    #[test]
    fn imports_that_the_prefix_does_not_reach_are_shown_before_it() {
        let text = format!("import os\nfrom a import b\n{}x = ", "line one\n".repeat(80));
        let context = around(&text, text.len(), budget(400, 100), None);
        assert_eq!(context.imports, "import os\nfrom a import b\n");
        assert!(
            matches!(context.prompt(), Prompt::FillInTheMiddle { prefix, .. } if prefix.starts_with("import os\n"))
        );
        assert_eq!(around("import os\nx = ", 14, budget(400, 100), None).imports, "", "the prefix has them");
    }

    #[test]
    fn what_was_typed_only_grows_the_end_of_the_prompt() {
        let before = "line one\n".repeat(40);
        let after = "\nrest\n".repeat(40);
        let budget = budget(200, 100);
        let mut last = around(&format!("{before}{after}"), before.len(), budget, None);
        for typed in ["x", "x =", "x = f(", "x = f(y"] {
            let closed = if typed.contains('(') { ")" } else { "" };
            let text = format!("{before}{typed}{closed}{after}");
            let context = around(&text, before.len() + typed.len(), budget, Some(&last));
            assert!(context.prefix.starts_with(&last.prefix), "{typed}");
            assert_eq!(context.suffix, last.suffix, "{typed}");
            last = context;
        }
    }

    #[test]
    fn a_prompt_that_outgrew_its_budget_is_cut_anew() {
        let text = "line one\n".repeat(100);
        let last = around(&text, 270, budget(200, 100), None);
        let context = around(&text, 900, budget(200, 100), Some(&last));
        assert!(context.prefix.len() <= 200);
    }

    #[test]
    fn names_of_secret_files_are_known() {
        for name in [".env", ".env.local", "server.pem", "id_rsa", "x/.npmrc"] {
            assert!(is_secret_file(Path::new(name)), "{name}");
        }
        assert!(!is_secret_file(Path::new("env.py")) && !is_secret_file(Path::new(".env.example")));
    }
}
