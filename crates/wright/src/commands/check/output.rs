//! Writes down what came of a check: on stdout, in files, as a git note.

use std::path::Path;

use serde_json::Value;
use wright_gate::assessment::Outcome;
use wright_gate::formats::{self, Document, Ink};
use wright_gate::receipt::Receipt;

use super::judge::Judged;
use super::{Args, FormatArg};
use crate::app::App;
use crate::exit_code::ExitCode;
use crate::report::Failure;
use crate::terminal::Tone;

/// Writes everything that was asked for, and returns the exit code.
pub(super) fn write(app: &App, args: &Args, judged: &Judged) -> Result<ExitCode, Failure> {
    let document = document(judged);
    let format = if app.terminal.is_json() { FormatArg::Json } else { args.format };
    if let Some(path) = &args.output {
        write_file(app, path, &formatted(format, document))?;
    }
    receipts(app, args, judged)?;
    let is_silent = args.quiet && judged.assessment.outcome == Outcome::Pass;
    match format {
        _ if args.trailer => app.terminal.data(&format!("{}\n", receipt(judged).to_trailer())),
        _ if is_silent => {}
        FormatArg::Json if args.output.is_none() => app.terminal.json(&formats::json(document)),
        FormatArg::Text => app.terminal.data_with_colors(&colored(document)),
        _ if args.output.is_some() => app.terminal.data_with_colors(&colored(document)),
        FormatArg::Json | FormatArg::Sarif | FormatArg::Junit | FormatArg::Github | FormatArg::Gitlab => {
            app.terminal.data(&formatted(format, document));
        }
    }
    Ok(exit_code(judged.assessment.outcome))
}

/// Returns what the formats take.
pub(super) fn document(judged: &Judged) -> Document<'_> {
    Document {
        assessment: &judged.assessment,
        change: &judged.change,
        after: &judged.comparison.after,
        facts: &judged.facts,
    }
}

pub(super) fn exit_code(outcome: Outcome) -> ExitCode {
    match outcome {
        Outcome::Pass => ExitCode::Done,
        Outcome::Fail => ExitCode::Refused,
        Outcome::Inconclusive => ExitCode::Inconclusive,
    }
}

/// Returns the text for people, in colors where stdout shows them.
pub(super) fn colored(document: Document<'_>) -> String {
    formats::text(document, &|ink, text| tone(ink).out(text))
}

fn tone(ink: Ink) -> Tone {
    match ink {
        Ink::Bad => Tone::Bad,
        Ink::Note => Tone::Note,
        Ink::Good => Tone::Good,
        Ink::Strong => Tone::Strong,
        Ink::Faint => Tone::Faint,
    }
}

fn formatted(format: FormatArg, document: Document<'_>) -> String {
    let pretty = |value: Value| format!("{value:#}\n");
    match format {
        FormatArg::Text => formats::text(document, &|_, text| text.to_owned()),
        FormatArg::Json => pretty(formats::json(document)),
        FormatArg::Sarif => pretty(formats::sarif(document)),
        FormatArg::Junit => formats::junit(document),
        FormatArg::Github => formats::github(document),
        FormatArg::Gitlab => pretty(formats::gitlab(document)),
    }
}

fn receipt(judged: &Judged) -> Receipt {
    Receipt::of(judged.facts.clone(), &judged.assessment)
}

fn receipts(app: &App, args: &Args, judged: &Judged) -> Result<(), Failure> {
    if let Some(path) = &args.receipt {
        write_file(app, path, &format!("{:#}\n", receipt(judged).to_json()))?;
    }
    if let Some(path) = &args.attest {
        write_file(app, path, &format!("{:#}\n", receipt(judged).to_statement()))?;
    }
    if args.note {
        let Some(commit) = &judged.comparison.head else {
            let failure = Failure::usage("failed to attach a note: what was judged is no commit");
            return Err(failure.hint("Name a commit or a range, such as `wright check HEAD --note`."));
        };
        judged.repo.add_note(commit, &format!("{:#}\n", receipt(judged).to_json()))?;
    }
    Ok(())
}

fn write_file(app: &App, path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(app.absolute(path), text)
        .map_err(|error| Failure::usage(format!("failed to write {path:?}: {error}")))
}
