//! What changes of locked packages are reported.

use std::path::PathBuf;

use super::*;
use crate::change::{Content, MemoryTree};

/// Returns what is reported about a change of the given files, each with its text before and after (`""` is absent).
fn check(files: &[(&str, &str, &str)]) -> Vec<String> {
    let content = |text: &str| if text.is_empty() { Content::Absent } else { Content::Text(text.into()) };
    let deltas = files.iter().filter(|(_, before, after)| before != after).map(|(path, before, after)| FileDelta {
        path: PathBuf::from(path),
        moved_from: None,
        before: content(before),
        after: content(after),
    });
    let change = ChangeSet { files: deltas.collect() };
    let tree = |side: fn(&(&str, &str, &str)) -> String| -> MemoryTree {
        files.iter().filter(|it| !side(it).is_empty()).map(|it| (it.0, side(it))).collect()
    };
    let report = changes(&change, &tree(|it| it.1.to_owned()), &tree(|it| it.2.to_owned()));
    let known: Vec<&str> = report.before.iter().map(|it| it.key.as_str()).collect();
    let new = report.after.iter().filter(|it| !known.contains(&it.key.as_str()));
    let mut lines: Vec<String> = new.map(|it| format!("{:?} {it}", it.severity)).collect();
    if let CheckStatus::Partial(left_out) = report.status {
        lines.extend(left_out.iter().map(|(path, reason)| format!("left out {}: {reason}", path.display())));
    }
    lines
}

fn cargo_lock(packages: &[(&str, &str, &str, &str)]) -> String {
    let entry = |(name, version, source, hash): &(&str, &str, &str, &str)| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{source}\"\nchecksum = \"{hash}\"\n"
        )
    };
    packages.iter().map(entry).collect()
}

const REGISTRY: &str = "registry+https://index.example/git";

