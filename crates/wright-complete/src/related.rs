//! Code from elsewhere that helps at a position: what the names used there mean in other open documents, and in the files
//! that the document imports.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wright_repo::Neighbors;
use wright_text::{Definition, DefinitionKind, Document, Language, SyntaxTree};

/// How far around the position names are looked at, in lines before and after.
const LINES_BEFORE: usize = 40;
const LINES_AFTER: usize = 10;

/// How many files are looked through, how many of them imported, and the longest of them, in bytes.
const MAX_FILES: usize = 24;
const MAX_IMPORTED: usize = 12;
const MAX_DOCUMENT: usize = 256 << 10;

/// How many assignments to a value are looked at for its type.
const MAX_ASSIGNED: usize = 4;

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

/// What another file defines.
#[derive(Debug)]
pub(crate) struct Cited {
    path: PathBuf,
    language: Language,
    definitions: Vec<Definition>,
}

impl Cited {
    /// Reads a file; nothing when it is in no language that we read, or too long.
    pub(crate) fn of(path: &Path, text: &str) -> Option<Self> {
        let language = Language::from_path(path).filter(|_| text.len() <= MAX_DOCUMENT)?;
        Some(Self { path: path.to_owned(), language, definitions: SyntaxTree::parse(language, text).definitions() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether it means something in a document of another language.
    fn is_usable_in(&self, language: Language) -> bool {
        self.language == language || is_javascript(self.language) && is_javascript(language)
    }
}

fn is_javascript(language: Language) -> bool {
    matches!(language, Language::JavaScript | Language::TypeScript | Language::Tsx)
}

/// What the files define that a document imports, as they are on disk.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// The statements that said so.
    statements: Vec<String>,
    files: Vec<Arc<Cited>>,
}

impl Imported {
    /// Reads the files that a text imports; it is at `path`, which is absolute. Takes as long as parsing them does.
    pub fn of(neighbors: &Neighbors, path: &Path, text: &str) -> Self {
        Self::default().renewed(neighbors, path, text)
    }

    /// Does the same, without reading anything when the text imports what it did.
    pub(crate) fn renewed(&self, neighbors: &Neighbors, path: &Path, text: &str) -> Self {
        let Some(language) = Language::from_path(path).filter(|_| text.len() <= MAX_DOCUMENT) else {
            return Self::default();
        };
        let statements = SyntaxTree::parse(language, text).imports();
        if statements == self.statements {
            return self.clone();
        }
        let paths = neighbors.imported(path, &statements, MAX_IMPORTED);
        let cite = |path: PathBuf| Cited::of(&path, &neighbors.read(&path)?).map(Arc::new);
        Self { statements, files: paths.into_iter().filter_map(cite).collect() }
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = Arc<Cited>> + '_ {
        self.files.iter().cloned()
    }
}

/// Returns what of `files` is likely to be used at `offset`, within `max_bytes`: what the names around it mean, and the
/// members of the types among them.
pub(crate) fn related(doc: &Document, offset: usize, files: &[Arc<Cited>], max_bytes: usize) -> Vec<Snippet> {
    let Some(language) = Language::from_path(&doc.path) else { return Vec::new() };
    let comment = language.line_comment();
    let files: Vec<&Arc<Cited>> = files.iter().filter(|it| it.is_usable_in(language)).take(MAX_FILES).collect();
    let files = files.as_slice();
    let chosen = chosen(files, &Wanted::at(doc.text(), offset), max_bytes);
    let snippets = files.iter().enumerate().filter_map(|(file, cited)| {
        let of_file =
            chosen.iter().filter(|(it, _)| *it == file).map(|(_, definition)| &cited.definitions[*definition]);
        let of_file: Vec<&Definition> = of_file.collect();
        let names: BTreeSet<&str> = of_file.iter().map(|it| it.container.as_deref().unwrap_or(&it.name)).collect();
        let reason = format!("defines {}", names.into_iter().collect::<Vec<_>>().join(", "));
        (!of_file.is_empty()).then(|| Snippet { path: short(&cited.path), text: listed(&of_file), reason, comment })
    });
    snippets.collect()
}

/// Chooses definitions by how likely they are to be used, as (file, definition), in source order.
fn chosen(files: &[&Arc<Cited>], wanted: &Wanted<'_>, max_bytes: usize) -> BTreeSet<(usize, usize)> {
    let mut ranked: Vec<(u32, usize, usize)> = Vec::new();
    for (file, cited) in files.iter().enumerate() {
        let is_named = cited.path.file_stem().is_some_and(|it| wanted.near.contains(&*it.to_string_lossy()));
        let weights = cited.definitions.iter().enumerate().map(|(at, it)| (wanted.weight(it, is_named), file, at));
        ranked.extend(weights.filter(|(weight, ..)| *weight > 0));
    }
    ranked.sort_by_key(|(weight, file, at)| (std::cmp::Reverse(*weight), *file, *at));
    let (mut chosen, mut n_left) = (BTreeSet::new(), max_bytes);
    for (_, file, at) in ranked {
        let is_first = !chosen.iter().any(|(it, _)| *it == file);
        let heading = if is_first { files[file].path.as_os_str().len().min(64) + 10 } else { 0 };
        let n_bytes = files[file].definitions[at].signature.len() + 8 + heading;
        if n_bytes <= n_left {
            n_left -= n_bytes;
            chosen.insert((file, at));
        }
    }
    chosen
}

/// The names that are used at a position.
struct Wanted<'a> {
    /// The types that the value before the dot at the position may have.
    receivers: BTreeSet<&'a str>,
    /// On its line and the one above.
    here: BTreeSet<&'a str>,
    /// Within some lines.
    near: BTreeSet<&'a str>,
    /// Anywhere in the document.
    all: BTreeSet<&'a str>,
}

impl<'a> Wanted<'a> {
    fn at(text: &'a str, offset: usize) -> Self {
        let (before, after) = text.split_at(offset);
        let within = |n_before: usize, n_after: usize| {
            let start = before.rmatch_indices('\n').nth(n_before).map_or(0, |(at, _)| at);
            let end = after.match_indices('\n').nth(n_after).map_or(text.len(), |(at, _)| offset + at);
            words(&text[start..end])
        };
        Self {
            receivers: receivers(before),
            here: within(1, 0),
            near: within(LINES_BEFORE, LINES_AFTER),
            all: words(text),
        }
    }

