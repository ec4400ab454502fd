//! Code that the change copies from elsewhere in the repository.
//!
//! A text becomes its tokens, with literals alike and without comments. Windows of tokens are hashed and thinned by winnowing
//! (Schleimer, Wilkerson and Aiken, 2003), which keeps at least one of every [`MIN_TOKENS`] in a row, so that every copy that
//! long shares a hash with its original. A shared hash is only a hint: the tokens themselves are compared.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;

use wright_text::Language;

use super::grammar::{is_comment, walk};
use crate::change::{ChangeSet, Tree};
use crate::{CheckReport, CheckStatus, Finding, Severity, Source};

/// The check's name.
pub const NAME: &str = "duplication";

/// A shorter copy is coincidence.
pub const MIN_TOKENS: usize = 50;
/// A copy on fewer lines is a table or a call.
const MIN_LINES: usize = 6;
/// A copy this long is a warning.
const LONG_TOKENS: usize = 120;

/// Tokens in one hash.
const WINDOW: usize = 25;
/// Of this many hashes in a row the least is kept.
const THINNING: usize = MIN_TOKENS - WINDOW + 1;
/// How often a hash may stand in the repository before it says nothing.
const MAX_PLACES: usize = 16;
const MAX_FILES: usize = 20_000;
const MAX_FILE_BYTES: usize = 500_000;
/// How many tokens of one changed file are compared with others, all places together.
const MAX_COMPARISONS: usize = 20_000_000;
/// More tokens than this are not indexed.
const MAX_TOKENS: usize = 40_000_000;

/// The tokens of one text.
struct Tokens {
    hashes: Vec<u64>,
    ranges: Vec<Range<usize>>,
}

/// Where every hash of a repository stands.
#[derive(Default)]
pub struct Index {
    files: Vec<(PathBuf, Vec<u64>, Vec<u32>)>,
    places: HashMap<u64, Vec<(u32, u32)>>,
    left_out: Vec<(PathBuf, String)>,
}

impl Index {
    /// Reads all code of a tree.
    pub fn of(tree: &dyn Tree) -> Self {
        let mut index = Self::default();
        let mut n_tokens = 0;
        let paths = tree.paths().iter().filter(|it| Language::from_path(it).is_some());
        for (n_files, path) in paths.enumerate() {
            let Some(text) = tree.read(path) else { continue };
            if text.len() > MAX_FILE_BYTES || n_files >= MAX_FILES || n_tokens >= MAX_TOKENS {
                index.left_out.push((path.clone(), "too much code to index".to_owned()));
                continue;
            }
            let source = Source::new(path, &text);
            let tokens = tokens(&source);
            n_tokens += tokens.hashes.len();
            index.insert(&source, tokens);
        }
        index
    }

    fn insert(&mut self, source: &Source<'_>, tokens: Tokens) {
        let Ok(file) = u32::try_from(self.files.len()) else { return };
        for (hash, at) in fingerprints(&tokens.hashes) {
            let places = self.places.entry(hash).or_default();
            if places.len() < MAX_PLACES {
                places.push((file, at));
            }
        }
        let lines = LineStarts::new(source.text);
        let lines = tokens.ranges.iter().map(|it| lines.line(it.start)).collect();
        self.files.push((source.path.to_owned(), tokens.hashes, lines));
    }
}

/// Reports each copy that a change adds, with the place of its original in the changed tree.
pub fn report(change: &ChangeSet, after: &dyn Tree) -> CheckReport {
    report_with(change, &Index::of(after))
}

/// Reports each copy that a change adds, with an index of the changed tree.
pub fn report_with(change: &ChangeSet, index: &Index) -> CheckReport {
    let mut report = CheckReport::ran(NAME);
    let mut left_out = index.left_out.clone();
    for file in &change.files {
        let Some(text) = file.after.text().filter(|it| it.len() <= MAX_FILE_BYTES) else { continue };
        let source = Source::new(&file.path, text);
        if source.language.is_none() {
            continue;
        }
        let old = Source::new(file.path_before(), file.text_before());
        let tokens_before = tokens(&old);
        let tokens = tokens(&source);
        let added = added(&tokens_before, &tokens);
        let mut budget = MAX_COMPARISONS;
        report.after.extend(copies(&source, &tokens, index, &added, &mut budget));
        if budget == 0 {
            left_out.push((file.path.clone(), "too repetitive to compare in full".to_owned()));
        }
        report.analysed.push(file.path.clone());
    }
    if !left_out.is_empty() {
        report.status = CheckStatus::Partial(left_out);
    }
    report
}

