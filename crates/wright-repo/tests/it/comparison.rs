//! Two states of a repository and what differs, whichever way the later one is given.

use std::path::{Path, PathBuf};

use wright_repo::{Comparison, Existing, FileContent, HOOK_MARK, Hook, RepoError};

use crate::fixture::Fixture;

/// Returns each file that differs, with what it was and what it is; `-` is nothing, `?` no text.
fn shown(comparison: &Comparison) -> Vec<(String, String, String)> {
    let side = |content: &FileContent| match content {
        FileContent::Absent => "-".to_owned(),
        FileContent::Text(text) => text.trim().to_owned(),
        FileContent::Binary { size, .. } => format!("?{size}"),
        FileContent::Link(to) => format!("->{to}"),
        FileContent::Submodule(id) => format!("@{id}"),
    };
    let row = |it: &wright_repo::FileDifference| {
        let name = match &it.moved_from {
            Some(from) => format!("{}<{}", it.path.display(), from.display()),
            None => it.path.display().to_string(),
        };
        (name, side(&it.before), side(&it.after))
    };
    comparison.difference.files.iter().map(row).collect()
}

fn rows(rows: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    rows.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect()
}

const LONG: &str = "first line of a file\nsecond line of a file\nthird line of a file\nfourth line of a file\n";

