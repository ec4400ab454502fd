//! A type was given another shape: a tuple became a record, parameters became one record, members moved into a part, one
//! value became several. What still uses the former shape follows.

use std::ops::Range;

use wright_text::generalize::{Token, TokenKind, subwords};
use wright_text::shapes::{Call, Signature, TypeKind, TypeShape};
use wright_text::{Language, reindent};

use super::scene::{Scene, SignaturePair, indent_of, line_around};
use super::{Reason, Site};

const CONFIDENCE: f32 = 0.85;

/// Predicts uses of the former shape.
pub(crate) fn reshaped(scene: &Scene<'_>) -> Vec<Site> {
    let mut sites = tuple_members(scene);
    for pair in scene.signature_pairs() {
        sites.extend(gathered_parameters(scene, &pair));
        sites.extend(widened_parameter(scene, &pair));
    }
    sites.extend(moved_members(scene));
    sites.extend(widened_values(scene));
    sites
}

/// A tuple became a record of as many fields: `.0` becomes the first field.
fn tuple_members(scene: &Scene<'_>) -> Vec<Site> {
    let types = scene.known_types();
    let mut sites = Vec::new();
    for change in &scene.changes {
        let (old, new) = (scene.tokens_of(&change.before), scene.tokens_of(&change.after));
        let Some(holder) = old.iter().find(|it| it.kind == TokenKind::Word && has_colon_after(&old, it)) else {
            continue;
        };
        let Some(n_parts) = tuple_length(&old) else { continue };
        let is_named = |(text, shape): &&(String, TypeShape)| {
            let name = &text[shape.name.clone()];
            shape.kind == TypeKind::Record
                && shape.members.len() == n_parts
                && new.iter().any(|it| it.text == name)
                && !old.iter().any(|it| it.text == name)
        };
        let Some((text, shape)) = types.iter().find(is_named) else { continue };
        if !new.iter().any(|it| it.text == holder.text) {
            continue;
        }
        for (index, range) in numbered_members(&scene.tokens(), holder.text) {
            if let Some(member) = shape.members.get(index) {
                sites.push(scene.site(range, &text[member.name.clone()], Reason::TypeReshaped, CONFIDENCE));
            }
        }
    }
    sites
}

