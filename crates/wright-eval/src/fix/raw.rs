//! The comparison: the model alone, asked once for the whole corrected function, without tests, gate or second try.

use wright_provider::{Message, Priority, Prompt, Request, Sampling, collect};
use wright_text::{SyntaxTree, fenced_blocks};

use super::{Project, failure_with};
use crate::tasks::Bug;
use crate::trial::Trials;
use crate::{Deps, EvalError};

/// Hard cap on the answer, in tokens.
const MAX_TOKENS: u32 = 1_024;

/// Returns whether the model's first answer passes the task's tests.
pub(super) async fn solves(deps: &Deps, trials: &Trials<'_>, project: &Project, bug: &Bug) -> Result<bool, EvalError> {
    let request = Request::new(prompt(project, bug), Sampling::greedy(MAX_TOKENS), Priority::Background);
    let (completions, _) = collect(deps.provider.complete(request).await?).await?;
    let answer = completions.first().map_or("", |it| it.text.as_str());
    for text in readings(project, answer) {
        if failure_with(trials, project, &text).await?.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn prompt(project: &Project, bug: &Bug) -> Prompt {
    let code = match bug {
        Bug::QuixBugs(task) => &task.buggy_solution,
        Bug::Pack(_) => project.files[&project.source].trim_end_matches(project.tail),
    };
    let language = project.language.name();
    let question = include_str!("raw.md")
        .replace("{language}", language)
        .replace("{function}", &project.function)
        .replace("{fence}", &language.to_lowercase())
        .replace("{description}", project.description.trim())
        .replace("{code}", code.trim_end());
    Prompt::Chat { messages: vec![Message::user(question.trim_end())], prefill: String::new() }
}

/// Returns the files that an answer may stand for: the block as the whole file, and the function put in its place.
fn readings(project: &Project, answer: &str) -> Vec<String> {
    let blocks: Vec<String> = fenced_blocks(answer).into_iter().map(|it| it.text).collect();
    let fitting = blocks.iter().find(|it| it.contains(&project.function)).or(blocks.first());
    let block = fitting.map_or(answer, String::as_str);
    let original = &project.files[&project.source];
    let whole = format!("{block}{}", project.tail);
    [whole].into_iter().chain(spliced(project, original, block)).collect()
}

fn spliced(project: &Project, original: &str, block: &str) -> Option<String> {
    let range_in = |text: &str| {
        let functions = SyntaxTree::parse(project.language, text).functions();
        functions.into_iter().find(|it| it.name == project.function).map(|it| it.range)
    };
    let (old, new) = (range_in(original)?, range_in(block)?);
    Some(format!("{}{}{}", &original[..old.start], &block[new], &original[old.end..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::Pack;

    fn project() -> Project {
        let task = Pack {
            language: "python".to_owned(),
            entry_point: "f".to_owned(),
            docstring: "Doubles.".to_owned(),
            declaration: "import math\n\ndef f(x):\n".to_owned(),
            buggy_solution: "    return x\n".to_owned(),
            test: String::new(),
            needs: Vec::new(),
        };
        Project::of(&Bug::Pack(task)).unwrap()
    }

    #[test]
    fn an_answer_is_read_as_a_file_and_as_a_function() {
        let answer = "Here:\n```python\ndef f(x):\n    return 2 * x\n```\n";
        let file = "def f(x):\n    return 2 * x\n";
        let readings = readings(&project(), answer);
        assert_eq!(readings.len(), 2);
        assert_eq!(readings[0].trim_end(), file.trim_end());
        assert_eq!(readings[1].trim_end(), format!("import math\n\n{file}").trim_end());
    }

    #[test]
    fn an_answer_without_the_function_is_no_function() {
        assert_eq!(spliced(&project(), "def f(x):\n    return x\n", "I fixed it, all tests pass."), None);
    }
}
