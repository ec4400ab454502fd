//! The steps of `cargo xtask ci`, in order. The first failure ends the run and says how to run that step again.
//!
//! To add a step, add it to [`STEPS`]: cheap ones first.

use std::{fmt::Write as _, process::Command, time::Instant};

use anyhow::{Result, bail};

use crate::{layers, rules, tools, workspace::Workspace};

/// One check of the whole project.
struct Step {
    name: &'static str,
    /// What a person would type for the same, or what is checked where there is no such command.
    about: &'static str,
    run: fn(&Workspace) -> Result<()>,
}

const STEPS: &[Step] = &[
    Step { name: "layers", about: "the edge table of ARCHITECTURE.md against cargo metadata", run: layers::check },
    Step {
        name: "rules",
        about: "file headers, registry hosts, lints of each crate, links in documents",
        run: rules::check,
    },
    Step { name: "fmt", about: "cargo fmt --all --check", run: fmt },
    Step { name: "clippy", about: "cargo clippy --workspace --all-targets --locked -- -D warnings", run: clippy },
    Step { name: "editors", about: "scripts/test-editors.sh: the plug-ins for editors", run: editors },
    Step { name: "doctest", about: "cargo test --doc --workspace --locked", run: doctest },
    Step { name: "test", about: "cargo nextest run --workspace --locked", run: test },
    Step { name: "doc", about: "RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked", run: doc },
    Step { name: "deny", about: "cargo deny --locked check licenses bans sources", run: deny },
    Step { name: "typos", about: "typos", run: typos },
];

/// Returns the step's own copy of a name, or the names there are.
pub(crate) fn parse_name(name: &str) -> Result<&'static str, String> {
    STEPS.iter().map(|step| step.name).find(|known| *known == name).ok_or_else(|| {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        format!("the steps are {}", names.join(", "))
    })
}

/// Returns the steps and what they run, one a line.
pub(crate) fn list() -> String {
    STEPS.iter().fold(String::new(), |mut text, step| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:8} {}", step.name, step.about);
        text
    })
}

/// Runs the chosen steps in order and stops at the first failure.
pub(crate) fn run(workspace: &Workspace, only: &[&str], skip: &[&str]) -> Result<()> {
    let chosen: Vec<&Step> = choose(only, skip).collect();
    if chosen.is_empty() {
        bail!("no step is left to run");
    }
    let started = Instant::now();
    for step in &chosen {
        println!("== {}: {}", step.name, step.about);
        let step_started = Instant::now();
        let result = (step.run)(workspace);
        let seconds = step_started.elapsed().as_secs_f64();
        if let Err(error) = result {
            bail!(
                "{} failed after {seconds:.1} s: {error:#}\nrun it again with: cargo xtask ci --only {}",
                step.name,
                step.name
            );
        }
        println!("== {}: ok in {seconds:.1} s", step.name);
    }
    println!("{} steps passed in {:.1} s", chosen.len(), started.elapsed().as_secs_f64());
    Ok(())
}

fn choose(only: &[&str], skip: &[&str]) -> impl Iterator<Item = &'static Step> {
    STEPS.iter().filter(move |step| (only.is_empty() || only.contains(&step.name)) && !skip.contains(&step.name))
}

fn fmt(workspace: &Workspace) -> Result<()> {
    tools::run(workspace.cargo().args(["fmt", "--all", "--check"]))
}

fn clippy(workspace: &Workspace) -> Result<()> {
    tools::run(workspace.cargo().args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
}

fn editors(workspace: &Workspace) -> Result<()> {
    tools::run(Command::new("bash").arg("scripts/test-editors.sh").current_dir(&workspace.root))
}

fn test(workspace: &Workspace) -> Result<()> {
    tools::run(tools::nextest(workspace)?.args(["run", "--workspace", "--locked"]))
}

fn doctest(workspace: &Workspace) -> Result<()> {
    tools::run(workspace.cargo().args(["test", "--doc", "--workspace", "--locked", "--quiet"]))
}

fn doc(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["doc", "--workspace", "--no-deps", "--locked", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings");
    tools::run(&mut cargo)
}

fn deny(workspace: &Workspace) -> Result<()> {
    tools::run(tools::deny(workspace)?.args([
        "--locked",
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ]))
}

fn typos(workspace: &Workspace) -> Result<()> {
    tools::run(&mut tools::typos(workspace)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(only: &[&str], skip: &[&str]) -> Vec<&'static str> {
        choose(only, skip).map(|step| step.name).collect()
    }

    #[test]
    fn every_step_runs_unless_some_are_named() {
        assert_eq!(chosen(&[], &[]).len(), STEPS.len());
        assert_eq!(chosen(&["typos", "fmt"], &[]), ["fmt", "typos"]);
    }

    #[test]
    fn a_skipped_step_does_not_run() {
        assert!(!chosen(&[], &["deny"]).contains(&"deny"));
        assert_eq!(chosen(&["fmt"], &["fmt"]), Vec::<&str>::new());
    }

    #[test]
    fn an_unknown_step_is_answered_with_the_known_ones() {
        let error = parse_name("tests").expect_err("there is no such step");
        assert!(error.starts_with("the steps are layers, rules, fmt,"), "{error}");
    }
}
