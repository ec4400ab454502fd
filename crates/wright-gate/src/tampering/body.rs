//! Reads the code of one test: its assertions and whether they are reached, its marks, cases, mocks and calls.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use wright_text::{Language, Node};

use super::assertion::{self, Assertion, Reach};
use super::inventory::{Facts, Found};
use super::tokens::{Tokens, field, visit};
use super::{guard, marks, reach};

/// Reads a test or a helper.
pub(crate) fn read(language: Language, tokens: &Tokens<'_>, text: &str, found: &Found<'_>) -> Facts {
    let reader = Reader { language, tokens, text, found };
    let mut facts = Facts::default();
    reader.read_body(&mut facts);
    reader.read_heads(&mut facts);
    facts.words = counted(tokens, found);
    facts
}

struct Reader<'a, 't, 'n> {
    language: Language,
    tokens: &'a Tokens<'t>,
    text: &'a str,
    found: &'a Found<'n>,
}

impl<'n> Reader<'_, '_, 'n> {
    fn read_body(&self, facts: &mut Facts) {
        let mut ends: HashMap<usize, Option<usize>> = HashMap::new();
        let mut inside_until = 0;
        visit(self.found.body, |node, around| {
            if node.kind().contains("comment") {
                return false;
            }
            let is_nested = node.start_byte() < inside_until;
            let asserted = if is_nested { Vec::new() } else { self.assertions(node, around) };
            if !asserted.is_empty() {
                let reach = reach::of(self.language, self.tokens, self.text, node, around, &mut ends);
                // What is demanded inside of a demand is part of it, except in a function that is handed over.
                let holds_function = self.text[node.byte_range()].contains('{') && node.kind() != "if_statement";
                inside_until = if holds_function { inside_until } else { node.end_byte() };
                facts.assertions.extend(asserted.into_iter().map(|it| Assertion { reach: reach.clone(), ..it }));
            }
            self.read_node(node, around, facts);
            true
        });
        let unused = reach::uncalled_functions(self.text, self.found.body);
        for assertion in &mut facts.assertions {
            if unused.iter().any(|it| it.contains(&assertion.range.start)) {
                assertion.reach = Reach::Never("is in a function that nothing calls");
            }
        }
    }

