//! The notation in which rules say which calls, assignments and names they mean.
//!
//! ```text
//! subprocess.{run,call}(0,args) if shell=true && 0:dynamic
//! ```
//!
//! First a path. `{a,b}` are alternatives; `**.` in front stands for any qualification or none, `*.` for any receiver;
//! `.*` at the end for any further members; `()` for a call's result. Then, for sinks, the arguments that must not
//! come from outside: positions or names, all without a list, `receiver` for what the method is called on. Then
//! conditions, all of which hold: `name` or `0` or `0|name` selects an argument (`any`, `value`, `receiver`, `call` too) and
//! `=`, `!=`, `<`, `~` (regular expression on a constant), `%` (on the source text), `@` (a path) or `:` (a
//! property) says what about it. `!` in front negates a condition.

use std::collections::HashMap;

use regex::Regex;
use serde::Deserialize;

use super::ir::Const;
use super::value::Value;

/// One line of a rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Selector {
    paths: Vec<PathPattern>,
    /// The arguments that matter; all when there are none.
    pub(crate) args: Vec<ArgName>,
    conditions: Vec<Condition>,
}

/// Selects arguments of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ArgName {
    Position(usize),
    /// Every position from this one on.
    From(usize),
    Name(String),
    Any,
    Receiver,
    /// The call as written.
    Call,
}

#[derive(Debug, Clone)]
struct Condition {
    args: Vec<ArgName>,
    test: Test,
    is_negated: bool,
}

#[derive(Debug, Clone)]
enum Test {
    Equals(Const),
    Differs(Const),
    Below(i64),
    Matches(Regex),
    Text(Regex),
    Path(Vec<PathPattern>),
    Missing,
    Present,
    Constant,
    Dynamic,
    Built,
    Literal,
    Tainted,
}

/// A path with wildcards at its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
enum PathPattern {
    Exact(String),
    /// Any receiver, then this.
    Member(String),
    /// This, with anything in front or nothing.
    Qualified(String),
    /// This and any members of it.
    Below(String),
    /// The same with anything in front.
    QualifiedBelow(String),
    Anything,
}

/// An argument as it is at a call.
#[derive(Debug)]
pub(crate) struct Argument<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) value: Value,
    pub(crate) text: &'a str,
    pub(crate) is_spread: bool,
}

/// What conditions are asked about.
#[derive(Debug)]
pub(crate) struct Site<'a> {
    pub(crate) receiver: Option<&'a Argument<'a>>,
    pub(crate) args: &'a [Argument<'a>],
    pub(crate) text: &'a str,
}

/// Selectors by the last word of their paths, so that a call is compared with the few that can match.
#[derive(Debug, Default)]
pub(crate) struct PathSet {
    selectors: Vec<(Selector, usize)>,
    by_last: HashMap<String, Vec<usize>>,
    others: Vec<usize>,
}

impl PathSet {
    pub(crate) fn new(selectors: impl Iterator<Item = (Selector, usize)>) -> Self {
        let mut set = Self { selectors: selectors.collect(), ..Self::default() };
        for (idx, (selector, _)) in set.selectors.iter().enumerate() {
            for path in &selector.paths {
                match path {
                    PathPattern::Exact(text) | PathPattern::Member(text) | PathPattern::Qualified(text) => {
                        set.by_last.entry(last_word(text).to_owned()).or_default().push(idx);
                    }
                    PathPattern::Below(_) | PathPattern::QualifiedBelow(_) | PathPattern::Anything => {
                        set.others.push(idx);
                    }
                }
            }
        }
        set
    }

    /// Returns the selectors whose path matches, each with its number.
    pub(crate) fn matching<'s>(&'s self, path: &'s str) -> impl Iterator<Item = (&'s Selector, usize)> {
        let named = self.by_last.get(last_word(path)).map(Vec::as_slice).unwrap_or_default();
        let candidates = named.iter().chain(&self.others).map(|idx| &self.selectors[*idx]);
        candidates
            .filter(move |(selector, _)| selector.paths.iter().any(|it| it.matches(path)))
            .map(|(it, number)| (it, *number))
    }

    pub(crate) fn contains(&self, path: &str) -> bool {
        self.matching(path).next().is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.selectors.is_empty()
    }
}

