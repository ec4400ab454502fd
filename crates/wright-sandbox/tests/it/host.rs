//! The victim: what a machine has that no command in a sandbox may reach.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::LazyLock;
use std::thread;

/// What must not be read, wherever it lies.
pub(crate) const SECRET: &str = "canary-5f1c9e";

/// The variable in which programs keep a key.
pub(crate) const KEY_VARIABLE: &str = "WRIGHT_API_KEY";

/// Puts a key into the environment that this process was started with, which the kernel shows to others. Returns if it is
/// there already.
pub(crate) fn have_api_key() {
    if std::env::var_os(KEY_VARIABLE).is_none() {
        let error =
            Command::new(crate::this_program()).args(std::env::args_os().skip(1)).env(KEY_VARIABLE, SECRET).exec();
        panic!("cannot start again: {error}");
    }
}

/// A host with secrets, listeners, and a process of its own. Everything is as open as permissions can make it, so that only
/// the sandbox stands in the way.
pub(crate) struct Host {
    dir: PathBuf,
    tcp_port: u16,
    udp_port: u16,
    abstract_name: String,
    shared_memory: i32,
    shared_file: PathBuf,
    queue: i32,
    tcp6_port: u16,
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
        fs::create_dir_all(dir.join("home/.ssh")).unwrap();
        fs::write(dir.join("home/.ssh/id_ed25519"), SECRET).unwrap();
        leak(&fs::File::open(dir.join("secret")).unwrap());
        leak(&UnixStream::pair().unwrap().0);
        receive_on(UnixDatagram::bind(dir.join("datagram")).unwrap());
        fs::set_permissions(dir.join("datagram"), fs::Permissions::from_mode(0o777)).unwrap();
        let abstract_name = format!("wright-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        greet_on(UnixListener::bind_addr(&address).unwrap());
        let path = dir.join("socket");
        greet_on(UnixListener::bind(&path).unwrap());
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
        let (shared_file, queue) = (share_file(), queue_message());
        Self {
            tcp_port: greet_on_tcp("127.0.0.1:0").unwrap(),
            tcp6_port: greet_on_tcp("[::1]:0").unwrap_or(0),
            victim: start_victim(&dir, &shared_file, queue),
            shared_file,
            queue,
            udp_port: echo_on_udp(),
            abstract_name,
            shared_memory: share_memory(),
            dir,
        }
    }

    /// Replaces the names of the host's things by what they stand for.
    pub(crate) fn resolve(&self, text: &str) -> String {
        let file = |name: &str| self.dir.join(name).display().to_string();
        // A name that begins like another one comes before it.
        let names = [
            ("$secret", file("secret")),
            ("$setuid", self.setuid_program().display().to_string()),
            ("$socket", file("socket")),
            ("$datagram", file("datagram")),
            ("$home", file("home")),
            ("$disk", disk().display().to_string()),
            ("$dir", self.dir.display().to_string()),
            ("$tcp6", self.tcp6_port.to_string()),
            ("$tcp", self.tcp_port.to_string()),
            ("$udp", self.udp_port.to_string()),
            ("$abstract", self.abstract_name.clone()),
            ("$shmfile", self.shared_file.display().to_string()),
            ("$shm", self.shared_memory.to_string()),
            ("$queue", self.queue.to_string()),
            ("$victim", self.victim.id().to_string()),
            ("$launcher", std::process::id().to_string()),
        ];
        names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// Returns a place for what attacks on the file system leave behind.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(format!("planted-{name}"))
    }

    /// Returns this program marked to run as root, if root could make one: the user's tests have it beside them.
    pub(crate) fn setuid_program(&self) -> PathBuf {
        let beside = crate::this_program().with_file_name(SETUID_NAME);
        if beside.exists() {
            return beside;
        }
        let own = self.dir.join(SETUID_NAME);
        if rustix::process::geteuid().is_root() && !own.exists() {
            make_setuid(&own);
        }
        own
    }
}

/// The file name of this program when it is marked to run as its owner.
pub(crate) const SETUID_NAME: &str = "it-as-root";

/// Makes a copy of this program that runs as its owner.
pub(crate) fn make_setuid(path: &Path) {
    let unfinished = path.with_extension(format!("{:?}", thread::current().id()));
    fs::copy(crate::this_program(), &unfinished).unwrap();
    fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o4755)).unwrap();
    fs::rename(unfinished, path).unwrap();
}

/// Returns a disk of this machine, or a name that no disk has.
fn disk() -> PathBuf {
    let disks = fs::read_dir("/sys/block").into_iter().flatten().flatten();
    let devices = disks.map(|disk| Path::new("/dev").join(disk.file_name()));
    devices.into_iter().find(|device| device.exists()).unwrap_or_else(|| PathBuf::from("/dev/no-disk"))
}

/// Starts a process with a key in its environment. It ends when its stdin does, which is at the latest when the tests end.
fn start_victim(dir: &Path, shared_file: &Path, queue: i32) -> Child {
    let mut command = Command::new(crate::this_program());
    command.arg(crate::VICTIM).arg(dir).arg(shared_file).arg(queue.to_string()).current_dir(dir);
    let mut victim = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // Until it says something, its arguments and environment may not be in place yet.
    victim.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    victim
}

/// Waits for the end of the tests and removes what they made: a folder, a file and a queue.
pub(crate) fn be_victim(made: &[String]) -> ExitCode {
    println!("ready");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    if let [dir, shared_file, queue] = made {
        let _ = fs::remove_dir_all(dir);
        let _ = fs::remove_file(shared_file);
        // SAFETY: removes a queue by its number.
        queue.parse().map(|id| unsafe { libc::msgctl(id, libc::IPC_RMID, std::ptr::null_mut()) }).unwrap();
    }
    ExitCode::SUCCESS
}

/// Leaves a file open for every process that is started from now on.
fn leak(file: &impl AsRawFd) {
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

fn receive_on(socket: UnixDatagram) {
    thread::spawn(move || while socket.recv(&mut [0; 64]).is_ok() {});
}

fn greet_on_tcp(address: &str) -> io::Result<u16> {
    let listener = TcpListener::bind(address)?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"hello");
            let _ = stream.read(&mut [0]);
        }
    });
    Ok(port)
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

/// Puts the secret where programs share memory by name.
fn share_file() -> PathBuf {
    let path = PathBuf::from(format!("/dev/shm/wright-{}", std::process::id()));
    fs::write(&path, SECRET).unwrap();
    path
}

/// Leaves a message in a queue that everybody may read.
fn queue_message() -> i32 {
    let message = *b"\x01\0\0\0\0\0\0\0secret";
    // SAFETY: a message is a number other than 0 and as many bytes as said.
    unsafe {
        let id = libc::msgget(libc::IPC_PRIVATE, libc::IPC_CREAT | 0o666);
        assert!(id >= 0);
        assert_eq!(libc::msgsnd(id, message.as_ptr().cast(), 6, 0), 0);
        id
    }
}
