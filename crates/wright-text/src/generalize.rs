//! Turns one edit into a rewrite that fits other places: the tokens of a text, what changed between two texts in tokens,
//! and a [`Rewrite`] that is found again elsewhere.
//!
//! A rewrite knows its fixed parts (what was replaced) and its holes (what was kept). Holes match any balanced code. It
//! knows nothing about names and scopes; for these see [`crate::shapes`].

use std::collections::HashMap;
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A name or a keyword.
    Word,
    /// A number.
    Number,
    /// The quote that starts or ends a string, with its prefix.
    Quote,
    /// What is inside a string.
    Text,
    /// A comment.
    Comment,
    /// Punctuation.
    Symbol,
}

/// One token of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token<'t> {
    /// What it is.
    pub kind: TokenKind,
    /// The bytes it takes.
    pub range: Range<usize>,
    /// Its text.
    pub text: &'t str,
}

/// Symbols of several characters that are one token each; longer ones first.
const SYMBOLS: [&str; 30] = [
    "===", "!==", "...", "<<=", ">>=", "**=", "//=", "=>", "->", "::", "==", "!=", "<=", ">=", "&&", "||", "??", "?.",
    ":=", "+=", "-=", "*=", "/=", "%=", "|=", "&=", "++", "--", "**", "..",
];

/// Splits a text into tokens without regard to where it starts; `line_comment` starts a comment to the end of the line.
///
/// A string is a quote, a text and a quote, so that a change of quotes and a change of text are two changes.
pub fn tokens<'t>(text: &'t str, line_comment: &str) -> Vec<Token<'t>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let Some(first) = rest.chars().next() else { break };
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        if rest.starts_with(line_comment) {
            let end = at + rest.find('\n').unwrap_or(rest.len());
            found.push(Token { kind: TokenKind::Comment, range: at..end, text: text[at..end].trim_end() });
            at = end;
            continue;
        }
        at = push_code_token(text, at, first, &mut found);
    }
    found
}

fn push_code_token<'t>(text: &'t str, at: usize, first: char, found: &mut Vec<Token<'t>>) -> usize {
    let rest = &text[at..];
    let mut push = |kind, range: Range<usize>| {
        if !range.is_empty() {
            found.push(Token { kind, range: range.clone(), text: &text[range] });
        }
    };
    if let Some(string) = string_at(rest) {
        let (open, close, end) = (at + string.open, at + string.close, at + string.end);
        push(TokenKind::Quote, at..open);
        push(TokenKind::Text, open..close);
        push(TokenKind::Quote, close..end);
        return end;
    }
    let is_word = |it: char| it.is_alphanumeric() || it == '_' || it == '$';
    if is_word(first) {
        let end = at + rest.find(|it| !is_word(it)).unwrap_or(rest.len());
        let kind = if first.is_ascii_digit() { TokenKind::Number } else { TokenKind::Word };
        push(kind, at..end);
        return end;
    }
    let length = SYMBOLS.iter().find(|it| rest.starts_with(**it)).map_or(first.len_utf8(), |it| it.len());
    push(TokenKind::Symbol, at..at + length);
    at + length
}

struct StringToken {
    open: usize,
    close: usize,
    end: usize,
}

/// Finds a string that starts a text; one that does not end on its line is none, except in triple quotes and backticks.
fn string_at(text: &str) -> Option<StringToken> {
    let n_prefix = text.bytes().take_while(|it| matches!(it, b'f' | b'r' | b'b' | b'u' | b'F' | b'R' | b'B')).count();
    let n_prefix = if n_prefix <= 2 && text[n_prefix..].starts_with(['"', '\'']) { n_prefix } else { 0 };
    let body = &text[n_prefix..];
    let quote = body.chars().next().filter(|it| matches!(it, '"' | '\'' | '`'))?;
    let triple: String = std::iter::repeat_n(quote, 3).collect();
    if body.starts_with(&triple) {
        let close = n_prefix + 3 + body[3..].find(&triple)?;
        return Some(StringToken { open: n_prefix + 3, close, end: close + 3 });
    }
    let mut is_escaped = false;
    for (at, character) in body.char_indices().skip(1) {
        match character {
            '\n' if quote != '`' => return None,
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if character == quote => {
                return Some(StringToken { open: n_prefix + 1, close: n_prefix + at, end: n_prefix + at + 1 });
            }
            _ => {}
        }
    }
    None
}

