//! The same change was made more than once, or once where the next line is built the same way: it is made again.

use std::ops::Range;

use wright_text::generalize::{Rewrite, Token, TokenChange, TokenKind, by_analogy, line_changes, token_changes};

use super::rename::renamed_words;
use super::scene::{Change, Scene, indent_of, line_around};
use super::{Reason, Site};

/// How many of the last changes are compared with each other.
const MAX_EXAMPLES: usize = 8;

/// How many places a change may be repeated in; what fits more often is hardly meant.
const MAX_SITES: usize = 40;

/// One change of lines that others may follow, without the indentation of its first line.
struct Example {
    before: String,
    after: String,
    place: Option<Range<usize>>,
    indent: String,
}

/// Predicts the next places of a change that was made more than once, or once in a list of parallel lines.
pub(crate) fn repeated(scene: &Scene<'_>) -> Vec<Site> {
    let examples = examples(scene);
    let mut sites = Vec::new();
    for (idx, second) in examples.iter().enumerate() {
        for first in &examples[..idx] {
            sites.extend(common(scene, first, second));
            sites.extend(parallel(scene, first, second));
            sites.extend(respelled(scene, first, second));
        }
    }
    if sites.is_empty() {
        sites.extend(examples.iter().rev().take(2).flat_map(|it| once(scene, it)));
    }
    sites.retain(|it| !scene.is_changed(&it.range));
    sites.sort_by_key(|it| (it.range.start, std::cmp::Reverse(it.range.end)));
    sites.dedup_by(|a, b| a.range.start < b.range.end.max(b.range.start + 1));
    if sites.len() > MAX_SITES { Vec::new() } else { sites }
}

fn examples(scene: &Scene<'_>) -> Vec<Example> {
    let renamed = renamed_words(scene);
    let taught = scene.changes.iter().filter(|it| teaches(it) && !only_renames(scene, it, &renamed));
    let all: Vec<Example> = taught.filter_map(|it| example(scene, it)).collect();
    let n_skipped = all.len().saturating_sub(MAX_EXAMPLES);
    all.into_iter().skip(n_skipped).collect()
}

/// A renamed name has a scope, which another rule knows.
fn only_renames(scene: &Scene<'_>, change: &Change, renamed: &[(String, String)]) -> bool {
    let (old, new) = (scene.tokens_of(&change.before), scene.tokens_of(&change.after));
    let is_renaming = |it: &TokenChange| {
        let (old, new) = (&old[it.before.clone()], &new[it.after.clone()]);
        matches!((old, new), ([a], [b]) if renamed.iter().any(|(old, new)| old == a.text && new == b.text))
    };
    token_changes(&old, &new).iter().all(is_renaming)
}

fn teaches(change: &Change) -> bool {
    let (before, after) = (change.before.trim(), change.after.trim());
    !after.is_empty() && before != after
}

fn example(scene: &Scene<'_>, change: &Change) -> Option<Example> {
    let (mut before, mut after) = (change.before.clone(), change.after.clone());
    if before.trim().is_empty() {
        // Added lines belong to the line that follows them.
        let end = change.place.as_ref()?.end;
        let next = scene.slice(&line_around(scene.text(), end));
        if next.trim().is_empty() || indent_of(next) != indent_of(&after) {
            return None;
        }
        before = format!("{next}\n");
        after = format!("{after}{next}\n");
    }
    let trimmed = |text: &str| text.trim_end_matches(['\n', '\r']).trim_start().to_owned();
    Some(Example {
        indent: indent_of(before.trim_start_matches('\n')).to_owned(),
        before: trimmed(&before),
        after: trimmed(&after),
        place: change.place.clone(),
    })
}

/// What two changes have in common, wherever its pattern fits.
fn common(scene: &Scene<'_>, first: &Example, second: &Example) -> Vec<Site> {
    let comment = scene.language.line_comment();
    let rewrites = Rewrite::common((&first.before, &first.after), (&second.before, &second.after), comment);
    let tokens = scene.tokens();
    let mut sites = Vec::new();
    for rewrite in rewrites.iter().filter(|it| it.is_specific()) {
        for fit in rewrite.fits(scene.text(), &tokens) {
            let line = scene.slice(&line_around(scene.text(), fit.range.start));
            let text = fit.text.replace('\n', &format!("\n{}", indent_of(line)));
            let is_there = is_made_already(scene, &fit.range, &text);
            let starts = !rewrite.starts_line() || line_start(scene, &fit.range);
            if starts && !is_there {
                sites.push(scene.site(fit.range, text, Reason::Repeated, 0.9));
            }
        }
    }
    sites
}

fn line_start(scene: &Scene<'_>, range: &Range<usize>) -> bool {
    let line = line_around(scene.text(), range.start);
    scene.text()[line.start..range.start].trim().is_empty()
}

