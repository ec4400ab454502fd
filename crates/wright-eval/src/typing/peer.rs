//! The peer: llama.cpp's own server over HTTP, driven as llama.vim drives it.
//!
//! llama.vim splits the text into what is above the line, the line up to the cursor, and what follows, and posts them to
//! `/infill` with the fields below. It does not stream; here the answer is streamed, so that the moment at which the first
//! line is complete can be seen, and dropped at that moment, which counts in the peer's favor. The same server is also
//! asked in our order, for the comparison of engines.

use std::time::{Duration, Instant};

use futures::StreamExt;
use reqwest::{Client, Response, Url};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::sample::{Answer, Sample};
use super::{Side, TIME_LIMIT, millis};
use crate::EvalError;

/// How long the peer may take to give up an answer that is no longer read.
const SETTLE_LIMIT: Duration = Duration::from_secs(5);

/// How often it is asked whether it did.
const SETTLE_TICK: Duration = Duration::from_millis(10);

/// Hard cap on one line of an answer, in bytes.
const MAX_LINE: usize = 4_000_000;

/// A running server.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    client: Client,
    url: Url,
}

impl Peer {
    /// Finds out whether the server at an address is ready.
    pub(super) async fn connect(url: &str) -> Result<Self, EvalError> {
        let wrong = |message: String| EvalError::Peer { url: url.to_owned(), message };
        let parsed = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
        // A proxy between the two would be measured too.
        let client = Client::builder().no_proxy().build().map_err(|error| wrong(error.to_string()))?;
        let peer = Self { client, url: parsed };
        let health = peer.client.get(peer.address("health")?).timeout(SETTLE_LIMIT).send().await;
        let status = health.map_err(|error| peer.failed(&error))?.status();
        if !status.is_success() {
            return Err(wrong(format!("it is not ready, {status}")));
        }
        Ok(peer)
    }

    /// Asks for a suggestion and measures until its first line is there.
    pub(super) async fn suggest(
        &self,
        side: Side,
        keystroke: usize,
        (prefix, suffix): (&str, &str),
    ) -> Result<Sample, EvalError> {
        let question = Question::of(side, prefix, suffix);
        let started = Instant::now();
        let mut progress = Progress::default();
        let outcome = timeout(TIME_LIMIT, self.read_line(&question, started, &mut progress)).await;
        let elapsed = started.elapsed();
        let answer = match outcome {
            Err(_) => Answer::TimedOut,
            Ok(Ok(())) if progress.text.trim().is_empty() => Answer::Withheld,
            Ok(Ok(())) => Answer::Shown,
            Ok(Err(error)) => return Err(error),
        };
        self.settle(question.slot).await?;
        let timings = progress.timings.unwrap_or_default();
        Ok(Sample {
            keystroke,
            is_turn: false,
            answer,
            first_ms: progress.first.map(millis),
            complete_ms: millis(elapsed.min(TIME_LIMIT)),
            prompt_tokens: timings.prompt_n + timings.cache_n,
            evaluated_tokens: progress.timings.map(|it| it.prompt_n),
            written_tokens: timings.predicted_n,
            shown_tokens: timings.predicted_n,
            shown: first_line(&progress.text).to_owned(),
        })
    }

    async fn read_line(&self, question: &Question, started: Instant, progress: &mut Progress) -> Result<(), EvalError> {
        let asked = self.client.post(self.address(question.path)?).json(&question.body).send().await;
        let response = asked.map_err(|error| self.failed(&error))?;
        let status = response.status();
        if !status.is_success() {
            let said: String = response.text().await.unwrap_or_default().chars().take(300).collect();
            return Err(self.wrong(format!("{status}: {said}")));
        }
        self.read_chunks(response, started, progress).await
    }

