//! Reads a patch in the format of `git diff` or `diff -u` and applies it to texts in memory.
//!
//! A hunk must find its lines exactly, at its place or at the nearest other one; whatever does not fit is refused with the
//! line of the patch that says so. Patches of binary files are refused.

use std::path::{Path, PathBuf};

use crate::{RepoError, git, path_rules};

/// A patch that touches more files is refused.
const MAX_FILES: usize = 20_000;

/// What a patch does to one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FilePatch {
    /// Its path before; none for a new file.
    pub(crate) old: Option<PathBuf>,
    /// Its path after; none for a deleted file.
    pub(crate) new: Option<PathBuf>,
    /// Whether the file stays at its old path as well.
    pub(crate) is_copy: bool,
    hunks: Vec<Hunk>,
    line: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Hunk {
    /// The first line of the old text that it speaks of, counted from 0.
    start: usize,
    n_old: usize,
    n_new: usize,
    old: Vec<String>,
    new: Vec<String>,
    /// The line of the patch that begins it, counted from 1.
    line: usize,
}

/// Reads a patch.
pub(crate) fn parse(text: &str) -> Result<Vec<FilePatch>, RepoError> {
    let mut parser = Parser { lines: text.split_inclusive('\n').collect(), at: 0, files: Vec::new() };
    parser.run()?;
    if parser.files.is_empty() && !text.trim().is_empty() {
        return Err(malformed(1, "there is no patch in it"));
    }
    Ok(parser.files)
}

impl FilePatch {
    /// Returns the text after the patch.
    pub(crate) fn apply(&self, before: &str) -> Result<String, RepoError> {
        let lines: Vec<&str> = before.split_inclusive('\n').collect();
        let mut after = String::with_capacity(before.len());
        let mut done = 0;
        for hunk in &self.hunks {
            let at = hunk.find(&lines, done).ok_or_else(|| self.conflict(hunk.line))?;
            after.extend(lines[done..at].iter().copied());
            after.extend(hunk.new.iter().map(String::as_str));
            done = at + hunk.old.len();
        }
        after.extend(lines[done..].iter().copied());
        Ok(after)
    }

    /// Returns the error for a file that is not as the patch expects it.
    pub(crate) fn conflict(&self, line: usize) -> RepoError {
        let path = self.old.as_deref().or(self.new.as_deref()).unwrap_or(Path::new("?"));
        RepoError::PatchConflict { path: path.to_path_buf(), line }
    }

    /// Returns the line of the patch that begins it.
    pub(crate) fn line(&self) -> usize {
        self.line
    }
}

impl Hunk {
    /// Returns where the old lines are: at the place that the hunk names, or else at the nearest one after `done`.
    fn find(&self, lines: &[&str], done: usize) -> Option<usize> {
        let last = lines.len().checked_sub(self.old.len()).filter(|last| *last >= done)?;
        let wanted = self.start.clamp(done, last);
        if self.old.is_empty() {
            return (self.start >= done && self.start <= lines.len()).then_some(self.start);
        }
        let fits = |at: &usize| lines[*at..*at + self.old.len()].iter().zip(&self.old).all(|(a, b)| a == b);
        let down = (wanted..=last).find(fits);
        let up = (done..wanted).rev().find(fits);
        match (up, down) {
            (Some(up), Some(down)) if wanted - up < down - wanted => Some(up),
            (up, down) => down.or(up),
        }
    }
}

struct Parser<'a> {
    lines: Vec<&'a str>,
    at: usize,
    files: Vec<FilePatch>,
}

impl<'a> Parser<'a> {
    fn run(&mut self) -> Result<(), RepoError> {
        while let Some(line) = self.peek() {
            if line.starts_with("diff --git ") {
                self.git_file()?;
            } else if line.starts_with("--- ") && self.lines.get(self.at + 1).is_some_and(|it| it.starts_with("+++ ")) {
                let mut file = FilePatch { line: self.at + 1, ..FilePatch::default() };
                self.names(&mut file)?;
                self.hunks(&mut file)?;
                self.push(file)?;
            } else {
                // The words of a mail around the patch.
                self.at += 1;
            }
        }
        Ok(())
    }

