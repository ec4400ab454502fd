//! A function's parameters changed: its calls follow, and so does the place where a constructor stores them.

use std::ops::Range;

use wright_text::Language;
use wright_text::shapes::{Call, Parameter, Signature};

use super::scene::{Scene, SignaturePair, whole_lines};
use super::{Reason, Site};

const CONFIDENCE: f32 = 0.9;

/// Predicts what changed parameters ask for.
pub(crate) fn changed(scene: &Scene<'_>) -> Vec<Site> {
    let mut sites = Vec::new();
    for pair in scene.signature_pairs() {
        let difference = Difference::new(scene, &pair);
        sites.extend(stored(scene, &pair, &difference));
        if difference.changes_calls() {
            let calls = scene.calls_of(&pair.new);
            sites.extend(calls.iter().filter_map(|call| rewritten_call(scene, &pair, &difference, call)));
        }
    }
    sites
}

/// How the parameters differ: for each new one, the index of the old one it is.
struct Difference {
    origin: Vec<Option<usize>>,
    removed: Vec<usize>,
}

impl Difference {
    fn new(scene: &Scene<'_>, pair: &SignaturePair) -> Difference {
        let old: Vec<&str> = pair.old.parameters.iter().map(|it| scene.old_slice(&it.name)).collect();
        let new: Vec<&str> = pair.new.parameters.iter().map(|it| scene.slice(&it.name)).collect();
        let mut origin: Vec<Option<usize>> = new.iter().map(|name| old.iter().position(|it| it == name)).collect();
        let mut removed: Vec<usize> = (0..old.len()).filter(|it| !origin.contains(&Some(*it))).collect();
        // As many came as went: they were renamed where they stand.
        let fresh: Vec<usize> = (0..new.len()).filter(|it| origin[*it].is_none()).collect();
        if old.len() == new.len() && fresh == removed {
            for idx in fresh {
                origin[idx] = Some(idx);
            }
            removed.clear();
        }
        Difference { origin, removed }
    }

    fn changes_calls(&self) -> bool {
        let is_same = self.origin.iter().enumerate().all(|(idx, it)| *it == Some(idx));
        !self.removed.is_empty() || !is_same
    }
}

fn rewritten_call(scene: &Scene<'_>, pair: &SignaturePair, difference: &Difference, call: &Call) -> Option<Site> {
    if call.arguments.iter().any(|it| it.is_spread) || scene.is_changed(&call.range) && fits(pair, call) {
        return None;
    }
    let (positional, named): (Vec<_>, Vec<_>) = call.arguments.iter().partition(|it| it.name.is_none());
    let old = &pair.old.parameters;
    let n_required = old.iter().filter(|it| !it.is_optional).count();
    if positional.len() > old.len() || positional.len() + named.len() < n_required {
        return None;
    }
    let mut arguments: Vec<String> = Vec::new();
    let mut is_open = true;
    for (parameter, origin) in pair.new.parameters.iter().zip(&difference.origin) {
        match origin {
            Some(idx) if *idx < positional.len() && is_open => {
                arguments.push(scene.slice(&positional[*idx].range).to_owned());
            }
            Some(_) => is_open = false,
            None if parameter.is_optional => is_open = false,
            None if is_open => arguments.push(value_for(scene, parameter, call)?),
            None => return None,
        }
    }
    let removed: Vec<&str> = difference.removed.iter().map(|it| scene.old_slice(&old[*it].name)).collect();
    let kept = named.iter().filter(|it| it.name.as_ref().is_none_or(|name| !removed.contains(&scene.slice(name))));
    arguments.extend(kept.map(|it| scene.slice(&it.range).to_owned()));
    let separator = match call.arguments.as_slice() {
        [first, second, ..] => scene.slice(&(first.range.end..second.range.start)),
        _ => ", ",
    };
    let inside = match (call.arguments.first(), call.arguments.last()) {
        (Some(first), Some(last)) => first.range.start..last.range.end,
        _ => call.list.start + 1..call.list.end - 1,
    };
    let text = arguments.join(separator);
    (scene.slice(&inside) != text).then(|| scene.site(inside, text, Reason::SignatureChanged, CONFIDENCE))
}

