//! Copies of a commit: exact where they can be, safe where the commit is not.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Instant;

use wright_repo::{RepoError, SkipReason, Skipped};

use crate::fixture::Fixture;

#[test]
fn content_names_and_modes_are_kept_exactly() {
    let files: &[(&str, &[u8])] = &[
        ("crlf.txt", b"a\r\nb\r\n"),
        ("binary", b"\0\x01\xff\xfe\n"),
        ("empty", b""),
        ("-rf", b"dash"),
        ("line\nbreak", b"n"),
        ("日本/ü \" '.py", b"u"),
        ("run.sh", b"#!/bin/sh\n"),
    ];
    let fixture = Fixture::empty();
    for (path, content) in files {
        fixture.write(path, content);
    }
    std::fs::set_permissions(fixture.root().join("run.sh"), PermissionsExt::from_mode(0o755)).unwrap();
    let head = fixture.commit();

    let worktree = fixture.repo().export(&head, &fixture.beside("tree")).unwrap();

    for (path, content) in files {
        assert_eq!(std::fs::read(worktree.root().join(path)).unwrap(), *content, "{path:?}");
    }
    let is_executable = |path: &str| worktree.root().join(path).metadata().unwrap().permissions().mode() & 0o100 != 0;
    assert!(is_executable("run.sh") && !is_executable("empty"));
    assert!(!worktree.root().join(".git").exists());
    assert_eq!(worktree.skipped(), []);
    assert_eq!(worktree.tracked_files().count(), files.len());
}

#[test]
fn a_name_that_is_not_unicode_is_kept_too() {
    use std::os::unix::ffi::OsStrExt;
    let fixture = Fixture::empty();
    let name = Path::new(std::ffi::OsStr::from_bytes(b"caf\xe9.txt"));
    fixture.write(name, "c");
    let head = fixture.commit();

    let worktree = fixture.repo().export(&head, &fixture.beside("tree")).unwrap();

    assert_eq!(worktree.read(name).unwrap(), "c");
}

#[test]
fn no_filter_and_no_conversion_is_applied() {
    let fixture = Fixture::with(&[("a.txt", b"a\n")]);
    fixture.write(".gitattributes", "*.txt filter=evil eol=crlf ident\n");
    fixture.git(["config", "filter.evil.smudge", "touch ../mark; cat"]);
    let head = fixture.commit();

    let worktree = fixture.repo().export(&head, &fixture.beside("tree")).unwrap();

    assert_eq!(worktree.read(Path::new("a.txt")).unwrap(), "a\n");
    assert!(!fixture.beside("mark").exists());
}

#[test]
fn links_that_lead_out_and_submodules_are_left_out_and_listed() {
    let fixture = Fixture::with(&[("dir/target", b"t")]);
    for (link, target) in
        [("inside", "dir/target"), ("dir/up", "../inside"), ("absolute", "/etc/passwd"), ("out", "dir/../../x")]
    {
        symlink(target, fixture.root().join(link)).unwrap();
    }
    fixture.commit();
    let commit = fixture.commit_id("HEAD");
    fixture.git(["update-index", "--add", "--cacheinfo", &format!("160000,{commit},sub")]);
    fixture.git(["commit", "--quiet", "--message=sub"]);

    let worktree = fixture.repo().export(&fixture.commit_id("HEAD"), &fixture.beside("tree")).unwrap();

    let target = |link: &str| std::fs::read_link(worktree.root().join(link)).ok();
    assert_eq!(target("inside"), Some(PathBuf::from("dir/target")));
    assert_eq!(target("dir/up"), Some(PathBuf::from("../inside")));
    let skipped = |path: &str, reason| Skipped { path: path.into(), reason };
    let mut found = worktree.skipped().to_vec();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    let expected = [
        skipped("absolute", SkipReason::LinkLeavesTree),
        skipped("out", SkipReason::LinkLeavesTree),
        skipped("sub", SkipReason::Submodule),
    ];
    assert_eq!(found, expected);
    assert!(expected.iter().all(|skipped| worktree.root().join(&skipped.path).symlink_metadata().is_err()));
}

