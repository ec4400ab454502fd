//! Small edits to a function that might repair it: a candidate for each thing people commonly get wrong.
//!
//! The templates are those of the literature on automatic repair (GenProg, PAR, Prophet, TBar): another operator, an offset
//! of one, another variable, swapped arguments, a guard, a statement too many or too few. Nothing here knows what the
//! function should do. Tests judge the edits and a model ranks them; this module only promises that each parses no worse
//! than the original, says something else, and occurs once.
//!
//! One folder entry per family of templates. Each is written over roles and slots, so a family works for every language;
//! what differs between languages is data in `languages/`.

mod calls;
mod candidates;
mod conditions;
mod constants;
mod context;
mod expressions;
mod judge;
mod offsets;
mod operators;
mod returns;
mod statement_copies;
mod statements;
mod variables;

use std::ops::Range;

use crate::edit::Edit;
use crate::syntax::{Function, SyntaxTree};
use candidates::Candidates;
use context::Context;
use judge::Judge;

/// The families of edits, in the order in which they are tried.
const FAMILIES: &[fn(&Context<'_>, &mut Candidates<'_>)] = &[
    operators::collect,
    offsets::collect,
    constants::collect,
    calls::collect,
    variables::collect,
    conditions::collect,
    returns::collect,
    expressions::collect,
    statements::collect,
    statement_copies::collect,
];

/// Limits what [`generate`] gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// How many edits at most; the most usual mistakes come first.
    pub max_edits: usize,
}

impl Default for Scope {
    fn default() -> Scope {
        Scope { max_edits: 4_000 }
    }
}

/// One candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxEdit {
    /// What to replace in the whole text.
    pub edit: Edit,
    /// Which template it came from.
    pub kind: SyntaxEditKind,
    /// From the first replaced byte of the text to the last.
    pub range: Range<usize>,
}

/// Names the template of an edit, for reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SyntaxEditKind {
    /// Another operator of the same family.
    Operator,
    /// A condition is negated, or no longer.
    Negation,
    /// One more or one less.
    OffByOne,
    /// A variable is added or subtracted.
    Offset,
    /// Another constant.
    Constant,
    /// Arguments change places.
    ArgumentOrder,
    /// Operands change places.
    OperandOrder,
    /// Elements of a tuple or a list change places.
    ElementOrder,
    /// One operand alone is left.
    Operand,
    /// Another variable in scope.
    Variable,
    /// Another member of the object.
    Field,
    /// Another function or method is called.
    Callee,
    /// A call gets one argument more.
    MissingArgument,
    /// A call gets one argument less.
    ExtraArgument,
    /// What is around an expression goes: a call, an index, a member.
    Unwrap,
    /// An expression is put into a call.
    Wrap,
    /// A part of a sequence stands for the whole.
    Slice,
    /// A list gets one element more.
    ListElement,
    /// Another expression of the function.
    Expression,
    /// Something else is returned.
    ReturnValue,
    /// A value is returned that was not, or no longer.
    ReturnStatement,
    /// `yield` of one value or of all.
    Yield,
    /// Another value to start from.
    InitialValue,
    /// An assignment takes the old value into account.
    Accumulation,
    /// A condition gets one more clause.
    Guard,
    /// Another condition altogether.
    Condition,
    /// `if` and `while`, `break` and `continue` change places.
    Keyword,
    /// The function returns early for simple input.
    BaseCase,
    /// A statement goes.
    DeletedStatement,
    /// Statements change places.
    StatementOrder,
    /// A statement moves into or out of a block.
    MovedStatement,
    /// A statement comes.
    InsertedStatement,
}

