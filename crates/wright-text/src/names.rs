//! Which names a text binds, which it uses, and which of those nothing known binds.
//!
//! Scopes are those of functions, not of blocks: a name that is bound anywhere in a function counts as bound in all of it.
//! What a grammar calls a binding is data, one table per language in `names/`; when in doubt, a name is known. To add a
//! language, copy a neighbor there.

mod cpp;
mod go;
mod java;
mod javascript;
mod python;
mod rules;
mod rust;
mod walk;

use std::collections::HashSet;
use std::ops::Range;

use tree_sitter::Node;

use self::rules::{Doubts, Rules, rules};
use self::walk::{Names, Use};
use crate::syntax::SyntaxTree;

/// Holds names that exist outside a file: those of the repository's index and of other open files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownNames {
    names: HashSet<Box<str>>,
}

impl KnownNames {
    /// Makes an empty set.
    pub fn new() -> KnownNames {
        KnownNames::default()
    }

    /// Adds a name.
    pub fn insert(&mut self, name: impl Into<Box<str>>) {
        self.names.insert(name.into());
    }

    /// Adds what another file of the same language defines for others: everything it binds outside its functions.
    pub fn learn(&mut self, tree: &SyntaxTree) {
        let names = Names::of(tree, rules(tree.language()), None);
        self.extend(names.outside_functions().map(Box::from));
    }

    /// Returns whether a name exists.
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Returns how many names there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

impl<N: Into<Box<str>>> Extend<N> for KnownNames {
    fn extend<I: IntoIterator<Item = N>>(&mut self, names: I) {
        self.names.extend(names.into_iter().map(Into::into));
    }
}

impl<N: Into<Box<str>>> FromIterator<N> for KnownNames {
    fn from_iter<I: IntoIterator<Item = N>>(names: I) -> KnownNames {
        KnownNames { names: names.into_iter().map(Into::into).collect() }
    }
}

/// Holds what a text as a whole says about names, worked out once for many edits of it.
#[derive(Clone, Debug)]
pub struct FileNames {
    /// Bound for the whole file, from wherever.
    module: HashSet<Box<str>>,
    /// Used already, though nothing in the file binds them.
    foreign: HashSet<Box<str>>,
    /// Bound inside some function.
    local: HashSet<Box<str>>,
    doubts: Doubts,
}

/// A name that is used and that nothing known binds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    /// The name.
    pub name: String,
    /// Where it is used.
    pub range: Range<usize>,
    /// Whether another function of the file binds it, for itself.
    pub is_local_elsewhere: bool,
}

impl FileNames {
    /// Reads a whole text.
    pub fn of(tree: &SyntaxTree) -> FileNames {
        let rules = rules(tree.language());
        let names = Names::of(tree, rules, None);
        let unresolved = names.uses.iter().filter(|it| !names.binds(rules, it));
        FileNames {
            module: names.module().map(Box::from).collect(),
            foreign: unresolved.map(|it| Box::from(it.name)).collect(),
            local: names.inside_functions().map(Box::from).collect(),
            doubts: names.doubts,
        }
    }

    fn knows(&self, name: &str) -> bool {
        self.module.contains(name) || self.foreign.contains(name)
    }
}

/// Returns the names used in the inserted ranges of `after`, the text after an edit, that nothing known binds; each once.
/// `before` is asked for the names of the text before the edit only when there are such.
///
/// Nothing is returned when that cannot be told, for example because everything of another file is imported.
pub fn unknown_names<'b>(
    after: &SyntaxTree,
    inserted: &[Range<usize>],
    known: Option<&KnownNames>,
    before: impl FnOnce() -> Option<&'b FileNames>,
) -> Option<Vec<UnknownName>> {
    let rules = rules(after.language());
    let names = Names::of(after, rules, Some(inserted));
    if names.doubts.all {
        return None;
    }
    let is_inserted = |it: &Use<'_>| inserted.iter().any(|at| it.range.start < at.end && it.range.end > at.start);
    let is_elsewhere = |it: &Use<'_>| known.is_some_and(|known| known.contains(it.name));
    let is_unbound = |it: &&Use<'_>| is_inserted(it) && !names.binds(rules, it) && !is_elsewhere(it);
    let unbound: Vec<&Use<'_>> = names.uses.iter().filter(is_unbound).collect();
    if unbound.is_empty() {
        return Some(Vec::new());
    }
    let before = before()?;
    let doubts = before.doubts | names.doubts;
    if doubts.all {
        return None;
    }
    let mut unknown: Vec<UnknownName> = Vec::new();
    for it in unbound.into_iter().filter(|it| !before.knows(it.name)) {
        let is_local_elsewhere = before.local.contains(it.name);
        let asked = Asked { name: it.name, doubts, has_index: known.is_some(), is_local_elsewhere };
        let is_new = unknown.iter().all(|found| found.name != it.name);
        if is_new && is_certain(rules, after, it, asked) {
            unknown.push(UnknownName { name: it.name.to_owned(), range: it.range.clone(), is_local_elsewhere });
        }
    }
    Some(unknown)
}

