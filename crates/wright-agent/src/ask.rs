//! One question, answered in a stream, with every code block parse-checked as it closes.

use std::path::{Path, PathBuf};

use futures::StreamExt;
use wright_gate::checks::{Change, parses};
use wright_provider::{Event, Message, Priority, Prompt, Provider, Request, Sampling, StopReason, Usage};
use wright_text::{FenceEvent, FenceScanner, Language};

use crate::AgentError;
use crate::boundary::{fence_around, quoted, quoted_name};

/// A file shown with a question may be this large, in bytes. A model's context is far smaller than most files people name
/// by mistake.
pub const MAX_FILE: u64 = 1 << 20;

/// A question with the files that belong to it.
#[derive(Debug, Clone)]
pub struct Question {
    /// The question.
    pub text: String,
    /// Files shown with it: path and text.
    pub files: Vec<(PathBuf, String)>,
    /// Hard cap on the answer, in tokens.
    pub max_tokens: u32,
    /// 0 answers the same each time.
    pub temperature: f32,
    /// The seed.
    pub seed: u64,
}

/// One piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text to show.
    Text(String),
    /// A code block closed just now.
    Checked(Block),
}

/// What is known about a code block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Which one, counted from 1.
    pub n: usize,
    /// Its language as the answer names it.
    pub language: Option<String>,
    /// What checking it gave.
    pub check: BlockCheck,
}

/// What checking a code block gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockCheck {
    /// It parses. Whether it does what it should is another question.
    Parses,
    /// It does not parse: the message and the line.
    DoesNotParse {
        /// What is wrong.
        message: String,
        /// The line within the block, counted from 1.
        line: Option<usize>,
    },
    /// No grammar for this language, or none was named.
    Unchecked,
    /// The answer ended inside the block.
    Cut,
}

/// The end of an answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The whole text.
    pub text: String,
    /// Its code blocks.
    pub blocks: Vec<Block>,
    /// Whether the answer was cut at the token limit.
    pub is_cut: bool,
    /// What it cost.
    pub usage: Usage,
}

/// Reads a file that is to be shown with a question, and says clearly why when it cannot be.
pub fn read_file(path: &Path) -> Result<String, AgentError> {
    let fail = |what: String| AgentError::File { path: path.to_owned(), what };
    let metadata = std::fs::metadata(path).map_err(|error| fail(error.to_string()))?;
    if !metadata.is_file() {
        return Err(fail("it is not a regular file".to_owned()));
    }
    if metadata.len() > MAX_FILE {
        return Err(fail(format!("it has {} bytes; the limit is {MAX_FILE}", metadata.len())));
    }
    let bytes = std::fs::read(path).map_err(|error| fail(error.to_string()))?;
    if bytes.contains(&0) {
        return Err(fail("it is a binary file".to_owned()));
    }
    String::from_utf8(bytes)
        .map_err(|error| fail(format!("it is not UTF-8 (byte {})", error.utf8_error().valid_up_to())))
}

/// Asks the question and hands each piece of the answer to `show` as it comes.
pub async fn ask(
    provider: &dyn Provider,
    question: &Question,
    show: &mut (dyn FnMut(Piece) + Send),
) -> Result<Answer, AgentError> {
    let sampling = Sampling {
        temperature: question.temperature,
        first_greedy: question.temperature == 0.0,
        top_p: 0.95,
        seed: question.seed,
        ..Sampling::greedy(question.max_tokens)
    };
    let messages = vec![Message::system(include_str!("ask.md").trim()), Message::user(render(question))];
    let prompt = Prompt::Chat { messages, prefill: String::new() };
    let mut stream = provider.complete(Request::new(prompt, sampling, Priority::Chat)).await?;
    let mut checker = BlockChecker::default();
    let mut answer = Answer { text: String::new(), blocks: Vec::new(), is_cut: false, usage: Usage::default() };
    while let Some(event) = stream.next().await {
        match event? {
            Event::Text { text, .. } => {
                answer.text.push_str(&text);
                show(Piece::Text(text.clone()));
                checker.push(&text).into_iter().for_each(|it| show(Piece::Checked(it)));
            }
            Event::Stopped { reason, .. } => answer.is_cut = reason == StopReason::MaxTokens,
            Event::Read(_) => {}
            Event::Finished(usage) => answer.usage = usage,
        }
    }
    checker.finish().into_iter().for_each(|it| show(Piece::Checked(it)));
    answer.blocks = checker.blocks;
    Ok(answer)
}

