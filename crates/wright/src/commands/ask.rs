//! `wright ask`: one question, answered in a stream. Each code block is marked with what checking it gave.
//!
//! The answer is data and goes to stdout. The marks are talk: they stand between the lines of an answer that a person
//! reads, and on stderr when stdout goes elsewhere, so that a pipe carries the answer alone.

use std::io::Read;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::json;
use wright_agent::ask::{self, Answer, Block, BlockCheck, MAX_FILE, Piece, Question};

use crate::app::App;
use crate::exit_code::ExitCode;
use crate::provider::{self, ModelArgs, Purpose};
use crate::report::Failure;
use crate::terminal::{Terminal, Tone, neutral};

/// The examples in the long help.
const EXAMPLES: &str = "\
Examples:
  wright ask \"how do I read a file line by line in Rust?\"
  wright ask \"why can this divide by zero?\" --file src/stats.py
  git diff | wright ask - --max-tokens 300";

/// Arguments of `wright ask`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Args {
    /// The question; `-` reads it from stdin
    question: String,

    /// Show the model this file; may be repeated
    #[arg(short, long = "file", value_name = "FILE")]
    files: Vec<PathBuf>,

    #[command(flatten)]
    model: ModelArgs,

    /// Stop the answer after this many tokens
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    max_tokens: u32,

    /// Vary the answer; 0 gives the likeliest words each time
    #[arg(long, value_name = "T", default_value_t = 0.0, value_parser = parse_temperature)]
    temperature: f32,

    /// Vary the answer in a way that can be repeated
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

fn parse_temperature(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(number) if (0.0..=2.0).contains(&number) => Ok(number),
        _ => Err("it is not a number between 0 and 2".to_owned()),
    }
}

/// Asks the question.
pub(crate) async fn run(app: &App, args: &Args) -> Result<ExitCode, Failure> {
    let question = Question {
        text: question_text(&args.question)?,
        files: read_files(app, &args.files)?,
        max_tokens: args.max_tokens,
        temperature: args.temperature,
        seed: args.seed,
    };
    let provider = provider::open(app, &args.model, Purpose::Agent)?;
    let started = Instant::now();
    let terminal = &app.terminal;
    let mut printer = Printer { terminal, is_line_open: false };
    let mut show = |piece| printer.show(piece);
    let answer = tokio::select! {
        answer = ask::ask(&*provider, &question, &mut show) => answer?,
        () = terminal.reader_gone() => return Ok(ExitCode::Done),
    };
    if terminal.is_json() {
        terminal.json(&to_json(provider.model(), &answer, started.elapsed().as_secs_f64()));
    } else {
        printer.finish(&answer);
    }
    Ok(ExitCode::Done)
}

fn question_text(argument: &str) -> Result<String, Failure> {
    let mut text = argument.to_owned();
    if argument == "-" {
        text.clear();
        let read = std::io::stdin().lock().take(MAX_FILE + 1).read_to_string(&mut text);
        read.map_err(|error| Failure::usage(format!("failed to read the question from stdin: {error}")))?;
        if text.len() as u64 > MAX_FILE {
            return Err(Failure::usage(format!("the question on stdin is longer than {MAX_FILE} bytes")));
        }
    }
    if text.trim().is_empty() {
        return Err(Failure::usage("the question is empty").hint("Write it in quotes: `wright ask \"how …?\"`."));
    }
    Ok(text)
}

fn read_files(app: &App, paths: &[PathBuf]) -> Result<Vec<(PathBuf, String)>, Failure> {
    let read = |path: &PathBuf| Ok((path.clone(), ask::read_file(&app.absolute(path))?));
    paths.iter().map(read).collect()
}

/// Prints an answer while it comes.
struct Printer<'a> {
    terminal: &'a Terminal,
    is_line_open: bool,
}

impl Printer<'_> {
    fn show(&mut self, piece: Piece) {
        match piece {
            _ if self.terminal.is_json() => {}
            Piece::Text(text) if !text.is_empty() => {
                self.terminal.data(&text);
                self.is_line_open = !text.ends_with('\n');
            }
            Piece::Text(_) => {}
            Piece::Checked(block) => self.mark(&block),
        }
    }

    fn mark(&mut self, block: &Block) {
        let (text, tone) = mark(block);
        if !self.terminal.is_stdout_terminal() {
            return self.terminal.say(&tone.err(&text));
        }
        let line_end = if self.is_line_open { "\n" } else { "" };
        self.terminal.line(&format!("{line_end}{}", tone.out(&text)));
        self.is_line_open = false;
    }

    fn finish(&mut self, answer: &Answer) {
        if self.is_line_open || answer.text.is_empty() {
            self.terminal.data("\n");
        }
        if answer.text.trim().is_empty() {
            self.terminal.say(&Tone::Note.err("the model answered nothing"));
        }
        if answer.is_cut {
            self.terminal.say(&Tone::Note.err("the answer is cut at the limit of tokens; --max-tokens raises it"));
        }
    }
}

/// Returns the line under a code block that says what is known about it.
fn mark(block: &Block) -> (String, Tone) {
    let name = block.language.as_deref().map_or_else(String::new, |it| format!(" ({})", neutral(it)));
    let (what, tone) = match &block.check {
        BlockCheck::Parses => ("parses".to_owned(), Tone::Good),
        BlockCheck::DoesNotParse { message, line } => {
            let place = line.map_or_else(String::new, |it| format!(", line {it}"));
            (format!("does not parse: {}{place}", neutral(message)), Tone::Bad)
        }
        BlockCheck::Unchecked if block.language.is_none() => {
            ("not checked: no language is named".to_owned(), Tone::Note)
        }
        BlockCheck::Unchecked => ("not checked: no grammar for this language".to_owned(), Tone::Note),
        BlockCheck::Cut => ("not checked: the answer ends inside it".to_owned(), Tone::Note),
    };
    (format!("└ block {}{name}: {what}", block.n), tone)
}

fn to_json(model: &str, answer: &Answer, seconds: f64) -> serde_json::Value {
    let block = |block: &Block| {
        let (check, message, line) = match &block.check {
            BlockCheck::Parses => ("parses", None, None),
            BlockCheck::DoesNotParse { message, line } => ("does-not-parse", Some(message), *line),
            BlockCheck::Unchecked => ("unchecked", None, None),
            BlockCheck::Cut => ("cut", None, None),
        };
        json!({ "n": block.n, "language": block.language, "check": check, "message": message, "line": line })
    };
    json!({
        "schema": "wright.ask/1",
        "model": model,
        "answer": answer.text,
        "blocks": answer.blocks.iter().map(block).collect::<Vec<_>>(),
        "is_cut": answer.is_cut,
        "tokens": super::tokens_json(answer.usage),
        "seconds": super::rounded(seconds),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(language: Option<&str>, check: BlockCheck) -> String {
        mark(&Block { n: 2, language: language.map(str::to_owned), check }).0
    }

    #[test]
    fn a_mark_says_what_is_known_and_no_more() {
        assert_eq!(marked(Some("python"), BlockCheck::Parses), "└ block 2 (python): parses");
        let broken = BlockCheck::DoesNotParse { message: "unexpected `(`".to_owned(), line: Some(3) };
        assert_eq!(marked(Some("py\u{1b}[2J"), broken), "└ block 2 (py␛[2J): does not parse: unexpected `(`, line 3");
        assert_eq!(marked(None, BlockCheck::Unchecked), "└ block 2: not checked: no language is named");
    }
}