    fn assertions(&self, node: Node<'n>, around: &[Node<'n>]) -> Vec<Assertion> {
        let range = self.tokens.within(node.byte_range());
        let finish = |piece| assertion::finished(self.tokens, &range, node.byte_range(), piece);
        match node.kind() {
            "assert_statement" => {
                let condition = node.named_child(0).map(|it| self.tokens.within(it.byte_range())).unwrap_or_default();
                assertion::condition(self.tokens, condition).into_iter().map(finish).collect()
            }
            "call" | "call_expression" | "method_invocation" | "macro_invocation" if !is_inner(node, around) => {
                assertion::of_call(self.language, self.tokens, range.clone()).into_iter().map(finish).collect()
            }
            "if_statement" | "if_expression" => {
                guard::pieces(self.language, self.tokens, self.text, node).into_iter().map(finish).collect()
            }
            _ => Vec::new(),
        }
    }

    fn read_node(&self, node: Node<'n>, around: &[Node<'n>], facts: &mut Facts) {
        match node.kind() {
            "if_statement" | "if_expression" if around.len() <= 2 => {
                facts.marks.extend(reach::early_end(self.tokens, self.text, node));
            }
            "call"
            | "call_expression"
            | "method_invocation"
            | "macro_invocation"
            | "new_expression"
            | "object_creation_expression" => {
                let links = self.tokens.chain(self.tokens.within(node.byte_range()));
                let called =
                    links.iter().filter(|it| it.arguments.is_some() && !it.name.starts_with(['"', '\'', '`', '(']));
                facts.calls.extend(called.map(|it| it.name.to_owned()));
                if !is_inner(node, around) {
                    facts.mocks.extend(marks::mocks(self.tokens, &links));
                    facts.timeouts.extend(marks::timeouts_of_call(self.tokens, &links));
                    let reach = || reach::is_conditional(node, around);
                    facts.marks.extend(marks::of_call(self.tokens, &links, reach));
                }
            }
            "assignment"
            | "variable_declarator"
            | "short_var_declaration"
            | "assignment_expression"
            | "assignment_statement"
            | "let_declaration"
            | "init_declarator" => self.read_assignment(node, facts),
            kind if marks::holds_rows(self.language, kind) && marks::is_table(self.text, node, around) => {
                facts.rows.extend(marks::rows(self.tokens, node));
            }
            _ => {}
        }
    }

    fn read_assignment(&self, node: Node<'_>, facts: &mut Facts) {
        let left = ["left", "name", "pattern", "declarator"].iter().find_map(|it| field(node, it));
        let right = ["right", "value"].iter().find_map(|it| field(node, it));
        let (Some(left), Some(right)) = (left, right) else { return };
        let name = self.text[left.byte_range()].trim().to_owned();
        let word = name.to_lowercase();
        let is_expected = word.starts_with("expect") || word.starts_with("want") || word == "exp" || word == "golden";
        let value = self.tokens.within(right.byte_range());
        if is_expected && !self.tokens.literals(value.clone()).is_empty() {
            facts.expectations.push((name, self.tokens.joined(value)));
        } else if name.contains('.') && !name.starts_with("self.") && !name.starts_with("this.") {
            facts.mocks.insert(name);
        }
    }

    fn read_heads(&self, facts: &mut Facts) {
        for head in &self.found.heads {
            let text = &self.text[head.clone()];
            let words = self.tokens.joined(self.tokens.within(head.clone()));
            facts.marks.extend(marks::of_head(self.language, text, &words));
            facts.timeouts.extend(marks::timeouts_of_head(&words));
            facts.mocks.extend(marks::mocks_of_head(&words));
            facts.rows.extend(marks::row_of_head(&words));
            self.read_exception(&words, head, facts);
        }
        for head in &self.found.heads {
            self.read_rows(head, facts);
        }
    }

    /// Reads the cases that decorators, annotations and options list.
    fn read_rows(&self, head: &Range<usize>, facts: &mut Facts) {
        let whole = self.found.node.parent().unwrap_or(self.found.node);
        let Some(top) = whole.descendant_for_byte_range(head.start, head.end) else { return };
        visit(top, |node, around| {
            let is_inside = head.start <= node.start_byte() && node.end_byte() <= head.end;
            let is_list = is_inside && marks::holds_rows(self.language, node.kind());
            if is_list
                && !marks::is_list_of_names(self.text, node)
                && !around.iter().any(|it| marks::holds_rows(self.language, it.kind()))
            {
                facts.rows.extend(marks::rows(self.tokens, node));
            }
            node.start_byte() < head.end && node.end_byte() > head.start
        });
    }

    /// An attribute or annotation may demand that the test fails in one way.
    fn read_exception(&self, words: &str, head: &Range<usize>, facts: &mut Facts) {
        let (strength, exception) = match self.language {
            Language::Rust if words.starts_with("# [ should_panic") => (
                assertion::Strength::Exact,
                words.trim_start_matches("# [ should_panic").trim_end_matches(']').to_owned(),
            ),
            Language::Java if words.contains("expected = ") || words.contains("expectedExceptions = ") => {
                let value = words.split("= ").nth(1).unwrap_or_default().split([',', ')']).next().unwrap_or_default();
                (assertion::Strength::Exact, value.trim().trim_end_matches(" . class").to_owned())
            }
            _ => return,
        };
        facts.assertions.push(Assertion {
            text: words.to_owned(),
            subject: "the whole test".to_owned(),
            expected: exception.clone(),
            literals: Vec::new(),
            strength,
            tolerance: None,
            exception: Some(exception),
            reach: Reach::Always,
            range: head.clone(),
        });
    }
}

/// Says whether a call is only the beginning of a longer chain.
fn is_inner(node: Node<'_>, around: &[Node<'_>]) -> bool {
    around.last().is_some_and(|parent| {
        parent.start_byte() == node.start_byte()
            && matches!(
                parent.kind(),
                "attribute"
                    | "member_expression"
                    | "field_expression"
                    | "selector_expression"
                    | "method_invocation"
                    | "call"
                    | "call_expression"
                    | "subscript_expression"
                    | "subscript"
                    | "non_null_expression"
            )
    })
}

fn counted(tokens: &Tokens<'_>, found: &Found<'_>) -> BTreeMap<String, usize> {
    let mut words = BTreeMap::new();
    let bodies = [found.heads.clone(), vec![found.body.byte_range()]].concat();
    for range in bodies {
        for token in tokens.slice(tokens.within(range)) {
            if token.text.len() > 1 || token.text.chars().all(char::is_alphanumeric) {
                *words.entry(token.text.to_owned()).or_default() += 1;
            }
        }
    }
    words
}
