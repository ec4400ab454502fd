//! How much of a text that was accepted is still there, by its words and signs in their order.
//!
//! Spaces do not count, so reformatting keeps everything. What was typed in between does not count against it.

/// The longest text that is compared, in tokens; the rest is taken to have fared as well as the beginning.
const MAX_TOKENS: usize = 800;

/// Returns the share, from 0 to 1, of the characters of `accepted` that `present` still has.
pub(crate) fn kept_share(accepted: &str, present: &str) -> f32 {
    let accepted = tokens(accepted);
    let present = tokens(present);
    let n_chars: usize = accepted.iter().map(|it| it.chars().count()).sum();
    if n_chars == 0 {
        return 1.0;
    }
    longest_common(&accepted, &present) as f32 / n_chars as f32
}

/// Returns how many characters that are no spaces a text has.
pub(crate) fn n_visible_chars(text: &str) -> u64 {
    text.chars().filter(|it| !it.is_whitespace()).count() as u64
}

/// Returns words and single signs.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if tokens.len() == MAX_TOKENS {
            break;
        }
        let is_word = |it: char| it.is_alphanumeric() || it == '_';
        let end = if is_word(first) { rest.find(|it| !is_word(it)).unwrap_or(rest.len()) } else { first.len_utf8() };
        tokens.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    tokens
}

/// Returns the number of characters in the longest common subsequence.
fn longest_common(a: &[&str], b: &[&str]) -> usize {
    let mut previous = vec![0; b.len() + 1];
    for token in a {
        let mut row = vec![0; b.len() + 1];
        for (idx, other) in b.iter().enumerate() {
            let taken = if token == other { previous[idx] + token.chars().count() } else { 0 };
            row[idx + 1] = taken.max(previous[idx + 1]).max(row[idx]);
        }
        previous = row;
    }
    previous.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_counted_in_characters_of_whole_tokens() {
        let table = [
            ("total = a + b", "total = a + b", 100),
            ("total = a + b", "total   =\n a+b", 100),
            ("total = a + b", "", 0),
            ("total = a + b", "totals = a + b", 44),
            ("total = a + b", "total = max(a, 0) + b", 100),
            ("abc", "cba", 0),
            ("  \n", "", 100),
        ];
        for (accepted, present, percent) in table {
            assert_eq!((kept_share(accepted, present) * 100.0).round() as i32, percent, "{accepted:?} {present:?}");
        }
    }
}