impl SyntaxEditKind {
    /// Returns the name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            SyntaxEditKind::Operator => "operator",
            SyntaxEditKind::Negation => "negation",
            SyntaxEditKind::OffByOne => "off-by-one",
            SyntaxEditKind::Offset => "offset",
            SyntaxEditKind::Constant => "constant",
            SyntaxEditKind::ArgumentOrder => "argument-order",
            SyntaxEditKind::OperandOrder => "operand-order",
            SyntaxEditKind::ElementOrder => "element-order",
            SyntaxEditKind::Operand => "operand",
            SyntaxEditKind::Variable => "variable",
            SyntaxEditKind::Field => "field",
            SyntaxEditKind::Callee => "callee",
            SyntaxEditKind::MissingArgument => "missing-argument",
            SyntaxEditKind::ExtraArgument => "extra-argument",
            SyntaxEditKind::Unwrap => "unwrap",
            SyntaxEditKind::Wrap => "wrap",
            SyntaxEditKind::Slice => "slice",
            SyntaxEditKind::ListElement => "list-element",
            SyntaxEditKind::Expression => "expression",
            SyntaxEditKind::ReturnValue => "return-value",
            SyntaxEditKind::ReturnStatement => "return-statement",
            SyntaxEditKind::Yield => "yield",
            SyntaxEditKind::InitialValue => "initial-value",
            SyntaxEditKind::Accumulation => "accumulation",
            SyntaxEditKind::Guard => "guard",
            SyntaxEditKind::Condition => "condition",
            SyntaxEditKind::Keyword => "keyword",
            SyntaxEditKind::BaseCase => "base-case",
            SyntaxEditKind::DeletedStatement => "deleted-statement",
            SyntaxEditKind::StatementOrder => "statement-order",
            SyntaxEditKind::MovedStatement => "moved-statement",
            SyntaxEditKind::InsertedStatement => "inserted-statement",
        }
    }
}

