//! The victim: what a machine has that no command in a sandbox may reach.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::LazyLock;
use std::thread;

/// What must not be read, wherever it lies.
pub(crate) const SECRET: &str = "canary-5f1c9e";

/// The variable in which programs keep a key.
pub(crate) const KEY_VARIABLE: &str = "WRIGHT_API_KEY";

/// Puts a key into the environment of the tests, which are the launcher of the sandbox. Call it before any thread starts.
pub(crate) fn set_api_key() {
    // SAFETY: no other thread exists yet that could read the environment at the same time.
    unsafe { std::env::set_var(KEY_VARIABLE, SECRET) };
}

/// A host with secrets, listeners, and a process of its own. Everything is as open as permissions can make it, so that only
/// the sandbox stands in the way.
pub(crate) struct Host {
    dir: PathBuf,
    tcp_port: u16,
    udp_port: u16,
    abstract_name: String,
    shared_memory: i32,
    victim: Child,
}

impl Host {
    pub(crate) fn get() -> &'static Self {
        static HOST: LazyLock<Host> = LazyLock::new(Host::start);
        &HOST
    }

    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap().keep();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
        fs::write(dir.join("secret"), SECRET).unwrap();
        leak(&fs::File::open(dir.join("secret")).unwrap());
        let abstract_name = format!("wright-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        greet_on(UnixListener::bind_addr(&address).unwrap());
        let path = dir.join("socket");
        greet_on(UnixListener::bind(&path).unwrap());
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
        Self {
            tcp_port: greet_on_tcp(),
            udp_port: echo_on_udp(),
            abstract_name,
            shared_memory: share_memory(),
            victim: start_victim(&dir),
            dir,
        }
    }

    /// Returns what an attack's argument stands for.
    pub(crate) fn resolve(&self, word: &str) -> String {
        match word {
            "$secret" => self.dir.join("secret").display().to_string(),
            "$outside" => self.dir.join("planted").display().to_string(),
            "$dir" => self.dir.display().to_string(),
            "$socket" => self.dir.join("socket").display().to_string(),
            "$tcp" => self.tcp_port.to_string(),
            "$udp" => self.udp_port.to_string(),
            "$abstract" => self.abstract_name.clone(),
            "$shm" => self.shared_memory.to_string(),
            "$victim" => self.victim.id().to_string(),
            plain => plain.to_owned(),
        }
    }

    /// Returns where attacks on the file system leave something behind.
    pub(crate) fn planted(&self) -> PathBuf {
        self.dir.join("planted")
    }
}

/// Starts a process with a key in its environment. It ends when its stdin does, which is at the latest when the tests end.
fn start_victim(dir: &Path) -> Child {
    let mut command = Command::new(crate::this_program());
    command.arg(crate::VICTIM).arg(dir);
    let mut victim = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // Until it says something, its arguments and environment may not be in place yet.
    victim.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    victim
}

/// Waits for the end of the tests and removes what they made.
pub(crate) fn be_victim(dir: &str) -> ExitCode {
    println!("ready");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    let _ = fs::remove_dir_all(dir);
    ExitCode::SUCCESS
}

/// Leaves a file open for every process that is started from now on.
fn leak(file: &fs::File) {
    // SAFETY: duplicating a file descriptor touches no memory; the copy is meant to stay open.
    assert!(unsafe { libc::dup(file.as_raw_fd()) } >= 0);
}

fn greet_on(listener: UnixListener) {
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = (&stream).write_all(b"hello");
        }
    });
}

fn greet_on_tcp() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"hello");
            let _ = stream.read(&mut [0]);
        }
    });
    port
}

fn echo_on_udp() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut buffer = [0; 64];
        while let Ok((n_bytes, from)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(&buffer[..n_bytes], from);
        }
    });
    port
}

fn share_memory() -> i32 {
    // SAFETY: a new segment is attached, filled within its size, and marked to vanish with its last user, which is this
    // process: it stays attached on purpose.
    unsafe {
        let id = libc::shmget(libc::IPC_PRIVATE, 4096, libc::IPC_CREAT | 0o666);
        assert!(id >= 0);
        let memory = libc::shmat(id, std::ptr::null(), 0).cast::<u8>();
        std::ptr::copy_nonoverlapping(SECRET.as_ptr(), memory, SECRET.len());
        libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut());
        id
    }
}
