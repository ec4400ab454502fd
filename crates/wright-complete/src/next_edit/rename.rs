//! A name was changed where it is bound: its uses follow. A word of a function's name was replaced: its body follows.

use std::ops::Range;

use wright_text::generalize::{TokenKind, subwords, token_changes};
use wright_text::shapes::{Binding, Name, is_keyword};
use wright_text::{Document, Language, SyntaxTree};

use super::reshape::is_list_of;
use super::scene::{Scene, is_common};
use super::{Reason, Site};

/// One name that became another, where it is bound.
struct Renaming {
    old: String,
    new: String,
    place: Range<usize>,
    binding: Binding,
    scope: Range<usize>,
}

/// Predicts the uses of names that were renamed where they are bound.
pub(crate) fn renamed(scene: &Scene<'_>) -> Vec<Site> {
    let names = scene.tree.names();
    renamings(scene, &names).iter().flat_map(|it| uses(scene, &names, it)).collect()
}

/// Predicts names in the body of a function that still hold the word which its own name no longer has.
pub(crate) fn word_replaced(scene: &Scene<'_>) -> Vec<Site> {
    let names = scene.tree.names();
    let mut sites = Vec::new();
    for renaming in word_renamings(scene) {
        let Some((old_word, new_word)) = replaced_word(&renaming.0, &renaming.1) else { continue };
        let signature = scene.tree.signatures().into_iter().find(|it| scene.slice(&it.name) == renaming.1);
        let Some(signature) = signature.filter(|_| old_word.len() >= 4) else { continue };
        let inside =
            names.iter().filter(|it| signature.body.start <= it.range.start && it.range.end <= signature.body.end);
        let same_word = inside.filter(|it| it.text.eq_ignore_ascii_case(&old_word) && !scene.is_changed(&it.range));
        sites.extend(
            same_word
                .map(|it| scene.site(it.range.clone(), cased_like(&new_word, it.text), Reason::WordReplaced, 0.65)),
        );
    }
    sites
}

/// Returns the names that were renamed where they are bound, old and new; other rules leave their uses alone.
pub(crate) fn renamed_words(scene: &Scene<'_>) -> Vec<(String, String)> {
    renamings(scene, &scene.tree.names()).into_iter().map(|it| (it.old, it.new)).collect()
}

/// Returns old and new names of functions whose heads changed, wherever the head was.
fn word_renamings(scene: &Scene<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for change in &scene.changes {
        let (old, new) = (scene.tokens_of(&change.before), scene.tokens_of(&change.after));
        for step in token_changes(&old, &new) {
            if let ([a], [b]) = (&old[step.before.clone()], &new[step.after.clone()])
                && a.kind == TokenKind::Word
                && b.kind == TokenKind::Word
            {
                found.push((a.text.to_owned(), b.text.to_owned()));
            }
        }
    }
    found
}

/// Returns the one word in which two names differ.
fn replaced_word(old: &str, new: &str) -> Option<(String, String)> {
    let (a, b) = (subwords(old), subwords(new));
    if a.len() != b.len() || a.len() < 2 {
        return None;
    }
    let mut differing = a.iter().zip(&b).filter(|(a, b)| a != b);
    let (old, new) = differing.next()?;
    differing.next().is_none().then(|| ((*old).to_owned(), (*new).to_owned()))
}

fn cased_like(word: &str, model: &str) -> String {
    if model.chars().all(char::is_uppercase) {
        word.to_uppercase()
    } else if model.chars().next().is_some_and(char::is_uppercase) {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    } else {
        word.to_lowercase()
    }
}