/// One group of neighboring lines that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineChange {
    /// The bytes of the whole lines before.
    pub before: Range<usize>,
    /// The bytes of the whole lines after.
    pub after: Range<usize>,
}

/// Finds the lines that differ between two texts. Neighboring lines that changed one for one are separate changes.
pub fn line_changes(before: &str, after: &str) -> Vec<LineChange> {
    let (old, new) = (lines_of(before), lines_of(after));
    let texts = |text: &str, lines: &[Range<usize>]| -> Vec<String> {
        lines.iter().map(|it| text[it.clone()].trim_end_matches(['\n', '\r']).to_owned()).collect()
    };
    let ops = capture_diff_slices(Algorithm::Patience, &texts(before, &old), &texts(after, &new));
    let mut changes = Vec::new();
    for op in ops {
        let (o, n) = (op.old_range(), op.new_range());
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        if o.len() == n.len() {
            changes.extend(o.zip(n).map(|(o, n)| LineChange { before: old[o].clone(), after: new[n].clone() }));
        } else {
            changes.push(LineChange { before: span(&old, o, before.len()), after: span(&new, n, after.len()) });
        }
    }
    changes
}

fn lines_of(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let line = |line: &str| {
        start += line.len();
        start - line.len()..start
    };
    text.split_inclusive('\n').map(line).collect()
}

fn span(lines: &[Range<usize>], range: Range<usize>, length: usize) -> Range<usize> {
    let start = lines.get(range.start).map_or(length, |it| it.start);
    let end = if range.is_empty() { start } else { lines[range.end - 1].end };
    start..end
}

/// One replacement of tokens: half-open ranges of token indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenChange {
    /// The tokens that went.
    pub before: Range<usize>,
    /// The tokens that came.
    pub after: Range<usize>,
}

/// Finds the tokens that differ.
pub fn token_changes(before: &[Token<'_>], after: &[Token<'_>]) -> Vec<TokenChange> {
    let texts = |tokens: &[Token<'_>]| -> Vec<String> { tokens.iter().map(|it| it.text.to_owned()).collect() };
    let ops = capture_diff_slices(Algorithm::Myers, &texts(before), &texts(after));
    let mut changes: Vec<TokenChange> = Vec::new();
    for op in ops.iter().filter(|it| !matches!(it, DiffOp::Equal { .. })) {
        let (before, after) = (op.old_range(), op.new_range());
        match changes.last_mut() {
            Some(last) if last.before.end == before.start && last.after.end == after.start => {
                last.before.end = before.end;
                last.after.end = after.end;
            }
            _ => changes.push(TokenChange { before, after }),
        }
    }
    changes
}

/// What a token of a pattern matches.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// This text.
    Fixed(String),
    /// Any balanced code of a token or more.
    Hole,
}

/// A change in tokens that can be made again where its pattern fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    pattern: Vec<Part>,
    /// What comes: text, or the hole of that number.
    template: Vec<Piece>,
    n_fixed_words: usize,
    starts_line: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Hole(usize),
}

/// A place where a rewrite fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fit {
    /// The bytes that go.
    pub range: Range<usize>,
    /// What comes.
    pub text: String,
}

impl Rewrite {
    /// Learns the rewrite that two pairs of lines have in common, or nothing when they share none that is specific enough.
    ///
    /// What was replaced must be the same in both; what was kept between may differ. A replacement that replaces nothing,
    /// an insertion, is tied to the tokens on both sides that the two pairs share.
    pub fn common(first: (&str, &str), second: (&str, &str), line_comment: &str) -> Vec<Rewrite> {
        let (a, b) = (Steps::new(first, line_comment), Steps::new(second, line_comment));
        if a.old.len().max(b.old.len()) > MAX_EXAMPLE_TOKENS {
            return Vec::new();
        }
        if let Some(whole) = a.whole(&b) {
            return vec![whole];
        }
        let mut found = Vec::new();
        for step in &a.changes {
            let alike = b.changes.iter().find(|it| a.replaces_alike(step, &b, it));
            let Some(rewrite) = alike.and_then(|other| a.single(step, &b, other)) else { continue };
            if !found.contains(&rewrite) {
                found.push(rewrite);
            }
        }
        found
    }

