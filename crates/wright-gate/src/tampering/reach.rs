//! Whether an assertion that is written is reached, and whether its failure gets anywhere.

use std::collections::HashMap;
use std::ops::Range;

use wright_text::{Language, Node};

use super::assertion::Reach;
use super::inventory::{Mark, MarkKind};
use super::tokens::{Tokens, field, is_script, visit};

/// Statements of a block that are looked at for one that ends it.
const MAX_STATEMENTS: usize = 20_000;

/// Says whether an assertion counts. `ends` remembers where each block ends early.
pub(super) fn of<'n>(
    language: Language,
    tokens: &Tokens<'_>,
    text: &str,
    node: Node<'n>,
    around: &[Node<'n>],
    ends: &mut HashMap<usize, Option<usize>>,
) -> Reach {
    let mut reach = Reach::Always;
    for (index, outer) in around.iter().enumerate() {
        let inner = around.get(index + 1).copied().unwrap_or(node);
        let end = *ends.entry(outer.id()).or_insert_with(|| end_of(text, *outer));
        if end.is_some_and(|end| end <= inner.start_byte()) {
            return Reach::Never("is behind a statement that ends the test");
        }
        if let Some(why) = excluded(tokens, *outer, inner) {
            return Reach::Never(why);
        }
        if swallows(language, tokens, *outer, inner) {
            return Reach::Swallowed;
        }
        if is_branch(*outer, inner) {
            reach = Reach::Sometimes;
        }
    }
    if is_script(language) && is_dropped_promise(text, node, around) {
        return Reach::Never("is a promise that nobody waits for");
    }
    let tail = tokens.joined(tokens.within(node.byte_range()));
    if tail.contains(". catch ( ( ) => { } )") {
        return Reach::Swallowed;
    }
    reach
}

/// Says whether a place only runs under a condition.
pub(super) fn is_conditional(node: Node<'_>, around: &[Node<'_>]) -> bool {
    (0..around.len()).any(|index| is_branch(around[index], around.get(index + 1).copied().unwrap_or(node)))
}

fn is_branch(outer: Node<'_>, inner: Node<'_>) -> bool {
    let is_conditional = matches!(
        outer.kind(),
        "if_statement"
            | "if_expression"
            | "conditional_expression"
            | "ternary_expression"
            | "match_arm"
            | "case_clause"
            | "switch_case"
            | "expression_case"
            | "except_clause"
            | "catch_clause"
    );
    is_conditional && field(outer, "condition") != Some(inner)
}

/// Returns where a block is left by a statement directly in it.
fn end_of(text: &str, block: Node<'_>) -> Option<usize> {
    if !matches!(
        block.kind(),
        "block" | "statement_block" | "statement_list" | "compound_statement" | "module" | "program"
    ) {
        return None;
    }
    let mut cursor = block.walk();
    let ends = block.named_children(&mut cursor).take(MAX_STATEMENTS).find(|it| leaves(text, *it));
    ends.map(|it| it.end_byte())
}

/// Reads an `if` that does nothing but end the test.
pub(super) fn early_end(tokens: &Tokens<'_>, text: &str, node: Node<'_>) -> Option<Mark> {
    let (condition, body) = (field(node, "condition")?, field(node, "consequence")?);
    let block = body.named_child(0).filter(|it| it.kind() == "statement_list").unwrap_or(body);
    let first = block.named_child(0)?;
    let is_return = text[first.byte_range()].trim_end_matches(';').trim() == "return" && leaves(text, first);
    let range = tokens.within(condition.byte_range());
    let condition = tokens.joined(tokens.unwrapped(range));
    let is_constant = matches!(condition.as_str(), "true" | "True" | "1" | "! false" | "not False");
    let text = format!("if {condition} return");
    is_return.then_some(Mark { kind: MarkKind::Skip, text, is_conditional: !is_constant })
}

