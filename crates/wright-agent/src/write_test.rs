//! Writes a test of one function, for the place where its language keeps tests. It passed the quick gate; it was not run.

use std::path::{Path, PathBuf};

use wright_gate::Finding;
use wright_gate::quick::{self, Surroundings};
use wright_provider::Provider;
use wright_text::{Document, Edit, Function, Language, SyntaxTree, fenced_blocks, reindent};

use crate::AgentError;
use crate::assistant::{Judged, NewTest};
use crate::boundary::{fill, quoted};
use crate::edit_function::{answers, function_at, samplings, shown};

/// Room for a test whose function is short, in bytes.
const USUAL_TEST: usize = 1_600;

/// Writes a test of the function at `offset`.
pub(crate) async fn write_test(
    provider: &dyn Provider,
    doc: &Document,
    offset: usize,
    root: Option<&Path>,
    exists: &(dyn Fn(&Path) -> bool + Sync),
) -> Result<Judged<NewTest>, AgentError> {
    let (tree, function) = match function_at(doc, offset) {
        Ok(found) => found,
        Err(finding) => return Ok(Err(vec![*finding])),
    };
    let language = tree.language();
    let place = place(language, &doc.path, &function.name, root, exists);
    let shown = quoted(shown(&tree, &function).trim_end());
    let values =
        [("language", language.name()), ("framework", &framework(language, doc, &function)), ("function", &shown.text)];
    let question = fill(include_str!("write_test.md"), &values);
    let prefill = format!("```{}\n", language.name());
    let mut refused = Vec::new();
    for sampling in samplings(USUAL_TEST) {
        for answer in answers(provider, &question, &prefill, sampling).await? {
            let Some(code) = fenced_blocks(&answer).into_iter().next().map(|it| it.text) else { continue };
            match judge(&shown.restore(&code), &tree, &function, doc, &place) {
                Ok(test) => return Ok(Ok(test)),
                Err(findings) => refused.extend(findings),
            }
        }
    }
    if refused.is_empty() {
        refused.push(Finding::error("answer", "no answer has any code"));
    }
    refused.dedup();
    Ok(Err(refused))
}

fn judge(
    code: &str,
    tree: &SyntaxTree,
    function: &Function,
    doc: &Document,
    place: &Path,
) -> Result<NewTest, Vec<Finding>> {
    let language = tree.language();
    let code = without_copy(code, language, &function.name);
    if !mentions(&code, language, &function.name) {
        let message = format!("the test does not call `{}`", function.name);
        return Err(vec![Finding::error("answer", message)]);
    }
    let known = Surroundings::default();
    let (path, edit) = if place == doc.path {
        let module = module(&code, &function.name);
        let end = doc.text().len();
        let gap = if doc.text().ends_with('\n') { "\n" } else { "\n\n" };
        (doc.path.clone(), quick::judge(doc, Edit::single(end..end, format!("{gap}{module}")), &known)?)
    } else {
        let text = with_import(&code, language, doc, function);
        let new = Document::new(place, 0, "");
        (place.to_owned(), quick::judge(&new, Edit::single(0..0, text), &known)?)
    };
    Ok(NewTest { name: function.name.clone(), path, edit })
}

/// Returns the file for a test. One that exists is never chosen, save the document itself.
fn place(
    language: Language,
    path: &Path,
    function: &str,
    root: Option<&Path>,
    exists: &(dyn Fn(&Path) -> bool + Sync),
) -> PathBuf {
    let folder = path.parent().unwrap_or(Path::new(""));
    let stem = path.file_stem().map_or_else(|| "code".to_owned(), |it| it.to_string_lossy().into_owned());
    let (folder, name, extension) = match language {
        Language::Rust => return path.to_owned(),
        Language::Python => {
            let tests = root.map(|it| it.join("tests")).filter(|it| exists(it));
            (tests.unwrap_or_else(|| folder.to_owned()), format!("test_{stem}_{function}"), "py")
        }
        Language::Go => (folder.to_owned(), format!("{stem}_{}", function.to_lowercase()), "go"),
        Language::Cpp => {
            // The name of an operator is no part of a path.
            let function: String = function.chars().filter(|it| it.is_alphanumeric() || *it == '_').collect();
            (folder.to_owned(), format!("{stem}_{function}_test"), "cpp")
        }
        Language::JavaScript => (folder.to_owned(), format!("{stem}.{function}"), "test.js"),
        Language::TypeScript => (folder.to_owned(), format!("{stem}.{function}"), "test.ts"),
        Language::Tsx => (folder.to_owned(), format!("{stem}.{function}"), "test.tsx"),
        Language::Java => {
            let text = folder.to_string_lossy();
            let tests = text.contains("/src/main/java").then(|| text.replacen("/src/main/java", "/src/test/java", 1));
            (
                tests.map_or_else(|| folder.to_owned(), PathBuf::from),
                format!("{stem}{}Test", capitalized(function)),
                "java",
            )
        }
    };
    let ending = if language == Language::Go { "_test" } else { "" };
    let numbered = (1..).map(|n: u32| match n {
        1 => folder.join(format!("{name}{ending}.{extension}")),
        n => folder.join(format!("{name}_{n}{ending}.{extension}")),
    });
    // The iterator has no end, so there always is one.
    numbered.into_iter().find(|it| !exists(it)).unwrap_or_else(|| path.with_extension("test"))
}

