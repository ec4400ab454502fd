//! Fetching dependencies, with a real package client, a registry of the tests' own, and a project that would rather have
//! another one.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use libtest_mimic::Trial;
use wright_agent::boundary::{Origin, Taint};
use wright_agent::fix::{Deps, Fetching, Outcome, Request, fix};
use wright_agent::setup::{Client, Prepared, Setup, SetupConfiguration, SetupError};
use wright_agent::{Event, Toolchains};
use wright_provider::replay::{Answer, ScriptedProvider};
use wright_repo::Repository;
use wright_sandbox::egress::{Egress, EgressPolicy, HostName, Network};
use wright_store::Store;

use crate::{block_on, sandbox, trial};

/// A registry that answers for every package, and a network in which it is two hosts and a foreign one.
struct Registry {
    address: SocketAddr,
    looked_up: Mutex<Vec<String>>,
}

#[async_trait::async_trait]
impl Network for Registry {
    async fn resolve(&self, host: &HostName) -> std::io::Result<Vec<IpAddr>> {
        self.looked_up.lock().unwrap().push(host.to_string());
        Ok(vec![Ipv4Addr::new(93, 184, 216, 34).into()])
    }

    async fn connect(&self, _: SocketAddr) -> std::io::Result<tokio::net::TcpStream> {
        tokio::net::TcpStream::connect(self.address).await
    }
}

impl Registry {
    fn start(tarball: Vec<u8>) -> Arc<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
                    head.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let path = head.split(' ').nth(1).unwrap_or("/").to_owned();
                let body = if path.ends_with(".tgz") { tarball.clone() } else { metadata(&path).into_bytes() };
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.write_all(&body));
            }
        });
        Arc::new(Self { address, looked_up: Mutex::default() })
    }
}

fn metadata(path: &str) -> String {
    let name = path.trim_start_matches('/');
    let version = serde_json::json!({
        "name": name, "version": "1.0.0", "dist": { "tarball": format!("http://files.example/{name}-1.0.0.tgz") }
    });
    serde_json::json!({ "name": name, "dist-tags": { "latest": "1.0.0" }, "versions": { "1.0.0": version } })
        .to_string()
}

/// Returns a package whose installation would run a script.
fn tarball(folder: &std::path::Path) -> Vec<u8> {
    let package = folder.join("package");
    fs::create_dir(&package).unwrap();
    let manifest = "{\"name\":\"tiny\",\"version\":\"1.0.0\",\"scripts\":{\"postinstall\":\"touch ../../executed\"}}";
    fs::write(package.join("package.json"), manifest).unwrap();
    fs::write(package.join("index.js"), "module.exports = 7;\n").unwrap();
    let archive = folder.join("tiny.tgz");
    let tar = Command::new("tar").args(["czf"]).arg(&archive).arg("-C").arg(folder).arg("package").status();
    assert!(tar.unwrap().success());
    fs::read(archive).unwrap()
}

struct Project {
    dir: tempfile::TempDir,
    registry: Arc<Registry>,
}

impl Project {
    /// A project with one dependency. Its own settings name a foreign registry, and so does its lock file if asked.
    fn new(resolved: &str) -> Self {
        let dir = tempfile::tempdir_in("/tmp").unwrap();
        let registry = Registry::start(tarball(dir.path()));
        let project = dir.path().join("project");
        fs::create_dir(&project).unwrap();
        let files = HashMap::from([
            (".npmrc", "registry=http://evil.example/\n".to_owned()),
            (".gitignore", "node_modules\n".to_owned()),
            ("test.js", "process.exit(require(\"tiny\") === 7 ? 0 : 1);\n".to_owned()),
            ("package.json", "{\"name\":\"p\",\"version\":\"1.0.0\",\"dependencies\":{\"tiny\":\"1.0.0\"}}".to_owned()),
            (
                "package-lock.json",
                serde_json::json!({
                    "name": "p", "version": "1.0.0", "lockfileVersion": 3, "requires": true,
                    "packages": {
                        "": { "name": "p", "version": "1.0.0", "dependencies": { "tiny": "1.0.0" } },
                        "node_modules/tiny": { "version": "1.0.0", "resolved": resolved }
                    }
                })
                .to_string(),
            ),
        ]);
        files.into_iter().for_each(|(name, text)| fs::write(project.join(name), text).unwrap());
        Self { dir, registry }
    }

    fn fetch(&self, taint: &Taint) -> Result<Prepared, SetupError> {
        self.fetch_with(SetupConfiguration::default(), taint)
    }

    fn fetch_with(&self, configuration: SetupConfiguration, taint: &Taint) -> Result<Prepared, SetupError> {
        let settings = self.dir.path().join(".npmrc");
        fs::write(&settings, "registry=http://packages.example/\n").unwrap();
        let configuration = SetupConfiguration { files: vec![settings], ..configuration };
        let registry = Arc::clone(&self.registry);
        let egress = move |policy: EgressPolicy| Egress::over(policy, Arc::clone(&registry) as Arc<dyn Network>);
        let toolchains = Toolchains::default();
        let setup = Setup {
            sandbox: sandbox(),
            toolchains: &toolchains,
            configuration: &configuration,
            egress: &egress,
            time_limit: Duration::from_secs(120),
        };
        let (project, folder) = (self.dir.path().join("project"), self.dir.path().join("setup"));
        block_on(setup.fetch(Client::Npm, &project, &folder, taint))
    }