    async fn read_chunks(
        &self,
        response: Response,
        started: Instant,
        progress: &mut Progress,
    ) -> Result<(), EvalError> {
        let mut pieces = response.bytes_stream();
        let mut unread = Vec::new();
        while let Some(piece) = pieces.next().await {
            unread.extend_from_slice(&piece.map_err(|error| self.failed(&error))?);
            while let Some(end) = unread.iter().position(|it| *it == b'\n') {
                let line: Vec<u8> = unread.drain(..=end).collect();
                let Some(chunk) = chunk_of(&line).map_err(|message| self.wrong(message))? else { continue };
                if progress.take(&chunk, started) {
                    return Ok(());
                }
            }
            if unread.len() > MAX_LINE {
                return Err(self.wrong(format!("a line of its answer has more than {MAX_LINE} bytes")));
            }
        }
        Ok(())
    }

    /// Waits until the slot is idle again, so that the next measurement is not disturbed.
    async fn settle(&self, slot: usize) -> Result<(), EvalError> {
        let started = Instant::now();
        while started.elapsed() < SETTLE_LIMIT {
            let asked = self.client.get(self.address("slots")?).timeout(TIME_LIMIT).send().await;
            let slots: Vec<Slot> = match asked {
                Ok(response) => response.json().await.unwrap_or_default(),
                Err(error) => return Err(self.failed(&error)),
            };
            if !slots.iter().any(|it| it.id == slot && it.is_processing) {
                return Ok(());
            }
            tokio::time::sleep(SETTLE_TICK).await;
        }
        Ok(())
    }

    fn address(&self, path: &str) -> Result<Url, EvalError> {
        self.url.join(path).map_err(|error| self.wrong(error.to_string()))
    }

    fn failed(&self, error: &reqwest::Error) -> EvalError {
        let source = std::error::Error::source(error).map_or_else(String::new, |it| format!(": {it}"));
        self.wrong(format!("{error}{source}"))
    }

    fn wrong(&self, message: String) -> EvalError {
        EvalError::Peer { url: self.url.to_string(), message }
    }
}

/// A request to the server.
#[derive(Debug, PartialEq)]
struct Question {
    path: &'static str,
    slot: usize,
    body: Value,
}

impl Question {
    /// Returns what is asked at a position.
    fn of(side: Side, prefix: &str, suffix: &str) -> Self {
        let parts = Parts::of(prefix, suffix);
        let mut body = json!({
            "n_predict": 128, "stop": [], "n_indent": parts.indent,
            "top_k": 40, "top_p": 0.90, "samplers": ["top_k", "top_p", "infill"],
            "cache_prompt": true, "t_max_prompt_ms": 500, "t_max_predict_ms": 250,
            "stream": true, "timings_per_token": true,
        });
        let Parts { above, line, below, .. } = parts;
        let (path, slot) = if side == Side::PeerSuffixFirst {
            body["prompt"] = format!("<|fim_prefix|><|fim_suffix|>{below}<|fim_middle|>{above}{line}").into();
            ("completion", 1)
        } else {
            body["input_prefix"] = above.into();
            body["prompt"] = line.into();
            body["input_suffix"] = below.into();
            body["input_extra"] = json!([]);
            ("infill", 0)
        };
        body["id_slot"] = slot.into();
        Self { path, slot, body }
    }
}

/// A text as llama.vim splits it.
#[derive(Debug, PartialEq, Eq)]
struct Parts<'t> {
    above: &'t str,
    line: &'t str,
    below: String,
    indent: usize,
}

impl<'t> Parts<'t> {
    fn of(prefix: &'t str, suffix: &str) -> Self {
        let (above, line) = prefix.split_at(prefix.rfind('\n').map_or(0, |it| it + 1));
        let (rest, below) = suffix.split_once('\n').unwrap_or((suffix, ""));
        // On a line of blanks it begins at the start of the line.
        let is_blank = line.trim().is_empty() && rest.trim().is_empty();
        let (line, rest) = if is_blank { ("", "") } else { (line, rest) };
        let indent = line.len() - line.trim_start().len();
        Self { above, line, below: format!("{rest}\n{below}"), indent }
    }
}

/// What came of an answer so far.
#[derive(Debug, Default)]
struct Progress {
    text: String,
    first: Option<Duration>,
    timings: Option<Timings>,
}

