//! Writes a function from its description: examples in the description become tests, several answers are sampled, and the
//! first one that passes them is returned. Where there are no examples, the first answer that parses and has the function is.

use std::path::Path;
use std::time::Duration;

use wright_gate::{TestSetup, TestStatus, run_tests};
use wright_provider::{Message, Priority, Prompt, Provider, Request, Sampling, Usage, collect};
use wright_repo::project::TestKind;
use wright_sandbox::{Level, Limits, Sandbox};
use wright_text::{Language, SyntaxTree, fenced_blocks, normalized};

use crate::{AgentError, Toolchains};

/// What to write.
#[derive(Debug, Clone)]
pub struct Description {
    /// The signature with its docstring, or the task in words.
    pub task: String,
    /// The function's name.
    pub entry_point: String,
    /// Examples as Python statements that must not raise, such as `assert f(1) == 2`.
    pub examples: Vec<String>,
    /// How many further answers are sampled when the first fails.
    pub n_samples: u32,
    /// Hard cap on one answer, in tokens.
    pub max_tokens: u32,
    /// The seed.
    pub seed: u64,
}

/// What was written.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program.
    pub text: String,
    /// Whether the examples pass; `None` where there are none.
    pub passes_examples: Option<bool>,
    /// The model's first answer, unchecked.
    pub raw: String,
    /// How many answers were considered.
    pub n_answers: usize,
    /// What it cost.
    pub usage: Usage,
}

/// Writes the function that `description` asks for.
pub async fn generate(
    provider: &dyn Provider,
    sandbox: &Sandbox,
    toolchains: &Toolchains,
    scratch: &Path,
    description: &Description,
) -> Result<Program, AgentError> {
    let mut usage = Usage::default();
    let mut programs: Vec<String> = Vec::new();
    let mut raw = None;
    for sampling in samplings(description) {
        let (answers, cost) = collect(provider.complete(request(description, sampling)).await?).await?;
        usage += cost;
        for answer in answers {
            let program = program(&answer.text, description);
            raw.get_or_insert_with(|| program.clone());
            if !is_plausible(&program, &description.entry_point) || is_known(&programs, &program) {
                continue;
            }
            programs.push(program.clone());
            if description.examples.is_empty() {
                continue;
            }
            if passes(sandbox, toolchains, scratch, &program, &description.examples).await? {
                let n_answers = programs.len();
                let raw = raw.unwrap_or_default();
                return Ok(Program { text: program, passes_examples: Some(true), raw, n_answers, usage });
            }
        }
        if description.examples.is_empty() && !programs.is_empty() {
            break;
        }
    }
    let raw = raw.unwrap_or_default();
    let passes_examples = (!description.examples.is_empty()).then_some(false);
    let n_answers = programs.len();
    let text = programs.into_iter().next().unwrap_or_else(|| raw.clone());
    Ok(Program { text, passes_examples, raw, n_answers, usage })
}

/// Returns the examples that a docstring holds in the form `>>> call` with the result on the next line.
pub fn doctest_examples(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let pairs = lines.windows(2).filter_map(|pair| {
        let call = pair[0].strip_prefix(">>>")?.trim();
        let result = pair[1].trim_matches(['"', '\'']).trim();
        let is_result = !pair[1].is_empty() && !pair[1].starts_with(">>>") && !result.is_empty();
        let is_expression = !call.contains(" = ") && !call.starts_with("import");
        (is_result && is_expression && !pair[1].starts_with("\"\"\""))
            .then(|| format!("assert ({call}) == ({})", pair[1]))
    });
    pairs.collect()
}

fn samplings(description: &Description) -> Vec<Sampling> {
    let greedy =
        Sampling { stop: vec!["\n```".to_owned()], seed: description.seed, ..Sampling::greedy(description.max_tokens) };
    if description.n_samples == 0 {
        return vec![greedy];
    }
    let sampled = Sampling {
        n_candidates: description.n_samples,
        temperature: 0.8,
        first_greedy: false,
        top_p: 0.95,
        ..greedy.clone()
    };
    vec![greedy, sampled]
}

fn request(description: &Description, sampling: Sampling) -> Request {
    let question =
        include_str!("generate.md").replace("{task}", &format!("```python\n{}\n```", description.task.trim_end()));
    let messages = vec![Message::user(question.trim_end())];
    let prompt = Prompt::Chat { messages, prefill: "```python\n".to_owned() };
    Request::new(prompt, sampling, Priority::Background)
}

/// Takes the program out of an answer. An answer that is only the body of the function gets its head back.
fn program(answer: &str, description: &Description) -> String {
    let fenced = if answer.contains("```") { answer.to_owned() } else { format!("```python\n{answer}") };
    let block = fenced_blocks(&fenced).into_iter().next().map_or_else(|| answer.to_owned(), |it| it.text);
    let has_function = block.contains(&format!("def {}", description.entry_point));
    let text = if has_function { block } else { format!("{}\n{block}", description.task.trim_end()) };
    let imports = description.task.lines().filter(|it| it.starts_with("import ") || it.starts_with("from "));
    let missing: Vec<&str> = imports.filter(|it| !text.contains(*it)).collect();
    if missing.is_empty() { text } else { format!("{}\n\n{text}", missing.join("\n")) }
}

fn is_plausible(program: &str, entry_point: &str) -> bool {
    let tree = SyntaxTree::parse(Language::Python, program);
    tree.error_count() == 0 && tree.functions().iter().any(|it| it.name == entry_point)
}

fn is_known(programs: &[String], program: &str) -> bool {
    let key = normalized(Language::Python, program);
    programs.iter().any(|it| normalized(Language::Python, it) == key)
}

async fn passes(
    sandbox: &Sandbox,
    toolchains: &Toolchains,
    scratch: &Path,
    program: &str,
    examples: &[String],
) -> Result<bool, AgentError> {
    // The marker is printed last: a program that ends the process early does not pass.
    let text = format!("{program}\n\n{}\nprint(\"examples-passed\")\n", examples.join("\n"));
    let path = scratch.join("candidate.py");
    std::fs::write(&path, text).map_err(|source| AgentError::Io { path, source })?;
    let limits = Limits { wall: Duration::from_secs(10), cpu: Duration::from_secs(10), ..Limits::default() };
    let setup = TestSetup {
        argv: vec!["python3".to_owned(), "candidate.py".to_owned()],
        dir: std::path::PathBuf::new(),
        kind: TestKind::Custom,
        env: toolchains.env(),
        read_only: toolchains.read_only(),
        limits,
        minimum_level: Level::D,
    };
    let run = run_tests(sandbox, &setup, scratch).await?;
    Ok(run.status == TestStatus::Passed && run.output.trim_end().ends_with("examples-passed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_in_a_docstring_become_assertions() {
        let text =
            "def f(x):\n    \"\"\"Doubles.\n    >>> f(2)\n    4\n    >>> y = 3\n    >>> f(y)\n    6\n    \"\"\"\n";
        assert_eq!(doctest_examples(text), ["assert (f(2)) == (4)", "assert (f(y)) == (6)"]);
    }

    #[test]
    fn a_body_alone_gets_its_head_back() {
        let description = Description {
            task: "import math\n\ndef f(x):\n    \"\"\"Halves.\"\"\"\n".to_owned(),
            entry_point: "f".to_owned(),
            examples: Vec::new(),
            n_samples: 0,
            max_tokens: 10,
            seed: 0,
        };
        assert!(is_plausible(&program("```python\n    return x / 2\n```", &description), "f"));
        assert!(program("```python\ndef f(x):\n    return x / 2\n```", &description).starts_with("import math"));
    }
}
