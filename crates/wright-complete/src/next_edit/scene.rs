//! What the rules look at: the text now and before, both parsed, and what changed between them in lines.

use std::ops::Range;

use wright_text::generalize::{Token, line_changes, tokens};
use wright_text::shapes::{Binding, Call, Name, Signature, TypeShape};
use wright_text::{Document, Language, SyntaxTree};

use super::EditHistory;
use super::{Reason, Site};

/// The largest text that is looked at; a larger one is generated more often than edited.
const MAX_TEXT_BYTES: usize = 400_000;

/// Methods that so many types have that a call of one says nothing about whose it is.
const COMMON_MEMBERS: [&str; 44] = [
    "get", "set", "add", "push", "append", "find", "map", "filter", "open", "read", "write", "close", "run", "id",
    "name", "size", "length", "len", "keys", "values", "items", "update", "remove", "pop", "join", "split", "format",
    "index", "count", "sort", "insert", "contains", "type", "value", "data", "new", "next", "send", "start", "stop",
    "load", "save", "clone", "copy",
];

/// One group of lines that changed.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) before: String,
    pub(crate) after: String,
    /// Where the lines are now; none when they are in another file or out of reach.
    pub(crate) place: Option<Range<usize>>,
}

/// A function that is there now and was there before.
pub(crate) struct SignaturePair {
    pub(crate) old: Signature,
    pub(crate) new: Signature,
}

/// Everything that a rule may look at.
pub(crate) struct Scene<'a> {
    pub(crate) doc: &'a Document,
    pub(crate) open: &'a [&'a Document],
    pub(crate) offset: usize,
    pub(crate) language: Language,
    pub(crate) tree: SyntaxTree,
    pub(crate) before: SyntaxTree,
    pub(crate) changes: Vec<Change>,
}

impl<'a> Scene<'a> {
    /// Takes in the present state, or nothing where the language is not known or the text too large, and in C++, whose
    /// bindings are not read.
    pub(crate) fn new(
        doc: &'a Document,
        history: &EditHistory,
        offset: usize,
        open: &'a [&'a Document],
    ) -> Option<Self> {
        let language = Language::from_path(&doc.path).filter(|it| *it != Language::Cpp)?;
        if doc.text().len() > MAX_TEXT_BYTES {
            return None;
        }
        let offset = doc.text().floor_char_boundary(offset.min(doc.text().len()));
        let before_text = history.text_before(doc);
        let mut changes = changes_elsewhere(doc, history);
        let here = line_changes(&before_text, doc.text()).into_iter();
        changes.extend(here.map(|it| Change {
            before: before_text[it.before].to_owned(),
            after: doc.text()[it.after.clone()].to_owned(),
            place: Some(it.after),
        }));
        let tree = SyntaxTree::parse(language, doc.shared_text());
        let before = SyntaxTree::parse(language, before_text);
        Some(Self { doc, open, offset, language, tree, before, changes })
    }

    pub(crate) fn text(&self) -> &'a str {
        self.doc.text()
    }

    pub(crate) fn slice(&self, range: &Range<usize>) -> &'a str {
        &self.doc.text()[range.clone()]
    }

    pub(crate) fn old_slice(&self, range: &Range<usize>) -> &str {
        &self.before.text()[range.clone()]
    }

    pub(crate) fn tokens(&self) -> Vec<Token<'a>> {
        tokens(self.doc.text(), self.language.line_comment())
    }

    pub(crate) fn tokens_of<'t>(&self, text: &'t str) -> Vec<Token<'t>> {
        tokens(text, self.language.line_comment())
    }

    /// Returns the line that holds an offset, without its ending.
    pub(crate) fn line_at(&self, offset: usize) -> Range<usize> {
        line_around(self.doc.text(), offset)
    }

    /// Returns whether lines that changed reach into a range.
    pub(crate) fn is_changed(&self, range: &Range<usize>) -> bool {
        let places = self.changes.iter().filter_map(|it| it.place.as_ref());
        places.filter(|it| !it.is_empty()).any(|it| it.start < range.end.max(range.start + 1) && range.start < it.end)
    }

    /// Returns the functions that can be told to be the same before and after.
    pub(crate) fn signature_pairs(&self) -> Vec<SignaturePair> {
        let (old, new) = (self.before.signatures(), self.tree.signatures());
        let aligned = old.len() == new.len();
        let mut pairs = Vec::new();
        for (idx, now) in new.iter().enumerate() {
            let name = self.slice(&now.name);
            let is_same = |it: &&Signature| self.old_slice(&it.name) == name && it.owner == now.owner;
            let n_now = new.iter().filter(|it| self.slice(&it.name) == name && it.owner == now.owner).count();
            let mut then = old.iter().filter(is_same);
            let found = match (then.next(), then.next()) {
                (Some(only), None) if n_now == 1 => Some(only),
                (None, _) if aligned => old.get(idx),
                _ => None,
            };
            if let Some(old) = found {
                pairs.push(SignaturePair { old: old.clone(), new: now.clone() });
            }
        }
        pairs
    }

    /// Returns the calls of a function; those of a method with an everyday name only where its owner is certain.
    pub(crate) fn calls_of(&self, signature: &Signature) -> Vec<Call> {
        let name = self.slice(&signature.name);
        let owner = signature.owner.as_deref();
        let is_constructor = matches!(name, "__init__" | "constructor" | "new");
        let called = if is_constructor || owner == Some(name) { owner.unwrap_or(name) } else { name };
        let is_certain =
            |it: &Call| owner.is_none() || is_constructor || !is_common(name) || self.is_own_member(&it.callee);
        let calls = self.tree.calls().into_iter();
        calls.filter(|it| self.slice(&it.callee) == called && is_certain(it)).collect()
    }

    /// Returns whether a name follows `self.` or `this.`.
    pub(crate) fn is_own_member(&self, name: &Range<usize>) -> bool {
        let before = self.text()[..name.start].trim_end();
        ["self.", "this.", "Self::", "self::", "this->"].iter().any(|it| before.ends_with(it))
    }

    /// Returns whether a name is bound where an offset is.
    pub(crate) fn is_in_scope(&self, name: &str, offset: usize) -> bool {
        let names = self.tree.names();
        let binds = |it: &Name<'_>| {
            it.text == name
                && matches!(it.binding, Some(Binding::Parameter | Binding::Variable))
                && it.scope.contains(&offset)
                && it.range.start < offset
        };
        names.iter().any(binds)
    }

    /// Returns the types of the text and of what was written elsewhere lately, each with the text its ranges are of.
    pub(crate) fn known_types(&self) -> Vec<(String, TypeShape)> {
        let mut types: Vec<(String, TypeShape)> =
            self.tree.type_shapes().into_iter().map(|it| (self.text().to_owned(), it)).collect();
        for change in self.changes.iter().filter(|it| it.place.is_none()) {
            let shapes = SyntaxTree::parse(self.language, change.after.as_str()).type_shapes();
            types.extend(shapes.into_iter().map(|it| (change.after.clone(), it)));
        }
        types
    }

    pub(crate) fn site(&self, range: Range<usize>, text: impl Into<String>, reason: Reason, confidence: f32) -> Site {
        Site { path: self.doc.path.clone(), range, text: text.into(), reason, confidence }
    }
}