fn render(question: &Question) -> String {
    let files = question.files.iter().map(|(path, text)| {
        let tag = Language::from_path(path).map_or("", Language::name).to_lowercase();
        let (name, text) = (quoted_name(&path.to_string_lossy()), quoted(text.trim_end()).text);
        let fence = fence_around(&text);
        format!("File `{name}`:\n\n{fence}{tag}\n{text}\n{fence}\n\n")
    });
    format!("{}{}", files.collect::<String>(), question.text)
}

/// Follows the fences of a growing answer.
#[derive(Default)]
struct BlockChecker {
    scanner: FenceScanner,
    open: Option<(Option<String>, String)>,
    blocks: Vec<Block>,
}

impl BlockChecker {
    fn push(&mut self, text: &str) -> Vec<Block> {
        let events = self.scanner.push(text);
        self.follow(events)
    }

    fn finish(&mut self) -> Vec<Block> {
        let events = self.scanner.finish();
        let mut closed = self.follow(events);
        if let Some((language, _)) = self.open.take() {
            closed.push(self.close(language, BlockCheck::Cut));
        }
        closed
    }

    fn follow(&mut self, events: Vec<FenceEvent>) -> Vec<Block> {
        let mut closed = Vec::new();
        for event in events {
            match event {
                FenceEvent::Prose(_) => {}
                FenceEvent::Opened { language, .. } => self.open = Some((language, String::new())),
                FenceEvent::Code(text) => {
                    if let Some((_, code)) = &mut self.open {
                        code.push_str(&text);
                    }
                }
                FenceEvent::Closed { .. } => {
                    if let Some((language, code)) = self.open.take() {
                        let check = check(language.as_deref(), &code);
                        closed.push(self.close(language, check));
                    }
                }
            }
        }
        closed
    }

    fn close(&mut self, language: Option<String>, check: BlockCheck) -> Block {
        let block = Block { n: self.blocks.len() + 1, language, check };
        self.blocks.push(block.clone());
        block
    }
}

fn check(language: Option<&str>, code: &str) -> BlockCheck {
    let Some(language) = language.and_then(Language::from_name) else { return BlockCheck::Unchecked };
    let findings = parses::check_as(language, Change { path: Path::new("block"), before: "", after: code });
    match findings.into_iter().next() {
        None => BlockCheck::Parses,
        Some(finding) => BlockCheck::DoesNotParse { message: finding.message, line: finding.line },
    }
}

#[cfg(test)]
mod tests {
    use wright_provider::replay::ScriptedProvider;

    use super::*;

    async fn blocks(answer: &str) -> Vec<BlockCheck> {
        let provider = ScriptedProvider::answering(&[answer]);
        let question =
            Question { text: "how?".to_owned(), files: Vec::new(), max_tokens: 100, temperature: 0.0, seed: 0 };
        let answer = ask(&provider, &question, &mut |_| {}).await.unwrap();
        answer.blocks.into_iter().map(|it| it.check).collect()
    }

    #[tokio::test]
    async fn each_code_block_is_marked_with_what_is_known_about_it() {
        let answer = "So:\n```python\nx = 1\n```\n```py\nx = (\n```\n```cobol\nMOVE\n```\n```rust\nfn f() {";
        let found = blocks(answer).await;
        assert_eq!(found[0], BlockCheck::Parses);
        assert!(matches!(found[1], BlockCheck::DoesNotParse { .. }));
        assert_eq!(found[2..], [BlockCheck::Unchecked, BlockCheck::Cut]);
    }

    #[test]
    fn a_file_that_cannot_be_shown_is_named_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let message = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read_file(&path).map_err(|it| it.to_string())
        };
        assert_eq!(message(b"x = 1"), Ok("x = 1".to_owned()));
        assert!(message(b"a\0b").unwrap_err().contains("binary"));
        assert!(message(b"caf\xe9").unwrap_err().contains("not UTF-8"));
        std::fs::File::create(&path).unwrap().set_len(1 << 30).unwrap();
        assert!(read_file(&path).unwrap_err().to_string().contains("1073741824 bytes"));
    }
}