    /// Fixes the project, which has nothing to be fixed once its dependency is there.
    fn fix(&self, may_fetch: bool) -> (Outcome, Vec<String>) {
        let project = self.dir.path().join("project");
        for words in [&["init", "--quiet"][..], &["add", "--all"], &["commit", "--quiet", "--message=start"]] {
            let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
            let git = Command::new("git").args(identity).args(words).current_dir(&project).status();
            assert!(git.unwrap().success() || words[0] == "commit");
        }
        let settings = self.dir.path().join(".npmrc");
        fs::write(&settings, "registry=http://packages.example/\n").unwrap();
        let registry = Arc::clone(&self.registry);
        let fetching = Fetching {
            configuration: SetupConfiguration { files: vec![settings], ..SetupConfiguration::default() },
            egress: Arc::new(move |policy| Egress::over(policy, Arc::clone(&registry) as Arc<dyn Network>)),
        };
        let events = Arc::new(Mutex::new(Vec::new()));
        let reported = Arc::clone(&events);
        let outcome = block_on(async {
            let tasks = self.dir.path().join("tasks");
            fs::create_dir_all(&tasks).unwrap();
            let deps = Deps {
                provider: Arc::new(ScriptedProvider::from_fn(|_| Answer::text("no idea"))),
                sandbox: sandbox().clone(),
                store: Store::open(&tasks.join("store.db")).await.unwrap(),
                tasks_folder: tasks,
                toolchains: Toolchains::default(),
                fetching: may_fetch.then_some(fetching),
                reporter: Arc::new(move |event| {
                    if let Event::Fetched { client, hosts } = event {
                        reported.lock().unwrap().push(format!("{client}: {}", hosts.join(", ")));
                    }
                }),
            };
            let command = Some(vec!["node".to_owned(), "test.js".to_owned()]);
            let request = Request { command, max_candidates: 1, ..Request::default() };
            fix(&deps, &Repository::discover(&project).unwrap(), &request).await.unwrap()
        });
        let events = events.lock().unwrap().clone();
        (outcome, events)
    }

    fn looked_up(&self) -> Vec<String> {
        let mut names = self.registry.looked_up.lock().unwrap().clone();
        names.sort();
        names.dedup();
        names
    }
}

fn has_npm() -> bool {
    let is_there = ["/usr/bin/npm", "/usr/local/bin/npm"].iter().any(|it| std::path::Path::new(it).exists());
    if !is_there {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "npm is missing");
        eprintln!("left out: npm is missing");
    }
    is_there
}

/// The tests of fetching.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("dependencies come from where the users client gets them and no script of theirs runs", || {
            if !has_npm() {
                return;
            }
            let project = Project::new("http://files.example/tiny-1.0.0.tgz");
            let prepared = match project.fetch(&Taint::default()) {
                Ok(prepared) => prepared,
                Err(SetupError::Failed { output, refused, .. }) => panic!("{refused:?}\n{output}"),
                Err(other) => panic!("{other}"),
            };
            let fetched = prepared.folder.join("node_modules/tiny/index.js");
            assert_eq!(fs::read_to_string(fetched).unwrap(), "module.exports = 7;\n");
            assert!(!prepared.folder.join("executed").exists() && !prepared.folder.join(".npmrc").exists());
            assert_eq!(project.looked_up(), ["files.example", "packages.example"]);
            assert_eq!(prepared.env[0].0, "NODE_PATH");
        }),
        trial("a host that the project alone names is refused and named", || {
            if !has_npm() {
                return;
            }
            let project = Project::new("http://evil.example/tiny-1.0.0.tgz");
            let error = project.fetch(&Taint::default()).unwrap_err();
            assert!(error.hint().unwrap().contains("evil.example"), "{error}");
            assert_eq!(project.looked_up(), ["files.example", "packages.example"]);
        }),
        trial("missing dependencies are fetched before the baseline where the user allows it", || {
            if !has_npm() {
                return;
            }
            let project = Project::new("http://files.example/tiny-1.0.0.tgz");
            let (without, events) = project.fix(false);
            assert!(
                !matches!(without, Outcome::NothingToFix(_)) && events.is_empty() && project.looked_up().is_empty()
            );
            let (with, events) = project.fix(true);
            let Outcome::NothingToFix(run) = with else { panic!("the dependency is not found: {with:?}") };
            assert!(run.is_passing());
            assert_eq!(events, ["npm: files.example"]);
            assert!(!project.dir.path().join("project/node_modules").exists(), "the checkout was touched");
        }),
        trial("a project can only narrow where packages come from", || {
            if !has_npm() {
                return;
            }
            let project = Project::new("http://files.example/tiny-1.0.0.tgz");
            let narrow = |only: &str| SetupConfiguration {
                only_hosts: Some(vec![only.to_owned()]),
                ..SetupConfiguration::default()
            };
            for only in ["packages.example", "evil.example"] {
                let error = project.fetch_with(narrow(only), &Taint::default()).unwrap_err();
                assert!(matches!(error, SetupError::Failed { .. }), "{error}");
            }
            assert!(!project.looked_up().contains(&"evil.example".to_owned()));
        }),
        trial("once text of others was read a person must agree to fetch", || {
            if !has_npm() {
                return;
            }
            let mut taint = Taint::default();
            taint.read(Origin::Repository);
            let project = Project::new("http://files.example/tiny-1.0.0.tgz");
            let error = project.fetch(&taint).unwrap_err();
            assert!(matches!(&error, SetupError::NeedsPerson { shown } if shown.contains("npm")), "{error}");
            assert_eq!(project.looked_up(), Vec::<String>::new());
        }),
    ]
}
