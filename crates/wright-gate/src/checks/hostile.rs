//! Whatever a text says, the checks that read one text answer: no panic, no overflow, no endless search.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::change::{ChangeSet, Content, FileDelta, MemoryTree};
use crate::{Source, secrets};

const SAMPLES: &[(&str, &str)] = &[
    (
        "a.py",
        "import os\n# x = f(1)\n@d\nclass A(B):\n    def f(self, a, b=1):\n        if a and b or not a:\n            return g(a, b)\n        try:\n            pass\n        except Exception:\n            pass\n        password = 'hunter2hunter2'\n",
    ),
    (
        "a.rs",
        "use a::b;\n// let x = 1;\nimpl T for S { fn f(&self, a: u8) -> u8 { if a > 1 && a < 3 { return 2; } match a { 1 => 2, _ => loop { break; } } } }\n",
    ),
    (
        "a.js",
        "import { a, b as c } from 'x';\nfunction f(a, b) { try { return g(a, b); } catch (e) {} }\nconst h = (x) => x ? 1 : 2; debugger;\n",
    ),
    (
        "a.ts",
        "abstract class A<T> implements B { private x: string = `a${b}`; f(a: number): void { for (const i of a) { continue; } } }\n",
    ),
    ("a.tsx", "export const A = (p: P) => <div a={p.b}>{p.c && <b/>}</div>;\n"),
    (
        "a.go",
        "package a\nimport \"fmt\"\nfunc (s *S) f(a, b int) int { if a == b { return 1 } else if a > b { goto x }\nx:\n switch a { case 1: fmt.Println(1) }\n return 2 }\n",
    ),
    (
        "A.java",
        "import a.B;\nclass CarFactory { private int f(int a) { out: while (true) { break out; } switch (a) { case 1: return 1; } return 2; } }\n",
    ),
    (
        "a.cpp",
        "#include <a>\nstatic int g(int a) { return a ? 1 : 2; }\ntemplate <class T> void f(T a) { do { goto x; } while (0); x: throw a; }\n",
    ),
];

const PIECES: &[&str] = &[
    "(",
    ")",
    "{",
    "}",
    "[",
    "\"",
    "'",
    "`",
    "/*",
    "*/",
    "//",
    "#",
    "\n",
    "\r\n",
    "    ",
    "\t",
    ";",
    ":",
    "=",
    "&&",
    "if ",
    "else ",
    "def f(",
    "fn f(",
    "class ",
    "return ",
    "\u{202e}",
    "\u{200b}",
    "\u{1b}",
    "\0",
    "\u{430}",
    "\u{e0041}",
    "é",
    "password=",
    "ghp_",
    "://a:b@",
    "-----BEGIN ",
    "<<<<<<< a\n",
    "=======\n",
    ">>>>>>> b\n",
    "SPDX-",
    "eyJ",
    "GNU General Public License",
];

fn run_all(path: &str, text: &str) {
    let source = Source::new(Path::new(path), text);
    let checks = [
        secrets::findings,
        markers::findings,
        invisible::findings,
        debug_left::findings,
        commented_out::findings,
        dead_code::findings,
        complexity::findings,
        over_engineering::findings,
    ];
    for check in checks {
        check(&source);
    }
    let file =
        FileDelta { path: path.into(), moved_from: None, before: Content::Absent, after: Content::Text(text.into()) };
    let change = ChangeSet { files: vec![file] };
    let tree: MemoryTree = [(path, text), ("b.py", text), ("LICENSE", "Apache License")].into_iter().collect();
    duplication::report(&change, &tree);
    license::report(&change, &tree);
    over_engineering::report(&change, &MemoryTree::default(), &tree);
    complexity::report(&change, &tree);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn mutated_code_is_answered(
        sample in 0..SAMPLES.len(),
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), 0..PIECES.len(), 0..4_usize, 0..12_usize), 1..12),
    ) {
        let (path, text) = SAMPLES[sample];
        let mut letters: Vec<char> = text.chars().collect();
        for (place, piece, n_times, n_removed) in edits {
            let at = place.index(letters.len() + 1);
            let end = letters.len().min(at + n_removed);
            letters.splice(at..end, PIECES[piece].repeat(n_times).chars());
        }
        run_all(path, &letters.into_iter().collect::<String>());
    }
}

#[test]
fn repetition_and_depth_are_answered() {
    for (path, piece) in [
        ("a.py", "("),
        ("a.py", "if a:\n "),
        ("a.js", "function f(){"),
        ("a.js", "// f(1);\n\n"),
        ("a.rs", "{"),
        ("a.py", "x = 1\n"),
        ("a.js", "a && "),
        ("a.cpp", "static int g() { return 1; }\n"),
        ("a.py", "'\u{200b}'"),
        ("a.py", "# \u{200b}\u{1b}\n"),
        ("a.js", "var key=token,"),
        ("a.ts", "é\u{430}1 "),
    ] {
        run_all(path, &piece.repeat(20_000 / piece.len()));
    }
}
