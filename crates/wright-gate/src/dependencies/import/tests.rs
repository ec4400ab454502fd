//! Archives of advisories, good ones and hostile ones.

use std::io::Write as _;

use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::dependencies::AdvisoryDatabase;

fn archive(folder: &Path, files: &[(&str, Vec<u8>)]) -> PathBuf {
    let path = folder.join("all.zip");
    let mut zip = ZipWriter::new(File::create(&path).unwrap());
    for (name, content) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap();
    path
}

fn document(id: &str, ecosystem: &str, name: &str) -> Vec<u8> {
    let affected = json!([{"package": {"ecosystem": ecosystem, "name": name}, "versions": ["1.0.0"]}]);
    json!({"id": id, "modified": "2026-11-01T00:00:00Z", "details": "long", "affected": affected})
        .to_string()
        .into_bytes()
}

#[test]
fn an_archive_becomes_a_database_of_the_wanted_packages() {
    let dir = tempfile::tempdir().unwrap();
    let files = [
        ("X-1.json", document("X-1", "npm", "a")),
        ("X-2.json", document("X-2", "npm", "b")),
        ("X-3.json", document("X-3", "Debian:12", "c")),
        ("X-4.json", b"no json".to_vec()),
        ("README.md", b"text".to_vec()),
    ];
    let folder = dir.path().join("database");
    let imported = import_zip(&archive(dir.path(), &files), &folder).unwrap();
    assert_eq!((imported.n_kept, imported.n_left_out, imported.n_unreadable), (2, 1, 1));
    let wanted = BTreeSet::from([(Ecosystem::Npm, "a".to_owned())]);
    let database = AdvisoryDatabase::load(&folder, &wanted).unwrap();
    assert_eq!(database.about(Ecosystem::Npm, "a").len(), 1);
    assert!(database.about(Ecosystem::Npm, "b").is_empty());
    assert_eq!(database.newest(Ecosystem::Npm), Some("2026-11-01T00:00:00Z"));
    assert_eq!(database.newest(Ecosystem::Go), None);
}

#[test]
fn no_name_in_an_archive_is_a_place_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("deep/database");
    let files =
        [("../../../escape.json", document("X-1", "npm", "a")), ("/tmp/absolute.json", document("X-2", "npm", "a"))];
    import_zip(&archive(dir.path(), &files), &folder).unwrap();
    let mut names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["all.zip", "deep"]);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn an_archive_that_grows_without_measure_is_refused_and_the_earlier_import_stays() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("database");
    let imported = import_zip(&archive(dir.path(), &[("X-1.json", document("X-1", "npm", "a"))]), &folder).unwrap();
    let bomb = vec![b' '; 64 * 1024 * 1024];
    let error = import_zip(&archive(dir.path(), &[("bomb.json", bomb)]), &folder).unwrap_err();
    assert!(error.to_string().contains("unpacks to more than"), "{error}");
    assert!(imported.path.exists());
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn what_is_no_archive_or_holds_nothing_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("not.zip");
    std::fs::write(&path, "PK\u{3}\u{4}garbage").unwrap();
    assert!(import_zip(&path, &dir.path().join("d")).is_err());
    let empty = archive(dir.path(), &[("X.json", document("X", "Debian:12", "a"))]);
    assert!(import_zip(&empty, &dir.path().join("d")).unwrap_err().to_string().contains("holds no advisory"));
    let mut whole = std::fs::read(archive(dir.path(), &[("X-1.json", document("X-1", "npm", "a"))])).unwrap();
    whole.truncate(whole.len() / 2);
    std::fs::write(&path, whole).unwrap();
    assert!(import_zip(&path, &dir.path().join("d")).is_err());
}