fn leaves(text: &str, statement: Node<'_>) -> bool {
    let inner = if statement.kind() == "expression_statement" { statement.named_child(0) } else { Some(statement) };
    let Some(inner) = inner else { return false };
    let is_jump =
        matches!(inner.kind(), "return_statement" | "return_expression" | "raise_statement" | "throw_statement");
    is_jump || {
        let text = text[inner.byte_range()].trim_start();
        LEAVING_CALLS.iter().any(|it| text.starts_with(it))
    }
}

const LEAVING_CALLS: &[&str] = &[
    "pytest.skip(",
    "self.skipTest(",
    "pytest.xfail(",
    "sys.exit(",
    "os._exit(",
    "exit(",
    "quit(",
    "t.Skip(",
    "t.SkipNow(",
    "t.Skipf(",
    "GTEST_SKIP(",
    "process.exit(",
    "std::process::exit(",
    "process::exit(",
    "os.Exit(",
    "System.exit(",
    "this.skip(",
    "ctx.skip(",
    "t.skip(",
    "panic!(",
];

/// Says why what is inside never runs, if so.
fn excluded(tokens: &Tokens<'_>, outer: Node<'_>, inner: Node<'_>) -> Option<&'static str> {
    let head = || {
        let body =
            field(outer, "body").or_else(|| field(outer, "consequence")).map_or(outer.end_byte(), |it| it.start_byte());
        tokens.joined(tokens.within(outer.start_byte()..body))
    };
    match outer.kind() {
        "if_statement" | "if_expression" | "while_statement" | "while_expression" => {
            let is_body = ["consequence", "body"].iter().any(|it| field(outer, it) == Some(inner));
            let condition = field(outer, "condition").map(|it| tokens.within(it.byte_range()))?;
            let condition = tokens.joined(tokens.unwrapped(condition));
            let is_false = matches!(
                condition.as_str(),
                "False"
                    | "false"
                    | "0"
                    | "None"
                    | "not True"
                    | "! true"
                    | "null"
                    | "''"
                    | "\"\""
                    | "[ ]"
                    | "1 == 0"
                    | "1 == 2"
                    | "1 > 2"
                    | "TYPE_CHECKING"
                    | "false == true"
            ) || condition.starts_with("false &&")
                || condition.starts_with("False and ")
                || condition.ends_with("&& false")
                || condition.ends_with(" and False");
            (is_body && is_false).then_some("is behind a condition that never holds")
        }
        "for_statement" | "for_in_statement" | "for_expression" | "enhanced_for_statement" | "for_range_loop" => {
            let head = head();
            let head = head.trim_end_matches([':', ')', ' ', '{']);
            let is_empty = [
                "in [",
                "of [",
                "in (",
                "range ( 0",
                "vec ! [",
                "in range ( 0",
                "0 .. 0",
                ": List . of (",
                "Collections . emptyList (",
            ]
            .iter()
            .any(|it| head.ends_with(it) || head.ends_with(&format!("{it} ]")))
                || (head.contains("range [ ]") && head.ends_with('}') && head.contains("{ }"))
                || head.contains("{ }")
                || head.contains("[ ] . iter")
                || head.contains("i < 0 ;");
            is_empty.then_some("is in a loop over nothing")
        }
        "call_expression" | "call" => {
            let start = tokens.within(outer.byte_range());
            let is_empty =
                tokens.slice(start).iter().take(4).map(|it| it.text).collect::<Vec<_>>() == ["[", "]", ".", "forEach"];
            is_empty.then_some("is in a loop over nothing")
        }
        _ => None,
    }
}

/// Says whether a failure inside ends at `outer`.
fn swallows(language: Language, tokens: &Tokens<'_>, outer: Node<'_>, inner: Node<'_>) -> bool {
    match outer.kind() {
        "try_statement" => {
            field(outer, "body") == Some(inner) && handlers(outer).any(|it| catches_all(language, tokens, it))
        }
        "with_statement" => {
            let body = field(outer, "body").map_or(outer.end_byte(), |it| it.start_byte());
            let head = tokens.joined(tokens.within(outer.start_byte()..body));
            let is_broad = ["Exception", "BaseException", "AssertionError"].iter().any(|it| head.contains(it));
            is_broad && head.contains("suppress (")
        }
        "call_expression" => {
            let range = tokens.within(outer.byte_range());
            let links = tokens.chain(range);
            links.iter().any(|it| it.name == "catch_unwind")
                && links
                    .last()
                    .is_some_and(|it| matches!(it.name, "catch_unwind" | "ok" | "is_ok" | "unwrap_or_default"))
        }
        _ => false,
    }
}

/// Returns the parts of a `try` that take failures.
pub(crate) fn handlers(statement: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    let count = u32::try_from(statement.named_child_count()).unwrap_or(u32::MAX).min(50);
    (0..count)
        .filter_map(move |at| statement.named_child(at))
        .filter(|it| matches!(it.kind(), "except_clause" | "catch_clause"))
}

fn catches_all(language: Language, tokens: &Tokens<'_>, handler: Node<'_>) -> bool {
    let body = field(handler, "body")
        .or_else(|| handler.named_child(u32::try_from(handler.named_child_count()).ok()?.checked_sub(1)?));
    let body_start = body.map_or(handler.end_byte(), |it| it.start_byte());
    let head = tokens.joined(tokens.within(handler.start_byte()..body_start));
    let has = |words: &[&str]| head.split(' ').any(|word| words.contains(&word));
    let is_broad = match language {
        Language::Python => {
            head.trim_end_matches([' ', ':']) == "except" || has(&["Exception", "BaseException", "AssertionError"])
        }
        Language::Java => has(&["Throwable", "Error", "AssertionError", "AssertionFailedError"]),
        Language::Cpp => head.contains("...") || head.contains(". . ."),
        _ => true,
    };
    is_broad && !reports(tokens, body_start..handler.end_byte())
}

/// Says whether a handler lets the test, or a caller, know.
fn reports(tokens: &Tokens<'_>, bytes: Range<usize>) -> bool {
    tokens.slice(tokens.within(bytes)).iter().any(|it| {
        let word = it.text.to_lowercase();
        matches!(
            word.as_str(),
            "raise" | "throw" | "fail" | "panic" | "reject" | "done" | "fatal" | "error_count" | "next"
        ) || ["assert", "expect", "fail", "add_failure"].iter().any(|prefix| word.starts_with(prefix))
            || matches!(
                it.text,
                "Error" | "Errorf" | "Fatalf" | "FAIL" | "REQUIRE" | "errors" | "errs" | "err" | "e" | "ex" | "error"
            )
    })
}

/// `expect(promise).resolves…` that is neither awaited nor returned.
fn is_dropped_promise(text: &str, node: Node<'_>, around: &[Node<'_>]) -> bool {
    let code = &text[node.byte_range()];
    let is_promise = code.starts_with("expect(") && (code.contains(").resolves") || code.contains(").rejects"));
    is_promise && around.last().is_some_and(|it| it.kind() == "expression_statement")
}

/// Returns the functions inside of a test that are given a name and never mentioned again.
pub(super) fn uncalled_functions(text: &str, body: Node<'_>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let whole = &text[body.byte_range()];
    visit(body, |node, _| {
        let is_function = matches!(node.kind(), "function_definition" | "function_declaration" | "function_item");
        let is_arrow = node.kind() == "variable_declarator"
            && field(node, "value").is_some_and(|it| matches!(it.kind(), "arrow_function" | "function_expression"));
        if found.len() < 100
            && (is_function || is_arrow)
            && let Some(name) = field(node, "name").map(|it| &text[it.byte_range()])
            && !is_decorated(node)
            && !name.is_empty()
            && mentions(whole, name) < 2
        {
            found.push(node.byte_range());
        }
        true
    });
    found
}

fn is_decorated(node: Node<'_>) -> bool {
    node.parent().is_some_and(|it| it.kind() == "decorated_definition")
}

fn mentions(text: &str, name: &str) -> usize {
    let is_word = |it: char| it.is_alphanumeric() || it == '_';
    text.match_indices(name)
        .filter(|(at, _)| !text[..*at].ends_with(is_word) && !text[at + name.len()..].starts_with(is_word))
        .take(2)
        .count()
}
