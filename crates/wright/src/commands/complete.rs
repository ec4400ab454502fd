//! `wright complete`: one suggestion for a position in a file, as an editor would show it.
//!
//! Stdout carries the suggested text and nothing else. When nothing is shown, the reason is on stderr and the exit code
//! is 1.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use wright_agent::ask::{MAX_FILE, read_file};
use wright_complete::{Imported, Options, Outcome, Withheld, complete_with};
use wright_gate::Finding;
use wright_provider::Provider;
use wright_repo::Neighbors;
use wright_text::{Document, LineColumn};

use crate::app::App;
use crate::exit_code::ExitCode;
use crate::provider::{self, ModelArgs, Purpose};
use crate::report::Failure;
use crate::terminal::{Tone, neutral};

/// The examples in the long help.
const EXAMPLES: &str = "\
Examples:
  wright complete src/stats.py:12:5
  wright complete src/stats.py:12:5 --json
  wright complete src/stats.py:12:5 --explain --model local:qwen2.5-coder-1.5b";

/// Arguments of `wright complete`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Args {
    /// The position: line and column are counted from 1, columns in characters
    #[arg(value_name = "FILE:LINE:COL")]
    position: Position,

    /// Read the text of the file from stdin, as an editor with unsaved changes does
    #[arg(long)]
    stdin: bool,

    /// Say on stderr what the model was shown, what it answered, and why each answer was refused
    #[arg(long)]
    explain: bool,

    #[command(flatten)]
    model: ModelArgs,

    /// Vary the candidates that are sampled when the first is refused, in a way that can be repeated
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Position {
    path: PathBuf,
    place: LineColumn,
}

impl std::str::FromStr for Position {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.rsplitn(3, ':');
        let mut number = |what: &str| match parts.next().map(str::parse::<usize>) {
            Some(Ok(number)) if number > 0 => Ok(number),
            _ => Err(format!("the {what} is not a number from 1 on; write FILE:LINE:COL, as in src/a.py:12:5")),
        };
        let (column, line) = (number("column")?, number("line")?);
        match parts.next() {
            Some(path) if !path.is_empty() => Ok(Self { path: path.into(), place: LineColumn { line, column } }),
            _ => Err("the file is missing; write FILE:LINE:COL, as in src/a.py:12:5".to_owned()),
        }
    }
}

/// Makes one suggestion.
pub(crate) async fn run(app: &App, args: &Args) -> Result<ExitCode, Failure> {
    let path = app.absolute(&args.position.path);
    let text = if args.stdin { read_stdin()? } else { read_file(&path)? };
    let doc = Document::new(args.position.path.clone(), 1, text);
    let offset = offset(&doc, args.position.place)?;
    let provider = provider::open(app, &args.model, Purpose::Complete)?;
    let started = Instant::now();
    let imported = imported(&path, doc.text());
    let options = Options { seed: args.seed, ..Options::default() };
    let outcome = complete_with(&*provider, &doc, offset, &imported, options).await?;
    let seconds = started.elapsed().as_secs_f64();
    let exit = if outcome.result.is_ok() { ExitCode::Done } else { ExitCode::Refused };
    if args.explain && !app.terminal.is_json() {
        explain(app, &outcome, &*provider).await?;
    }
    if app.terminal.is_json() {
        let mut document = to_json(provider.model(), args.position.place, &outcome, seconds);
        if args.explain {
            document["explain"] = explain_json(&outcome);
        }
        app.terminal.json(&document);
        return Ok(exit);
    }
    match &outcome.result {
        Ok(suggestion) => app.terminal.data(&suggestion.text),
        Err(withheld) => {
            app.terminal.say(&format!("{} {}", Tone::Note.err("nothing shown:"), neutral(&withheld.to_string())));
        }
    }
    Ok(exit)
}

/// Returns what the files define that a text imports; nothing where the folder cannot be read.
fn imported(path: &Path, text: &str) -> Imported {
    let neighbors = path.parent().and_then(|it| Neighbors::around(it).ok());
    neighbors.map(|it| Imported::of(&it, path, text)).unwrap_or_default()
}

fn read_stdin() -> Result<String, Failure> {
    let fail = |what: String| Failure::usage(format!("cannot use the text on stdin: {what}"));
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| fail(error.to_string()))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(fail(format!("it has more than {MAX_FILE} bytes")));
    }
    String::from_utf8(bytes)
        .map_err(|error| fail(format!("it is not UTF-8 (byte {})", error.utf8_error().valid_up_to())))
}

