//! The second wall around files, and at level D the only one: Landlock.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

use super::layout::Layout;
use super::refusal::{OrRefuse, Refusal};
use crate::wire::WireLayer;

/// The first version that keeps signals and abstract sockets inside.
const FIRST_WITH_SCOPES: i32 = 6;

/// The first version that knows about TCP.
const FIRST_WITH_TCP: i32 = 4;

/// Restricts this process, for good, to what `layout` lists. Everything the kernel can enforce is asked for and required:
/// the crate's default of going on without is what a sandbox must not do.
pub(super) fn restrict(layout: &Layout) -> Result<(), Refusal> {
    let layer = WireLayer::Landlock;
    let version = version();
    if version < 1 {
        return Err(Refusal::of(layer, "the kernel has no Landlock, or it is off"));
    }
    let status =
        ruleset(layout, version).and_then(RulesetCreated::restrict_self).or_blame(layer, "restrict file access")?;
    if status.ruleset == RulesetStatus::FullyEnforced && status.no_new_privs {
        Ok(())
    } else {
        Err(Refusal::of(layer, "the kernel enforced only a part of the rules"))
    }
}

/// Returns what the self-test says about a Landlock that works.
pub(super) fn describe() -> String {
    let version = version();
    let scopes = if version >= FIRST_WITH_SCOPES {
        ""
    } else {
        "; this version does not keep signals and abstract sockets inside"
    };
    format!("version {version}{scopes}")
}

/// Returns the version of Landlock in the running kernel; not positive if there is none.
fn version() -> i32 {
    const LANDLOCK_CREATE_RULESET_VERSION: u32 = 1;
    let nothing = std::ptr::null::<libc::c_void>();
    // SAFETY: with this flag the kernel takes no attributes and only returns a number.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, nothing, 0_usize, LANDLOCK_CREATE_RULESET_VERSION) };
    i32::try_from(version).unwrap_or(0)
}

fn ruleset(layout: &Layout, version: i32) -> Result<RulesetCreated, RulesetError> {
    let abi = ABI::from(version);
    let mut ruleset =
        Ruleset::default().set_compatibility(CompatLevel::HardRequirement).handle_access(AccessFs::from_all(abi))?;
    if version >= FIRST_WITH_SCOPES {
        ruleset = ruleset.scope(Scope::from_all(abi))?;
    }
    // With a network namespace, loopback is the command's own and stays usable.
    if version >= FIRST_WITH_TCP && !layout.has_fresh_root {
        ruleset = ruleset.handle_access(AccessNet::from_all(abi))?;
    }
    let mut ruleset = ruleset.create()?;
    for path in layout.readable() {
        ruleset = allow(ruleset, &path, AccessFs::from_read(abi), abi)?;
    }
    for path in layout.writable() {
        ruleset = allow(ruleset, &path, AccessFs::from_all(abi), abi)?;
    }
    if layout.has_fresh_root {
        // Programs list the parents of their folder; in the fresh root there is nothing else to find in them.
        ruleset = allow(ruleset, Path::new("/"), AccessFs::ReadDir.into(), abi)?;
    }
    Ok(ruleset)
}

/// Allows `access` below `path`. A path that does not exist needs no rule.
fn allow(
    ruleset: RulesetCreated,
    path: &Path,
    access: landlock::BitFlags<AccessFs>,
    abi: ABI,
) -> Result<RulesetCreated, RulesetError> {
    let Ok(fd) = PathFd::new(path) else {
        return Ok(ruleset);
    };
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(abi) };
    ruleset.add_rule(PathBeneath::new(fd, access))
}
