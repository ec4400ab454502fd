//! Finds fenced code in what a model writes, all at once or as it arrives.
//!
//! Follows CommonMark where models do, and is forgiving where they are careless: a fence may be indented by any amount (in
//! a list), and the last one may stay open. A fence closes only with its own character, at least as many times, with
//! nothing after it, and not indented more than three columns beyond its opening, so that code may quote other fences.

use std::ops::Range;

/// One fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FencedBlock {
    /// The first word after the opening fence, as written.
    pub language: Option<String>,
    /// The code, with its last newline and without the indentation of the fence.
    pub text: String,
    /// The bytes of the whole block, fences included.
    pub range: Range<usize>,
    /// Whether a closing fence was found.
    pub closed: bool,
}

/// What a [`FenceScanner`] saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FenceEvent {
    /// Text outside any fence.
    Prose(String),
    /// A fence opened.
    Opened {
        /// The first word after the fence, as written.
        language: Option<String>,
        /// Where the line of the fence starts, in bytes from the first push.
        start: usize,
    },
    /// Text inside a fence.
    Code(String),
    /// The fence closed.
    Closed {
        /// Where the line of the closing fence ends, its newline included, in bytes from the first push.
        end: usize,
    },
}

/// Finds the fenced blocks of a whole text.
pub fn fenced_blocks(markdown: &str) -> Vec<FencedBlock> {
    let mut scanner = FenceScanner::new();
    let mut events = scanner.push(markdown);
    events.extend(scanner.finish());
    let mut blocks: Vec<FencedBlock> = Vec::new();
    for event in events {
        match event {
            FenceEvent::Prose(_) => {}
            FenceEvent::Opened { language, start } => {
                let range = start..markdown.len();
                blocks.push(FencedBlock { language, text: String::new(), range, closed: false });
            }
            FenceEvent::Code(code) => {
                if let Some(block) = blocks.last_mut() {
                    block.text.push_str(&code);
                }
            }
            FenceEvent::Closed { end } => {
                if let Some(block) = blocks.last_mut() {
                    block.range.end = end;
                    block.closed = true;
                }
            }
        }
    }
    blocks
}

/// Finds fenced blocks in a text that arrives in pieces.
///
/// Text is passed on as soon as it is certain not to be part of a fence, wherever the pieces are cut.
#[derive(Clone, Debug, Default)]
pub struct FenceScanner {
    open: Option<Fence>,
    /// The start of a line of which it is not certain yet what it is.
    pending: String,
    /// Whether the rest of the present line is known to be ordinary text.
    in_text: bool,
    /// How many bytes came before `pending`.
    n_consumed: usize,
}

#[derive(Clone, Debug)]
struct Fence {
    mark: char,
    length: usize,
    indent: usize,
}

impl FenceScanner {
    /// Makes a scanner at the start of a text.
    pub fn new() -> FenceScanner {
        FenceScanner::default()
    }

    /// Takes the next piece and returns what has become certain.
    pub fn push(&mut self, piece: &str) -> Vec<FenceEvent> {
        let mut events = Vec::new();
        for line in piece.split_inclusive('\n') {
            if self.in_text {
                self.pass_on(line, &mut events);
            } else {
                self.pending.push_str(line);
                self.settle(LineState::of(&self.pending), &mut events);
            }
            self.in_text &= !line.ends_with('\n');
        }
        events
    }

    /// Ends the text and returns what was still uncertain; a fence that is open then stays open.
    pub fn finish(&mut self) -> Vec<FenceEvent> {
        let mut events = Vec::new();
        if !self.pending.is_empty() {
            self.settle(LineState::Whole, &mut events);
        }
        self.in_text = false;
        events
    }

    fn settle(&mut self, state: LineState, events: &mut Vec<FenceEvent>) {
        match &self.open {
            None => self.settle_outside(state, events),
            Some(fence) => {
                let fence = fence.clone();
                self.settle_inside(&fence, state, events);
            }
        }
    }

    fn settle_outside(&mut self, state: LineState, events: &mut Vec<FenceEvent>) {
        let opening = Fence::opened_by(&self.pending);
        let may_open = opening.is_some() || Fence::may_start(&self.pending);
        match (state, opening) {
            (LineState::Whole, Some((fence, language))) => {
                events.push(FenceEvent::Opened { language, start: self.n_consumed });
                self.n_consumed += self.pending.len();
                self.pending.clear();
                self.open = Some(fence);
            }
            (LineState::Partial, _) if may_open => {}
            (LineState::Whole | LineState::Partial, _) => self.pass_on_pending(events),
        }
    }

