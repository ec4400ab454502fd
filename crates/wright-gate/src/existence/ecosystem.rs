//! The worlds that packages live in, and how each compares names.

use std::path::Path;

use wright_text::Language;

/// A world of packages with one registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ecosystem {
    /// Python.
    PyPi,
    /// JavaScript and TypeScript.
    Npm,
    /// Rust.
    Crates,
    /// Go.
    Go,
    /// Java.
    Maven,
}

impl Ecosystem {
    /// Returns the ecosystem of a language's packages; `None` for a language without a registry.
    pub fn of(language: Language) -> Option<Self> {
        match language {
            Language::Python => Some(Self::PyPi),
            Language::JavaScript | Language::TypeScript | Language::Tsx => Some(Self::Npm),
            Language::Rust => Some(Self::Crates),
            Language::Go => Some(Self::Go),
            Language::Java => Some(Self::Maven),
            Language::Cpp => None,
        }
    }

    /// Returns the name by which people know its registry.
    pub fn name(self) -> &'static str {
        match self {
            Self::PyPi => "PyPI",
            Self::Npm => "npm",
            Self::Crates => "the index of Rust crates",
            Self::Go => "the Go module index",
            Self::Maven => "Maven Central",
        }
    }

    /// Returns the form of a name under which two spellings of one package are equal.
    pub fn normal(self, name: &str) -> String {
        match self {
            Self::PyPi => {
                let mut normal = String::with_capacity(name.len());
                for letter in name.trim().chars() {
                    match letter {
                        '-' | '_' | '.' if normal.ends_with('-') => {}
                        '-' | '_' | '.' => normal.push('-'),
                        _ => normal.extend(letter.to_lowercase()),
                    }
                }
                normal
            }
            Self::Crates => name.trim().replace('_', "-"),
            Self::Npm | Self::Go | Self::Maven => name.trim().to_owned(),
        }
    }

    /// Returns whether a name could be registered at all: a name that could not is no package of it.
    pub fn is_name(self, name: &str) -> bool {
        let is_word = |word: &str, more: &str| {
            let ok = |letter: char| letter.is_ascii_alphanumeric() || more.contains(letter);
            !word.is_empty()
                && word.len() <= 214
                && word.chars().all(ok)
                && word.starts_with(|it: char| it.is_ascii_alphanumeric())
        };
        match self {
            Self::PyPi => is_word(name, "-_."),
            Self::Crates => is_word(name, "-_"),
            Self::Npm => {
                let lower = !name.chars().any(|it| it.is_ascii_uppercase());
                let parts = name.strip_prefix('@').map_or((None, Some(name)), |rest| match rest.split_once('/') {
                    Some((scope, name)) => (Some(scope), Some(name)),
                    None => (Some(rest), None),
                });
                lower && parts.0.is_none_or(|it| is_word(it, "-_.~")) && parts.1.is_some_and(|it| is_word(it, "-_.~"))
            }
            Self::Go => name.split('/').next().is_some_and(|host| host.contains('.')),
            Self::Maven => name.split(['.', ':']).all(|it| is_word(it, "-_")),
        }
    }
}

/// Returns whether a file is one in which a person writes commands: a script, a recipe, a job of a build server, a page.
pub fn is_command_file(path: &Path) -> bool {
    let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
    let is_named = ["Dockerfile", "Containerfile", "Makefile", "Justfile", "justfile", "Procfile"]
        .iter()
        .any(|it| name.starts_with(it));
    is_named || matches!(extension, "sh" | "bash" | "zsh" | "yml" | "yaml" | "md" | "rst" | "dockerfile" | "mk" | "ps1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_of_one_package_are_equal() {
        assert_eq!(Ecosystem::PyPi.normal("Ruamel._Yaml"), "ruamel-yaml");
        assert_eq!(Ecosystem::Crates.normal("serde_json"), "serde-json");
        assert_eq!(Ecosystem::Npm.normal("@types/node"), "@types/node");
    }

    #[test]
    fn an_alias_of_a_bundler_is_no_package_name() {
        for (name, is_name) in [
            ("react", true),
            ("@scope/name", true),
            ("@/store", false),
            ("~", false),
            ("@app", false),
            ("Store", false),
        ] {
            assert_eq!(Ecosystem::Npm.is_name(name), is_name, "{name}");
        }
    }
}
