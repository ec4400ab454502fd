//! What counts as new, as a table: files before, files after, and the lines of the findings that are new.
//!
//! The rule of these tests finds each call of `danger`, and each `allowed` whose text has no `guard` anywhere.

use std::path::Path;

use super::*;
use crate::change::Content;

/// Files as `//- path` lines with their text below; `//- old => new` is a move.
fn files(text: &str) -> Vec<(String, Option<String>, String)> {
    let mut files: Vec<(String, Option<String>, String)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("//- ") {
            Some(name) => match name.split_once(" => ") {
                Some((from, to)) => files.push((to.to_owned(), Some(from.to_owned()), String::new())),
                None => files.push((name.to_owned(), None, String::new())),
            },
            None => {
                let (_, _, text) = files.last_mut().unwrap();
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    files
}

fn change(before: &str, after: &str) -> ChangeSet {
    let (before, after) = (files(before), files(after));
    let content = |text: Option<&String>| text.map_or(Content::Absent, |it| Content::Text(it.as_str().into()));
    let mut set = ChangeSet::default();
    for (path, moved_from, text) in &after {
        let earlier = moved_from.as_ref().unwrap_or(path);
        let old = before.iter().find(|it| it.0 == *earlier).map(|it| &it.2);
        let moved_from = moved_from.as_ref().map(Into::into);
        set.files.push(FileDelta { path: path.into(), moved_from, before: content(old), after: content(Some(text)) });
    }
    for (path, _, text) in before {
        if !set.files.iter().any(|it| it.path_before() == Path::new(&path)) {
            let before = Content::Text(text.into());
            set.files.push(FileDelta { path: path.into(), moved_from: None, before, after: Content::Absent });
        }
    }
    set
}

fn toy_findings(path: &Path, text: &str) -> Vec<Finding> {
    let source = Source::new(path, text);
    let mut findings = Vec::new();
    for (start, _) in text.match_indices("danger(") {
        let rest = &text[start..];
        let end = start + rest.find(')').map_or(rest.len(), |it| it + 1);
        findings.push(Finding::error("toy", "danger").within(path, source.span(start..end)));
    }
    for (start, word) in text.match_indices("allowed(").filter(|_| !text.contains("guard")) {
        findings.push(
            Finding::error("toy", "no guard").rule("toy/guard").within(path, source.span(start..start + word.len())),
        );
    }
    for (start, _) in text.match_indices("SECRET=") {
        let value: String = text[start + 7..].chars().take_while(|it| !it.is_whitespace()).collect();
        let finding = Finding::error("toy", "secret").rule("toy/secret");
        findings.push(finding.within(path, source.span(start..start + 7)).key(crate::hex_digest(value.as_bytes())));
    }
    for (line, _) in text.lines().enumerate().filter(|(_, it)| it.contains("by_line")) {
        findings.push(Finding::error("toy", "a line").rule("toy/line").at(path, Some(line + 1)));
    }
    findings
}

fn judged(before: &str, after: &str) -> Vec<Judged> {
    let change = change(before, after);
    let side = |path: fn(&FileDelta) -> &Path, text: fn(&FileDelta) -> &str| -> Vec<Finding> {
        change.files.iter().flat_map(|it| toy_findings(path(it), text(it))).collect()
    };
    let before = side(FileDelta::path_before, FileDelta::text_before);
    compare(before, side(|it| &it.path, FileDelta::text_after), &change)
}

/// Returns new, unchanged and absent findings, as `path:line`.
fn states(before: &str, after: &str) -> (Vec<String>, usize, usize) {
    let judged = judged(before, after);
    let count = |state| judged.iter().filter(|it| it.state == state).count();
    let new = judged.iter().filter(|it| it.state == State::New);
    let place = |it: &Judged| {
        let path = it.finding.path.as_ref().map(|it| it.display().to_string()).unwrap_or_default();
        format!("{path}:{}", it.finding.line.unwrap_or_default())
    };
    (new.map(place).collect(), count(State::Unchanged), count(State::Absent))
}

#[test]
fn what_was_there_is_not_new_wherever_it_went() {
    let table = [
        ("untouched", "//- a.py\ndanger(x)", "//- a.py\ndanger(x)\ny = 1"),
        ("lines above", "//- a.py\ndanger(x)", "//- a.py\nimport a\n\n\ndanger(x)"),
        ("indented", "//- a.py\ndanger(x)", "//- a.py\nif y:\n    danger(x)"),
        ("broken into lines", "//- a.py\ndanger(x, 'y')", "//- a.py\ndanger(\n    x,\n    'y',\n)"),
        ("joined into one line", "//- a.py\ndanger(\n  x,\n  y\n)", "//- a.py\ndanger(x, y)"),
        ("other quotes", "//- a.py\ndanger('a')", "//- a.py\ndanger(\"a\")"),
        ("a semicolon", "//- a.js\ndanger(x)", "//- a.js\ndanger(x);"),
        ("into a function", "//- a.py\ndanger(x)", "//- a.py\ndef f():\n    danger(x)"),
        ("its function was renamed", "//- a.py\ndef f():\n    danger(x)", "//- a.py\ndef g():\n    danger(x)"),
        (
            "functions in another order",
            "//- a.py\ndef f():\n    danger(x)\ndef g():\n    danger(y)",
            "//- a.py\ndef g():\n    danger(y)\ndef f():\n    danger(x)",
        ),
        (
            "its variable was renamed",
            "//- a.py\ndef f(x):\n    danger(x, 1)",
            "//- a.py\ndef f(name):\n    danger(name, 1)",
        ),
        (
            "function and variable were renamed",
            "//- a.py\ndef f(x):\n    danger(x, 1)",
            "//- a.py\ndef g(name):\n    danger(name, 1)",
        ),
        (
            "an argument more",
            "//- a.py\ndef f(x):\n    danger(sql, x, 1)",
            "//- a.py\ndef f(x):\n    danger(sql, x, 1, y)",
        ),
        ("the file was renamed", "//- a.py\ndef f():\n    danger(x)", "//- a.py => b/c.py\ndef f():\n    danger(x)"),
        (
            "the file was renamed and edited",
            "//- a.py\ndef f():\n    danger(x)",
            "//- a.py => b.py\nimport os\ndef f():\n    danger(x)",
        ),
        (
            "the function went to another file",
            "//- a.py\ndef f():\n    danger(x)\n//- b.py\ny = 1",
            "//- a.py\ny = 2\n//- b.py\ny = 1\ndef f():\n    danger(x)",
        ),
        (
            "the function went to a new file",
            "//- a.py\ndef f():\n    danger(x)",
            "//- a.py\ny = 1\n//- new.py\ndef f():\n    danger(x)",
        ),
        (
            "the method became a function",
            "//- a.py\nclass A:\n    def f(self):\n        danger(x)",
            "//- a.py\ny = 1\n//- b.py\ndef f():\n    danger(x)",
        ),
        (
            "moved to another file and renamed",
            "//- a.py\ndef f(rows):\n    danger(select, rows, table)",
            "//- a.py\ny = 1\n//- b.py\ndef f(items):\n    danger(select, items, table)",
        ),
        ("loose code went to another file", "//- a.py\ndanger(x, y)", "//- a.py\nz = 1\n//- b.py\ndanger(x, y)"),
        (
            "two files were merged",
            "//- a.py\ndef f():\n    danger(x)\n//- b.py\ndef g():\n    danger(y)",
            "//- a.py\ndef f():\n    danger(x)\ndef g():\n    danger(y)",
        ),
        (
            "a file was split",
            "//- a.py\ndef f():\n    danger(x)\ndef g():\n    danger(y)",
            "//- a.py\ndef f():\n    danger(x)\n//- b.py\ndef g():\n    danger(y)",
        ),
        ("a secret was moved", "//- a.env\nSECRET=abc", "//- a.env\nX=1\nSECRET=abc"),
        ("a secret went to another file", "//- a.env\nSECRET=abc", "//- a.env\nX=1\n//- b.env\nSECRET=abc"),
        ("one of two is gone", "//- a.py\ndanger(x)\ndanger(x)", "//- a.py\ndanger(x)"),
        ("known by its line only", "//- a.py\nx = by_line(1)", "//- a.py\nimport a\nx = by_line(\n    1,\n)"),
        (
            "known by its line only, with more below",
            "//- a.py\ndef f(x):\n    by_line(x)",
            "//- a.py\ndef f(x):\n    by_line(x)\n    log(x, 1, 2, 3)\n    return x + 1",
        ),
        (
            "the same in braces",
            "//- a.js\nfunction f(x) { \n  by_line(x)\n}",
            "//- a.js\nfunction f(x) {\n  by_line(x);\n  return log(x, 1, 2, 3);\n}",
        ),
        ("a guard was missing before", "//- a.py\nallowed(x)", "//- a.py\ny = 1\nallowed(x)"),
        ("Windows line ends", "//- a.py\ndanger(x,\n  y)", "//- a.py\r\ndanger(x,\r\n  y)\r"),
        (
            "a wrapper around it",
            "//- a.py\ndef f():\n    danger(x, y)",
            "//- a.py\ndef f():\n    return log(danger(x, y))",
        ),
        ("tabs for spaces", "//- a.go\nfunc f() {\n    danger(x)\n}", "//- a.go\nfunc f() {\n\tdanger(x)\n}"),
    ];
    for (what, before, after) in table {
        let (new, n_unchanged, _) = states(before, after);
        assert_eq!((new, n_unchanged > 0), (Vec::new(), true), "{what}");
    }
}

#[test]
fn what_the_change_brings_is_new() {
    let table: [(&str, &str, &str, &[&str]); 16] = [
        ("a new line", "//- a.py\nx = 1", "//- a.py\nx = 1\ndanger(x)", &["a.py:2"]),
        ("a new file", "//- a.py\nx = 1", "//- a.py\nx = 1\n//- b.py\ndanger(x)", &["b.py:1"]),
        ("a copy below", "//- a.py\ndanger(x)", "//- a.py\ndanger(x)\ndanger(x)", &["a.py:2"]),
        (
            "a copy of the function",
            "//- a.py\ndef f():\n    danger(x)",
            "//- a.py\ndef f():\n    danger(x)\ndef g():\n    danger(x)",
            &["a.py:4"],
        ),
        (
            "a copy in another file",
            "//- a.py\ndef f():\n    danger(x)",
            "//- a.py\ndef f():\n    danger(x)\n//- b.py\ndef f():\n    danger(x)",
            &["b.py:2"],
        ),
        (
            "a copy of a file that was moved",
            "//- a.py\ndef f():\n    danger(x)",
            "//- a.py => b.py\ndef f():\n    danger(x)\n//- c.py\ndef f():\n    danger(x)",
            &["c.py:2"],
        ),
        ("a guard that went", "//- a.py\nguard(x)\nallowed(x)", "//- a.py\nallowed(x)", &["a.py:1"]),
        ("another rule", "//- a.py\ndanger(x)", "//- a.py\nallowed(x)", &["a.py:1"]),
        ("another secret", "//- a.env\nSECRET=abc", "//- a.env\nSECRET=xyz", &["a.env:1"]),
        ("a secret again", "//- a.env\nSECRET=abc", "//- a.env\nSECRET=abc\nSECRET=abc", &["a.env:2"]),
        (
            "something quite different in the same function",
            "//- a.py\ndef f():\n    danger(x)",
            "//- a.py\ndef f():\n    danger(\"SELECT \" + a[b] + c.d(1, 2, 3))",
            &["a.py:2"],
        ),
        (
            "short code in another file",
            "//- a.py\nx = [by_line]\n",
            "//- a.py\nx = 1\n//- b.py\nby_line\n",
            &["b.py:1"],
        ),
        (
            "one of three in another function",
            "//- a.py\ndef f():\n    danger(x)\n    danger(y)",
            "//- a.py\ndef f():\n    danger(x)\n    danger(y)\ndef g():\n    danger(z, 1, 2)",
            &["a.py:5"],
        ),
        (
            "a file that comes back under another name with more",
            "//- a.py\ndanger(x)",
            "//- a.py => b.py\ndanger(x)\ndanger(y, z, 1)",
            &["b.py:2"],
        ),
        ("after the first of its kind", "//- a.py\nx = 1", "//- a.py\ndanger(x)\ndanger(x)", &["a.py:1", "a.py:2"]),
        (
            "in place of what was deleted elsewhere with other words",
            "//- a.py\ndanger(a.b.c)\n//- z.py\ny = 1",
            "//- a.py\nx = 1\n//- z.py\ny = 1\ndanger([1, 2], f(9))",
            &["z.py:2"],
        ),
    ];
    for (what, before, after, expected) in table {
        assert_eq!(states(before, after).0, expected, "{what}");
    }
}

#[test]
fn what_went_is_absent() {
    assert_eq!(states("//- a.py\ndanger(x)\ndanger(y)", "//- a.py\ndanger(y)"), (Vec::new(), 1, 1));
    assert_eq!(states("//- a.py\ndanger(x)", "//- b.py\ny = 1"), (Vec::new(), 0, 1));
}

#[test]
fn a_fingerprint_stays_when_lines_move_and_files_are_renamed() {
    let fingerprint = |text: &str| judged("", text)[0].fingerprint.clone();
    let first = fingerprint("//- a.py\ndef f():\n    danger(x)");
    assert_eq!(first, fingerprint("//- z/b.py\n\n\ndef f():\n    danger( x )"));
    assert_ne!(first, fingerprint("//- a.py\ndef g():\n    danger(x)"));
    assert_ne!(first, fingerprint("//- a.py\ndef f():\n    danger(y)"));
}

#[test]
fn equal_findings_in_one_file_have_fingerprints_of_their_own() {
    let all: Vec<String> = judged("", "//- a.py\ndanger(x)\ndanger(x)").into_iter().map(|it| it.fingerprint).collect();
    assert_eq!(all.len(), 2);
    assert_ne!(all[0], all[1]);
}

#[test]
fn the_same_text_twice_has_nothing_new_however_it_is_cut() {
    let text =
        "def f(x):\n    danger(x, 'é')\n    by_line(SECRET=abc)\n\nclass A:\n    def g(self):\n        allowed(1)\n";
    for end in (0..text.len()).filter(|it| text.is_char_boundary(*it)) {
        let side = format!("//- a.py\n{}", &text[..end]);
        assert_eq!(states(&side, &side).0, Vec::<String>::new(), "{side}");
    }
}

#[test]
fn findings_without_a_file_are_known_by_their_words() {
    let finding = |words: &str| Finding::error("toy", words);
    let judged = compare(vec![finding("a")], vec![finding("a"), finding("b")], &ChangeSet::default());
    let states: Vec<State> = judged.iter().map(|it| it.state).collect();
    assert_eq!(states, [State::Unchanged, State::New]);
}
