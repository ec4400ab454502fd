//! Finds the files that were moved: one that went and one that came, with the same or nearly the same text.
//!
//! As git does it: equal texts first, then pairs that share at least half of the larger text, the most similar first.

use std::collections::HashMap;

use crate::difference::FileDifference;
use crate::file_tree::FileContent;

/// How much of the larger text two files must share, in percent.
const MIN_SHARED_PERCENT: usize = 50;

/// Of shorter texts, only equal ones count: two license headers are not the same file.
const MIN_SIMILAR_BYTES: usize = 60;

/// More pairs are not compared; equal texts are found all the same.
const MAX_PAIRS: usize = 40_000;

/// Replaces each pair of a file that went and one that came by the move that it is.
pub(crate) fn join(files: &mut Vec<FileDifference>) {
    let went: Vec<usize> = indexes(files, |it| it.after == FileContent::Absent);
    let came: Vec<usize> = indexes(files, |it| it.before == FileContent::Absent);
    let mut pairs = equal_pairs(files, &went, &came);
    let is_free = |idx: &usize, pairs: &[(usize, usize)]| !pairs.iter().any(|it| it.0 == *idx || it.1 == *idx);
    let went: Vec<usize> = went.into_iter().filter(|it| is_free(it, &pairs)).collect();
    let came: Vec<usize> = came.into_iter().filter(|it| is_free(it, &pairs)).collect();
    pairs.extend(similar_pairs(files, &went, &came));
    for (from, to) in &pairs {
        let (moved_from, before, mode) =
            (files[*from].path.clone(), files[*from].before.clone(), files[*from].mode_before);
        let file = &mut files[*to];
        (file.moved_from, file.before, file.mode_before) = (Some(moved_from), before, mode);
    }
    let mut idx = 0;
    files.retain(|_| {
        idx += 1;
        !pairs.iter().any(|(from, _)| *from == idx - 1)
    });
}

fn indexes(files: &[FileDifference], is_wanted: impl Fn(&FileDifference) -> bool) -> Vec<usize> {
    files.iter().enumerate().filter(|(_, it)| is_wanted(it)).map(|(idx, _)| idx).collect()
}

fn equal_pairs(files: &[FileDifference], went: &[usize], came: &[usize]) -> Vec<(usize, usize)> {
    let mut by_text: HashMap<&str, Vec<usize>> = HashMap::new();
    for &idx in went {
        if let Some(text) = files[idx].before.text().filter(|it| !it.trim().is_empty()) {
            by_text.entry(text).or_default().push(idx);
        }
    }
    let mut pairs = Vec::new();
    for &to in came {
        let Some(candidates) = files[to].after.text().and_then(|text| by_text.get_mut(text)) else { continue };
        // Of several equal files, the one that keeps its name.
        let same_name = candidates.iter().position(|&from| files[from].path.file_name() == files[to].path.file_name());
        let chosen = same_name.unwrap_or(0);
        if chosen < candidates.len() {
            pairs.push((candidates.remove(chosen), to));
        }
    }
    pairs
}

fn similar_pairs(files: &[FileDifference], went: &[usize], came: &[usize]) -> Vec<(usize, usize)> {
    if went.len().saturating_mul(came.len()) > MAX_PAIRS {
        return Vec::new();
    }
    let lines =
        |idxs: &[usize], side: fn(&FileDifference) -> &FileContent| -> Vec<(usize, usize, HashMap<String, usize>)> {
            let texts = idxs.iter().filter_map(|&idx| Some((idx, side(&files[idx]).text()?)));
            texts
                .filter(|(_, text)| text.len() >= MIN_SIMILAR_BYTES)
                .map(|(idx, text)| {
                    let lines = weighed_lines(text);
                    (idx, lines.values().sum(), lines)
                })
                .collect()
        };
    let (went, came) = (lines(went, |it| &it.before), lines(came, |it| &it.after));
    let mut scored = Vec::new();
    for (from, from_size, from_lines) in &went {
        for (to, to_size, to_lines) in &came {
            let larger = (*from_size).max(*to_size).max(1);
            if (*from_size).min(*to_size) * 100 < larger * MIN_SHARED_PERCENT {
                continue;
            }
            let shared: usize = from_lines.iter().filter_map(|(line, n)| Some((*n).min(*to_lines.get(line)?))).sum();
            let percent = shared * 100 / larger;
            if percent >= MIN_SHARED_PERCENT {
                scored.push((percent, *from, *to));
            }
        }
    }
    scored.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (_, from, to) in scored {
        if !pairs.iter().any(|it| it.0 == from || it.1 == to) {
            pairs.push((from, to));
        }
    }
    pairs
}

