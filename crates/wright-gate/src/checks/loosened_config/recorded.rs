//! Output that was recorded for tests to compare with.

use wright_repo::project::is_test_path;
use wright_text::Language;

use super::lines::Lines;
use crate::Severity;
use crate::tampering::marks::regex;
use crate::tampering::product::Product;
use crate::tampering::report::Reporter;

/// Reports recorded output that changes together with the product, or is removed.
pub(super) fn judge(file: &Lines<'_>, product: &Product, out: &mut Reporter<'_>) {
    let is_recorded = regex!(r"\.snap$|\.ambr$|\.golden$|\.approved\.|\.snapshot$|\.expected$|\.stdout$|\.stderr$|__snapshots__/|/snapshots/|/golden/|testdata/.*\.(?:golden|out|want|txt|json)$|/expected/")
        .is_match(&file.place);
    let is_code = Language::from_path(file.path).is_some();
    if !is_recorded
        || is_code
        || !(is_test_path(file.path) || file.place.contains("snap") || file.place.contains("golden"))
    {
        return;
    }
    if file.is_changed() {
        let words = |lines: &[(usize, &str)]| {
            lines
                .iter()
                .flat_map(|it| it.1.split(|it: char| !it.is_alphanumeric() && it != '.'))
                .filter(|it| !it.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let (old, new) = (words(&file.removed), words(&file.added));
        let follows = product.is_changed() && new.iter().filter(|it| !old.contains(it)).all(|it| product.adds(it));
        let severity = if follows { Severity::Note } else { Severity::Warning };
        let first = file.added.first().or(file.removed.first()).map(|it| it.0);
        let message = "recorded output that tests compare with changed".to_owned();
        out.at(severity, "recorded-output-changed", file.path, first, None, message);
    } else if file.after.is_empty() && !file.before.is_empty() {
        out.at(
            Severity::Warning,
            "recorded-output-changed",
            file.path,
            None,
            None,
            "recorded output that tests compare with is removed".to_owned(),
        );
    }
}
