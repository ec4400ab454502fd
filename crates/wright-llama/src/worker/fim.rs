//! The markers with which a model is shown a hole in a text.
//!
//! A model's file says which they are, and where it does not, they are looked up among the families that are known. Each
//! marker must be one control token of the vocabulary: a marker that falls apart into ordinary tokens is text to the
//! model, which then answers with nonsense and no error. [`probe`] finds that out when the model is loaded.

use super::model::Token;

/// A family of models and how it marks holes.
#[derive(Debug)]
struct Family {
    name: &'static str,
    prefix: &'static str,
    suffix: &'static str,
    /// `None` where the prefix, read last, ends at the hole by itself.
    middle: Option<&'static str>,
    suffix_first: SuffixFirst,
    /// What ends an answer beside the vocabulary's own end: padding, the start of another file or repository.
    stops: &'static [&'static str],
}

/// How a prompt is written whose suffix is read before its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SuffixFirst {
    /// An empty prefix, the suffix, and the prefix as the beginning of the middle.
    EmptyPrefix,
    /// The suffix, then the prefix.
    SuffixThenPrefix,
    /// The family never saw that; its prompts start with the prefix.
    Unknown,
}

/// Every known family. More specific markers come first: Granite writes them as StarCoder2 does.
const FAMILIES: &[Family] = &[
    Family {
        name: "Qwen2.5-Coder and Granite 4",
        prefix: "<|fim_prefix|>",
        suffix: "<|fim_suffix|>",
        middle: Some("<|fim_middle|>"),
        suffix_first: SuffixFirst::EmptyPrefix,
        stops: &["<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<|endoftext|>"],
    },
    Family {
        name: "CodeGemma",
        prefix: "<|fim_prefix|>",
        suffix: "<|fim_suffix|>",
        middle: Some("<|fim_middle|>"),
        suffix_first: SuffixFirst::EmptyPrefix,
        stops: &["<|file_separator|>", "<eos>"],
    },
    Family {
        name: "StarCoder2 and Granite",
        prefix: "<fim_prefix>",
        suffix: "<fim_suffix>",
        middle: Some("<fim_middle>"),
        suffix_first: SuffixFirst::EmptyPrefix,
        stops: &["<fim_pad>", "<repo_name>", "<file_sep>", "<|endoftext|>"],
    },
    Family {
        name: "DeepSeek-Coder",
        prefix: "<\u{ff5c}fim\u{2581}begin\u{ff5c}>",
        suffix: "<\u{ff5c}fim\u{2581}hole\u{ff5c}>",
        middle: Some("<\u{ff5c}fim\u{2581}end\u{ff5c}>"),
        suffix_first: SuffixFirst::Unknown,
        stops: &["<\u{ff5c}end\u{2581}of\u{2581}sentence\u{ff5c}>"],
    },
    Family {
        name: "CodeLlama",
        prefix: "\u{2581}<PRE>",
        suffix: "\u{2581}<SUF>",
        middle: Some("\u{2581}<MID>"),
        suffix_first: SuffixFirst::EmptyPrefix,
        stops: &["\u{2581}<EOT>"],
    },
    Family {
        name: "Codestral",
        prefix: "[PREFIX]",
        suffix: "[SUFFIX]",
        middle: None,
        suffix_first: SuffixFirst::SuffixThenPrefix,
        stops: &["[MIDDLE]"],
    },
];

/// The markers of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FimMarkers {
    /// Before the prefix.
    pub(super) prefix: Token,
    /// Before the suffix.
    pub(super) suffix: Token,
    /// Before the middle; `None` where the prefix, read last, ends at the hole by itself.
    pub(super) middle: Option<Token>,
    /// How a prompt is written whose suffix is read first.
    pub(super) suffix_first: SuffixFirst,
    /// What ends an answer.
    pub(super) stops: Vec<Token>,
}

