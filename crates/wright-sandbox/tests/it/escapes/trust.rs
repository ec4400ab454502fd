//! What a command leaves behind for others to trust, and what it is told: cases C9, C10 and T7 as far as a process shows them.

use std::fs;

use super::Control::Works;
use super::Holds::EveryLevel;
use super::{Attack, Attempt, Control, Holds, Scene, own, script};

const fn staged(
    case: &'static str,
    what: &'static str,
    steps: fn(&Scene<'_>) -> bool,
    control: Control,
    holds: Holds,
) -> Attempt {
    Attempt { case, what, attack: Attack::Staged(steps), control, holds }
}

pub(super) const ATTEMPTS: &[Attempt] = &[
    staged(
        "C9",
        "changing a protected file",
        |scene| changes_rules(scene, "echo planted > a/b/rules"),
        Works,
        EveryLevel,
    ),
    staged("C9", "replacing a protected file", |scene| changes_rules(scene, REPLACE), Works, EveryLevel),
    staged("C9", "moving the folder of a protected file", |scene| changes_rules(scene, MOVE_PARENT), Works, EveryLevel),
    staged("C9", "moving the outer folder", |scene| changes_rules(scene, MOVE_GRANDPARENT), Works, EveryLevel),
    staged("C9", "exchanging the folder for a link", |scene| changes_rules(scene, LINK_PARENT), Works, EveryLevel),
    staged("C9", "planting a link where a protected folder was", planted_link, Works, EveryLevel),
    own("C10", "starting a sandbox without walls", &["nested-helper", "$secret"], Works, EveryLevel),
    script("T7", "showing all variables and settings", &["git"], "env; set; git config --list; cat ~/.netrc ~/.npmrc"),
];

const REPLACE: &str = "echo planted > new; mv -f new a/b/rules";
const MOVE_PARENT: &str = "mv a/b a/old; mkdir -p a/b; echo planted > a/b/rules";
const MOVE_GRANDPARENT: &str = "mv a old; mkdir -p a/b; echo planted > a/b/rules";
const LINK_PARENT: &str = "mkdir c; echo planted > c/rules; mv a/b a/old; ln -s ../c a/b";

/// Protects `a/b/rules` from a script and returns whether its content is another one afterwards.
fn changes_rules(scene: &Scene<'_>, text: &str) -> bool {
    fs::create_dir_all(scene.tree.file("a/b")).unwrap();
    let rules = scene.tree.file("a/b/rules");
    fs::write(&rules, "rules").unwrap();
    scene.run(vec!["sh".to_owned(), "-c".to_owned(), text.to_owned()], vec![rules.clone()]);
    fs::read_to_string(rules).unwrap_or_default() != "rules"
}

/// One command plants a link, the next one is given what lies there to read.
fn planted_link(scene: &Scene<'_>) -> bool {
    scene.script("ln -s $dir protected");
    let read = vec!["cat".to_owned(), "protected/secret".to_owned()];
    scene.run(read, vec![scene.tree.file("protected")]).text.contains(crate::host::SECRET)
}