/// Returns the byte offset of a place, or says how far the file reaches.
fn offset(doc: &Document, place: LineColumn) -> Result<usize, Failure> {
    let name = doc.path.display();
    let Some(line) = doc.lines().line_range(doc.text(), place.line) else {
        let n_lines = doc.lines().n_lines();
        let message = format!("line {} is not in {name:?}, which has {n_lines} lines", place.line);
        return Err(Failure::usage(message).hint("Lines are counted from 1."));
    };
    let n_columns = doc.text()[line].chars().count() + 1;
    match doc.offset(place) {
        Some(offset) if place.column <= n_columns => Ok(offset),
        _ => {
            let message = format!(
                "column {} is not in line {} of {name:?}, whose last column is {n_columns}",
                place.column, place.line
            );
            Err(Failure::usage(message)
                .hint("Columns are counted from 1, in characters; the last one is behind the line."))
        }
    }
}

async fn explain(app: &App, outcome: &Outcome, provider: &dyn Provider) -> Result<(), Failure> {
    let say = |text: String| app.terminal.say(&text);
    say(format!("{} {}", Tone::Strong.err("model"), provider.model()));
    for section in &outcome.context.sections {
        let n_tokens = provider.count_tokens(&section.text).await?;
        let (name, reason) = (Tone::Strong.err(section.name), neutral(&section.reason));
        let (shown, available) = (section.text.len(), section.available);
        say(format!("{name} {n_tokens} tokens, {shown} of {available} bytes ({reason})"));
    }
    let usage = outcome.usage;
    say(format!(
        "{} {} read ({} from the cache), {} written, {:.2} s",
        Tone::Strong.err("tokens"),
        usage.prompt_tokens,
        usage.cached_tokens,
        usage.completion_tokens,
        outcome.predicting.as_secs_f64()
    ));
    for (idx, raw) in outcome.raw.iter().enumerate() {
        say(format!("{} {raw:?}", Tone::Strong.err(&format!("completion {}", idx + 1))));
    }
    match &outcome.result {
        Ok(suggestion) => {
            for check in suggestion.edit.checks() {
                say(format!("{} {}: {}", Tone::Good.err("passed"), check.check, check.detail));
            }
        }
        Err(Withheld::Refused(findings)) => {
            findings.iter().for_each(|it| say(format!("{} {}", Tone::Bad.err("refused"), neutral(&it.to_string()))));
        }
        Err(_) => {}
    }
    Ok(())
}

fn to_json(model: &str, place: LineColumn, outcome: &Outcome, seconds: f64) -> Value {
    let at = json!({ "line": place.line, "column": place.column });
    let checks: Vec<Value> = outcome.result.iter().flat_map(|it| it.edit.checks()).map(super::check_json).collect();
    let findings: &[Finding] = match &outcome.result {
        Err(Withheld::Refused(findings)) => findings,
        Ok(_) | Err(_) => &[],
    };
    json!({
        "schema": "wright.complete/1",
        "model": model,
        "suggestion": outcome.result.as_ref().ok().map(|it| &it.text),
        "reason": outcome.result.as_ref().err().map(|it| json!({ "code": it.code(), "message": it.to_string() })),
        "range": { "start": at, "end": at },
        "checks": checks,
        "findings": findings.iter().map(super::finding_json).collect::<Vec<_>>(),
        "tokens": super::tokens_json(outcome.usage),
        "seconds": super::rounded(seconds),
    })
}

fn explain_json(outcome: &Outcome) -> Value {
    let sections = outcome.context.sections.iter();
    json!({
        "sections": sections.map(|it| json!({
            "name": it.name, "shown": it.text.len(), "available": it.available, "reason": it.reason,
        })).collect::<Vec<_>>(),
        "completions": outcome.raw,
        "predicting_seconds": super::rounded(outcome.predicting.as_secs_f64()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(text: &str) -> Result<(String, usize, usize), String> {
        let position: Position = text.parse()?;
        Ok((position.path.display().to_string(), position.place.line, position.place.column))
    }

    #[test]
    fn a_position_is_read_from_its_end() {
        assert_eq!(position("a.py:3:7"), Ok(("a.py".to_owned(), 3, 7)));
        assert_eq!(position("odd:name.py:3:7"), Ok(("odd:name.py".to_owned(), 3, 7)));
        for text in ["a.py", "a.py:3", "a.py:0:1", "a.py:x:1", ":1:1", "1:1"] {
            assert!(position(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_place_outside_the_file_is_refused_with_what_there_is() {
        let doc = Document::new("a.py", 1, "ab\né\n");
        let at = |line, column| offset(&doc, LineColumn { line, column }).map_err(|it| it.to_string());
        assert_eq!(at(1, 3), Ok(2));
        assert_eq!(at(3, 1), Ok(6));
        assert_eq!(at(4, 1), Err("line 4 is not in \"a.py\", which has 3 lines".to_owned()));
        assert_eq!(at(2, 3), Err("column 3 is not in line 2 of \"a.py\", whose last column is 2".to_owned()));
    }
}
