//! Ends a text at the first stop text, however the text arrives in pieces.

/// Cuts streamed text at the first stop text and holds back what could be the beginning of one.
///
/// Invariant: the text let through does not depend on where the pieces are cut.
pub(crate) struct StopFilter {
    stops: Vec<String>,
    held: String,
}

/// What a piece of text became.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Filtered {
    /// This much may be shown; more may follow.
    Passed(String),
    /// A stop text appeared; this much was before it and nothing may follow.
    Stopped(String),
}

impl StopFilter {
    /// Returns a filter for `stops`. Empty stop texts are ignored.
    pub(crate) fn new(stops: &[String]) -> Self {
        let stops = stops.iter().filter(|stop| !stop.is_empty()).cloned().collect();
        Self { stops, held: String::new() }
    }

    /// Takes the next piece and returns what may be shown.
    pub(crate) fn push(&mut self, piece: &str) -> Filtered {
        self.held.push_str(piece);
        if let Some(start) = self.first_stop() {
            self.held.truncate(start);
            return Filtered::Stopped(std::mem::take(&mut self.held));
        }
        let tail = self.held.split_off(self.held.len() - self.doubtful_len());
        Filtered::Passed(std::mem::replace(&mut self.held, tail))
    }

    /// Returns what was held back, once it is known that nothing follows.
    pub(crate) fn flush(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Returns where the stop text that is complete first begins.
    fn first_stop(&self) -> Option<usize> {
        let places = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str()).map(|at| (at + stop.len(), at)));
        places.min().map(|(_, start)| start)
    }

    /// Returns the length of the longest end of the held text that may be the beginning of a stop text.
    fn doubtful_len(&self) -> usize {
        let longest = self.stops.iter().map(|stop| stop.len() - 1).max().unwrap_or(0).min(self.held.len());
        (1..=longest).rev().find(|&len| self.may_begin_a_stop(len)).unwrap_or(0)
    }

    /// Returns whether the last `len` bytes of the held text are the beginning of a stop text.
    fn may_begin_a_stop(&self, len: usize) -> bool {
        let tail = &self.held.as_bytes()[self.held.len() - len..];
        self.held.is_char_boundary(self.held.len() - len)
            && self.stops.iter().any(|stop| stop.as_bytes().starts_with(tail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the pieces and returns all that was shown and whether it was stopped.
    fn run(stops: &[&str], pieces: &[&str]) -> (String, bool) {
        let stops: Vec<String> = stops.iter().map(|&stop| stop.to_owned()).collect();
        let mut filter = StopFilter::new(&stops);
        let mut shown = String::new();
        for piece in pieces {
            match filter.push(piece) {
                Filtered::Passed(text) => shown.push_str(&text),
                Filtered::Stopped(text) => return (shown + &text, true),
            }
        }
        (shown + &filter.flush(), false)
    }

    /// Checks the outcome for the whole text, for every cut in two, and character by character.
    fn check(stops: &[&str], text: &str, expected: &str, is_stopped: bool) {
        let expected = (expected.to_owned(), is_stopped);
        assert_eq!(run(stops, &[text]), expected);
        for (cut, _) in text.char_indices() {
            assert_eq!(run(stops, &[&text[..cut], &text[cut..]]), expected, "cut at {cut}");
        }
        let chars: Vec<String> = text.chars().map(String::from).collect();
        let pieces: Vec<&str> = chars.iter().map(String::as_str).collect();
        assert_eq!(run(stops, &pieces), expected, "by character");
    }

    #[test]
    fn a_stop_text_is_found_wherever_the_pieces_are_cut() {
        check(&["\n\n"], "fn a() {}\n\nfn b() {}", "fn a() {}", true);
        check(&["END"], "EENENDx", "EEN", true);
        check(&["schöner"], "so schönes, schöner Tag", "so schönes, ", true);
    }

    #[test]
    fn of_several_stop_texts_the_one_complete_first_wins() {
        check(&["abc", "b"], "xabcb", "xa", true);
        check(&["bc", "abc"], "xabc", "x", true);
    }

    #[test]
    fn text_that_only_resembles_a_stop_text_is_kept() {
        check(&["```\n"], "use ``` here``", "use ``` here``", false);
        check(&[], "anything", "anything", false);
        check(&[""], "anything", "anything", false);
    }

    #[test]
    fn text_is_not_held_back_without_need() {
        let mut filter = StopFilter::new(&["END".to_owned()]);
        assert_eq!(filter.push("abcE"), Filtered::Passed("abc".to_owned()));
        assert_eq!(filter.push("x"), Filtered::Passed("Ex".to_owned()));
    }
}
