//! Comments and attributes that silence a tool, where a change adds more than it takes.

use super::lines::Lines;
use crate::Severity;
use crate::tampering::marks::regex;
use crate::tampering::report::Reporter;

/// Reports silencers that a change adds.
pub(super) fn judge(file: &Lines<'_>, out: &mut Reporter<'_>) {
    if wright_text::Language::from_path(file.path).is_none() {
        return;
    }
    let whole_file = regex!(
        r"^#\s*(?:ruff|flake8|pylint|mypy|pyright|type)\s*:\s*(?:noqa|ignore-errors|ignore|skip-file|basic)|^/\*\s*eslint-disable\s*\*/|@ts-nocheck|^#!\[allow\(|^//\s*nolint\b.*\bpackage|^//\s*biome-ignore-all|^# nosec\b|/\*\s*istanbul ignore file"
    );
    let blanket = regex!(
        r"#\s*noqa\s*(?:$|#)|#\s*type:\s*ignore\s*(?:$|#)|#\s*nosec\s*$|eslint-disable(?:-next-line|-line)?\s*(?:\*/|$)|//\s*@ts-ignore|//\s*nolint\s*$|//\s*NOLINT\s*$|nosemgrep\s*$|@SuppressWarnings\(.all.\)|#\[allow\((?:warnings|clippy::all|unused)\)|pragma:\s*no\s*cover|istanbul ignore|c8 ignore|v8 ignore|LCOV_EXCL|pragma:\s*no\s*mutate|cfg_attr\(coverage|#\[coverage\(off\)\]|@Generated\b.*coverage|pylint:\s*disable=all"
    );
    let specific = regex!(
        r"#\s*noqa:\s*\w|#\s*type:\s*ignore\[|eslint-disable|@ts-expect-error|nolint:\w|#\[allow\(|@SuppressWarnings|NOLINT\(|nosemgrep:|nosec B|pylint:\s*disable|biome-ignore|#\[expect\("
    );
    // A new file that begins loosely loosens nothing.
    let severity_of_files = if file.is_changed() { Severity::Error } else { Severity::Warning };
    let kinds = [
        (whole_file, "for a whole file", severity_of_files),
        (blanket, "altogether", Severity::Warning),
        (specific, "in one respect", Severity::Note),
    ];
    for (pattern, extent, severity) in kinds {
        let count = |lines: &[(usize, &str)]| lines.iter().filter(|it| pattern.is_match(it.1)).count();
        if count(&file.added) <= count(&file.removed) {
            continue;
        }
        if let Some((number, line)) = file.added.iter().find(|it| pattern.is_match(it.1)) {
            let line: String = line.chars().take(100).collect();
            out.at(
                severity,
                "tool-silenced",
                file.path,
                Some(*number),
                None,
                format!("a tool is silenced {extent}: `{line}`"),
            );
            return;
        }
    }
}
