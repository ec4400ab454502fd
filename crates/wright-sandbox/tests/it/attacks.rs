//! What a hostile command tries. Each attack says whether it got through; it does no more than is needed to know.

mod calls;
mod nested;
mod resources;

use std::ffi::CString;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use crate::host::{KEY_VARIABLE, SECRET};

/// The exit code of an attack that got through. Any other end means that it was stopped.
pub(crate) const THROUGH: u8 = 42;

/// The exit code of an attack that was stopped and could still say so.
pub(crate) const STOPPED: u8 = 43;

/// The exit code for an attack that does not exist.
pub(crate) const UNKNOWN: u8 = 44;

type Attack = fn(&[&str]) -> io::Result<()>;

/// Runs an attack by name.
pub(crate) fn run(args: &[String]) -> ExitCode {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let Some((name, args)) = words.split_first() else {
        return ExitCode::from(UNKNOWN);
    };
    let attack = ATTACKS.iter().find(|(known, _)| known == name);
    let Some((_, attack)) = attack else {
        println!("no attack is called {name}");
        return ExitCode::from(UNKNOWN);
    };
    match attack(args) {
        Ok(()) => ExitCode::from(THROUGH),
        Err(error) => {
            println!("stopped: {error}");
            ExitCode::from(STOPPED)
        }
    }
}