/// What a model can do with holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FimSupport {
    /// It has markers.
    Markers(FimMarkers),
    /// It has none.
    None,
    /// Its file has some that cannot work, and this is why.
    Broken(String),
}

/// The part of a vocabulary that markers are looked up in.
pub(super) trait MarkerVocabulary {
    /// Returns the markers for prefix, suffix and middle that the model's file names.
    fn named_markers(&self) -> [Option<Token>; 3];

    /// Returns the tokens of a marker's text, read as markup.
    fn tokens_of(&self, marker: &str) -> Vec<Token>;

    /// Returns the text of a token, markers included.
    fn text_of(&self, token: Token) -> String;

    /// Returns whether a token is a control token, which no text contains.
    fn is_control(&self, token: Token) -> bool;
}

/// Finds the markers of a model and checks each of them.
pub(super) fn probe(vocabulary: &impl MarkerVocabulary) -> FimSupport {
    let [prefix, suffix, middle] = vocabulary.named_markers();
    let named = (prefix.zip(suffix)).map(|(prefix, suffix)| (prefix, suffix, middle));
    match named {
        Some((prefix, suffix, middle)) => check_named(vocabulary, prefix, suffix, middle),
        None => look_up(vocabulary),
    }
}

/// Takes the markers that the file names; the family that has the same says how they are used.
fn check_named(vocabulary: &impl MarkerVocabulary, prefix: Token, suffix: Token, middle: Option<Token>) -> FimSupport {
    for token in [Some(prefix), Some(suffix), middle].into_iter().flatten() {
        if !vocabulary.is_control(token) {
            let text = vocabulary.text_of(token);
            return broken(&text, "is an ordinary token of its vocabulary, not a control token");
        }
    }
    let text = vocabulary.text_of(prefix);
    let families = || FAMILIES.iter().filter(|family| family.prefix.trim_start_matches('\u{2581}') == text.trim());
    // Families that write their markers in the same way differ in what ends an answer.
    let suffix_first = families().next().map_or(SuffixFirst::Unknown, |family| family.suffix_first);
    if middle.is_none() && suffix_first != SuffixFirst::SuffixThenPrefix {
        return broken(&text, "comes without a marker for the middle");
    }
    let middle = middle.filter(|_| families().next().is_none_or(|family| family.middle.is_some()));
    let stops = families().flat_map(|family| stop_tokens(vocabulary, family)).collect();
    FimSupport::Markers(FimMarkers { prefix, suffix, middle, suffix_first, stops })
}

/// Looks for a family whose markers the vocabulary has.
fn look_up(vocabulary: &impl MarkerVocabulary) -> FimSupport {
    let mut partly = FimSupport::None;
    for family in FAMILIES {
        let markers = [Some(family.prefix), Some(family.suffix), family.middle];
        let tokens = markers.map(|marker| marker.map(|marker| control_token(vocabulary, marker)));
        match tokens {
            [Some(Some(prefix)), Some(Some(suffix)), middle] if middle.is_none_or(|middle| middle.is_some()) => {
                return FimSupport::Markers(FimMarkers {
                    prefix,
                    suffix,
                    middle: middle.flatten(),
                    suffix_first: family.suffix_first,
                    stops: stop_tokens(vocabulary, family),
                });
            }
            tokens if tokens.iter().any(|token| matches!(token, Some(Some(_)))) => {
                let bad = markers.iter().zip(tokens).find_map(|(marker, token)| marker.filter(|_| token == Some(None)));
                let marker = bad.unwrap_or(family.prefix);
                let n_tokens = vocabulary.tokens_of(marker).len();
                let what = format!("of {} is {n_tokens} tokens of its vocabulary, not one control token", family.name);
                partly = broken(marker, &what);
            }
            _ => {}
        }
    }
    partly
}

fn control_token(vocabulary: &impl MarkerVocabulary, marker: &str) -> Option<Token> {
    match vocabulary.tokens_of(marker)[..] {
        [token] if vocabulary.is_control(token) => Some(token),
        _ => None,
    }
}