/// A name that nothing binds, with what else bears on whether it is surely unknown.
#[derive(Clone, Copy, Debug)]
struct Asked<'a> {
    name: &'a str,
    doubts: Doubts,
    /// Whether the names of the other files are known.
    has_index: bool,
    is_local_elsewhere: bool,
}

fn is_certain(rules: &Rules, tree: &SyntaxTree, used: &Use<'_>, asked: Asked<'_>) -> bool {
    let root = tree.tree().root_node();
    let Some(node) = root.descendant_for_byte_range(used.range.start, used.range.end) else { return false };
    (rules.table.is_certain)(node, asked)
}

/// Returns the nodes around a node, innermost first.
fn ancestors(node: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    std::iter::successors(node.parent(), Node::parent)
}

fn starts_upper(name: &str) -> bool {
    name.chars().next().is_some_and(char::is_uppercase)
}

/// Returns whether a name is written like a constant.
fn is_screaming(name: &str) -> bool {
    starts_upper(name) && !name.chars().any(char::is_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Edit, Language};

    /// Returns the unknown names of inserting `insert` at `║`.
    fn unknown_with(language: Language, marked: &str, insert: &str, known: Option<&KnownNames>) -> Vec<String> {
        let at = marked.find('║').unwrap();
        let before = SyntaxTree::parse(language, marked.replace('║', ""));
        let after = before.edited(&Edit::single(at..at, insert)).unwrap();
        assert_eq!(after.error_count(), 0, "{}", after.text());
        let inserted = at..at + insert.len();
        let names = FileNames::of(&before);
        let unknown = unknown_names(&after, &[inserted], known, || Some(&names)).unwrap_or_default();
        unknown.into_iter().map(|it| it.name).collect()
    }

    fn unknown(language: Language, marked: &str, insert: &str) -> Vec<String> {
        unknown_with(language, marked, insert, None)
    }

    #[test]
    fn python_knows_what_a_file_binds() {
        let file = "import os.path, json as j\nfrom a.b import c, d as e\nX: int = 1\n\n\ndef f(a, *args, b=1, **kw):\n    with open(a) as file, x() as (y, z):\n        pass\n    for i, (k, *rest) in a:\n        pass\n    try:\n        pass\n    except E as error:\n        pass\n    if (n := 1): pass\n    global g1\n    match a:\n        case [m, P(q, r=s), {'t': t, **u}] as v: pass\n        case X.y | w: pass\n    ║\n\n\nclass C:\n    field = 1\n    def method(self): pass\n\ndef other():\n    local = 1\n";
        for known in [
            "os, j, c, e, X, f, C, g1, other",
            "a, args, b, kw, file, y, z, i, k, rest, error, n",
            "m, q, s, t, u, v, w, P, X, E, x",
            "len([h for h in a if h]), {k2: v2 for k2, v2 in a}",
            "(lambda p, *q: p + q)(1)",
            "new = 1; new",
            "f(anything=1).attribute.other",
            "__name__, __file__, _",
            "f'{a!r:>{b}}'",
        ] {
            assert_eq!(unknown(Language::Python, file, known), [""; 0], "{known}");
        }
        assert_eq!(unknown(Language::Python, file, "path, json, d"), ["path", "json", "d"]);
        assert_eq!(unknown(Language::Python, file, "local"), ["local"], "another function's");
        assert_eq!(unknown(Language::Python, file, "field, method, self"), ["field", "method", "self"]);
        assert_eq!(unknown(Language::Python, file, "[h for h in a]; h"), ["h"]);
        assert_eq!(unknown(Language::Python, file, "f'{nowhere}'"), ["nowhere"]);
        assert_eq!(unknown(Language::Python, file, "nowhere += 1"), ["nowhere"]);
        assert_eq!(unknown(Language::Python, file, "nowhere(a).b(c=1)"), ["nowhere"]);
    }

    #[test]
    fn python_in_doubt_refuses_nothing() {
        assert_eq!(unknown(Language::Python, "from a import *\n║", "b()"), [""; 0]);
        assert_eq!(unknown(Language::Python, "x = once\n║", "once"), [""; 0], "the file uses it already");
        assert_eq!(unknown(Language::Python, "exec(open('a').read())\n║", "b()"), [""; 0]);
        assert_eq!(unknown(Language::Python, "exec('b = 1', {})\n║", "b()"), ["b"], "in names of its own");
        assert_eq!(unknown(Language::Python, "def f():\n    global later\n    later = 1\n║", "later"), [""; 0]);
        let index = KnownNames::from_iter(["elsewhere"]);
        assert_eq!(unknown_with(Language::Python, "║", "elsewhere(nowhere)", Some(&index)), ["nowhere"]);
    }

    #[test]
    fn scripts_know_what_a_file_binds() {
        let file = "import d, { a, b as c } from 'm';\nimport * as n from 'm';\nconst { e, f: [g, ...h], i = 1 } = d;\nfunction k(l, { m }, [o] = [], ...p) {\n  try { } catch (q) { }\n  for (const r of l) { }\n  for (s = 0; s < 1; s++) { }\n  const t = u => u;\n  ║\n}\nclass A { method() { const local = 1; } }\nvar late = function inner() { };\nimplicit = 1;\n";
        for known in [
            "a; c; d; n; e; g; h; i; k; A; late; implicit",
            "l; m; o; p; q; r; s; t; arguments; undefined; NaN",
            "console.log(window, document, process, require, Promise)",
            "const v = 1; v",
            "l.map((w) => w.x).y",
            "({ x: 1, a, method() { } })",
            "loop: for (;;) { break loop; }",
            "typeof anything === 'undefined'",
        ] {
            for language in [Language::JavaScript, Language::TypeScript] {
                assert_eq!(unknown(language, file, known), [""; 0], "{known}");
            }
        }
        assert_eq!(unknown(Language::JavaScript, file, "local"), ["local"]);
        assert_eq!(unknown(Language::JavaScript, file, "b; f; u; inner"), ["f", "u", "inner"]);
        assert_eq!(unknown(Language::JavaScript, file, "`${nowhere}`"), ["nowhere"]);
        assert_eq!(unknown(Language::JavaScript, file, "({ nowhere })"), ["nowhere"]);
        assert_eq!(unknown(Language::JavaScript, file, "nowhere = 1"), ["nowhere"]);
    }

    #[test]
    fn typescript_and_jsx_know_their_own() {
        let file = "enum E { A }\nnamespace N { }\ntype T = string;\nclass C { constructor(private x: number, y?: T) { ║ } }\ndeclare const g: number;\n";
        assert_eq!(unknown(Language::TypeScript, file, "y; E.A; N; g; let z: Anything = x as Other;"), [""; 0]);
        assert_eq!(unknown(Language::TypeScript, file, "z"), ["z"]);
        let file = "import { B } from 'b';\nconst A = (p) => ║;\n";
        assert_eq!(unknown(Language::Tsx, file, "<div class=\"x\"><B a={p} /></div>"), [""; 0]);
        assert_eq!(unknown(Language::Tsx, file, "<Nowhere a={q} />"), ["Nowhere", "q"]);
    }

    #[test]
    fn rust_knows_what_a_file_binds() {
        let file = "use std::collections::{self, HashMap as Map};\nuse a::b;\nconst K: u8 = 1;\nstruct S<T> { t: T }\nenum E { A }\nmod m;\nimpl<T> S<T> {\n    fn assoc() {}\n    fn f(&self, x: u8, (y, S { t: u, v, .. }): P) -> T {\n        if let Some(w) = x { }\n        match x { E::A if y => {}, c @ 1 => {}, K => {} }\n        let g = |h: u8, i| h;\n        'l: loop {}\n        ║\n    }\n}\nfn other() { let local = 1; }\nthread_local! { static LOCAL: u8 = 1; }\n";
        for known in [
            "(collections, Map::new(), b, K, S { t: 1, v }, m::x());",
            "(self.x, x, y, u, v, w, c, g);",
            "let n: Vec<Option<T>> = Vec::new(); n;",
            "println!(\"{}\", x.field); vec![x, y]; custom!(anything goes);",
            "(other(), E::A, u8::MAX, i32::from(x), LOCAL, Self::assoc());",
            "for j in 0..x { j; } break 'l;",
            "unknown_crate::call();",
            "if let Some(P) = x {}",
        ] {
            let found = unknown(Language::Rust, file, known);
            assert!(found.is_empty() || found == ["P"], "{known}: {found:?}");
        }
        assert_eq!(unknown(Language::Rust, file, "local;"), ["local"]);
        assert_eq!(unknown(Language::Rust, file, "assoc();"), ["assoc"]);
        assert_eq!(unknown(Language::Rust, file, "HashMap::new();"), ["HashMap"]);
        assert_eq!(unknown(Language::Rust, file, "let q: Nowhere = x;"), ["Nowhere"]);
        assert_eq!(unknown(Language::Rust, file, "S { t: nowhere };"), ["nowhere"]);
        assert_eq!(unknown(Language::Rust, file, "println!(\"{}\", nowhere);"), ["nowhere"]);
    }

    #[test]
    fn rust_in_doubt_refuses_nothing() {
        assert_eq!(unknown(Language::Rust, "use a::*;\nfn f() { ║ }", "b();"), [""; 0]);
        let tests = "fn a() {}\nmod tests { use super::*; fn f() { ║ } }";
        assert_eq!(unknown(Language::Rust, tests, "a(); nowhere();"), ["nowhere"], "`super` is in this file");
    }

    #[test]
    fn go_is_in_doubt_about_its_package_without_an_index() {
        let file = "package p\n\nimport (\n\t\"fmt\"\n\tm \"a/b\"\n\t\"x.org/go-yaml.v3\"\n)\n\ntype T struct{ f int }\n\nfunc f(a int, b ...string) (c error) {\n\td, _ := a, b\n\tfor i, v := range b {\n\t}\n\tvar e, g int\n\tswitch h := x.(type) {\n\t}\n\t║\n\treturn nil\n}\n\nfunc other() { local := 1 }\n";
        let index = KnownNames::from_iter(["x"]);
        for known in
            ["fmt.Println(a, b, c, d, e, g, i, v, h, m.X, yaml.Y)", "f(len(b)); _ = T{f: 1}", "n := 1; n++", "x.y()"]
        {
            assert_eq!(unknown_with(Language::Go, file, known, Some(&index)), [""; 0], "{known}");
        }
        assert_eq!(unknown_with(Language::Go, file, "nowhere(a)", Some(&index)), ["nowhere"]);
        assert_eq!(unknown(Language::Go, file, "elsewhere(a)"), [""; 0]);
        assert_eq!(unknown(Language::Go, file, "f(local)"), ["local"]);
        assert_eq!(unknown(Language::Go, file, "strings.ToUpper(a)"), ["strings"], "not imported");
    }

    #[test]
    fn java_knows_what_a_class_binds() {
        let file = "import java.util.List;\nclass A {\n    int field;\n    enum K { X }\n    int f(int a) {\n        for (int i = 0; i < a; i++) { }\n        Runnable r = () -> { };\n        ║\n        return a;\n    }\n    void g() { int local; }\n}\n";
        for known in [
            "g(); f(field + a); List.of(K.X); String.valueOf(a); r.run();",
            "int n = 1; n++; java.util.Map.of();",
            "Elsewhere.call();",
            "for (var x : List.of(a)) { x.y(); }",
            "hashCode(); switch (k(a)) { }",
        ] {
            let found = unknown(Language::Java, file, known);
            assert!(found.is_empty() || found == ["k"], "{known}: {found:?}");
        }
        assert_eq!(unknown(Language::Java, file, "f(local);"), ["local"]);
        assert_eq!(unknown(Language::Java, file, "nowhere(a);"), ["nowhere"]);
        assert_eq!(unknown_with(Language::Java, file, "Elsewhere.call();", Some(&KnownNames::new())), ["Elsewhere"]);
    }

    #[test]
    fn java_is_in_doubt_about_what_is_inherited() {
        let file = "class A extends B {\n    void f() {\n        ║\n    }\n}\n";
        assert_eq!(unknown(Language::Java, file, "inherited(field);"), [""; 0]);
    }

    #[test]
    fn another_file_teaches_what_it_defines() {
        let mut known = KnownNames::new();
        known.learn(&SyntaxTree::parse(Language::Python, "class A:\n    def f(self, x): pass\n\nB = 1\n"));
        assert!(["A", "B", "f"].iter().all(|it| known.contains(it)) && !known.contains("x"));
    }

    #[test]
    fn every_node_kind_and_field_of_a_table_exists_in_its_grammar() {
        for language in Language::ALL {
            assert_eq!(rules(language).misspelled, [""; 0], "{language:?}");
        }
    }
}
