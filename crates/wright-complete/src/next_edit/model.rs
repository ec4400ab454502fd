//! Asks the model where something is provably unfinished, and believes it only when its answer mends that.
//!
//! A small model asked at every pause shows something at every pause. So the places are chosen by the syntax: a line that
//! does not parse, a name that is half typed, a parameter or an import that nothing uses yet, a label without its value,
//! a member that the new type does not have. Each place is a hole that is filled in the middle, and each has a test that
//! the answer must pass.

use std::ops::Range;

use wright_provider::{FimOrder, Priority, Prompt, Provider, ProviderError, Request, Sampling, collect};
use wright_text::generalize::{TokenKind, token_changes};
use wright_text::shapes::{Binding, is_keyword};
use wright_text::{Edit, Language, SyntaxTree, reindent};

use super::scene::{Change, Scene, indent_of, line_around};
use super::{NextEditOptions, Prediction, Reason};

/// What an answer must do to be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Proof {
    /// The text parses better with it.
    Parses,
    /// It uses this name.
    Uses(String),
    /// It does not use this member any more.
    Avoids(String),
    /// It completes the word before it.
    CompletesWord,
    /// It is a value to follow a label.
    IsValue,
}

/// A place that the model is asked to fill.
#[derive(Clone, Debug)]
struct Hole {
    range: Range<usize>,
    proof: Proof,
    /// What the hole must start with: text that is put in front of the answer.
    lead: String,
    /// How likely the answer must be, per token, below what is asked of others.
    allowance: f32,
}

impl Hole {
    fn new(range: Range<usize>, proof: Proof, lead: impl Into<String>) -> Hole {
        Hole { range, proof, lead: lead.into(), allowance: 0.0 }
    }
}

/// Returns what the model would write into the first hole whose answer passes its test.
pub(crate) async fn finish(
    provider: &dyn Provider,
    scene: &Scene<'_>,
    options: NextEditOptions,
) -> Result<Option<Prediction>, ProviderError> {
    for hole in holes(scene).into_iter().take(options.max_holes) {
        let request = request(scene, &hole, options);
        let (completions, _) = collect(provider.complete(request).await?).await?;
        let Some(completion) = completions.into_iter().next() else { continue };
        let is_likely = completion.mean_logprob >= options.min_logprob - hole.allowance;
        if let Some(edit) = accepted(scene, &hole, &completion.text).filter(|_| is_likely) {
            let confidence = completion.mean_logprob.exp().clamp(0.0, 1.0);
            let place = hole.range.start;
            let path = scene.doc.path.clone();
            return Ok(Some(Prediction { path, edit, place, reason: Reason::Unfinished, confidence }));
        }
    }
    Ok(None)
}

fn request(scene: &Scene<'_>, hole: &Hole, options: NextEditOptions) -> Request {
    let text = scene.text();
    let start = text.ceil_char_boundary(hole.range.start.saturating_sub(options.max_context));
    let start = text[start..hole.range.start].find('\n').filter(|_| start > 0).map_or(start, |it| start + it + 1);
    let end = text.floor_char_boundary((hole.range.end + options.max_context).min(text.len()));
    let prompt = Prompt::FillInTheMiddle {
        prefix: format!("{}{}", &text[start..hole.range.start], hole.lead),
        suffix: text[hole.range.end..end].to_owned(),
        order: FimOrder::PrefixFirst,
    };
    let sampling = Sampling { stop: vec!["\n".to_owned()], ..Sampling::greedy(options.max_tokens) };
    Request::new(prompt, sampling, Priority::Keystroke)
}

