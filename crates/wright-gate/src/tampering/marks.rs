//! What decides from outside whether a test runs, counts, and on which cases; and what it replaces while it runs.

use regex::Regex;
use wright_text::{Language, Node};

use super::inventory::{Mark, MarkKind};
use super::tokens::{Link, Tokens};
use super::words;

macro_rules! regex {
    ($pattern:expr) => {{
        static PATTERN: std::sync::LazyLock<regex::Regex> =
            std::sync::LazyLock::new(|| regex::Regex::new($pattern).expect("the pattern is a constant"));
        &*PATTERN
    }};
}
pub(crate) use regex;

/// Reads decorators, attributes, annotations and options; `words` are their tokens with one space between.
pub(super) fn of_head(language: Language, text: &str, words: &str) -> Vec<Mark> {
    let mark =
        |kind| Mark { kind, text: text.trim().chars().take(120).collect(), is_conditional: is_conditional(words) };
    let matches = |pattern: &Regex| pattern.is_match(words);
    let mut found = Vec::new();
    let (skip, expected, only, retry) = match language {
        Language::Python => (
            matches(regex!(
                r"\bmark \. skip\b|\bmark \. skipif\b|\b(?:unittest \. )?skip(?:If|Unless)?\b|\bskip_if\w*|__test__ = False|\bdisabled?\b|^@ ignore"
            )),
            matches(regex!(r"\bxfail\b|\bexpectedFailure\b")),
            false,
            matches(regex!(r"\bflaky\b|\bretry\b|\breruns\b")),
        ),
        Language::Rust => (
            matches(regex!(
                r"^# \[ ignore|\bignore\b.*\]$|cfg_attr \(.*\bignore\b|^# (?:! )?\[ cfg \( (?:FALSE|false|any \( \)|never|disabled)"
            )),
            false,
            false,
            matches(regex!(r"\bflaky_test\b|\bretry\b")),
        ),
        Language::Java => (
            matches(regex!(
                r"@ (?:[\w. ]+ \. )?(?:Disabled|Ignore|EnabledIf|DisabledIf|EnabledOn|DisabledOn)\w*|enabled = false"
            )),
            matches(regex!(r"@ ExpectedFailure|@ Tag \( .quarantine")),
            false,
            matches(regex!(r"@ (?:RetryingTest|RepeatedIfExceptionsTest|Retry|Flaky)\b|retryAnalyzer")),
        ),
        Language::Cpp => (
            matches(regex!(r"\bDISABLED_|\[\.|\[!hide\]|\[!skip\]")),
            matches(regex!(r"\[!mayfail\]|\[!shouldfail\]")),
            false,
            false,
        ),
        Language::Go => return build_constraint(text).into_iter().collect(),
        Language::JavaScript | Language::TypeScript | Language::Tsx => (
            matches(regex!(
                r"^(?:xit|xtest|xdescribe|xspecify|xcontext|xsuite)\b|^\w+(?: \. \w+)* \. (?:skip|todo|skipIf|runIf)\b|\b(?:skip|todo|ignore) : (?:true|['\x22])"
            )),
            matches(regex!(r"^\w+(?: \. \w+)* \. (?:failing|fails)\b|\bfails : true")),
            matches(regex!(r"^(?:fit|fdescribe|ddescribe)\b|^\w+(?: \. \w+)* \. only\b|\bonly : true")),
            matches(regex!(r"\bretry : \d|\bretries : \d")),
        ),
    };
    found.extend(skip.then(|| mark(MarkKind::Skip)));
    found.extend(expected.then(|| mark(MarkKind::ExpectedFailure)));
    found.extend(only.then(|| mark(MarkKind::Only)));
    found.extend(retry.then(|| mark(MarkKind::Retry)));
    found
}

/// Reads the constraint under which Go compiles a file.
fn build_constraint(text: &str) -> Option<Mark> {
    let constraint = text.strip_prefix("//go:build")?.trim();
    let never = ["never", "ignore", "ignored", "disabled", "skip", "none", "false", "todo"];
    let is_conditional = !constraint.split(|it: char| !it.is_alphanumeric() && it != '_').any(|it| never.contains(&it));
    Some(Mark { kind: MarkKind::Skip, text: constraint.to_owned(), is_conditional })
}

