//! A trait was derived: the types of the fields need it too.

use wright_text::Language;
use wright_text::generalize::TokenKind;

use super::scene::Scene;
use super::{Reason, Site};

/// Predicts the derives that the types inside a type need, in Rust.
pub(crate) fn needed(scene: &Scene<'_>) -> Vec<Site> {
    if scene.language != Language::Rust {
        return Vec::new();
    }
    let (now, then) = (scene.tree.type_shapes(), scene.before.type_shapes());
    let mut sites = Vec::new();
    for shape in &now {
        let name = scene.slice(&shape.name);
        let Some(old) = then.iter().find(|it| scene.old_slice(&it.name) == name) else { continue };
        let derived = derives_above(scene.text(), shape.definition.start);
        let before = derives_above(scene.before.text(), old.definition.start);
        let added: Vec<&String> = derived.names.iter().filter(|it| !before.names.contains(it)).collect();
        let inside =
            shape.members.iter().filter_map(|it| it.kind.as_ref()).flat_map(|it| scene.tokens_of(scene.slice(it)));
        let inside: Vec<&str> = inside.filter(|it| it.kind == TokenKind::Word).map(|it| it.text).collect();
        for other in now.iter().filter(|it| it.name != shape.name && inside.contains(&scene.slice(&it.name))) {
            let theirs = derives_above(scene.text(), other.definition.start);
            let missing: Vec<&str> =
                added.iter().filter(|it| !theirs.names.contains(it)).map(|it| it.as_str()).collect();
            if let (Some(end), false) = (theirs.end, missing.is_empty()) {
                sites.push(scene.site(end..end, format!(", {}", missing.join(", ")), Reason::DeriveNeeded, 0.85));
            }
        }
    }
    sites
}

struct Derives {
    names: Vec<String>,
    /// Where another name goes: before the closing parenthesis of the last derive.
    end: Option<usize>,
}

/// Reads the `#[derive(…)]` lines directly above a definition.
fn derives_above(text: &str, definition: usize) -> Derives {
    let mut derives = Derives { names: Vec::new(), end: None };
    let mut at = text[..definition].rfind('\n').map_or(0, |it| it + 1);
    while at > 0 {
        let start = text[..at - 1].rfind('\n').map_or(0, |it| it + 1);
        let line = text[start..at - 1].trim();
        if !line.starts_with("#[") && !line.starts_with("///") {
            break;
        }
        if let Some(list) = line.strip_prefix("#[derive(").and_then(|it| it.strip_suffix(")]")) {
            derives.names.extend(list.split(',').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()));
            let closing = text[start..at - 1].rfind(")]").map(|it| start + it);
            derives.end = derives.end.or(closing.filter(|_| !list.trim().is_empty()));
        }
        at = start;
    }
    derives
}
