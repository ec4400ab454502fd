//! Working in a copy, and finding out what was done there without believing it.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use wright_repo::{Changes, MAX_FILE_BYTES, Omission, Omitted, RepoError, SkipReason, Skipped, Worktree};
use wright_text::{FileChange, Patch};

use crate::fixture::Fixture;

fn exported(files: &[(&str, &[u8])]) -> (Fixture, Worktree) {
    let fixture = Fixture::with(files);
    let worktree = fixture.repo().export(&fixture.commit_id("HEAD"), &fixture.beside("tree")).unwrap();
    (fixture, worktree)
}

fn patch(changes: &[(&str, Option<&str>, Option<&str>)]) -> Patch {
    let mut patch = Patch::default();
    for (path, before, after) in changes {
        let change = FileChange { before: before.map(str::to_owned), after: after.map(str::to_owned) };
        patch.files.insert(PathBuf::from(path), change);
    }
    patch
}

#[test]
fn a_patch_holds_what_was_changed_added_and_removed() {
    let (_fixture, worktree) =
        exported(&[("a.txt", b"a\r\nb\r\n"), ("gone.txt", b"g"), ("same.txt", b"s"), ("same_size", b"1")]);
    worktree.write(Path::new("a.txt"), "a\r\nc\r\n").unwrap();
    worktree.write(Path::new("new/deep/file.py"), "n").unwrap();
    worktree.write(Path::new("unwanted"), "u").unwrap();
    worktree.write(Path::new("same.txt"), "s").unwrap();
    worktree.write(Path::new("same_size"), "2").unwrap();
    worktree.remove(Path::new("gone.txt")).unwrap();

    let found = worktree.patch(|path| path != Path::new("unwanted")).unwrap();

    let expected = patch(&[
        ("a.txt", Some("a\r\nb\r\n"), Some("a\r\nc\r\n")),
        ("gone.txt", Some("g"), None),
        ("new/deep/file.py", None, Some("n")),
        ("same_size", Some("1"), Some("2")),
    ]);
    assert_eq!(found, expected);
    let some = worktree.patch_of(&["gone.txt".into(), "same.txt".into(), "missing".into()]).unwrap();
    assert_eq!(some, patch(&[("gone.txt", Some("g"), None)]));
}

#[test]
fn the_ignore_rules_of_the_commit_hold_not_those_of_the_worktree() {
    let (_fixture, worktree) =
        exported(&[(".gitignore", b"*.log\n/out/\n"), ("sub/.gitignore", b"!keep.log\n*.tmp\n"), ("sub/x", b"")]);
    for path in ["a.log", "out/a.py", "sub/keep.log", "sub/a.tmp", "hidden.py", "__pycache__/x.pyc", "sub/.git/config"]
    {
        let path = worktree.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }
    worktree.write(Path::new(".gitignore"), "hidden.py\n").unwrap();

    let found = worktree.patch(|_| true).unwrap();

    let paths: Vec<&Path> = found.files.keys().map(PathBuf::as_path).collect();
    assert_eq!(paths, [Path::new(".gitignore"), Path::new("hidden.py"), Path::new("sub/keep.log")]);
}