/// Cuts an answer to what belongs into the hole and tests it.
fn accepted(scene: &Scene<'_>, hole: &Hole, answer: &str) -> Option<Edit> {
    let line = answer.lines().next().unwrap_or_default();
    let rest = scene.text()[hole.range.end..].lines().next().unwrap_or_default();
    let mut text = without_rest(line, rest).trim_end().to_owned();
    if hole.proof == Proof::CompletesWord {
        text = text.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
    }
    let answered = text.clone();
    text.insert_str(0, &hole.lead);
    let old = scene.slice(&hole.range);
    if answered.trim().is_empty() || text.trim() == old.trim() {
        return None;
    }
    let edit = around_block(scene, hole, &text).unwrap_or_else(|| Edit::single(hole.range.clone(), text.as_str()));
    let after = edit.apply(scene.text()).ok()?;
    let n_errors = |text: &str| SyntaxTree::parse(scene.language, text).error_count();
    let n_before = scene.tree.error_count();
    let proves = match &hole.proof {
        Proof::Parses => n_errors(&after) < n_before,
        Proof::Uses(name) => holds_word(scene, &text, name),
        Proof::Avoids(member) => !holds_word(scene, &text, member),
        // Another word would be another name.
        Proof::CompletesWord => answered.starts_with(char::is_lowercase),
        Proof::IsValue => answered.starts_with(|it: char| it.is_alphanumeric() || it == '_'),
    };
    (proves && n_errors(&after) <= n_before && knows_names(scene, hole, &answered)).then_some(edit)
}

/// Returns whether no name of an answer is one that is bound only in other functions.
fn knows_names(scene: &Scene<'_>, hole: &Hole, answer: &str) -> bool {
    let names = scene.tree.names();
    let words = scene.tokens_of(answer);
    let is_known = |word: &str| {
        let mut bound = names.iter().filter(|it| it.text == word && it.binding.is_some()).peekable();
        bound.peek().is_none() || bound.any(|it| it.scope.contains(&hole.range.start))
    };
    let is_value = |at: usize| at == 0 || !matches!(words[at - 1].text, "." | "?.");
    words.iter().enumerate().all(|(at, it)| it.kind != TokenKind::Word || !is_value(at) || is_known(it.text))
}

/// Where a line became one that opens a block, the lines after it go inside, up to the end of the block around them.
fn around_block(scene: &Scene<'_>, hole: &Hole, text: &str) -> Option<Edit> {
    let opens = text.trim_end().ends_with(if scene.language.has_indented_blocks() { ':' } else { '{' });
    let line = line_around(scene.text(), hole.range.start);
    let indent = indent_of(scene.slice(&line));
    if !opens || line.end != hole.range.end || scene.slice(&line).trim_end().ends_with(['{', ':']) {
        return None;
    }
    let following = scene.text().get(line.end + 1..)?;
    let is_inside = |it: &&str| it.trim().is_empty() || indent_of(it).len() >= indent.len() && !it.trim().is_empty();
    let length: usize = following.split_inclusive('\n').take_while(is_inside).map(str::len).sum();
    let body = following[..length].trim_end();
    if body.is_empty() {
        return None;
    }
    let unit = if indent.contains('\t') { "\t" } else { "    " };
    let moved = reindent(body, indent, &format!("{indent}{unit}"));
    let close = if scene.language.has_indented_blocks() { String::new() } else { format!("\n{indent}}}") };
    let end = line.end + 1 + body.len();
    Some(Edit::single(hole.range.start..end, format!("{}\n{moved}{close}", text.trim_end())))
}

/// Cuts the answer where it types again what follows the hole, or closes what is closed there.
fn without_rest<'a>(line: &'a str, rest: &str) -> &'a str {
    let rest = rest.trim();
    if rest.is_empty() {
        return line;
    }
    if let Some(head) = line.strip_suffix(rest) {
        return head;
    }
    let mut depth = 0_i32;
    for (at, character) in line.char_indices() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth < 0 && rest.starts_with(character) {
            return &line[..at];
        }
    }
    line.trim_end_matches(';')
}

fn holds_word(scene: &Scene<'_>, text: &str, word: &str) -> bool {
    scene.tokens_of(text).iter().any(|it| it.text == word || it.kind == TokenKind::Text && it.text.contains(word))
}

/// Returns the places that are provably unfinished, the most certain first.
fn holes(scene: &Scene<'_>) -> Vec<Hole> {
    let mut found = Vec::new();
    found.extend(half_word(scene));
    found.extend(broken_line(scene));
    found.extend(bare_label(scene));
    found.extend(former_members(scene));
    found.extend(unused_names(scene));
    found
}

