//! Attacks on the machine's memory, disk, processes and patience: cases R1 to R8.
//!
//! Each takes a certain amount and says so if it got it. Outside it gets it; inside the limit is lower than that.

use std::process;
use std::time::Duration;

use wright_sandbox::Limits;

use super::Control::{Omitted, Works};
use super::Holds::{EveryLevel, Namespaces};
use super::{Attack, Attempt, Control, Holds, Scene};
use crate::attacks::THROUGH;

const MIB: u64 = 1024 * 1024;

const fn limited(
    case: &'static str,
    what: &'static str,
    words: &'static [&'static str],
    limits: fn(&Scene<'_>) -> Limits,
    control: Control,
    holds: Holds,
) -> Attempt {
    Attempt { case, what, attack: Attack::Limited(words, limits), control, holds }
}

#[rustfmt::skip]
pub(super) const ATTEMPTS: &[Attempt] = &[
    limited("R1", "two hundred processes at once", &["fork", "200"], |_| Limits { processes: 60, ..quick() }, Works, EveryLevel),
    limited("R1", "two hundred threads at once", &["threads", "200"], |_| Limits { processes: 60, ..quick() }, Works, EveryLevel),
    limited("R1", "a fork bomb", &["fork-bomb"], |_| Limits { processes: 100, wall: Duration::from_secs(2), ..Limits::default() },
        Omitted("it would bring the machine down"), EveryLevel),
    limited("R2", "the memory of one process", &["memory", "1", "250"], |_| little_memory(), Works, EveryLevel),
    limited("R2", "the memory of many processes", &["memory", "5", "50"], |_| little_memory(), Works, EveryLevel),
    limited("R2", "memory that is shared", &["shared-memory", "250"], |_| little_memory(), Works, EveryLevel),
    limited("R2", "files without a name", &["nameless-files", "5", "50"], |_| little_memory(), Works, EveryLevel),
    limited("R2", "segments that nobody uses", &["segments", "5", "50"], |_| little_memory(), Works, EveryLevel),
    limited("R2", "files in the folder of shared memory", &["fill", "/dev/shm", "200"], |_| little_memory(), Works, Namespaces),
    limited("R3", "a large file", &["large-file", "8"], |_| Limits { file_bytes: MIB, ..quick() }, Works, EveryLevel),
    limited("R3", "a large file with holes", &["sparse-file", "1000000"], |_| Limits { file_bytes: MIB, ..quick() }, Works, EveryLevel),
    limited("R3", "a large reserved file", &["reserved-file", "8"], |_| Limits { file_bytes: MIB, ..quick() }, Control::Tried, EveryLevel),
    limited("R4", "filling the temporary folder", &["fill", "$tmpdir", "24"], |_| Limits { scratch_bytes: 8 * MIB, ..quick() }, Works, Namespaces),
    limited("R4", "many files in the temporary folder", &["many-files", "$tmpdir", "4000"], |_| Limits { scratch_bytes: 8 * MIB, ..quick() }, Works, Namespaces),
    limited("R5", "filling the disk of the tree", &["fill-slowly", ".", "160"], |scene| Limits { free_disk_bytes: scene.free().0 - 48 * MIB, ..quick() }, Works, EveryLevel),
    limited("R6", "endless output", &["flood", "24", "lines"], |_| Limits { output_bytes: MIB, ..quick() }, Works, EveryLevel),
    limited("R6", "an endless line", &["flood", "24", "line"], |_| Limits { output_bytes: MIB, ..quick() }, Works, EveryLevel),
    limited("R7", "sleeping and not answering to signals", &["ignore-signals", "2"], |_| Limits { wall: Duration::from_secs(1), ..Limits::default() }, Works, EveryLevel),
    limited("R7", "a daemon that sleeps while its command does", &["daemon-and-sleep", "2"], |_| Limits { wall: Duration::from_secs(1), ..Limits::default() }, Works, EveryLevel),
    limited("R7", "computing without end", &["compute", "3"], |_| Limits { cpu: Duration::from_secs(1), ..quick() }, Works, EveryLevel),
    limited("R8", "more files than the disk should hold", &["many-files-slowly", ".", "12000"], |scene| Limits { free_inodes: scene.free().1.saturating_sub(3000), ..quick() },
        Works, EveryLevel),
    limited("R8", "a name of a hundred thousand bytes", &["long-name", "100000"], |_| quick(), Control::Tried, EveryLevel),
    Attempt { case: "R8", what: "ten thousand folders in each other", attack: Attack::Staged(nested_folders),
        control: Omitted("it is the host's own clean-up that is attacked"), holds: EveryLevel },
];

/// Enough for what is tried here, and no more time than that.
fn quick() -> Limits {
    Limits { wall: Duration::from_secs(20), ..Limits::default() }
}

fn little_memory() -> Limits {
    Limits { memory_bytes: 150 * MIB, ..quick() }
}

/// Makes folders so deep that no path reaches the innermost one. Gets through if the tree cannot be used or removed then.
/// Landlock walks up all of them at each step, so that deeper ones cost the attacker most.
fn nested_folders(scene: &Scene<'_>) -> bool {
    let made =
        scene.attack(&["nested-folders", "10000"], &Limits { wall: Duration::from_secs(60), ..Limits::default() });
    let after = scene.script("echo still usable");
    let removed = process::Command::new("rm").arg("-r").arg(scene.tree.file("deep")).status();
    made.code != Some(i32::from(THROUGH))
        || after.text.trim() != "still usable"
        || !removed.is_ok_and(|it| it.success())
}