#[test]
fn a_commit_made_by_hand_cannot_write_outside_or_into_a_git_folder() {
    let fixture = Fixture::with(&[]);
    let evil = fixture.blob("evil");
    let way_out = fixture.blob("..");
    let long = "n".repeat(300);
    let names =
        ["../escaped", "/tmp/wright-escaped", ".git", ".GIT", "git~1", ".g\u{200c}it", "a/../../escaped", &long];
    let mut entries: Vec<_> = names.iter().map(|name| ("100644", *name, evil.as_str())).collect();
    // A link and, in the same place, a folder below it.
    entries.extend([
        ("120000", "link", way_out.as_str()),
        ("100644", "link/escaped", evil.as_str()),
        ("100644", "good", evil.as_str()),
    ]);
    entries.extend([("100644", "twice", evil.as_str()), ("100644", "twice/below", evil.as_str())]);
    let commit = fixture.commit_tree(&entries);
    let dest = fixture.beside("deep/tree");

    let worktree = fixture.repo().export(&commit, &dest).unwrap();

    let reason = |path: &str| worktree.skipped().iter().find(|s| s.path == Path::new(path)).map(|s| s.reason);
    for name in &names[..7] {
        assert_eq!(reason(name), Some(SkipReason::UnsafePath), "{name}");
    }
    assert_eq!(reason(&long), Some(SkipReason::UnusableName));
    assert_eq!(reason("twice/below"), Some(SkipReason::Clash));
    assert_eq!(reason("link"), Some(SkipReason::LinkLeavesTree));
    assert_eq!(worktree.read(Path::new("good")).unwrap(), "evil");
    assert!(!fixture.beside("deep/escaped").exists() && !fixture.beside("escaped").exists());
    assert!(!Path::new("/tmp/wright-escaped").exists());
    assert!(!dest.join(".git").exists() && !dest.join(".GIT").exists());
}

#[test]
fn nothing_is_written_through_a_link_of_the_same_commit() {
    let fixture = Fixture::with(&[]);
    let (evil, target) = (fixture.blob("evil"), fixture.blob("real"));
    let entries =
        [("120000", "link", target.as_str()), ("100644", "link/x", evil.as_str()), ("100644", "real/y", evil.as_str())];
    let commit = fixture.commit_tree(&entries);

    let worktree = fixture.repo().export(&commit, &fixture.beside("tree")).unwrap();

    assert_eq!(worktree.skipped(), [Skipped { path: "link".into(), reason: SkipReason::Clash }]);
    assert!(!worktree.root().join("real/x").exists());
}

#[test]
fn a_folder_with_content_is_not_exported_into() {
    let fixture = Fixture::with(&[("a", b"a")]);
    let repo = fixture.repo();

    let error = repo.export(&repo.head().unwrap(), repo.root()).unwrap_err();

    assert!(matches!(error, RepoError::DestinationNotEmpty { .. }), "{error}");
    assert_eq!(fixture.read("a"), b"a");
}

#[test]
fn an_export_that_fails_leaves_nothing_behind() {
    let fixture = Fixture::with(&[("a", b"a"), ("b", b"lost")]);
    let lost = fixture.git(["rev-parse", "HEAD:b"]);
    let repo = fixture.repo();
    let head = repo.head().unwrap();
    let tree = fixture.beside("tree");
    // The listing still knows the size of an object whose content is damaged.
    let object = fixture.root().join(".git/objects").join(&lost[..2]).join(&lost[2..]);
    std::fs::remove_file(&object).unwrap();

    let error = repo.export(&head, &tree).unwrap_err();

    assert!(matches!(error, RepoError::Git { .. }), "{error}");
    assert!(!tree.exists());
}

#[test]
fn ten_thousand_small_files_are_exported_and_compared_in_seconds() {
    let fixture = Fixture::empty();
    for file_idx in 0..10_000 {
        fixture.write(format!("d{}/f{file_idx}.txt", file_idx % 100), format!("content {file_idx}\n"));
    }
    let head = fixture.commit();
    let repo = fixture.repo();

    let begun = Instant::now();
    let worktree = repo.export(&head, &fixture.beside("tree")).unwrap();
    let exported = begun.elapsed();
    let patch = worktree.patch(|_| true).unwrap();
    let compared = begun.elapsed() - exported;
    let copy = worktree.fork(&fixture.beside("copy")).unwrap();
    let copied = begun.elapsed() - exported - compared;

    assert!(patch.files.is_empty() && copy.patch(|_| true).unwrap().files.is_empty());
    assert_eq!(worktree.tracked_files().count(), 10_000);
    let timing = format!("export {exported:?}, compare {compared:?}, copy {copied:?}");
    std::io::Write::write_all(&mut std::io::stderr(), format!("{timing}\n").as_bytes()).unwrap();
    // Generous, because tests run beside each other on small machines.
    assert!(begun.elapsed().as_secs() < 60, "{timing}");
}
