//! `wright check`: judges any change, whoever wrote it, and counts only what the change brings.
//!
//! [`input`] finds the change, [`judge`] runs the checks, [`output`] writes down what came of it; [`hooks`] are the ways in
//! for git and for coding agents, [`verify`] looks at a receipt again.

mod hooks;
mod input;
mod judge;
mod output;
mod verify;

use std::path::PathBuf;

use serde_json::json;
use wright_gate::checks::{self, RuleInfo};

use crate::app::App;
use crate::exit_code::ExitCode;
use crate::report::Failure;
use crate::terminal::{Tone, neutral};

/// The examples in the long help.
const EXAMPLES: &str = "\
Examples:
  wright check                          what differs from the last commit, new files included
  wright check --staged                 what would be committed
  wright check main...                  what this branch brings since it left main
  wright check HEAD~3..HEAD --json
  git diff | wright check --patch -     the last commit after a patch, without touching a file
  wright check --file a.py --text -     one file with the text on stdin
  wright check --format sarif --output wright.sarif
  wright check --install-hook pre-commit
  wright check --explain no-secrets

Only what the change brings counts: what was there before does not, wherever it was moved. The policy (`wright.toml`) and
exceptions count as they stand in the base commit.
Exit codes: 0 nothing new refuses the change; 1 something does; 2 usage; 3 a check that counts could not look.";

/// Arguments of `wright check`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Args {
    /// A range of commits: `A..B`, `A...B` (since they parted), or one commit
    #[arg(value_name = "RANGE", allow_hyphen_values = false)]
    range: Option<String>,

    /// Judge what is staged
    #[arg(long, conflicts_with_all = ["range", "branch", "patch", "file"])]
    staged: bool,

    /// Judge this branch since it left another one
    ///
    /// Without a name, the branch that `origin` calls its own, or `main` or `master`.
    #[arg(long, value_name = "BASE", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["range", "patch", "file"])]
    branch: Option<String>,

    /// Judge the base commit after a patch; `-` reads it from stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["range", "file"])]
    patch: Option<PathBuf>,

    /// Judge one file with the text that `--text` gives
    #[arg(long, value_name = "PATH", requires = "text", conflicts_with = "range")]
    file: Option<PathBuf>,

    /// The new text of `--file`; `-` reads it from stdin
    #[arg(long, value_name = "FILE", requires = "file")]
    text: Option<PathBuf>,

    /// Compare with this commit [default: the last one]
    #[arg(long, value_name = "REV", conflicts_with_all = ["range", "branch"])]
    baseline: Option<String>,

    /// Who wrote the change; an agent may not touch tests and configuration
    #[arg(long, value_enum, default_value_t = AuthorArg::Human)]
    author: AuthorArg,

    /// The name of the agent or tool, for the receipt
    #[arg(long, value_name = "NAME")]
    author_name: Option<String>,

    /// Run this check only; once for each
    #[arg(long, value_name = "CHECK")]
    only: Vec<String>,

    /// Leave out the checks that run programs
    #[arg(long)]
    no_tools: bool,

    /// Look at every file anew
    #[arg(long)]
    no_cache: bool,

    /// Say nothing when nothing refuses the change
    #[arg(short, long)]
    quiet: bool,

    /// Write the result in this format
    #[arg(long, value_enum, default_value_t = FormatArg::Text)]
    format: FormatArg,

    /// Write the result in that format to a file, and as text to stdout
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Write a receipt: what was judged, what ran, what came of it
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,

    /// Write the receipt as an in-toto statement, to be signed
    #[arg(long, value_name = "FILE")]
    attest: Option<PathBuf>,

    /// Attach the receipt to the judged commit as a git note (`git notes --ref=wright show`)
    #[arg(long)]
    note: bool,

    /// Print the line for the end of a commit's message
    #[arg(long)]
    trailer: bool,

    /// Compute the digests of a receipt again and say which still match
    #[arg(long, value_name = "RECEIPT", conflicts_with_all = ["range", "staged", "branch"])]
    verify: Option<PathBuf>,

    /// Say what a rule is about
    #[arg(long, value_name = "RULE")]
    explain: Option<String>,

    /// List all rules
    #[arg(long)]
    list_rules: bool,

    /// Put a hook into this repository that runs the check
    #[arg(long, value_name = "HOOK", value_enum)]
    install_hook: Option<hooks::HookArg>,

    /// Take such a hook out again
    #[arg(long, value_name = "HOOK", value_enum)]
    uninstall_hook: Option<hooks::HookArg>,

    /// Replace a hook that is there already
    #[arg(long, requires = "install_hook")]
    force: bool,

    /// Run as a hook: `stop` for coding agents, `pre-push` for git
    #[arg(long, value_name = "KIND", value_enum, conflicts_with_all = ["range", "patch", "file", "verify"])]
    hook: Option<hooks::HookKind>,
}