fn last_word(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

impl PathPattern {
    fn parse(text: &str) -> Self {
        if text == "*" {
            return PathPattern::Anything;
        }
        let (text, is_qualified) = text.strip_prefix("**.").map_or((text, false), |it| (it, true));
        let (text, is_below) = text.strip_suffix(".*").map_or((text, false), |it| (it, true));
        match (is_qualified, is_below) {
            (true, true) => PathPattern::QualifiedBelow(text.to_owned()),
            (true, false) => PathPattern::Qualified(text.to_owned()),
            (false, true) => PathPattern::Below(text.to_owned()),
            (false, false) => match text.strip_prefix("*.") {
                Some(member) => PathPattern::Member(member.to_owned()),
                None => PathPattern::Exact(text.to_owned()),
            },
        }
    }

    fn matches(&self, path: &str) -> bool {
        match self {
            PathPattern::Anything => true,
            PathPattern::Exact(text) => path == text,
            PathPattern::Member(text) => path.strip_suffix(text.as_str()).is_some_and(|it| it.ends_with('.')),
            PathPattern::Qualified(text) => {
                path.strip_suffix(text.as_str()).is_some_and(|it| it.is_empty() || it.ends_with(['.', '/']))
            }
            PathPattern::Below(text) => is_below(path, text),
            PathPattern::QualifiedBelow(text) => {
                is_below(path, text) || path.match_indices(['.', '/']).any(|(at, _)| is_below(&path[at + 1..], text))
            }
        }
    }
}

fn is_below(path: &str, text: &str) -> bool {
    path.strip_prefix(text).is_some_and(|it| it.starts_with('.'))
}

impl Selector {
    /// Returns whether all its conditions hold.
    pub(crate) fn holds(&self, site: &Site<'_>) -> bool {
        self.conditions.iter().all(|it| it.holds(site) != it.is_negated)
    }

    /// Returns the arguments it means.
    pub(crate) fn selected<'a>(&'a self, site: &Site<'a>) -> Vec<&'a Argument<'a>> {
        if self.args.is_empty() {
            return site.args.iter().collect();
        }
        self.args.iter().flat_map(|it| it.select(site)).collect()
    }
}

impl ArgName {
    fn parse(text: &str) -> Self {
        match text {
            "any" => ArgName::Any,
            "receiver" => ArgName::Receiver,
            "call" => ArgName::Call,
            // An assignment shows its value as the only argument.
            "value" => ArgName::Position(0),
            _ => match (text.strip_suffix('+').map(str::parse), text.parse()) {
                (Some(Ok(from)), _) => ArgName::From(from),
                (_, Ok(position)) => ArgName::Position(position),
                _ => ArgName::Name(text.to_owned()),
            },
        }
    }

    fn select<'a>(&self, site: &Site<'a>) -> Vec<&'a Argument<'a>> {
        let positional = || site.args.iter().filter(|it| it.name.is_none());
        match self {
            // What a spread puts where is not known: it may be any position.
            ArgName::Position(at) => match positional().nth(*at) {
                Some(found) => vec![found],
                None => positional().filter(|it| it.is_spread).collect(),
            },
            ArgName::From(at) => positional().skip(*at).collect(),
            ArgName::Name(name) => site.args.iter().filter(|it| it.name == Some(name)).collect(),
            ArgName::Any => site.args.iter().collect(),
            ArgName::Receiver => site.receiver.into_iter().collect(),
            ArgName::Call => Vec::new(),
        }
    }
}

impl Condition {
    fn holds(&self, site: &Site<'_>) -> bool {
        if self.args.contains(&ArgName::Call) {
            return matches!(&self.test, Test::Text(regex) if regex.is_match(site.text));
        }
        let mut found: Vec<&Value> = Vec::new();
        let mut texts = Vec::new();
        let options: Vec<Value> = self.options(site);
        for argument in self.args.iter().flat_map(|it| it.select(site)) {
            found.push(&argument.value);
            texts.push(argument.text);
        }
        found.extend(&options);
        let may_hide = site.args.iter().any(|it| it.is_spread);
        match &self.test {
            Test::Equals(constant) => found.iter().any(|it| it.constant.as_ref() == Some(constant)),
            Test::Differs(constant) => {
                (!found.is_empty() || !may_hide) && found.iter().all(|it| is_known_and(it, |it| it != constant))
            }
            Test::Below(limit) => {
                found.iter().any(|it| matches!(it.constant, Some(Const::Int(value)) if value < *limit))
            }
            Test::Matches(regex) => found.iter().any(|it| constants(it).any(|it| regex.is_match(it))),
            Test::Text(regex) => texts.iter().any(|it| regex.is_match(it)),
            Test::Path(paths) => found.iter().any(|it| is_at(it, paths)),
            Test::Missing => found.is_empty() && !may_hide,
            Test::Present => !found.is_empty(),
            Test::Constant => !found.is_empty() && found.iter().all(|it| is_fixed(it)),
            Test::Dynamic => found.iter().any(|it| !is_fixed(it)),
            Test::Built => found.iter().any(|it| it.is_built && it.constant.is_none()),
            Test::Literal => found.iter().any(|it| it.as_str().is_some_and(|it| !it.is_empty())),
            Test::Tainted => found.iter().any(|it| !it.whole_taint().is_empty()),
        }
    }

