//! The system call filter: what no build or test needs and what has broken sandboxes before.
//!
//! The list denies; everything else is allowed, because a missing system call breaks programs in ways that nobody can
//! explain. Socket families are the exception: those are an allow-list, since each new family is a new way out.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp as Op, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter, sock_filter,
};

use super::refusal::{OrRefuse, Refusal};
use crate::wire::WireLayer;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;
type Built<T> = Result<T, seccompiler::BackendError>;

/// Which sockets a command may open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sockets {
    /// Those of a network namespace of its own: IP, unix, and asking about routes.
    OwnNetwork,
    /// None but connected pairs, because the network would be the host's.
    PairsOnly,
}

/// Filters the system calls of this process and its descendants, for good.
pub(super) fn apply(sockets: Sockets) -> Result<(), Refusal> {
    let layer = WireLayer::Seccomp;
    let programs = programs(sockets).or_blame(layer, "build the system call filter")?;
    programs.iter().try_for_each(|program| apply_filter(program)).or_blame(layer, "apply the system call filter")
}

fn programs(sockets: Sockets) -> Built<Vec<BpfProgram>> {
    let mut programs = vec![compile(absent(), libc::ENOSYS)?, compile(denied(sockets)?, libc::EPERM)?];
    programs.extend(second_numbering());
    Ok(programs)
}

/// Compiles a filter that answers `errno` to what the rules match. Calls made for another architecture kill the process.
fn compile(rules: Rules, errno: i32) -> Built<BpfProgram> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let answer = SeccompAction::Errno(errno.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, answer, arch)?.try_into()
}

/// Calls that are answered as if the kernel did not have them, so that programs fall back to older ones. `clone3` keeps its
/// flags in memory, where no filter can read them.
fn absent() -> Rules {
    let calls = [libc::SYS_clone3, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];
    calls.into_iter().map(|call| (call, Vec::new())).collect()
}

fn denied(sockets: Sockets) -> Built<Rules> {
    let mut rules: Rules = DENIED.iter().chain(DENIED_HERE).map(|&call| (call, Vec::new())).collect();
    rules.insert(libc::SYS_clone, any_bit_of(0, NEW_NAMESPACES)?);
    rules.insert(libc::SYS_ioctl, any_of(1, &[TIOCSTI, TIOCLINUX, TIOCSETD])?);
    rules.insert(libc::SYS_mknodat, device_modes(2)?);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_mknod, device_modes(1)?);
    rules.insert(libc::SYS_socketpair, vec![none_of(0, &[libc::AF_UNIX])?]);
    match sockets {
        Sockets::OwnNetwork => {
            rules.insert(libc::SYS_socket, foreign_sockets()?);
        }
        Sockets::PairsOnly => {
            rules.insert(libc::SYS_socket, Vec::new());
            rules.extend(SHARED_MEMORY.iter().map(|&call| (call, Vec::new())));
        }
    }
    Ok(rules)
}

/// Calls that are never allowed.
const DENIED: &[i64] = &[
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Large, young or observing parts of the kernel.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    libc::SYS_syslog,
    libc::SYS_acct,
    libc::SYS_lookup_dcookie,
    // Keys.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // Namespaces, mounts and roots.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    // Files by number instead of by path.
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    // The machine.
    libc::SYS_reboot,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
];

/// Calls that only this architecture has.
#[cfg(target_arch = "x86_64")]
const DENIED_HERE: &[i64] = &[libc::SYS_ioperm, libc::SYS_iopl, libc::SYS_modify_ldt, libc::SYS_uselib];
#[cfg(not(target_arch = "x86_64"))]
const DENIED_HERE: &[i64] = &[];

/// Shared memory and queues that belong to a namespace; without one they are the host's.
const SHARED_MEMORY: &[i64] = &[
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
];

