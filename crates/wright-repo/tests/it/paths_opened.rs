//! No code that handles a tree of someone else's opens a file by its path: that is what `beneath.rs` is for.
//!
//! A lint cannot tell a tree from a folder of ours, so each use of the plain calls is listed here with its reason, and a
//! new one fails until somebody has thought about it.

use std::path::{Path, PathBuf};

/// Calls that resolve a whole path, following links.
const PLAIN_CALLS: [&str; 12] = [
    "fs::read(",
    "fs::read_to_string(",
    "fs::write(",
    "fs::copy(",
    "fs::rename(",
    "fs::metadata(",
    "fs::read_dir(",
    "File::open(",
    "File::create",
    "OpenOptions::new",
    ".canonicalize(",
    "fs::symlink(",
];

/// The uses that are right: the file, how many there are, and why.
const ALLOWED: [(&str, usize, &str); 20] = [
    ("wright-repo/src/export.rs", 2, "the destination, a folder of ours that nobody works in yet"),
    ("wright-repo/src/git.rs", 2, "git folders of the user's and of ours"),
    ("wright-repo/src/hooks.rs", 3, "the user's own folder of hooks, which the user asks to change"),
    ("wright-gate/src/cache.rs", 6, "the program's own data folder"),
    ("wright-repo/src/history.rs", 9, "the history, a folder of ours outside every tree"),
    ("wright-repo/src/worktree.rs", 1, "the destination of a copy, which is not handed out yet"),
    ("wright-agent/src/ask.rs", 2, "a file that the user names"),
    ("wright-agent/src/generate.rs", 1, "a folder that the user names"),
    ("wright-agent/src/setup/client.rs", 2, "an empty folder of ours that no command has run in yet"),
    ("wright-agent/src/setup/manifests.rs", 4, "a copy of the base commit that nobody works in, and a folder of ours"),
    ("wright-agent/src/toolchains.rs", 1, "the user's own home"),
    ("wright-agent/src/fix/task.rs", 1, "the task's own folder"),
    ("wright-agent/src/fix/dependencies.rs", 1, "a link in a copy that nobody works in yet"),
    ("wright-gate/src/checks/symbols/oracle.rs", 2, "a scratch folder of ours, and the names in a folder of packages"),
    ("wright-gate/src/dependencies/database.rs", 3, "a folder of advisories that the user names"),
    ("wright-gate/src/dependencies/import.rs", 1, "an archive of advisories that the user names"),
    ("wright-gate/src/existence/installed.rs", 1, "the names in a folder of packages"),
    ("wright-gate/src/tools/cache.rs", 2, "the program's own data folder"),
    ("wright-gate/src/tools/copy.rs", 2, "a copy that no command has run in yet"),
    ("wright-gate/src/tools/run.rs", 1, "the names in a folder of packages"),
];

#[test]
fn every_plain_call_on_paths_is_listed_with_its_reason() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for name in ["wright-repo", "wright-gate", "wright-agent"] {
        sources(&crates.join(name).join("src"), &mut files);
    }
    assert!(files.len() > 30, "the sources are elsewhere now: {files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let found = plain_calls(&text);
        let name = file.strip_prefix(crates).unwrap().to_str().unwrap();
        let n_allowed =
            ALLOWED.iter().find(|(allowed, _, _)| name == *allowed).map_or(0, |(_, n_allowed, _)| *n_allowed);
        assert_eq!(found.len(), n_allowed, "{name}: {found:#?}");
    }
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sources(&path, files),
            false if path.file_name().is_some_and(|it| it == "tests.rs") => {}
            false => files.push(path),
        }
    }
}

/// Returns the lines above the tests that make such a call.
fn plain_calls(text: &str) -> Vec<&str> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.filter(|line| !line.contains("rustix::") && PLAIN_CALLS.iter().any(|call| line.contains(call))).collect()
}
