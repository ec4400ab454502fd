//! Takes apart a prompt that carries the markers of some model's fill-in-the-middle template.
//!
//! Editors such as Zed and Continue render that template themselves and send one text. To our providers markers are plain
//! text, because a file may contain them; so the parts are cut out here and sent as parts. Only a prompt whose very shape is
//! a template's is taken apart: the first marker at its start, the last one at its end, each of them once.

use std::path::PathBuf;

use crate::error::ApiError;
use crate::hole::Hole;
use crate::snippets::Snippet;

/// The markers of one template.
struct Template {
    /// Before the prefix.
    prefix: &'static str,
    /// Before the suffix.
    suffix: &'static str,
    /// At the end; empty where the template has none.
    middle: &'static str,
    /// Between a marker and text that some clients set apart.
    space: &'static str,
}

const fn template(prefix: &'static str, suffix: &'static str, middle: &'static str) -> Template {
    Template { prefix, suffix, middle, space: "" }
}

/// The templates, in no order that matters: their first markers differ.
const TEMPLATES: [Template; 8] = [
    // Qwen2.5-Coder, CodeGemma, Granite 4.
    template("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
    // StarCoder, StarCoder2, Granite, Mellum.
    template("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    // SantaCoder.
    template("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),
    // Seed-Coder.
    template("<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"),
    // DeepSeek-Coder.
    template("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
    // GLM.
    template("<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"),
    // CodeLlama.
    Template { prefix: "<PRE>", suffix: "<SUF>", middle: "<MID>", space: " " },
    // Codestral.
    template("[PREFIX]", "[SUFFIX]", ""),
];

/// The markers before a file in prompts that show several files.
const FILE_MARKERS: [&str; 3] = ["<|file_sep|>", "<file_sep>", "<|file_separator|>"];

/// The markers before the name of the repository.
const REPO_MARKERS: [&str; 3] = ["<|repo_name|>", "<repo_name>", "<reponame>"];

/// Codestral's line before each file.
const CODESTRAL_FILE: &str = "+++++ ";

/// Returns the parts of a prompt that is a template's, nothing for any other text, and an error when the text could be
/// taken apart in more than one way.
pub(crate) fn take_apart(prompt: &str) -> Result<Option<Hole>, ApiError> {
    let (files, rest) = split_files(prompt);
    for template in &TEMPLATES {
        if let Some((prefix, suffix)) = template.split(rest)? {
            let (snippets, path) = read_files(files);
            let hole = Hole { path, prefix: prefix.to_owned(), suffix: suffix.to_owned(), snippets };
            return Ok(Some(if template.middle.is_empty() { with_codestral_files(hole) } else { hole }));
        }
    }
    Ok(None)
}

impl Template {
    /// Returns prefix and suffix, whichever comes first in `text`.
    fn split<'a>(&self, text: &'a str) -> Result<Option<(&'a str, &'a str)>, ApiError> {
        let Some(inner) = text.trim_end().strip_suffix(self.middle) else { return Ok(None) };
        // Without a last marker, what looks like trailing space belongs to the text.
        let inner = if self.middle.is_empty() { text } else { inner };
        if let Some(rest) = inner.strip_prefix(self.prefix) {
            return self.split_at(rest, self.suffix, text);
        }
        match inner.strip_prefix(self.suffix) {
            Some(rest) => Ok(self.split_at(rest, self.prefix, text)?.map(|(suffix, prefix)| (prefix, suffix))),
            None => Ok(None),
        }
    }

    /// Splits at the marker between the parts.
    fn split_at<'a>(&self, text: &'a str, marker: &str, whole: &str) -> Result<Option<(&'a str, &'a str)>, ApiError> {
        let Some((first, second)) = text.split_once(marker) else { return Ok(None) };
        let markers = [self.prefix, self.suffix, self.middle];
        if let Some(twice) = markers.iter().find(|it| !it.is_empty() && whole.matches(**it).nth(1).is_some()) {
            let message = format!(
                "the prompt has the marker {twice:?} more than once, so where the hole is cannot be told; send prefix \
                 and suffix apart, as \"prompt\" and \"suffix\""
            );
            return Err(ApiError::invalid("prompt", message));
        }
        Ok(Some((self.without_space(first), self.without_space(second))))
    }

    fn without_space<'a>(&self, text: &'a str) -> &'a str {
        let text = text.strip_prefix(self.space).unwrap_or(text);
        text.strip_suffix(self.space).unwrap_or(text)
    }
}

/// Splits off the files that are shown before the template, if there are any.
fn split_files(prompt: &str) -> (&str, &str) {
    let begins = |markers: &[&str]| markers.iter().any(|it| prompt.starts_with(it));
    if !begins(&FILE_MARKERS) && !begins(&REPO_MARKERS) {
        return ("", prompt);
    }
    let starts = TEMPLATES.iter().filter(|it| !it.middle.is_empty()).flat_map(|it| [it.prefix, it.suffix]);
    match starts.filter_map(|it| prompt.find(it)).min() {
        Some(start) => prompt.split_at(start),
        None => ("", prompt),
    }
}