/// A line that does not parse and that the person is at the end of, or a stub of one beside it.
fn broken_line(scene: &Scene<'_>) -> Option<Hole> {
    let here = line_around(scene.text(), scene.offset);
    let above = (here.start > 0).then(|| line_around(scene.text(), here.start - 1));
    let is_stub = |it: &Range<usize>| (1..=MAX_STUB_BYTES).contains(&scene.slice(it).trim().len());
    let lines = std::iter::once(here.clone()).chain(above.filter(is_stub));
    let errors = scene.tree.errors();
    for line in lines {
        let code = scene.slice(&line);
        let number = scene.doc.line_column(line.start).line;
        let end = line.start + code.trim_end().len();
        let is_at_end = line != here || scene.offset >= end;
        let is_broken = errors.iter().any(|it| it.line == number || it.line == number + 1);
        if code.trim().is_empty() || code.trim().len() > MAX_BROKEN_BYTES || !is_at_end || !is_broken {
            continue;
        }
        let start = line.start + indent_of(code).len();
        let marker = scene.language.line_comment();
        let is_comment = code.trim().len() < marker.len() && marker.starts_with(code.trim());
        return Some(if is_comment {
            // What a comment says is less certain than code, and the person has begun it.
            Hole { allowance: 0.6, ..Hole::new(start..line.end, Proof::Parses, format!("{marker} ")) }
        } else {
            Hole::new(end..line.end, Proof::Parses, "")
        });
    }
    None
}

/// The longest line that counts as begun and not as broken otherwise.
const MAX_BROKEN_BYTES: usize = 60;

/// The longest line that is a stub although the person is beside it.
const MAX_STUB_BYTES: usize = 3;

/// A name was replaced by another that the position is at and that nothing else mentions: it may go on.
fn half_word(scene: &Scene<'_>) -> Option<Hole> {
    let is_word = |it: char| it.is_alphanumeric() || it == '_';
    let (head, tail) = scene.text().split_at(scene.offset);
    let start = head.trim_end_matches(is_word).len();
    let end = scene.text().len() - tail.trim_start_matches(is_word).len();
    let word = &scene.text()[start..end];
    let n_mentions = scene.tokens().iter().filter(|it| it.text == word).count();
    let is_new = |change: &Change| {
        let (old, new) = (scene.tokens_of(&change.before), scene.tokens_of(&change.after));
        token_changes(&old, &new).iter().any(|it| {
            let replaced = old[it.before.clone()].iter().any(|it| it.kind == TokenKind::Word);
            replaced && new[it.after.clone()].iter().any(|it| it.text == word)
        })
    };
    let is_half = word.len() >= 2 && n_mentions == 1 && scene.changes.iter().any(is_new);
    is_half.then(|| Hole::new(end..end, Proof::CompletesWord, ""))
}

/// A new call ends with a label (`"total:"`) and has no value for it.
fn bare_label(scene: &Scene<'_>) -> Option<Hole> {
    let calls = scene.tree.calls().into_iter().filter(|it| scene.is_changed(&it.range) && it.arguments.len() == 1);
    let mut labels = calls.filter(|it| {
        let text = scene.slice(&it.arguments[0].range).trim_end_matches(['"', '\'', '`']).trim_end();
        text.len() > 2 && text.ends_with([':', '=']) && it.range.len() < 120
    });
    let call = labels.next()?;
    let at = call.arguments[0].range.end;
    Some(Hole::new(at..at, Proof::IsValue, ", "))
}