/// Returns whether a call that was edited already has the arguments that are asked for now.
fn fits(pair: &SignaturePair, call: &Call) -> bool {
    let n_required = pair.new.parameters.iter().filter(|it| !it.is_optional).count();
    (n_required..=pair.new.parameters.len()).contains(&call.arguments.len())
}

/// Returns what a call gives for a new parameter: a variable of its name, or the only one of its type.
fn value_for(scene: &Scene<'_>, parameter: &Parameter, call: &Call) -> Option<String> {
    let name = scene.slice(&parameter.name);
    if scene.is_in_scope(name, call.range.start) {
        return Some(name.to_owned());
    }
    let kind = scene.slice(parameter.kind.as_ref()?);
    let holds = |it: &Signature| it.body.start <= call.range.start && call.range.end <= it.body.end;
    let around = scene.tree.signatures().into_iter().filter(holds).min_by_key(|it| it.body.len())?;
    let is_plain =
        matches!(kind, "string" | "String" | "str" | "int" | "&str" | "number" | "bool" | "boolean" | "float");
    let mut same = around.parameters.iter().filter(|it| it.kind.as_ref().is_some_and(|it| scene.slice(it) == kind));
    match (same.next(), same.next()) {
        (Some(only), None) if !is_plain => Some(scene.slice(&only.name).to_owned()),
        (None, _) if kind == "context.Context" => Some("context.Background()".to_owned()),
        _ => None,
    }
}

/// A constructor that stores each parameter under its name stores a new one too, and a removed one no more.
fn stored(scene: &Scene<'_>, pair: &SignaturePair, difference: &Difference) -> Vec<Site> {
    let body = &pair.new.body;
    let mut sites = Vec::new();
    for idx in &difference.removed {
        let name = scene.old_slice(&pair.old.parameters[*idx].name);
        if let Some(line) = stores(scene, body, name) {
            let lines = whole_lines(scene.text(), &line);
            sites.push(scene.site(lines, "", Reason::SignatureChanged, CONFIDENCE));
        }
    }
    for (idx, parameter) in pair.new.parameters.iter().enumerate() {
        let name = scene.slice(&parameter.name);
        let is_new = difference.origin[idx].is_none();
        if !is_new || stores(scene, body, name).is_some() || is_mentioned(scene, body, name) {
            continue;
        }
        let others = pair.new.parameters.iter().enumerate().filter(|(other, _)| *other != idx);
        let stored: Vec<(usize, &Parameter, Range<usize>)> =
            others.filter_map(|(at, it)| Some((at, it, stores(scene, body, scene.slice(&it.name))?))).collect();
        // After the parameter before it, or the last one that is stored.
        let before = stored.iter().rfind(|(at, _, _)| *at < idx).or(stored.first());
        if let Some((_, model, line)) = before {
            let like = stored_like(scene.slice(line), scene.slice(&model.name), name);
            let whole = scene.line_at(line.start);
            let indent = scene.slice(&(whole.start..line.start));
            let at = line.end;
            sites.push(scene.site(at..at, format!("\n{indent}{like}"), Reason::SignatureChanged, CONFIDENCE));
        }
    }
    sites
}

fn stored_like(line: &str, model: &str, name: &str) -> String {
    let (head, tail) = line.split_once('=').unwrap_or((line, ""));
    format!("{}={}", head.replacen(model, name, 1), tail.replacen(model, name, 1))
}

/// Returns the line of a body that stores a parameter under its own name.
fn stores(scene: &Scene<'_>, body: &Range<usize>, name: &str) -> Option<Range<usize>> {
    let mut at = body.start;
    for line in scene.slice(body).split_inclusive('\n') {
        let start = at + (line.len() - line.trim_start().len());
        let code = line.trim();
        at += line.len();
        let plain = code.trim_end_matches(';');
        let is_store = plain.split_once('=').is_some_and(|(target, value)| {
            let target = target.trim();
            let target = target.split(':').next().unwrap_or(target).trim();
            let is_own = ["self.", "this."]
                .iter()
                .any(|it| target.strip_prefix(it).is_some_and(|field| field.trim_start_matches('_') == name));
            is_own && value.trim() == name
        });
        if is_store {
            return Some(start..start + code.len());
        }
    }
    None
}

fn is_mentioned(scene: &Scene<'_>, body: &Range<usize>, name: &str) -> bool {
    scene.language == Language::Go || scene.tokens_of(scene.slice(body)).iter().any(|it| it.text == name)
}
