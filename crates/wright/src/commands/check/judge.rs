//! Runs the checks over a change, off the event loop, and puts together what was judged.

use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use sha2::{Digest, Sha256};
use wright_gate::assessment::{Assessment, assess};
use wright_gate::change::ChangeSet;
use wright_gate::checks::ToolInput;
use wright_gate::pipeline::{self, Checks, Options, Subject};
use wright_gate::policy::{Author, POLICY_FILE, Policy};
use wright_gate::receipt::Facts;
use wright_gate::{Cache, CheckReport, input as gate_input};
use wright_repo::{Comparison, FileContent, RepoError, Repository};

use super::input::Input;
use super::{Args, AuthorArg};
use crate::app::App;
use crate::report::Failure;

/// How long one program may take.
const TOOL_TIME_LIMIT: Duration = Duration::from_secs(120);

/// A change with everything that was said about it.
pub(super) struct Judged {
    pub(super) repo: Repository,
    pub(super) comparison: Comparison,
    pub(super) change: ChangeSet,
    pub(super) assessment: Assessment,
    pub(super) facts: Facts,
}

/// Judges a change.
pub(super) async fn run(app: &App, args: &Args, input: Input) -> Result<Judged, Failure> {
    let checks = Checks::all();
    if let Some(unknown) = args.only.iter().find(|it| !checks.names().contains(&it.as_str())) {
        let hint = format!("The checks are: {}.", checks.names().join(", "));
        return Err(Failure::usage(format!("failed to run {unknown:?}: there is no such check")).hint(hint));
    }
    let cache = if args.no_cache { None } else { cache(app) };
    let (dir, only, kind) = (app.environment.dir.clone(), args.only.clone(), input.kind());
    let work = move || -> Result<(Repository, Comparison, ChangeSet, Vec<CheckReport>), RepoError> {
        let repo = Repository::discover_new(&dir)?;
        let comparison = input.compare(&repo, &dir)?;
        let change = ChangeSet::from(&comparison.difference);
        let subject = Subject { change: &change, before: &comparison.before, after: &comparison.after };
        let mut reports = pipeline::run_in_memory(subject, checks, Options { only: &only, cache: cache.as_ref() });
        if !comparison.difference.omitted.is_empty() {
            reports.push(pipeline::left_out_report(&comparison.difference.omitted));
        }
        Ok((repo, comparison, change, reports))
    };
    let worked = tokio::task::spawn_blocking(work).await;
    let (repo, comparison, change, mut reports) =
        worked.map_err(|error| Failure::usage(format!("failed to run the checks: {error}")))??;
    let (policy, policy_sha256) = policy(&comparison)?;
    if !args.no_tools {
        reports.extend(run_tools(app, args, checks, &repo, &comparison, &change).await?);
    }
    let author = match args.author {
        AuthorArg::Human => Author::Human,
        AuthorArg::Agent => Author::Agent,
    };
    let now = chrono::Local::now();
    let assessment = assess(&change, reports, &policy, author, now.date_naive());
    let mut facts = facts(&repo, &comparison, kind, policy_sha256)?;
    facts.author = author.as_str().to_owned();
    facts.author_name.clone_from(&args.author_name);
    facts.judged_at = now.to_utc().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    Ok(Judged { repo, comparison, change, assessment, facts })
}

/// Returns what a receipt states about two states, without who and when.
pub(super) fn facts(
    repo: &Repository,
    comparison: &Comparison,
    kind: &str,
    policy_sha256: String,
) -> Result<Facts, RepoError> {
    let tree = |commit: &Option<wright_repo::CommitId>| commit.as_ref().map(|it| repo.tree_id(it)).transpose();
    Ok(Facts {
        author: String::new(),
        author_name: None,
        base_commit: comparison.base.as_ref().map(ToString::to_string),
        base_tree: tree(&comparison.base)?,
        head_kind: kind.to_owned(),
        head_commit: comparison.head.as_ref().map(ToString::to_string),
        head_tree: tree(&comparison.head)?,
        patch_sha256: gate_input::digest_of(&comparison.difference),
        policy_sha256,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        judged_at: String::new(),
    })
}

/// Reads the policy of the base commit, and its digest.
pub(super) fn policy(comparison: &Comparison) -> Result<(Policy, String), Failure> {
    let text = match comparison.before.read(POLICY_FILE.as_ref())? {
        FileContent::Text(text) => text,
        FileContent::Absent => "".into(),
        FileContent::Binary { .. } | FileContent::Link(_) | FileContent::Submodule(_) => {
            return Err(Failure::usage(format!(
                "failed to read the policy: {POLICY_FILE} of the base commit is no text"
            )));
        }
    };
    let policy =
        Policy::parse(&text).map_err(|error| Failure::usage(format!("failed to {error}")).hint(error.hint()))?;
    let digest = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((policy, digest))
}

async fn run_tools(
    app: &App,
    args: &Args,
    checks: Checks<'_>,
    repo: &Repository,
    comparison: &Comparison,
    change: &ChangeSet,
) -> Result<Vec<CheckReport>, Failure> {
    let is_wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|it| it == name);
    let wanted: Vec<&'static str> = checks.tools.iter().map(|it| it.name).filter(|it| is_wanted(it)).collect();
    if wanted.is_empty() || change.files.is_empty() {
        return Ok(Vec::new());
    }
    let sandbox = match app.sandbox().await {
        Ok(sandbox) => sandbox,
        Err(failure) => {
            return Ok(wanted.into_iter().map(|it| CheckReport::not_run(it, failure.to_string())).collect());
        }
    };
    let scratch = Scratch::create(app)?;
    let toolchains = app.toolchains();
    let (env, read_only) = (toolchains.env(), toolchains.read_only());
    let cache = app.home.private_folder("tools").ok();
    let advisories =
        app.home.private_folder("advisories").ok().filter(|it| it.read_dir().is_ok_and(|mut it| it.next().is_some()));
    let input = ToolInput {
        change,
        before: &comparison.before,
        after: &comparison.after,
        sandbox: &sandbox,
        root: repo.root(),
        search_path: &toolchains.search_path,
        home: toolchains.home.as_deref(),
        env: &env,
        read_only: &read_only,
        scratch: &scratch.0,
        cache: cache.as_deref().filter(|_| !args.no_cache),
        advisories: advisories.as_deref(),
        minimum_level: app.minimum_level(),
        time_limit: TOOL_TIME_LIMIT,
    };
    Ok(pipeline::run_tools(checks, Options { only: &args.only, cache: None }, input).await)
}

/// A folder for one run, removed with it.
struct Scratch(PathBuf);

impl Scratch {
    fn create(app: &App) -> Result<Self, Failure> {
        Ok(Self(app.home.private_folder(&format!("scratch/check-{}", std::process::id()))?))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// Opens the folder of results; without one, every file is looked at anew.
fn cache(app: &App) -> Option<Cache> {
    let folder = app.home.private_folder("checks").ok()?;
    let program = std::fs::metadata(&app.environment.program).ok()?;
    let modified = program.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let build = format!("{} {} {}", env!("CARGO_PKG_VERSION"), program.len(), modified.as_nanos());
    Some(Cache::open(&folder, &build))
}
