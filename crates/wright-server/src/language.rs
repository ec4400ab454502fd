//! Guesses the language of a text whose file name the client does not say, as llama.vim does not.
//!
//! The guess decides which grammar the gate judges by, so a doubtful one is worse than none: then nothing is parsed.

use std::path::PathBuf;

use wright_text::Language;

/// How much text on each side of the hole is looked at, in bytes.
const MAX_LOOK: usize = 16 << 10;

/// How many lines must speak for a language.
const MIN_LINES: usize = 2;

/// Returns a path with the ending of the language that the text looks like.
pub(crate) fn guess_path(prefix: &str, suffix: &str) -> PathBuf {
    let ending = guess(prefix, suffix).map_or("txt", |language| match language {
        Language::Python => "py",
        Language::Rust => "rs",
        Language::JavaScript => "js",
        Language::TypeScript => "ts",
        Language::Tsx => "tsx",
        Language::Go => "go",
        Language::Java => "java",
        Language::Cpp => "cpp",
    });
    PathBuf::from(format!("untitled.{ending}"))
}

/// Returns the language for which at least twice as many lines speak as for any other.
fn guess(prefix: &str, suffix: &str) -> Option<Language> {
    let prefix = &prefix[prefix.ceil_char_boundary(prefix.len().saturating_sub(MAX_LOOK))..];
    let suffix = &suffix[..suffix.floor_char_boundary(MAX_LOOK)];
    let mut counts: Vec<(usize, Language)> = SIGNS
        .iter()
        .map(|(language, speaks)| {
            let lines = prefix.lines().chain(suffix.lines()).map(str::trim);
            (lines.filter(|line| speaks(line)).count(), *language)
        })
        .collect();
    counts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let (most, second) = (counts[0].0, counts[1].0);
    let language = (most >= MIN_LINES && most >= 2 * second).then_some(counts[0].1)?;
    let is_typed = language == Language::JavaScript && prefix.lines().chain(suffix.lines()).any(is_typescript);
    Some(if is_typed { Language::TypeScript } else { language })
}

/// What speaks for a language in a line without its indentation.
type Sign = fn(&str) -> bool;

const SIGNS: [(Language, Sign); 6] = [
    (Language::Python, is_python),
    (Language::Rust, is_rust),
    (Language::JavaScript, is_javascript),
    (Language::Go, is_go),
    (Language::Java, is_java),
    (Language::Cpp, is_cpp),
];

fn begins(line: &str, words: &[&str]) -> bool {
    words.iter().any(|it| line.starts_with(it))
}

fn is_python(line: &str) -> bool {
    let heads = ["def ", "class ", "if ", "elif ", "else:", "for ", "while ", "try:", "except", "with ", "async def "];
    let is_import = (line.starts_with("import ") || line.starts_with("from ") && line.contains(" import "))
        && !line.ends_with(';')
        && !line.contains(['"', '\'']);
    line.ends_with(':') && begins(line, &heads)
        || is_import
        || begins(line, &["self.", "@property", "return self."]) && !line.ends_with(';')
}

fn is_rust(line: &str) -> bool {
    let heads =
        ["fn ", "pub fn ", "pub struct ", "pub enum ", "pub(crate) ", "impl ", "impl<", "let mut ", "#[", "mod "];
    begins(line, &heads)
        || line.starts_with("use ") && line.ends_with(';')
        || line.starts_with("let ") && line.ends_with(';') && !line.contains("function")
        || line.contains(") -> ") && line.ends_with('{')
        || line.contains("::") && line.ends_with(';') && !is_cpp(line)
}

fn is_javascript(line: &str) -> bool {
    let heads = ["const ", "function ", "async function ", "export ", "module.exports", "let ", "var ", "interface "];
    let is_import = line.starts_with("import ") && line.contains(['"', '\'']);
    begins(line, &heads)
        && !line.contains(":=")
        && !line.contains("::")
        && !line.starts_with("let mut ")
        && !is_cpp(line)
        || is_import
        || line.contains("=> {")
        || line.contains("===")
        || line.starts_with("}) ")
}

fn is_typescript(line: &str) -> bool {
    let line = line.trim();
    let types = [": string", ": number", ": boolean", ": void", ": Promise<", ": any", ": unknown"];
    begins(line, &["interface ", "export interface ", "type ", "export type ", "import type "])
        || types.iter().any(|it| line.contains(it))
}

fn is_go(line: &str) -> bool {
    begins(line, &["func ", "package ", "defer ", "go func", "import ("]) && !line.ends_with(';')
        || line.contains(" := ") && !line.ends_with([';', ':'])
        || line.starts_with("if err != nil")
        || line.starts_with("type ") && (line.ends_with("struct {") || line.ends_with("interface {"))
}

fn is_java(line: &str) -> bool {
    let heads = ["public ", "private ", "protected ", "@Override", "import java", "final ", "static final "];
    begins(line, &heads) && !line.contains(": ")
        || line.starts_with("package ") && line.ends_with(';')
        || line.contains(" = new ") && line.ends_with(';') && !begins(line, &["const ", "let ", "var "])
}

/// What C has as well is no sign.
fn is_cpp(line: &str) -> bool {
    let heads = ["using namespace ", "template <", "template<", "public:", "private:", "protected:", "constexpr "];
    let types = ["std::string", "std::vector<", "std::map<", "std::set<", "std::pair<", "std::unordered_"];
    let objects = ["std::cout", "std::cin", "std::cerr", "cout <<", "cin >>", "std::unique_ptr<", "std::shared_ptr<"];
    let unqualified = line.trim_start_matches("const ");
    let is_header = line.starts_with("#include") && !line.ends_with([' ', '\t']) && !line.contains(".h");
    is_header
        || begins(line, &heads)
        || begins(unqualified, &types)
        || begins(line, &objects)
        || begins(line, &["virtual ", "explicit ", "const auto &", "const auto& ", "for (auto ", "for (const auto"])
        || line.starts_with("namespace ") && line.ends_with('{') && !line.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(guess_path(text, ""), PathBuf::from(expected), "{text}");
        assert_eq!(guess_path("", text), PathBuf::from(expected), "{text}");
    }

    #[test]
    fn a_language_is_told_by_its_lines() {
        check("import os\n\n\ndef f(x):\n    if x:\n        return 1\n", "untitled.py");
        check("use std::io;\n\nimpl A {\n    fn f(&self) -> u8 {\n        let x = 1;\n", "untitled.rs");
        check("const a = require('a');\n\nfunction f(x) {\n  return x === 1;\n}\n", "untitled.js");
        check("interface A {\n  x: number;\n}\n\nexport const f = (a: A): number => {\n", "untitled.ts");
        check("package main\n\nfunc f() error {\n\tx, err := g()\n\tif err != nil {\n", "untitled.go");
        check("#include <vector>\n\nnamespace a {\nstd::vector<int> f() {\n    std::string s;\n", "untitled.cpp");
        check("import java.util.List;\n\npublic class A {\n    private final int x;\n", "untitled.java");
    }

    #[test]
    fn what_could_be_anything_is_nothing() {
        check("x = 1\ny = 2\n", "untitled.txt");
        check("Dear all,\n\nthis is a letter.\n", "untitled.txt");
        check("#include <stdio.h>\n#include <math.h>\n\nint main(void) {\n", "untitled.txt");
        check("", "untitled.txt");
    }
}
