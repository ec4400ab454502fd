//! The result for people: the code with a mark below it, what is wrong, why we believe it and what to do; then what ran and
//! what did not.
//!
//! The line of a secret is never shown.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wright_text::neutral_line;

use super::Document;
use crate::assessment::{Assessed, Outcome};
use crate::identity::{is_secret, line_range};
use crate::ratchet::State;
use crate::{CheckReport, CheckStatus, Severity};

/// More lines of one finding are not shown.
const MAX_SHOWN_LINES: usize = 6;

/// A longer line is cut where it is shown.
const MAX_SHOWN_CHARACTERS: usize = 160;

/// Of the files that a check left out, more are not named.
const MAX_SHOWN_LEFT_OUT: usize = 3;

/// The most findings that are told to an agent at once.
const MAX_TOLD: usize = 20;

/// What a piece of text is, which decides its color. Nothing is said by color alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// What refuses the change.
    Bad,
    /// What is worth a look.
    Note,
    /// What went well.
    Good,
    /// A heading.
    Strong,
    /// Beside the point.
    Faint,
}

/// Returns a text in the color of its ink.
pub type Paint<'a> = &'a dyn Fn(Ink, &str) -> String;

/// Returns the new findings by file, and the summary.
pub fn text(document: Document<'_>, paint: Paint<'_>) -> String {
    let mut page = Page { document, paint, out: String::new(), texts: HashMap::new(), hidden: hidden_lines(document) };
    let mut last = None;
    for assessed in document.assessment.new_findings() {
        let path = assessed.finding.path.as_deref();
        if last != Some(path) {
            last = Some(path);
            let name = path.map_or_else(|| "the change as a whole".into(), |it| it.to_string_lossy().into_owned());
            page.line(&paint(Ink::Strong, &neutral_line(&name)));
        }
        page.finding(assessed);
    }
    page.summary();
    page.out
}

/// Returns the reasons for a refusal, short, for an agent that should mend them; nothing where nothing refuses.
pub fn agent_reason(document: Document<'_>) -> Option<String> {
    let blocking: Vec<&Assessed> = document.assessment.findings.iter().filter(|it| it.blocks).collect();
    if blocking.is_empty() {
        return None;
    }
    let mut text = format!("wright check refuses this change, {} new:\n", count(blocking.len(), "finding"));
    for assessed in blocking.iter().take(MAX_TOLD) {
        let _ = writeln!(text, "- {}", neutral_line(&assessed.finding.to_string()));
        for more in [&assessed.finding.evidence, &assessed.finding.hint].into_iter().flatten() {
            let _ = writeln!(text, "  {}", neutral_line(more));
        }
    }
    if blocking.len() > MAX_TOLD {
        let _ = writeln!(text, "- and {} more", blocking.len() - MAX_TOLD);
    }
    Some(text)
}

struct Page<'a> {
    document: Document<'a>,
    paint: Paint<'a>,
    out: String,
    texts: HashMap<PathBuf, Option<Arc<str>>>,
    /// Lines with a secret in them.
    hidden: BTreeSet<(PathBuf, usize)>,
}

