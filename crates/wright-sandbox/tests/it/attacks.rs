//! What a hostile command tries. Each attack says whether it got through; it does no more than is needed to know.

use std::ffi::CString;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::process::ExitCode;
use std::time::Duration;

use crate::host::{KEY_VARIABLE, SECRET};

/// The exit code of an attack that got through. Any other end means that it was stopped.
pub(crate) const THROUGH: u8 = 42;

/// The exit code of an attack that was stopped and could still say so.
pub(crate) const STOPPED: u8 = 43;

type Attack = fn(&[&str]) -> io::Result<()>;

/// Runs an attack by name.
pub(crate) fn run(args: &[String]) -> ExitCode {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let (name, args) = words.split_first().unwrap();
    let attack = ATTACKS.iter().find(|(known, _)| known == name);
    let Some((_, attack)) = attack else {
        println!("no attack is called {name}");
        return ExitCode::from(2);
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
    ("overwrite-helper", |_| OpenOptions::new().write(true).open("/proc/1/exe").map(drop)),
    ("memory-of-init", |_| OpenOptions::new().read(true).open("/proc/1/mem").map(drop)),
    ("leaked-file", |_| {
        // SAFETY: asking for the flags of a number that may not be an open file is harmless.
        let is_open = |fd: &i32| unsafe { libc::fcntl(*fd, libc::F_GETFD) } >= 0;
        true_or((3..1024).any(|fd| is_open(&fd)), "no file is open")
    }),
    ("tcp", |args| {
        let port: u16 = args[0].parse().map_err(io::Error::other)?;
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        greets(stream)
    }),
    ("udp", |args| {
        let port: u16 = args[0].parse().map_err(io::Error::other)?;
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(Duration::from_secs(2)))?;
        socket.connect((Ipv4Addr::LOCALHOST, port))?;
        socket.send(b"ping")?;
        socket.recv(&mut [0; 4]).map(drop)
    }),
    ("outside-route", |_| {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        // Connecting a datagram socket sends nothing; it only asks whether there is a way.
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 53))
    }),
    ("unix-socket", |args| greets(UnixStream::connect(args[0])?)),
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
    ("ptrace", |args| {
        const PTRACE_SEIZE: libc::c_long = 0x4206;
        // SAFETY: plain numbers; the tracer ends at once, which lets the process go.
        check(unsafe { libc::syscall(libc::SYS_ptrace, PTRACE_SEIZE, pid(args)?, 0, 0) })
    }),
    ("read-memory", |_| {
        let (mut here, there) = ([0_u8; 4], *b"text");
        let local = libc::iovec { iov_base: here.as_mut_ptr().cast(), iov_len: 4 };
        let remote = libc::iovec { iov_base: there.as_ptr().cast_mut().cast(), iov_len: 4 };
        // SAFETY: both vectors name four bytes that live on this stack; the process read from is this one.
        check(unsafe { libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0) } as i64)
    }),
    ("take-file", |args| {
        // SAFETY: plain numbers.
        let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid(args)?, 0) };
        check(pidfd)?;
        // SAFETY: plain numbers.
        check(unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd, 0, 0) })
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
    ("bpf", |_| {
        let mut attributes = [0_u8; 128];
        // SAFETY: the attributes are zeroed and as long as said.
        check(unsafe { libc::syscall(libc::SYS_bpf, 0, attributes.as_mut_ptr(), 128) })
    }),
    ("keyring", |_| {
        // SAFETY: plain numbers and constant strings.
        check(unsafe { libc::syscall(libc::SYS_add_key, c"user".as_ptr(), c"k".as_ptr(), c"v".as_ptr(), 1, -3) })
    }),
    // SAFETY: plain numbers.
    ("userfaultfd", |_| check(unsafe { libc::syscall(libc::SYS_userfaultfd, 1) })),
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
        // SAFETY: constant strings.
        check(
            unsafe { libc::mount(c"none".as_ptr(), c"mounted".as_ptr(), c"tmpfs".as_ptr(), 0, std::ptr::null()) }
                .into(),
        )
    }),
    // SAFETY: a constant string.
    ("new-mount-interface", |_| check(unsafe { libc::syscall(libc::SYS_fsopen, c"tmpfs".as_ptr(), 0) })),
    // SAFETY: a constant string.
    ("chroot", |_| check(unsafe { libc::chroot(c".".as_ptr()) }.into())),
    ("device", |_| {
        // SAFETY: a constant string.
        check(unsafe { libc::mknod(c"device".as_ptr(), libc::S_IFBLK | 0o666, libc::makedev(8, 0)) }.into())
    }),
    ("file-by-number", |_| {
        let mut handle = [0_u8; 8 + 128];
        handle[0] = 128;
        let mut mount = 0;
        // SAFETY: the handle has room for as many bytes as it says.
        check(unsafe {
            libc::syscall(libc::SYS_name_to_handle_at, -100, c".".as_ptr(), handle.as_mut_ptr(), &raw mut mount, 0)
        })
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

/// Opens a terminal of our own, makes it ours, and types into it.
fn type_into_terminal() -> io::Result<()> {
    const TIOCSTI: libc::c_ulong = 0x5412;
    let (mut leader, mut follower) = (0, 0);
    let null = std::ptr::null_mut();
    // SAFETY: two numbers are filled in; the other arguments may be null.
    check(unsafe { libc::openpty(&raw mut leader, &raw mut follower, null, null.cast(), null.cast()) }.into())?;
    // SAFETY: plain numbers; a process that leads a session already keeps it.
    unsafe { libc::setsid() };
    // SAFETY: takes the terminal as the session's.
    check(unsafe { libc::ioctl(follower, libc::TIOCSCTTY, 0) }.into())?;
    // SAFETY: one character is read from a constant.
    check(unsafe { libc::ioctl(follower, TIOCSTI, c"x".as_ptr()) }.into())
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
