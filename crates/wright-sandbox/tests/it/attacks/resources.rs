//! Taking a certain amount of something, holding it for a while, and giving it back.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::FromRawFd;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::check;

const MIB: usize = 1024 * 1024;

/// How long something is held: several times longer than a watcher may sleep.
const HOLD: Duration = Duration::from_millis(1500);

/// The bytes that files are filled with.
static CHUNK: [u8; MIB] = [1; MIB];

fn number(args: &[&str], idx: usize) -> io::Result<usize> {
    args.get(idx).and_then(|word| word.parse().ok()).ok_or_else(|| io::Error::other("a number is missing"))
}

/// Returns the folder that a word names; `$tmpdir` is the one for temporary files.
fn folder(args: &[&str]) -> PathBuf {
    let temporary = || std::env::var_os("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
    args.first().filter(|word| **word != "$tmpdir").map_or_else(temporary, PathBuf::from)
}

/// Has so many processes at one time.
pub(super) fn fork(args: &[&str]) -> io::Result<()> {
    let mut children = Vec::new();
    let mut result = Ok(());
    for _ in 0..number(args, 0)? {
        // SAFETY: this program has one thread here; the child only waits for its end.
        match unsafe { libc::fork() } {
            -1 => {
                result = Err(io::Error::last_os_error());
                break;
            }
            0 => loop {
                // SAFETY: waits for a signal.
                unsafe { libc::pause() };
            },
            child => children.push(child),
        }
    }
    for child in children {
        // SAFETY: ends and reaps a child of this process.
        unsafe {
            libc::kill(child, libc::SIGKILL);
            libc::waitpid(child, std::ptr::null_mut(), 0);
        }
    }
    result
}

/// Has so many threads at one time.
pub(super) fn threads(args: &[&str]) -> io::Result<()> {
    let mut senders = Vec::new();
    for _ in 0..number(args, 0)? {
        let (sender, receiver) = mpsc::channel::<()>();
        thread::Builder::new().stack_size(64 * 1024).spawn(move || receiver.recv())?;
        senders.push(sender);
    }
    Ok(())
}

/// Forks without end.
pub(super) fn fork_bomb(_: &[&str]) -> io::Result<()> {
    loop {
        // SAFETY: every process does the same, and touches nothing.
        unsafe { libc::fork() };
    }
}

/// Has so many processes that hold so many MiB each.
pub(super) fn memory(args: &[&str]) -> io::Result<()> {
    let (n_processes, n_bytes) = (number(args, 0)?, number(args, 1)? * MIB);
    let mut children = Vec::new();
    for _ in 0..n_processes {
        // SAFETY: this program has one thread here, so that the child may allocate.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let held = vec![1_u8; n_bytes];
            thread::sleep(HOLD);
            let is_whole = std::hint::black_box(&held).iter().step_by(4096).all(|&byte| byte == 1);
            // SAFETY: ends the child.
            unsafe { libc::_exit(i32::from(!is_whole)) };
        }
        children.push(child);
    }
    let mut is_whole = true;
    for child in children {
        let mut status = 0;
        // SAFETY: reaps a child of this process.
        is_whole &= unsafe { libc::waitpid(child, &raw mut status, 0) } == child && status == 0;
    }
    if is_whole { Ok(()) } else { Err(io::Error::other("a process did not get its memory")) }
}

/// Holds so many MiB in a mapping that children would share.
pub(super) fn shared_memory(args: &[&str]) -> io::Result<()> {
    let n_bytes = number(args, 0)? * MIB;
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping at an address of the kernel's choice.
    let memory = unsafe { libc::mmap(std::ptr::null_mut(), n_bytes, protection, flags, -1, 0) };
    if memory == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping has so many bytes, and nothing else uses it.
    unsafe { std::ptr::write_bytes(memory.cast::<u8>(), 1, n_bytes) };
    thread::sleep(HOLD);
    Ok(())
}