fn renamings(scene: &Scene<'_>, names: &[Name<'_>]) -> Vec<Renaming> {
    let mut found: Vec<Renaming> = Vec::new();
    for change in &scene.changes {
        let Some(place) = &change.place else { continue };
        let (old, new) = (scene.tokens_of(&change.before), scene.tokens_of(&change.after));
        for step in token_changes(&old, &new) {
            let ([a], [b]) = (&old[step.before.clone()], &new[step.after.clone()]) else { continue };
            let is_word = a.kind == TokenKind::Word && b.kind == TokenKind::Word;
            if !is_word || is_keyword(scene.language, a.text) || is_keyword(scene.language, b.text) {
                continue;
            }
            let here = place.start + b.range.start..place.start + b.range.end;
            let bound = names.iter().find(|it| it.range == here);
            if let Some((binding, scope)) = bound.and_then(|it| Some((it.binding?, it.scope.clone()))) {
                found.push(Renaming { old: a.text.to_owned(), new: b.text.to_owned(), place: here, binding, scope });
            }
        }
    }
    found
}

fn uses(scene: &Scene<'_>, names: &[Name<'_>], renaming: &Renaming) -> Vec<Site> {
    if renaming.binding == Binding::Parameter && became_list(scene, renaming) {
        return Vec::new();
    }
    let is_inside = |it: &Name<'_>| renaming.scope.start <= it.range.start && it.range.end <= renaming.scope.end;
    let same: Vec<&Name<'_>> = names.iter().filter(|it| it.text == renaming.old && is_inside(it)).collect();
    // A second declaration keeps the name alive, and nobody can tell which uses belong to which.
    // Only methods beside a plain function are no doubt: these are reached through an object.
    let is_local = matches!(renaming.binding, Binding::Parameter | Binding::Variable);
    let methods = methods_named(scene, renaming);
    let is_method = |it: &Name<'_>| methods.contains(&it.range);
    let is_plain_function = renaming.binding == Binding::Function && !methods.contains(&renaming.place);
    let has_methods = is_plain_function && same.iter().any(|it| is_method(it));
    let keeps = |it: &&&Name<'_>| match it.binding {
        Some(Binding::Parameter | Binding::Variable) => is_local,
        Some(_) => !(is_local || is_plain_function && is_method(it)),
        None => false,
    };
    if same.iter().any(|it| keeps(&it)) {
        return Vec::new();
    }
    let binds_here = |it: &&&Name<'_>| matches!(it.binding, Some(Binding::Parameter | Binding::Variable));
    let hidden: Vec<&Range<usize>> = same.iter().filter(binds_here).map(|it| &it.scope).collect();
    let is_hidden = |it: &Name<'_>| !it.is_member && hidden.iter().any(|scope| scope.contains(&it.range.start));
    let applies = |it: &&&Name<'_>| {
        it.binding.is_none()
            && !is_hidden(it)
            && !(has_methods && it.is_member)
            && is_use_of(scene, it, renaming.binding, &renaming.old)
    };
    let site = |range: Range<usize>| scene.site(range, renaming.new.clone(), Reason::Renamed, 0.95);
    let mut sites: Vec<Site> = same.iter().filter(applies).map(|it| site(it.range.clone())).collect();
    if renaming.binding == Binding::Parameter {
        sites.extend(argument_names(scene, names, renaming).into_iter().map(site));
        sites.extend(documented(scene, renaming).into_iter().map(site));
    }
    sites.extend(scene.open.iter().flat_map(|it| uses_elsewhere(it, scene.language, renaming)));
    sites
}

/// Returns where methods of the old or the new name are defined.
fn methods_named(scene: &Scene<'_>, renaming: &Renaming) -> Vec<Range<usize>> {
    let methods = scene.tree.signatures().into_iter().filter(|it| it.owner.is_some());
    let is_named = |it: &Range<usize>| [&renaming.old, &renaming.new].iter().any(|name| *name == scene.slice(it));
    methods.map(|it| it.name).filter(is_named).collect()
}

/// One value that became a list under another name is not the same thing renamed.
fn became_list(scene: &Scene<'_>, renaming: &Renaming) -> bool {
    let pairs = scene.signature_pairs();
    let parameters = pairs.iter().flat_map(|it| it.old.parameters.iter().zip(&it.new.parameters));
    let mut same = parameters.filter(|(_, new)| new.name == renaming.place);
    same.any(|(old, new)| match (&old.kind, &new.kind) {
        (Some(one), Some(many)) => is_list_of(scene.slice(many), scene.old_slice(one)),
        _ => false,
    })
}