    fn settle_inside(&mut self, fence: &Fence, state: LineState, events: &mut Vec<FenceEvent>) {
        match state {
            LineState::Whole if fence.is_closed_by(&self.pending) => {
                self.n_consumed += self.pending.len();
                self.pending.clear();
                self.open = None;
                events.push(FenceEvent::Closed { end: self.n_consumed });
            }
            LineState::Partial if fence.may_be_closed_by(&self.pending) => {}
            LineState::Whole | LineState::Partial => {
                let n_indent = leading_blanks(&self.pending).min(fence.indent);
                self.n_consumed += n_indent;
                self.pending.drain(..n_indent);
                self.pass_on_pending(events);
            }
        }
    }

    fn pass_on_pending(&mut self, events: &mut Vec<FenceEvent>) {
        let text = std::mem::take(&mut self.pending);
        self.in_text = !text.ends_with('\n');
        self.pass_on(&text, events);
    }

    fn pass_on(&mut self, text: &str, events: &mut Vec<FenceEvent>) {
        self.n_consumed += text.len();
        match (events.last_mut(), &self.open) {
            (Some(FenceEvent::Prose(before)), None) | (Some(FenceEvent::Code(before)), Some(_)) => {
                before.push_str(text);
            }
            (_, None) => events.push(FenceEvent::Prose(text.to_owned())),
            (_, Some(_)) => events.push(FenceEvent::Code(text.to_owned())),
        }
    }
}

#[derive(Clone, Copy)]
enum LineState {
    Partial,
    Whole,
}

impl LineState {
    fn of(line: &str) -> LineState {
        if line.ends_with('\n') { LineState::Whole } else { LineState::Partial }
    }
}

impl Fence {
    fn opened_by(line: &str) -> Option<(Fence, Option<String>)> {
        let indent = leading_blanks(line);
        let rest = line[indent..].trim_end_matches(['\n', '\r']);
        let mark = rest.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let info = rest.trim_start_matches(mark);
        let length = rest.len() - info.len();
        let is_inline_code = mark == '`' && info.contains('`');
        (length >= 3 && !is_inline_code).then(|| (Fence { mark, length, indent }, language_of(info)))
    }

    /// Returns whether the start of a line may yet become an opening fence.
    fn may_start(line: &str) -> bool {
        let rest = line.trim_start_matches([' ', '\t']);
        rest.len() < 3 && (rest.chars().all(|mark| mark == '`') || rest.chars().all(|mark| mark == '~'))
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let rest = line.trim_start_matches([' ', '\t']);
        let after = rest.trim_start_matches(self.mark);
        let is_near = leading_blanks(line) <= self.indent + 3;
        is_near && rest.len() - after.len() >= self.length && after.trim().is_empty()
    }

    fn may_be_closed_by(&self, line: &str) -> bool {
        let rest = line.trim_start_matches([' ', '\t']);
        let after = rest.trim_start_matches(self.mark);
        let is_near = leading_blanks(line) <= self.indent + 3;
        is_near && (after.is_empty() || (rest.len() - after.len() >= self.length && after.trim().is_empty()))
    }
}

