//! Copies a project's manifests, and nothing else of it: neither its code nor its settings of package clients.

use std::fs;
use std::io;
use std::path::Path;

use super::client::Client;

/// The most manifests that are copied.
const MAX_FILES: usize = 2_000;

/// The largest manifest, in bytes. Lock files of large projects have a few million.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// How deep manifests may lie.
const MAX_DEPTH: usize = 12;

/// Folders whose manifests belong to others.
const NOT_OURS: &[&str] = &[".git", "node_modules", "target", ".venv", "vendor"];

/// Copies the manifests that `client` reads from `project` to `tree`, which is created.
pub(super) fn copy(client: Client, project: &Path, tree: &Path) -> io::Result<()> {
    fs::create_dir_all(tree)?;
    let mut n_files = 0;
    copy_folder(client, project, tree, MAX_DEPTH, &mut n_files)
}

fn copy_folder(client: Client, from: &Path, to: &Path, depth: usize, n_files: &mut usize) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, name) = (entry.file_type()?, entry.file_name());
        let Some(text) = name.to_str() else { continue };
        if kind.is_dir() && depth > 0 && !NOT_OURS.contains(&text) {
            copy_folder(client, &entry.path(), &to.join(&name), depth - 1, n_files)?;
        } else if kind.is_file() && client.is_manifest(text) {
            // The file type is that of the entry itself, so a link is never followed.
            copy_file(client, &entry.path(), to, text, n_files)?;
        }
    }
    Ok(())
}

fn copy_file(client: Client, from: &Path, folder: &Path, name: &str, n_files: &mut usize) -> io::Result<()> {
    *n_files += 1;
    if *n_files > MAX_FILES || fs::symlink_metadata(from)?.len() > MAX_BYTES {
        return Err(io::Error::other(format!("too many or too large manifests, at {}", from.display())));
    }
    fs::create_dir_all(folder)?;
    fs::write(folder.join(name), fs::read(from)?)?;
    if client == Client::Cargo && name == "Cargo.toml" {
        // Cargo reads no manifest of a package without code.
        fs::create_dir_all(folder.join("src"))?;
        fs::write(folder.join("src/lib.rs"), "")?;
        fs::write(folder.join("src/main.rs"), "fn main() {}\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_copied_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let (project, tree) = (dir.path().join("project"), dir.path().join("tree"));
        for path in ["package.json", "a/package.json", ".npmrc", "index.js", "node_modules/x/package.json"] {
            let path = project.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        std::os::unix::fs::symlink("/etc/passwd", project.join("package-lock.json")).unwrap();
        copy(Client::Npm, &project, &tree).unwrap();
        let mut names: Vec<String> =
            fs::read_dir(&tree).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["a", "package.json"]);
        assert!(tree.join("a/package.json").is_file());
    }
}