/// Members that only one sort of type has.
const MEMBERS: [(Sort, &[&str]); 4] = [
    (
        Sort::Text,
        &[
            "lower",
            "upper",
            "strip",
            "startswith",
            "endswith",
            "toLowerCase",
            "toUpperCase",
            "trim",
            "charAt",
            "title",
            "capitalize",
            "to_lowercase",
            "to_uppercase",
            "as_str",
        ],
    ),
    (
        Sort::List,
        &[
            "append",
            "push",
            "extend",
            "forEach",
            "filter",
            "map",
            "find",
            "findIndex",
            "indexOf",
            "sort",
            "some",
            "every",
            "reduce",
            "splice",
            "push_back",
            "length",
        ],
    ),
    (Sort::Map, &["items", "setdefault", "entry", "contains_key", "has", "containsKey", "entrySet"]),
    (Sort::Optional, &["unwrap", "unwrap_or", "is_some", "is_none", "ok_or", "expect", "isPresent", "orElse"]),
];

/// What sort of values a type has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Text,
    List,
    Map,
    Optional,
}

fn sort_of(kind: &str) -> Option<Sort> {
    let kind = kind.trim().trim_start_matches(['&', '*']);
    let starts = |heads: &[&str]| heads.iter().any(|it| kind.starts_with(it));
    if starts(&["Option<", "Optional<", "Optional["]) {
        Some(Sort::Optional)
    } else if starts(&["dict[", "Dict[", "Record<", "Map<", "HashMap<", "BTreeMap<", "map["]) {
        Some(Sort::Map)
    } else if starts(&["list[", "List[", "Vec<", "[]", "Array<", "List<"]) || kind.ends_with("[]") {
        Some(Sort::List)
    } else if matches!(kind, "str" | "string" | "String") {
        Some(Sort::Text)
    } else {
        None
    }
}

/// A variable, a field or a function's result is of another sort now, and a line asks it for a member of the former one.
fn former_members(scene: &Scene<'_>) -> Vec<Hole> {
    let mut found: Vec<(Range<usize>, Hole)> = Vec::new();
    let names = scene.tree.names();
    for (name, old) in changed_sorts(scene) {
        let Some((_, members)) = MEMBERS.iter().find(|(sort, _)| *sort == old) else { continue };
        for used in names.iter().filter(|it| it.text == name && it.binding.is_none()) {
            let line = line_around(scene.text(), used.range.start);
            let rest = scene.tokens_of(&scene.text()[used.range.end..line.end]);
            let Some(member) = member_after(&rest).filter(|it| members.contains(it)) else { continue };
            if scene.is_changed(&line) || found.iter().any(|(it, _)| *it == line) {
                continue;
            }
            let code = scene.slice(&line);
            let start = line.start + indent_of(code).len();
            // A line that returns goes on returning.
            let lead = if code[indent_of(code).len()..].starts_with("return ") { "return " } else { "" };
            let hole = Hole::new(start..line.end, Proof::Avoids(member.to_owned()), lead);
            found.push((line, hole));
        }
    }
    found.sort_by_key(|(line, _)| (line.end < scene.offset, line.start.abs_diff(scene.offset)));
    found.into_iter().map(|(_, hole)| hole).collect()
}

/// Returns the first member that is taken of a value, past calls and indexes.
fn member_after<'t>(tokens: &[wright_text::generalize::Token<'t>]) -> Option<&'t str> {
    let mut depth = 0_usize;
    for (idx, token) in tokens.iter().enumerate() {
        match token.text {
            "(" => depth += 1,
            ")" if depth > 0 => depth -= 1,
            "." | "?." if depth == 0 => {
                return tokens.get(idx + 1).filter(|it| it.kind == TokenKind::Word).map(|it| it.text);
            }
            _ if depth > 0 => {}
            _ => return None,
        }
    }
    None
}

/// Returns the names whose type changed its sort, with the former one.
fn changed_sorts(scene: &Scene<'_>) -> Vec<(String, Sort)> {
    let mut found = Vec::new();
    for change in &scene.changes {
        let (before, after) = (declared(&change.before), declared(&change.after));
        if let (Some((name, old)), Some((same, new))) = (before, after)
            && name == same
            && let Some(sort) = sort_of(old)
            && sort_of(new).is_some_and(|it| it != sort)
        {
            found.push((name.to_owned(), sort));
        }
    }
    for pair in scene.signature_pairs() {
        let (Some(old), Some(new)) = (&pair.old.returns, &pair.new.returns) else { continue };
        let plain = |text: &str| text.trim_start_matches([':', '-', '>', ' ']).to_owned();
        let (old, new) = (sort_of(&plain(scene.old_slice(old))), sort_of(&plain(scene.slice(new))));
        if let Some(sort) = old.filter(|it| new.is_some_and(|new| new != *it)) {
            found.push((scene.slice(&pair.new.name).to_owned(), sort));
        }
    }
    found
}