    /// Returns how likely a definition is to be used; nothing when nothing speaks for it.
    fn weight(&self, definition: &Definition, is_file_named: bool) -> u32 {
        let name = definition.name.as_str();
        let is_member = definition.container.is_some();
        let is_hidden = name.starts_with('_') && !name.starts_with("__init__");
        let by_name = match () {
            () if name.len() < 3 => 0,
            () if self.here.contains(name) => 6,
            () if self.near.contains(name) => 4,
            () if self.all.contains(name) && !is_member => 3,
            () => 0,
        };
        let by_container = match definition.container.as_deref() {
            _ if is_hidden => 0,
            Some(container) if self.receivers.contains(container) => 8,
            Some(container) if self.here.contains(container) => 5,
            Some(container) if self.near.contains(container) => 3,
            Some(container) if self.all.contains(container) => 2,
            None if is_file_named && definition.kind == DefinitionKind::Function => 2,
            Some(_) | None => 0,
        };
        by_name.max(by_container)
    }
}

/// Returns the words that say what the value before a dot at the end of `before` is: those that it is assigned from, or
/// declared with, and its own name.
fn receivers(before: &str) -> BTreeSet<&str> {
    let is_word = |it: char| it.is_alphanumeric() || it == '_';
    let Some(path) = before.trim_end_matches(is_word).strip_suffix(['.', '>', ':']) else { return BTreeSet::new() };
    let path = path.trim_end_matches(['-', ':', '?']);
    let receiver = &path[path.trim_end_matches(is_word).len()..];
    if receiver.len() < 2 {
        return BTreeSet::new();
    }
    let assigned = path.rmatch_indices(receiver).filter_map(|(at, _)| {
        let is_whole = !path[..at].ends_with(is_word);
        let rest = path[at + receiver.len()..].lines().next()?.trim_start();
        let said = rest.strip_prefix(":=").or_else(|| rest.strip_prefix('=')).or_else(|| rest.strip_prefix(':'));
        said.filter(|it| is_whole && !it.starts_with('='))
    });
    let mut names: BTreeSet<&str> = assigned.take(MAX_ASSIGNED).flat_map(words).collect();
    names.insert(receiver);
    names
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split(|it: char| !it.is_alphanumeric() && it != '_').filter(|it| it.len() > 2).collect()
}

/// Returns signatures on lines of their own, members below a line with their type's name.
fn listed(definitions: &[&Definition]) -> String {
    let mut text = String::new();
    let mut container: Option<&str> = None;
    for definition in definitions {
        match definition.container.as_deref() {
            Some(name) if container == Some(name) => {}
            Some(name) => text.push_str(&format!("{name}:\n")),
            None => {}
        }
        let indent = if definition.container.is_some() { "    " } else { "" };
        text.push_str(&format!("{indent}{}\n", definition.signature));
        // The line of a type that is listed itself stands for its name.
        container = match definition.kind {
            DefinitionKind::Type | DefinitionKind::Module => Some(&definition.name),
            _ => definition.container.as_deref(),
        };
    }
    text
}

/// Returns the last three parts of a path: where a file is in its project, without where the project is.
fn short(path: &Path) -> PathBuf {
    let parts: Vec<_> = path.components().collect();
    parts[parts.len().saturating_sub(3)..].iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cited(path: &str, text: &str) -> Vec<Arc<Cited>> {
        Cited::of(Path::new(path), text).map(Arc::new).into_iter().collect()
    }

    #[test]
    fn functions_used_nearby_are_cited_from_other_open_documents() {
        let doc = Document::new("a.py", 1, "from b import area\n\nprint(area(\n");
        let other = "def area(width, height):\n    return 1\n\ndef other():\n    pass\n";
        let snippets = related(&doc, 30, &cited("/home/me/project/src/b.py", other), 400);
        assert_eq!(snippets.len(), 1);
        assert_eq!(snippets[0].as_comment(), "# Path: project/src/b.py\n# def area(width, height):\n");
        assert_eq!(snippets[0].reason, "defines area");
    }

    #[test]
    fn a_type_that_is_used_brings_its_members_but_for_hidden_ones() {
        let doc = Document::new("a.py", 1, "from b import Box\n\nbox = Box(1)\nbox.\n");
        let other = "class Box(Base):\n    def __init__(self, size):\n        pass\n    def open(self, key):\n        pass\n    def _lock(self):\n        pass\n\nclass Lid:\n    def turn(self):\n        pass\n";
        let snippets = related(&doc, 35, &cited("b.py", other), 400);
        let expected =
            "# Path: b.py\n# class Box(Base):\n#     def __init__(self, size):\n#     def open(self, key):\n";
        assert_eq!(snippets[0].as_comment(), expected);
    }

    #[test]
    fn the_members_of_what_stands_before_the_dot_come_first() {
        let other = "class Lid:\n    def turn(self, angle):\n        pass\n\nclass Box:\n    def open(self, key):\n        pass\n";
        for text in [
            "from b import Box, Lid\nbox = Box(1)\nLid.turn(Lid, Lid)\nbox.o",
            "from b import Box, Lid\ndef f(box: Box):\n    Lid.turn()\n    box.",
            "from b import Box, Lid\nLid.turn(); Lid\nBox.",
        ] {
            let doc = Document::new("a.py", 1, text);
            let snippets = related(&doc, text.len(), &cited("b.py", other), 44);
            assert_eq!(snippets[0].text, "Box:\n    def open(self, key):\n", "{text}");
        }
    }

    #[test]
    fn what_is_nearest_comes_first_when_not_all_fits() {
        let far = "x = 1\n".repeat(60);
        let text = format!("from b import first, second\nfirst(1)\n{far}second(\n");
        let doc = Document::new("a.py", 1, text.clone());
        let other = "def first(a):\n    pass\n\ndef second(b):\n    pass\n";
        let snippets = related(&doc, text.len() - 1, &cited("b.py", other), 40);
        assert_eq!(snippets[0].text, "def second(b):\n");
    }

    #[test]
    fn the_budget_and_the_language_are_kept() {
        let doc = Document::new("a.py", 1, "area\n");
        assert!(related(&doc, 4, &cited("b.py", "def area(width, height):\n    return 1\n"), 10).is_empty());
        assert!(related(&doc, 4, &cited("b.js", "function area() {}\n"), 400).is_empty());
    }

    #[test]
    fn files_that_a_document_imports_are_read_from_disk_once() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("shapes.py"), "def area(width):\n    return 1\n").unwrap();
        let neighbors = Neighbors::around(folder.path()).unwrap();
        let path = folder.path().join("a.py");
        let imported = Imported::of(&neighbors, &path, "from shapes import area\n");
        assert_eq!(imported.files().count(), 1);
        std::fs::remove_file(folder.path().join("shapes.py")).unwrap();
        assert_eq!(imported.renewed(&neighbors, &path, "from shapes import area\n\nx = 1\n").files().count(), 1);
        assert_eq!(imported.renewed(&neighbors, &path, "import colors\n").files().count(), 0);
    }
}