    /// Returns named options inside a mapping that is an argument, as JavaScript passes them.
    fn options(&self, site: &Site<'_>) -> Vec<Value> {
        let mut values = Vec::new();
        for name in &self.args {
            let ArgName::Name(name) = name else { continue };
            let key = Const::Str(name.as_str().into());
            let mappings = site.args.iter().filter_map(|it| it.value.items.as_ref());
            values.extend(mappings.filter_map(|it| it.entries.get(&key).cloned()));
        }
        values
    }
}

/// Whether the value is known to be another constant, or is no constant at all but a name of something else.
fn is_known_and(value: &Value, test: impl Fn(&Const) -> bool) -> bool {
    match &value.constant {
        Some(constant) => test(constant),
        None => false,
    }
}

fn is_fixed(value: &Value) -> bool {
    let is_fixed_list = || {
        let items = value.items.as_ref()?;
        Some(items.rest.is_none() && items.entries.values().all(|it| it.constant.is_some()))
    };
    value.is_one_of_constants() || (value.taint.is_empty() && is_fixed_list().unwrap_or(false))
}

fn constants(value: &Value) -> impl Iterator<Item = &str> {
    let items = value.items.iter().flat_map(|it| it.entries.values());
    value.as_str().into_iter().chain(value.prefix.as_deref()).chain(items.filter_map(Value::as_str))
}

fn is_at(value: &Value, paths: &[PathPattern]) -> bool {
    let is_one = |it: &Value| it.path.as_deref().is_some_and(|path| paths.iter().any(|it| it.matches(path)));
    is_one(value) || value.items.as_ref().is_some_and(|items| items.entries.values().any(is_one))
}

impl TryFrom<String> for Selector {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (head, conditions) = text.split_once(" if ").unwrap_or((&text, ""));
        let (path, args) = split_args(head.trim());
        let conditions = conditions
            .split(" && ")
            .filter(|it| !it.trim().is_empty())
            .map(|it| condition(it.trim()))
            .collect::<Result<_, _>>()?;
        let args = args.split(',').map(str::trim).filter(|it| !it.is_empty()).map(ArgName::parse).collect();
        Ok(Self { paths: alternatives(path).iter().map(|it| PathPattern::parse(it)).collect(), args, conditions })
    }
}

/// Splits `path(0,name)`; the `()` of a call in the path has nothing between its parentheses.
fn split_args(head: &str) -> (&str, &str) {
    let open = head.strip_suffix(')').and_then(|it| it.rfind('('));
    match open.map(|at| (&head[..at], &head[at + 1..head.len() - 1])) {
        Some((path, args)) if !args.is_empty() => (path, args),
        _ => (head, ""),
    }
}

/// Writes out `a.{b,c}`; there may be several groups.
fn alternatives(path: &str) -> Vec<String> {
    let Some((start, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
    let Some((group, end)) = rest.split_once('}') else { return vec![path.to_owned()] };
    group.split(',').flat_map(|it| alternatives(&format!("{start}{}{end}", it.trim()))).collect()
}

fn condition(text: &str) -> Result<Condition, String> {
    let (text, is_negated) = text.strip_prefix('!').map_or((text, false), |it| (it, true));
    let at = text.find(['=', '!', '<', '~', '%', '@', ':']).ok_or_else(|| format!("no test in condition `{text}`"))?;
    let args = text[..at].split('|').map(|it| ArgName::parse(it.trim())).collect();
    let (operator, operand) = text[at..].split_at(1);
    let regex = |operand: &str| Regex::new(operand).map_err(|error| error.to_string());
    let test = match operator {
        "=" => Test::Equals(constant(operand)),
        "!" => Test::Differs(constant(operand.strip_prefix('=').ok_or("`!` without `=`")?)),
        "<" => Test::Below(operand.parse().map_err(|_| format!("`{operand}` is no number"))?),
        "~" => Test::Matches(regex(operand)?),
        "%" => Test::Text(regex(operand)?),
        "@" => Test::Path(alternatives(operand).iter().map(|it| PathPattern::parse(it)).collect()),
        _ => property(operand)?,
    };
    Ok(Condition { args, test, is_negated })
}

fn property(name: &str) -> Result<Test, String> {
    Ok(match name {
        "missing" => Test::Missing,
        "present" => Test::Present,
        "constant" => Test::Constant,
        "dynamic" => Test::Dynamic,
        "built" => Test::Built,
        "literal" => Test::Literal,
        "tainted" => Test::Tainted,
        other => return Err(format!("unknown property `{other}`")),
    })
}

fn constant(text: &str) -> Const {
    match text {
        "true" => Const::Bool(true),
        "false" => Const::Bool(false),
        "null" => Const::Null,
        _ => text.parse().map_or_else(|_| Const::Str(text.into()), Const::Int),
    }
}
