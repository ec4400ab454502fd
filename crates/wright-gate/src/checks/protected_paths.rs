//! The change leaves tests, test configuration and trust files alone.
//!
//! A model that cannot make the code pass the tests is tempted to make the tests pass the code. Repairing never needs
//! that, so here any such change is refused; a person can still make it.

use wright_repo::project;

use super::Change;
use crate::Finding;

/// The check's name.
pub const NAME: &str = "protected-paths";

/// Reports a changed, new or deleted file that only a person may change.
pub fn check(change: Change<'_>) -> Vec<Finding> {
    let reason = if project::is_test_path(change.path) {
        "a test"
    } else if let Some(reason) = project::is_protected_path(change.path) {
        reason
    } else {
        return Vec::new();
    };
    let finding = Finding::error(NAME, format!("changes {reason}")).at(change.path, None);
    vec![finding.hint("Only a person may change this file; make the change yourself if you want it.")]
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn tests_and_their_configuration_are_protected_at_every_depth_and_case() {
        for path in ["tests/test_a.py", "pkg/test_a.py", "conftest.py", "sub/PyTest.ini", ".github/workflows/ci.yml"] {
            let change = Change { path: Path::new(path), before: "", after: "x" };
            assert_eq!(check(change).len(), 1, "{path}");
        }
        let source = Change { path: Path::new("pkg/a.py"), before: "", after: "x" };
        assert!(check(source).is_empty());
    }
}