fn stop_tokens(vocabulary: &impl MarkerVocabulary, family: &Family) -> Vec<Token> {
    family.stops.iter().filter_map(|stop| control_token(vocabulary, stop)).collect()
}

fn broken(marker: &str, what: &str) -> FimSupport {
    FimSupport::Broken(format!(
        "its marker {marker:?} {what}; convert the model to GGUF again with its own tokenizer, or use another file of it"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A vocabulary whose token numbers are positions in the list.
    struct Words {
        control: Vec<&'static str>,
        named: [Option<Token>; 3],
        ordinary: Vec<Token>,
    }

    impl MarkerVocabulary for Words {
        fn named_markers(&self) -> [Option<Token>; 3] {
            self.named
        }

        fn tokens_of(&self, marker: &str) -> Vec<Token> {
            match self.control.iter().position(|word| *word == marker) {
                Some(idx) => vec![idx as Token],
                None => vec![1000; marker.len()],
            }
        }

        fn text_of(&self, token: Token) -> String {
            self.control[token as usize].to_owned()
        }

        fn is_control(&self, token: Token) -> bool {
            (token as usize) < self.control.len() && !self.ordinary.contains(&token)
        }
    }

    const QWEN: [&str; 5] = ["<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_sep|>"];

    fn words(control: &[&'static str]) -> Words {
        Words { control: control.to_vec(), named: [None; 3], ordinary: Vec::new() }
    }

    fn check_broken(vocabulary: &Words, expected: &str) {
        let FimSupport::Broken(message) = probe(vocabulary) else { panic!("{:?}", probe(vocabulary)) };
        assert!(message.starts_with(expected), "{message}");
    }

    #[test]
    fn markers_that_the_file_does_not_name_are_found_by_the_family() {
        let expected = FimMarkers {
            prefix: 1,
            suffix: 2,
            middle: Some(3),
            suffix_first: SuffixFirst::EmptyPrefix,
            stops: vec![4, 0],
        };
        assert_eq!(probe(&words(&QWEN)), FimSupport::Markers(expected));
    }

    #[test]
    fn every_family_is_found_by_its_own_markers() {
        for family in FAMILIES {
            let control: Vec<&str> =
                [Some(family.prefix), Some(family.suffix), family.middle].into_iter().flatten().collect();
            let FimSupport::Markers(markers) = probe(&words(&control)) else { panic!("{}", family.name) };
            assert_eq!((markers.prefix, markers.suffix, markers.middle), (0, 1, family.middle.map(|_| 2)));
            assert_eq!(markers.suffix_first, family.suffix_first, "{}", family.name);
        }
    }

    #[test]
    fn the_file_says_which_markers_there_are_before_any_family() {
        let named = Words { named: [Some(3), Some(2), Some(1)], ..words(&QWEN) };
        let FimSupport::Markers(markers) = probe(&named) else { panic!("{:?}", probe(&named)) };
        assert_eq!((markers.prefix, markers.suffix, markers.middle), (3, 2, Some(1)));
    }

    #[test]
    fn a_model_without_markers_has_none() {
        assert_eq!(probe(&words(&["<|endoftext|>"])), FimSupport::None);
    }

    #[test]
    fn a_marker_that_falls_apart_is_named() {
        check_broken(
            &words(&["<|fim_prefix|>", "<|fim_suffix|>"]),
            "its marker \"<|fim_middle|>\" of CodeGemma is 14 tokens of its vocabulary, not one control token",
        );
    }

    #[test]
    fn a_named_marker_that_is_ordinary_text_is_refused() {
        let named = Words { named: [Some(1), Some(2), Some(3)], ordinary: vec![2], ..words(&QWEN) };
        check_broken(&named, "its marker \"<|fim_suffix|>\" is an ordinary token of its vocabulary");
    }
}