/// Reads files of the form `MARKER path \n text`. The last one, when it has no text, is the file with the hole.
fn read_files(mut text: &str) -> (Vec<Snippet>, Option<PathBuf>) {
    let mut snippets = Vec::new();
    while let Some((start, marker)) = next_file(text) {
        let rest = &text[start + marker.len()..];
        let end = next_file(rest).map_or(rest.len(), |(end, _)| end);
        let (path, content) = rest[..end].split_once('\n').unwrap_or((&rest[..end], ""));
        snippets.push(Snippet { path: path.trim().to_owned(), text: content.to_owned() });
        text = &rest[end..];
    }
    let path = snippets.pop_if(|it| it.text.trim().is_empty()).map(|it| PathBuf::from(it.path));
    (snippets, path.filter(|it| !it.as_os_str().is_empty()))
}

fn next_file(text: &str) -> Option<(usize, &'static str)> {
    FILE_MARKERS.iter().filter_map(|marker| text.find(marker).map(|at| (at, *marker))).min()
}

/// Takes the files out of the prefix of a Codestral prompt; the last one is the file with the hole.
fn with_codestral_files(hole: Hole) -> Hole {
    if !hole.prefix.starts_with(CODESTRAL_FILE) {
        return hole;
    }
    let mut snippets: Vec<Snippet> = Vec::new();
    for line in hole.prefix.split_inclusive('\n') {
        match (line.strip_prefix(CODESTRAL_FILE), snippets.last_mut()) {
            (Some(path), _) => snippets.push(Snippet { path: path.trim().to_owned(), text: String::new() }),
            (None, Some(snippet)) => snippet.text.push_str(line),
            (None, None) => {}
        }
    }
    let Some(last) = snippets.pop() else { return hole };
    Hole { path: Some(last.path.into()), prefix: last.text, suffix: hole.suffix, snippets }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(prompt: &str, expected: Option<(&str, &str)>) {
        let hole = take_apart(prompt).unwrap();
        let parts = hole.as_ref().map(|it| (it.prefix.as_str(), it.suffix.as_str()));
        assert_eq!(parts, expected, "{prompt:?}");
    }

    #[test]
    fn the_templates_of_known_models_are_taken_apart() {
        for prompt in [
            "<|fim_prefix|>a = <|fim_suffix|>\nb<|fim_middle|>",
            "<|fim_suffix|>\nb<|fim_prefix|>a = <|fim_middle|>",
            "<fim_prefix>a = <fim_suffix>\nb<fim_middle>",
            "<[fim-suffix]>\nb<[fim-prefix]>a = <[fim-middle]>",
            "<｜fim▁begin｜>a = <｜fim▁hole｜>\nb<｜fim▁end｜>",
            "<|code_prefix|>a = <|code_suffix|>\nb<|code_middle|>",
            "<PRE> a =  <SUF>\nb <MID>",
            "[SUFFIX]\nb[PREFIX]a = ",
        ] {
            check(prompt, Some(("a = ", "\nb")));
        }
    }

    #[test]
    fn text_that_only_mentions_markers_stays_text() {
        for prompt in [
            "let marker = \"<|fim_prefix|>\";",
            "<|fim_prefix|>only a beginning",
            "x<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>",
            "<|fim_prefix|>a<|fim_suffix|>b",
            "[PREFIX] is a word",
            "<|file_sep|>a.py\nx = 1\n",
            "",
        ] {
            check(prompt, None);
        }
    }

    #[test]
    fn a_marker_inside_the_code_makes_the_prompt_ambiguous() {
        for prompt in [
            "<|fim_prefix|>s = \"<|fim_suffix|>\"<|fim_suffix|>\nb<|fim_middle|>",
            "<|fim_prefix|>s = \"<|fim_middle|>\"<|fim_suffix|>\nb<|fim_middle|>",
        ] {
            let error = take_apart(prompt).unwrap_err();
            assert!(error.message().contains("more than once"), "{error:?}");
        }
    }

    #[test]
    fn files_before_the_template_become_snippets_and_the_last_names_the_file() {
        let prompt = "<|repo_name|>shop\n<|file_sep|>a.py\nA = 1\n<|file_sep|>b.py\n<|fim_prefix|>x = <|fim_suffix|>\n<|fim_middle|>";
        let hole = take_apart(prompt).unwrap().unwrap();
        assert_eq!(hole.path, Some("b.py".into()));
        assert_eq!(hole.snippets, [Snippet { path: "a.py".to_owned(), text: "A = 1\n".to_owned() }]);
        assert_eq!((hole.prefix.as_str(), hole.suffix.as_str()), ("x = ", "\n"));
    }

    #[test]
    fn files_in_a_codestral_prompt_are_taken_out_of_the_prefix() {
        let hole = take_apart("[SUFFIX]\nz[PREFIX]+++++ a.py\nA = 1\n+++++ b.py\nx = ").unwrap().unwrap();
        assert_eq!((hole.path, hole.prefix.as_str()), (Some("b.py".into()), "x = "));
        assert_eq!(hole.snippets, [Snippet { path: "a.py".to_owned(), text: "A = 1\n".to_owned() }]);
    }
}
