//! The history of a task, outside its tree.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use wright_repo::{CommitId, History, RepoError, SkipReason, Skipped, Worktree};

use crate::fixture::Fixture;

struct Task {
    fixture: Fixture,
    worktree: Worktree,
    history: History,
}

impl Task {
    fn with(files: &[(&str, &[u8])]) -> Self {
        let fixture = Fixture::with(files);
        let repo = fixture.repo();
        let head = repo.head().unwrap();
        let worktree = repo.export(&head, &fixture.beside("tree")).unwrap();
        let history = repo.create_history(&head, &fixture.beside("history")).unwrap();
        Self { fixture, worktree, history }
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.worktree.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Runs git on the history.
    fn git(&self, args: &[&str]) -> String {
        let git_dir = format!("--git-dir={}", self.history.folder().display());
        self.fixture.git([git_dir.as_str()].iter().chain(args))
    }

    /// Lists mode and path of everything in a commit.
    fn listing(&self, commit: &CommitId) -> Vec<String> {
        let listed = self.git(&["ls-tree", "-r", "-z", commit.as_str()]);
        let entries = listed.split('\0').filter_map(|entry| entry.split_once('\t'));
        entries.map(|(object, path)| format!("{} {path}", object.split(' ').next().unwrap())).collect()
    }
}

/// Everything below a folder with its content.
fn bytes_of(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => found.push((entry.path(), std::fs::read(entry.path()).unwrap())),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_snapshot_holds_every_kind_of_change_exactly() {
    let task = Task::with(&[
        ("a.txt", b"a\r\n"),
        ("gone", b"g"),
        ("run.sh", b"r"),
        ("same", b"s"),
        (".gitignore", b"*.log\n"),
    ]);
    task.write("a.txt", b"b\r\n\xff");
    task.write("new/line\nbreak\t\"x\".bin", b"\0\xff");
    task.write("x.log", "ignored");
    task.write("target/debug/x", "built");
    task.write("empty", "");
    std::fs::remove_file(task.worktree.root().join("gone")).unwrap();
    std::fs::set_permissions(task.worktree.root().join("run.sh"), PermissionsExt::from_mode(0o755)).unwrap();
    symlink("/etc/passwd", task.worktree.root().join("link")).unwrap();

    let snapshot = task.history.snapshot(&task.worktree, "first\n\nbody").unwrap();

    assert_eq!(snapshot.left_out, []);
    let expected = [
        "100644 .gitignore",
        "100644 a.txt",
        "100644 empty",
        "120000 link",
        "100644 new/line\nbreak\t\"x\".bin",
        "100755 run.sh",
        "100644 same",
    ];
    assert_eq!(task.listing(&snapshot.commit), expected);
    assert_eq!(task.git(&["log", "-1", "--format=%an %B", snapshot.commit.as_str()]), "Codewright first\n\nbody");
    assert_eq!(task.git(&["cat-file", "-p", &format!("{}:link", snapshot.commit)]), "/etc/passwd");
    let back = task.history.export(&snapshot.commit, &task.fixture.beside("back")).unwrap();
    assert_eq!(std::fs::read(back.root().join("a.txt")).unwrap(), b"b\r\n\xff");
    assert_eq!(back.skipped(), [Skipped { path: "link".into(), reason: SkipReason::LinkLeavesTree }]);
}

#[test]
fn snapshots_follow_each_other_and_the_base_commit() {
    let task = Task::with(&[("a.txt", b"a")]);
    let base = task.worktree.base().clone();
    task.write("a.txt", "b");
    let first = task.history.snapshot(&task.worktree, "first").unwrap().commit;
    task.write("a.txt", "c");
    let second = task.history.snapshot(&task.worktree, "second").unwrap().commit;
    let unchanged = task.history.snapshot(&task.worktree, "unchanged").unwrap().commit;

    let parents = task.git(&["log", "--format=%H", unchanged.as_str()]);
    let expected = [&unchanged, &second, &first, &base].map(CommitId::as_str).join("\n");
    assert_eq!(parents, expected);
    let opened = task.fixture.repo().open_history(&base, task.history.folder()).unwrap();
    assert_eq!(opened.snapshots().unwrap(), [first, second, unchanged]);
}

#[test]
fn the_users_repository_is_read_and_never_written() {
    let task = Task::with(&[("a.txt", b"a")]);
    let before = bytes_of(&task.fixture.root());
    task.write("a.txt", "b");
    task.write("new", "n");

    task.history.snapshot(&task.worktree, "x").unwrap();
    task.history.lend_git(&task.worktree).unwrap();

    assert_eq!(bytes_of(&task.fixture.root()), before);
}

#[test]
fn what_is_no_file_of_the_tree_is_left_out_and_reported() {
    let task = Task::with(&[("a.txt", b"a")]);
    let root = task.worktree.root();
    let path = root.join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0)
        .unwrap();
    std::fs::write(task.fixture.beside("outside"), "o").unwrap();
    std::fs::hard_link(task.fixture.beside("outside"), root.join("hard")).unwrap();
    task.write("vendor/sub/.git/config", "x");
    task.write("vendor/sub/code.py", "x");
    task.write(".git", "gitdir: elsewhere");
    let file = std::fs::File::create(root.join("holes")).unwrap();
    file.set_len(wright_repo::MAX_SNAPSHOT_FILE_BYTES + 1).unwrap();

    let snapshot = task.history.snapshot(&task.worktree, "x").unwrap();

    let skipped = |path: &str, reason| Skipped { path: path.into(), reason };
    let expected = [
        skipped(".git", SkipReason::UnsafePath),
        skipped("hard", SkipReason::SharedFile),
        skipped("holes", SkipReason::TooLarge),
        skipped("pipe", SkipReason::SpecialFile),
        skipped("vendor/sub/.git", SkipReason::NestedRepository),
    ];
    assert_eq!(snapshot.left_out, expected);
    assert_eq!(task.listing(&snapshot.commit), ["100644 a.txt", "100644 vendor/sub/code.py"]);
}

#[test]
fn an_object_that_a_strict_check_refuses_enters_nothing() {
    let task = Task::with(&[("a.txt", b"a")]);
    let before = bytes_of(task.history.folder());
    task.write("b.txt", "b");
    task.write(".gitmodules", "[submodule \"x\"]\n\tpath = x\n\turl = ../x\n\tupdate = !touch mark\n");

    let error = task.history.snapshot(&task.worktree, "x").unwrap_err();

    assert!(matches!(&error, RepoError::Git { message, .. } if message.contains("gitmodulesUpdate")), "{error}");
    assert_eq!(task.history.snapshots().unwrap(), []);
    assert_eq!(bytes_of(task.history.folder()), before);
}

#[test]
fn a_lent_git_serves_the_commands_and_is_no_part_of_the_tree() {
    let task = Task::with(&[("a.txt", b"a\n"), ("dir/b", b"b")]);

    task.history.lend_git(&task.worktree).unwrap();

    let tree = task.worktree.root().display().to_string();
    let git = |args: &[&str]| task.fixture.git(["-C", tree.as_str()].iter().chain(args));
    assert_eq!(git(&["status", "--porcelain"]), "");
    assert_eq!(git(&["log", "--format=%s"]), "base");
    task.write("a.txt", "b\n");
    assert_eq!(git(&["status", "--porcelain"]), "M a.txt");
    // It stands on its own: the sandbox shows neither the history nor the user's repository.
    assert!(!task.worktree.root().join(".git/objects/info/alternates").exists());
    git(&["fsck", "--strict"]);
    let changes = task.worktree.changes(|_| true).unwrap();
    assert_eq!(changes.patch.files.keys().collect::<Vec<_>>(), [Path::new("a.txt")]);
    assert_eq!(changes.omitted, []);
    assert!(matches!(task.history.lend_git(&task.worktree), Err(RepoError::UnsafePath { .. })));
}

#[test]
fn a_repository_with_the_newer_object_names_works_too() {
    let fixture = Fixture::empty();
    std::fs::remove_dir_all(fixture.root().join(".git")).unwrap();
    fixture.git(["init", "--quiet", "--object-format=sha256"]);
    fixture.write("a.txt", "a");
    let head = fixture.commit();
    let repo = fixture.repo();
    let worktree = repo.export(&head, &fixture.beside("tree")).unwrap();
    let history = repo.create_history(&head, &fixture.beside("history")).unwrap();
    worktree.write(Path::new("a.txt"), "b").unwrap();

    let snapshot = history.snapshot(&worktree, "x").unwrap();
    history.lend_git(&worktree).unwrap();

    assert_eq!(snapshot.commit.as_str().len(), 64);
}

#[test]
fn a_file_and_a_folder_that_trade_places_are_recorded_as_they_are_now() {
    let task = Task::with(&[("a", b"file"), ("b/c", b"below")]);
    let root = task.worktree.root();
    std::fs::remove_file(root.join("a")).unwrap();
    std::fs::remove_dir_all(root.join("b")).unwrap();
    task.write("a/x", "below now");
    task.write("b", "file now");

    let snapshot = task.history.snapshot(&task.worktree, "x").unwrap();

    assert_eq!(snapshot.left_out, []);
    assert_eq!(task.listing(&snapshot.commit), ["100644 a/x", "100644 b"]);
}
