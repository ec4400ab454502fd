//! How close two texts are, as published for completion benchmarks.

/// How much of each text is compared; the measure takes quadratic time.
const MAX_CHARS: usize = 1_500;

/// Returns 1 for equal texts and 0 for texts with nothing in common: twice the length of the longest common subsequence
/// over the sum of both lengths. White space at the ends does not count.
pub(crate) fn edit_similarity(left: &str, right: &str) -> f64 {
    let left: Vec<char> = left.trim().chars().take(MAX_CHARS).collect();
    let right: Vec<char> = right.trim().chars().take(MAX_CHARS).collect();
    if left.is_empty() && right.is_empty() {
        return 1.0;
    }
    let ratio = 2.0 * common_length(&left, &right) as f64 / (left.len() + right.len()) as f64;
    (ratio * 10_000.0).round() / 10_000.0
}

fn common_length(left: &[char], right: &[char]) -> usize {
    let mut previous = vec![0; right.len() + 1];
    let mut current = previous.clone();
    for a in left {
        for (idx, b) in right.iter().enumerate() {
            current[idx + 1] = if a == b { previous[idx] + 1 } else { previous[idx + 1].max(current[idx]) };
        }
        std::mem::swap(&mut previous, &mut current);
    }
    previous[right.len()]
}

/// Returns whether an answer is the reference, where there are no tests: as many lines as the reference has are compared,
/// without regard to white space.
pub(crate) fn is_match(answer: &str, reference: &str) -> bool {
    let answer = as_long_as(answer, reference);
    let squeezed = |text: &str| text.chars().filter(|it| !it.is_whitespace()).collect::<String>();
    squeezed(&answer) == squeezed(reference)
}

/// Returns as many lines of `answer` as `reference` has, blank ones aside.
pub(crate) fn as_long_as(answer: &str, reference: &str) -> String {
    let n_lines = reference.lines().filter(|it| !it.trim().is_empty()).count().max(1);
    let lines: Vec<&str> = answer.lines().filter(|it| !it.trim().is_empty()).take(n_lines).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarity_is_the_share_of_what_both_have_in_order() {
        for (left, right, expected) in
            [("", " \n", 1.0), ("abc", "abc ", 1.0), ("abc", "xyz", 0.0), ("abcd", "abxd", 0.75)]
        {
            assert!((edit_similarity(left, right) - expected).abs() < 1e-9, "{left:?} {right:?}");
        }
    }

    #[test]
    fn a_match_looks_at_as_many_lines_as_the_reference_has() {
        assert!(is_match("\n  f(a,  b)\ng()\n", "f(a, b)"));
        assert!(!is_match("f(a)\n", "f(a)\ng()"));
        assert!(!is_match("f(b)", "f(a)"));
    }
}
