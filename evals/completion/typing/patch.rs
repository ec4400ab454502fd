//! A patch: what happens to the content of files, and how git would print it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use similar::{DiffOp, TextDiff, TextDiffConfig};
use thiserror::Error;

/// How many unchanged lines a hunk shows around a change.
const N_CONTEXT_LINES: usize = 3;

/// Holds what happens to each file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// The changes by path, relative to the root of the repository.
    pub files: BTreeMap<PathBuf, FileChange>,
}

/// The content of one file before and after; none where the file does not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileChange {
    /// The content before.
    pub before: Option<String>,
    /// The content after.
    pub after: Option<String>,
}

/// How much a patch changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PatchStats {
    /// How many files change.
    pub n_files: usize,
    /// How many lines come.
    pub n_added: usize,
    /// How many lines go.
    pub n_removed: usize,
}

/// Says why a patch cannot be applied.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PatchError {
    /// A file is not as it was when the patch was made.
    #[error("apply the patch to `{}`: the file is not as it was when the patch was made", path.display())]
    Conflict {
        /// The file.
        path: PathBuf,
    },
}

impl PatchError {
    /// Returns what to try next.
    pub fn hint(&self) -> &'static str {
        match self {
            PatchError::Conflict { .. } => "Make the patch again from the present state of the files.",
        }
    }
}

impl FileChange {
    /// Returns whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.before == self.after
    }
}

impl Patch {
    /// Makes the patch that leads from some files to others; unchanged files are left out.
    pub fn between(before: &BTreeMap<PathBuf, String>, after: &BTreeMap<PathBuf, String>) -> Patch {
        let paths = before.keys().chain(after.keys());
        let changes = paths.map(|path| {
            (path.clone(), FileChange { before: before.get(path).cloned(), after: after.get(path).cloned() })
        });
        Patch { files: changes.filter(|(_, change)| !change.is_empty()).collect() }
    }

    /// Returns whether no file changes.
    pub fn is_empty(&self) -> bool {
        self.files.values().all(FileChange::is_empty)
    }

    /// Returns how much changes.
    pub fn stats(&self) -> PatchStats {
        let mut stats = PatchStats::default();
        for change in self.files.values().filter(|change| !change.is_empty()) {
            let (before, after) = (lines(change.before.as_deref()), lines(change.after.as_deref()));
            stats.n_files += 1;
            for op in diff(&before, &after).ops() {
                let (is_equal, n_old, n_new) = (matches!(op, DiffOp::Equal { .. }), op.old_range(), op.new_range());
                stats.n_removed += if is_equal { 0 } else { n_old.len() };
                stats.n_added += if is_equal { 0 } else { n_new.len() };
            }
        }
        stats
    }

    /// Returns the patch that undoes this one.
    pub fn invert(&self) -> Patch {
        let swapped = |change: &FileChange| FileChange { before: change.after.clone(), after: change.before.clone() };
        Patch { files: self.files.iter().map(|(path, change)| (path.clone(), swapped(change))).collect() }
    }

    /// Returns the files after the patch, provided that all it touches are as they were before it.
    pub fn apply(&self, files: &BTreeMap<PathBuf, String>) -> Result<BTreeMap<PathBuf, String>, PatchError> {
        let mut result = files.clone();
        for (path, change) in &self.files {
            if files.get(path) != change.before.as_ref() {
                return Err(PatchError::Conflict { path: path.clone() });
            }
            match &change.after {
                Some(after) => result.insert(path.clone(), after.clone()),
                None => result.remove(path),
            };
        }
        Ok(result)
    }

    /// Returns the patch in git's format, for `git apply` and for people.
    pub fn to_unified_diff(&self) -> String {
        let mut diff = String::new();
        for (path, change) in self.files.iter().filter(|(_, change)| !change.is_empty()) {
            write_file(&mut diff, path, change);
        }
        diff
    }

    /// Returns bytes that are equal exactly when the patches are, as input for a digest.
    ///
    /// Each field carries its length, so no content can imitate another field.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut bytes = b"wright-patch 1\n".to_vec();
        for (path, change) in self.files.iter().filter(|(_, change)| !change.is_empty()) {
            write_field(&mut bytes, Some(path.as_os_str().as_encoded_bytes()));
            write_field(&mut bytes, change.before.as_ref().map(String::as_bytes));
            write_field(&mut bytes, change.after.as_ref().map(String::as_bytes));
        }
        bytes
    }
}