const ATTACKS: &[(&str, Attack)] = &[
    ("read", |args| holds_secret(&fs::read_to_string(args[0])?)),
    ("list", |args| fs::read_dir(args[0]).map(drop)),
    ("write", |args| fs::write(args[0], "planted")),
    ("open-to-write", |args| OpenOptions::new().write(true).open(args[0]).map(drop)),
    ("open", |args| fs::File::open(args[0]).map(drop)),
    ("read-through-link", |args| {
        symlink(args[0], "link")?;
        holds_secret(&fs::read_to_string("link")?)
    }),
    ("write-through-link", |args| {
        symlink(args[0], "link")?;
        fs::write("link", "planted")
    }),
    ("read-upwards", |args| {
        let up = "../".repeat(40);
        holds_secret(&fs::read_to_string(format!("{up}{}", args[0].trim_start_matches('/')))?)
    }),
    ("create", |args| {
        OpenOptions::new().write(true).create_new(true).open(args[0])?;
        fs::remove_file(args[0])
    }),
    ("has-content", |args| true_or(!fs::read(args[0])?.is_empty(), "it is empty")),
    ("hard-link", |args| fs::hard_link(args[0], "hard-link")),
    ("rename-out", |args| {
        fs::write("mine", "")?;
        fs::rename("mine", args[0])
    }),
    ("own-environment", |_| {
        let key = std::env::var(KEY_VARIABLE).map_err(io::Error::other)?;
        holds_secret(&key)
    }),
    ("any-environment", |_| any_process_file_holds_secret("environ")),
    ("environment-of", |args| holds_secret(&fs::read_to_string(format!("/proc/{}/environ", args[0]))?)),
    ("command-line-of", |args| {
        let line = fs::read_to_string(format!("/proc/{}/cmdline", args[0]))?;
        true_or(line.contains("\0victim\0"), "another command line")
    }),
    ("root-of", |args| {
        let secret = format!("/proc/{}/root{}", args[0], args[1]);
        holds_secret(&fs::read_to_string(secret)?)
    }),
    ("overwrite-program", |args| overwrite(Path::new(args[0]))),
    ("overwrite-any-program", |_| {
        let programs = fs::read_dir("/proc")?.flatten().map(|process| process.path().join("exe"));
        true_or(programs.into_iter().any(|program| overwrite(&program).is_ok()), "no program can be overwritten")
    }),
    ("nested-helper", |args| nested::run_in_helper_without_walls(args[0])),
    ("leaked-file", |_| {
        // SAFETY: asking for the flags of a number that may not be an open file is harmless.
        let is_open = |fd: &i32| unsafe { libc::fcntl(*fd, libc::F_GETFD) } >= 0;
        true_or((3..1024).any(|fd| is_open(&fd)), "no file is open")
    }),
    ("leaked-socket", |_| {
        let is_socket = |fd: &i32| {
            let (mut kind, mut n_bytes) = (0_i32, 4);
            let kind = (&raw mut kind).cast();
            // SAFETY: asks for a number of four bytes about a number that may not be an open file.
            unsafe { libc::getsockopt(*fd, libc::SOL_SOCKET, libc::SO_TYPE, kind, &raw mut n_bytes) == 0 }
        };
        true_or((0..1024).any(|fd| is_socket(&fd)), "no socket is open")
    }),
    ("tcp", |args| {
        let address: IpAddr = args[0].parse().map_err(io::Error::other)?;
        let port: u16 = args[1].parse().map_err(io::Error::other)?;
        greets(TcpStream::connect((address, port))?)
    }),
    ("udp", |args| {
        let port: u16 = args[0].parse().map_err(io::Error::other)?;
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(Duration::from_secs(2)))?;
        socket.connect((Ipv4Addr::LOCALHOST, port))?;
        socket.send(b"ping")?;
        socket.recv(&mut [0; 4]).map(drop)
    }),
    ("route", |args| {
        // Connecting a datagram socket sends nothing; it only asks whether there is a way.
        match args[0].parse().map_err(io::Error::other)? {
            IpAddr::V4(to) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?.connect((to, 53)),
            IpAddr::V6(to) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))?.connect((to, 53)),
        }
    }),
    ("unix-socket", |args| greets(UnixStream::connect(args[0])?)),
    ("unix-datagram", |args| UnixDatagram::unbound()?.send_to(b"hello", args[0]).map(drop)),
    ("abstract-socket", |args| greets(UnixStream::connect_addr(&SocketAddr::from_abstract_name(args[0])?)?)),
    ("socket", |args| {
        let numbers: Vec<i32> = args.iter().filter_map(|word| word.parse().ok()).collect();
        // SAFETY: plain numbers.
        check(unsafe { libc::socket(numbers[0], numbers[1], numbers[2]) }.into())
    }),
    ("signal", |args| {
        // SAFETY: signal 0 only asks whether the process could be signaled.
        check(unsafe { libc::kill(pid(args)?, 0) }.into())
    }),
    ("signal-by-descriptor", |args| {
        let pidfd = pidfd(args)?;
        // SAFETY: signal 0 only asks whether the process could be signaled.
        check(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), 0, 0, 0) })
    }),
    ("limits-of", |args| {
        // SAFETY: nothing is set, and nothing is asked for.
        check(unsafe { libc::prlimit(pid(args)?, libc::RLIMIT_NOFILE, std::ptr::null(), std::ptr::null_mut()) }.into())
    }),
    ("processors-of", |args| {
        // SAFETY: a set of processors is plain numbers, filled in by the first call and given back by the second.
        unsafe {
            let mut processors: libc::cpu_set_t = std::mem::zeroed();
            let size = size_of::<libc::cpu_set_t>();
            check(libc::sched_getaffinity(pid(args)?, size, &raw mut processors).into())?;
            check(libc::sched_setaffinity(pid(args)?, size, &raw const processors).into())
        }
    }),
    ("compare-with", |args| {
        // SAFETY: plain numbers.
        check(unsafe { libc::syscall(libc::SYS_kcmp, libc::getpid(), pid(args)?, 1, 0, 0) })
    }),
    ("ptrace", |args| {
        const PTRACE_SEIZE: libc::c_long = 0x4206;
        // SAFETY: plain numbers; the tracer ends at once, which lets the process go.
        check(unsafe { libc::syscall(libc::SYS_ptrace, PTRACE_SEIZE, pid(args)?, 0, 0) })
    }),
    ("read-memory", read_memory),
    ("take-file", |args| {
        let pidfd = pidfd(args)?;
        // SAFETY: plain numbers.
        check(unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd.as_raw_fd(), 0, 0) })
    }),
    ("system-v-memory", |args| {
        let id: i32 = args[0].parse().map_err(io::Error::other)?;
        // SAFETY: an existing segment is attached read-only where the kernel likes.
        let memory = unsafe { libc::shmat(id, std::ptr::null(), libc::SHM_RDONLY) };
        check(memory as i64)
    }),
    ("io-uring", |_| {
        let mut parameters = [0_u8; 120];
        // SAFETY: the parameters are zeroed and as large as the kernel's.
        check(unsafe { libc::syscall(libc::SYS_io_uring_setup, 4, parameters.as_mut_ptr()) })
    }),
    ("message-queue", |args| {
        let id: i32 = args[0].parse().map_err(io::Error::other)?;
        let mut message = [0_u8; 64];
        let flags = libc::IPC_NOWAIT | 0o40_000;
        // SAFETY: the buffer has room for a kind and as many bytes as said; the message stays in the queue.
        check(unsafe { libc::msgrcv(id, message.as_mut_ptr().cast(), 32, 0, flags) } as i64)
    }),
    ("bpf", |_| {
        // An array of one number: a kind, the sizes of key and value, and how many there are.
        let mut attributes = [0_u32; 32];
        attributes[..4].copy_from_slice(&[2, 4, 4, 1]);
        // SAFETY: the attributes are as long as said.
        check(unsafe { libc::syscall(libc::SYS_bpf, 0, attributes.as_mut_ptr(), 128) })
    }),
    ("perf", |_| {
        let mut attributes = [0_u8; 128];
        attributes[0] = 1;
        attributes[4] = 128;
        // SAFETY: the attributes are as long as they say.
        check(unsafe { libc::syscall(libc::SYS_perf_event_open, attributes.as_ptr(), 0, -1, -1, 0) })
    }),
    // SAFETY: plain numbers.
    ("unshare-user", |_| check(unsafe { libc::unshare(libc::CLONE_NEWUSER) }.into())),
    ("clone-user", |_| {
        // SAFETY: without a stack this is a fork; the child ends at once.
        let pid = unsafe { libc::syscall(libc::SYS_clone, libc::CLONE_NEWUSER | libc::SIGCHLD, 0, 0, 0, 0) };
        if pid == 0 {
            // SAFETY: ends the child.
            unsafe { libc::_exit(0) };
        }
        check(pid)
    }),
    ("clone3-user", |_| {
        let mut arguments = [0_u64; 8];
        arguments[0] = libc::CLONE_NEWUSER as u64;
        arguments[4] = libc::SIGCHLD as u64;
        // SAFETY: the arguments are zeroed but for flags and signal, and as long as said; the child ends at once.
        let pid = unsafe { libc::syscall(libc::SYS_clone3, arguments.as_ptr(), 64) };
        if pid == 0 {
            // SAFETY: ends the child.
            unsafe { libc::_exit(0) };
        }
        check(pid)
    }),
    ("mount", |_| {
        fs::create_dir("mounted")?;
        let (none, place, kind) = (c"none".as_ptr(), c"mounted".as_ptr(), c"tmpfs".as_ptr());
        // SAFETY: constant strings; what was mounted is removed at once.
        unsafe {
            check(libc::mount(none, place, kind, 0, std::ptr::null()).into())?;
            check(libc::umount(place).into())
        }
    }),
    // SAFETY: a constant string.
    ("chroot", |_| check(unsafe { libc::chroot(c".".as_ptr()) }.into())),
    ("make-device", |args| {
        let kind = if args[0] == "block" { libc::S_IFBLK } else { libc::S_IFCHR };
        // SAFETY: a constant string.
        check(unsafe { libc::mknod(c"device".as_ptr(), kind | 0o666, libc::makedev(1, 1)) }.into())
    }),
    ("open-by-number", |args| open_by_number(args[0])),
    ("call", calls::reach),
    ("fork", resources::fork),
    ("threads", resources::threads),
    ("fork-bomb", resources::fork_bomb),
    ("memory", resources::memory),
    ("shared-memory", resources::shared_memory),
    ("nameless-files", resources::nameless_files),
    ("segments", resources::segments),
    ("fill", resources::fill),
    ("fill-slowly", resources::fill_slowly),
    ("many-files", resources::many_files),
    ("many-files-slowly", resources::many_files_slowly),
    ("large-file", resources::large_file),
    ("sparse-file", resources::sparse_file),
    ("reserved-file", resources::reserved_file),
    ("flood", resources::flood),
    ("ignore-signals", resources::ignore_signals),
    ("compute", resources::compute),
    ("daemon", resources::daemon),
    ("daemon-and-sleep", resources::daemon_and_sleep),
    ("long-name", resources::long_name),
    ("nested-folders", resources::nested_folders),
    ("start-as-owner", |args| start_as_owner(args[0])),
    ("be-owner", |_| true_or(has_owners_rights(), "not the owner of the program")),
    ("type-into-launchers-terminal", |_| {
        let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        type_into(&terminal)
    }),
    ("terminal-call", |args| {
        let number = u64::from_str_radix(args[0].trim_start_matches("0x"), 16).map_err(io::Error::other)?;
        let (_leader, follower) = own_terminal()?;
        // For the one call this is the hyphen's place in a selection, for the other the usual way of reading a terminal.
        let argument = [0_u8; 64];
        // SAFETY: the argument is longer than either call reads.
        check(unsafe { libc::ioctl(follower.as_raw_fd(), number, argument.as_ptr()) }.into())
    }),
    ("type-into-terminal", |_| type_into_terminal()),
    ("old-calls", |_| old_calls()),
    ("second-numbering", |_| {
        // SAFETY: x32's number for `getpid`.
        check(unsafe { libc::syscall(0x4000_0000 + libc::SYS_getpid) })
    }),
    // SAFETY: asking who one is.
    ("be-root", |_| true_or(unsafe { libc::getuid() } == 0, "not root")),
    // SAFETY: plain numbers.
    ("become-root", |_| check(unsafe { libc::setuid(0) }.into())),
    ("capabilities", |_| any_capability_in(&["CapInh", "CapPrm", "CapEff", "CapAmb"])),
    ("capabilities-to-regain", |_| any_capability_in(&["CapBnd"])),
    ("new-privileges", |_| {
        let status = fs::read_to_string("/proc/self/status")?;
        true_or(!status.contains("NoNewPrivs:\t1"), "no new privileges")
    }),
    ("make-setuid", |_| {
        // The file may well be marked; what must not happen is that the mark counts.
        let path = CString::new(".")?;
        // SAFETY: the buffer is a whole `statvfs`, filled by the call.
        let mut stat: libc::statvfs = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        check(unsafe { libc::statvfs(path.as_ptr(), &raw mut stat) }.into())?;
        true_or(stat.f_flag & libc::ST_NOSUID == 0, "the mark does not count here")
    }),
];

