//! Answers questions for next edits on standard input, one JSON object a line, for evaluations: `next-edit-server none`,
//! or `next-edit-server MODEL MODELS SOCKET` with a local model, its folder and where its worker is to listen.
//!
//! A question is `{path, text, offset, history: [{path, before, after}]}`, with byte offsets. The answer is the text after
//! all offers within one outermost definition were accepted, `{text, reasons, milliseconds}`; the same text when nothing
//! is offered. See `evals/completion/next-edit/`.

#![expect(clippy::print_stdout, reason = "standard output is what this program is for")]

use std::io::BufRead;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use wright_complete::Trigger;
use wright_complete::next_edit::{EditHistory, NextEditOptions, RecentEdit, predict};
use wright_gate::quick::Surroundings;
use wright_llama::client::{LocalConfig, LocalProvider};
use wright_provider::replay::ScriptedProvider;
use wright_provider::{Provider, ProviderError};
use wright_text::{Document, Language, SyntaxTree};

/// How many offers are accepted in a row at most.
const MAX_OFFERS: usize = 8;

#[derive(Deserialize)]
struct Question {
    path: PathBuf,
    text: String,
    offset: usize,
    history: Vec<Hunk>,
}

#[derive(Deserialize)]
struct Hunk {
    path: PathBuf,
    before: String,
    after: String,
}

#[derive(Serialize)]
struct Answer {
    text: String,
    reasons: Vec<String>,
    milliseconds: u64,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["internal", "model-worker", config] => match wright_llama::WorkerConfig::parse(config) {
            Ok(config) => wright_llama::worker_main(config),
            Err(_) => ExitCode::from(2),
        },
        ["none"] => run(&(Arc::new(ScriptedProvider::answering(&[])) as Arc<dyn Provider>), false),
        [model, models, socket] => match local(model, models, socket) {
            Some(provider) => run(&provider, true),
            None => ExitCode::from(2),
        },
        _ => ExitCode::from(2),
    }
}

fn local(model: &str, models: &str, socket: &str) -> Option<Arc<dyn Provider>> {
    let program = std::env::current_exe().ok()?.to_str()?.to_owned();
    let config = LocalConfig {
        worker_command: vec![program, "internal".to_owned(), "model-worker".to_owned()],
        socket: socket.into(),
        models: models.into(),
        threads: 2,
        context_tokens: 4_096,
        states: None,
        idle_unload: Duration::from_secs(300),
        idle_exit: Duration::from_secs(60),
    };
    Some(Arc::new(LocalProvider::new(config, model)))
}

#[tokio::main(flavor = "current_thread")]
async fn run(provider: &Arc<dyn Provider>, asks_model: bool) -> ExitCode {
    for line in std::io::stdin().lock().lines() {
        let Some(question) = line.ok().and_then(|it| serde_json::from_str::<Question>(&it).ok()) else {
            return ExitCode::from(2);
        };
        let answer = answer(provider.as_ref(), question, asks_model).await;
        match answer.map(|it| serde_json::to_string(&it)) {
            Ok(Ok(line)) => println!("{line}"),
            _ => return ExitCode::FAILURE,
        }
    }
    ExitCode::SUCCESS
}

async fn answer(provider: &dyn Provider, question: Question, asks_model: bool) -> Result<Answer, ProviderError> {
    let Question { path, mut text, mut offset, history: hunks } = question;
    let mut history = EditHistory::new();
    for hunk in hunks {
        let place = place_of(&text, &hunk, offset);
        let path = if place.is_some() { path.clone() } else { hunk.path };
        let (before, after) = (hunk.before, hunk.after);
        history.push(RecentEdit { path, before, after, place, at: Duration::ZERO });
    }
    let options = NextEditOptions { trigger: Trigger::Invoked, asks_model, ..NextEditOptions::default() };
    let started = Instant::now();
    let mut reasons = Vec::new();
    let mut unit = None;
    for _ in 0..MAX_OFFERS {
        let doc = Document::new(&path, 1, text.as_str());
        let Some(found) = predict(provider, &doc, &history, offset, &[], &Surroundings::default(), options).await?
        else {
            break;
        };
        let here = unit_of(&doc, found.place);
        if found.path != path || unit.is_some_and(|it| it != here) {
            break;
        }
        unit = Some(here);
        reasons.push(found.reason.code().to_owned());
        history.record(&doc, found.edit.change(), Duration::from_secs(60 * reasons.len() as u64));
        offset = found.place;
        text = found.edit.change().apply(&text).unwrap_or(text);
    }
    let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Answer { text, reasons, milliseconds })
}

/// Returns where the outermost definition around an offset starts.
fn unit_of(doc: &Document, offset: usize) -> usize {
    let Some(language) = Language::from_path(&doc.path) else { return 0 };
    SyntaxTree::parse(language, doc.shared_text()).unit_at(offset).start
}

/// Finds the lines that a hunk left, the nearest to the position.
fn place_of(text: &str, hunk: &Hunk, offset: usize) -> Option<std::ops::Range<usize>> {
    if hunk.after.trim().is_empty() {
        return None;
    }
    let is_whole = |at: &usize| {
        let end = at + hunk.after.len();
        (*at == 0 || text[..*at].ends_with('\n')) && (end == text.len() || text[end..].starts_with('\n'))
    };
    let places = text.match_indices(&hunk.after).map(|(at, _)| at).filter(is_whole);
    places.min_by_key(|at| at.abs_diff(offset)).map(|at| at..at + hunk.after.len())
}