fn write_field(bytes: &mut Vec<u8>, field: Option<&[u8]>) {
    match field {
        Some(content) => {
            bytes.push(1);
            bytes.extend((content.len() as u64).to_be_bytes());
            bytes.extend(content);
        }
        None => bytes.push(0),
    }
}

/// Splits after each `\n` only, as git does: a lone `\r` ends no line.
fn lines(text: Option<&str>) -> Vec<&str> {
    text.unwrap_or_default().split_inclusive('\n').collect()
}

fn diff<'t>(before: &'t [&'t str], after: &'t [&'t str]) -> TextDiff<'t, 't, str> {
    TextDiffConfig::default().diff_slices(before, after)
}

fn write_file(out: &mut String, path: &Path, change: &FileChange) {
    let (old, new) = (quoted("a/", path), quoted("b/", path));
    // Writing to a string cannot fail.
    let _ = writeln!(out, "diff --git {old} {new}");
    if change.before.is_none() {
        out.push_str("new file mode 100644\n");
    }
    if change.after.is_none() {
        out.push_str("deleted file mode 100644\n");
    }
    let (before, after) = (lines(change.before.as_deref()), lines(change.after.as_deref()));
    if before == after {
        return;
    }
    let _ = writeln!(out, "--- {}", change.before.as_ref().map_or("/dev/null".to_owned(), |_| with_tab(old)));
    let _ = writeln!(out, "+++ {}", change.after.as_ref().map_or("/dev/null".to_owned(), |_| with_tab(new)));
    for ops in diff(&before, &after).grouped_ops(N_CONTEXT_LINES) {
        write_hunk(out, &ops, &before, &after);
    }
}

/// Git ends a file name that has a space with a tab, so that a time stamp is not looked for in it.
fn with_tab(name: String) -> String {
    if name.contains(' ') { name + "\t" } else { name }
}

fn write_hunk(out: &mut String, ops: &[DiffOp], before: &[&str], after: &[&str]) {
    let (Some(first), Some(last)) = (ops.first(), ops.last()) else { return };
    let old = hunk_range(first.old_range().start, last.old_range().end);
    let new = hunk_range(first.new_range().start, last.new_range().end);
    let _ = writeln!(out, "@@ -{old} +{new} @@");
    for op in ops {
        if let DiffOp::Equal { .. } = op {
            write_lines(out, ' ', &before[op.old_range()]);
        } else {
            write_lines(out, '-', &before[op.old_range()]);
            write_lines(out, '+', &after[op.new_range()]);
        }
    }
}

fn hunk_range(start: usize, end: usize) -> String {
    match end - start {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        length => format!("{},{length}", start + 1),
    }
}

fn write_lines(out: &mut String, mark: char, lines: &[&str]) {
    for line in lines {
        out.push(mark);
        out.push_str(line);
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// Quotes a path as git does when it has bytes that would not survive otherwise.
fn quoted(prefix: &str, path: &Path) -> String {
    let components: Vec<_> = path.components().map(|part| part.as_os_str().as_encoded_bytes()).collect();
    let name = components.join(&b'/');
    let is_plain = name.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'));
    let mut result = String::from(prefix);
    for byte in name {
        match byte {
            b'"' => result.push_str("\\\""),
            b'\\' => result.push_str("\\\\"),
            b'\n' => result.push_str("\\n"),
            b'\t' => result.push_str("\\t"),
            b' '..=b'~' => result.push(char::from(byte)),
            _ => {
                let _ = write!(result, "\\{byte:03o}");
            }
        }
    }
    if is_plain { result } else { format!("\"{result}\"") }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;

    fn files(files: &[(&str, &str)]) -> BTreeMap<PathBuf, String> {
        files.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect()
    }

    fn patch(before: &[(&str, &str)], after: &[(&str, &str)]) -> Patch {
        Patch::between(&files(before), &files(after))
    }

    #[test]
    fn a_changed_file_is_shown_with_three_lines_around() {
        let patch = patch(&[("src/a.py", "1\n2\n3\n4\n5\n6\n7\n8\n")], &[("src/a.py", "1\n2\n3\n4\nfive\n6\n7\n8\n")]);
        assert_snapshot!(patch.to_unified_diff(), @r"
        diff --git a/src/a.py b/src/a.py
        --- a/src/a.py
        +++ b/src/a.py
        @@ -2,7 +2,7 @@
         2
         3
         4
        -5
        +five
         6
         7
         8
        ");
        assert_eq!(patch.stats(), PatchStats { n_files: 1, n_added: 1, n_removed: 1 });
    }

    #[test]
    fn new_removed_and_empty_files_are_shown() {
        let patch = patch(&[("gone", "x\n"), ("same", "s")], &[("new", "y"), ("nothing", ""), ("same", "s")]);
        assert_snapshot!(patch.to_unified_diff(), @r"
        diff --git a/gone b/gone
        deleted file mode 100644
        --- a/gone
        +++ /dev/null
        @@ -1 +0,0 @@
        -x
        diff --git a/new b/new
        new file mode 100644
        --- /dev/null
        +++ b/new
        @@ -0,0 +1 @@
        +y
        \ No newline at end of file
        diff --git a/nothing b/nothing
        new file mode 100644
        ");
        assert_eq!(patch.stats(), PatchStats { n_files: 3, n_added: 1, n_removed: 1 });
    }

    #[test]
    fn a_missing_newline_at_the_end_is_shown() {
        assert_snapshot!(patch(&[("a", "x")], &[("a", "x\n")]).to_unified_diff(), @r"
        diff --git a/a b/a
        --- a/a
        +++ b/a
        @@ -1 +1 @@
        -x
        \ No newline at end of file
        +x
        ");
    }

    #[test]
    fn a_patch_is_refused_on_other_files() {
        let patch = patch(&[("a", "1")], &[("a", "2")]);
        let error = patch.apply(&files(&[("a", "3")])).unwrap_err();
        assert_eq!(error.to_string(), "apply the patch to `a`: the file is not as it was when the patch was made");
        assert!(patch.apply(&files(&[])).is_err());
    }

    #[test]
    fn canonical_bytes_tell_absent_from_empty() {
        let absent = patch(&[], &[("a", "x")]).canonical_bytes();
        let empty = patch(&[("a", "")], &[("a", "x")]).canonical_bytes();
        assert_ne!(absent, empty);
    }

    #[test]
    fn unchanged_files_make_no_patch() {
        assert!(patch(&[("a", "1")], &[("a", "1")]).is_empty());
        let kept = FileChange { before: Some("x".into()), after: Some("x".into()) };
        let patch = Patch { files: [(PathBuf::from("a"), kept)].into() };
        assert!(patch.is_empty());
        assert_eq!(patch.to_unified_diff(), "");
        assert_eq!(patch.stats(), PatchStats::default());
    }

    /// Applies the hunks of a diff of one file, strictly, the way git does.
    fn apply_hunks(before: &str, diff: &str) -> String {
        let mut old = before.split_inclusive('\n');
        let mut n_taken = 0;
        let mut result = String::new();
        let mut lines = diff.split_inclusive('\n').skip_while(|line| !line.starts_with("@@")).peekable();
        while let Some(line) = lines.next() {
            if line.starts_with("@@") {
                let range = line.split(' ').nth(1).unwrap().trim_start_matches('-');
                let (start, length) = range.split_once(',').unwrap_or((range, "1"));
                let start: usize = start.parse().unwrap();
                let n_before = if length == "0" { start } else { start - 1 };
                result.extend(old.by_ref().take(n_before - n_taken));
                n_taken = n_before;
                continue;
            }
            let has_newline = !lines.peek().is_some_and(|next| next.starts_with('\\'));
            let content = if has_newline { &line[1..] } else { &line[1..line.len() - 1] };
            match &line[..1] {
                "\\" => {}
                "+" => result.push_str(content),
                mark => {
                    assert_eq!(old.next(), Some(content));
                    n_taken += 1;
                    result.push_str(if mark == " " { content } else { "" });
                }
            }
        }
        result.extend(old);
        result
    }

    proptest! {
        #[test]
        fn the_printed_hunks_lead_from_before_to_after(before in "([ab\r]{0,2}\n){0,14}[ab]?", after in "([ab\r]{0,2}\n){0,14}[ab]?") {
            let patch = patch(&[("f", &before)], &[("f", &after)]);
            prop_assert_eq!(apply_hunks(&before, &patch.to_unified_diff()), after);
        }

        #[test]
        fn a_patch_and_its_inverse_cancel_out(
            before in prop::collection::btree_map("[abc]", "[xy\n]{0,4}", 0..3),
            after in prop::collection::btree_map("[abc]", "[xy\n]{0,4}", 0..3),
        ) {
            let paths = |files: BTreeMap<String, String>| -> BTreeMap<PathBuf, String> {
                files.into_iter().map(|(path, text)| (PathBuf::from(path), text)).collect()
            };
            let (before, after) = (paths(before), paths(after));
            let patch = Patch::between(&before, &after);
            let changed = patch.apply(&before).unwrap();
            prop_assert_eq!(&changed, &after);
            prop_assert_eq!(patch.invert().apply(&changed).unwrap(), before);
        }
    }
}