/// Returns how many bytes each line holds in all its places. Layout does not count, so that a move with a new indentation
/// is one.
fn weighed_lines(text: &str) -> HashMap<String, usize> {
    let mut lines = HashMap::new();
    for line in text.lines() {
        let line: String = line.split_whitespace().collect();
        if !line.is_empty() {
            *lines.entry(line.clone()).or_default() += line.len();
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, before: Option<&str>, after: Option<&str>) -> FileDifference {
        let content = |text: Option<&str>| text.map_or(FileContent::Absent, |it| FileContent::Text(it.into()));
        FileDifference {
            path: path.into(),
            moved_from: None,
            before: content(before),
            after: content(after),
            mode_before: None,
            mode_after: None,
        }
    }

    fn check(files: &[(&str, Option<&str>, Option<&str>)]) -> Vec<(String, Option<String>)> {
        let mut files = files.iter().map(|(path, before, after)| file(path, *before, *after)).collect();
        join(&mut files);
        let shown = |it: &FileDifference| {
            (it.path.display().to_string(), it.moved_from.as_ref().map(|from| from.display().to_string()))
        };
        files.iter().map(shown).collect()
    }

    const TEXT: &str =
        "def first(a):\n    return a + 1\n\n\ndef second(b):\n    return b * 2\n\n\ndef third():\n    pass\n";

    #[test]
    fn an_equal_text_elsewhere_is_a_move() {
        let moved = check(&[("a.py", Some(TEXT), None), ("b/a.py", None, Some(TEXT))]);
        assert_eq!(moved, [("b/a.py".to_owned(), Some("a.py".to_owned()))]);
    }

    #[test]
    fn a_text_that_is_mostly_the_same_is_a_move_too() {
        let changed = TEXT.replace("b * 2", "b * 3");
        let moved = check(&[("a.py", Some(TEXT), None), ("z.py", None, Some(&changed))]);
        assert_eq!(moved, [("z.py".to_owned(), Some("a.py".to_owned()))]);
    }

    #[test]
    fn two_different_texts_are_two_files() {
        let other = "class Shop:\n    total = 0\n    items: list = []\n    name = 'a shop with a long name'\n";
        assert_eq!(check(&[("a.py", Some(TEXT), None), ("b.py", None, Some(other))]).len(), 2);
        assert_eq!(check(&[("a.py", Some(""), None), ("b.py", None, Some(""))]).len(), 2);
    }

    #[test]
    fn of_equal_files_the_one_with_the_same_name_was_moved() {
        let files = [
            ("x/a.py", Some(TEXT), None),
            ("x/b.py", Some(TEXT), None),
            ("y/a.py", None, Some(TEXT)),
            ("y/b.py", None, Some(TEXT)),
        ];
        let expected =
            [("y/a.py".to_owned(), Some("x/a.py".to_owned())), ("y/b.py".to_owned(), Some("x/b.py".to_owned()))];
        assert_eq!(check(&files), expected);
    }

    #[test]
    fn a_copy_leaves_the_original_alone() {
        assert_eq!(check(&[("b.py", None, Some(TEXT))]), [("b.py".to_owned(), None)]);
    }
}
