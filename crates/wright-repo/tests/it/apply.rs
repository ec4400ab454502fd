//! Patches in the user's checkout.

use std::path::{Path, PathBuf};

use wright_repo::RepoError;

use crate::fixture::Fixture;

#[test]
fn work_from_a_copy_is_applied_and_taken_back() {
    let fixture = Fixture::with(&[("a.txt", b"a\r\n"), ("gone.sh", b"g"), ("dirty.txt", b"d")]);
    fixture.write("dirty.txt", "the user's own work");
    let repo = fixture.repo();
    let head = repo.head().unwrap();
    let worktree = repo.export(&head, &fixture.beside("tree")).unwrap();
    worktree.write(Path::new("a.txt"), "b\r\n").unwrap();
    worktree.write(Path::new("new/file"), "n").unwrap();
    worktree.remove(Path::new("gone.sh")).unwrap();
    let status = repo.status().unwrap();

    let applied = repo.apply(&worktree.patch(|_| true).unwrap(), worktree.base()).unwrap();

    assert_eq!(applied.head, head);
    assert_eq!(fixture.read("a.txt"), b"b\r\n");
    let changed: Vec<PathBuf> = ["a.txt", "dirty.txt", "gone.sh"].map(PathBuf::from).to_vec();
    assert_eq!(repo.status().unwrap().changed, changed);
    repo.undo(&applied).unwrap();
    assert_eq!(repo.status().unwrap(), status);
    assert!(!fixture.root().join("new").exists());
}

#[test]
fn a_file_that_the_user_has_edited_is_a_conflict_both_ways() {
    let fixture = Fixture::with(&[("a.txt", b"a"), ("b.txt", b"b")]);
    let repo = fixture.repo();
    let worktree = repo.export(&repo.head().unwrap(), &fixture.beside("tree")).unwrap();
    worktree.write(Path::new("a.txt"), "changed").unwrap();
    worktree.write(Path::new("b.txt"), "changed").unwrap();
    let patch = worktree.patch(|_| true).unwrap();

    fixture.write("b.txt", "edited");
    let before = repo.apply(&patch, worktree.base()).unwrap_err();
    fixture.write("b.txt", "b");
    let applied = repo.apply(&patch, worktree.base()).unwrap();
    fixture.write("b.txt", "edited since");
    let after = repo.undo(&applied).unwrap_err();

    for error in [before, after] {
        assert!(matches!(&error, RepoError::Conflict { path } if path == Path::new("b.txt")), "{error}");
    }
    assert_eq!(fixture.read("a.txt"), b"changed");
    assert_eq!(fixture.read("b.txt"), b"edited since");
}

#[test]
fn a_base_that_the_repository_does_not_have_is_refused() {
    let fixture = Fixture::with(&[("a.txt", b"a")]);
    let other = Fixture::with(&[("b.txt", b"b")]);

    let error = fixture.repo().apply(&Default::default(), &other.commit_id("HEAD")).unwrap_err();

    assert!(matches!(error, RepoError::UnknownRevision { .. }), "{error}");
}