/// Returns whether what would be inserted before or after is there already.
fn is_made_already(scene: &Scene<'_>, range: &Range<usize>, text: &str) -> bool {
    let kept = scene.slice(range);
    let head = text.strip_suffix(kept).map(str::trim).filter(|it| !it.is_empty());
    let tail = text.strip_prefix(kept).map(str::trim).filter(|it| !it.is_empty());
    head.is_some_and(|it| scene.text()[..range.start].trim_end().ends_with(it))
        || tail.is_some_and(|it| scene.text()[range.end..].trim_start().starts_with(it))
}

/// Names that lost, gained or swapped the same beginning in two places: `user.getName()` became `user.name()`.
fn respelled(scene: &Scene<'_>, first: &Example, second: &Example) -> Vec<Site> {
    let (Some(a), Some(b)) = (Respelling::of(scene, first), Respelling::of(scene, second)) else { return Vec::new() };
    if a.from != b.from || a.to != b.to || a.owner != b.owner || a.stem == b.stem {
        return Vec::new();
    }
    let tokens = scene.tokens();
    let fits =
        tokens.windows(3).filter(|it| it[0].text == a.owner && it[1].text == "." && it[2].kind == TokenKind::Word);
    let respelled = |it: &[Token<'_>]| {
        let stem = it[2].text.strip_prefix(a.from.as_str())?;
        let is_stem = stem.starts_with(|it: char| it.is_uppercase() || it == '_') || a.from.is_empty();
        is_stem
            .then(|| scene.site(it[2].range.clone(), format!("{}{}", a.to, cased(stem, &a.to)), Reason::Repeated, 0.85))
    };
    fits.filter_map(respelled).collect()
}

/// How a member's name changed its beginning.
struct Respelling {
    owner: String,
    from: String,
    to: String,
    stem: String,
}

impl Respelling {
    fn of(scene: &Scene<'_>, example: &Example) -> Option<Respelling> {
        let (old, new) = (scene.tokens_of(&example.before), scene.tokens_of(&example.after));
        let changes = token_changes(&old, &new);
        let [change] = changes.as_slice() else { return None };
        let ([a], [b]) = (&old[change.before.clone()], &new[change.after.clone()]) else { return None };
        let (owner, dot) = (change.before.start.checked_sub(2)?, change.before.start - 1);
        let lower = |text: &str| text.to_lowercase();
        let n_shared = lower(a.text).bytes().rev().zip(lower(b.text).bytes().rev()).take_while(|(a, b)| a == b).count();
        let is_whole = n_shared >= 2 && old[dot].text == "." && a.text.is_ascii() && b.text.is_ascii();
        let (from, stem) = a.text.split_at_checked(a.text.len() - n_shared).filter(|_| is_whole)?;
        let to = &b.text[..b.text.len() - n_shared];
        let owner = old[owner].text.to_owned();
        Some(Respelling { owner, from: from.to_owned(), to: to.to_owned(), stem: stem.to_owned() })
    }
}

/// A stem begins in lowercase where nothing stands before it.
fn cased(stem: &str, before: &str) -> String {
    let mut letters = stem.trim_start_matches('_').chars();
    let first = letters.next().map(|it| if before.is_empty() { it.to_ascii_lowercase() } else { it });
    first.into_iter().chain(letters).collect()
}

/// Lines that are built like two that were changed alike.
fn parallel(scene: &Scene<'_>, first: &Example, second: &Example) -> Vec<Site> {
    let comment = scene.language.line_comment();
    let is_alike = by_analogy(&first.before, &first.after, &second.before, comment).as_deref() == Some(&*second.after);
    if !is_alike || first.indent != second.indent {
        return Vec::new();
    }
    let Some(place) = &second.place else { return Vec::new() };
    siblings(scene, second, place).into_iter().filter_map(|it| analogous(scene, second, it, 0.85)).collect()
}

fn analogous(scene: &Scene<'_>, example: &Example, range: Range<usize>, confidence: f32) -> Option<Site> {
    let made = by_analogy(&example.before, &example.after, scene.slice(&range), scene.language.line_comment())?;
    let indented = made.replace('\n', &format!("\n{}", example_indent(scene, &range)));
    let text = if example.after.contains('\n') && example.before.contains('\n') { made } else { indented };
    (!is_made_already(scene, &range, &text)).then(|| scene.site(range, text, Reason::Repeated, confidence))
}

fn example_indent<'s>(scene: &Scene<'s>, range: &Range<usize>) -> &'s str {
    indent_of(scene.slice(&line_around(scene.text(), range.start)))
}