#[test]
fn a_new_direct_dependency_is_a_warning_and_an_indirect_one_a_note() {
    let before = cargo_lock(&[("a", "1.0.0", REGISTRY, "aa")]);
    let after =
        cargo_lock(&[("a", "1.0.0", REGISTRY, "aa"), ("b", "2.0.0", REGISTRY, "bb"), ("c", "3.0.0", REGISTRY, "cc")]);
    let manifest = "[dependencies]\na = \"1\"\n";
    let found =
        check(&[("Cargo.toml", manifest, "[dependencies]\na = \"1\"\nb = \"2\"\n"), ("Cargo.lock", &before, &after)]);
    let expected = [
        "Warning Cargo.lock:7: new dependency `b` 2.0.0 [dependencies/added]",
        "Note Cargo.lock:12: new indirect dependency `c` 3.0.0 [dependencies/added-indirect]",
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_upgrade_is_nothing_to_report_and_a_downgrade_is() {
    let old = cargo_lock(&[("a", "1.9.0", REGISTRY, "aa")]);
    let new = cargo_lock(&[("a", "1.10.0", REGISTRY, "bb")]);
    assert!(check(&[("Cargo.lock", &old, &new)]).is_empty());
    let found = check(&[("Cargo.lock", &new, &old)]);
    assert_eq!(found, ["Warning Cargo.lock:2: `a` goes back from 1.10.0 to 1.9.0 [dependencies/downgraded]"]);
}

#[test]
fn another_content_for_the_same_version_is_an_error() {
    let old = cargo_lock(&[("a", "1.0.0", REGISTRY, "aa")]);
    let found = check(&[("Cargo.lock", &old, &old.replace("aa", "bb"))]);
    assert_eq!(
        found,
        ["Error Cargo.lock:2: `a` 1.0.0 has another content than before [dependencies/integrity-changed]"]
    );
    let lost = old.lines().filter(|it| !it.starts_with("checksum")).collect::<Vec<_>>().join("\n");
    let found = check(&[("Cargo.lock", &old, &lost)]);
    assert_eq!(found, ["Warning Cargo.lock:2: `a` 1.0.0 has lost its hash [dependencies/integrity-lost]"]);
}

#[test]
fn a_further_file_of_the_same_version_is_no_other_content() {
    let lock = |files: &str| format!("[[package]]\nname = \"a\"\nversion = \"1.0\"\nfiles = [{files}]\n");
    let old = lock("{file = \"a.whl\", hash = \"sha256:aa\"}");
    let more = lock("{file = \"a.whl\", hash = \"sha256:aa\"}, {file = \"a-win.whl\", hash = \"sha256:cc\"}");
    assert!(check(&[("poetry.lock", &old, &more)]).is_empty());
    let swapped = lock("{file = \"a.whl\", hash = \"sha256:bb\"}, {file = \"a-win.whl\", hash = \"sha256:cc\"}");
    assert_eq!(check(&[("poetry.lock", &old, &swapped)]).len(), 1);
    // Another kind of hash of the same archive says nothing about its content.
    let npm =
        |hash: &str| format!(r#"{{"packages": {{"node_modules/a": {{"version": "1.0.0", "integrity": "{hash}"}}}}}}"#);
    assert!(check(&[("package-lock.json", &npm("sha1-AA="), &npm("sha512-BB=="))]).is_empty());
}

#[test]
fn a_package_that_comes_from_another_place_is_an_error() {
    let old = cargo_lock(&[("a", "1.0.0", REGISTRY, "aa"), ("b", "1.0.0", REGISTRY, "bb")]);
    let cases = [
        (
            "registry+https://evil.example/git",
            "Error Cargo.lock:2: `a` comes from evil.example now, from index.example before [dependencies/source-changed]",
        ),
        (
            "git+https://git.example/a#1",
            "Error Cargo.lock:2: `a` comes from a git repository at git.example now, from a registry before [dependencies/source-changed]",
        ),
        (
            "registry+http://index.example/git",
            "Error Cargo.lock:2: `a` is fetched from index.example without encryption [dependencies/insecure-source]",
        ),
    ];
    for (source, expected) in cases {
        let new = old.replacen(REGISTRY, source, 1);
        assert_eq!(check(&[("Cargo.lock", &old, &new)]), [expected], "{source}");
    }
    let new = cargo_lock(&[
        ("a", "1.0.0", REGISTRY, "aa"),
        ("b", "1.0.0", REGISTRY, "bb"),
        ("c", "1.0.0", "git+https://git.example/c#1", ""),
    ]);
    let found = check(&[("Cargo.lock", &old, &new)]);
    assert!(
        found[1].contains("`c` comes from a git repository at git.example [dependencies/unusual-source]"),
        "{found:?}"
    );
}

#[test]
fn a_change_of_mirrors_is_said_once() {
    let old =
        cargo_lock(&[("a", "1.0.0", REGISTRY, "aa"), ("b", "1.0.0", REGISTRY, "bb"), ("c", "1.0.0", REGISTRY, "cc")]);
    let new = old.replace("index.example", "mirror.example");
    assert_eq!(check(&[("Cargo.lock", &old, &new)]).len(), 1);
}

#[test]
fn the_same_repository_at_a_later_commit_is_the_same_place() {
    let old = cargo_lock(&[("a", "1.0.0", "git+https://git.example/a?branch=main#1", "")]);
    let new = cargo_lock(&[("a", "1.1.0", "git+https://git.example/a?branch=main#2", "")]);
    assert!(check(&[("Cargo.lock", &old, &new)]).is_empty());
}

#[test]
fn an_install_script_is_named() {
    let lock = |rest: &str| format!(r#"{{"packages": {{"node_modules/a": {{"version": "1.0.0"}}{rest}}}}}"#);
    let new = r#", "node_modules/b": {"version": "2.0.0", "hasInstallScript": true, "license": "MIT"}"#;
    let found = check(&[("package-lock.json", &lock(""), &lock(new))]);
    let expected = "new indirect dependency `b` 2.0.0, license MIT; it runs a program when it is installed";
    assert_eq!(found, [format!("Warning package-lock.json:1: {expected} [dependencies/install-script]")]);
}

#[test]
fn a_version_that_is_no_longer_held_is_a_warning() {
    let cases = [
        ("requirements.txt", "a==1.0\n", "a>=1.0\n", true),
        ("requirements.txt", "a==1.0\n", "a\n", true),
        ("requirements.txt", "a==1.0\n", "a==1.0\nb\n", true),
        ("requirements.txt", "a==1.0\n", "a==1.0\nb>=2\n", true),
        ("requirements.txt", "a==1.0\nc>=1\n", "a==1.0\nc>=1\nb>=2\n", false),
        ("requirements.txt", "a==1.0\n", "a==1.1\n", false),
        ("requirements.txt", "a>=1.0\n", "a>=2.0\n", false),
        ("package.json", r#"{"dependencies":{"a":"1.0.0"}}"#, r#"{"dependencies":{"a":"^1.0.0"}}"#, true),
        ("package.json", r#"{"dependencies":{"a":"^1.0.0"}}"#, r#"{"dependencies":{"a":"*"}}"#, true),
        ("package.json", r#"{"dependencies":{"a":"^1.0.0"}}"#, r#"{"dependencies":{"a":"^2.0.0"}}"#, false),
        ("Cargo.toml", "[dependencies]\na = \"=1.0.0\"\n", "[dependencies]\na = \"1.0.0\"\n", true),
        ("Cargo.toml", "[dependencies]\na = \"1.0.0\"\n", "[dependencies]\na = \"1.2.0\"\n", false),
    ];
    for (path, before, after, reported) in cases {
        let found = check(&[(path, before, after)]);
        assert_eq!(
            found.iter().any(|it| it.contains("dependencies/unpinned")),
            reported,
            "{path}: {before} -> {after}: {found:?}"
        );
    }
}

#[test]
fn a_lock_file_out_of_step_with_its_manifest_is_a_warning() {
    let lock = cargo_lock(&[("a", "1.4.0", REGISTRY, "aa")]);
    let manifest = "[dependencies]\na = \"1\"\n";
    let cases = [
        ("[dependencies]\na = \"1.2\"\n", None),
        ("[dependencies]\na = \"2\"\n", Some("Cargo.lock has `a` 1.4.0, which `2` does not accept")),
        ("[dependencies]\na = \"1\"\nb = \"1\"\n", Some("Cargo.lock does not list `b`")),
        ("[dependencies]\na = \"1\"\nb = { path = \"b\" }\n", None),
    ];
    for (after, expected) in cases {
        let found = check(&[("Cargo.toml", manifest, after), ("Cargo.lock", &lock, &lock)]);
        assert_eq!(found.iter().any(|it| it.contains("out-of-step")), expected.is_some(), "{after}: {found:?}");
        assert!(expected.is_none_or(|text| found.iter().any(|it| it.contains(text))), "{found:?}");
    }
    let npm_lock = r#"{"packages": {"node_modules/a": {"version": "1.4.0"}}}"#;
    for (range, fits) in [
        ("^1.2.0", true),
        ("~1.4", true),
        ("1.x || 2.x", true),
        (">=1 <1.4", false),
        ("^2.0.0", false),
        ("workspace:*", true),
        ("next", true),
    ] {
        let after = format!(r#"{{"dependencies": {{"a": "{range}"}}}}"#);
        let found = check(&[("package.json", "{}", &after), ("package-lock.json", npm_lock, npm_lock)]);
        assert_eq!(!found.iter().any(|it| it.contains("out-of-step")), fits, "{range}: {found:?}");
    }
}

#[test]
fn what_was_out_of_step_before_is_not_new() {
    let lock = cargo_lock(&[("a", "1.4.0", REGISTRY, "aa")]);
    let old = "[dependencies]\na = \"2\"\n";
    assert!(
        check(&[("Cargo.toml", old, "[dependencies]\n# note\na = \"2\"\n"), ("Cargo.lock", &lock, &lock)]).is_empty()
    );
}

#[test]
fn a_lock_file_of_a_workspace_holds_the_packages_of_its_members_only() {
    let lock = format!(
        "[[package]]\nname = \"member\"\nversion = \"0.1.0\"\n{}",
        cargo_lock(&[("a", "1.4.0", REGISTRY, "aa")])
    );
    let manifest = |name: &str| format!("[package]\nname = \"{name}\"\n[dependencies]\nmissing = \"1\"\n");
    for (name, reported) in [("member", true), ("stranger", false)] {
        let found = check(&[("crates/x/Cargo.toml", "", &manifest(name)), ("Cargo.lock", &lock, &lock)]);
        assert_eq!(found.iter().any(|it| it.contains("does not list `missing`")), reported, "{name}: {found:?}");
    }
}

#[test]
fn a_lock_file_that_is_gone_is_a_warning_unless_another_takes_its_place() {
    let lock = r#"{"packages": {"node_modules/a": {"version": "1.0.0"}}}"#;
    let manifest = ("package.json", r#"{"dependencies":{"a":"1.0.0"}}"#, r#"{"dependencies":{"a":"1.0.0"}}"#);
    let found = check(&[manifest, ("package-lock.json", lock, "")]);
    assert_eq!(
        found,
        ["Warning package-lock.json: the lock file holds none of its 1 packages any more [dependencies/lock-lost]"]
    );
    let yarn = "a@1.0.0:\n  version \"1.0.0\"\n";
    let found = check(&[manifest, ("package-lock.json", lock, ""), ("yarn.lock", "", yarn)]);
    assert!(!found.iter().any(|it| it.contains("lock-lost")), "{found:?}");
}

#[test]
fn a_lock_file_that_cannot_be_read_is_left_out_and_named() {
    let found = check(&[("package-lock.json", "{}", "<<<<<<< ours")]);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("left out package-lock.json: cannot be read"), "{found:?}");
}

#[test]
fn the_changes_of_a_lock_file_are_listed() {
    let old =
        cargo_lock(&[("a", "1.0.0", REGISTRY, "aa"), ("b", "1.0.0", REGISTRY, "bb"), ("b", "2.0.0", REGISTRY, "bb")]);
    let new = cargo_lock(&[("b", "2.1.0", REGISTRY, "bb"), ("c", "1.0.0", REGISTRY, "cc")]);
    let delta = FileDelta {
        path: "Cargo.lock".into(),
        moved_from: None,
        before: Content::Text(old.into()),
        after: Content::Text(new.into()),
    };
    let found = package_changes(&ChangeSet { files: vec![delta] });
    let lines: Vec<String> =
        found.iter().map(|it| format!("{} {:?} {:?} {:?}", it.name, it.before, it.after, it.change)).collect();
    let expected =
        [r#"a ["1.0.0"] [] Removed"#, r#"b ["1.0.0", "2.0.0"] ["2.1.0"] Upgraded"#, r#"c [] ["1.0.0"] Added"#];
    assert_eq!(lines, expected);
}
