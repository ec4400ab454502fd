//! The modules of other packages that a text names, by language.

mod go;
mod java;
mod javascript;
mod python;
mod rust;

use std::ops::Range;

use wright_text::Language;

use crate::Source;

/// One module that a text imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The module as it is written: `a.b`, `@scope/name/part`, `serde::de`, `github.com/a/b`, `com.a.b.C`.
    pub module: String,
    /// Where it is written.
    pub range: Range<usize>,
    /// Whether the text expects that it may be missing, as `try: import x` with an `except ImportError` does.
    pub is_optional: bool,
}

/// Returns the absolute imports of a text, in source order. Relative ones are the repository's own and are left out.
pub fn imports(source: &Source<'_>) -> Vec<Import> {
    let (Some(language), Some(tree)) = (source.language, source.tree()) else { return Vec::new() };
    let (root, text) = (tree.root(), source.text);
    match language {
        Language::Python => python::imports(root, text),
        Language::JavaScript | Language::TypeScript | Language::Tsx => javascript::imports(root, text),
        Language::Rust => rust::imports(root, text),
        Language::Go => go::imports(root, text),
        Language::Java => java::imports(root, text),
        Language::Cpp => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn modules(path: &str, text: &str) -> Vec<String> {
        imports(&Source::new(Path::new(path), text)).into_iter().map(|it| it.module).collect()
    }

    #[test]
    fn python_imports_are_found_wherever_they_stand() {
        let text = "import a, b.c as d\nfrom e.f import g\nfrom . import h\nfrom .i import j\ndef f():\n    import k\n\
                    m = importlib.import_module('m.n')\n";
        assert_eq!(modules("x.py", text), ["a", "b.c", "e.f", "k", "m.n"]);
    }

    #[test]
    fn an_import_that_may_fail_is_optional() {
        let text = "try:\n    import ujson\nexcept ImportError:\n    import json\nif TYPE_CHECKING:\n    import t\n";
        let found = imports(&Source::new(Path::new("x.py"), text));
        let optional: Vec<_> = found.iter().map(|it| (it.module.as_str(), it.is_optional)).collect();
        assert_eq!(optional, [("ujson", true), ("json", false), ("t", false)]);
    }

    #[test]
    fn javascript_imports_are_found_in_all_their_forms() {
        let text = "import a from 'a';\nimport './own';\nexport * from '@s/b/c';\nconst d = require('d/e');\n\
                    const f = await import('f');\nimport type { G } from \"g\";\nrequire(name);\n";
        assert_eq!(modules("x.ts", text), ["a", "@s/b/c", "d/e", "f", "g"]);
    }

    #[test]
    fn rust_crates_are_told_from_modules_of_the_file() {
        let text = "mod own;\nuse std::io;\nuse serde::de::{self, Visitor};\nuse crate::a;\nuse own::b;\nuse {toml, regex as r};\n\
                    use Kind::*;\nenum Kind { A }\nfn f() { rand::thread_rng(); io::stdin(); let x = own::f(); }\n\
                    #[tokio::main]\nasync fn main() {}\n";
        assert_eq!(modules("x.rs", text), ["std::io", "serde::de", "toml", "regex", "rand::thread_rng", "tokio::main"]);
    }

    #[test]
    fn go_and_java_imports_are_whole_paths() {
        let go = "package p\nimport (\n\t\"fmt\"\n\tx \"github.com/a/b/v2\"\n)\n";
        assert_eq!(modules("x.go", go), ["fmt", "github.com/a/b/v2"]);
        let java = "package p;\nimport java.util.List;\nimport static org.a.B.c;\nimport com.x.*;\n";
        assert_eq!(modules("X.java", java), ["java.util.List", "org.a.B.c", "com.x.*"]);
    }
}
