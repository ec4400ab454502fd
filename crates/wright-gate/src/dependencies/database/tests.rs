//! What is found about a package in a folder of advisories.

use super::*;

const DOCUMENT: &str = r#"{"id": "X-1", "modified": "2026-11-01T00:00:00Z",
    "affected": [{"package": {"ecosystem": "PyPI", "name": "Foo_Bar"}, "versions": ["1.0"]}]}"#;

#[test]
fn loose_documents_are_found_below_a_folder_by_the_one_spelling_of_a_name() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("PyPI/2026")).unwrap();
    std::fs::write(dir.path().join("PyPI/2026/X-1.json"), DOCUMENT).unwrap();
    std::fs::write(dir.path().join("broken.json"), "{").unwrap();
    let wanted = BTreeSet::from([(Ecosystem::PyPi, "foo-bar".to_owned())]);
    let database = AdvisoryDatabase::load(dir.path(), &wanted).unwrap();
    assert_eq!(database.about(Ecosystem::PyPi, "foo-bar").len(), 1);
}

#[test]
fn a_link_in_the_folder_is_not_followed() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(other.path().join("X-1.json"), DOCUMENT).unwrap();
    std::os::unix::fs::symlink(other.path(), dir.path().join("linked")).unwrap();
    std::os::unix::fs::symlink(other.path().join("X-1.json"), dir.path().join("X-1.json")).unwrap();
    let wanted = BTreeSet::from([(Ecosystem::PyPi, "foo-bar".to_owned())]);
    let database = AdvisoryDatabase::load(dir.path(), &wanted).unwrap();
    assert!(database.about(Ecosystem::PyPi, "foo-bar").is_empty());
}

#[test]
fn a_folder_that_is_missing_is_an_error() {
    let error = AdvisoryDatabase::load(Path::new("/nonexistent/advisories"), &BTreeSet::new()).unwrap_err();
    assert!(error.to_string().starts_with("\"/nonexistent/advisories\": "));
}
