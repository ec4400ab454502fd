//! The outside tools that checks use. One that is missing is installed once, below the target folder, at a fixed
//! version; nothing of the developer's own is changed.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::workspace::Workspace;

const NEXTEST: CargoTool = CargoTool { binary: "cargo-nextest", version: "0.9.143" };
const DENY: CargoTool = CargoTool { binary: "cargo-deny", version: "0.20.2" };
const TYPOS_VERSION: &str = "1.52.0";

struct CargoTool {
    binary: &'static str,
    version: &'static str,
}

/// Returns a command for `cargo nextest` in the workspace's root.
pub(crate) fn nextest(workspace: &Workspace) -> Result<Command> {
    cargo_tool(workspace, &NEXTEST, "nextest")
}

/// Returns a command for `cargo deny` in the workspace's root.
pub(crate) fn deny(workspace: &Workspace) -> Result<Command> {
    cargo_tool(workspace, &DENY, "deny")
}

/// Returns a command for `typos` in the workspace's root.
pub(crate) fn typos(workspace: &Workspace) -> Result<Command> {
    let folder = folder(workspace).join(format!("typos-{TYPOS_VERSION}"));
    let binary = folder.join("bin/typos");
    if !answers(&binary) {
        println!("installing typos {TYPOS_VERSION}");
        let mut pip = Command::new("python3");
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--upgrade",
            "--target",
        ])
        .arg(&folder)
        .arg(format!("typos=={TYPOS_VERSION}"))
        .env("PIP_ROOT_USER_ACTION", "ignore");
        run(&mut pip).context("cannot install typos")?;
    }
    Ok(workspace.command(binary.as_os_str()))
}

/// Runs a command and fails with its words when it does.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", shown(command)))?;
    ensure!(status.success(), "`{}` ended with {status}", shown(command));
    Ok(())
}

fn cargo_tool(workspace: &Workspace, tool: &CargoTool, subcommand: &str) -> Result<Command> {
    let binary = cargo_tool_binary(workspace, tool)?;
    let mut command = workspace.command(binary.as_os_str());
    command.arg(subcommand);
    Ok(command)
}

/// Finds the tool on the search path or among our own, and installs it where it is in neither.
fn cargo_tool_binary(workspace: &Workspace, tool: &CargoTool) -> Result<PathBuf> {
    let installed = folder(workspace).join("bin").join(tool.binary);
    for candidate in [PathBuf::from(tool.binary), installed.clone()] {
        if answers(&candidate) {
            return Ok(candidate);
        }
    }
    println!("installing {} {}; this takes some minutes, once", tool.binary, tool.version);
    let mut install = workspace.cargo();
    install
        .args(["install", "--quiet", "--locked", "--root"])
        .arg(folder(workspace))
        .arg(format!("{}@{}", tool.binary, tool.version));
    run(&mut install).with_context(|| format!("cannot install {}", tool.binary))?;
    Ok(installed)
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("tools")
}

fn answers(binary: &Path) -> bool {
    Command::new(binary)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