impl Page<'_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    fn finding(&mut self, assessed: &Assessed) {
        let finding = &assessed.finding;
        let (ink, word) = match finding.severity {
            Severity::Error => (Ink::Bad, "error"),
            Severity::Warning => (Ink::Note, "warning"),
            Severity::Note => (Ink::Faint, "note"),
        };
        let place = match (finding.line, finding.span) {
            (_, Some(span)) => format!("{}:{}: ", span.line, span.column),
            (Some(line), None) => format!("{line}: "),
            (None, None) => String::new(),
        };
        let head = (self.paint)(ink, &format!("{word}[{}]", neutral_line(&finding.rule)));
        self.line(&format!("  {place}{head} {}", neutral_line(&finding.message)));
        self.code(assessed);
        let trace: Vec<String> = finding
            .trace
            .iter()
            .filter(|_| !is_secret(finding))
            .map(|it| format!("line {}: {}", it.line, neutral_line(&it.note)))
            .collect();
        for step in trace {
            self.line(&format!("      = {step}"));
        }
        if let Some(evidence) = &finding.evidence {
            self.line(&format!("      = because {}", neutral_line(evidence)));
        }
        if let Some(hint) = &finding.hint {
            self.line(&format!("      = hint: {}", neutral_line(hint)));
        }
        self.line("");
    }

    /// Shows the lines of a finding with a mark below the first.
    fn code(&mut self, assessed: &Assessed) {
        let finding = &assessed.finding;
        let (Some(path), Some(line)) = (finding.path.clone(), finding.line) else { return };
        let Some(text) = self.text_of(&path) else { return };
        let last = finding.span.map_or(line, |it| it.end_line).min(line + MAX_SHOWN_LINES - 1);
        let width = last.to_string().len();
        for number in line..=last.max(line) {
            let Some(code) = line_range(&text, number).and_then(|range| text.get(range)) else { return };
            if self.hidden.contains(&(path.clone(), number)) {
                self.line(&format!("      {number:>width$} | (not shown: it holds a secret)"));
                continue;
            }
            let shown: String = code.replace('\t', "    ").chars().take(MAX_SHOWN_CHARACTERS).collect();
            self.line(&format!("      {number:>width$} | {}", neutral_line(&shown)));
            if number == line
                && let Some(mark) = mark(assessed, code)
            {
                let painted = (self.paint)(Ink::Bad, mark.trim_start());
                let gap = mark.len() - mark.trim_start().len();
                self.line(&format!("      {:>width$} | {}{painted}", "", " ".repeat(gap)));
            }
        }
    }

    fn text_of(&mut self, path: &Path) -> Option<Arc<str>> {
        if let Some(text) = self.texts.get(path) {
            return text.clone();
        }
        let touched = self.document.change.files.iter().find(|it| it.path == path);
        let text = match touched {
            Some(file) => file.after.text().map(Arc::from),
            None => self.document.after.read(path),
        };
        self.texts.insert(path.to_path_buf(), text.clone());
        text
    }

    fn summary(&mut self) {
        let assessment = self.document.assessment;
        self.accounts();
        let n_new = assessment.new_findings().count();
        let n_blocking = assessment.findings.iter().filter(|it| it.blocks).count();
        let mut parts = vec![format!("{n_new} new ({n_blocking} blocking)")];
        for (n, word) in [
            (assessment.count(State::Unchanged), "unchanged"),
            (assessment.count(State::Absent), "gone"),
            (assessment.n_suppressed(), "excepted"),
        ] {
            if n > 0 {
                parts.push(format!("{n} {word}"));
            }
        }
        let (ink, word) = match assessment.outcome {
            Outcome::Pass => (Ink::Good, "pass"),
            Outcome::Fail => (Ink::Bad, "fail"),
            Outcome::Inconclusive => (Ink::Note, "inconclusive"),
        };
        let files = count(self.document.change.files.len(), "file");
        let word = (self.paint)(ink, word);
        self.line(&format!("{word}: {} in {files}", parts.join(", ")));
        if assessment.outcome == Outcome::Inconclusive {
            self.line(&format!("nothing can be promised without: {}", assessment.undecided.join(", ")));
        }
    }

    /// Says what the checks did and what they left out; those that did the same share a line.
    fn accounts(&mut self) {
        let mut lines: Vec<(bool, &str, Vec<String>, String)> = Vec::new();
        for report in &self.document.assessment.checks {
            let name = match &report.tool {
                Some(tool) => {
                    format!("{} ({} {})", report.check, neutral_line(&tool.name), neutral_line(&tool.version))
                }
                None => report.check.to_owned(),
            };
            let (word, rest) = account(report);
            match lines.iter_mut().find(|it| it.1 == word && it.3 == rest) {
                Some(line) => line.2.push(name),
                None => lines.push((report.status == CheckStatus::Ran, word, vec![name], rest)),
            }
        }
        for (is_whole, word, names, rest) in lines {
            let ink = if is_whole { Ink::Faint } else { Ink::Note };
            self.line(&(self.paint)(ink, &format!("{word:<8} {}: {rest}", names.join(", "))));
        }
    }
}

/// Returns how far a check got, and on what.
fn account(report: &CheckReport) -> (&'static str, String) {
    let files = count(report.analysed.len(), "file");
    match &report.status {
        CheckStatus::Ran => ("ran", files),
        CheckStatus::Partial(left_out) => {
            let shown = left_out.iter().take(MAX_SHOWN_LEFT_OUT);
            let shown =
                shown.map(|(path, why)| format!("{} ({})", neutral_line(&path.to_string_lossy()), neutral_line(why)));
            let n_more = left_out.len().saturating_sub(MAX_SHOWN_LEFT_OUT);
            let more = if n_more > 0 { format!(" and {n_more} more") } else { String::new() };
            ("partial", format!("{files}; not {}{more}", shown.collect::<Vec<_>>().join(", ")))
        }
        CheckStatus::NotRun(why) => ("not run", neutral_line(why).into_owned()),
        CheckStatus::Failed(why) => ("failed", neutral_line(why).into_owned()),
    }
}

/// Returns every line on which a secret was found.
fn hidden_lines(document: Document<'_>) -> BTreeSet<(PathBuf, usize)> {
    let mut lines = BTreeSet::new();
    for finding in document.assessment.findings.iter().map(|it| &it.finding).filter(|it| is_secret(it)) {
        if let (Some(path), Some(line)) = (&finding.path, finding.line) {
            let last = finding.span.map_or(line, |it| it.end_line);
            lines.extend((line..=last).map(|line| (path.clone(), line)));
        }
    }
    lines
}

/// Returns the mark below the first line of a finding.
fn mark(assessed: &Assessed, code: &str) -> Option<String> {
    let span = assessed.finding.span?;
    let n_characters = code.chars().count();
    let start = span.column.saturating_sub(1);
    let end = if span.line == span.end_line { span.end_column.saturating_sub(1) } else { n_characters };
    let width = |n: usize| code.chars().take(n).map(|it| if it == '\t' { 4 } else { 1 }).sum::<usize>();
    let (start, end) = (width(start), width(end.min(n_characters)));
    (start < MAX_SHOWN_CHARACTERS && start <= end).then(|| {
        let length = (end - start).clamp(1, MAX_SHOWN_CHARACTERS - start);
        " ".repeat(start) + &"^".repeat(length)
    })
}

fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