#[test]
fn the_checkout_is_compared_with_untracked_deleted_moved_and_binary_files() {
    let fixture = Fixture::with(&[
        ("kept", b"k"),
        ("edited", b"1"),
        ("gone", b"g"),
        ("old", LONG.as_bytes()),
        (".gitignore", b"ignored\n"),
    ]);
    fixture.write("edited", "2");
    fixture.write("new", "n");
    fixture.write("ignored", "x");
    fixture.write("image", b"\0\x01");
    std::fs::remove_file(fixture.root().join("gone")).unwrap();
    std::fs::rename(fixture.root().join("old"), fixture.root().join("moved")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", fixture.root().join("link")).unwrap();
    fixture.git(["add", "new"]);

    let repo = fixture.repo();
    let comparison = repo.compare_checkout(Some(repo.head().unwrap())).unwrap();

    let expected = rows(&[
        ("edited", "1", "2"),
        ("gone", "g", "-"),
        ("image", "-", "?2"),
        ("link", "-", "->/etc/passwd"),
        ("moved<old", LONG.trim(), LONG.trim()),
        ("new", "-", "n"),
    ]);
    assert_eq!(shown(&comparison), expected);
    let paths: Vec<&Path> = comparison.after.paths().iter().map(PathBuf::as_path).collect();
    assert_eq!(paths, [".gitignore", "edited", "image", "kept", "moved", "new"].map(Path::new));
    assert_eq!(comparison.after.read(Path::new("kept")).unwrap().text(), Some("k"));
}

#[test]
fn what_is_staged_is_compared_and_not_what_is_edited_since() {
    let fixture = Fixture::with(&[("a", b"1")]);
    fixture.write("a", "2");
    fixture.git(["add", "a"]);
    fixture.write("a", "3");
    fixture.write("untracked", "x");
    let repo = fixture.repo();
    let comparison = repo.compare_staged(repo.head_if_any().unwrap()).unwrap();
    assert_eq!(shown(&comparison), rows(&[("a", "1", "2")]));
}

#[test]
fn before_the_first_commit_everything_is_new() {
    let fixture = Fixture::empty();
    fixture.write("a", "1");
    fixture.git(["add", "a"]);
    let repo = wright_repo::Repository::discover_new(&fixture.root()).unwrap();
    assert_eq!(repo.head_if_any().unwrap(), None);
    assert_eq!(shown(&repo.compare_staged(None).unwrap()), rows(&[("a", "-", "1")]));
    assert_eq!(shown(&repo.compare_checkout(None).unwrap()), rows(&[("a", "-", "1")]));
}

#[test]
fn a_range_names_two_commits_their_parting_or_one_commit_and_its_parent() {
    let fixture = Fixture::with(&[("a", b"1")]);
    let first = fixture.commit_id("HEAD");
    fixture.git(["checkout", "-q", "-b", "side"]);
    fixture.write("b", "side");
    let side = fixture.commit();
    fixture.git(["checkout", "-q", "main"]);
    fixture.write("a", "2");
    let main = fixture.commit();
    let repo = fixture.repo();
    let cases = [
        ("main..side", Some(main.clone()), side.clone()),
        ("main...side", Some(first.clone()), side.clone()),
        ("side", Some(first.clone()), side),
        ("side..", Some(fixture.commit_id("side")), main),
        (first.as_str(), None, first.clone()),
    ];
    for (range, base, head) in cases {
        let revisions = repo.revisions(range).unwrap();
        assert_eq!((revisions.base, revisions.head), (base, head), "{range}");
    }
    let compared = repo.compare_commits(&repo.revisions("main..side").unwrap()).unwrap();
    assert_eq!(shown(&compared), rows(&[("a", "2", "1"), ("b", "-", "side")]));
    for range in ["nowhere", "a..nowhere", "--all", "HEAD..--output=x"] {
        assert!(matches!(repo.revisions(range), Err(RepoError::UnknownRevision { .. })), "{range}");
    }
}

#[test]
fn a_patch_is_applied_in_memory_and_the_checkout_stays() {
    let fixture = Fixture::with(&[("a", b"1\n"), ("old", LONG.as_bytes())]);
    fixture.write("a", "edited meanwhile\n");
    let repo = fixture.repo();
    let head = Some(repo.head().unwrap());
    let patch = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+2\n\
        diff --git a/old b/new\nsimilarity index 100%\nrename from old\nrename to new\n";
    let comparison = repo.compare_patch(head.clone(), patch).unwrap();
    assert_eq!(shown(&comparison), rows(&[("a", "1", "2"), ("new<old", LONG.trim(), LONG.trim())]));
    assert_eq!(fixture.read("a"), b"edited meanwhile\n");
    for (patch, reason) in [
        ("--- a/a\n+++ b/a\n@@ -1 +1 @@\n-9\n+2\n", "apply the patch to \"a\": its lines from line 3 on are not there"),
        (
            "--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+2\n",
            "apply the patch to \"a\": its lines from line 1 on are not there",
        ),
        ("--- a/z\n+++ b/z\n@@ -1 +1 @@\n-9\n+2\n", "apply the patch to \"z\": its lines from line 1 on are not there"),
    ] {
        assert_eq!(repo.compare_patch(head.clone(), patch).unwrap_err().to_string(), reason);
    }
}

#[test]
fn the_new_text_of_one_file_is_compared() {
    let fixture = Fixture::with(&[("a", b"1")]);
    let repo = fixture.repo();
    let head = Some(repo.head().unwrap());
    assert_eq!(shown(&repo.compare_text(head.clone(), Path::new("a"), "2").unwrap()), rows(&[("a", "1", "2")]));
    assert_eq!(shown(&repo.compare_text(head.clone(), Path::new("b/c"), "2").unwrap()), rows(&[("b/c", "-", "2")]));
    assert!(repo.compare_text(head, Path::new("../x"), "2").is_err());
}

#[test]
fn names_that_lead_out_of_the_tree_are_left_out_and_said() {
    let fixture = Fixture::with(&[("a", b"1")]);
    let blob = fixture.blob("x");
    let commit = fixture.commit_tree(&[("100644", "a", &blob), ("100644", "..", &blob)]);
    let repo = fixture.repo();
    let revisions = wright_repo::Revisions { base: Some(repo.head().unwrap()), head: commit };
    let comparison = repo.compare_commits(&revisions).unwrap();
    assert_eq!(shown(&comparison), rows(&[("a", "1", "x")]));
    assert_eq!(comparison.difference.omitted, [(PathBuf::from(".."), "it uses `.` or `..`")]);
}

#[test]
fn nothing_that_the_repository_names_is_run_for_a_comparison() {
    let fixture = Fixture::with(&[("a", b"1"), (".gitattributes", b"* filter=evil diff=evil\n")]);
    let mark = fixture.beside("mark");
    let command = format!("touch {}", mark.display());
    for key in ["filter.evil.clean", "filter.evil.smudge", "diff.evil.textconv", "diff.evil.command", "core.fsmonitor"]
    {
        fixture.git(["config", key, &command]);
    }
    let repo = fixture.repo();
    fixture.write("a", "2");
    let head = Some(repo.head().unwrap());
    assert_eq!(shown(&repo.compare_checkout(head.clone()).unwrap()), rows(&[("a", "1", "2")]));
    repo.compare_staged(head).unwrap();
    assert!(!mark.exists());
}

#[test]
fn a_hook_is_installed_where_git_looks_and_never_over_someone_elses() {
    let fixture = Fixture::with(&[("a", b"1")]);
    let repo = fixture.repo();
    let path = repo.install_hook(Hook::PreCommit, "exit 0", Existing::Keep).unwrap();
    assert_eq!(path, fixture.root().join(".git/hooks/pre-commit"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("#!/bin/sh\n{HOOK_MARK}\nexit 0\n"));
    repo.install_hook(Hook::PreCommit, "exit 1", Existing::Keep).unwrap();
    fixture.write("a", "2");
    fixture.git(["add", "a"]);
    assert!(!fixture.try_git(["commit", "-qm", "x"], b"").0, "git runs the hook");
    assert_eq!(repo.uninstall_hook(Hook::PreCommit).unwrap(), Some(path.clone()));
    assert_eq!(repo.uninstall_hook(Hook::PreCommit).unwrap(), None);

    std::fs::write(&path, "#!/bin/sh\necho mine\n").unwrap();
    let refused = repo.install_hook(Hook::PreCommit, "exit 0", Existing::Keep);
    assert!(matches!(refused, Err(RepoError::HookExists { .. })));
    assert!(matches!(repo.uninstall_hook(Hook::PreCommit), Err(RepoError::HookExists { .. })));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "#!/bin/sh\necho mine\n");
    repo.install_hook(Hook::PreCommit, "exit 0", Existing::Replace).unwrap();

    fixture.git(["config", "core.hooksPath", ".husky"]);
    let elsewhere = repo.install_hook(Hook::PrePush, "exit 0", Existing::Keep).unwrap();
    assert_eq!(elsewhere, fixture.root().join(".husky/pre-push"));
}

#[test]
fn a_note_is_kept_beside_the_commit() {
    let fixture = Fixture::with(&[("a", b"1")]);
    let repo = fixture.repo();
    let head = repo.head().unwrap();
    assert_eq!(repo.note(&head).unwrap(), None);
    repo.add_note(&head, "first").unwrap();
    repo.add_note(&head, "second").unwrap();
    assert_eq!(repo.note(&head).unwrap().as_deref(), Some("second\n"));
    assert_eq!(repo.head().unwrap(), head);
}