/// Returns the runs of lines around a place that have its number of lines and its indentation, to the end of its block.
fn siblings(scene: &Scene<'_>, example: &Example, place: &Range<usize>) -> Vec<Range<usize>> {
    let n_lines = example.before.lines().count();
    let text = scene.text();
    let lines: Vec<Range<usize>> = {
        let mut at = 0;
        let range = |line: &str| {
            at += line.len();
            at - line.len()..at - (line.len() - line.trim_end_matches(['\n', '\r']).len())
        };
        text.split_inclusive('\n').map(range).collect()
    };
    let is_inside = |it: &Range<usize>| {
        let line = &text[it.clone()];
        line.trim().is_empty() || indent_of(line).len() >= example.indent.len()
    };
    let first = lines.iter().position(|it| it.start >= place.start).unwrap_or(0);
    let last = lines.iter().rposition(|it| it.end <= place.end).unwrap_or(lines.len().saturating_sub(1));
    let up = lines[..first].iter().rev().take_while(|it| is_inside(it)).count();
    let down = lines[(last + 1).min(lines.len())..].iter().take_while(|it| is_inside(it)).count();
    let block = first - up..(last + 1 + down).min(lines.len());
    let starts = block.clone().filter(|it| indent_of(&text[lines[*it].clone()]) == example.indent);
    let fits = |start: usize| {
        let end = start + n_lines - 1;
        (n_lines > 0 && end < block.end).then(|| lines[start].start + example.indent.len()..lines[end].end)
    };
    starts.filter_map(fits).filter(|it| !scene.is_changed(it)).collect()
}

/// A change made once is repeated in the lines next to it when it put something around what was there, and on the line
/// that the person went to when that line is built the same way.
fn once(scene: &Scene<'_>, example: &Example) -> Vec<Site> {
    let mut sites = Vec::new();
    if let Some(place) = &example.place
        && wraps(scene, example)
    {
        sites.extend(neighbors(scene, example, place));
    }
    sites.extend(at_position(scene, example));
    sites
}

/// Returns whether a change only put text around something that it kept.
fn wraps(scene: &Scene<'_>, example: &Example) -> bool {
    let (old, new) = (scene.tokens_of(&example.before), scene.tokens_of(&example.after));
    let changes = token_changes(&old, &new);
    let inserts = |idx: usize| changes[idx].before.is_empty();
    let text = |idx: usize| new[changes[idx].after.clone()].iter().map(|it| it.text).collect::<String>();
    let is_wrap = changes.len() == 2 && inserts(0) && inserts(1);
    // Around a type it would change one declaration only.
    let keeps_value = || {
        let kept = &new[changes[0].after.end..changes[1].after.start];
        kept.iter().any(|it| matches!(it.kind, TokenKind::Number | TokenKind::Quote | TokenKind::Text))
    };
    is_wrap && text(0).contains(['(', '[', '{']) && text(1).contains([')', ']', '}']) && keeps_value()
}

fn neighbors(scene: &Scene<'_>, example: &Example, place: &Range<usize>) -> Vec<Site> {
    let all = siblings(scene, example, place);
    let (above, below): (Vec<_>, Vec<_>) = all.into_iter().partition(|it| it.start < place.start);
    let made = |it: Range<usize>| analogous(scene, example, it, 0.75);
    let mut sites: Vec<Site> = below.into_iter().map_while(made).collect();
    sites.extend(above.into_iter().rev().map_while(made));
    sites
}

/// The line at the position, or a neighbor of it that reads exactly like the one that was changed.
fn at_position(scene: &Scene<'_>, example: &Example) -> Vec<Site> {
    let here = line_around(scene.text(), scene.offset);
    if scene.is_changed(&here) || example.before.contains('\n') || is_value_only(scene, example) {
        return Vec::new();
    }
    let above = (here.start > 0).then(|| line_around(scene.text(), here.start - 1));
    let below = (here.end < scene.text().len()).then(|| line_around(scene.text(), here.end + 1));
    let trimmed = |it: Range<usize>| it.start + indent_of(scene.slice(&it)).len()..it.end;
    let is_same = |it: &Range<usize>| scene.slice(it).trim() == example.before && !scene.is_changed(it);
    let at = std::iter::once(here).chain(above.filter(is_same)).chain(below.filter(is_same)).map(trimmed);
    at.filter_map(|it| analogous(scene, example, it, 0.7)).take(1).collect()
}

/// Returns whether only one value or name took the place of another: that says nothing about the next line.
fn is_value_only(scene: &Scene<'_>, example: &Example) -> bool {
    let (old, new) = (scene.tokens_of(&example.before), scene.tokens_of(&example.after));
    let is_single = |range: &Range<usize>, tokens: &[Token<'_>]| {
        range.len() == 1 && !matches!(tokens[range.start].kind, TokenKind::Symbol)
    };
    let changes = token_changes(&old, &new);
    let is_comment = line_changes(&example.before, &example.after).is_empty();
    is_comment
        || changes.iter().all(|it| is_single(&it.before, &old) && is_single(&it.after, &new))
        || changes.iter().any(|it| it.after.is_empty())
}
