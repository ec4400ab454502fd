//! `wright check --verify RECEIPT`: computes every digest of a receipt again and says which still match.

use std::path::Path;

use serde_json::json;
use wright_gate::receipt::Receipt;
use wright_repo::Repository;

use super::input::{self, Input, read_text};
use super::{Args, judge};
use crate::app::App;
use crate::exit_code::ExitCode;
use crate::report::Failure;
use crate::terminal::{Tone, neutral};

/// No receipt is longer.
const MAX_RECEIPT_BYTES: u64 = 64 * 1024 * 1024;

/// Compares a receipt with the repository.
pub(super) fn run(app: &App, args: &Args, path: &Path) -> Result<ExitCode, Failure> {
    let text = read_text(app, path, MAX_RECEIPT_BYTES)?;
    let value: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    // A statement of in-toto holds the receipt as its predicate.
    let receipt = value.and_then(|it| Receipt::from_json(it.get("predicate").unwrap_or(&it)));
    let Some(receipt) = receipt else {
        return Err(Failure::usage(format!("failed to read {path:?}: it is no receipt of `wright check`"))
            .hint("It may be from another version of this program."));
    };
    let repo = Repository::discover_new(&app.environment.dir)?;
    let facts = &receipt.facts;
    let same = input::of_receipt(&facts.head_kind, facts.base_commit.as_deref(), facts.head_commit.as_deref())?;
    let input = match same {
        Some(input) => input,
        None if args.patch.is_some() || args.file.is_some() => {
            with_base(Input::of(app, args)?, facts.base_commit.clone())
        }
        None => {
            return Err(Failure::usage(format!("failed to verify {path:?}: what was judged is not in the repository"))
                .hint("Give the same patch or text again, with `--patch` or `--file` and `--text`."));
        }
    };
    let comparison = input.compare(&repo, &app.environment.dir)?;
    let (_, policy_sha256) = judge::policy(&comparison)?;
    let now = judge::facts(&repo, &comparison, &facts.head_kind, policy_sha256)?;
    let rows = receipt.compare(&now);
    let is_same = rows.iter().all(|(_, is_same)| *is_same);
    let exit = if is_same { ExitCode::Done } else { ExitCode::Refused };
    if app.terminal.is_json() {
        let rows: Vec<_> = rows.iter().map(|(what, is_same)| json!({ "what": what, "matches": is_same })).collect();
        let document = json!({
            "schema": "wright.verify/1",
            "matches": is_same,
            "verdict": receipt.verdict,
            "judged_at": facts.judged_at,
            "rows": rows,
        });
        app.terminal.json(&document);
        return Ok(exit);
    }
    for (what, is_same) in rows {
        let word = if is_same { Tone::Good.out("matches") } else { Tone::Bad.out("differs") };
        app.terminal.line(&format!("{word}  {what}"));
    }
    app.terminal.line(&format!("the receipt says {} ({})", neutral(&receipt.verdict), neutral(&facts.judged_at)));
    Ok(exit)
}

fn with_base(input: Input, base: Option<String>) -> Input {
    match input {
        Input::Patch(_, patch) => Input::Patch(base, patch),
        Input::Text(_, file, text) => Input::Text(base, file, text),
        other => other,
    }
}