fn has_colon_after(tokens: &[Token<'_>], token: &Token<'_>) -> bool {
    let next = tokens.iter().find(|it| it.range.start >= token.range.end);
    next.is_some_and(|it| it.text == ":")
}

/// Returns how many parts the first tuple type of a line has.
fn tuple_length(tokens: &[Token<'_>]) -> Option<usize> {
    let opens = tokens.iter().position(|it| it.text == "(")?;
    let (mut depth, mut n_parts) = (0_usize, 1);
    for token in &tokens[opens..] {
        match token.text {
            "(" | "[" | "<" | "{" => depth += 1,
            ")" | "]" | ">" | "}" => depth = depth.saturating_sub(1),
            "," if depth == 1 => n_parts += 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    (n_parts >= 2).then_some(n_parts)
}

/// Finds `holder[…].0`, `holder.0` and the like: the index and the bytes of the number.
fn numbered_members(tokens: &[Token<'_>], holder: &str) -> Vec<(usize, Range<usize>)> {
    let mut found = Vec::new();
    for (start, _) in tokens.iter().enumerate().filter(|(_, it)| it.text == holder) {
        let mut at = start + 1;
        let mut depth = 0_usize;
        while let Some(token) = tokens.get(at) {
            match token.text {
                "(" | "[" => depth += 1,
                ")" | "]" if depth > 0 => depth -= 1,
                "." | "?" if depth == 0 => {}
                _ if depth > 0 => {}
                _ if token.kind == TokenKind::Number && tokens[at - 1].text == "." => {
                    found.extend(token.text.parse().ok().map(|index| (index, token.range.clone())));
                    break;
                }
                _ if token.kind == TokenKind::Word && tokens[at - 1].text == "." => {}
                _ => break,
            }
            at += 1;
        }
    }
    found
}

/// Several parameters became one record that has a field for each: calls make that record.
fn gathered_parameters(scene: &Scene<'_>, pair: &SignaturePair) -> Vec<Site> {
    let (old, [only]) = (&pair.old.parameters, pair.new.parameters.as_slice()) else { return Vec::new() };
    let Some(kind) = only.kind.as_ref().filter(|_| old.len() >= 2) else { return Vec::new() };
    let kind = scene.slice(kind).trim_start_matches(['*', '&']);
    let types = scene.tree.type_shapes();
    let Some(shape) = types.iter().find(|it| scene.slice(&it.name) == kind) else { return Vec::new() };
    let plain = |name: &str| subwords(name).concat().to_lowercase();
    let fields: Vec<&str> = shape.members.iter().map(|it| scene.slice(&it.name)).collect();
    let place = |name: &str| fields.iter().position(|it| plain(it) == plain(name));
    let Some(order) = old.iter().map(|it| place(scene.old_slice(&it.name))).collect::<Option<Vec<usize>>>() else {
        return Vec::new();
    };
    let is_old_call = |it: &Call| it.arguments.len() == old.len() && it.arguments.iter().all(|it| it.name.is_none());
    let calls = scene.calls_of(&pair.new).into_iter().filter(is_old_call);
    let site = |call: Call| {
        let mut filled: Vec<(usize, &str, &str)> = order
            .iter()
            .zip(&call.arguments)
            .map(|(field, argument)| (*field, fields[*field], scene.slice(&argument.range)))
            .collect();
        filled.sort_by_key(|it| it.0);
        let pairs: Vec<(&str, &str)> = filled.iter().map(|it| (it.1, it.2)).collect();
        let inside = call.list.start + 1..call.list.end - 1;
        let indent = indent_of(scene.slice(&line_around(scene.text(), call.range.start)));
        let text = record_text(scene.language, kind, &pairs, indent)?;
        Some(scene.site(inside, text, Reason::TypeReshaped, CONFIDENCE))
    };
    calls.filter_map(site).collect()
}

/// Writes a record literal the way the language's formatter does.
fn record_text(language: Language, kind: &str, fields: &[(&str, &str)], indent: &str) -> Option<String> {
    let unit = if indent.contains('\t') || language == Language::Go { "\t" } else { "    " };
    let widest = fields.iter().map(|it| it.0.len()).max().unwrap_or(0);
    let lines = |entry: &dyn Fn(&(&str, &str)) -> String| -> String {
        fields.iter().map(|it| format!("{indent}{unit}{},\n", entry(it))).collect()
    };
    let line = |entry: &dyn Fn(&(&str, &str)) -> String| fields.iter().map(entry).collect::<Vec<_>>().join(", ");
    let text = match language {
        Language::Go => {
            let entry = |(name, value): &(&str, &str)| {
                let gap = " ".repeat(widest - name.len() + 1);
                format!("{name}:{gap}{}", spaced_product(value))
            };
            format!("{kind}{{\n{}{indent}}}", lines(&entry))
        }
        Language::Rust => {
            let entry = |(name, value): &(&str, &str)| {
                if name == value { (*name).to_owned() } else { format!("{name}: {value}") }
            };
            if fields.len() > 2 {
                format!("{kind} {{\n{}{indent}}}", lines(&entry))
            } else {
                format!("{kind} {{ {} }}", line(&entry))
            }
        }
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            let entry = |(name, value): &(&str, &str)| {
                if name == value { (*name).to_owned() } else { format!("{name}: {value}") }
            };
            format!("{{ {} }}", line(&entry))
        }
        Language::Python => {
            let entry = |(name, value): &(&str, &str)| format!("{name}={value}");
            format!("{kind}({})", line(&entry))
        }
        Language::Java | Language::Cpp => return None,
    };
    Some(text)
}

/// Go's formatter writes a product without spaces among arguments and with spaces after a colon.
fn spaced_product(value: &str) -> String {
    match value.split_once('*') {
        Some((a, b)) if !a.is_empty() && !a.ends_with(' ') && !b.contains('*') => format!("{a} * {b}"),
        _ => value.to_owned(),
    }
}

/// One value became a list of them under a new name: the statements that still use the value go into a loop.
fn widened_parameter(scene: &Scene<'_>, pair: &SignaturePair) -> Vec<Site> {
    if pair.old.parameters.len() != pair.new.parameters.len() {
        return Vec::new();
    }
    let mut sites = Vec::new();
    for (old, new) in pair.old.parameters.iter().zip(&pair.new.parameters) {
        let (name, list) = (scene.old_slice(&old.name), scene.slice(&new.name));
        let (Some(one), Some(many)) = (&old.kind, &new.kind) else { continue };
        let is_wider = is_list_of(scene.slice(many), scene.old_slice(one));
        if is_wider && name != list {
            sites.extend(looped(scene, &pair.new, name, list));
        }
    }
    sites
}

/// Returns whether a type is a list of another, in any of the ways languages write that.
pub(crate) fn is_list_of(many: &str, one: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<String>();
    let (many, one) = (plain(many), plain(one));
    let bare = one.trim_start_matches('&');
    [
        format!("[]{one}"),
        format!("list[{one}]"),
        format!("List[{one}]"),
        format!("Sequence[{one}]"),
        format!("Iterable[{one}]"),
        format!("{one}[]"),
        format!("readonly{one}[]"),
        format!("Array<{one}>"),
        format!("List<{one}>"),
        format!("Collection<{one}>"),
        format!("Vec<{one}>"),
        format!("&[{bare}]"),
        format!("&[{one}]"),
    ]
    .contains(&many)
}

fn looped(scene: &Scene<'_>, signature: &Signature, name: &str, list: &str) -> Option<Site> {
    let statements = scene.tree.statements_of(&signature.body);
    let uses = |it: &Range<usize>| scene.tokens_of(scene.slice(it)).iter().any(|it| it.text == name);
    let is_return = |it: &Range<usize>| scene.slice(it).starts_with("return");
    let first = statements.iter().position(uses)?;
    let is_last_return = statements.last().is_some_and(is_return);
    let end = statements.len() - usize::from(is_last_return);
    let is_bound = scene
        .tree
        .names()
        .iter()
        .any(|it| it.text == name && it.binding.is_some() && signature.definition.contains(&it.range.start));
    if is_bound || first >= end || is_last_return && statements.last().is_some_and(uses) {
        return None;
    }
    let (start, end) = (statements[first].start, statements[end - 1].end);
    let line = line_around(scene.text(), start);
    let indent = &scene.text()[line.start..start];
    if !indent.trim().is_empty() {
        return None;
    }
    let unit = match scene.language {
        Language::Go => "\t",
        Language::JavaScript | Language::TypeScript | Language::Tsx if indent.len() == 2 => "  ",
        _ if indent.contains('\t') => "\t",
        _ => "    ",
    };
    let body = reindent(&scene.text()[line.start..end], indent, &format!("{indent}{unit}"));
    let text = match scene.language {
        Language::Go => format!("for _, {name} := range {list} {{\n{body}\n{indent}}}"),
        Language::Python => format!("for {name} in {list}:\n{body}"),
        Language::Rust => format!("for {name} in {list} {{\n{body}\n{indent}}}"),
        Language::Java => format!("for (var {name} : {list}) {{\n{body}\n{indent}}}"),
        Language::Cpp => format!("for (const auto &{name} : {list}) {{\n{body}\n{indent}}}"),
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            format!("for (const {name} of {list}) {{\n{body}\n{indent}}}")
        }
    };
    Some(scene.site(start..end, text, Reason::TypeReshaped, CONFIDENCE))
}

/// Members that a type no longer has, and that one of its parts has, are reached through that part.
fn moved_members(scene: &Scene<'_>) -> Vec<Site> {
    let (now, then) = (scene.tree.type_shapes(), scene.before.type_shapes());
    let mut sites = Vec::new();
    for shape in &now {
        let name = scene.slice(&shape.name);
        let Some(old) = then.iter().find(|it| scene.old_slice(&it.name) == name) else { continue };
        let own = names_of(scene.text(), shape);
        let mut lost: Vec<String> =
            names_of(scene.before.text(), old).into_iter().filter(|it| !own.contains(it)).collect();
        let dropped = old.bases.iter().filter(|it| !shape.bases.contains(it));
        for base in dropped.filter_map(|it| now.iter().find(|other| scene.slice(&other.name) == it)) {
            lost.extend(
                names_of(scene.text(), base).into_iter().filter(|it| !own.contains(it) && !it.starts_with("__")),
            );
        }
        if lost.is_empty() {
            continue;
        }
        for part in now.iter().filter(|it| it.name != shape.name) {
            let has = names_of(scene.text(), part);
            let moved: Vec<&str> = lost.iter().filter(|it| has.contains(it)).map(String::as_str).collect();
            let Some(holder) = holder_of(scene, shape, scene.slice(&part.name)).filter(|_| !moved.is_empty()) else {
                continue;
            };
            sites.extend(through(scene, shape, &holder, &moved));
        }
    }
    sites
}

/// Returns the names of a type's fields and methods; Python's fields are what its methods assign to `self`.
fn names_of(text: &str, shape: &TypeShape) -> Vec<String> {
    let mut names: Vec<String> = shape.members.iter().map(|it| text[it.name.clone()].to_owned()).collect();
    names.extend(shape.methods.iter().cloned());
    for line in text[shape.definition.clone()].lines() {
        let target = line.trim().strip_prefix("self.").and_then(|it| it.split_once('='));
        if let Some((name, _)) = target {
            names.push(name.split(':').next().unwrap_or(name).trim().to_owned());
        }
    }
    names
}

/// Returns the field of a type whose type is `part`.
fn holder_of(scene: &Scene<'_>, shape: &TypeShape, part: &str) -> Option<String> {
    let is_part = |kind: &str| kind.trim_start_matches(['*', '&']) == part;
    let by_type = shape.members.iter().find(|it| it.kind.as_ref().is_some_and(|it| is_part(scene.slice(it))));
    if let Some(member) = by_type {
        return Some(scene.slice(&member.name).to_owned());
    }
    let line = |line: &str| {
        let (name, value) =
            line.trim().strip_prefix("self.").or_else(|| line.trim().strip_prefix("this."))?.split_once('=')?;
        let value = value.trim().trim_start_matches("new ").strip_prefix(part)?;
        value.starts_with('(').then(|| name.split(':').next().unwrap_or(name).trim().to_owned())
    };
    scene.slice(&shape.definition).lines().find_map(line)
}

/// Finds `self.name` of a type's own methods.
fn through(scene: &Scene<'_>, shape: &TypeShape, holder: &str, moved: &[&str]) -> Vec<Site> {
    let owner = scene.slice(&shape.name);
    let methods = scene.tree.signatures().into_iter().filter(|it| it.owner.as_deref() == Some(owner));
    let bodies: Vec<(Range<usize>, String)> = methods.map(|it| (it.body.clone(), receiver_of(scene, &it))).collect();
    let names = scene.tree.names();
    let mut sites = Vec::new();
    for name in names.iter().filter(|it| it.is_member && moved.contains(&it.text)) {
        let Some((_, receiver)) = bodies.iter().find(|(body, _)| body.contains(&name.range.start)) else { continue };
        let head = scene.text()[..name.range.start].strip_suffix('.');
        let is_word = |it: char| it.is_alphanumeric() || it == '_' || it == '.';
        let is_own = head.and_then(|it| it.strip_suffix(receiver.as_str())).is_some_and(|it| !it.ends_with(is_word));
        if is_own {
            let at = name.range.start;
            sites.push(scene.site(at..at, format!("{holder}."), Reason::TypeReshaped, CONFIDENCE));
        }
    }
    sites
}

fn receiver_of(scene: &Scene<'_>, signature: &Signature) -> String {
    match scene.language {
        Language::Python | Language::Rust => "self".to_owned(),
        Language::Go => {
            let head = &scene.text()[signature.definition.start..signature.name.start];
            let inside = head.split_once('(').map_or("", |it| it.1);
            inside.split_whitespace().next().unwrap_or("").to_owned()
        }
        Language::Java | Language::Cpp | Language::JavaScript | Language::TypeScript | Language::Tsx => {
            "this".to_owned()
        }
    }
}

/// The values of a map became lists: what was stored under a key is added to the list there.
fn widened_values(scene: &Scene<'_>) -> Vec<Site> {
    let mut sites = Vec::new();
    for change in &scene.changes {
        let Some(name) = widened_map(scene, &change.before, &change.after) else { continue };
        let mut at = 0;
        for line in scene.text().split_inclusive('\n') {
            let start = at + indent_of(line).len();
            at += line.len();
            let code = line.trim();
            let range = start..start + code.len();
            if let Some(text) = appended(scene.language, code, &name).filter(|_| !scene.is_changed(&range)) {
                sites.push(scene.site(range, text, Reason::TypeReshaped, CONFIDENCE));
            }
        }
    }
    sites.dedup_by(|a, b| a.range == b.range);
    sites
}

/// Returns the name of a map whose values became lists.
fn widened_map(scene: &Scene<'_>, before: &str, after: &str) -> Option<String> {
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (before, after) = (squeezed(before), squeezed(after));
    let (head, tail) = match scene.language {
        Language::Go => ("map[", ""),
        Language::Python => ("dict[", "]"),
        Language::TypeScript | Language::Tsx => ("Record<", ">"),
        Language::Rust | Language::Java | Language::Cpp | Language::JavaScript => return None,
    };
    let (declared, kind) = before.split_once(head)?;
    let (_, new_kind) = after.split_once(head)?;
    let (key, value) = kind.split_once([']', ','])?;
    let (new_key, new_value) = new_kind.split_once([']', ','])?;
    let value =
        value.trim().split_once(tail).map_or(value.trim(), |it| if tail.is_empty() { value.trim() } else { it.0 });
    let is_list = match scene.language {
        Language::Go => new_value.trim() == format!("[]{value}"),
        Language::Python => new_value.trim().starts_with(&format!("list[{value}]")),
        _ => new_value.trim().starts_with(&format!("{value}[]")),
    };
    let mut words = declared.split(|it: char| !it.is_alphanumeric() && it != '_').filter(|it| !it.is_empty());
    let name = words.next_back().filter(|it| !matches!(*it, "make" | "var" | "return"))?;
    (key == new_key && is_list).then(|| name.to_owned())
}

fn appended(language: Language, code: &str, name: &str) -> Option<String> {
    let statement = code.trim_end_matches(';');
    let (target, value) = statement.split_once(" = ")?;
    let (map, key) = target.strip_suffix(']')?.split_once('[')?;
    let is_named = map == name || map.ends_with(&format!(".{name}"));
    let is_plain = !map.contains(char::is_whitespace) && !value.contains(map) && !value.trim_start().starts_with('[');
    if !is_named || !is_plain {
        return None;
    }
    match language {
        Language::Go => Some(format!("{target} = append({target}, {value})")),
        Language::Python => Some(format!("{map}.setdefault({key}, []).append({value})")),
        Language::TypeScript | Language::Tsx => Some(format!("({target} ??= []).push({value});")),
        Language::Rust | Language::Java | Language::Cpp | Language::JavaScript => None,
    }
}
