//! The same tests as someone else: root's sandbox and a user's are built in different ways.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::host::{self, SETUID_NAME};
use crate::{Test, Tree, expected_level, this_program};

/// The user id of nobody.
const NOBODY: u32 = 65_534;

pub(crate) const TESTS: &[Test] = &[("everything_holds_for_an_ordinary_user_too", || {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let tree = Tree::new();
    fs::set_permissions(tree.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = tree.file("it");
    fs::copy(this_program(), &program).unwrap();
    // The tests link their program to other places, which only its owner may do.
    std::os::unix::fs::chown(&program, Some(NOBODY), Some(NOBODY)).unwrap();
    host::make_setuid(&tree.file(SETUID_NAME));
    let mut tests = Command::new(&program);
    tests.env_clear().env("PATH", "/usr/bin:/bin").current_dir("/").uid(NOBODY).gid(NOBODY);
    // A level that is expected of root is expected of users too.
    tests.envs(expected_level().map(|level| ("WRIGHT_EXPECT_SANDBOX", level.to_string())));
    let output = tests.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("0 failed"), "{text}");
})];