/// Says whether a mark depends on something that a person may look up: the platform, a version, a missing tool.
fn is_conditional(words: &str) -> bool {
    let names_condition = regex!(
        r"(?i)\bskipif \( (?:not )?[a-z_]|\bskipUnless\b|\bskipIf\b|\bplatform\b|\bversion|\bos \. name\b|\bgoos\b|cfg_attr|\bwindows\b|(?:En|Dis)abledOn|(?:En|Dis)abledIf|\bskipIf \(|\brunIf \(|target_os|\bHAS_|\bhas_"
    );
    let is_constant = regex!(r"(?i)skip(?:if|unless) \( (?:true|1|not false|! false|false|not true|0|1 == 1)\b");
    names_condition.is_match(words) && !is_constant.is_match(words)
}

/// Reads a call inside of a test that ends or repeats it.
pub(super) fn of_call(tokens: &Tokens<'_>, links: &[Link<'_>], is_branch: impl Fn() -> bool) -> Vec<Mark> {
    let Some(last) = links.last().filter(|it| it.arguments.is_some()) else { return Vec::new() };
    let owner = links.len().checked_sub(2).map_or("", |at| links[at].name);
    let kind = match (owner, last.name) {
        (
            "pytest" | "t" | "this" | "ctx" | "test" | "it" | "tb" | "b" | "self",
            "skip" | "Skip" | "SkipNow" | "Skipf" | "skipTest" | "todo",
        ) => MarkKind::Skip,
        (_, "GTEST_SKIP" | "SKIP" | "assumeTrue" | "assumeFalse" | "assumeThat" | "SkipTest") => MarkKind::Skip,
        ("pytest", "xfail") => MarkKind::ExpectedFailure,
        ("this" | "jest", "retries" | "retryTimes") => MarkKind::Retry,
        _ => return Vec::new(),
    };
    let names: Vec<&str> = links.iter().map(|it| it.name).collect();
    let arguments: Vec<String> = last.arguments.iter().flatten().map(|it| tokens.joined(it.clone())).collect();
    // `test.skip("title", …)` declares another test and switches off that one.
    if arguments.len() > 1 && matches!(owner, "test" | "it") {
        return Vec::new();
    }
    let is_assumption =
        last.name.starts_with("assume") && !matches!(arguments.first().map(String::as_str), Some("false" | "true"));
    vec![Mark {
        kind,
        text: format!("{}({})", names.join("."), arguments.join(", ")),
        is_conditional: is_assumption || is_branch(),
    }]
}

/// Returns the names that a call replaces.
pub(super) fn mocks(tokens: &Tokens<'_>, links: &[Link<'_>]) -> Vec<String> {
    let mut found = Vec::new();
    for (index, link) in links.iter().enumerate() {
        let Some(arguments) = &link.arguments else { continue };
        let owner = index.checked_sub(1).map_or("", |at| links[at].name);
        let texts: Vec<String> = arguments.iter().map(|it| tokens.joined(it.clone())).collect();
        let name = match (owner, link.name) {
            (_, "patch") | ("jest" | "vi", "mock" | "doMock") => texts.first().cloned(),
            ("patch", "object" | "dict") | ("monkeypatch" | "mocker", "setattr" | "setitem") => texts.get(1).cloned(),
            ("jest" | "vi", "spyOn") if replaces(links) => texts.get(1).cloned(),
            ("sinon" | "sandbox", "stub" | "replace") => texts.get(1).cloned(),
            ("mock", "method") => texts.get(1).cloned(),
            ("Mockito" | "", "when" | "given" | "doReturn") => texts.first().and_then(|it| called(it)),
            ("Mockito" | "", "mock" | "spy" | "mockStatic") => {
                texts.first().map(|it| it.trim_end_matches(" . class").to_owned())
            }
            _ => None,
        };
        found.extend(name.map(|it| it.trim_matches(['"', '\'', '`']).to_owned()));
    }
    found
}