/// Holds so many files that have no name, with so many MiB each.
pub(super) fn nameless_files(args: &[&str]) -> io::Result<()> {
    let mut files = Vec::new();
    for _ in 0..number(args, 0)? {
        // SAFETY: makes a file that belongs to this process.
        let fd = unsafe { libc::memfd_create(c"wright".as_ptr(), 0) };
        check(fd.into())?;
        // SAFETY: the file was just made, and nobody else owns it.
        let mut file = unsafe { File::from_raw_fd(fd) };
        for _ in 0..number(args, 1)? {
            file.write_all(&CHUNK)?;
        }
        files.push(file);
    }
    thread::sleep(HOLD);
    Ok(())
}

/// Holds so many segments of shared memory that no process has attached, with so many MiB each.
pub(super) fn segments(args: &[&str]) -> io::Result<()> {
    let (n_segments, n_bytes) = (number(args, 0)?, number(args, 1)? * MIB);
    let mut segments = Vec::new();
    let mut result = Ok(());
    for _ in 0..n_segments {
        match segment(n_bytes) {
            Ok(segment) => segments.push(segment),
            Err(error) => result = Err(error),
        }
    }
    thread::sleep(HOLD);
    for segment in segments {
        // SAFETY: removes a segment that this process made.
        unsafe { libc::shmctl(segment, libc::IPC_RMID, std::ptr::null_mut()) };
    }
    result
}

fn segment(n_bytes: usize) -> io::Result<i32> {
    // SAFETY: makes a segment, fills it within its size, and lets it go.
    unsafe {
        let id = libc::shmget(libc::IPC_PRIVATE, n_bytes, libc::IPC_CREAT | 0o600);
        check(id.into())?;
        let memory = libc::shmat(id, std::ptr::null(), 0);
        check(memory as i64)?;
        std::ptr::write_bytes(memory.cast::<u8>(), 1, n_bytes);
        check(libc::shmdt(memory).into())?;
        Ok(id)
    }
}

/// Writes so many MiB into a file of a folder, as fast as it goes.
pub(super) fn fill(args: &[&str]) -> io::Result<()> {
    fill_pausing(args, Duration::ZERO)
}

/// Writes so many MiB into a file of a folder, over some seconds.
pub(super) fn fill_slowly(args: &[&str]) -> io::Result<()> {
    fill_pausing(args, Duration::from_millis(15))
}

fn fill_pausing(args: &[&str], pause: Duration) -> io::Result<()> {
    let path = folder(args).join(format!("wright-fill-{}", std::process::id()));
    let filled = File::create(&path).and_then(|mut file| {
        for _ in 0..number(args, 1)? {
            file.write_all(&CHUNK)?;
            thread::sleep(pause);
        }
        thread::sleep(HOLD);
        say_what_is_left()
    });
    let _ = fs::remove_file(path);
    filled
}

/// Makes so many empty files in a folder, as fast as it goes.
pub(super) fn many_files(args: &[&str]) -> io::Result<()> {
    many_files_pausing(args, Duration::ZERO)
}

/// Makes so many empty files in a folder, over some seconds.
pub(super) fn many_files_slowly(args: &[&str]) -> io::Result<()> {
    many_files_pausing(args, Duration::from_millis(100))
}

fn many_files_pausing(args: &[&str], pause: Duration) -> io::Result<()> {
    let path = folder(args).join(format!("wright-many-{}", std::process::id()));
    fs::create_dir(&path)?;
    let made = make_files(&path, number(args, 1)?, pause);
    let _ = fs::remove_dir_all(path);
    made
}

fn make_files(folder: &Path, n_files: usize, pause: Duration) -> io::Result<()> {
    for idx in 0..n_files {
        File::create(folder.join(idx.to_string()))?;
        if idx % 500 == 0 {
            thread::sleep(pause);
        }
    }
    thread::sleep(pause * 8);
    say_what_is_left()
}

