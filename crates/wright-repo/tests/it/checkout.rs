//! The user's checkout: finding it, its facts, and that asking for them runs nothing.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use wright_repo::{Operation, RepoError, Repository, Status};

use crate::fixture::Fixture;

#[test]
fn a_folder_outside_any_repository_is_told_so() {
    let folder = tempfile::tempdir().unwrap();

    let error = Repository::discover(folder.path()).unwrap_err();

    assert!(matches!(&error, RepoError::NotARepository { path } if path == folder.path()), "{error}");
    assert!(error.hint().unwrap().contains("git init"));
}

#[test]
fn a_folder_that_does_not_exist_does_not_count_as_missing_git() {
    let error = Repository::discover(Path::new("/nonexistent/folder")).unwrap_err();

    assert!(matches!(error, RepoError::Io { .. }), "{error}");
}

#[test]
fn a_repository_without_commits_is_told_to_commit() {
    let fixture = Fixture::empty();

    let error = fixture.discover().unwrap_err();

    assert!(matches!(error, RepoError::NoCommits { .. }), "{error}");
    assert!(error.hint().unwrap().contains("git commit"));
}

#[test]
fn a_bare_repository_is_refused() {
    let fixture = Fixture::empty();
    let bare = fixture.beside("bare");
    fixture.git(["init", "--quiet", "--bare", bare.to_str().unwrap()]);

    let error = Repository::discover(&bare).unwrap_err();

    assert!(matches!(error, RepoError::BareRepository { .. }), "{error}");
}

#[test]
fn a_git_folder_is_not_a_checkout() {
    let fixture = Fixture::with(&[]);

    let error = Repository::discover(&fixture.root().join(".git")).unwrap_err();

    assert!(matches!(error, RepoError::NotARepository { .. }), "{error}");
}

