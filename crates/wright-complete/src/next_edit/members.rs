//! A type gained or lost a member: literals, matches and calls that fill or name its members follow.

use std::ops::Range;

use wright_text::generalize::{TokenKind, subwords, tokens};
use wright_text::shapes::{Match, Member, RecordLiteral, TypeKind, TypeShape};

use super::scene::{Scene, line_around, whole_lines};
use super::{Reason, Site};

/// Predicts what new, removed and changed members ask for.
pub(crate) fn changed(scene: &Scene<'_>) -> Vec<Site> {
    let then = scene.before.type_shapes();
    let mut sites = Vec::new();
    for shape in scene.tree.type_shapes() {
        let name = scene.slice(&shape.name);
        let Some(old) = then.iter().find(|it| scene.old_slice(&it.name) == name && it.kind == shape.kind) else {
            continue;
        };
        let change = MemberChange::new(scene, old, shape);
        match change.new.kind {
            TypeKind::Record => sites.extend(records(scene, &change)),
            TypeKind::Enum => sites.extend(variants(scene, &change)),
        }
    }
    sites
}

/// What happened to the members of one type.
struct MemberChange {
    name: String,
    new: TypeShape,
    added: Vec<String>,
    removed: Vec<String>,
    /// Variants that carry something now and carried nothing before.
    filled: Vec<Member>,
}

impl MemberChange {
    fn new(scene: &Scene<'_>, old: &TypeShape, new: TypeShape) -> MemberChange {
        let before: Vec<String> = old.members.iter().map(|it| scene.old_slice(&it.name).to_owned()).collect();
        let now: Vec<String> = new.members.iter().map(|it| scene.slice(&it.name).to_owned()).collect();
        let mut added: Vec<String> = now.iter().filter(|it| !before.contains(it)).cloned().collect();
        let mut removed: Vec<String> = before.iter().filter(|it| !now.contains(it)).cloned().collect();
        // As many came as went: members were renamed, which is another rule's business.
        if !added.is_empty() && !removed.is_empty() {
            added.clear();
            removed.clear();
        }
        let was_bare = |it: &&Member| {
            let same = old.members.iter().find(|old| scene.old_slice(&old.name) == scene.slice(&it.name));
            it.kind.is_some() && same.is_some_and(|old| old.kind.is_none())
        };
        let filled = new.members.iter().filter(was_bare).cloned().collect();
        MemberChange { name: scene.slice(&new.name).to_owned(), added, removed, filled, new }
    }
}

fn records(scene: &Scene<'_>, change: &MemberChange) -> Vec<Site> {
    let literals = scene.tree.record_literals();
    let own = literals.iter().filter(|it| type_name(&it.type_name) == change.name || it.type_name == "Self");
    let mut sites = Vec::new();
    for literal in own {
        for name in &change.removed {
            if let Some((_, range)) = literal.entries.iter().find(|(entry, _)| entry == name) {
                sites.push(scene.site(with_separator(scene.text(), range), "", Reason::MemberRemoved, 0.9));
            }
        }
        for name in change.added.iter().filter(|_| !literal.has_rest) {
            sites.extend(filled_entry(scene, change, literal, name));
        }
    }
    if !change.removed.is_empty() {
        sites.extend(named_arguments(scene, change));
    }
    sites
}

fn type_name(written: &str) -> &str {
    let plain = written.split(['<', '[']).next().unwrap_or(written);
    plain.rsplit([':', '.', '*', '&']).next().unwrap_or(plain)
}

/// Fills a new field where a variable of its name, or an optional type, leaves no doubt about the value.
fn filled_entry(scene: &Scene<'_>, change: &MemberChange, literal: &RecordLiteral, name: &str) -> Option<Site> {
    if literal.entries.iter().any(|(entry, _)| entry == name) {
        return None;
    }
    let order: Vec<&str> = change.new.members.iter().map(|it| scene.slice(&it.name)).collect();
    let place = order.iter().position(|it| *it == name)?;
    let is_before = |entry: &str| order.iter().position(|it| *it == entry).is_some_and(|it| it < place);
    let (model, after) = literal.entries.iter().rfind(|(entry, _)| is_before(entry)).or(literal.entries.last())?;
    let is_shorthand = scene.slice(after) == model;
    let kind = change.new.members[place].kind.as_ref().map_or("", |it| scene.slice(it));
    let entry = if scene.is_in_scope(name, literal.range.start) {
        if is_shorthand { name.to_owned() } else { format!("{name}: {name}") }
    } else if kind.starts_with("Option<") {
        format!("{name}: None")
    } else {
        return None;
    };
    let line = line_around(scene.text(), after.start);
    let is_own_line = scene.text()[line.start..after.start].trim().is_empty();
    let gap = if is_own_line { format!("\n{}", &scene.text()[line.start..after.start]) } else { " ".to_owned() };
    Some(scene.site(after.end..after.end, format!(",{gap}{entry}"), Reason::MemberAdded, 0.85))
}

