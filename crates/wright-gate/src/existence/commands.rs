//! Packages named in commands that install them: in scripts, recipes, jobs of build servers, pages of documentation.

use super::Ecosystem;
use super::manifests::requirement;

/// A package that a command would install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// Its ecosystem.
    pub ecosystem: Ecosystem,
    /// Its name, as [`Ecosystem::normal`] spells it.
    pub name: String,
    /// The line, counted from 1.
    pub line: usize,
}

/// A command that installs what follows it.
struct Verb {
    words: &'static [&'static str],
    ecosystem: Ecosystem,
    /// Options that take a word which is no package.
    with_value: &'static [&'static str],
}

const PIP: &[&str] = &[
    "-r",
    "--requirement",
    "-c",
    "--constraint",
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "-t",
    "--target",
    "-e",
    "--editable",
    "--python",
    "-p",
    "--prefix",
    "--root",
    "--platform",
    "--trusted-host",
    "--group",
    "-G",
    "--extra",
    "--source",
    "--index",
    "--tag",
    "--branch",
    "--rev",
];
const NPM: &[&str] =
    &["-w", "--workspace", "--prefix", "--registry", "--filter", "-F", "--tag", "-C", "--dir", "--cwd"];
const CARGO: &[&str] = &[
    "--git",
    "--path",
    "--features",
    "-F",
    "-p",
    "--package",
    "--version",
    "--vers",
    "--branch",
    "--tag",
    "--rev",
    "--registry",
    "--rename",
    "--target",
    "--root",
    "--manifest-path",
    "-j",
    "--jobs",
    "--profile",
    "--bin",
];

const VERBS: &[Verb] = &[
    Verb { words: &["pip", "install"], ecosystem: Ecosystem::PyPi, with_value: PIP },
    Verb { words: &["pip3", "install"], ecosystem: Ecosystem::PyPi, with_value: PIP },
    Verb { words: &["pipx", "install"], ecosystem: Ecosystem::PyPi, with_value: PIP },
    Verb { words: &["pipx", "run"], ecosystem: Ecosystem::PyPi, with_value: PIP },
    Verb { words: &["uv", "add"], ecosystem: Ecosystem::PyPi, with_value: PIP },
    Verb { words: &["uvx"], ecosystem: Ecosystem::PyPi, with_value: PIP },
    Verb { words: &["poetry", "add"], ecosystem: Ecosystem::PyPi, with_value: PIP },
    Verb { words: &["pdm", "add"], ecosystem: Ecosystem::PyPi, with_value: PIP },
    Verb { words: &["pipenv", "install"], ecosystem: Ecosystem::PyPi, with_value: PIP },
    Verb { words: &["npm", "install"], ecosystem: Ecosystem::Npm, with_value: NPM },
    Verb { words: &["npm", "i"], ecosystem: Ecosystem::Npm, with_value: NPM },
    Verb { words: &["npm", "add"], ecosystem: Ecosystem::Npm, with_value: NPM },
    Verb { words: &["yarn", "add"], ecosystem: Ecosystem::Npm, with_value: NPM },
    Verb { words: &["pnpm", "add"], ecosystem: Ecosystem::Npm, with_value: NPM },
    Verb { words: &["pnpm", "install"], ecosystem: Ecosystem::Npm, with_value: NPM },
    Verb { words: &["pnpm", "i"], ecosystem: Ecosystem::Npm, with_value: NPM },
    Verb { words: &["bun", "add"], ecosystem: Ecosystem::Npm, with_value: NPM },
    Verb { words: &["bun", "install"], ecosystem: Ecosystem::Npm, with_value: NPM },
    Verb { words: &["npx"], ecosystem: Ecosystem::Npm, with_value: NPM },
    Verb { words: &["cargo", "add"], ecosystem: Ecosystem::Crates, with_value: CARGO },
    Verb { words: &["cargo", "install"], ecosystem: Ecosystem::Crates, with_value: CARGO },
    Verb { words: &["go", "get"], ecosystem: Ecosystem::Go, with_value: &[] },
    Verb { words: &["go", "install"], ecosystem: Ecosystem::Go, with_value: &[] },
];

/// Runs one program, whose words are no further packages.
const RUNNERS: &[&str] = &["npx", "uvx", "run"];

/// Returns the packages that the commands of a text install.
pub fn installations(text: &str) -> Vec<Installation> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((at, line)) = lines.next() {
        let mut command = line.trim_end().to_owned();
        while command.ends_with('\\') && command.len() < 20_000 {
            command.pop();
            let Some((_, more)) = lines.next() else { break };
            command.push(' ');
            command.push_str(more.trim());
        }
        for part in command.split(['&', '|', ';']) {
            found.extend(packages(part).into_iter().map(|(ecosystem, name)| Installation {
                ecosystem,
                name,
                line: at + 1,
            }));
        }
    }
    found
}

