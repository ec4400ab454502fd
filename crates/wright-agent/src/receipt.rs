//! The receipt: what was done, by which model, which checks ran and what they said. A JSON file, versioned.
//!
//! A receipt is evidence, so it holds nothing that was not observed: no confidence, no summary in a model's words.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The format's name and version. A reader refuses versions it does not know.
pub const SCHEMA: &str = "wright.receipt/1";

/// The receipt of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// [`SCHEMA`].
    pub schema: String,
    /// The task.
    pub task: String,
    /// `proposed`, `refused`, `inconclusive` or `exhausted`.
    pub status: String,
    /// The commit that was judged against.
    pub base_commit: String,
    /// SHA-256 of the patch; empty when there is none.
    pub patch_sha256: String,
    /// The model, as `PROVIDER:NAME`.
    pub model: String,
    /// SHA-256 over every prompt that was sent, in order.
    pub prompts_sha256: String,
    /// The seed.
    pub seed: u64,
    /// The isolation that test commands ran under.
    pub sandbox_level: String,
    /// What kept the limits of test commands: `control group` or `watcher`. Receipts of earlier versions do not say.
    #[serde(default)]
    pub sandbox_limits: String,
    /// The test command.
    pub test_command: Vec<String>,
    /// The checks that ran and what they saw.
    pub checks: Vec<ReceiptCheck>,
    /// Why the change was refused, where it was.
    pub findings: Vec<String>,
    /// What was spent.
    pub spent: Spent,
}

/// One check in a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptCheck {
    /// The check.
    pub check: String,
    /// What it saw.
    pub detail: String,
}

/// What a task used up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// Wall time in seconds.
    pub seconds: f64,
    /// Candidates that were considered.
    pub candidates: usize,
    /// Test runs.
    pub test_runs: usize,
    /// Requests to the model.
    pub model_calls: usize,
    /// Tokens of all prompts.
    pub prompt_tokens: u64,
    /// Tokens of all prompts that a cache held.
    pub cached_tokens: u64,
    /// Tokens of all completions.
    pub completion_tokens: u64,
}

impl Receipt {
    /// Returns the receipt as JSON.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("a receipt has only strings and finite numbers")
    }

    /// Reads a receipt; `None` when it is not one, or of a version this program does not know.
    pub fn from_json(value: &Value) -> Option<Self> {
        let receipt: Self = serde_json::from_value(value.clone()).ok()?;
        (receipt.schema == SCHEMA).then_some(receipt)
    }
}
