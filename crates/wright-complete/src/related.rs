//! Code from elsewhere that helps at a position: what the names used nearby mean in the other open documents.

use std::collections::BTreeSet;
use std::path::PathBuf;

use wright_text::{Document, Language, SyntaxTree};

/// How far around the position names are looked at, in lines before and after.
const LINES_BEFORE: usize = 40;
const LINES_AFTER: usize = 10;

/// How many open documents are looked through, and the longest of them, in bytes.
const MAX_DOCUMENTS: usize = 12;
const MAX_DOCUMENT: usize = 256 << 10;

/// Code cited from another place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// The file it comes from.
    pub path: PathBuf,
    /// The code.
    pub text: String,
    /// Why it was chosen.
    pub reason: String,
    /// What begins a comment in the language of the document it is shown with.
    comment: &'static str,
}

impl Snippet {
    /// Returns the code as comment lines with the place it is from, each line ended.
    pub(crate) fn as_comment(&self) -> String {
        let mut lines = format!("{} Path: {}\n", self.comment, self.path.display());
        for line in self.text.lines() {
            lines.push_str(&format!("{} {line}\n", self.comment));
        }
        lines
    }
}

/// Returns the signatures of functions that are used around `offset` and defined in other open documents, within
/// `max_bytes`.
pub(crate) fn related<'a>(
    doc: &Document,
    offset: usize,
    open: impl Iterator<Item = &'a Document>,
    max_bytes: usize,
) -> Vec<Snippet> {
    let Some(language) = Language::from_path(&doc.path) else { return Vec::new() };
    let names = names_around(doc.text(), offset);
    let mut n_left = max_bytes;
    let mut snippets = Vec::new();
    let others = open.filter(|it| it.path != doc.path && it.text().len() <= MAX_DOCUMENT);
    for other in others.filter(|it| Language::from_path(&it.path) == Some(language)).take(MAX_DOCUMENTS) {
        let signatures = signatures(language, other.text(), &names);
        let Some((text, used)) = within(&signatures, n_left.saturating_sub(other.path.as_os_str().len() + 16)) else {
            continue;
        };
        let snippet = Snippet {
            path: short(&other.path),
            text,
            reason: format!("defines {}", used.join(", ")),
            comment: language.line_comment(),
        };
        n_left = n_left.saturating_sub(snippet.as_comment().len());
        snippets.push(snippet);
    }
    snippets
}

/// Returns the words around a position.
fn names_around(text: &str, offset: usize) -> BTreeSet<&str> {
    let (before, after) = text.split_at(offset);
    let start = before.rmatch_indices('\n').nth(LINES_BEFORE).map_or(0, |(at, _)| at);
    let end = after.match_indices('\n').nth(LINES_AFTER).map_or(text.len(), |(at, _)| offset + at);
    let words = text[start..end].split(|it: char| !it.is_alphanumeric() && it != '_');
    words.filter(|it| it.len() > 2).collect()
}

/// Returns the signatures of the functions with one of the names, each with its name.
fn signatures(language: Language, text: &str, names: &BTreeSet<&str>) -> Vec<(String, String)> {
    // Most documents share no name with the place; those need no tree.
    let has_any = text.split(|it: char| !it.is_alphanumeric() && it != '_').any(|it| names.contains(it));
    if !has_any {
        return Vec::new();
    }
    let tree = SyntaxTree::parse(language, text);
    let is_used = |name: &str| names.contains(name);
    let functions = tree.functions().into_iter().filter(|it| is_used(&it.name));
    functions
        .map(|it| {
            let signature = text[it.signature.clone()].split_whitespace().collect::<Vec<_>>().join(" ");
            (it.name, signature)
        })
        .collect()
}

/// Joins as many signatures as fit, with their names; nothing when none does.
fn within(signatures: &[(String, String)], max_bytes: usize) -> Option<(String, Vec<String>)> {
    let (mut text, mut names) = (String::new(), Vec::new());
    for (name, signature) in signatures {
        if text.len() + signature.len() < max_bytes {
            text.push_str(signature);
            text.push('\n');
            names.push(name.clone());
        }
    }
    (!names.is_empty()).then_some((text, names))
}

/// Returns the last three parts of a path: where a file is in its project, without where the project is.
fn short(path: &std::path::Path) -> PathBuf {
    let parts: Vec<_> = path.components().collect();
    parts[parts.len().saturating_sub(3)..].iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_used_nearby_are_cited_from_other_open_documents() {
        let doc = Document::new("a.py", 1, "from b import area\n\nprint(area(\n");
        let other = Document::new(
            "/home/me/project/src/b.py",
            1,
            "def area(width, height):\n    return 1\n\ndef other():\n    pass\n",
        );
        let snippets = related(&doc, 30, [&doc, &other].into_iter(), 400);
        assert_eq!(snippets.len(), 1);
        assert_eq!(snippets[0].as_comment(), "# Path: project/src/b.py\n# def area(width, height):\n");
        assert_eq!(snippets[0].reason, "defines area");
    }

    #[test]
    fn the_budget_and_the_language_are_kept() {
        let doc = Document::new("a.py", 1, "area\n");
        let other = Document::new("b.py", 1, "def area(width, height):\n    return 1\n");
        let foreign = Document::new("b.js", 1, "function area() {}\n");
        assert!(related(&doc, 4, [&other].into_iter(), 10).is_empty());
        assert!(related(&doc, 4, [&foreign].into_iter(), 400).is_empty());
    }
}