    /// Finds the places in a text where the rewrite fits, in source order, without overlap.
    pub fn fits(&self, text: &str, tokens: &[Token<'_>]) -> Vec<Fit> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            match self.fit_at(text, tokens, at) {
                Some((fit, end)) if !fit.range.is_empty() || !fit.text.is_empty() => {
                    found.push(fit);
                    at = end.max(at + 1);
                }
                _ => at += 1,
            }
        }
        found
    }

    fn fit_at(&self, text: &str, tokens: &[Token<'_>], start: usize) -> Option<(Fit, usize)> {
        let mut holes = Vec::new();
        let end = match_parts(&self.pattern, tokens, start, &mut holes)?;
        let range = tokens[start].range.start..tokens[end - 1].range.end;
        let mut result = String::new();
        for piece in &self.template {
            match piece {
                Piece::Text(piece) => result.push_str(piece),
                Piece::Hole(number) => {
                    let hole = holes.get(*number)?;
                    result.push_str(&text[tokens[hole.start].range.start..tokens[hole.end - 1].range.end]);
                }
            }
        }
        (result != text[range.clone()]).then_some((Fit { range, text: result }, end))
    }

    /// Returns whether the pattern holds a word, without which it fits nearly everywhere.
    pub fn is_specific(&self) -> bool {
        self.n_fixed_words > 0
    }

    /// Returns whether it was learned at the start of lines only.
    pub fn starts_line(&self) -> bool {
        self.starts_line
    }
}

/// Matches parts from a token on; holes are as short as they can be and never cross a line end or a bracket of their own.
fn match_parts(parts: &[Part], tokens: &[Token<'_>], start: usize, holes: &mut Vec<Range<usize>>) -> Option<usize> {
    let Some((first, rest)) = parts.split_first() else { return Some(start) };
    match first {
        Part::Fixed(text) => {
            let token = tokens.get(start)?;
            if token.text != text {
                return None;
            }
            match_parts(rest, tokens, start + 1, holes)
        }
        Part::Hole => {
            let mut depth = 0_usize;
            for end in start..tokens.len().min(start + MAX_HOLE_TOKENS) {
                match tokens[end].text {
                    "(" | "[" | "{" => depth += 1,
                    ")" | "]" | "}" => depth = depth.checked_sub(1)?,
                    ";" if depth == 0 => return None,
                    _ => {}
                }
                if depth > 0 {
                    continue;
                }
                let n_holes = holes.len();
                holes.push(start..end + 1);
                if let Some(end) = match_parts(rest, tokens, end + 1, holes) {
                    return Some(end);
                }
                holes.truncate(n_holes);
            }
            None
        }
    }
}

/// The longest code that a hole stands for.
const MAX_HOLE_TOKENS: usize = 60;

/// Longer lines teach nothing: matching takes a step of the stack for each token.
const MAX_EXAMPLE_TOKENS: usize = 300;

/// With more holes than these leave between them, matching would try too many ways.
const MAX_CHANGES: usize = 5;

/// How many tokens beside an insertion tie it to its place.
const MAX_CONTEXT_TOKENS: usize = 3;

/// A pair of lines in tokens, with what changed between them.
struct Steps<'t> {
    old_text: &'t str,
    new_text: &'t str,
    old: Vec<Token<'t>>,
    new: Vec<Token<'t>>,
    changes: Vec<TokenChange>,
}