/// Returns edits to the body of a function that might repair it, the most usual mistakes first.
///
/// The same input gives the same edits in the same order. A function that is not of this tree gives none.
pub fn generate(tree: &SyntaxTree, function: &Function, scope: &Scope) -> Vec<SyntaxEdit> {
    let Some(context) = Context::new(tree, function) else { return Vec::new() };
    let mut candidates = Candidates::new(tree.text(), scope.max_edits);
    for family in FAMILIES {
        family(&context, &mut candidates);
    }
    let mut judge = Judge::new(tree, &function.range);
    let mut edits = Vec::new();
    for candidate in candidates.into_sorted() {
        if edits.len() >= scope.max_edits {
            break;
        }
        if judge.accepts(&candidate.edit) {
            edits.push(SyntaxEdit { range: candidate.edit.range(), edit: candidate.edit, kind: candidate.kind });
        }
    }
    edits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::languages::Language;
    use crate::normalize::normalized;

    fn edits_of(language: Language, text: &str) -> (SyntaxTree, Vec<SyntaxEdit>) {
        let tree = SyntaxTree::parse(language, text);
        assert_eq!(tree.error_count(), 0, "{text}");
        let function = tree.functions().remove(0);
        let edits = generate(&tree, &function, &Scope { max_edits: 20_000 });
        (tree, edits)
    }

    /// Checks that each replacement of one piece of the text by another is among the edits.
    fn check(language: Language, text: &str, expected: &[(&str, &str)]) {
        let (_, edits) = edits_of(language, text);
        let results: Vec<String> = edits.iter().map(|edit| edit.edit.apply(text).unwrap()).collect();
        for (before, after) in expected {
            assert_eq!(text.matches(before).count(), 1, "{before:?} is not once in {text}");
            let wanted = text.replace(before, after);
            assert!(results.contains(&wanted), "{language:?}: none of {} edits gives\n{wanted}", results.len());
        }
    }

    #[test]
    fn python_operators_and_conditions_are_varied() {
        let text = r"def f(a, b):
    while a <= b:
        a ^= a - 1
    if a in b and not a:
        return a + b
    if a is b:
        pass
    elif a:
        pass
";
        check(
            Language::Python,
            text,
            &[
                ("a <= b", "a < b"),
                ("a <= b", "b and a <= b"),
                ("a <= b:", "a <= b and b:"),
                ("a <= b:", "a <= b or not b:"),
                ("a ^= a", "a &= a"),
                ("a in b", "a not in b"),
                ("and not", "or not"),
                ("not a:", "a:"),
                ("if a in b and not a", "if not (a in b and not a)"),
                ("a in b and not a", "a in b"),
                ("return a + b", "return b + a"),
                ("return a + b", "return a"),
                ("return a + b", "return a // b"),
                ("a is b", "a == b"),
                ("while a <= b", "if a <= b"),
                ("elif a:", "if a:"),
                ("elif a:", "elif not a:"),
            ],
        );
    }

    #[test]
    fn python_offsets_and_constants_are_varied() {
        let text = r"def f(xs, n):
    total = 0
    for i in range(0, n):
        total = total + xs[i - 1, n]
    if len(xs) == 0:
        return [0] * (len(xs)) + [True]
    y = xs[n:]
    return []
";
        check(
            Language::Python,
            text,
            &[
                ("total = 0", "total = 1"),
                ("total = 0", "total = None"),
                ("total = 0", "total = xs[0]"),
                ("range(0, n)", "range(0, n + 1)"),
                ("range(0, n)", "range(1, n)"),
                ("range(0, n)", "range(n)"),
                ("i - 1", "i"),
                ("i - 1", "i + 1"),
                ("i - 1, n]", "i - 1, n - 1]"),
                ("len(xs) == 0", "len(xs) <= 1"),
                ("len(xs) == 0", "xs == 0"),
                ("(len(xs)) +", "(len(xs) - 1) +"),
                ("True", "False"),
                ("xs[n:]", "xs[n + 1:]"),
                ("return []", "return [[]]"),
                ("return []", "return [n]"),
                ("total + xs", "total - xs"),
            ],
        );
    }

    #[test]
    fn python_calls_and_variables_are_varied() {
        let text = r"def f(a, b, node):
    out = []
    for x in sorted(a):
        out.append(g(x, b, a))
    if any(x > b for x in a):
        return f(a[1:], b, node)
    yield f(x)
    node.next = node.prev
    return min(f(b, a, node), a)

def g(x, y, z):
    return x

def h(x):
    return x
";
        check(
            Language::Python,
            text,
            &[
                ("g(x, b, a)", "g(b, x, a)"),
                ("g(x, b, a)", "g(a, b, x)"),
                ("g(x, b, a)", "g(b, a, x)"),
                ("g(x, b, a)", "g(x, b)"),
                ("g(x, b, a)", "f(x, b, a)"),
                ("out.append(g", "out.extend(g"),
                ("sorted(a)", "sorted(b)"),
                ("sorted(a)", "a"),
                ("sorted(a)", "reversed(a)"),
                ("sorted(a)", "sorted(a)[1:]"),
                ("sorted(a)", "sorted(a)[b:]"),
                ("any(x", "all(x"),
                ("x > b", "x >= b"),
                ("a[1:], b", "a[1:], b[1:]"),
                ("a[1:], b", "a, b"),
                ("yield f(x)", "yield from f(x)"),
                ("yield f(x)", "yield x"),
                ("yield f(x)", "yield h(f(x))"),
                ("node.prev", "node.next"),
                ("node.prev", "node"),
                ("f(b, a, node)", "f(b, a - 1, node)"),
                ("f(b, a, node)", "f(b, a - b, node)"),
                ("min(f", "max(f"),
                ("min(f(b, a, node), a)", "min(f(b, a, node), a, b)"),
                ("return min", "return [x] + min"),
                ("return min", "return out + min"),
            ],
        );
    }

    #[test]
    fn python_returns_and_guards_are_varied() {
        let text = r#"def f(node, seen):
    """Doc."""
    depth = 0
    while True:
        if node.next is None:
            depth += 1
            best = depth + 1
    f(node.next, seen)
    return True
"#;
        check(
            Language::Python,
            text,
            &[
                ("while True", "while node"),
                ("while True", "while seen"),
                ("node.next is None", "node is None or node.next is None"),
                ("node.next is None", "node is not None and node.next is None"),
                ("return True", "return depth == 0"),
                ("return True", "return not seen"),
                ("return True", "return seen"),
                ("best = depth + 1", "best = max(best, depth + 1)"),
                ("best = depth + 1", "best = max(0, depth + 1)"),
                ("best = depth + 1", "best += depth + 1"),
                ("    f(node.next", "    return f(node.next"),
                ("    depth = 0\n", "    if not node:\n        return node\n    depth = 0\n"),
                ("    depth = 0\n", "    if node is None:\n        return 0\n    depth = 0\n"),
                ("    f(node.next, seen)\n", "    if node is not None:\n        f(node.next, seen)\n"),
            ],
        );
    }

    #[test]
    fn python_statements_are_varied() {
        let text = r"def f(xs, seen):
    out = []
    for x in xs:
        a = x
        out.append(a)
    if xs:
        b = 1
    c = 2
    a, b = b, a
    while b:
        a = b
        b = a.next
";
        check(
            Language::Python,
            text,
            &[
                ("        out.append(a)\n", ""),
                ("        b = 1\n", "        pass\n"),
                ("        a = x\n        out.append(a)\n", "        out.append(a)\n        a = x\n"),
                ("        out.append(a)\n", "    out.append(a)\n"),
                ("    c = 2\n", "        c = 2\n"),
                ("    if xs:\n        b = 1\n", "    b = 1\n"),
                ("    out = []\n    for x in xs:\n", "    for x in xs:\n        out = []\n"),
                ("= b, a\n", "= a, b\n"),
                ("        out.append(a)\n", "        out.append(a)\n        out.append(x)\n"),
                ("        a = b\n", "        b = x\n        a = b\n"),
                ("        b = a.next\n", "        b = a.next\n    return out\n"),
                ("        b = a.next\n", "        b = a.next\n        break\n"),
            ],
        );
    }

    #[test]
    fn rust_is_varied() {
        let text = r"fn f(xs: &[i32], n: usize, limit: i32) -> i32 {
    let mut best = 0;
    for i in 0..n {
        if xs[i] > limit && !xs.is_empty() {
            best = xs[i];
        }
        best += g(limit, best);
    }
    best
}
fn g(a: i32, b: i32) -> i32 { a.min(b) }
";
        check(
            Language::Rust,
            text,
            &[
                ("0..n", "0..=n"),
                ("0..n", "1..n"),
                ("0..n", "0..n - 1"),
                ("> limit", ">= limit"),
                ("> limit", "> best"),
                ("&& !", "|| !"),
                ("!xs.is_empty()", "xs.is_empty()"),
                ("xs[i] > limit && !xs.is_empty()", "!(xs[i] > limit && !xs.is_empty())"),
                ("best = xs[i]", "best += xs[i]"),
                ("best = xs[i]", "best = best.max(xs[i])"),
                ("best = xs[i]", "best = xs[i + 1]"),
                ("g(limit, best)", "g(best, limit)"),
                ("        best += g(limit, best);\n", ""),
                ("    best\n}", "    limit\n}"),
                ("    best\n}", "    best + 1\n}"),
                ("let mut best = 0", "let mut best = -1"),
                ("    let mut best", "    if n == 0 {\n        return 0;\n    }\n    let mut best"),
                ("        best += g(limit, best);\n    }\n", "    }\n    best += g(limit, best);\n"),
            ],
        );
        check(
            Language::Rust,
            "fn f(a: i32, b: i32) -> i32 {\n    a.min(b)\n}\n",
            &[("min", "max"), ("a.min", "b.min")],
        );
    }

    #[test]
    fn javascript_is_varied() {
        let text = r"function f(xs, n) {
  let total = 0;
  for (let i = 0; i < n; i++) {
    if (xs[i] === n && total) {
      total += Math.max(xs[i], n);
    }
  }
  while (true) {
    xs.push(total);
    break;
  }
  return total ? xs : [];
}
";
        check(
            Language::JavaScript,
            text,
            &[
                ("i < n", "i <= n"),
                ("i < n", "i < n - 1"),
                ("let i = 0", "let i = 1"),
                ("i++", "i--"),
                ("=== n", "!== n"),
                ("=== n", "=== i"),
                ("&& total", "|| total"),
                ("xs[i] === n && total", "!(xs[i] === n && total)"),
                ("xs[i] === n && total", "xs[i] === n"),
                ("+= Math", "-= Math"),
                ("Math.max", "Math.min"),
                ("Math.max(xs[i], n)", "Math.max(n, xs[i])"),
                ("while (true)", "while (xs.length > 0)"),
                ("push", "unshift"),
                ("break;", "continue;"),
                ("total ? xs : []", "total ? [] : xs"),
                ("  let total = 0;\n", "  if (!xs) {\n    return 0;\n  }\n  let total = 0;\n"),
                ("    break;\n", ""),
            ],
        );
    }

    #[test]
    fn typescript_is_varied_without_touching_types() {
        let text = r"class A {
  f(xs: number[], key: string): boolean {
    const at: number = xs.indexOf(this.low);
    return at >= this.high;
  }
}
";
        for language in [Language::TypeScript, Language::Tsx] {
            check(
                language,
                text,
                &[
                    (">= this", "> this"),
                    ("this.high", "this.low"),
                    ("indexOf", "lastIndexOf"),
                    ("return at >=", "return key >="),
                ],
            );
            let (_, edits) = edits_of(language, text);
            let results: Vec<String> = edits.iter().map(|edit| edit.edit.apply(text).unwrap()).collect();
            assert!(
                results.iter().all(|result| result.contains("const at: number =") || !result.contains("const at:"))
            );
        }
    }

    #[test]
    fn go_is_varied() {
        let text = r"package p

func f(xs []int, n int) int {
	total := 0
	for i := 0; i < n; i++ {
		if xs[i] > n && total != 0 {
			total += xs[i]
		}
	}
	for total > n {
		total -= g(n, total)
	}
	return total
}

func g(a, b int) int { return a }
";
        check(
            Language::Go,
            text,
            &[
                ("i < n", "i <= n"),
                ("i++", "i--"),
                ("> n &&", ">= n &&"),
                ("&& total", "|| total"),
                ("total += xs[i]", "total -= xs[i]"),
                ("total += xs[i]", "total += xs[i - 1]"),
                ("g(n, total)", "g(total, n)"),
                ("for total > n {", "for !(total > n) {"),
                ("for total > n {", "for total >= n {"),
                ("return total", "return n"),
                ("return total", "return -1"),
                ("total := 0", "total := 1"),
                ("\ttotal := 0\n", "\tif len(xs) == 0 {\n\t\treturn 0\n\t}\n\ttotal := 0\n"),
                ("\t\ttotal -= g(n, total)\n", ""),
            ],
        );
    }

    #[test]
    fn java_is_varied() {
        let text = r"class A {
  int f(List<Integer> xs, int n) {
    int best = 0;
    for (int i = 0; i < n; i++) {
      if (xs.get(i) > best && n != 0) {
        best = Math.min(xs.get(i), n);
      }
    }
    while (true) {
      xs.add(best);
    }
  }
}
";
        check(
            Language::Java,
            text,
            &[
                ("i < n", "i <= n"),
                ("i < n", "i < n - 1"),
                ("i++", "i--"),
                ("> best", ">= best"),
                ("&& n", "|| n"),
                ("best = Math.min(xs.get(i), n)", "best += Math.min(xs.get(i), n)"),
                ("Math.min", "Math.max"),
                ("Math.min(xs.get(i), n)", "Math.min(n, xs.get(i))"),
                ("Math.min(xs.get(i), n)", "Math.max(best, Math.min(xs.get(i), n))"),
                ("while (true)", "while (!xs.isEmpty())"),
                ("xs.add(best)", "xs.add(n)"),
                ("xs.add(best)", "xs.push(best)"),
                ("int best = 0", "int best = 1"),
                ("    int best = 0;\n", "    if (xs == null) {\n      return;\n    }\n    int best = 0;\n"),
            ],
        );
    }

    #[test]
    fn cpp_is_varied() {
        let text = r"int f(const vector<int> &xs, int n) {
    int best = 0, i;
    for (i = 0; i < n; i++) {
        if (xs[i] > best && n != 1) {
            best = max(xs[i], n);
        }
    }
    return g(best, n);
}
";
        check(
            Language::Cpp,
            text,
            &[
                ("i < n", "i <= n"),
                ("i++", "i--"),
                ("> best", ">= best"),
                ("&& n", "|| n"),
                ("xs[i] >", "xs[i - 1] >"),
                ("best = max(xs[i], n)", "best += max(xs[i], n)"),
                ("max(xs[i], n)", "min(xs[i], n)"),
                ("g(best, n)", "g(n, best)"),
                ("int best = 0", "int best = 1"),
                ("return g(best, n)", "return i"),
            ],
        );
    }

    #[test]
    fn nested_functions_see_the_variables_around_them() {
        let text = r"def f(start, goal):
    seen = set()
    def visit(node):
        if node in seen:
            return False
        else:
            return any(visit(n) for n in node.next)
    return visit(start)
";
        check(
            Language::Python,
            text,
            &[
                ("node in seen", "node in goal"),
                ("            return any", "            seen.add(node)\n            return any"),
            ],
        );
    }

    #[test]
    fn a_forgotten_entry_is_put_into_its_collection() {
        let text = r"def f(nodes):
    seen = set()
    for node in nodes:
        if node in seen:
            continue
        g(node)
";
        check(Language::Python, text, &[("        g(node)\n", "        seen.add(node)\n        g(node)\n")]);
    }

    const PYTHON: &str = r#"def f(xs, n):
    """Doc."""
    total = 0  # start
    for i in range(n):
        if xs[i] > n and not total:
            total += g(xs[i], n)
    return total