    fn peek(&self) -> Option<&'a str> {
        self.lines.get(self.at).copied()
    }

    fn push(&mut self, file: FilePatch) -> Result<(), RepoError> {
        for path in [&file.old, &file.new].into_iter().flatten() {
            path_rules::check(path)?;
        }
        if self.files.len() == MAX_FILES {
            return Err(malformed(file.line, "it touches too many files"));
        }
        self.files.push(file);
        Ok(())
    }

    fn git_file(&mut self) -> Result<(), RepoError> {
        let mut file = FilePatch { line: self.at + 1, ..FilePatch::default() };
        let names = trimmed(self.lines[self.at]).trim_start_matches("diff --git ");
        self.at += 1;
        let both = names_of_both(names);
        (file.old, file.new) = (both.clone(), both);
        while let Some(line) = self.peek() {
            let line_text = trimmed(line);
            let named = |prefix: &str| line_text.strip_prefix(prefix).map(|name| unquoted(name).map(PathBuf::from));
            if let Some(from) = named("rename from ").or_else(|| named("copy from ")) {
                file.old = Some(from.ok_or_else(|| malformed(self.at + 1, "a name is not quoted rightly"))?);
                file.is_copy = line_text.starts_with("copy");
            } else if let Some(to) = named("rename to ").or_else(|| named("copy to ")) {
                file.new = Some(to.ok_or_else(|| malformed(self.at + 1, "a name is not quoted rightly"))?);
            } else if line_text.starts_with("new file mode") {
                file.old = None;
            } else if line_text.starts_with("deleted file mode") {
                file.new = None;
            } else if line_text.starts_with("GIT binary patch") || line_text.starts_with("Binary files ") {
                return Err(malformed(self.at + 1, "it changes a binary file"));
            } else if line_text.starts_with("--- ") {
                self.names(&mut file)?;
                self.hunks(&mut file)?;
                return self.push(file);
            } else if !is_extended_header(line_text) {
                break;
            }
            self.at += 1;
        }
        if file.old.is_none() && file.new.is_none() {
            return Err(malformed(file.line, "it does not say which file"));
        }
        self.push(file)
    }

    /// Reads the lines `--- old` and `+++ new`.
    fn names(&mut self, file: &mut FilePatch) -> Result<(), RepoError> {
        let name = |at: usize, mark: &str| -> Result<Option<String>, RepoError> {
            let line = self.lines.get(at).map(|it| trimmed(it)).and_then(|it| it.strip_prefix(mark));
            let line = line.ok_or_else(|| malformed(at + 1, "a line with the name of a file is missing"))?;
            let line = if line.starts_with('"') { line } else { line.split('\t').next().unwrap_or(line) };
            let name = unquoted(line).ok_or_else(|| malformed(at + 1, "a name is not quoted rightly"))?;
            Ok((name != "/dev/null").then_some(name))
        };
        let (old, new) = (name(self.at, "--- ")?, name(self.at + 1, "+++ ")?);
        let has_prefixes = old.as_ref().is_none_or(|it| it.starts_with("a/"))
            && new.as_ref().is_none_or(|it| it.starts_with("b/"))
            && (old.is_some() || new.is_some());
        let bare = |name: String| PathBuf::from(if has_prefixes { name[2..].to_owned() } else { name });
        (file.old, file.new) = (old.map(bare), new.map(bare));
        self.at += 2;
        Ok(())
    }

    fn hunks(&mut self, file: &mut FilePatch) -> Result<(), RepoError> {
        while let Some(line) = self.peek().filter(|it| it.starts_with("@@ ")) {
            let mut hunk =
                hunk_header(trimmed(line)).ok_or_else(|| malformed(self.at + 1, "a hunk header is broken"))?;
            hunk.line = self.at + 1;
            self.at += 1;
            self.body(&mut hunk)?;
            file.hunks.push(hunk);
        }
        Ok(())
    }

    fn body(&mut self, hunk: &mut Hunk) -> Result<(), RepoError> {
        while hunk.old.len() < hunk.n_old || hunk.new.len() < hunk.n_new {
            let short = || malformed(hunk.line, "a hunk is shorter than its header says");
            let line = self.peek().ok_or_else(short)?;
            let (mark, rest) = match line.as_bytes().first() {
                // Mail programs drop the space of an empty line.
                Some(b'\n' | b'\r') => (b' ', line),
                Some(mark) => (*mark, line.get(1..).ok_or_else(short)?),
                None => return Err(short()),
            };
            match mark {
                b' ' => {
                    hunk.old.push(rest.to_owned());
                    hunk.new.push(rest.to_owned());
                }
                b'-' => hunk.old.push(rest.to_owned()),
                b'+' => hunk.new.push(rest.to_owned()),
                _ => return Err(malformed(self.at + 1, "a line of a hunk begins with none of ` `, `-` and `+`")),
            }
            self.at += 1;
            if self.peek().is_some_and(|it| it.starts_with('\\')) {
                self.at += 1;
                let ended = match mark {
                    b'-' => [hunk.old.last_mut(), None],
                    b'+' => [hunk.new.last_mut(), None],
                    _ => [hunk.old.last_mut(), hunk.new.last_mut()],
                };
                ended.into_iter().flatten().for_each(drop_newline);
            }
        }
        let is_exact = hunk.old.len() == hunk.n_old && hunk.new.len() == hunk.n_new;
        if is_exact { Ok(()) } else { Err(malformed(hunk.line, "a hunk is longer than its header says")) }
    }
}