impl<'t> Steps<'t> {
    fn new((old_text, new_text): (&'t str, &'t str), line_comment: &str) -> Steps<'t> {
        let (old, new) = (tokens(old_text, line_comment), tokens(new_text, line_comment));
        let changes = token_changes(&old, &new);
        Steps { old_text, new_text, old, new, changes }
    }

    fn old_words(&self, range: Range<usize>) -> Vec<&str> {
        self.old[range].iter().map(|it| it.text).collect()
    }

    fn new_words(&self, range: Range<usize>) -> Vec<&str> {
        self.new[range].iter().map(|it| it.text).collect()
    }

    fn replaces_alike(&self, change: &TokenChange, other: &Steps<'_>, theirs: &TokenChange) -> bool {
        self.old_words(change.before.clone()) == other.old_words(theirs.before.clone())
            && self.new_words(change.after.clone()) == other.new_words(theirs.after.clone())
    }

    /// Learns from all changes of a line at once, with what lies between them as holes.
    fn whole(&self, other: &Steps<'_>) -> Option<Rewrite> {
        let is_alike = self.changes.len() == other.changes.len()
            && self.changes.iter().zip(&other.changes).all(|(a, b)| self.replaces_alike(a, other, b));
        let n_changes = self.changes.len();
        if !is_alike || !(2..=MAX_CHANGES).contains(&n_changes) || self.changes.iter().any(|it| it.before.is_empty()) {
            return None;
        }
        let mut rewrite = Builder::default();
        for (idx, change) in self.changes.iter().enumerate() {
            if idx > 0 {
                let kept = self.changes[idx - 1].before.end..change.before.start;
                let theirs = other.changes[idx - 1].before.end..other.changes[idx].before.start;
                let gap = self.spacing_after(self.changes[idx - 1].after.end);
                rewrite.text(gap);
                if self.old_words(kept.clone()) == other.old_words(theirs) && is_punctuation(&self.old[kept.clone()]) {
                    rewrite.kept(&self.old[kept.clone()], self.old_text);
                } else {
                    rewrite.hole();
                }
                rewrite.text(self.spacing_before(change.after.start));
            }
            rewrite.replaced(&self.old[change.before.clone()]);
            rewrite.text(self.new_slice(change.after.clone()));
        }
        Some(rewrite.finish())
    }

    /// Learns from one change, tied to the tokens around it that both share.
    fn single(&self, change: &TokenChange, other: &Steps<'_>, theirs: &TokenChange) -> Option<Rewrite> {
        let n_left = self.shared_left(change, other, theirs);
        let n_right = self.shared_right(change, other, theirs);
        let is_insertion = change.before.is_empty();
        let starts_line = change.before.start == 0 && theirs.before.start == 0;
        if is_insertion && (n_right == 0 || n_left == 0 && !starts_line) {
            return None;
        }
        // A replaced word says enough by itself; anything else needs its neighbors.
        let has_word = self.old[change.before.clone()].iter().any(|it| it.kind == TokenKind::Word);
        let (n_left, n_right) = match (is_insertion, has_word) {
            (false, true) => (n_left.min(1), n_right.min(1)),
            _ => (n_left, n_right),
        };
        let mut rewrite = Builder::default();
        let left = change.before.start - n_left..change.before.start;
        rewrite.kept(&self.old[left], self.old_text);
        let new_left = change.after.start;
        let gap_left = if n_left > 0 { self.spacing_before(new_left) } else { "" };
        rewrite.text(gap_left);
        rewrite.replaced(&self.old[change.before.clone()]);
        rewrite.text(self.new_slice(change.after.clone()));
        let right = change.before.end..change.before.end + n_right;
        if n_right > 0 {
            rewrite.text(self.spacing_after(change.after.end));
        }
        rewrite.kept(&self.old[right], self.old_text);
        let rewrite = Rewrite { starts_line: is_insertion && n_left == 0, ..rewrite.finish() };
        rewrite.is_specific().then_some(rewrite)
    }

    fn shared_left(&self, change: &TokenChange, other: &Steps<'_>, theirs: &TokenChange) -> usize {
        let mine = self.old[..change.before.start].iter().rev();
        let their = other.old[..theirs.before.start].iter().rev();
        mine.zip(their).take(MAX_CONTEXT_TOKENS).take_while(|(a, b)| ties(a, b)).count()
    }

    fn shared_right(&self, change: &TokenChange, other: &Steps<'_>, theirs: &TokenChange) -> usize {
        let mine = self.old[change.before.end..].iter();
        let their = other.old[theirs.before.end..].iter();
        mine.zip(their).take(MAX_CONTEXT_TOKENS).take_while(|(a, b)| ties(a, b)).count()
    }

    fn new_slice(&self, range: Range<usize>) -> &'t str {
        if range.is_empty() {
            return "";
        }
        &self.new_text[self.new[range.start].range.start..self.new[range.end - 1].range.end]
    }

    /// Returns the whitespace before a token of the new text.
    fn spacing_before(&self, index: usize) -> &'t str {
        let Some(token) = self.new.get(index) else { return "" };
        let previous = index.checked_sub(1).map_or(0, |it| self.new[it].range.end);
        if index == 0 { "" } else { &self.new_text[previous..token.range.start] }
    }

    fn spacing_after(&self, end: usize) -> &'t str {
        if end == 0 { "" } else { self.spacing_before(end) }
    }
}

