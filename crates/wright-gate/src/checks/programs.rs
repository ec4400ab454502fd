//! The checks that run programs, with what each of them is given: which programs there are, what is installed, and copies
//! of the two states of the repository.

use std::path::PathBuf;

use wright_sandbox::Limits;

use super::{ToolCheck, ToolInput, packages, symbols};
use crate::CheckReport;
use crate::dependencies::{self, AdvisoryDatabase};
use crate::existence::installed::Installed;
use crate::existence::registry::Offline;
use crate::tools::copy::Copy;
use crate::tools::{self, ToolSetup};

/// The folders below a checkout that hold what is installed for it.
const INSTALLED: [&str; 3] = ["node_modules", ".venv", "venv"];

/// Every check that runs programs or asks what is installed.
pub(super) const ALL: &[ToolCheck] = &[
    ToolCheck {
        name: packages::NAME,
        promise: "every package that is imported or asked for is known",
        run: |input| Box::pin(packages_exist(input)),
    },
    ToolCheck {
        name: symbols::NAME,
        promise: "every name that is used exists in what is installed",
        run: |input| Box::pin(symbols_exist(input)),
    },
    ToolCheck {
        name: dependencies::ADVISORIES,
        promise: "no locked package is known to be vulnerable",
        run: |input| Box::pin(std::future::ready(vec![advisories(input)])),
    },
    ToolCheck {
        name: "tools",
        promise: "the project's own linters and type checkers find nothing new",
        run: |input| Box::pin(project_tools(input)),
    },
];

async fn packages_exist(input: ToolInput<'_>) -> Vec<CheckReport> {
    let report = packages::report(input.change, input.before, input.after, &installed(input), &Offline).await;
    vec![report]
}

async fn symbols_exist(input: ToolInput<'_>) -> Vec<CheckReport> {
    let folders = installed_folders(input);
    let copies = Copy::lay(input.before, input.scratch, &folders)
        .and_then(|before| Ok((before, Copy::lay(input.after, input.scratch, &folders)?)));
    let (before, after) = match copies {
        Ok(copies) => copies,
        Err(error) => return vec![CheckReport::not_run(symbols::NAME, format!("the trees cannot be copied: {error}"))],
    };
    let own = INSTALLED.iter().flat_map(|it| [input.root.join(it).join("bin"), input.root.join(it).join(".bin")]);
    let programs: Vec<PathBuf> = own.chain(input.search_path.iter().cloned()).collect();
    let read_only: Vec<PathBuf> =
        input.read_only.iter().cloned().chain(folders.iter().map(|(_, folder)| folder.clone())).collect();
    let installed = installed(input);
    let setup = symbols::Setup {
        sandbox: input.sandbox,
        before: &before.project(),
        after: &after.project(),
        programs: &programs,
        read_only: &read_only,
        variables: input.env,
        installed: &installed,
        limits: limits(input),
        minimum_level: input.minimum_level,
    };
    symbols::reports(input.change, &setup).await
}

fn advisories(input: ToolInput<'_>) -> CheckReport {
    let today = chrono::Utc::now().date_naive();
    let wanted = AdvisoryDatabase::wanted(input.before, input.after);
    let database = match input.advisories {
        Some(folder) => AdvisoryDatabase::load(folder, &wanted).map_err(|error| error.to_string()),
        None => Err("none was fetched yet".to_owned()),
    };
    dependencies::advisories(input.change, input.before, input.after, database.as_ref().map_err(Clone::clone), today)
}

async fn project_tools(input: ToolInput<'_>) -> Vec<CheckReport> {
    let setup = ToolSetup {
        env: input.env.to_vec(),
        read_only: input.read_only.to_vec(),
        checkout: Some(input.root.to_owned()),
        installed: installed_folders(input).into_iter().map(|(_, folder)| folder).collect(),
        limits: limits(input),
        minimum_level: input.minimum_level,
        cache: input.cache.map(PathBuf::from),
        scratch: input.scratch.to_owned(),
    };
    tools::run_tools(input.sandbox, &setup, input.change, input.before, input.after, |_| {}).await.reports
}

fn limits(input: ToolInput<'_>) -> Limits {
    Limits { wall: input.time_limit, cpu: input.time_limit, ..Limits::default() }
}

fn installed(input: ToolInput<'_>) -> Installed {
    Installed::read(&[input.root.to_owned()], &[])
}

fn installed_folders(input: ToolInput<'_>) -> Vec<(PathBuf, PathBuf)> {
    let folders = INSTALLED.iter().map(|it| (PathBuf::from(it), input.root.join(it)));
    folders.filter(|(_, folder)| folder.is_dir()).collect()
}
