//! Fetches what one project depends on, through the sandbox's proxy with the user's own client, and tests it without a network.
//!
//! `setup_trial CLIENT PROJECT COMMAND…` prints how it went as one row of a table. Names are resolved as this machine does, and
//! believed: behind a resolver that answers with addresses of its own network's choice, the proxy of the program itself would
//! refuse them. Everything else is what `wright fix --setup` does. See `evals/sandbox/setup.sh`.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "an example prints, reads its surroundings and fails by panicking"
)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wright_agent::Toolchains;
use wright_agent::boundary::Taint;
use wright_agent::setup::{CLIENT_VARIABLES, Client, Setup, SetupConfiguration, SetupError};
use wright_sandbox::egress::{Egress, EgressPolicy, HostName, Network};
use wright_sandbox::{Command, HelperCommand, Policy, Sandbox};

const HELPER: &str = "internal-sandbox-helper";

/// The machine's resolver, whatever its answers look like to the proxy.
#[derive(Default)]
struct Believed {
    names: Mutex<Vec<String>>,
}

#[async_trait::async_trait]
impl Network for Believed {
    async fn resolve(&self, host: &HostName) -> std::io::Result<Vec<IpAddr>> {
        let mut names = self.names.lock().unwrap();
        let name = host.to_string();
        let idx = names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        Ok(vec![Ipv4Addr::from(0x0101_0100 + u32::try_from(idx).unwrap()).into()])
    }

    async fn connect(&self, to: SocketAddr) -> std::io::Result<tokio::net::TcpStream> {
        let IpAddr::V4(address) = to.ip() else { return Err(std::io::ErrorKind::Unsupported.into()) };
        let idx = (u32::from(address) - 0x0101_0100) as usize;
        let name = self.names.lock().unwrap()[idx].clone();
        tokio::net::TcpStream::connect((name.as_str(), to.port())).await
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|it| it == HELPER) {
        return wright_sandbox::helper_main();
    }
    let [client, project, argv @ ..] = &args[..] else { panic!("setup_trial CLIENT PROJECT COMMAND…") };
    let client = Client::ALL.into_iter().find(|it| it.name() == client).unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(run(client, Path::new(project), argv.to_vec()))
}

async fn run(client: Client, project: &Path, argv: Vec<String>) -> ExitCode {
    let helper = HelperCommand { program: std::env::current_exe().unwrap(), args: vec![HELPER.to_owned()] };
    let sandbox = Sandbox::probe(helper).unwrap();
    let toolchains = Toolchains {
        search_path: std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect(),
        home: std::env::home_dir(),
    };
    let variables = CLIENT_VARIABLES.iter().filter_map(|it| Some(((*it).to_owned(), std::env::var(it).ok()?)));
    let configuration = SetupConfiguration { variables: variables.collect(), ..SetupConfiguration::default() };
    let network: Arc<Believed> = Arc::default();
    let shared = Arc::clone(&network);
    let egress = move |policy: EgressPolicy| Egress::over(policy, Arc::clone(&shared) as Arc<dyn Network>);
    let setup = Setup {
        sandbox: &sandbox,
        toolchains: &toolchains,
        configuration: &configuration,
        egress: &egress,
        time_limit: Duration::from_secs(300),
    };
    let scratch = tempfile::tempdir_in("/tmp").unwrap();
    let check = scratch.path().join("check");
    std::fs::create_dir(&check).unwrap();
    let is_there = setup.is_satisfied(client, project, &check).await.unwrap();
    let start = Instant::now();
    let prepared = match setup.fetch(client, project, &scratch.path().join("setup"), &Taint::default()).await {
        Ok(prepared) => prepared,
        Err(SetupError::Failed { output, refused, .. }) => panic!("refused {refused:?}\n{output}"),
        Err(error) => panic!("{error}"),
    };
    let seconds = start.elapsed().as_secs_f64();
    if let Some((name, folder)) = &prepared.linked {
        std::os::unix::fs::symlink(folder, project.join(name)).unwrap();
    }
    let (mut env, mut read_only) = (toolchains.env(), toolchains.read_only());
    prepared.add_to(&mut env);
    read_only.push(prepared.folder.clone());
    let policy = Policy { read_only, ..Policy::new(PathBuf::from(project)) };
    let outcome = sandbox.run(&policy, &Command { argv, env, ..Command::default() }).await.unwrap();
    let tests = if outcome.is_success() { "pass" } else { "fail" };
    let hosts = network.names.lock().unwrap().len();
    let before = if is_there { "there" } else { "missing" };
    println!("| {} | {before} | {hosts} | {seconds:.1} | {tests} |", client.name());
    if outcome.is_success() && !is_there { ExitCode::SUCCESS } else { panic!("{}", outcome.text()) }
}
