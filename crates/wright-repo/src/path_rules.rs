//! Decides which relative paths may be written or read at all.
//!
//! A path that is fine on this disk may reach a git folder on another: `.GIT`, `git~1`, `.git.` or a `.git` with an
//! invisible letter in it are all the same folder on some file system. All of them are refused everywhere.

use std::path::{Component, Path};

use unicode_normalization::UnicodeNormalization;

use crate::RepoError;

/// Returns an error unless the path stays below where it starts and away from any git folder.
pub(crate) fn check(path: &Path) -> Result<(), RepoError> {
    match problem(path) {
        Some(reason) => Err(RepoError::UnsafePath { path: path.to_path_buf(), reason }),
        None => Ok(()),
    }
}

/// Says what is wrong with a path, if anything is.
pub(crate) fn problem(path: &Path) -> Option<&'static str> {
    if path.as_os_str().is_empty() {
        return Some("it is empty");
    }
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Some("it holds a null byte");
    }
    // `Path` forgets about `a//b`, `a/./b` and a slash at the end; whoever writes those is asked to write them plainly.
    let plain: std::path::PathBuf = path.components().collect();
    if plain.as_os_str() != path.as_os_str() {
        return Some("it is not in its plain form");
    }
    path.components().find_map(|component| match component {
        Component::Normal(name) => name_problem(&name.to_string_lossy()),
        Component::CurDir | Component::ParentDir => Some("it uses `.` or `..`"),
        Component::RootDir | Component::Prefix(_) => Some("it is absolute"),
    })
}

/// Returns a name as a careless file system would see it: without case, invisible letters, and dots or spaces at the end.
pub(crate) fn folded(name: &str) -> String {
    // Compatibility forms, such as full-width letters and ligatures, become the letters they stand for.
    let visible = name.nfkc().filter(|letter| !is_invisible(*letter));
    // Upper case first: it maps `ſ` and `ı` to the letters they would be taken for.
    let upper: String = visible.flat_map(char::to_uppercase).collect();
    let lower = upper.to_lowercase();
    lower.trim_end_matches(['.', ' ']).to_owned()
}

fn name_problem(name: &str) -> Option<&'static str> {
    // A backslash separates names on Windows, where someone may check the files out.
    name.split('\\').find_map(|part| match part {
        ".." => Some("it uses `.` or `..`"),
        _ => is_git_name(part).then_some("it leads into a git folder"),
    })
}

/// Says whether some file system would take a name for `.git`.
pub(crate) fn is_git_name(name: &str) -> bool {
    let name = folded(name);
    let before_stream = name.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    matches!(before_stream, ".git" | "git~1")
}

/// The letters that some file system, or some reader, does not see: those that HFS+ ignores, the byte order mark, joiners,
/// variation selectors and tags.
fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{e0000}'..='\u{e0fff}'
            | '\u{feff}'
            | '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{3164}'
            | '\u{ffa0}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_allowed() {
        for path in ["a", "src/main.rs", ".github/workflows/ci.yml", ".gitignore", "-rf", "a\nb", "日本語/ü.py", "..."]
        {
            assert_eq!(problem(Path::new(path)), None, "{path:?}");
        }
    }

    #[test]
    fn names_that_leave_the_tree_or_reach_a_git_folder_are_refused() {
        let refused = [
            "",
            "/etc/passwd",
            "..",
            "../x",
            "a/../../x",
            "./a",
            "a//b",
            "a/",
            "a\0b",
            ".git",
            ".git/config",
            ".GIT/hooks/x",
            "a/.Git/config",
            "git~1/x",
            "GIT~1",
            ".git /x",
            ".git./x",
            ".git::$INDEX_ALLOCATION/x",
            ".g\u{200c}it/config",
            ".g\u{feff}it/x",
            ".gıt/x",
            ".ｇit/x",
            ".g\u{fe0f}it/x",
            ".\u{1d5c0}it/x",
            "a\\.git\\config",
            ".git\\config",
            "..\\x",
        ];
        for path in refused {
            assert!(problem(Path::new(path)).is_some(), "{path:?}");
        }
    }
}
