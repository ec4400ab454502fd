//! One document that a client has open: its exact text, kept as a rope, and the value that the rest of the program reads.
//!
//! A change in a large file touches a few nodes of the rope; the [`Document`], which is one piece of text with an index of
//! its lines, is built when someone asks for it and kept until the next change.

use std::path::PathBuf;
use std::sync::Arc;

use gen_lsp_types::{Position, Range};
use ropey::Rope;
use serde::Deserialize;
use url::Url;
use wright_text::{Document, Edit, Language};

use crate::composed::Composed;
use crate::positions::{self, Encoding};

/// In documents larger than this, in bytes, nothing is suggested: what writes such files is a program.
pub const MAX_SUGGESTED: usize = 1 << 20;

/// A change of a document, as the client sends it.
#[derive(Debug, Clone, Deserialize)]
pub struct ContentChange {
    /// What is replaced; the whole text where it is missing.
    pub range: Option<Range>,
    /// What comes in its place.
    pub text: String,
}

/// What a notification changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// All changes as one edit of the text before.
    pub edit: Edit,
    /// How many characters went.
    pub n_deleted: usize,
}

/// A document that is open in the editor.
#[derive(Debug)]
pub struct OpenDocument {
    uri: Url,
    path: PathBuf,
    language: String,
    version: i64,
    text: Rope,
    built: Option<Arc<Document>>,
}

impl OpenDocument {
    /// Returns the document that a client opened. `language_id` is the client's name of the language.
    pub fn new(uri: Url, language_id: &str, version: i64, text: &str) -> Self {
        let path = path_of(&uri, language_id);
        let language = Language::from_path(&path).map_or_else(|| language_id.to_lowercase(), |it| it.name().to_owned());
        Self { uri, path, language, version, text: Rope::from_str(text), built: None }
    }

    /// Returns what the client calls the document.
    pub fn uri(&self) -> &Url {
        &self.uri
    }

    /// Returns the file, or a made-up relative name for a document that has none.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Returns the name of the language, ours where we know it.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// Returns the client's version.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// Returns the text.
    pub fn text(&self) -> &Rope {
        &self.text
    }

    /// Returns whether suggestions are made in a document of this size.
    pub fn is_small(&self) -> bool {
        self.text.len_bytes() <= MAX_SUGGESTED
    }

    /// Makes changes in order and returns them as one edit of the text before.
    pub fn change(&mut self, version: i64, changes: &[ContentChange], encoding: Encoding) -> Changed {
        self.version = version;
        self.built = None;
        let mut n_deleted = 0;
        let mut composed = Composed::default();
        for change in changes {
            match change.range {
                Some(range) => {
                    let range = positions::to_offsets(&self.text, range, encoding);
                    n_deleted += self.replace(range, &change.text, &mut composed);
                }
                None => {
                    let edit = Edit::between(&self.text.to_string(), &change.text);
                    for it in edit.replacements() {
                        n_deleted += self.replace(it.range.clone(), &it.text, &mut composed);
                    }
                }
            }
        }
        Changed { edit: composed.finish(&self.text), n_deleted }
    }

    /// Returns the document as a value, built at most once for each version.
    pub fn document(&mut self) -> Arc<Document> {
        let document = self
            .built
            .get_or_insert_with(|| Arc::new(Document::new(self.path.clone(), self.version, self.text.to_string())));
        Arc::clone(document)
    }

    /// Returns the byte offset of a position.
    pub fn offset(&self, position: Position, encoding: Encoding) -> usize {
        positions::to_offset(&self.text, position, encoding)
    }

    /// Replaces a range and returns how many characters went.
    fn replace(&mut self, range: std::ops::Range<usize>, inserted: &str, composed: &mut Composed) -> usize {
        composed.push(range.clone(), inserted.len());
        let at = self.text.byte_to_char(range.start);
        let end = self.text.byte_to_char(range.end);
        if at < end {
            self.text.remove(at..end);
        }
        if !inserted.is_empty() {
            self.text.insert(at, inserted);
        }
        end - at
    }
}

/// Returns the path of a file, or for another kind of document a relative name whose extension says the language.
fn path_of(uri: &Url, language_id: &str) -> PathBuf {
    if let Some(path) = (uri.scheme() == "file").then(|| uri.to_file_path().ok()).flatten() {
        return path;
    }
    let name = uri.path().rsplit('/').next().filter(|it| !it.is_empty()).unwrap_or("untitled");
    let path = PathBuf::from(name);
    if Language::from_path(&path).is_some() {
        return path;
    }
    match extension(language_id) {
        Some(extension) => PathBuf::from(format!("{name}.{extension}")),
        None => path,
    }
}

/// Returns the usual extension of a language by the name that clients have for it.
fn extension(language_id: &str) -> Option<&'static str> {
    match language_id {
        "typescriptreact" => return Some("tsx"),
        "javascriptreact" => return Some("jsx"),
        _ => {}
    }
    Language::from_name(language_id).map(|language| match language {
        Language::Python => "py",
        Language::Rust => "rs",
        Language::JavaScript => "js",
        Language::TypeScript => "ts",
        Language::Tsx => "tsx",
        Language::Go => "go",
        Language::Java => "java",
        Language::Cpp => "cpp",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(uri: &str, language_id: &str) -> OpenDocument {
        OpenDocument::new(Url::parse(uri).unwrap(), language_id, 1, "x\n")
    }

    #[test]
    fn every_document_has_a_path_that_tells_its_language() {
        let path = |uri, language_id| document(uri, language_id).path().display().to_string();
        assert_eq!(path("file:///a/b%20c.py", "python"), "/a/b c.py");
        assert_eq!(path("untitled:Untitled-1", "typescriptreact"), "Untitled-1.tsx");
        assert_eq!(path("untitled:/x/new.rs", "plaintext"), "new.rs");
        assert_eq!(path("vscode-notebook-cell:/n.ipynb#W0", "python"), "n.ipynb.py");
        assert_eq!(path("untitled:Untitled-1", "cpp"), "Untitled-1.cpp");
        assert_eq!(path("untitled:", "markdown"), "untitled");
        assert_eq!(document("untitled:a", "Markdown").language(), "markdown");
        assert_eq!(document("untitled:a", "typescriptreact").language(), Language::Tsx.name());
    }

    #[test]
    fn changes_of_one_notification_are_made_in_order() {
        let mut open = document("untitled:a", "python");
        let insert = |line, character, text: &str| {
            let position = Position { line, character };
            ContentChange { range: Some(Range { start: position, end: position }), text: text.to_owned() }
        };
        let edit = open.change(2, &[insert(0, 0, "ab"), insert(0, 1, "-")], Encoding::Utf16).edit;
        assert_eq!(open.text().to_string(), "a-bx\n");
        assert_eq!(edit, Edit::single(0..0, "a-b"));
        assert_eq!(open.document().version, 2);
    }

    #[test]
    fn a_whole_new_text_is_seen_as_what_differs() {
        let mut open = document("untitled:a", "python");
        let edit = open.change(2, &[ContentChange { range: None, text: "xyz\n".to_owned() }], Encoding::Utf16).edit;
        assert_eq!(edit, Edit::single(1..1, "yz"));
        assert_eq!(open.document().text(), "xyz\n");
    }
}