/// Values differ from place to place, so only words and punctuation tie a change to its place.
fn ties(a: &Token<'_>, b: &Token<'_>) -> bool {
    a.text == b.text && matches!(a.kind, TokenKind::Word | TokenKind::Symbol)
}

fn is_punctuation(tokens: &[Token<'_>]) -> bool {
    tokens.iter().all(|it| it.kind == TokenKind::Symbol)
}

#[derive(Default)]
struct Builder {
    pattern: Vec<Part>,
    template: Vec<Piece>,
    n_holes: usize,
    n_fixed_words: usize,
}

impl Builder {
    fn replaced(&mut self, tokens: &[Token<'_>]) {
        self.pattern.extend(tokens.iter().map(|it| Part::Fixed(it.text.to_owned())));
        self.n_fixed_words += tokens.iter().filter(|it| it.kind == TokenKind::Word).count();
    }

    fn kept(&mut self, tokens: &[Token<'_>], text: &str) {
        self.replaced(tokens);
        if let (Some(first), Some(last)) = (tokens.first(), tokens.last()) {
            self.text(&text[first.range.start..last.range.end]);
        }
    }

    fn hole(&mut self) {
        self.pattern.push(Part::Hole);
        self.template.push(Piece::Hole(self.n_holes));
        self.n_holes += 1;
    }

    fn text(&mut self, text: &str) {
        match self.template.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.template.push(Piece::Text(text.to_owned())),
        }
    }

    fn finish(self) -> Rewrite {
        Rewrite {
            pattern: self.pattern,
            template: self.template,
            n_fixed_words: self.n_fixed_words,
            starts_line: false,
        }
    }
}

/// Makes on `target` the change that turned `before` into `after`, when `target` is `before` but for names, numbers and
/// texts. Returns nothing when it is not, or when what was replaced is not the same there.
pub fn by_analogy(before: &str, after: &str, target: &str, line_comment: &str) -> Option<String> {
    let (old, new, there) = (tokens(before, line_comment), tokens(after, line_comment), tokens(target, line_comment));
    let is_parallel = old.len() == there.len() && old.iter().zip(&there).all(|(a, b)| is_alike(a, b));
    if !is_parallel || old.is_empty() {
        return None;
    }
    let mut renamed: HashMap<&str, &str> = HashMap::new();
    for (a, b) in old.iter().zip(&there).filter(|(a, b)| a.text != b.text) {
        if renamed.insert(a.text, b.text).is_some_and(|it| it != b.text) {
            return None;
        }
    }
    let changes = token_changes(&old, &new);
    let replaced_differs = |it: &TokenChange| it.before.clone().any(|at| old[at].text != there[at].text);
    if changes.is_empty() || changes.iter().any(replaced_differs) {
        return None;
    }
    let mut result = String::new();
    let mut done = 0;
    for change in &changes {
        // The whitespace on both sides of a change belongs to it.
        let start = change.before.start.checked_sub(1).map_or(0, |it| there[it].range.end);
        let end = there.get(change.before.end).map_or(target.len(), |it| it.range.start);
        let new_start = change.after.start.checked_sub(1).map_or(0, |it| new[it].range.end);
        let new_end = new.get(change.after.end).map_or(after.len(), |it| it.range.start);
        let start = start.max(done);
        result.push_str(&target[done..start]);
        result.push_str(&translated(&after[new_start..new_end], line_comment, &renamed));
        done = end;
    }
    result.push_str(&target[done..]);
    Some(result)
}

/// Returns whether two tokens may stand in the same place of parallel code: the same, or of a kind that may differ.
fn is_alike(a: &Token<'_>, b: &Token<'_>) -> bool {
    a.kind == b.kind && (a.text == b.text || matches!(a.kind, TokenKind::Word | TokenKind::Number | TokenKind::Text))
}

fn translated(text: &str, line_comment: &str, renamed: &HashMap<&str, &str>) -> String {
    let mut result = String::new();
    let mut done = 0;
    for token in tokens(text, line_comment) {
        let Some(to) = renamed.get(token.text) else { continue };
        result.push_str(&text[done..token.range.start]);
        result.push_str(to);
        done = token.range.end;
    }
    result.push_str(&text[done..]);
    result
}

/// Splits a name into its words: `maxRowCount`, `max_row_count` and `MAX_ROW_COUNT` have three.
pub fn subwords(name: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for part in name.split('_').filter(|it| !it.is_empty()) {
        let mut start = 0;
        let characters: Vec<(usize, char)> = part.char_indices().collect();
        for pair in characters.windows(2) {
            if pair[0].1.is_lowercase() && pair[1].1.is_uppercase() {
                words.push(&part[start..pair[1].0]);
                start = pair[1].0;
            }
        }
        words.push(&part[start..]);
    }
    words
}

/// Returns how many characters must be inserted, deleted, replaced or swapped to turn one word into the other.
pub fn typing_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                let swapped = if is_swap { rows[i - 2][j - 2] + 1 } else { usize::MAX };
                replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(swapped)
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(first: (&str, &str), second: (&str, &str), target: &str) -> Vec<String> {
        let rewrites = Rewrite::common(first, second, "//");
        let found = tokens(target, "//");
        let fits = rewrites.iter().flat_map(|it| it.fits(target, &found));
        fits.map(|fit| format!("{}{}{}", &target[..fit.range.start], fit.text, &target[fit.range.end..])).collect()
    }

    #[test]
    fn a_string_is_quote_text_and_quote() {
        let texts: Vec<_> = tokens("a = f'x y' # z", "#").into_iter().map(|it| it.text).collect();
        assert_eq!(texts, ["a", "=", "f'", "x y", "'", "# z"]);
    }

    #[test]
    fn what_two_changes_replaced_alike_is_replaced_again() {
        let made = rewritten(("print(a)", "log.info(a)"), ("print(b, 1)", "log.info(b, 1)"), "  print(c())");
        assert_eq!(made, ["  log.info(c())"]);
    }

    #[test]
    fn what_lies_between_two_replacements_may_differ() {
        let first = ("assertEqual(f(1), 2)", "assert f(1) == 2");
        let second = ("assertEqual(g(1, 2), 3)", "assert g(1, 2) == 3");
        assert_eq!(rewritten(first, second, "assertEqual(h(1, k(2)), 9)"), ["assert h(1, k(2)) == 9"]);
    }

    #[test]
    fn an_insertion_is_tied_to_both_neighbors() {
        let first = ("{ run(a)", "{ await run(a)");
        let second = ("{ run(b)", "{ await run(b)");
        assert_eq!(rewritten(first, second, "{ run(c, d)"), ["{ await run(c, d)"]);
        assert!(rewritten(first, second, "x = run(c)").is_empty());
    }

    #[test]
    fn parallel_code_is_changed_by_analogy() {
        assert_eq!(by_analogy("a: 1,", "a: [1],", "bc: 22,", "#").as_deref(), Some("bc: [22],"));
        assert_eq!(by_analogy("x.get(a)", "x[a]", "y.get(b)", "#").as_deref(), Some("y[b]"));
        assert_eq!(by_analogy("a = 1", "a = 2", "b = 7", "#"), None, "another value was replaced");
    }

    #[test]
    fn lines_that_changed_one_for_one_are_separate() {
        let changes = line_changes("a\nb\nc\n", "x\ny\nc\n");
        assert_eq!(changes.len(), 2);
        assert_eq!(changes[1], LineChange { before: 2..4, after: 2..4 });
        assert_eq!(line_changes("a\nc\n", "a\nb\nc\n"), [LineChange { before: 2..2, after: 2..4 }]);
    }

    #[test]
    fn names_have_words() {
        assert_eq!(subwords("groupByStatus"), ["group", "By", "Status"]);
        assert_eq!(subwords("MAX_ROW"), ["MAX", "ROW"]);
    }

    #[test]
    fn a_swap_is_one_slip() {
        assert_eq!(typing_distance("retrun", "return"), 1);
        assert_eq!(typing_distance("imfrom", "from"), 2);
    }
}