/// The flags of `clone` that make namespaces.
const NEW_NAMESPACES: &[libc::c_int] = &[
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// Types a character into someone's terminal.
const TIOCSTI: libc::c_int = 0x5412;
/// Pastes into the console.
const TIOCLINUX: libc::c_int = 0x541c;
/// Loads a way of reading a terminal into the kernel: old drivers, which nobody needs here.
const TIOCSETD: libc::c_int = 0x5423;

/// What internet sockets may speak. The kernel loads a driver for each other protocol that somebody names.
const PROTOCOLS: &[libc::c_int] =
    &[0, libc::IPPROTO_ICMP, libc::IPPROTO_TCP, libc::IPPROTO_UDP, libc::IPPROTO_ICMPV6, libc::IPPROTO_MPTCP];

/// Matches sockets of a family that is not needed, and netlink sockets for anything but routes. `AF_VSOCK` is the reason for
/// listing what is allowed: it reaches the hypervisor past every network namespace.
fn foreign_sockets() -> Built<Vec<SeccompRule>> {
    let families = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    let other_netlink =
        SeccompRule::new(vec![condition(0, Op::Eq, libc::AF_NETLINK)?, condition(2, Op::Ne, libc::NETLINK_ROUTE)?])?;
    let other_protocol = |family| {
        let differs = PROTOCOLS.iter().map(|&protocol| condition(2, Op::Ne, protocol));
        SeccompRule::new([condition(0, Op::Eq, family)].into_iter().chain(differs).collect::<Built<_>>()?)
    };
    let [v4, v6] = [libc::AF_INET, libc::AF_INET6].map(other_protocol);
    Ok(vec![none_of(0, &families)?, other_netlink, v4?, v6?])
}

/// Matches the modes of device files. Pipes and sockets are made with the same call.
fn device_modes(arg: u8) -> Built<Vec<SeccompRule>> {
    let of_type = |kind: libc::mode_t| {
        let is_kind = SeccompCondition::new(arg, Width::Dword, Op::MaskedEq(u64::from(libc::S_IFMT)), u64::from(kind))?;
        SeccompRule::new(vec![is_kind])
    };
    Ok(vec![of_type(libc::S_IFCHR)?, of_type(libc::S_IFBLK)?])
}

/// Matches an argument that is none of `values`.
fn none_of(arg: u8, values: &[libc::c_int]) -> Built<SeccompRule> {
    let differs = values.iter().map(|&value| condition(arg, Op::Ne, value));
    SeccompRule::new(differs.collect::<Built<_>>()?)
}

/// Matches an argument that is one of `values`.
fn any_of(arg: u8, values: &[libc::c_int]) -> Built<Vec<SeccompRule>> {
    let equals = |&value| SeccompRule::new(vec![condition(arg, Op::Eq, value)?]);
    values.iter().map(equals).collect()
}

/// Matches an argument with one of `bits` set.
fn any_bit_of(arg: u8, bits: &[libc::c_int]) -> Built<Vec<SeccompRule>> {
    let has = |&bit: &libc::c_int| {
        let mask = u64::from(bit.cast_unsigned());
        SeccompRule::new(vec![condition(arg, Op::MaskedEq(mask), bit)?])
    };
    bits.iter().map(has).collect()
}

/// The kernel takes these arguments as 32-bit numbers, so the upper half must not matter here either.
fn condition(arg: u8, op: Op, value: libc::c_int) -> Built<SeccompCondition> {
    SeccompCondition::new(arg, Width::Dword, op, u64::from(value.cast_unsigned()))
}

/// On x86-64 every call has a second number in the x32 numbering, which names none of the calls above.
#[cfg(target_arch = "x86_64")]
fn second_numbering() -> Option<BpfProgram> {
    const X32_BIT: u32 = 0x4000_0000;
    const LOAD_NUMBER: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_IF_GREATER_OR_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    Some(vec![
        step(LOAD_NUMBER, 0, 0, 0),
        step(JUMP_IF_GREATER_OR_EQUAL, 0, 1, X32_BIT),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs()),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ])
}
#[cfg(not(target_arch = "x86_64"))]
fn second_numbering() -> Option<BpfProgram> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_is_both_denied_and_reported_absent() {
        for sockets in [Sockets::OwnNetwork, Sockets::PairsOnly] {
            let denied = denied(sockets).unwrap();
            let both: Vec<_> = absent().into_keys().filter(|call| denied.contains_key(call)).collect();
            assert_eq!(both, Vec::<i64>::new());
        }
    }

    #[test]
    fn the_filters_compile_for_this_machine_and_fit_the_kernel() {
        for sockets in [Sockets::OwnNetwork, Sockets::PairsOnly] {
            for program in programs(sockets).unwrap() {
                assert!((1..4096).contains(&program.len()));
            }
        }
    }
}