/// Calls of a constructor that give a removed field by name.
fn named_arguments(scene: &Scene<'_>, change: &MemberChange) -> Vec<Site> {
    let calls = scene.tree.calls().into_iter().filter(|it| scene.slice(&it.callee) == change.name);
    let arguments = calls.flat_map(|it| it.arguments);
    let is_removed = |name: &Range<usize>| change.removed.iter().any(|it| it == scene.slice(name));
    let removed = arguments.filter(|it| it.name.as_ref().is_some_and(&is_removed));
    removed.map(|it| scene.site(with_separator(scene.text(), &it.range), "", Reason::MemberRemoved, 0.9)).collect()
}

/// Returns an entry together with the comma that goes with it, or its whole line.
fn with_separator(text: &str, range: &Range<usize>) -> Range<usize> {
    let lines = whole_lines(text, range);
    if lines != *range {
        return lines;
    }
    let rest = &text[range.end..];
    if let Some(after) = rest.trim_start().strip_prefix(',') {
        return range.start..text.len() - after.trim_start_matches(' ').len();
    }
    let head = text[..range.start].trim_end();
    head.strip_suffix(',').map_or(range.clone(), |it| it.trim_end().len()..range.end)
}

fn variants(scene: &Scene<'_>, change: &MemberChange) -> Vec<Site> {
    let mut sites = Vec::new();
    for choice in scene.tree.matches() {
        let covered: Vec<(&str, usize)> = choice
            .arms
            .iter()
            .enumerate()
            .filter_map(|(idx, (pattern, _))| Some((variant_of(scene.slice(pattern), &change.name)?, idx)))
            .collect();
        if covered.is_empty() {
            continue;
        }
        for name in &change.removed {
            let arms = covered.iter().filter(|(variant, _)| variant == name);
            sites.extend(arms.map(|(_, idx)| {
                let arm = with_separator(scene.text(), &choice.arms[*idx].1);
                scene.site(arm, "", Reason::MemberRemoved, 0.9)
            }));
        }
        let is_total = !choice.arms.iter().any(|(pattern, _)| is_wildcard(scene.slice(pattern)));
        if is_total {
            sites.extend(change.added.iter().filter_map(|it| new_arm(scene, change, &choice, &covered, it)));
        }
        for member in &change.filled {
            sites.extend(filled_patterns(scene, member, &choice, &covered));
        }
    }
    sites
}

fn is_wildcard(pattern: &str) -> bool {
    let is_name = pattern.chars().all(|it| it.is_alphanumeric() || it == '_');
    pattern == "_" || is_name && pattern.starts_with(char::is_lowercase)
}

/// Returns the variant that a pattern names, where it names one of this type.
fn variant_of<'p>(pattern: &'p str, type_name: &str) -> Option<&'p str> {
    let rest = pattern.strip_prefix("Self::").or_else(|| pattern.strip_prefix(type_name)?.strip_prefix("::"))?;
    let end = rest.find(|it: char| !it.is_alphanumeric() && it != '_').unwrap_or(rest.len());
    Some(&rest[..end])
}