/// A spy that only watches replaces nothing.
fn replaces(links: &[Link<'_>]) -> bool {
    links.iter().any(|it| {
        it.name.starts_with("mockReturn")
            || it.name.starts_with("mockResolved")
            || it.name.starts_with("mockRejected")
            || it.name == "mockImplementation"
    })
}

fn called(text: &str) -> Option<String> {
    let found = regex!(r"(\w+) \($|(\w+) \( ").captures_iter(text).last()?;
    Some(found.get(1).or_else(|| found.get(2))?.as_str().to_owned())
}

/// Returns the names that decorators replace.
pub(super) fn mocks_of_head(words: &str) -> Vec<String> {
    let found = regex!(r#"\bpatch(?: \. object)? \( (?:[\w. ]+ , )?["']([^"']+)["']"#).captures_iter(words);
    found.map(|it| it[1].to_owned()).collect()
}

/// Returns the time limits that a call sets.
pub(super) fn timeouts_of_call(tokens: &Tokens<'_>, links: &[Link<'_>]) -> Vec<f64> {
    let limits =
        links.iter().filter(|it| matches!(it.name, "setTimeout" | "timeout" | "wait_for" | "Timeout" | "atMost"));
    let owned = limits
        .filter(|_| links.len() > 1 && matches!(links[0].name, "this" | "jest" | "vi" | "asyncio" | "t" | "await"));
    owned
        .flat_map(|it| it.arguments.iter().flatten())
        .filter_map(|it| words::number(&tokens.joined(it.clone())))
        .collect()
}

/// Returns the time limits that decorators, annotations and options set.
pub(super) fn timeouts_of_head(words: &str) -> Vec<f64> {
    let named = regex!(r"(?i)\btimeout (?:= |: |\( )(?:value = )?([\d_.]+)").captures_iter(words);
    let trailing = regex!(r"^\} , ([\d_]+) \)$|^\) , ([\d_]+) \)$").captures_iter(words);
    let numbers =
        named.chain(trailing).filter_map(|it| it.get(1).or_else(|| it.get(2)).map(|it| it.as_str().to_owned()));
    numbers.filter_map(|it| words::number(&it)).collect()
}

/// Returns the case that one attribute stands for.
pub(super) fn row_of_head(words: &str) -> Option<String> {
    let is_case = regex!(r"^# \[ (?:case|test_case|test_matrix)\b(?: :: \w+)? \(");
    is_case.is_match(words).then(|| words.to_owned())
}

/// Says whether nodes of a kind list values.
pub(super) fn holds_rows(language: Language, kind: &str) -> bool {
    match language {
        Language::Python => matches!(kind, "list" | "tuple" | "dictionary"),
        Language::Rust => kind == "array_expression" || kind == "macro_invocation",
        Language::Go => kind == "literal_value",
        Language::Java => matches!(kind, "element_value_array_initializer" | "array_initializer"),
        Language::Cpp => kind == "initializer_list",
        Language::JavaScript | Language::TypeScript | Language::Tsx => kind == "array",
    }
}

/// Says whether a list in the body of a test holds its cases: a loop runs over it, or its name says so.
pub(super) fn is_table(text: &str, node: Node<'_>, around: &[Node<'_>]) -> bool {
    let near = around.iter().rev().take(4);
    let is_loop = |it: &Node<'_>| {
        matches!(
            it.kind(),
            "for_statement" | "for_in_statement" | "for_expression" | "enhanced_for_statement" | "for_range_loop"
        )
    };
    let is_head_of_loop = around.iter().rev().take(3).any(|it| {
        is_loop(it) && it.child_by_field_name("body").is_none_or(|body| node.end_byte() <= body.start_byte())
    });
    let named = regex!(
        r"(?i)^(?:(?:let|const|var|final|auto|static)\s+)*(?:mut\s+)?[\w\[\]<>:&]*\s*\w*(?:cases|tests|tt|table|params|scenarios|examples)\b"
    );
    let is_named = near.clone().any(|it| {
        let is_declaration = matches!(
            it.kind(),
            "assignment"
                | "short_var_declaration"
                | "var_spec"
                | "variable_declarator"
                | "let_declaration"
                | "init_declarator"
                | "local_variable_declaration"
                | "var_declaration"
        );
        is_declaration && named.is_match(&text[it.byte_range()])
    });
    let is_nested =
        around.iter().rev().take(2).any(|it| it.kind() == "literal_element" || it.kind() == "keyed_element");
    (is_head_of_loop || is_named) && !is_nested && node.kind() != "macro_invocation"
}

/// Says whether a list names the parameters whose values another one lists.
pub(super) fn is_list_of_names(text: &str, node: Node<'_>) -> bool {
    let mut cursor = node.walk();
    let names = regex!(r#"^["'][A-Za-z_]\w*["']$"#);
    let is_first = node.prev_named_sibling().is_none() && node.next_named_sibling().is_some();
    is_first && node.named_children(&mut cursor).all(|it| names.is_match(&text[it.byte_range()]))
}

/// Returns the elements of a list, one text each.
pub(super) fn rows(tokens: &Tokens<'_>, node: Node<'_>) -> Vec<String> {
    let mut cursor = node.walk();
    let elements = node.named_children(&mut cursor).filter(|it| !it.kind().contains("comment")).take(5_000);
    let texts = elements.map(|it| tokens.joined(tokens.within(it.byte_range())));
    texts.filter(|it| !it.is_empty()).collect()
}