def g(a, b):
    return a or b
"#;

    #[test]
    fn every_edit_parses_differs_and_occurs_once() {
        let samples = [
            (Language::Python, PYTHON),
            (
                Language::Rust,
                "fn f(xs: &[i32], n: i32) -> i32 {\n    let mut t = 0;\n    for x in xs { if *x > n && t != 1 { t += g(*x, n); } }\n    match t { 0 => n, _ => -t }\n}\nfn g(a: i32, b: i32) -> i32 { a }\n",
            ),
            (
                Language::JavaScript,
                "const f = (xs, n) => {\n  let t = '';\n  for (const x of xs) if (x > n) t += `${x}`;\n  return t || null\n}\n",
            ),
            (
                Language::TypeScript,
                "function f(xs: number[], n: number): number {\n  let t = xs.length;\n  for (const x of xs) { t = x > n ? t + 1 : t; }\n  return t;\n}\n",
            ),
            (
                Language::Go,
                "package p\n\nfunc f(xs []int, n int) (int, error) {\n\tt := 0\n\tfor _, x := range xs {\n\t\tif x > n {\n\t\t\tt++\n\t\t}\n\t}\n\treturn t, nil\n}\n",
            ),
            (
                Language::Java,
                "class A { int f(int[] xs, int n) {\n  int t = 0;\n  for (int x : xs) { if (x > n) t += x; }\n  switch (n) { case 1: t = 2; break; default: t--; }\n  return t;\n} }\n",
            ),
            (
                Language::Cpp,
                "int f(const vector<int> &xs, int n) {\n  int t = 0;\n  for (int x : xs) { if (x > n) t += xs[x]; }\n  switch (n) { case 1: t = 2; break; default: t--; }\n  return t;\n}\n",
            ),
        ];
        for (language, text) in samples {
            let (tree, edits) = edits_of(language, text);
            assert!(edits.len() > 100, "{language:?}");
            let original = normalized(language, text);
            let mut results = std::collections::HashSet::new();
            for edit in &edits {
                let result = edit.edit.apply(text).unwrap();
                let parsed = SyntaxTree::parse(language, &*result);
                assert!(parsed.error_count() <= tree.error_count(), "{:?}: {result}", edit.kind);
                assert_ne!(normalized(language, &result), original, "{:?}: {result}", edit.kind);
                assert_eq!(edit.range, edit.edit.range());
                assert!(results.insert(result), "{:?} occurs twice", edit.edit);
            }
        }
    }

    #[test]
    fn the_order_is_always_the_same_and_a_cut_keeps_the_first() {
        let (tree, edits) = edits_of(Language::Python, PYTHON);
        let function = tree.functions().remove(0);
        assert_eq!(generate(&tree, &function, &Scope { max_edits: 20_000 }), edits);
        let cut = generate(&tree, &function, &Scope { max_edits: 50 });
        assert_eq!(cut, edits[..50]);
    }

    #[test]
    fn edits_stay_inside_the_function() {
        let text = format!("import a\n\n{PYTHON}");
        let tree = SyntaxTree::parse(Language::Python, &*text);
        let function = tree.functions().remove(1);
        let edits = generate(&tree, &function, &Scope::default());
        assert!(!edits.is_empty());
        for edit in edits {
            assert!(edit.range.start >= function.signature.end && edit.range.end <= text.len(), "{edit:?}");
        }
    }

    #[test]
    fn line_endings_of_windows_are_kept() {
        let text = PYTHON.replace('\n', "\r\n");
        let (_, edits) = edits_of(Language::Python, &text);
        for edit in edits {
            let result = edit.edit.apply(&text).unwrap();
            assert_eq!(result.matches('\n').count(), result.matches("\r\n").count(), "{result:?}");
        }
    }

    #[test]
    fn a_function_of_another_text_gives_no_edits() {
        let function = SyntaxTree::parse(Language::Python, PYTHON).functions().remove(1);
        let other = SyntaxTree::parse(Language::Python, "x = 1\n");
        assert_eq!(generate(&other, &function, &Scope::default()), []);
    }

    #[test]
    fn names_of_kinds_are_words_for_reports() {
        assert_eq!(SyntaxEditKind::OffByOne.name(), "off-by-one");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn any_text_gives_edits_that_apply(lines in prop::collection::vec(
            prop::sample::select(vec![
                "def f(é, b=1):", "    if é[0] > b:", "        return 'ü' + é", "    x = (1,", "        y += [", "  fn g() {",
                "    while True:", "        b.c(é, 2)", "}", "class A {", "  int h(int a) { return a; }", "func k() {",
                "\t\treturn nil, x", "function l(a) { for (;;) { a++ } }", "", "    else:", "        pass", "`", "\"",
            ]), 0..12)) {
            let text = lines.join("\n");
            for language in Language::ALL {
                let tree = SyntaxTree::parse(language, &*text);
                for function in tree.functions() {
                    for edit in generate(&tree, &function, &Scope { max_edits: 150 }) {
                        let result = edit.edit.apply(&text);
                        prop_assert!(result.is_ok(), "{edit:?}");
                    }
                }
            }
        }
    }
}
