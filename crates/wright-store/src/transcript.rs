//! A transcript as JSON lines, for people and other programs.
//!
//! Version 1: the first line is the task, each further line is one step. Fields may be added within a version.

use serde::Serialize;

use crate::{Step, Task};

/// The version of the format.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct WireTask<'a> {
    version: u32,
    task: String,
    kind: &'a str,
    repository: String,
    base_commit: &'a str,
    request: &'a serde_json::Value,
    status: &'static str,
    created_at: String,
    finished_at: Option<String>,
}

#[derive(Serialize)]
struct WireStep<'a> {
    seq: u64,
    kind: &'a str,
    recorded_at: String,
    payload: &'a serde_json::Value,
}

/// Returns the lines.
pub(crate) fn to_json_lines(task: &Task, steps: &[Step]) -> String {
    let head = WireTask {
        version: VERSION,
        task: task.id.to_string(),
        kind: &task.kind,
        repository: task.repository.display().to_string(),
        base_commit: &task.base_commit,
        request: &task.request,
        status: task.status.as_str(),
        created_at: task.created_at.to_rfc3339(),
        finished_at: task.finished_at.map(|time| time.to_rfc3339()),
    };
    let steps = steps.iter().map(|step| {
        line(&WireStep {
            seq: step.seq.0,
            kind: &step.kind,
            recorded_at: step.recorded_at.to_rfc3339(),
            payload: &step.payload,
        })
    });
    std::iter::once(line(&head)).chain(steps).collect()
}

fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("all keys are strings and no value refuses to be written") + "\n"
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::{StepSeq, TaskStatus};

    #[test]
    fn a_transcript_is_one_json_value_per_line_whatever_the_steps_contain() {
        let created_at = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        let task = Task {
            id: "01990000-0000-7000-8000-000000000000".parse().unwrap(),
            kind: "fix".to_owned(),
            repository: "/r".into(),
            base_commit: "abc".to_owned(),
            request: json!({ "n": 1 }),
            status: TaskStatus::Running,
            created_at,
            finished_at: None,
        };
        let step =
            Step { seq: StepSeq(1), kind: "turn".to_owned(), payload: json!("two\nlines"), recorded_at: created_at };
        let expected = concat!(
            r#"{"version":1,"task":"01990000-0000-7000-8000-000000000000","kind":"fix","repository":"/r","#,
            r#""base_commit":"abc","request":{"n":1},"status":"running","#,
            r#""created_at":"2026-09-21T14:13:20.123+00:00","finished_at":null}"#,
            "\n",
            r#"{"seq":1,"kind":"turn","recorded_at":"2026-09-21T14:13:20.123+00:00","payload":"two\nlines"}"#,
            "\n",
        );
        assert_eq!(to_json_lines(&task, &[step]), expected);
    }
}
