//! Finds a tool's program: in the project's own packages first, whose versions the project chose, then on the search path.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::run::ToolSetup;

/// Returns the program of a tool.
pub(super) fn program(setup: &ToolSetup, name: &str) -> Option<PathBuf> {
    let own = setup.installed.iter().flat_map(|folder| [folder.join(".bin"), folder.join("bin")]);
    let folders = own.chain(search_path(setup));
    folders.map(|folder| folder.join(name)).find(|path| is_program(path))
}

/// Returns the interpreter that knows the project's Python packages.
pub(super) fn python(setup: &ToolSetup) -> Option<PathBuf> {
    let own = setup.installed.iter().map(|folder| folder.join("bin/python"));
    own.chain(search_path(setup).map(|folder| folder.join("python3"))).find(|path| is_program(path))
}

/// Returns what tells one build of a program from another without running it.
pub(super) fn fingerprint(program: &Path) -> String {
    let Ok(found) = program.metadata() else { return String::new() };
    let modified = found.modified().ok().and_then(|it| it.duration_since(std::time::UNIX_EPOCH).ok());
    format!("{} {} {:?}", program.display(), found.len(), modified.unwrap_or_default())
}

fn search_path(setup: &ToolSetup) -> impl Iterator<Item = PathBuf> {
    let path = setup.env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_str()).unwrap_or_default();
    std::env::split_paths(path).filter(|folder| folder.is_absolute()).collect::<Vec<_>>().into_iter()
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}