/// Takes the newline away that ends a line.
fn drop_newline(line: &mut String) {
    if line.ends_with('\n') {
        line.pop();
    }
}

fn malformed(line: usize, reason: &'static str) -> RepoError {
    RepoError::MalformedPatch { line, reason }
}

fn trimmed(line: &str) -> &str {
    line.trim_end_matches(['\n', '\r'])
}

fn is_extended_header(line: &str) -> bool {
    ["index ", "old mode ", "new mode ", "similarity index ", "dissimilarity index "]
        .iter()
        .any(|it| line.starts_with(it))
}

/// Reads `@@ -1,2 +3,4 @@`.
fn hunk_header(line: &str) -> Option<Hunk> {
    let inner = line.strip_prefix("@@ -")?;
    let (ranges, _) = inner.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let range = |text: &str| -> Option<(usize, usize)> {
        let (start, n) = text.split_once(',').unwrap_or((text, "1"));
        Some((start.parse().ok()?, n.parse().ok()?))
    };
    let ((start, n_old), (_, n_new)) = (range(old)?, range(new)?);
    // A range without lines names the line before it.
    let start = if n_old == 0 { start } else { start.checked_sub(1)? };
    Some(Hunk { start, n_old, n_new, ..Hunk::default() })
}

/// Returns the name in `a/NAME b/NAME`, where both are the same.
fn names_of_both(names: &str) -> Option<PathBuf> {
    if let Some(quoted) = names.strip_prefix('"') {
        let end = quoted.find("\" ")? + 2;
        return unquoted(&names[..end])?.strip_prefix("a/").map(PathBuf::from);
    }
    let half = names.len().checked_sub(1)? / 2;
    let (old, new) = (names.get(..half)?, names.get(half + 1..)?);
    let is_same = old.strip_prefix("a/")? == new.strip_prefix("b/")?;
    is_same.then(|| PathBuf::from(&old[2..]))
}

