//! Writing functions from their descriptions: HumanEval and MBPP.

use std::time::Instant;

use serde_json::json;
use wright_agent::generate::{Description, Program, doctest_examples, generate};

use crate::tasks::Problem;
use crate::trial::{Trials, last_words, python_limits};
use crate::{Deps, EvalError, Options, TaskResult, report};

/// How many answers everyday use would sample after a first one that fails.
const MAX_SAMPLES: usize = 8;

/// Hard cap on one answer, in tokens. No reference program comes near it.
const MAX_TOKENS: u32 = 768;

const COMPARE: &str = include_str!("python/compare_programs.py");

/// Writes the function and judges it.
pub(crate) async fn solve(
    deps: &Deps,
    trials: &Trials<'_>,
    options: &Options,
    problem: &Problem,
) -> Result<TaskResult, EvalError> {
    let started = Instant::now();
    let description = description(problem, options);
    let folder = trials.folder([("empty", "")])?;
    let program = generate(deps.provider.as_ref(), &deps.sandbox, &deps.toolchains, folder.path(), &description);
    let Ok(program) = tokio::time::timeout(options.time_limit, program).await else {
        let seconds = report::seconds(started.elapsed());
        return Ok(TaskResult {
            refused: true,
            reason: "time limit reached".to_owned(),
            seconds,
            ..TaskResult::default()
        });
    };
    let program = program?;
    let seconds = report::seconds(started.elapsed());
    judge(trials, options, problem, &description, &program, seconds).await
}

async fn judge(
    trials: &Trials<'_>,
    options: &Options,
    problem: &Problem,
    description: &Description,
    program: &Program,
    seconds: f64,
) -> Result<TaskResult, EvalError> {
    let failure = failure(trials, problem, &program.text).await?;
    let raw_solved = match options.compare_raw {
        true if program.raw == program.text => Some(failure.is_none()),
        true => Some(self::failure(trials, problem, &program.raw).await?.is_none()),
        false => None,
    };
    let refused = program.passes_examples == Some(false);
    let reason = match &failure {
        None => String::new(),
        Some(failure) if refused => format!("no answer passes the examples; {failure}"),
        Some(failure) => failure.clone(),
    };
    Ok(TaskResult {
        solved: failure.is_none() && !refused,
        claimed: program.passes_examples == Some(true),
        refused,
        reason: if refused && reason.is_empty() {
            "no answer passes the examples, though the first one is right".to_owned()
        } else {
            reason
        },
        seconds,
        tokens: program.usage.into(),
        candidates: program.n_answers,
        test_runs: if description.examples.is_empty() { 0 } else { program.n_answers },
        raw_solved,
        ..TaskResult::default()
    })
}

fn description(problem: &Problem, options: &Options) -> Description {
    let examples = match problem.kind.as_str() {
        "mbpp" => problem.prompt.lines().filter(|it| it.starts_with("assert ")).map(str::to_owned).collect(),
        _ => doctest_examples(&problem.prompt),
    };
    Description {
        task: problem.prompt.clone(),
        entry_point: problem.entry_point.clone(),
        examples,
        n_samples: u32::try_from(options.candidates.min(MAX_SAMPLES)).unwrap_or(u32::MAX),
        max_tokens: MAX_TOKENS,
        seed: options.seed,
    }
}

/// Returns why a program is wrong; nothing when it does what the reference does on all inputs.
async fn failure(trials: &Trials<'_>, problem: &Problem, program: &str) -> Result<Option<String>, EvalError> {
    let token = trials.token();
    let job = json!({ "candidate": format!("{}\n{program}", head(problem)), "token": token }).to_string();
    let folder = trials.folder([("job.json", job.as_str()), ("task.json", &problem.line), ("compare.py", COMPARE)])?;
    let outcome = trials.run(folder.path(), &["python3", "-B", "compare.py"], python_limits()).await?;
    let text = outcome.text();
    let is_solved = outcome.is_success() && text.trim_end().ends_with(&format!("{token} plus"));
    if is_solved {
        return Ok(None);
    }
    let stage = if text.contains(&format!("{token} base")) { "further inputs: " } else { "" };
    let words = last_words(&outcome);
    let words = if words.starts_with(&token) { "ended early".to_owned() } else { words };
    Ok(Some(format!("{stage}{words}")))
}

/// Returns what stands above the function in its description: imports, and functions that it may use.
fn head(problem: &Problem) -> &str {
    let plain = format!("def {}(", problem.entry_point);
    let mut start = 0;
    for line in problem.prompt.split_inclusive('\n') {
        if line.strip_prefix("async ").unwrap_or(line).starts_with(&plain) {
            return &problem.prompt[..start];
        }
        start += line.len();
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(prompt: &str) -> Problem {
        let [kind, entry_point, prompt, line] = ["humaneval", "f", prompt, ""].map(str::to_owned);
        Problem { kind, entry_point, prompt, line }
    }

    #[test]
    fn what_stands_above_the_function_belongs_to_the_program() {
        let prompt = "import math\n\ndef helper(x):\n    return x\n\ndef f(x):\n    \"\"\"Uses def f(x).\"\"\"\n";
        assert_eq!(head(&problem(prompt)), "import math\n\ndef helper(x):\n    return x\n\n");
        assert_eq!(head(&problem("\"\"\"\nWrite f.\n\"\"\"\n")), "");
    }

    #[test]
    fn the_one_assertion_of_a_description_is_its_example() {
        let options = Options { candidates: 3, ..Options::new("x") };
        let mbpp = Problem { kind: "mbpp".to_owned(), ..problem("\"\"\"\nWrite f.\nassert f(1) == 2\n\"\"\"\n") };
        let description = description(&mbpp, &options);
        assert_eq!((description.examples, description.n_samples), (vec!["assert f(1) == 2".to_owned()], 3));
    }
}
