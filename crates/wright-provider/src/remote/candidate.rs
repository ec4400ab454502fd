//! One candidate: asks, and turns what arrives into events, within the bounds set for it.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::{Stream, stream};
use genai::chat::Usage as WireUsage;

use super::feed::{Connection, Feed, Incoming};
use crate::stop::{Filtered, StopFilter};
use crate::usage::estimate_tokens;
use crate::{Event, Message, ProviderError, Sampling, StopReason, Usage};

/// A token is hardly ever longer on average; an answer that is, ignores `max_tokens`.
const MAX_BYTES_PER_TOKEN: usize = 8;

/// Room for short answers, where the average says little.
const SPARE_BYTES: usize = 256;

/// What a candidate adds to the answer.
pub(super) enum Piece {
    /// An event to pass on.
    Event(Event),
    /// What the candidate cost; the last piece.
    Usage(Usage),
}

/// Returns the pieces of one candidate. Nothing is sent before the stream is polled; it ends at the first error.
pub(super) fn candidate(
    connection: &Arc<Connection>,
    messages: &Arc<Vec<Message>>,
    sampling: &Arc<Sampling>,
    idx: u32,
) -> impl Stream<Item = Result<Piece, ProviderError>> + Send + 'static {
    let candidate = Candidate {
        filter: StopFilter::new(&sampling.stop),
        connection: Arc::clone(connection),
        messages: Arc::clone(messages),
        sampling: Arc::clone(sampling),
        idx,
        progress: Progress::Unasked,
        n_text_bytes: 0,
        n_thought_bytes: 0,
        ready: VecDeque::new(),
    };
    stream::try_unfold(
        candidate,
        |mut candidate| async move { Ok(candidate.next().await?.map(|piece| (piece, candidate))) },
    )
}

struct Candidate {
    connection: Arc<Connection>,
    messages: Arc<Vec<Message>>,
    sampling: Arc<Sampling>,
    idx: u32,
    progress: Progress,
    filter: StopFilter,
    n_text_bytes: usize,
    n_thought_bytes: usize,
    ready: VecDeque<Piece>,
}

enum Progress {
    Unasked,
    Reading(Feed),
    Ended,
}

impl Candidate {
    async fn next(&mut self) -> Result<Option<Piece>, ProviderError> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Ok(Some(piece));
            }
            let incoming = match &mut self.progress {
                Progress::Unasked => {
                    let (first, feed) = self.connection.open(&self.messages, &self.sampling, self.idx).await?;
                    self.progress = Progress::Reading(feed);
                    first
                }
                Progress::Reading(feed) => self.connection.read(feed).await?,
                Progress::Ended => return Ok(None),
            };
            self.take(incoming)?;
        }
    }

    fn take(&mut self, incoming: Incoming) -> Result<(), ProviderError> {
        match incoming {
            Incoming::Text(text) => self.take_text(text)?,
            Incoming::Thought(n_bytes) => {
                self.n_thought_bytes += n_bytes;
                self.check_length()?;
            }
            Incoming::End { reason, usage } => {
                let held = self.filter.flush();
                self.show(held);
                self.end(reason, usage);
            }
        }
        Ok(())
    }

    fn take_text(&mut self, mut text: String) -> Result<(), ProviderError> {
        let room = self.max_text_bytes() - self.n_text_bytes;
        let is_cut = text.len() > room;
        if is_cut {
            text.truncate(text.floor_char_boundary(room));
        }
        self.n_text_bytes += text.len();
        self.check_length()?;
        match self.filter.push(&text) {
            Filtered::Stopped(rest) => {
                self.show(rest);
                self.end(StopReason::StopText, None);
            }
            Filtered::Passed(passed) => {
                self.show(passed);
                if is_cut {
                    let held = self.filter.flush();
                    self.show(held);
                    self.end(StopReason::MaxTokens, None);
                }
            }
        }
        Ok(())
    }

    fn max_text_bytes(&self) -> usize {
        (self.sampling.max_tokens as usize).saturating_mul(MAX_BYTES_PER_TOKEN).saturating_add(SPARE_BYTES)
    }

    fn check_length(&self) -> Result<(), ProviderError> {
        let max = self.connection.max_answer_bytes();
        if self.n_text_bytes + self.n_thought_bytes <= max {
            return Ok(());
        }
        Err(self.connection.explainer().broke_off(&format!("it is longer than {max} bytes")))
    }

    fn show(&mut self, text: String) {
        if !text.is_empty() {
            self.ready.push_back(Piece::Event(Event::Text { candidate: self.idx, text }));
        }
    }

    /// Ends the candidate. Closes the connection, so that the server stops too.
    fn end(&mut self, reason: StopReason, usage: Option<WireUsage>) {
        self.progress = Progress::Ended;
        self.ready.push_back(Piece::Event(Event::Stopped { candidate: self.idx, reason, mean_logprob: 0.0 }));
        self.ready.push_back(Piece::Usage(self.usage(usage.unwrap_or_default())));
    }

    /// Returns what the provider counted, with estimates for what it did not.
    fn usage(&self, counted: WireUsage) -> Usage {
        let n_prompt_bytes: usize = self.messages.iter().map(|message| message.text.len()).sum();
        let cached = counted.prompt_tokens_details.and_then(|details| details.cached_tokens);
        let told = |count: Option<i32>| count.and_then(|count| u64::try_from(count).ok());
        Usage {
            prompt_tokens: told(counted.prompt_tokens).unwrap_or_else(|| estimate_tokens(n_prompt_bytes) as u64),
            cached_tokens: told(cached).unwrap_or(0),
            completion_tokens: told(counted.completion_tokens)
                .unwrap_or_else(|| estimate_tokens(self.n_text_bytes + self.n_thought_bytes) as u64),
        }
    }
}