/// Returns a name without the quotes and escapes that git puts around unusual ones.
fn unquoted(name: &str) -> Option<String> {
    let Some(inner) = name.strip_prefix('"') else { return Some(name.to_owned()) };
    let inner = inner.trim_end().strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next()? {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'v' => 11,
            other @ (b'"' | b'\\') => other,
            first @ b'0'..=b'3' => {
                let digit = |it: Option<u8>| it.filter(|it| matches!(it, b'0'..=b'7')).map(|it| it - b'0');
                let (second, third) = (digit(rest.next())?, digit(rest.next())?);
                (first - b'0') * 64 + second * 8 + third
            }
            _ => return None,
        });
    }
    Some(git::path_from(&bytes).to_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(patch: &str, before: &str) -> Result<String, String> {
        let files = parse(patch).map_err(|it| it.to_string())?;
        files[0].apply(before).map_err(|it| it.to_string())
    }

    #[test]
    fn a_hunk_is_applied_at_its_place_or_at_the_nearest_one() {
        let patch = "--- a/x\n+++ b/x\n@@ -2,2 +2,2 @@\n b\n-c\n+C\n";
        assert_eq!(check(patch, "a\nb\nc\nd\n").unwrap(), "a\nb\nC\nd\n");
        assert_eq!(check(patch, "new\nnew\na\nb\nc\n").unwrap(), "new\nnew\na\nb\nC\n");
    }

    #[test]
    fn lines_without_an_end_keep_it_so() {
        let patch =
            "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n";
        assert_eq!(check(patch, "a").unwrap(), "b");
        assert!(check(patch, "a\n").is_err());
    }

    #[test]
    fn new_deleted_moved_and_copied_files_are_told_apart() {
        let patch = "From: someone\n\ndiff --git a/n b/n\nnew file mode 100644\nindex 0..1\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n\
            diff --git a/d b/d\ndeleted file mode 100644\n--- a/d\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n\
            diff --git a/m b/k\nsimilarity index 100%\nrename from m\nrename to k\n\
            diff --git \"a/t\\303\\274 x\" \"b/t\\303\\274 x\"\nold mode 100644\nnew mode 100755\n\
            diff --git a/e b/e\nnew file mode 100644\nindex 0..0\n";
        let paths: Vec<_> = parse(patch).unwrap().into_iter().map(|it| (it.old, it.new)).collect();
        let some = |it: &str| Some(PathBuf::from(it));
        let expected = [
            (None, some("n")),
            (some("d"), None),
            (some("m"), some("k")),
            (some("tü x"), some("tü x")),
            (None, some("e")),
        ];
        assert_eq!(paths, expected);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_place() {
        let patch = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";
        assert_eq!(
            check(patch, "z\n").unwrap_err(),
            "apply the patch to \"x\": its lines from line 3 on are not there"
        );
        let cases = [
            ("nothing here", "read the patch at line 1: there is no patch in it"),
            (
                "--- a/x\n+++ b/x\n@@ -1,9 +1 @@\n-a\n",
                "read the patch at line 3: a hunk is shorter than its header says",
            ),
            (
                "--- a/x\n+++ b/x\n@@ -1 +1 @@\n*a\n",
                "read the patch at line 4: a line of a hunk begins with none of ` `, `-` and `+`",
            ),
            ("--- a/x\n+++ b/x\n@@ what @@\n", "read the patch at line 3: a hunk header is broken"),
            ("diff --git a/x b/x\nGIT binary patch\n", "read the patch at line 2: it changes a binary file"),
            ("--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n", "use the path \"../x\": it uses `.` or `..`"),
            (
                "--- a/.git/config\n+++ b/.git/config\n@@ -1 +1 @@\n-a\n+b\n",
                "use the path \".git/config\": it leads into a git folder",
            ),
        ];
        for (patch, expected) in cases {
            assert_eq!(check(patch, "a\n").unwrap_err(), expected, "{patch}");
        }
    }

    #[test]
    fn no_patch_however_broken_brings_it_down() {
        let whole = "diff --git \"a/\\303\" \"b/x\"\nrename from \"\\9\n--- a/é\n+++ b/é\n@@ -1,2 +1,2 @@\n a\n-é\n+b\n\\ No\n@@ -18446744073709551615,0 +1,1 @@\n+x\n";
        for end in (0..whole.len()).filter(|it| whole.is_char_boundary(*it)) {
            for start in (0..end).filter(|it| whole.is_char_boundary(*it)) {
                if let Ok(files) = parse(&whole[start..end]) {
                    for file in files {
                        drop(file.apply("a\né\n"));
                    }
                }
            }
        }
    }
}