/// Returns whether this process runs as the owner of its program instead of as whoever started it.
pub(crate) fn has_owners_rights() -> bool {
    // SAFETY: asking who one is.
    unsafe { libc::geteuid() != libc::getuid() }
}

fn holds_secret(text: &str) -> io::Result<()> {
    true_or(text.contains(SECRET), "no secret in it")
}

fn true_or(is_through: bool, why: &str) -> io::Result<()> {
    if is_through { Ok(()) } else { Err(io::Error::other(why.to_owned())) }
}

fn check(result: i64) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn any_capability_in(sets: &[&str]) -> io::Result<()> {
    let status = fs::read_to_string("/proc/self/status")?;
    let held = |line: &str| sets.iter().any(|set| line.starts_with(set)) && !line.ends_with("\t0000000000000000");
    true_or(status.lines().any(held), "no capability in the set")
}

fn pid(args: &[&str]) -> io::Result<libc::pid_t> {
    args[0].parse().map_err(io::Error::other)
}

fn greets(mut stream: impl Read) -> io::Result<()> {
    stream.read_exact(&mut [0; 5])
}

fn any_process_file_holds_secret(name: &str) -> io::Result<()> {
    for entry in fs::read_dir("/proc")?.flatten() {
        let text = fs::read(entry.path().join(name)).unwrap_or_default();
        if String::from_utf8_lossy(&text).contains(SECRET) {
            return Ok(());
        }
    }
    Err(io::Error::other("no process shows it"))
}