/// Returns for every window of a text whether the text before the change held it less often.
fn added(before: &Tokens, after: &Tokens) -> Vec<bool> {
    let mut balance: HashMap<u64, isize> = HashMap::new();
    windows(&before.hashes).for_each(|it| *balance.entry(it).or_default() -= 1);
    windows(&after.hashes).for_each(|it| *balance.entry(it).or_default() += 1);
    windows(&after.hashes).map(|it| balance[&it] > 0).collect()
}

fn copies(source: &Source<'_>, tokens: &Tokens, index: &Index, added: &[bool], budget: &mut usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut reported_to = 0;
    for (hash, at) in fingerprints(&tokens.hashes) {
        let at = at as usize;
        // What the file held before the change is not the change's.
        if at < reported_to || !added[at] {
            continue;
        }
        let places = index.places.get(&hash).map(Vec::as_slice).unwrap_or_default();
        let found = places.iter().filter_map(|place| copy(source, tokens, index, at, *place, budget));
        let Some(longest) = found.max_by_key(|it| it.tokens.len()) else { continue };
        reported_to = longest.tokens.end;
        let range = tokens.ranges[longest.tokens.start].start..tokens.ranges[longest.tokens.end - 1].end;
        let span = source.span(range.clone());
        let n_tokens = longest.tokens.len();
        if n_tokens >= MIN_TOKENS && span.end_line - span.line + 1 >= MIN_LINES {
            let severity = if n_tokens >= LONG_TOKENS { Severity::Warning } else { Severity::Note };
            let original = format!("{}:{}", longest.path.display(), longest.line);
            findings.push(
                Finding::new(NAME, severity, format!("{n_tokens} tokens are a copy of {original}"))
                    .cwe(&[1041_u16][..])
                    .evidence(format!("the same tokens stand at {original}"))
                    .within(source.path, span)
                    .key(format!(
                        "{:016x}",
                        tokens.hashes[longest.tokens.clone()].iter().fold(0, |sum, it| mix(sum, *it))
                    ))
                    .hint("Call the original, or give both a common function."),
            );
        }
    }
    findings
}

struct Copy<'i> {
    tokens: Range<usize>,
    path: &'i PathBuf,
    line: u32,
}

/// Returns how far the text and a place of the index say the same, around a shared hash.
fn copy<'i>(
    source: &Source<'_>,
    tokens: &Tokens,
    index: &'i Index,
    at: usize,
    place: (u32, u32),
    budget: &mut usize,
) -> Option<Copy<'i>> {
    let (path, other, lines) = index.files.get(place.0 as usize)?;
    let there = place.1 as usize;
    let is_self = path == source.path;
    if is_self && there == at || *budget == 0 {
        return None;
    }
    let same = |here: usize, there: usize| tokens.hashes.get(here).is_some_and(|it| other.get(there) == Some(it));
    let ahead = (0..).take_while(|n| same(at + n, there + n)).count();
    let behind = (1..=at.min(there)).take_while(|n| same(at - n, there - n)).count();
    *budget = budget.saturating_sub(ahead + behind);
    let (start, end) = (at - behind, at + ahead);
    // Within one file the later place is the copy, and a run that overlaps itself is a table.
    let is_first = is_self && (there > at || there - behind + (end - start) > start);
    (ahead >= WINDOW && !is_first).then(|| Copy { tokens: start..end, path, line: lines[there - behind] })
}

/// Returns the tokens of a text, literals alike, without comments and imports.
fn tokens(source: &Source<'_>) -> Tokens {
    let mut tokens = Tokens { hashes: Vec::new(), ranges: Vec::new() };
    let Some(tree) = source.tree() else { return tokens };
    walk(tree.root(), (), |node, ()| {
        let kind = node.kind();
        if is_comment(node)
            || kind.contains("import")
            || kind == "use_declaration"
            || kind.starts_with("preproc_include")
        {
            return None;
        }
        let is_literal = node.is_named()
            && (kind.contains("string")
                || kind.contains("number")
                || kind.contains("integer")
                || kind.contains("float")
                || kind == "char_literal");
        // What is put into a string is code.
        let is_plain = is_literal && !source.text[node.byte_range()].contains(['{', '`']);
        if (node.child_count() == 0 || is_plain) && !node.byte_range().is_empty() {
            let text = if is_literal { kind } else { &source.text[node.byte_range()] };
            tokens.hashes.push(hash(text));
            tokens.ranges.push(node.byte_range());
        }
        (!is_plain).then_some(())
    });
    tokens
}

