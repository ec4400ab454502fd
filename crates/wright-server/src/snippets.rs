//! Code from elsewhere that a client sends along, and how it is shown to the model: as text before the file, each piece
//! under a comment that names where it is from.

use std::path::Path;

use serde::Deserialize;
use wright_complete::is_secret_file;
use wright_text::Language;

use crate::hole::Hole;

/// A piece of code from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Snippet {
    /// Where it is from.
    #[serde(default, rename = "filename")]
    pub(crate) path: String,
    /// The code.
    pub(crate) text: String,
}

/// Returns what is shown of the snippets of a hole: the last ones that fit into `max` bytes, whole, in their order.
///
/// Clients send them with the most related last. Files that hold secrets by their name are never shown.
pub(crate) fn shown(hole: &Hole, max: usize) -> Vec<&Snippet> {
    let mut left = max;
    let is_wanted = |it: &&Snippet| !it.text.trim().is_empty() && !is_secret_file(Path::new(&it.path));
    let mut shown: Vec<&Snippet> = hole
        .snippets
        .iter()
        .rev()
        .filter(is_wanted)
        .take_while(|it| {
            let fits = it.text.len() <= left;
            left = left.saturating_sub(it.text.len());
            fits
        })
        .collect();
    shown.reverse();
    shown
}

/// Returns the text that stands before the file.
pub(crate) fn render(snippets: &[&Snippet], language: Option<Language>) -> String {
    let comment = language.map_or("#", Language::line_comment);
    let render = |it: &&Snippet| {
        let path = it.path.lines().next().unwrap_or_default();
        format!("{comment} {path}\n{}\n\n", it.text.trim_end())
    };
    snippets.iter().map(render).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hole(snippets: &[(&str, &str)]) -> Hole {
        let snippet = |&(path, text): &(&str, &str)| Snippet { path: path.to_owned(), text: text.to_owned() };
        Hole { snippets: snippets.iter().map(snippet).collect(), ..Hole::default() }
    }

    fn check(snippets: &[(&str, &str)], max: usize, expected: &str) {
        assert_eq!(render(&shown(&hole(snippets), max), Some(Language::Rust)), expected);
    }

    #[test]
    fn the_last_snippets_that_fit_are_shown_whole_and_in_order() {
        let snippets = [("a.rs", "aaaaaaaaaa"), ("b.rs", "bbbb"), ("c.rs", "cccc\n")];
        check(&snippets, 100, "// a.rs\naaaaaaaaaa\n\n// b.rs\nbbbb\n\n// c.rs\ncccc\n\n");
        check(&snippets, 12, "// b.rs\nbbbb\n\n// c.rs\ncccc\n\n");
        check(&snippets, 3, "");
    }

    #[test]
    fn files_that_hold_secrets_are_not_shown() {
        check(&[("x/.env", "KEY=1"), ("id_rsa", "k"), ("a.pem", "k"), ("id_map.rs", "m")], 100, "// id_map.rs\nm\n\n");
    }

    #[test]
    fn a_name_cannot_begin_a_line_of_its_own() {
        check(&[("a.rs\nevil()", "a")], 100, "// a.rs\na\n\n");
    }
}