#[test]
fn a_repository_that_claims_another_folder_as_its_checkout_is_refused() {
    let fixture = Fixture::with(&[]);
    let elsewhere = fixture.beside("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    fixture.git(["config", "core.worktree", elsewhere.to_str().unwrap()]);

    assert!(fixture.discover().is_err());
}

#[test]
fn the_repository_is_found_from_a_folder_inside_it() {
    let fixture = Fixture::with(&[("a/b/c.txt", b"c")]);

    let repo = Repository::discover(&fixture.root().join("a/b")).unwrap();

    assert_eq!(repo.root(), fixture.root());
    assert_eq!(repo.head().unwrap(), fixture.commit_id("HEAD"));
    assert_eq!(repo.branch().unwrap().as_deref(), Some("main"));
}

#[test]
fn a_linked_worktree_is_a_checkout_like_any_other() {
    let fixture = Fixture::with(&[("a.txt", b"a")]);
    let linked = fixture.beside("linked");
    fixture.git(["worktree", "add", "--quiet", "--detach", linked.to_str().unwrap()]);
    std::fs::write(linked.join("a.txt"), "changed").unwrap();

    let repo = Repository::discover(&linked).unwrap();

    assert_eq!(repo.root(), linked);
    assert_eq!(repo.branch().unwrap(), None);
    assert_eq!(repo.status().unwrap().changed, [PathBuf::from("a.txt")]);
}

#[test]
fn facts_are_read_when_they_are_asked_for() {
    let fixture = Fixture::with(&[("a.txt", b"a")]);
    let repo = fixture.repo();
    fixture.write("a.txt", "b");

    let newer = fixture.commit();

    assert_eq!(repo.head().unwrap(), newer);
    assert_eq!(repo.resolve("HEAD~1").unwrap(), fixture.commit_id("HEAD~1"));
}

#[test]
fn a_name_is_never_taken_for_an_option() {
    let repo = Fixture::with(&[]);
    let repo = repo.repo();

    for name in ["--all", "nothing", "", "HEAD:a", "a\0b"] {
        let error = repo.resolve(name).unwrap_err();
        assert!(matches!(error, RepoError::UnknownRevision { .. }), "{name}: {error}");
    }
}

#[test]
fn the_status_tells_changed_from_untracked_files() {
    let fixture = Fixture::with(&[
        ("changed", b"1"),
        ("staged", b"1"),
        ("deleted", b"1"),
        ("same", b"1"),
        (".gitignore", b"*.log"),
    ]);
    fixture.write("changed", "2");
    fixture.write("staged", "2");
    fixture.git(["add", "staged"]);
    std::fs::remove_file(fixture.root().join("deleted")).unwrap();
    fixture.write("new/line\nbreak", "");
    fixture.write("x.log", "");

    let status = fixture.repo().status().unwrap();

    let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
    let expected = Status {
        changed: paths(&["changed", "deleted", "staged"]),
        untracked: paths(&["new/line\nbreak"]),
        conflicted: Vec::new(),
        operation: None,
    };
    assert_eq!(status, expected);
}

#[test]
fn a_merge_that_stopped_is_named_with_its_conflicts() {
    let fixture = Fixture::with(&[("a.txt", b"a\n")]);
    fixture.git(["checkout", "--quiet", "-b", "other"]);
    fixture.write("a.txt", "other\n");
    fixture.commit();
    fixture.git(["checkout", "--quiet", "main"]);
    fixture.write("a.txt", "mine\n");
    fixture.commit();
    assert!(!fixture.try_git(["merge", "--quiet", "other"], b"").0);

    let status = fixture.repo().status().unwrap();

    assert_eq!(status.operation, Some(Operation::Merge));
    assert_eq!(status.conflicted, [PathBuf::from("a.txt")]);
}

/// Configures every kind of program that `git status` can be made to run, each of which leaves a mark.
fn make_hostile(fixture: &Fixture) -> PathBuf {
    let mark = fixture.beside("mark");
    let script = fixture.beside("evil");
    std::fs::write(&script, format!("#!/bin/sh\ntouch {}\ncat\n", mark.display())).unwrap();
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    let script = script.to_str().unwrap();
    let included = fixture.beside("included");
    std::fs::write(&included, format!("[filter \"in=cluded\"]\n\tclean = {script}\n\trequired = true\n")).unwrap();
    for (key, value) in [
        ("core.fsmonitor", script),
        ("filter.evil.clean", script),
        ("filter.evil.required", "true"),
        ("filter.slow.process", script),
        ("filter.slow.required", "true"),
        ("include.path", included.to_str().unwrap()),
    ] {
        fixture.git(["config", key, value]);
    }
    mark
}

#[test]
fn asking_for_the_status_runs_no_program_of_the_repository() {
    for filter in ["evil", "slow", "in=cluded", ""] {
        let fixture = Fixture::with(&[("a.txt", b"a\n")]);
        fixture.write(".gitattributes", format!("*.txt filter={filter}\n"));
        fixture.commit();
        let mark = make_hostile(&fixture);
        // The same size and another time make git look at the content.
        fixture.write("a.txt", "b\n");

        let status = fixture.repo().status().unwrap();

        assert_eq!(status.changed, [PathBuf::from("a.txt")], "{filter}");
        assert!(!mark.exists(), "{filter}");
        // Plain git does run them, so the mark would have shown it.
        fixture.try_git(["status"], b"");
        assert!(mark.exists(), "{filter}");
    }
}

#[test]
fn a_file_of_a_commit_is_read_as_it_is_stored() {
    let fixture = Fixture::with(&[("b\n.bin", b"\0\xff\r\n"), ("dir/x", b"x"), ("-rf", b"dash"), ("empty", b"")]);
    let repo = fixture.repo();
    let head = repo.head().unwrap();
    fixture.write("-rf", "changed");

    assert_eq!(repo.read_file(&head, Path::new("b\n.bin")).unwrap(), b"\0\xff\r\n");
    assert_eq!(repo.read_file(&head, Path::new("-rf")).unwrap(), b"dash");
    assert_eq!(repo.read_file(&head, Path::new("empty")).unwrap(), b"");
    for path in ["dir", "missing", "dir/y"] {
        let error = repo.read_file(&head, Path::new(path)).unwrap_err();
        assert!(matches!(error, RepoError::NotInCommit { .. }), "{path}: {error}");
    }
    assert!(matches!(repo.read_file(&head, Path::new("../x")), Err(RepoError::UnsafePath { .. })));
}

#[test]
fn dependency_folders_count_when_they_are_not_part_of_the_repository() {
    let fixture = Fixture::with(&[
        (".gitignore", b"/vendor/\nnode_modules\n"),
        ("package.json", b"{}"),
        ("web/package.json", b"{}"),
        ("go/go.mod", b""),
        ("lib/venv/tracked.py", b""),
        ("lib/setup.py", b""),
        ("docs/readme", b""),
    ]);
    for folder in
        ["node_modules/x", "web/node_modules/x", "vendor/x", "go/vendor/x", ".venv/bin", "docs/node_modules/x"]
    {
        std::fs::create_dir_all(fixture.root().join(folder)).unwrap();
        fixture.write(format!("{folder}/f"), "");
    }
    std::os::unix::fs::symlink("/etc", fixture.root().join("venv")).unwrap();

    let mut found = fixture.repo().ignored_dependencies().unwrap();
    found.sort();

    let expected = [".venv", "node_modules", "vendor", "web/node_modules"];
    assert_eq!(found, expected.map(|folder| fixture.root().join(folder)));
}
