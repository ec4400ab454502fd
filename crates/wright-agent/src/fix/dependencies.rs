//! What a project depends on, made visible to its tests: the folders that the user's checkout has, and what had to be fetched.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use wright_gate::TestSetup;
use wright_repo::{Repository, Worktree};
use wright_store::TaskId;

use super::{Deps, Fetching};
use crate::boundary::Taint;
use crate::setup::{Client, Prepared, Setup};
use crate::{AgentError, Event};

/// How long fetching may take, for each client.
const FETCH_PATIENCE: Duration = Duration::from_secs(600);

/// Makes installed dependencies that git ignores, such as `node_modules`, visible in the tree.
pub(super) fn link_installed(repo: &Repository, tree: &Worktree, setup: &mut TestSetup) -> Result<(), AgentError> {
    for folder in repo.ignored_dependencies()? {
        let Ok(relative) = folder.strip_prefix(repo.root()) else { continue };
        if link(&folder, &tree.root().join(relative))? {
            setup.read_only.push(folder);
        }
    }
    Ok(())
}

/// Fetches what is still missing. To be called before anything of the repository was run or shown to a model.
pub(super) async fn fetch_missing(
    deps: &Deps,
    fetching: &Fetching,
    task: &TaskId,
    tree: &Worktree,
    folder: &Path,
    tests: &mut TestSetup,
) -> Result<(), AgentError> {
    let setup = Setup {
        sandbox: &deps.sandbox,
        toolchains: &deps.toolchains,
        configuration: &fetching.configuration,
        egress: &*fetching.egress,
        time_limit: FETCH_PATIENCE,
    };
    let project = tree.root().join(&tests.dir);
    for client in Client::of_project(&project) {
        let folder = folder.join(client.name());
        if setup.is_satisfied(client, &project, &created(folder.join("check"))?).await? {
            continue;
        }
        (deps.reporter)(Event::Fetching { client: client.name() });
        deps.store.record(task, "fetching", json!({ "client": client.name() })).await?;
        // Nothing of others has been read yet, so nobody has to be asked once more.
        let prepared = setup.fetch(client, &project, &created(folder)?, &Taint::default()).await?;
        let hosts = hosts_of(&prepared);
        deps.store.record(task, "fetched", json!({ "client": client.name(), "hosts": hosts })).await?;
        (deps.reporter)(Event::Fetched { client: client.name(), hosts });
        use_prepared(prepared, &project, tests)?;
    }
    Ok(())
}

fn use_prepared(prepared: Prepared, project: &Path, tests: &mut TestSetup) -> Result<(), AgentError> {
    prepared.add_to(&mut tests.env);
    if let Some((name, folder)) = &prepared.linked {
        link(folder, &project.join(name))?;
    }
    tests.read_only.push(prepared.folder);
    Ok(())
}

/// Returns the hosts that were reached, each once.
fn hosts_of(prepared: &Prepared) -> Vec<String> {
    let reached = prepared.requests.iter().filter(|it| it.refusal.is_none());
    let authority = |target: &str| {
        let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
        rest.split(['/', '?']).next().unwrap_or(rest).to_owned()
    };
    let hosts: std::collections::BTreeSet<String> = reached.map(|it| authority(&it.target)).collect();
    hosts.into_iter().collect()
}

/// Puts a link to a folder at a place where nothing is, and returns whether it did.
fn link(folder: &Path, place: &Path) -> Result<bool, AgentError> {
    if place.symlink_metadata().is_ok() || !place.parent().is_some_and(Path::is_dir) {
        return Ok(false);
    }
    std::os::unix::fs::symlink(folder, place).map_err(|source| AgentError::Io { path: place.to_owned(), source })?;
    Ok(true)
}

fn created(folder: PathBuf) -> Result<PathBuf, AgentError> {
    std::fs::create_dir_all(&folder).map_err(|source| AgentError::Io { path: folder.clone(), source })?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use wright_sandbox::egress::EgressRecord;

    use super::*;

    #[test]
    fn the_hosts_that_were_reached_are_named_once() {
        let record = |target: &str| EgressRecord {
            method: "GET".to_owned(),
            target: target.to_owned(),
            refusal: None,
            bytes_up: 0,
            bytes_down: 0,
        };
        let prepared = Prepared {
            client: Client::Npm,
            folder: PathBuf::new(),
            env: Vec::new(),
            programs: None,
            linked: None,
            requests: vec![record("b.example:443"), record("http://a.example/x?y"), record("b.example:443")],
        };
        assert_eq!(hosts_of(&prepared), ["a.example", "b.example:443"]);
    }

    #[test]
    fn a_link_replaces_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        assert!(link(Path::new("/usr"), &at("new")).unwrap());
        std::os::unix::fs::symlink("/nowhere", at("dangling")).unwrap();
        assert!(!link(Path::new("/usr"), &at("dangling")).unwrap());
        assert!(!link(Path::new("/usr"), &at("missing/new")).unwrap());
        assert_eq!(std::fs::read_link(at("dangling")).unwrap(), Path::new("/nowhere"));
    }
}
