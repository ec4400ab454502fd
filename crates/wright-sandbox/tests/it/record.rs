//! What became of each attack, for `cargo xtask escape`: one JSON line per attack and user, in the file that a variable names.
//! CONTRIBUTING.md describes the format.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;

use serde_json::json;

/// Names the file. Without it nothing is recorded.
pub(crate) const VARIABLE: &str = "WRIGHT_ESCAPE_REPORT";

/// What an attack came to.
pub(crate) struct Row<'a> {
    pub(crate) case: &'a str,
    pub(crate) attack: &'a str,
    pub(crate) level: String,
    /// Whether the same attack got through without a sandbox, or why that was not or could not be tried.
    pub(crate) control: String,
    pub(crate) result: &'static str,
    /// How it was stopped, or why it could not be tried.
    pub(crate) detail: String,
}

/// Returns where rows go.
pub(crate) fn file() -> Option<OsString> {
    std::env::var_os(VARIABLE)
}

/// Appends a row. Each is written at once, so that several processes can share the file.
pub(crate) fn write(row: &Row<'_>) {
    let Some(path) = file() else {
        return;
    };
    let who = if rustix::process::geteuid().is_root() { "root" } else { "user" };
    let line = json!({
        "id": row.case, "title": row.attack, "who": who, "level": row.level,
        "control": row.control, "result": row.result, "detail": row.detail,
    });
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}