fn packages(command: &str) -> Vec<(Ecosystem, String)> {
    let trim: &[char] = &['"', '\'', '`', '$', '[', ']', '(', ')', ',', '!', '%', '>', '{', '}'];
    let words: Vec<&str> =
        command.split(|it: char| it.is_whitespace() || it == ',').filter(|it| !it.is_empty()).collect();
    let plain = |at: usize| words.get(at).map(|it| it.trim_matches(trim));
    let starts =
        |verb: &Verb, at: usize| verb.words.iter().enumerate().all(|(next, word)| plain(at + next) == Some(word));
    // A page may speak of a command in the middle of a sentence; there its end is not known.
    let is_prose = |at: usize| at > 12;
    for at in (0..words.len()).take_while(|at| !is_prose(*at)) {
        if let Some(verb) = VERBS.iter().find(|verb| starts(verb, at)) {
            let is_quoted = words[at].starts_with('`');
            return arguments(verb, &words[at + verb.words.len()..], is_quoted, trim);
        }
    }
    Vec::new()
}

fn arguments(verb: &Verb, words: &[&str], is_quoted: bool, trim: &[char]) -> Vec<(Ecosystem, String)> {
    let mut found = Vec::new();
    let mut skip = false;
    let is_runner = verb.words.iter().any(|it| RUNNERS.contains(it));
    for word in words {
        let ends = is_quoted && word.ends_with('`');
        let bare = word.trim_matches(trim);
        // The brackets of `name[extra]` are its own.
        let plain = if bare.contains('[') { word.trim_matches(['"', '\'', '`', ',']) } else { bare };
        let is_placeholder = word.starts_with("{{") || word.starts_with("${{");
        if is_placeholder || plain.starts_with('#') || plain.starts_with(['<', '&']) || *word == ">" {
            break;
        }
        if std::mem::take(&mut skip) || plain.starts_with('-') {
            skip = verb.with_value.contains(&plain);
        } else if let Some(name) = package(verb.ecosystem, word, plain) {
            found.push((verb.ecosystem, name));
            if is_runner {
                break;
            }
        } else if is_runner {
            break;
        }
        if ends {
            break;
        }
    }
    found
}

fn package(ecosystem: Ecosystem, word: &str, plain: &str) -> Option<String> {
    // A variable, a folder, an address or a placeholder is no name.
    let is_else =
        word.contains(['$', '*', '{', '<', '\\', ':']) || plain.starts_with(['.', '/', '~']) || plain.is_empty();
    if is_else {
        return None;
    }
    let name = match ecosystem {
        Ecosystem::PyPi => requirement(plain).filter(|it| it.1)?.0,
        Ecosystem::Npm => {
            let end = plain.rfind('@').filter(|at| *at > 0).unwrap_or(plain.len());
            plain[..end].to_owned()
        }
        Ecosystem::Crates | Ecosystem::Go | Ecosystem::Maven => plain.split('@').next()?.to_owned(),
    };
    let is_path = ecosystem == Ecosystem::Npm && !name.starts_with('@') && name.contains('/');
    (ecosystem.is_name(&name) && !is_path).then(|| ecosystem.normal(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(String, usize)> {
        installations(text).into_iter().map(|it| (it.name, it.line)).collect()
    }

    #[test]
    fn packages_are_found_in_scripts_recipes_and_jobs() {
        let text = "RUN pip install --no-cache-dir -r requirements.txt flask==2 \"uvicorn[standard]\" && \\\n    npm i -g typescript@5 @s/b\n\
                    - run: cargo install cargo-nextest --locked --version 1\n$ go get golang.org/x/tools@latest\n";
        let found = [
            ("flask", 1),
            ("uvicorn", 1),
            ("typescript", 1),
            ("@s/b", 1),
            ("cargo-nextest", 3),
            ("golang.org/x/tools", 4),
        ];
        assert_eq!(names(text), found.map(|(name, line)| (name.to_owned(), line)));
    }

    #[test]
    fn folders_addresses_and_variables_are_no_packages() {
        assert_eq!(
            names("pip install . -e ./x git+https://h/p $PKG {{ name }}\nnpm install\nnpm i ./local user/repo\n"),
            []
        );
    }

    #[test]
    fn a_command_quoted_in_a_sentence_ends_with_its_quote() {
        assert_eq!(names("Run `pip install flask` and then `npm start` here.\n"), [("flask".to_owned(), 1)]);
        assert_eq!(names("npx create-app my-app\n"), [("create-app".to_owned(), 1)]);
    }
}
