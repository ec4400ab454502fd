//! A function was made asynchronous: its calls wait for it, and so do the functions around them.

use wright_text::Language;
use wright_text::shapes::{Call, Signature};

use super::scene::Scene;
use super::{Reason, Site};

/// Predicts the calls that must await a function that is asynchronous now and was not before.
pub(crate) fn made_async(scene: &Scene<'_>) -> Vec<Site> {
    if matches!(scene.language, Language::Go | Language::Java) {
        return Vec::new();
    }
    let signatures = scene.tree.signatures();
    let mut sites = Vec::new();
    for pair in scene.signature_pairs().iter().filter(|it| it.new.is_async && !it.old.is_async) {
        for call in scene.calls_of(&pair.new).iter().filter(|it| !it.is_awaited) {
            let holds = |it: &&Signature| it.body.start <= call.range.start && call.range.end <= it.body.end;
            let Some(around) = signatures.iter().filter(holds).min_by_key(|it| it.body.len()) else { continue };
            if is_in_inner_closure(scene, call, around) {
                continue;
            }
            if !around.is_async {
                sites.extend(async_head(scene, around));
            }
            sites.extend(awaited(scene, call));
        }
    }
    sites
}

/// A callback is a function of its own, which nobody may await.
fn is_in_inner_closure(scene: &Scene<'_>, call: &Call, around: &Signature) -> bool {
    scene
        .tree
        .function_scope(&call.range)
        .is_some_and(|it| it.start > around.definition.start && it.start >= around.body.start)
}

fn awaited(scene: &Scene<'_>, call: &Call) -> Vec<Site> {
    let site = |at: usize, text: &str| scene.site(at..at, text, Reason::MadeAsync, 0.9);
    if scene.language == Language::Rust {
        return vec![site(call.range.end, ".await")];
    }
    let is_part = scene.text()[call.range.end..].starts_with(['.', '[']);
    if is_part {
        vec![site(call.range.start, "(await "), site(call.range.end, ")")]
    } else {
        vec![site(call.range.start, "await ")]
    }
}

/// Makes a function asynchronous; in TypeScript what it returns becomes a promise.
fn async_head(scene: &Scene<'_>, signature: &Signature) -> Vec<Site> {
    let head = &scene.text()[signature.definition.start..signature.list.start];
    let keyword = ["def ", "function ", "function*", "fn "].iter().filter_map(|it| head.find(it)).min();
    let is_bound = head.contains('=');
    let at = match keyword {
        Some(at) => signature.definition.start + at,
        None if is_bound => signature.list.start,
        None => signature.name.start,
    };
    let mut sites = vec![scene.site(at..at, "async ", Reason::MadeAsync, 0.9)];
    let has_types = matches!(scene.language, Language::TypeScript | Language::Tsx);
    if let Some(returns) = signature.returns.clone().filter(|_| has_types) {
        let whole = scene.slice(&returns);
        let kind = whole.trim_start_matches(':').trim();
        if !kind.is_empty() && !kind.starts_with("Promise<") {
            let start = returns.end - kind.len();
            sites.push(scene.site(start..returns.end, format!("Promise<{kind}>"), Reason::MadeAsync, 0.9));
        }
    }
    sites
}
