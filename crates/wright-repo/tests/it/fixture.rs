//! A throw-away repository, driven by the real git program.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use wright_repo::{CommitId, RepoError, Repository};

/// A repository in a folder of its own, with room beside it for copies.
pub(crate) struct Fixture {
    folder: TempDir,
}

impl Fixture {
    /// Makes a repository that has no commit yet.
    pub(crate) fn empty() -> Self {
        let fixture = Self { folder: TempDir::new().unwrap() };
        std::fs::create_dir(fixture.root()).unwrap();
        fixture.git(["init", "--quiet", "--initial-branch=main"]);
        fixture
    }

    /// Makes a repository and commits the files.
    pub(crate) fn with(files: &[(&str, &[u8])]) -> Self {
        let fixture = Self::empty();
        for (path, content) in files {
            fixture.write(path, content);
        }
        fixture.commit();
        fixture
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.beside("repo")
    }

    /// Returns a path beside the repository where nothing is yet.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn repo(&self) -> Repository {
        self.discover().unwrap()
    }

    pub(crate) fn discover(&self) -> Result<Repository, RepoError> {
        Repository::discover(&self.root())
    }

    pub(crate) fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.root().join(path)).unwrap()
    }

    /// Commits everything that is there.
    pub(crate) fn commit(&self) -> CommitId {
        self.git(["add", "--all"]);
        self.git(["commit", "--quiet", "--allow-empty", "--message=x"]);
        self.commit_id("HEAD")
    }

    /// Makes a commit of a tree written by hand, with names that git itself would refuse.
    pub(crate) fn commit_tree(&self, entries: &[(&str, &str, &str)]) -> CommitId {
        let mut tree = Vec::new();
        for (mode, name, object) in entries {
            tree.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            let byte = |start| u8::from_str_radix(&object[start..start + 2], 16).unwrap();
            tree.extend((0..object.len()).step_by(2).map(byte));
        }
        let tree = self.git_with(["hash-object", "-t", "tree", "-w", "--literally", "--stdin"], &tree);
        let commit = self.git(["commit-tree", "-m", "x", &tree]);
        CommitId::parse(&commit).unwrap()
    }

    /// Stores content and returns its id.
    pub(crate) fn blob(&self, content: &str) -> String {
        self.git_with(["hash-object", "-w", "--stdin"], content.as_bytes())
    }

    pub(crate) fn commit_id(&self, name: &str) -> CommitId {
        CommitId::parse(&self.git(["rev-parse", name])).unwrap()
    }

    pub(crate) fn git<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> String {
        self.git_with(args, b"")
    }

    /// Runs git and expects success.
    pub(crate) fn git_with<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>, input: &[u8]) -> String {
        let (is_success, output) = self.try_git(args, input);
        assert!(is_success, "{output}");
        output
    }

    /// Runs git, which may fail.
    pub(crate) fn try_git<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>, input: &[u8]) -> (bool, String) {
        let mut child = Command::new("git")
            .current_dir(self.root())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .args(["-c", "user.name=A", "-c", "user.email=a@example.com"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = if output.status.success() { output.stdout } else { output.stderr };
        (output.status.success(), String::from_utf8_lossy(&said).trim().to_owned())
    }
}