/// Makes the arm of a new variant like the one of its neighbor, where that one depends on nothing but the name.
fn new_arm(
    scene: &Scene<'_>,
    change: &MemberChange,
    choice: &Match,
    covered: &[(&str, usize)],
    name: &str,
) -> Option<Site> {
    if covered.iter().any(|(variant, _)| *variant == name) {
        return None;
    }
    let order: Vec<&str> = change.new.members.iter().map(|it| scene.slice(&it.name)).collect();
    let place = order.iter().position(|it| *it == name)?;
    let is_before = |variant: &str| order.iter().position(|it| *it == variant).is_some_and(|it| it < place);
    let (model, idx) = covered.iter().rfind(|(variant, _)| is_before(variant)).or(covered.last())?;
    let (pattern, arm) = &choice.arms[*idx];
    if scene.slice(pattern).contains(['(', '{']) || change.new.members[place].kind.is_some() {
        return None;
    }
    let body = scene.slice(&(pattern.end..arm.end));
    let renamed = renamed_in(body, model, name);
    let text = if renamed == body { " => todo!()".to_owned() } else { renamed.trim_end_matches(',').to_owned() };
    let line = line_around(scene.text(), arm.start);
    let indent = &scene.text()[line.start..arm.start];
    if !indent.trim().is_empty() {
        return None;
    }
    let head = renamed_in(scene.slice(pattern), model, name);
    let has_comma = scene.slice(arm).ends_with(',');
    let (lead, tail) = if has_comma { ("", ",") } else { (",", "") };
    let tail = if text.ends_with('}') { "" } else { tail };
    let lead = if scene.slice(arm).ends_with('}') { "" } else { lead };
    Some(scene.site(arm.end..arm.end, format!("{lead}\n{indent}{head}{text}{tail}"), Reason::MemberAdded, 0.85))
}

/// Replaces a name in all the ways it is written: `RedApple`, `red_apple`, `RED_APPLE`, `red apple`.
fn renamed_in(text: &str, old: &str, new: &str) -> String {
    let forms = |name: &str| {
        let words: Vec<String> = subwords(name).iter().map(|it| it.to_lowercase()).collect();
        [
            name.to_owned(),
            words.join("_"),
            words.join("_").to_uppercase(),
            words.join(" "),
            words.join("-"),
            words.concat(),
        ]
    };
    let mut result = text.to_owned();
    for (old, new) in forms(old).iter().zip(forms(new)) {
        if result != text {
            let again: Vec<_> =
                tokens(&result, "//").iter().filter(|it| it.text == *old).map(|it| it.range.clone()).collect();
            for range in again.into_iter().rev() {
                result.replace_range(range, &new);
            }
        } else {
            result = result.replace(old, &new);
        }
    }
    result
}

/// Binds what a variant carries now in the patterns that name it, and says it where the sibling arms say theirs.
fn filled_patterns(scene: &Scene<'_>, member: &Member, choice: &Match, covered: &[(&str, usize)]) -> Vec<Site> {
    let name = scene.slice(&member.name);
    let Some(kind) = member.kind.as_ref().map(|it| scene.slice(it)) else { return Vec::new() };
    let mut sites = Vec::new();
    for (_, idx) in covered.iter().filter(|(variant, _)| *variant == name) {
        let (pattern, arm) = &choice.arms[*idx];
        if !scene.slice(pattern).ends_with(name) {
            continue;
        }
        let Some(binding) = payload_pattern(kind) else { continue };
        let site = |range: Range<usize>, text: String| scene.site(range, text, Reason::TypeReshaped, 0.85);
        sites.push(site(pattern.end..pattern.end, binding.pattern));
        let says = |arm: &Range<usize>| texts_in(scene, arm).into_iter().next_back();
        let siblings = choice.arms.iter().filter_map(|(_, arm)| says(arm));
        let is_custom = siblings.into_iter().any(|it| scene.slice(&it).ends_with('}'));
        if let (true, Some(text), Some(name)) = (is_custom, says(arm), binding.name)
            && !scene.slice(&text).contains('{')
        {
            sites.push(site(text.end..text.end, format!(": {{{name}}}")));
        }
    }
    sites
}

fn texts_in(scene: &Scene<'_>, range: &Range<usize>) -> Vec<Range<usize>> {
    let tokens = scene.tokens_of(scene.slice(range)).into_iter().filter(|it| it.kind == TokenKind::Text);
    tokens.map(|it| range.start + it.range.start..range.start + it.range.end).collect()
}

struct PayloadPattern {
    pattern: String,
    /// The only name that is bound, where it is only one.
    name: Option<String>,
}

fn payload_pattern(kind: &str) -> Option<PayloadPattern> {
    let inner = kind.trim();
    if let Some(fields) = inner.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
        let names: Vec<&str> =
            fields.split(',').filter_map(|it| it.split_once(':')).map(|(name, _)| name.trim()).collect();
        let name = (names.len() == 1).then(|| names[0].to_owned());
        return Some(PayloadPattern { pattern: format!(" {{ {} }}", names.join(", ")), name });
    }
    let types = inner.strip_prefix('(')?.strip_suffix(')')?;
    let is_one = !types.contains(',');
    let pattern = if is_one { "(value)".to_owned() } else { "(..)".to_owned() };
    Some(PayloadPattern { pattern, name: is_one.then(|| "value".to_owned()) })
}
