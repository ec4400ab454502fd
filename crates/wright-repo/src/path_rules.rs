//! Decides which relative paths may be written or read at all.
//!
//! A path that is fine on this disk may reach a git folder on another: `.GIT`, `git~1`, `.git.` or a `.git` with an
//! invisible letter in it are all the same folder on some file system. All of them are refused everywhere.

use std::path::{Component, Path};

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
        Component::Normal(name) => is_git_folder(&name.to_string_lossy()).then_some("it leads into a git folder"),
        Component::CurDir | Component::ParentDir => Some("it uses `.` or `..`"),
        Component::RootDir | Component::Prefix(_) => Some("it is absolute"),
    })
}

/// Returns a name as a careless file system would see it: without case, invisible letters, and dots or spaces at the end.
pub(crate) fn folded(name: &str) -> String {
    let visible = name.chars().filter(|letter| !is_invisible(*letter)).map(narrowed);
    // Upper case first: it maps `ſ` and `ı` to the letters they would be taken for.
    let upper: String = visible.flat_map(char::to_uppercase).collect();
    let lower = upper.to_lowercase();
    lower.trim_end_matches(['.', ' ']).to_owned()
}

fn is_git_folder(name: &str) -> bool {
    let name = folded(name);
    let before_stream = name.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    matches!(before_stream, ".git" | "git~1")
}

/// The letters that HFS+ ignores in names, and the byte order mark.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}')
}

/// Turns full-width forms into the ASCII they stand for.
fn narrowed(letter: char) -> char {
    match letter {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(letter as u32 - 0xfee0).unwrap_or(letter),
        _ => letter,
    }
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
        ];
        for path in refused {
            assert!(problem(Path::new(path)).is_some(), "{path:?}");
        }
    }
}