impl Progress {
    /// Takes the next piece, and returns whether the first line is complete.
    fn take(&mut self, chunk: &Chunk, started: Instant) -> bool {
        if !chunk.content.is_empty() {
            self.first.get_or_insert_with(|| started.elapsed());
        }
        self.text.push_str(&chunk.content);
        if chunk.timings.is_some() {
            self.timings = chunk.timings;
        }
        chunk.stop || self.text.trim_start().contains('\n')
    }
}

/// Returns the text up to the end of the first line that is not blank.
fn first_line(text: &str) -> &str {
    let blank = text.len() - text.trim_start().len();
    text[blank..].find('\n').map_or(text, |it| &text[..blank + it])
}

/// Reads one line of the stream; nothing where it carries nothing.
fn chunk_of(line: &[u8]) -> Result<Option<Chunk>, String> {
    let Some(json) = line.strip_prefix(b"data:") else { return Ok(None) };
    if json.trim_ascii() == b"[DONE]" {
        return Ok(None);
    }
    serde_json::from_slice(json).map(Some).map_err(|error| format!("cannot understand its answer: {error}"))
}

/// One piece of an answer.
#[derive(Debug, Default, PartialEq, Deserialize)]
struct Chunk {
    #[serde(default)]
    content: String,
    #[serde(default)]
    stop: bool,
    #[serde(default)]
    timings: Option<Timings>,
}

/// What the server counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Timings {
    cache_n: u64,
    prompt_n: u64,
    predicted_n: u64,
}

/// One lane of the server.
#[derive(Debug, Deserialize)]
struct Slot {
    id: usize,
    is_processing: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_as_llama_vim_does() {
        let parts = Parts::of("a\n    b", "c\nd\n");
        assert_eq!(parts, Parts { above: "a\n", line: "    b", below: "c\nd\n".to_owned(), indent: 4 });
        let blank = Parts::of("a\n    ", "\nd\n");
        assert_eq!(blank, Parts { above: "a\n", line: "", below: "\nd\n".to_owned(), indent: 0 });
    }

    #[test]
    fn both_orders_ask_for_the_same_in_lanes_of_their_own() {
        let usual = Question::of(Side::PeerPrefixFirst, "a\nb", "c\nd\n");
        let ours = Question::of(Side::PeerSuffixFirst, "a\nb", "c\nd\n");
        assert_eq!((usual.path, usual.slot, &usual.body["input_prefix"]), ("infill", 0, &json!("a\n")));
        assert_eq!((&usual.body["prompt"], &usual.body["input_suffix"]), (&json!("b"), &json!("c\nd\n")));
        assert_eq!((ours.path, ours.slot), ("completion", 1));
        assert_eq!(ours.body["prompt"], "<|fim_prefix|><|fim_suffix|>c\nd\n<|fim_middle|>a\nb");
        for field in ["n_predict", "samplers", "cache_prompt", "t_max_predict_ms", "top_p"] {
            assert_eq!(usual.body[field], ours.body[field], "{field}");
        }
    }

    #[test]
    fn an_answer_ends_with_its_first_line() {
        let mut progress = Progress::default();
        let piece = |content: &str| Chunk { content: content.to_owned(), ..Chunk::default() };
        let started = Instant::now();
        assert!(!progress.take(&piece(""), started) && progress.first.is_none());
        assert!(!progress.take(&piece("\n  x = 1"), started) && progress.first.is_some());
        assert!(progress.take(&piece("\n  y"), started));
        assert_eq!(first_line(&progress.text), "\n  x = 1");
        assert!(Progress::default().take(&Chunk { stop: true, ..Chunk::default() }, started));
    }

    #[test]
    fn lines_of_the_stream_are_read_or_refused() {
        let line = br#"data: {"content":"ot","stop":false,"timings":{"cache_n":3,"prompt_n":504,"predicted_n":1,"prompt_ms":2.5}}"#;
        let chunk = chunk_of(line).unwrap().unwrap();
        assert_eq!(chunk.timings, Some(Timings { cache_n: 3, prompt_n: 504, predicted_n: 1 }));
        assert_eq!(chunk_of(b"\n"), Ok(None));
        assert_eq!(chunk_of(b"data: [DONE]\n"), Ok(None));
        assert!(chunk_of(b"data: {\n").unwrap_err().starts_with("cannot understand its answer"));
    }
}