fn pidfd(args: &[&str]) -> io::Result<OwnedFd> {
    // SAFETY: plain numbers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid(args)?, 0) };
    check(fd)?;
    // SAFETY: the descriptor is new, and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(i32::try_from(fd).map_err(io::Error::other)?) })
}

/// Reads four bytes of a process: of this one by an address of its own, of another one by its first mapping.
fn read_memory(args: &[&str]) -> io::Result<()> {
    let own = *b"text";
    let (process, address) = if args[0] == "self" {
        (i32::try_from(std::process::id()).map_err(io::Error::other)?, own.as_ptr() as usize)
    } else {
        let maps = fs::read_to_string(format!("/proc/{}/maps", args[0]))?;
        let first = maps.split('-').next().unwrap_or_default();
        (pid(args)?, usize::from_str_radix(first, 16).map_err(io::Error::other)?)
    };
    let mut here = [0_u8; 4];
    let local = libc::iovec { iov_base: here.as_mut_ptr().cast(), iov_len: 4 };
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: 4 };
    // SAFETY: the local vector names four bytes of this stack; the remote one is only read, by the kernel.
    check(unsafe { libc::process_vm_readv(process, &raw const local, 1, &raw const remote, 1, 0) } as i64)
}

/// Opens a program for writing, directly and through a descriptor that was opened before.
fn overwrite(program: &Path) -> io::Result<()> {
    if OpenOptions::new().write(true).open(program).is_ok() {
        return Ok(());
    }
    let file = OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(program)?;
    OpenOptions::new().write(true).open(format!("/proc/self/fd/{}", file.as_raw_fd())).map(drop)
}