/// Reads `name: type`, with what may stand before and after it.
fn declared(line: &str) -> Option<(&str, &str)> {
    let (head, tail) = line.trim().split_once(':')?;
    let name = head.trim_end_matches('?').rsplit([' ', '.', '\t']).next()?;
    let kind = tail.split(" = ").next()?.trim().trim_end_matches([',', ';']);
    (!name.is_empty() && !kind.is_empty()).then_some((name, kind))
}

/// The function at the position has a parameter, or the file an import, that nothing uses: what is returned may want it.
fn unused_names(scene: &Scene<'_>) -> Vec<Hole> {
    let signatures = scene.tree.signatures();
    let holds = |it: &&wright_text::shapes::Signature| it.definition.contains(&scene.offset);
    let Some(around) = signatures.iter().filter(holds).min_by_key(|it| it.definition.len()) else { return Vec::new() };
    let names = scene.tree.names();
    let is_unused = |name: &str, scope: &Range<usize>| {
        names.iter().filter(|it| it.text == name && scope.contains(&it.range.start)).count() == 1
    };
    let mut unused: Vec<String> = Vec::new();
    let whole = 0..scene.text().len();
    unused.extend(
        go_imports(scene).into_iter().filter(|it| !names.iter().any(|name| name.text == *it && name.binding.is_none())),
    );
    let imports = names.iter().filter(|it| it.binding == Some(Binding::Import) && is_unused(it.text, &whole));
    unused.extend(imports.map(|it| it.text.to_owned()).filter(|_| scene.language != Language::Go));
    let parameters = around.parameters.iter().map(|it| scene.slice(&it.name));
    let parameters = parameters.filter(|it| !it.starts_with('_') && is_unused(it, &around.definition));
    unused.extend(parameters.map(str::to_owned).filter(|it| !is_keyword(scene.language, it)));
    let Some(returned) = returned_near(scene, &around.body) else { return Vec::new() };
    // Go wraps an error with the package that nothing uses yet.
    let lead = |name: &str| if name == "fmt" && scene.slice(&returned) == "err" { "fmt.Errorf(" } else { "" };
    let hole = |name: String| {
        let lead = lead(&name).to_owned();
        Hole::new(returned.clone(), Proof::Uses(name), lead)
    };
    unused.into_iter().take(2).map(hole).collect()
}

/// Returns the packages that a Go file imports, by their last part.
fn go_imports(scene: &Scene<'_>) -> Vec<String> {
    if scene.language != Language::Go {
        return Vec::new();
    }
    let imports = scene.tree.imports().join("\n");
    let paths =
        scene.tokens_of(&imports).into_iter().filter(|it| it.kind == TokenKind::Text).map(|it| it.text.to_owned());
    paths.map(|it| it.rsplit('/').next().unwrap_or_default().to_owned()).collect()
}

/// Returns the value that is returned on the line of the position or on the first one after it.
fn returned_near(scene: &Scene<'_>, body: &Range<usize>) -> Option<Range<usize>> {
    let mut at = body.start;
    let start = line_around(scene.text(), scene.offset).start;
    for line in scene.slice(body).split_inclusive('\n') {
        let place = at + indent_of(line).len();
        at += line.len();
        let code = line.trim();
        let Some(value) = code.strip_prefix("return ").map(|it| it.trim_end_matches(';')) else { continue };
        if place >= start && !value.is_empty() && !value.contains(['(', '{', '[']) {
            let start = place + "return ".len();
            return Some(start..start + value.len());
        }
    }
    None
}