fn framework(language: Language, doc: &Document, function: &Function) -> String {
    let stem = doc.path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let name = &function.qualified_name;
    match language {
        Language::Python => format!("Use plain functions with `assert`, as pytest runs them. Import it from `{stem}`."),
        Language::Rust => "Write functions with `#[test]` only, without a module and without imports.".to_owned(),
        Language::Go => "Use the package `testing`, and the same package clause as the code.".to_owned(),
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            format!("Use `node:test` and `node:assert`. Import it from `./{stem}`.")
        }
        Language::Cpp => {
            let file = doc.path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
            format!("Use `assert` of `<cassert>` in a `main`. Include the code with `#include \"{file}\"`.")
        }
        Language::Java => format!("Use JUnit 5. The method is `{name}`."),
    }
}

/// Returns the code without the tested function, which small models like to repeat.
fn without_copy(code: &str, language: Language, name: &str) -> String {
    let tree = SyntaxTree::parse(language, code);
    match tree.functions().into_iter().find(|it| it.name == name && it.qualified_name == name) {
        Some(copy) => format!("{}{}", &code[..copy.range.start], code[copy.range.end..].trim_start_matches('\n')),
        None => code.to_owned(),
    }
}

fn mentions(code: &str, language: Language, name: &str) -> bool {
    let tree = SyntaxTree::parse(language, code);
    tree.identifiers(0..code.len()).iter().any(|(_, it)| *it == name)
}

/// Returns the test as the module that Rust code keeps beside itself.
fn module(code: &str, function: &str) -> String {
    let body = reindent(code.trim(), "", "    ");
    if code.contains("mod ") {
        return format!("{}\n", code.trim());
    }
    format!("#[cfg(test)]\nmod {function}_tests {{\n    use super::*;\n\n{body}\n}}\n")
}

/// Returns the code with the import of what it tests, where it is missing and can be told.
fn with_import(code: &str, language: Language, doc: &Document, function: &Function) -> String {
    let code = format!("{}\n", code.trim());
    let stem = doc.path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let is_method = function.qualified_name.contains('.');
    if language != Language::Python || is_method || code.contains("import ") && code.contains(&stem) {
        return code;
    }
    format!("from {stem} import {}\n\n\n{code}", function.name)
}

fn capitalized(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use wright_provider::replay::ScriptedProvider;

    use super::*;

    async fn written(path: &str, text: &str, answer: &str, existing: &[&str]) -> Result<(String, String), String> {
        let provider = ScriptedProvider::answering(&[answer]);
        let doc = Document::new(path, 1, text);
        let exists = |it: &Path| existing.iter().any(|other| Path::new(other) == it);
        let at = text.find("half").unwrap();
        match write_test(&provider, &doc, at, Some(Path::new("/p")), &exists).await.unwrap() {
            Ok(test) => {
                let before = if test.path == doc.path { text } else { "" };
                Ok((test.path.display().to_string(), test.edit.change().apply(before).unwrap()))
            }
            Err(findings) => Err(findings[0].message.clone()),
        }
    }

    const PYTHON: &str = "def half(x):\n    return x / 2\n";

    #[tokio::test]
    async fn a_python_test_gets_a_file_and_its_import() {
        let answer = "def half(x):\n    return x / 2\n\ndef test_half():\n    assert half(4) == 2\n";
        let (path, text) = written("/p/a.py", PYTHON, answer, &["/p/tests"]).await.unwrap();
        assert_eq!(path, "/p/tests/test_a_half.py");
        assert_eq!(text, "from a import half\n\n\ndef test_half():\n    assert half(4) == 2\n");
    }

    #[tokio::test]
    async fn a_file_that_exists_is_left_alone() {
        let answer = "from a import half\n\ndef test_half():\n    assert half(4) == 2\n";
        let (path, _) = written("/p/a.py", PYTHON, answer, &["/p/test_a_half.py"]).await.unwrap();
        assert_eq!(path, "/p/test_a_half_2.py");
    }

    #[tokio::test]
    async fn a_rust_test_becomes_a_module_of_the_file() {
        let text = "fn half(x: i32) -> i32 {\n    x / 2\n}\n";
        let answer = "#[test]\nfn halves() {\n    assert_eq!(half(4), 2);\n}\n";
        let (path, text) = written("/p/a.rs", text, answer, &[]).await.unwrap();
        assert_eq!(path, "/p/a.rs");
        assert!(
            text.ends_with("    #[test]\n    fn halves() {\n        assert_eq!(half(4), 2);\n    }\n}\n"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_cpp_test_gets_a_file() {
        let text = "int half(int x) {\n    return x / 2;\n}\n";
        let answer = "#include \"a.cpp\"\n#include <cassert>\n\nint main() {\n    assert(half(4) == 2);\n}\n";
        let (path, text) = written("/p/a.cpp", text, answer, &[]).await.unwrap();
        assert_eq!((path.as_str(), text.as_str()), ("/p/a_half_test.cpp", answer));
    }

    #[test]
    fn an_operator_leads_out_of_no_folder() {
        let path = place(Language::Cpp, Path::new("/p/a.h"), "operator/", None, &|_| false);
        assert_eq!(path, Path::new("/p/a_operator_test.cpp"));
    }

    #[tokio::test]
    async fn what_is_no_test_of_the_function_is_refused() {
        let refused = written("/p/a.py", PYTHON, "def test_it():\n    assert True\n", &[]).await;
        assert_eq!(refused, Err("the test does not call `half`".to_owned()));
        assert!(written("/p/a.py", PYTHON, "def test_it(:\n    half(1)\n", &[]).await.is_err());
    }
}