/// Who wrote a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum AuthorArg {
    /// A person.
    Human,
    /// A program.
    Agent,
}

/// How the result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FormatArg {
    /// For people.
    Text,
    /// The document `wright.check/1`.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// JUnit's XML.
    Junit,
    /// Annotations of GitHub Actions.
    Github,
    /// GitLab's code quality report.
    Gitlab,
}

/// Judges a change, or does one of the things around it.
pub(crate) async fn run(app: &App, args: &Args) -> Result<ExitCode, Failure> {
    if args.list_rules {
        return Ok(list_rules(app));
    }
    if let Some(rule) = &args.explain {
        return explain(app, rule);
    }
    if let Some(hook) = args.install_hook {
        return hooks::install(app, hook, args.force);
    }
    if let Some(hook) = args.uninstall_hook {
        return hooks::uninstall(app, hook);
    }
    if let Some(receipt) = &args.verify {
        return verify::run(app, args, receipt);
    }
    match args.hook {
        Some(hooks::HookKind::Stop) => Ok(hooks::stop(app, args).await),
        Some(hooks::HookKind::PrePush) => hooks::pre_push(app, args).await,
        None => {
            let judged = judge::run(app, args, input::Input::of(app, args)?).await?;
            output::write(app, args, &judged)
        }
    }
}

fn rule_json(rule: &RuleInfo) -> serde_json::Value {
    json!({
        "rule": rule.id,
        "check": rule.check,
        "severity": format!("{:?}", rule.severity).to_lowercase(),
        "title": rule.title,
        "explanation": rule.explanation,
        "cwe": rule.cwe,
    })
}

fn list_rules(app: &App) -> ExitCode {
    let rules = checks::rules();
    if app.terminal.is_json() {
        let rules: Vec<_> = rules.iter().map(rule_json).collect();
        app.terminal.json(&json!({ "schema": "wright.rules/1", "rules": rules }));
        return ExitCode::Done;
    }
    for rule in rules {
        let severity = format!("{:?}", rule.severity).to_lowercase();
        app.terminal.line(&format!("{} {severity:<8} {}", Tone::Strong.out(&format!("{:<36}", rule.id)), rule.title));
    }
    ExitCode::Done
}

fn explain(app: &App, id: &str) -> Result<ExitCode, Failure> {
    let rules = checks::rules();
    let Some(rule) = rules.iter().find(|it| it.id == id) else {
        let hint = "`wright check --list-rules` names those that there are.";
        return Err(Failure::usage(format!("failed to explain {id:?}: there is no such rule")).hint(hint));
    };
    if app.terminal.is_json() {
        let mut document = rule_json(rule);
        document["schema"] = "wright.rule/1".into();
        app.terminal.json(&document);
        return Ok(ExitCode::Done);
    }
    app.terminal.line(&format!("{}: {}", Tone::Strong.out(&rule.id), rule.title));
    app.terminal.line(&format!("check {}, {}", rule.check, format!("{:?}", rule.severity).to_lowercase()));
    if !rule.cwe.is_empty() {
        let numbers: Vec<String> = rule.cwe.iter().map(|it| format!("CWE-{it}")).collect();
        app.terminal.line(&numbers.join(", "));
    }
    app.terminal.line(&format!("\n{}", neutral(&rule.explanation)));
    Ok(ExitCode::Done)
}