fn is_use_of(scene: &Scene<'_>, name: &Name<'_>, binding: Binding, old: &str) -> bool {
    let is_own = || scene.is_own_member(&name.range);
    match binding {
        Binding::Parameter | Binding::Variable | Binding::Import | Binding::Type => {
            !name.is_member || binding == Binding::Type
        }
        Binding::Function => !name.is_argument_name && (!name.is_member || !is_common(old) || is_own()),
        Binding::Member => !name.is_argument_name && (!is_common(old) || is_own() || scene.language == Language::Java),
    }
}

/// Returns where calls of the parameter's function give it by name.
fn argument_names(scene: &Scene<'_>, names: &[Name<'_>], renaming: &Renaming) -> Vec<Range<usize>> {
    let holds = |it: &wright_text::shapes::Signature| {
        it.list.start <= renaming.place.start && renaming.place.end <= it.list.end
    };
    let Some(signature) = scene.tree.signatures().into_iter().find(holds) else { return Vec::new() };
    let calls = scene.calls_of(&signature);
    let named = calls.iter().flat_map(|it| it.arguments.iter()).filter_map(|it| it.name.clone());
    named.filter(|it| scene.slice(it) == renaming.old && names.iter().any(|name| name.range == *it)).collect()
}

/// Returns where the comment above a function, or its docstring, describes a parameter.
fn documented(scene: &Scene<'_>, renaming: &Renaming) -> Vec<Range<usize>> {
    let start = comment_start(scene, renaming.scope.start);
    let end = renaming.scope.end;
    let text = &scene.text()[start..end];
    let is_word = |it: char| it.is_alphanumeric() || it == '_';
    let mut found = Vec::new();
    for token in scene.tokens_of(text) {
        if !matches!(token.kind, TokenKind::Comment | TokenKind::Text) || !token.text.contains(&renaming.old) {
            continue;
        }
        for (at, _) in token.text.match_indices(&renaming.old) {
            let (head, tail) = (&token.text[..at], &token.text[at + renaming.old.len()..]);
            let is_whole = !head.ends_with(is_word) && !tail.starts_with(is_word);
            let line = head.rsplit('\n').next().unwrap_or_default().trim();
            let is_described = (line.is_empty() || line == "*") && tail.trim_start().starts_with([':', '('])
                || line.ends_with("param")
                || line.ends_with('`') && tail.starts_with('`')
                || line.ends_with('}') && line.contains("@param");
            if is_whole && is_described {
                let place = start + token.range.start + at;
                found.push(place..place + renaming.old.len());
            }
        }
    }
    found
}

/// Returns where the comment that stands directly above an offset starts.
fn comment_start(scene: &Scene<'_>, offset: usize) -> usize {
    let mut start = scene.line_at(offset).start;
    while start > 0 {
        let line = scene.line_at(start - 1);
        let text = scene.slice(&line).trim();
        if !text.starts_with(['#', '*', '/', '@']) {
            break;
        }
        start = line.start;
    }
    start
}

/// Functions and types are used in other files by their name, where these import it.
fn uses_elsewhere(doc: &Document, language: Language, renaming: &Renaming) -> Vec<Site> {
    let is_shared = matches!(renaming.binding, Binding::Function | Binding::Type) && !is_common(&renaming.old);
    if !is_shared || Language::from_path(&doc.path) != Some(language) {
        return Vec::new();
    }
    let tree = SyntaxTree::parse(language, doc.shared_text());
    let names = tree.names();
    let same: Vec<&Name<'_>> = names.iter().filter(|it| it.text == renaming.old && !it.is_member).collect();
    if same.iter().any(|it| it.binding.is_some_and(|binding| binding != Binding::Import)) {
        return Vec::new();
    }
    let imports = same.iter().any(|it| it.binding.is_some()) || language == Language::Go;
    let site = |it: &&Name<'_>| Site {
        path: doc.path.clone(),
        range: it.range.clone(),
        text: renaming.new.clone(),
        reason: Reason::Renamed,
        confidence: 0.9,
    };
    if imports { same.iter().map(site).collect() } else { Vec::new() }
}