fn leading_blanks(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// Takes the first word of what stands after a fence; `python:src/a.py`, `{.python}` and `python,ignore` name Python.
fn language_of(info: &str) -> Option<String> {
    let info = info.trim().trim_start_matches(['{', '.']);
    let word = info.split(|mark: char| mark.is_whitespace() || matches!(mark, ',' | ':' | '{' | '}' | ';')).next()?;
    (!word.is_empty()).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(markdown: &str, expected: &[(Option<&str>, &str, bool)]) {
        let blocks = fenced_blocks(markdown);
        let found: Vec<_> =
            blocks.iter().map(|block| (block.language.as_deref(), block.text.as_str(), block.closed)).collect();
        assert_eq!(found, expected, "{markdown}");
    }

    #[test]
    fn blocks_are_found_with_their_language() {
        check("Hi\n```py\nx\n```\nand\n~~~\ny\n~~~\n", &[(Some("py"), "x\n", true), (None, "y\n", true)]);
        check("```python title=\"a\"\nx\n```", &[(Some("python"), "x\n", true)]);
        check("``` {.rust}\n```", &[(Some("rust"), "", true)]);
        check("```js:src/a.js\n```", &[(Some("js"), "", true)]);
    }

    #[test]
    fn a_longer_fence_may_quote_a_shorter_one() {
        check("````md\n```py\nx\n```\n````\n", &[(Some("md"), "```py\nx\n```\n", true)]);
        check("~~~\n```\n~~~\n", &[(None, "```\n", true)]);
    }

    #[test]
    fn a_fence_with_a_word_after_it_does_not_close() {
        check("```\na\n```py\nb\n```\n", &[(None, "a\n```py\nb\n", true)]);
    }

    #[test]
    fn the_last_fence_may_stay_open() {
        check("```py\nx = 1\ny", &[(Some("py"), "x = 1\ny", false)]);
        check("```", &[(None, "", false)]);
    }

    #[test]
    fn a_fence_in_a_list_gives_its_code_without_indentation() {
        check("1. a\n   ```py\n   if x:\n       y\n   ```\n", &[(Some("py"), "if x:\n    y\n", true)]);
    }

    #[test]
    fn a_fence_deep_inside_the_code_does_not_close() {
        check("```py\n    ```\nx\n```\n", &[(Some("py"), "    ```\nx\n", true)]);
    }

    #[test]
    fn inline_code_opens_nothing() {
        check("```x``` is code\n", &[]);
        check("a ``` b\n", &[]);
    }

    #[test]
    fn line_endings_of_windows_are_no_part_of_the_language() {
        check("```py\r\nx\r\n```\r\n", &[(Some("py"), "x\r\n", true)]);
    }

    #[test]
    fn a_range_covers_the_fences() {
        let text = "a\n```\nx\n```\nb";
        assert_eq!(&text[fenced_blocks(text)[0].range.clone()], "```\nx\n```\n");
    }

    #[test]
    fn prose_is_passed_on_before_its_line_ends() {
        let mut scanner = FenceScanner::new();
        assert_eq!(scanner.push("Hel"), vec![FenceEvent::Prose("Hel".into())]);
        assert_eq!(scanner.push("lo\n``"), vec![FenceEvent::Prose("lo\n".into())]);
        assert_eq!(
            scanner.push("`py\nx = "),
            vec![FenceEvent::Opened { language: Some("py".into()), start: 6 }, FenceEvent::Code("x = ".into()),]
        );
        assert_eq!(scanner.push("1\n```"), vec![FenceEvent::Code("1\n".into())]);
        assert_eq!(scanner.finish(), vec![FenceEvent::Closed { end: 21 }]);
    }

    /// Joins neighboring texts, which pieces may cut anywhere.
    fn joined(events: Vec<FenceEvent>) -> Vec<FenceEvent> {
        let mut result: Vec<FenceEvent> = Vec::new();
        for event in events {
            match (result.last_mut(), event) {
                (Some(FenceEvent::Prose(before)), FenceEvent::Prose(text)) => before.push_str(&text),
                (Some(FenceEvent::Code(before)), FenceEvent::Code(text)) => before.push_str(&text),
                (_, event) => result.push(event),
            }
        }
        result
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn it_does_not_matter_where_the_text_is_cut(
            text in "(`{1,4}|~{3}|py| {1,4}|\n|\r\n|é|x){0,30}",
            cuts in prop::collection::vec(0usize..90, 0..8),
        ) {
            let mut whole = FenceScanner::new();
            let mut expected = whole.push(&text);
            expected.extend(whole.finish());

            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| text.is_char_boundary(*cut)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let mut scanner = FenceScanner::new();
            let mut events: Vec<_> = cuts.windows(2).flat_map(|cut| scanner.push(&text[cut[0]..cut[1]])).collect();
            events.extend(scanner.finish());
            prop_assert_eq!(joined(events), joined(expected));
        }

        #[test]
        fn ranges_lie_in_the_text_in_order(text in "(`{1,4}|~{3}|py| {1,4}|\n|é|x){0,30}") {
            let mut previous_end = 0;
            for block in fenced_blocks(&text) {
                prop_assert!(previous_end <= block.range.start && block.range.end <= text.len());
                prop_assert!(text.get(block.range.clone()).is_some());
                previous_end = block.range.end;
            }
        }
    }
}
