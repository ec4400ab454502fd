//! Rewrites one function of a document for a purpose. What comes back passed the quick gate; nothing was run.

use wright_gate::Finding;
use wright_gate::quick::{Judge, Surroundings};
use wright_provider::{Message, Priority, Prompt, Provider, Request, Sampling, collect};
use wright_text::{Document, Edit, Function, Language, SyntaxTree, reindent};

use crate::AgentError;
use crate::assistant::{FunctionEdit, Judged};
use crate::boundary::{fill, quoted, quoted_output};
use crate::spliced::{splice, with_fence};

/// Functions longer than this are not asked for as a whole, in bytes: a small model loses the thread.
const MAX_FUNCTION: usize = 8_000;

/// The longest message of a problem that the model is shown, in bytes.
const MAX_PROBLEM: usize = 1_200;

/// How many further answers are sampled when the first is refused.
const N_RETRIES: u32 = 3;

/// Rewrites the function at `offset` so that `problem` goes away.
pub(crate) async fn mend(
    provider: &dyn Provider,
    doc: &Document,
    offset: usize,
    problem: &str,
) -> Result<Judged<FunctionEdit>, AgentError> {
    let (tree, function) = match function_at(doc, offset) {
        Ok(found) => found,
        Err(finding) => return Ok(Err(vec![*finding])),
    };
    let line = doc.lines().line(offset).saturating_sub(doc.lines().line(function.range.start)) + 1;
    let language = tree.language().name();
    let code = quoted(shown(&tree, &function).trim_end());
    let values = [
        ("language", language),
        ("line", &line.to_string()),
        ("problem", &quoted_output(&problem[..problem.floor_char_boundary(MAX_PROBLEM)])),
        ("function", &code.text),
    ];
    let question = fill(include_str!("mend.md"), &values);
    let prefill = format!("```{language}\n");
    let judge = Judge::new(doc);
    let mut refused = Vec::new();
    for sampling in samplings(function.range.len()) {
        for answer in answers(provider, &question, &prefill, sampling).await? {
            let Some(text) = splice(&tree, &function, &code.restore(&answer)) else {
                let message = format!("no answer has the function `{}` with its parameters", function.name);
                refused.push(Finding::error("answer", message));
                continue;
            };
            match judge.judge(Edit::between(doc.text(), &text), &Surroundings::default()) {
                Ok(edit) => return Ok(Ok(FunctionEdit { name: function.name, edit })),
                Err(findings) => refused.extend(findings),
            }
        }
    }
    refused.dedup();
    Ok(Err(refused))
}

/// Returns the function at an offset, if it is one that a model can be asked about.
pub(crate) fn function_at(doc: &Document, offset: usize) -> Result<(SyntaxTree, Function), Box<Finding>> {
    let line = doc.lines().line(offset);
    let refuse = |message: String| Box::new(Finding::error("place", message).at(&doc.path, Some(line)));
    let Some(language) = Language::from_path(&doc.path) else {
        return Err(refuse("this language cannot be read".to_owned()));
    };
    let tree = SyntaxTree::parse(language, doc.shared_text());
    let Some(function) = tree.function_at(offset) else { return Err(refuse("there is no function here".to_owned())) };
    if function.range.len() > MAX_FUNCTION {
        let n_bytes = function.range.len();
        return Err(refuse(format!("`{}` has {n_bytes} bytes; the limit is {MAX_FUNCTION}", function.name)));
    }
    Ok((tree, function))
}

/// Returns a function as it would stand at the left edge.
pub(crate) fn shown(tree: &SyntaxTree, function: &Function) -> String {
    reindent(&tree.text()[function.range.clone()], &function.indent, "")
}

/// Asks once and returns every answer, in a fence.
pub(crate) async fn answers(
    provider: &dyn Provider,
    question: &str,
    prefill: &str,
    sampling: Sampling,
) -> Result<Vec<String>, AgentError> {
    let messages =
        vec![Message::system("You are a careful programmer. Answer with code only."), Message::user(question)];
    let prompt = Prompt::Chat { messages, prefill: prefill.to_owned() };
    let (completions, _) = collect(provider.complete(Request::new(prompt, sampling, Priority::Chat)).await?).await?;
    Ok(completions.iter().map(|it| with_fence(&it.text, prefill)).collect())
}

/// Returns how to ask: the likeliest answer, then several others.
pub(crate) fn samplings(n_bytes: usize) -> [Sampling; 2] {
    let max_tokens = u32::try_from(n_bytes / 2 + 192).unwrap_or(u32::MAX).min(2_048);
    let greedy = Sampling { stop: vec!["\n```".to_owned()], ..Sampling::greedy(max_tokens) };
    let sampled =
        Sampling { n_candidates: N_RETRIES, temperature: 0.7, first_greedy: false, top_p: 0.95, ..greedy.clone() };
    [greedy, sampled]
}

#[cfg(test)]
mod tests {
    use wright_provider::replay::ScriptedProvider;

    use super::*;

    const TEXT: &str = "import os\n\n\ndef first(items):\n    return item[0]\n\n\nprint(first([1]))\n";

    async fn mended(text: &str, answers: &[&str]) -> Result<String, String> {
        let provider = ScriptedProvider::answering(answers);
        let doc = Document::new("a.py", 3, text);
        let offset = text.find("item[0]").unwrap();
        match mend(&provider, &doc, offset, "undefined name 'item'").await.unwrap() {
            Ok(mended) => Ok(mended.edit.change().apply(text).unwrap()),
            Err(findings) => Err(findings[0].message.clone()),
        }
    }

    #[tokio::test]
    async fn the_function_is_replaced_and_nothing_else() {
        let answer = "def first(items):\n    return items[0]\n";
        assert_eq!(mended(TEXT, &[answer]).await, Ok(TEXT.replace("return item[", "return items[")));
    }

    #[tokio::test]
    async fn an_answer_that_the_gate_refuses_is_not_offered() {
        assert!(mended(TEXT, &["def first(items):\n    return items[0\n"]).await.is_err());
        let unchanged = "def first(items):\n    return item[0]\n";
        assert_eq!(mended(TEXT, &[unchanged]).await, Err("changes nothing".to_owned()));
        let other = mended(TEXT, &["def second(items):\n    return items[0]\n"]).await;
        assert_eq!(other, Err("no answer has the function `first` with its parameters".to_owned()));
    }

    #[tokio::test]
    async fn a_place_outside_of_every_function_is_refused_without_asking() {
        let provider = ScriptedProvider::new([]);
        let findings = mend(&provider, &Document::new("a.py", 1, TEXT), 0, "x").await.unwrap().unwrap_err();
        assert_eq!(findings[0].message, "there is no function here");
    }
}