/// Asks for the number of a folder and opens it by that, or tries any number if there is no answer.
fn open_by_number(folder: &str) -> io::Result<()> {
    let mut handle = [0_u32; 34];
    handle[0] = 128;
    let mut mount = 0;
    let (path, dir) = (CString::new(folder)?, fs::File::open(".")?);
    let buffer = handle.as_mut_ptr();
    // SAFETY: the handle has room for as many bytes as it says.
    unsafe { libc::syscall(libc::SYS_name_to_handle_at, libc::AT_FDCWD, path.as_ptr(), buffer, &raw mut mount, 0) };
    // SAFETY: as above; a handle that was not filled in names nothing.
    let opened = unsafe { libc::syscall(libc::SYS_open_by_handle_at, dir.as_raw_fd(), buffer, libc::O_RDONLY) };
    check(opened)
}

/// Starts a program that is marked to run as its owner, as somebody else, and asks it who it is.
fn start_as_owner(program: &str) -> io::Result<()> {
    let mut command = Command::new(program);
    command.args([crate::ATTACK, "be-owner"]);
    // SAFETY: asking who one is.
    if unsafe { libc::geteuid() } == 0 {
        command.uid(65_534);
    }
    let status = command.status()?;
    true_or(status.code() == Some(i32::from(THROUGH)), "it runs as whoever started it")
}

/// Opens a terminal of our own, makes it ours, and types into it.
fn type_into_terminal() -> io::Result<()> {
    let (_leader, follower) = own_terminal()?;
    // SAFETY: plain numbers; a process that leads a session already keeps it.
    unsafe { libc::setsid() };
    // SAFETY: takes the terminal as the session's.
    check(unsafe { libc::ioctl(follower.as_raw_fd(), libc::TIOCSCTTY, 0) }.into())?;
    type_into(&follower)
}

fn own_terminal() -> io::Result<(OwnedFd, OwnedFd)> {
    let (mut leader, mut follower) = (0, 0);
    let null = std::ptr::null_mut();
    // SAFETY: two numbers are filled in; the other arguments may be null.
    check(unsafe { libc::openpty(&raw mut leader, &raw mut follower, null, null.cast(), null.cast()) }.into())?;
    // SAFETY: both are new, and nobody else owns them.
    Ok(unsafe { (OwnedFd::from_raw_fd(leader), OwnedFd::from_raw_fd(follower)) })
}

fn type_into(terminal: &impl AsRawFd) -> io::Result<()> {
    const TIOCSTI: libc::c_ulong = 0x5412;
    // SAFETY: one character is read from a constant.
    check(unsafe { libc::ioctl(terminal.as_raw_fd(), TIOCSTI, c"x".as_ptr()) }.into())
}

/// Makes a system call by the 32-bit interface.
#[cfg(target_arch = "x86_64")]
fn old_calls() -> io::Result<()> {
    let result: i32;
    // SAFETY: number 20 is `getpid` there; it takes nothing and changes only the result and what the kernel may clobber.
    unsafe {
        std::arch::asm!("int 0x80", inlateout("eax") 20 => result, out("r8") _, out("r9") _, out("r10") _, out("r11") _);
    }
    check(result.into())
}

#[cfg(not(target_arch = "x86_64"))]
fn old_calls() -> io::Result<()> {
    Err(io::Error::other("there is no older interface"))
}