fn hash(text: &str) -> u64 {
    // FNV-1a: short words, no attacker to keep out beyond the comparison that follows.
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn mix(sum: u64, token: u64) -> u64 {
    sum.wrapping_mul(BASE).wrapping_add(token)
}

const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// Returns the hash of every window, by rolling.
fn windows(tokens: &[u64]) -> impl Iterator<Item = u64> {
    let last = (0..WINDOW).fold(1_u64, |power, _| power.wrapping_mul(BASE));
    let mut sum = tokens.iter().take(WINDOW).fold(0, |sum, it| mix(sum, *it));
    let n_windows = (tokens.len() + 1).saturating_sub(WINDOW);
    (0..n_windows).map(move |at| {
        let hash = sum;
        if let Some(next) = tokens.get(at + WINDOW) {
            sum = mix(sum, *next).wrapping_sub(tokens[at].wrapping_mul(last));
        }
        hash
    })
}

/// Returns the hashes that winnowing keeps, with the tokens they begin at.
fn fingerprints(tokens: &[u64]) -> Vec<(u64, u32)> {
    let hashes: Vec<u64> = windows(tokens).map(|it| it ^ (it >> 29)).collect();
    let mut kept: Vec<(u64, u32)> = Vec::new();
    let mut least: std::collections::VecDeque<usize> = std::collections::VecDeque::new();
    for at in 0..hashes.len() {
        while least.back().is_some_and(|&it| hashes[it] >= hashes[at]) {
            least.pop_back();
        }
        least.push_back(at);
        if least.front().is_some_and(|&it| it + THINNING <= at) {
            least.pop_front();
        }
        let is_full = at + 1 >= THINNING.min(hashes.len());
        if let Some(&first) = least.front().filter(|_| is_full)
            && kept.last().is_none_or(|(_, it)| *it as usize != first)
            && let Ok(place) = u32::try_from(first)
        {
            kept.push((hashes[first], place));
        }
    }
    kept
}

/// The lines of a text, for places that are looked up often.
struct LineStarts(Vec<usize>);

impl LineStarts {
    fn new(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    fn line(&self, offset: usize) -> u32 {
        u32::try_from(self.0.partition_point(|it| *it <= offset)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::{Content, FileDelta, MemoryTree};

    fn function(name: &str, total: &str) -> String {
        format!(
            "def {name}(items, rate):\n    {total} = 0\n    for item in items:\n        if item.price > 10 and item.kind == 'a':\n            {total} += item.price * rate\n        elif item.price < 5:\n            {total} -= item.discount(rate, 3)\n        else:\n            {total} += 1\n    if {total} > 100:\n        {total} = {total} * 0.9\n    return {total}\n\n\n"
        )
    }

    fn found(before: &str, after: &str, other: &str) -> Vec<String> {
        let tree: MemoryTree = [("a.py", after), ("lib/b.py", other)].into_iter().collect();
        let file = FileDelta {
            path: "a.py".into(),
            moved_from: None,
            before: Content::Text(before.into()),
            after: Content::Text(after.into()),
        };
        report(&ChangeSet { files: vec![file] }, &tree)
            .after
            .into_iter()
            .map(|it| format!("{} {}", it.line.unwrap(), it.message))
            .collect()
    }

    #[test]
    fn a_copy_of_another_file_is_found_with_its_original() {
        let other = format!("import x\n\n\n{}", function("pay", "total"));
        let after = format!("y = 1\n{}", function("pay", "total").replace("10", "99").replace("'a'", "'zz'"));
        let found = found("y = 1\n", &after, &other);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("2 ") && found[0].ends_with("lib/b.py:4"), "{found:?}");
    }

    #[test]
    fn a_copy_within_the_file_is_found_at_the_second_place() {
        let once = function("pay", "total");
        let found = found(&once, &format!("{once}{}", function("cost", "total")), "");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("a.py:1"), "{found:?}");
    }

    #[test]
    fn what_was_there_and_what_differs_is_no_copy() {
        let once = function("pay", "total");
        assert_eq!(found(&once, &once, &once), [""; 0]);
        assert_eq!(
            found(
                "",
                &once,
                &function("pay", "sum").replace("items", "goods").replace("rate", "tax").replace("item", "it")
            ),
            [""; 0]
        );
    }

    #[test]
    fn every_long_run_keeps_a_fingerprint() {
        let tokens: Vec<u64> = (0..400_u64).map(|it| hash(&it.to_string())).collect();
        let kept: std::collections::HashSet<u64> = fingerprints(&tokens).into_iter().map(|(hash, _)| hash).collect();
        for start in 0..tokens.len() - MIN_TOKENS {
            let part = fingerprints(&tokens[start..start + MIN_TOKENS]);
            assert!(part.iter().any(|(hash, _)| kept.contains(hash)), "{start}");
        }
    }
}
