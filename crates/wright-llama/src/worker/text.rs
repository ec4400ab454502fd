//! Turns the bytes of tokens into text that may be shown: whole characters only, and nothing that a stop text may still
//! claim.

/// The text of one completion as it grows.
#[derive(Debug)]
pub(super) struct GrowingText {
    stops: Vec<String>,
    /// Bytes that are not a whole character yet.
    partial: Vec<u8>,
    /// Whole characters that may turn out to be the start of a stop text.
    held: String,
}

/// What became of the bytes that were added.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Grown {
    /// This much may be shown now.
    Text(String),
    /// A stop text appeared; this much precedes it.
    Stopped(String),
}

impl GrowingText {
    /// Returns an empty text that ends at any of `stops`.
    pub(super) fn new(stops: &[String]) -> Self {
        let stops = stops.iter().filter(|stop| !stop.is_empty()).cloned().collect();
        Self { stops, partial: Vec::new(), held: String::new() }
    }

    /// Adds the bytes of a token.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Grown {
        self.partial.extend_from_slice(bytes);
        let whole = take_whole_characters(&mut self.partial);
        self.held.push_str(&whole);
        if let Some(at) = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min() {
            self.held.truncate(at);
            return Grown::Stopped(std::mem::take(&mut self.held));
        }
        let keep_from = self.first_possible_stop();
        let rest = self.held.split_off(keep_from);
        Grown::Text(std::mem::replace(&mut self.held, rest))
    }

    /// Returns what was held back, at the end of the completion. Bytes that never became a character are dropped.
    pub(super) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Returns where the held text may be the beginning of a stop text; its length where that cannot be.
    fn first_possible_stop(&self) -> usize {
        self.held
            .char_indices()
            .map(|(at, _)| at)
            .find(|&at| self.stops.iter().any(|stop| stop.starts_with(&self.held[at..])))
            .unwrap_or(self.held.len())
    }
}

/// Removes the whole characters from the front of `bytes`; bytes that can never be a character become `\u{fffd}`.
fn take_whole_characters(bytes: &mut Vec<u8>) -> String {
    let mut text = String::new();
    loop {
        match std::str::from_utf8(bytes) {
            Ok(whole) => {
                text.push_str(whole);
                bytes.clear();
                return text;
            }
            Err(error) => {
                let valid = error.valid_up_to();
                text.push_str(&String::from_utf8_lossy(&bytes[..valid]));
                let Some(n_bad) = error.error_len() else {
                    bytes.drain(..valid);
                    return text;
                };
                text.push(char::REPLACEMENT_CHARACTER);
                bytes.drain(..valid + n_bad);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the pieces and returns what was shown after each, then what the end released.
    fn check(stops: &[&str], pieces: &[&[u8]], expected: &[&str]) {
        let stops: Vec<String> = stops.iter().map(|&stop| stop.to_owned()).collect();
        let mut text = GrowingText::new(&stops);
        let mut shown = Vec::new();
        for piece in pieces {
            match text.push(piece) {
                Grown::Text(text) => shown.push(text),
                Grown::Stopped(text) => {
                    shown.push(text);
                    shown.push("<stop>".to_owned());
                    assert_eq!(shown, expected);
                    return;
                }
            }
        }
        shown.push(text.finish());
        assert_eq!(shown, expected);
    }

    #[test]
    fn text_without_stops_is_shown_at_once() {
        check(&[], &[b"fn", b" main"], &["fn", " main", ""]);
    }

    #[test]
    fn a_character_split_over_tokens_is_shown_whole() {
        check(&[], &[&[0xc3], &[0xa9, b'!']], &["", "\u{e9}!", ""]);
    }

    #[test]
    fn bytes_that_are_no_character_are_replaced_and_a_cut_one_at_the_end_is_dropped() {
        check(&[], &[&[b'a', 0xff, b'b'], &[0xe2, 0x82]], &["a\u{fffd}b", "", ""]);
    }

    #[test]
    fn a_stop_text_over_three_tokens_is_never_shown() {
        check(&["\n\ndef"], &[b"x\n", b"\nd", b"ef f"], &["x", "", "", "<stop>"]);
    }

    #[test]
    fn a_false_start_of_a_stop_text_is_shown_once_it_is_one() {
        check(&["\n\ndef"], &[b"x\n", b"\nd", b"og"], &["x", "", "\n\ndog", ""]);
    }

    #[test]
    fn the_held_start_of_a_stop_text_is_released_at_the_end() {
        check(&["```"], &[b"a``"], &["a", "``"]);
    }

    #[test]
    fn the_earliest_stop_text_wins() {
        check(&["c", "b"], &[b"abc"], &["a", "<stop>"]);
    }

    #[test]
    fn an_empty_stop_text_stops_nothing() {
        check(&[""], &[b"ab"], &["ab", ""]);
    }
}