#[test]
fn differences_that_are_no_text_are_listed_and_never_lost() {
    let (fixture, worktree) = exported(&[
        ("binary", b"\xff"),
        ("link", b"l"),
        ("mode", b"m"),
        ("pipe", b"p"),
        ("to_binary", b"t"),
        ("big", b"b"),
    ]);
    let path = |name: &str| worktree.root().join(name);
    std::fs::write(path("binary"), b"\xfe").unwrap();
    std::fs::write(path("to_binary"), b"\xff").unwrap();
    std::fs::write(path("big"), vec![b'x'; MAX_FILE_BYTES as usize + 1]).unwrap();
    std::fs::remove_file(path("link")).unwrap();
    symlink(fixture.root().join(".git/config"), path("link")).unwrap();
    symlink("/etc/passwd", path("new_link")).unwrap();
    std::fs::set_permissions(path("mode"), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::remove_file(path("pipe")).unwrap();
    std::fs::create_dir(path("pipe")).unwrap();
    std::fs::write(path("new_binary"), b"\xff").unwrap();

    let found = worktree.changes(|_| true).unwrap();

    let omitted = |path: &str, reason, is_tracked| Omitted { path: path.into(), reason, is_tracked };
    let expected = [
        omitted("big", Omission::TooLarge, true),
        omitted("binary", Omission::NotText, true),
        omitted("link", Omission::Link, true),
        omitted("mode", Omission::ModeChanged, true),
        omitted("new_binary", Omission::NotText, false),
        omitted("new_link", Omission::Link, false),
        omitted("pipe", Omission::NotAFile, true),
        omitted("to_binary", Omission::NotText, true),
    ];
    assert_eq!(found, Changes { patch: Patch::default(), omitted: expected.to_vec() });
    assert!(worktree.patch(|_| true).is_err());
}

#[test]
fn a_new_file_that_is_no_text_does_not_spoil_a_patch() {
    let (_fixture, worktree) = exported(&[("a.txt", b"a")]);
    worktree.write(Path::new("a.txt"), "b").unwrap();
    std::fs::write(worktree.root().join("database"), b"\xff").unwrap();

    assert_eq!(worktree.patch(|_| true).unwrap(), patch(&[("a.txt", Some("a"), Some("b"))]));
}

#[test]
fn a_removed_binary_and_a_changed_link_are_noticed() {
    let fixture = Fixture::with(&[("binary", b"\xff")]);
    symlink("binary", fixture.root().join("link")).unwrap();
    let worktree = fixture.repo().export(&fixture.commit(), &fixture.beside("tree")).unwrap();
    assert_eq!(worktree.changes(|_| true).unwrap(), Changes::default());
    worktree.remove(Path::new("link")).unwrap();
    worktree.remove(Path::new("binary")).unwrap();

    let omitted = worktree.changes(|_| true).unwrap().omitted;

    let reasons: Vec<_> = omitted.iter().map(|omitted| omitted.reason).collect();
    assert_eq!(reasons, [Omission::NotText, Omission::Link]);
}

#[test]
fn only_text_files_inside_the_worktree_are_read() {
    let (fixture, worktree) = exported(&[("a.txt", b"a"), ("latin1", b"caf\xe9")]);
    symlink(fixture.root(), worktree.root().join("out")).unwrap();
    symlink("a.txt", worktree.root().join("link")).unwrap();

    assert_eq!(worktree.read(Path::new("a.txt")).unwrap(), "a");
    let error = |path: &str| worktree.read(Path::new(path)).unwrap_err();
    assert!(matches!(error("latin1"), RepoError::NotUtf8 { path } if path == Path::new("latin1")));
    assert!(matches!(error("link"), RepoError::NotAFile { .. }));
    assert!(matches!(error("out/a.txt"), RepoError::NotAFile { .. }));
    assert!(matches!(error("../repo/a.txt"), RepoError::UnsafePath { .. }));
    assert!(matches!(error("missing"), RepoError::NotFound { .. }));
    assert!(matches!(error(""), RepoError::UnsafePath { .. }));
}

#[test]
fn nothing_is_written_or_removed_outside_the_worktree() {
    let (fixture, worktree) = exported(&[("a.txt", b"a")]);
    symlink(fixture.root(), worktree.root().join("out")).unwrap();
    symlink(fixture.root().join("a.txt"), worktree.root().join("link")).unwrap();

    for path in ["out/a.txt", "link", "../repo/a.txt", ".git/hooks/x", "sub/.GIT/x"] {
        assert!(worktree.write(Path::new(path), "evil").is_err(), "{path}");
    }
    assert!(worktree.remove(Path::new("out/a.txt")).is_err());
    worktree.remove(Path::new("link")).unwrap();

    assert_eq!(fixture.read("a.txt"), b"a");
    assert!(worktree.root().join("link").symlink_metadata().is_err());
}

#[test]
fn a_fork_is_a_copy_of_the_work_that_goes_its_own_way() {
    let (fixture, worktree) = exported(&[("a.txt", b"a"), ("run.sh", b"r")]);
    worktree.write(Path::new("a.txt"), "changed").unwrap();
    worktree.write(Path::new("new/file"), "n").unwrap();
    std::fs::set_permissions(worktree.root().join("run.sh"), PermissionsExt::from_mode(0o755)).unwrap();
    symlink("/etc/passwd", worktree.root().join("link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(worktree.root().join("socket")).unwrap();

    let fork = worktree.fork(&fixture.beside("fork")).unwrap();
    worktree.write(Path::new("a.txt"), "later").unwrap();

    assert_eq!(fork.read(Path::new("a.txt")).unwrap(), "changed");
    assert_eq!(fork.read(Path::new("new/file")).unwrap(), "n");
    assert_eq!(std::fs::read_link(fork.root().join("link")).unwrap(), Path::new("/etc/passwd"));
    assert_eq!(fork.root().join("run.sh").metadata().unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(fork.skipped(), [Skipped { path: "socket".into(), reason: SkipReason::SpecialFile }]);
    let expected = patch(&[("a.txt", Some("a"), Some("changed"))]);
    assert_eq!(fork.patch_of(&["a.txt".into(), "run.sh".into()]).unwrap(), expected);
}

#[test]
fn a_file_full_of_holes_does_not_fill_the_disk() {
    let (fixture, worktree) = exported(&[("a.txt", b"a")]);
    let file = std::fs::File::create(worktree.root().join("holes")).unwrap();
    if file.set_len(1 << 43).is_err() {
        // This file system has no room even for the promise, so there is nothing to guard against.
        return;
    }

    let error = worktree.fork(&fixture.beside("fork")).unwrap_err();

    assert!(matches!(error, RepoError::DiskFull { .. }), "{error}");
    assert!(!fixture.beside("fork").exists());
}

#[test]
fn a_fork_into_itself_is_refused() {
    let (_fixture, worktree) = exported(&[("a.txt", b"a")]);

    assert!(worktree.fork(&worktree.root().join("inner")).is_err());
    assert!(!worktree.root().join("inner").exists());
}

#[test]
fn a_worktree_that_is_opened_again_knows_what_has_changed() {
    let (fixture, worktree) = exported(&[("a.txt", b"a"), ("b.txt", b"b"), (".gitignore", b"*.log\n")]);
    worktree.write(Path::new("a.txt"), "changed").unwrap();
    worktree.write(Path::new("x.log"), "").unwrap();
    let root = worktree.root().to_path_buf();
    drop(worktree);

    let worktree = fixture.repo().open_worktree(&fixture.commit_id("HEAD"), &root).unwrap();

    assert_eq!(worktree.patch(|_| true).unwrap(), patch(&[("a.txt", Some("a"), Some("changed"))]));
}
