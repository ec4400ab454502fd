//! Files of a change that nobody can review: binaries, and texts too large to read.

use std::path::Path;

use crate::change::{ChangeSet, Content};
use crate::{CheckReport, Finding};

/// The check's name.
pub const NAME: &str = "unreadable-files";

/// A larger file is worth a word.
const LARGE_BYTES: u64 = 1 << 20;

/// What runs without being read.
const PROGRAMS: &[&str] = &[
    "exe", "dll", "so", "dylib", "a", "o", "lib", "class", "jar", "war", "pyc", "pyo", "pyd", "wasm", "node", "whl",
    "egg", "deb", "rpm", "msi", "apk", "bin", "com", "scr", "sys", "ko",
];

/// Reports the programs, other binaries and oversized files that a change adds or replaces.
pub fn findings(change: &ChangeSet) -> CheckReport {
    let mut report = CheckReport::ran(NAME);
    for file in change.files.iter().filter(|it| it.before != it.after) {
        report.analysed.push(file.path.clone());
        let finding = match &file.after {
            Content::Binary(size) => Some(binary(&file.path, *size)),
            Content::Text(text) => {
                let (size, before) = (text.len() as u64, file.text_before().len() as u64);
                (size > LARGE_BYTES && before <= LARGE_BYTES).then(|| {
                    Finding::warning(NAME, format!("a text of {size} bytes is too long to review")).rule("large-file")
                })
            }
            Content::Absent | Content::Link(_) => None,
        };
        let key = format!("{:?}", file.path.file_name());
        report.after.extend(finding.map(|it| it.at(&file.path, None).key(key)));
    }
    report
}

fn binary(path: &Path, size: u64) -> Finding {
    let extension = path.extension().map(|it| it.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    if PROGRAMS.contains(&extension.as_str()) {
        return Finding::warning(NAME, format!("a program of {size} bytes comes without its source"))
            .rule("program")
            .cwe(&[506_u16][..])
            .hint("Build it where it is needed, or say where it comes from.");
    }
    if size > LARGE_BYTES {
        return Finding::warning(NAME, format!("a binary of {size} bytes stays in the history forever"))
            .rule("large-file");
    }
    Finding::note(NAME, format!("a binary of {size} bytes cannot be reviewed")).rule("binary")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::FileDelta;

    fn rules(before: Content, after: Content, path: &str) -> Vec<String> {
        let file = FileDelta { path: path.into(), moved_from: None, before, after };
        findings(&ChangeSet { files: vec![file] }).after.iter().map(|it| it.rule.to_string()).collect()
    }

    #[test]
    fn programs_binaries_and_large_files_are_told_apart() {
        assert_eq!(rules(Content::Absent, Content::Binary(10), "bin/x.so"), ["program"]);
        assert_eq!(rules(Content::Absent, Content::Binary(10), "a.png"), ["binary"]);
        assert_eq!(rules(Content::Absent, Content::Binary(LARGE_BYTES + 1), "a.png"), ["large-file"]);
        assert_eq!(
            rules(Content::Absent, Content::Text("x".repeat(LARGE_BYTES as usize + 1).into()), "a.csv"),
            ["large-file"]
        );
    }

    #[test]
    fn what_was_there_or_goes_is_no_finding() {
        assert_eq!(rules(Content::Binary(10), Content::Binary(10), "x.so"), [""; 0]);
        assert_eq!(rules(Content::Binary(10), Content::Absent, "x.so"), [""; 0]);
        assert_eq!(rules(Content::Absent, Content::Text("x".into()), "a.py"), [""; 0]);
    }
}
