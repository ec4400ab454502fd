//! System calls that must not even look at their arguments. Each is called in a way that changes nothing where it is allowed.

use std::ffi::CStr;
use std::io;

/// The call, its number, and harmless arguments.
type Call = (&'static str, libc::c_long, fn() -> [libc::c_long; 5]);

const HERE: libc::c_long = libc::AT_FDCWD as libc::c_long;

/// An address that no program has.
const NOWHERE: libc::c_long = 8;

#[rustfmt::skip]
const CALLS: &[Call] = &[
    ("acct", libc::SYS_acct, || [text(c"/nowhere/at/all"), 0, 0, 0, 0]),
    ("add_key", libc::SYS_add_key, || [text(c"user"), text(c"k"), text(c"v"), 1, -3]),
    ("clock_settime", libc::SYS_clock_settime, || [0, NOWHERE, 0, 0, 0]),
    ("delete_module", libc::SYS_delete_module, || [NOWHERE, 0, 0, 0, 0]),
    ("fanotify_init", libc::SYS_fanotify_init, || [0, 0, 0, 0, 0]),
    ("finit_module", libc::SYS_finit_module, || [-1, text(c""), 0, 0, 0]),
    ("fsopen", libc::SYS_fsopen, || [text(c"tmpfs"), 0, 0, 0, 0]),
    ("io_uring_enter", libc::SYS_io_uring_enter, || [-1, 0, 0, 0, 0]),
    ("kexec_file_load", libc::SYS_kexec_file_load, || [-1, -1, 0, 0, 0]),
    ("keyctl", libc::SYS_keyctl, || [0, -3, 0, 0, 0]),
    ("mount_setattr", libc::SYS_mount_setattr, || [-1, text(c""), 0x1000, NOWHERE, 32]),
    ("move_mount", libc::SYS_move_mount, || [-1, text(c""), -1, text(c""), 4]),
    ("name_to_handle_at", libc::SYS_name_to_handle_at, || [HERE, text(c"."), NOWHERE, NOWHERE, 0]),
    ("open_tree", libc::SYS_open_tree, || [HERE, text(c"."), 0, 0, 0]),
    ("pivot_root", libc::SYS_pivot_root, || [NOWHERE, NOWHERE, 0, 0, 0]),
    ("quotactl", libc::SYS_quotactl, || [0x0080_0007 << 8, text(c"/nowhere"), 0, NOWHERE, 0]),
    ("reboot", libc::SYS_reboot, || [0, 0, 0, 0, 0]),
    ("request_key", libc::SYS_request_key, || [text(c"user"), text(c"wright-no-such-key"), 0, 0, 0]),
    ("sethostname", libc::SYS_sethostname, || [NOWHERE, 5, 0, 0, 0]),
    ("setns", libc::SYS_setns, || [-1, 0, 0, 0, 0]),
    ("swapon", libc::SYS_swapon, || [NOWHERE, 0, 0, 0, 0]),
    ("syslog", libc::SYS_syslog, || [10, 0, 0, 0, 0]),
    ("umount2", libc::SYS_umount2, || [text(c"/nowhere/at/all"), 0, 0, 0, 0]),
    ("userfaultfd", libc::SYS_userfaultfd, || [1, 0, 0, 0, 0]),
];

/// Makes a call by its name. It gets through if the kernel looked at the arguments.
pub(super) fn reach(args: &[&str]) -> io::Result<()> {
    let (_, number, arguments) = CALLS
        .iter()
        .find(|(known, ..)| Some(known) == args.first())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no such call"))?;
    let [a, b, c, d, e] = arguments();
    // SAFETY: the arguments are numbers, constant strings, or an address that the kernel refuses to read.
    let result = unsafe { libc::syscall(*number, a, b, c, d, e) };
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES | libc::ENOSYS) if result < 0 => Err(error),
        _ => Ok(()),
    }
}

fn text(text: &'static CStr) -> libc::c_long {
    text.as_ptr() as libc::c_long
}