/// Prints how many bytes and files the disk has room for.
fn say_what_is_left() -> io::Result<()> {
    let disk = rustix::fs::statvfs(".")?;
    println!("{} {}", disk.f_bavail * disk.f_frsize, disk.f_favail);
    Ok(())
}

/// Writes a file of so many MiB.
pub(super) fn large_file(args: &[&str]) -> io::Result<()> {
    let mut file = File::create("large")?;
    (0..number(args, 0)?).try_for_each(|_| file.write_all(&CHUNK))
}

/// Makes a file that seems to have so many MiB.
pub(super) fn sparse_file(args: &[&str]) -> io::Result<()> {
    File::create("sparse")?.set_len((number(args, 0)? * MIB) as u64)
}

/// Reserves so many MiB for a file.
pub(super) fn reserved_file(args: &[&str]) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let file = File::create("reserved")?;
    let n_bytes = i64::try_from(number(args, 0)? * MIB).map_err(io::Error::other)?;
    // SAFETY: plain numbers, about a file that is open.
    check(unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, n_bytes) }.into())
}

/// Says so many MiB, in lines or in one.
pub(super) fn flood(args: &[&str]) -> io::Result<()> {
    let mut chunk = vec![b'x'; MIB];
    if args.get(1) == Some(&"lines") {
        chunk.iter_mut().step_by(64).for_each(|byte| *byte = b'\n');
    }
    let mut stdout = io::stdout().lock();
    (0..number(args, 0)?).try_for_each(|_| stdout.write_all(&chunk))
}

/// Sleeps for so many seconds, whatever signals come.
pub(super) fn ignore_signals(args: &[&str]) -> io::Result<()> {
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT, libc::SIGALRM] {
        // SAFETY: no code of ours runs for these signals.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    let end = Instant::now() + Duration::from_secs(number(args, 0)? as u64);
    while Instant::now() < end {
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Computes for so many half seconds of processor time.
pub(super) fn compute(args: &[&str]) -> io::Result<()> {
    let end = Duration::from_millis(500 * number(args, 0)? as u64);
    while processor_time() < end {
        std::hint::black_box((0..100_000_u64).sum::<u64>());
    }
    Ok(())
}

fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time is filled in.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Leaves a process behind that has no parent, no session and no terminal of ours, and that writes to a file for a while.
pub(super) fn daemon(_: &[&str]) -> io::Result<()> {
    start_daemon();
    thread::sleep(Duration::from_millis(300));
    Err(io::Error::other("the command ended; what matters is whether the daemon did"))
}

/// Does the same, and sleeps for so many seconds.
pub(super) fn daemon_and_sleep(args: &[&str]) -> io::Result<()> {
    start_daemon();
    ignore_signals(args)
}

fn start_daemon() {
    // SAFETY: this program has one thread here. The first child ends at once; the second one owns what it opens.
    unsafe {
        if libc::fork() != 0 {
            return;
        }
        libc::setsid();
        if libc::fork() != 0 {
            libc::_exit(0);
        }
        for signal in [libc::SIGTERM, libc::SIGHUP] {
            libc::signal(signal, libc::SIG_IGN);
        }
        for fd in 0..3 {
            libc::close(fd);
        }
    }
    for beat in 0..60 {
        if fs::write("beat", beat.to_string()).is_err() {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    // SAFETY: ends the daemon.
    unsafe { libc::_exit(0) };
}

/// Makes a file with a name of so many bytes.
pub(super) fn long_name(args: &[&str]) -> io::Result<()> {
    File::create("a".repeat(number(args, 0)?)).map(drop)
}

/// Makes so many folders, each in the one before.
pub(super) fn nested_folders(args: &[&str]) -> io::Result<()> {
    fs::create_dir("deep")?;
    std::env::set_current_dir("deep")?;
    for _ in 1..number(args, 0)? {
        fs::create_dir("a")?;
        std::env::set_current_dir("a")?;
    }
    Ok(())
}
