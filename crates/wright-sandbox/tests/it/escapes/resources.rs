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
    Attempt { case: "R5", what: "filling the disk of the tree", attack: Attack::Staged(fill_disk), control: Works, holds: EveryLevel },
    limited("R6", "endless output", &["flood", "24", "lines"], |_| Limits { output_bytes: MIB, ..quick() }, Works, EveryLevel),
    limited("R6", "an endless line", &["flood", "24", "line"], |_| Limits { output_bytes: MIB, ..quick() }, Works, EveryLevel),
    limited("R7", "sleeping and not answering to signals", &["ignore-signals", "2"], |_| Limits { wall: Duration::from_secs(1), ..Limits::default() }, Works, EveryLevel),
    limited("R7", "a daemon that sleeps while its command does", &["daemon-and-sleep", "2"], |_| Limits { wall: Duration::from_secs(1), ..Limits::default() }, Works, EveryLevel),
    limited("R7", "computing without end", &["compute", "3"], |_| Limits { cpu: Duration::from_secs(1), ..quick() }, Works, EveryLevel),
    Attempt { case: "R8", what: "more files than the disk should hold", attack: Attack::Staged(many_files), control: Works, holds: EveryLevel },
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

fn fill_disk(scene: &Scene<'_>) -> bool {
    goes_below(scene, &["fill-slowly", ".", "160"], |(bytes, _)| Limits {
        free_disk_bytes: bytes - 48 * MIB,
        ..quick()
    })
}

fn many_files(scene: &Scene<'_>) -> bool {
    goes_below(scene, &["many-files-slowly", ".", "8000"], |(_, inodes)| Limits {
        free_inodes: inodes.saturating_sub(1000),
        ..quick()
    })
}

/// Returns whether an attack leaves less of the disk than it may. Others use the disk too, and an attack proves nothing while
/// they take or give up more of it than the attack does; so it counts only if it gets through every time.
fn goes_below(scene: &Scene<'_>, words: &[&str], limits: fn((u64, u64)) -> Limits) -> bool {
    (0..3).all(|_| {
        let limits = limits(scene.free());
        let end = scene.attack(words, &limits);
        let left: Vec<u64> = end.text.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect();
        let is_below =
            matches!(left[..], [bytes, inodes] if bytes < limits.free_disk_bytes || inodes < limits.free_inodes);
        end.code == Some(i32::from(THROUGH)) && (is_below || !scene.is_inside())
    })
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
