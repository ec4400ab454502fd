//! A kernel without some of its walls: a filter answers for it, so that what is missing is really missing for the helper.

use std::collections::BTreeMap;
use std::process::{Command, ExitCode};

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};
use wright_sandbox::{LayerKind, LayerState, Level, Sandbox};

use crate::{Test, helper, sandbox, this_program};

/// The first argument of this binary in this part. The second one is a layer.
pub(crate) const ARGUMENT: &str = "probe-without";

pub(crate) const TESTS: &[Test] = &[("a_wall_that_the_kernel_lacks_is_noticed_and_named", || {
    let table = [(LayerKind::Landlock, Level::B), (LayerKind::Namespaces, Level::D), (LayerKind::Seccomp, Level::E)];
    for (layer, level) in table {
        if sandbox().level() < Level::A {
            eprintln!("not tried, since this machine lacks a wall itself");
            return;
        }
        let output = Command::new(this_program()).arg(ARGUMENT).arg(layer.to_string()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(text, format!("level {level}, missing: {layer}, with advice\n"), "{output:?}");
    }
})];

/// Forbids the system calls of a layer to this process and its children, and prints what the probe finds then.
pub(crate) fn probe_without(layer: &str) -> ExitCode {
    let programs = match layer {
        "landlock" => vec![filter(LANDLOCK.iter().map(|&call| (call, Vec::new())).collect(), libc::ENOSYS)],
        "namespaces" => {
            vec![filter(namespaces(), libc::EPERM), filter([(libc::SYS_clone3, Vec::new())].into(), libc::ENOSYS)]
        }
        "seccomp" => vec![filter(filters(), libc::ENOSYS)],
        _ => return ExitCode::FAILURE,
    };
    // The filter that forbids filters has to be the last one.
    programs.iter().for_each(|program| apply_filter(program).unwrap());
    let sandbox = Sandbox::probe(helper()).unwrap();
    let missing = sandbox.report().iter().filter(|layer| layer.state == LayerState::Missing);
    for layer in missing {
        let advice = if layer.advice.is_some() { "with advice" } else { "without advice" };
        println!("level {}, missing: {}, {advice}", sandbox.level(), layer.kind);
    }
    ExitCode::SUCCESS
}

const LANDLOCK: &[i64] =
    &[libc::SYS_landlock_create_ruleset, libc::SYS_landlock_add_rule, libc::SYS_landlock_restrict_self];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn filter(rules: Rules, errno: i32) -> BpfProgram {
    let arch = TargetArch::try_from(std::env::consts::ARCH).unwrap();
    let answer = SeccompAction::Errno(errno.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, answer, arch).unwrap().try_into().unwrap()
}

/// As in most containers: no namespace of any kind.
fn namespaces() -> Rules {
    let flags = [libc::CLONE_NEWUSER, libc::CLONE_NEWNS, libc::CLONE_NEWPID, libc::CLONE_NEWNET];
    let has = |flag: i32| {
        let flag = u64::from(flag.cast_unsigned());
        condition(0, SeccompCmpOp::MaskedEq(flag), flag)
    };
    [(libc::SYS_unshare, Vec::new()), (libc::SYS_clone, flags.into_iter().map(has).collect())].into()
}

fn filters() -> Rules {
    let set = condition(0, SeccompCmpOp::Eq, u64::from(libc::PR_SET_SECCOMP.unsigned_abs()));
    [(libc::SYS_seccomp, Vec::new()), (libc::SYS_prctl, vec![set])].into()
}

fn condition(argument: u8, operator: SeccompCmpOp, value: u64) -> SeccompRule {
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value).unwrap();
    SeccompRule::new(vec![condition]).unwrap()
}
