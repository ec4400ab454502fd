//! One problem that several checks report is shown once: by the one that says the most, with the names of the others.
//!
//! Two findings are one problem where both are about the same family of weaknesses, on the same lines of a file. Findings of
//! one check are never joined, nor are findings without a weakness.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::Finding;
use crate::assessment::Assessed;
use crate::ratchet::State;

/// Weaknesses that tools give to the same mistake, each family by its best-known number first.
const FAMILIES: [&[u16]; 12] = [
    &[78, 77, 88],
    &[89, 564, 943],
    &[79, 80, 83, 87],
    &[22, 23, 35, 36, 73],
    &[94, 95, 96],
    &[327, 326, 328, 916],
    &[330, 331, 335, 338],
    &[798, 259, 321, 547],
    &[295, 296, 297, 599],
    &[377, 378, 379],
    &[611, 776, 827],
    &[918, 441],
];

/// Joins the findings that are one problem.
pub(crate) fn join(findings: Vec<Assessed>) -> Vec<Assessed> {
    let mut kept: Vec<Assessed> = Vec::with_capacity(findings.len());
    let mut places: HashMap<(State, PathBuf, u16), Vec<usize>> = HashMap::new();
    for assessed in findings {
        let Some(place) = place(&assessed) else {
            kept.push(assessed);
            continue;
        };
        let here = places.entry(place).or_default();
        let twin = here.iter().copied().find(|idx| is_twin(&kept[*idx], &assessed));
        match twin {
            Some(idx) => merge(&mut kept[idx], assessed),
            None => {
                here.push(kept.len());
                kept.push(assessed);
            }
        }
    }
    kept
}

fn place(assessed: &Assessed) -> Option<(State, PathBuf, u16)> {
    let finding = &assessed.finding;
    let weakness = *finding.cwe.first()?;
    let family = FAMILIES.iter().find(|it| it.contains(&weakness)).map_or(weakness, |it| it[0]);
    finding.line?;
    Some((assessed.state, finding.path.clone()?, family))
}

fn is_twin(a: &Assessed, b: &Assessed) -> bool {
    let is_alike = a.suppressed.is_some() == b.suppressed.is_some() && a.finding.check != b.finding.check;
    let ((a_first, a_last), (b_first, b_last)) = (lines(&a.finding), lines(&b.finding));
    is_alike && a_first <= b_last && b_first <= a_last
}

fn lines(finding: &Finding) -> (usize, usize) {
    let line = finding.line.unwrap_or_default();
    finding.span.map_or((line, line), |it| (it.line, it.end_line))
}

/// Keeps the finding that says more, and names the other in its evidence.
fn merge(kept: &mut Assessed, mut other: Assessed) {
    let weight = |it: &Assessed| {
        let finding = &it.finding;
        (it.blocks, finding.severity, finding.confidence, finding.trace.len(), finding.span.is_some())
    };
    if weight(&other) > weight(kept) {
        std::mem::swap(kept, &mut other);
    }
    let also = format!("{} reports it too ({})", other.finding.check, other.finding.rule);
    kept.finding.evidence = Some(match kept.finding.evidence.take() {
        Some(evidence) => format!("{evidence}; {also}"),
        None => also,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assessed(check: &'static str, cwe: u16, line: usize, state: State) -> Assessed {
        let finding = Finding::warning(check, "m").rule(format!("{check}/r")).cwe(vec![cwe]).at("a.py", Some(line));
        Assessed { finding, state, fingerprint: String::new(), suppressed: None, blocks: false }
    }

    fn checks(findings: Vec<Assessed>) -> Vec<&'static str> {
        join(findings).iter().map(|it| it.finding.check).collect()
    }

    #[test]
    fn the_same_weakness_on_the_same_line_is_one_problem() {
        let blocking = Assessed { blocks: true, ..assessed("flow", 89, 3, State::New) };
        let joined = join(vec![assessed("bandit", 89, 3, State::New), blocking]);
        assert_eq!(joined.len(), 1);
        assert_eq!(joined[0].finding.check, "flow");
        assert_eq!(joined[0].finding.evidence.as_deref(), Some("bandit reports it too (bandit/r)"));
        assert_eq!(checks(vec![assessed("a", 78, 3, State::New), assessed("b", 77, 3, State::New)]), ["a"]);
    }

    #[test]
    fn other_lines_weaknesses_states_and_findings_of_one_check_stay_apart() {
        let table = [
            (assessed("a", 89, 3, State::New), assessed("b", 89, 4, State::New)),
            (assessed("a", 89, 3, State::New), assessed("b", 79, 3, State::New)),
            (assessed("a", 89, 3, State::New), assessed("b", 89, 3, State::Unchanged)),
            (assessed("a", 89, 3, State::New), assessed("a", 89, 3, State::New)),
        ];
        for (a, b) in table {
            assert_eq!(checks(vec![a, b]).len(), 2);
        }
    }
}