/// Changes without a place in this document: of other files, and of text out of reach.
fn changes_elsewhere(doc: &Document, history: &EditHistory) -> Vec<Change> {
    let mut found = Vec::new();
    for edit in history.edits() {
        let is_here = edit.path == doc.path
            && edit.place.clone().is_some_and(|it| doc.text().get(it) == Some(edit.after.as_str()));
        if is_here {
            continue;
        }
        let changes = line_changes(&edit.before, &edit.after).into_iter();
        found.extend(changes.map(|it| with_neighbor(&edit.before, &edit.after, it.before, it.after)));
    }
    found
}

/// Lines that were only added say where they belong by the line that follows them.
fn with_neighbor(before: &str, after: &str, old: Range<usize>, new: Range<usize>) -> Change {
    let next = |text: &str, end: usize| text[end..].split_inclusive('\n').next().map_or(0, str::len);
    let (old, new) = if old.is_empty() {
        (old.start..old.end + next(before, old.end), new.start..new.end + next(after, new.end))
    } else {
        (old, new)
    };
    Change { before: before[old].to_owned(), after: after[new].to_owned(), place: None }
}

/// Returns whether a member's name is too common to tell whose it is.
pub(crate) fn is_common(name: &str) -> bool {
    COMMON_MEMBERS.contains(&name)
}

/// Returns the line around an offset, without its ending.
pub(crate) fn line_around(text: &str, offset: usize) -> Range<usize> {
    let start = text[..offset].rfind('\n').map_or(0, |it| it + 1);
    let end = text[offset..].find('\n').map_or(text.len(), |it| offset + it);
    start..end
}

/// Returns the whitespace a line starts with.
pub(crate) fn indent_of(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Returns the range with its line ending, where it fills whole lines; else the range.
pub(crate) fn whole_lines(text: &str, range: &Range<usize>) -> Range<usize> {
    let start = line_around(text, range.start).start;
    let end = line_around(text, range.end).end;
    let rest = text[range.end..end].trim();
    let fills = text[start..range.start].trim().is_empty() && (rest.is_empty() || rest == "," || rest == ";");
    if fills { start..(end + 1).min(text.len()) } else { range.clone() }
}
