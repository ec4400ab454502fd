//! An edit: replacements in one text, checked, applied and inverted.

use std::ops::Range;

use thiserror::Error;

/// Puts a text in place of a byte range.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Replacement {
    /// The bytes that go; empty for an insertion.
    pub range: Range<usize>,
    /// The text that comes.
    pub text: String,
}

/// Holds the replacements that turn one text into another.
///
/// Invariant: replacements are sorted by range and do not overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Edit {
    replacements: Vec<Replacement>,
}

/// Says why an edit cannot be made or applied.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EditError {
    /// A range ends before it starts.
    #[error("replace bytes {start}..{end}: the range ends before it starts")]
    Reversed {
        /// Where the range starts.
        start: usize,
        /// Where the range ends.
        end: usize,
    },
    /// Two replacements are out of order or share bytes.
    #[error("combine replacements: bytes {start}.. come before the end of the previous replacement, {previous_end}")]
    Overlapping {
        /// Where the previous replacement ends.
        previous_end: usize,
        /// Where the next one starts.
        start: usize,
    },
    /// A range reaches beyond the text.
    #[error("replace bytes {start}..{end} of a text of {length} bytes")]
    OutOfBounds {
        /// Where the range starts.
        start: usize,
        /// Where the range ends.
        end: usize,
        /// How long the text is.
        length: usize,
    },
    /// A range cuts a character in two.
    #[error("replace bytes {start}..{end}: they cut a character in two")]
    NotAtCharacter {
        /// Where the range starts.
        start: usize,
        /// Where the range ends.
        end: usize,
    },
}

impl EditError {
    /// Returns what to try next.
    pub fn hint(&self) -> &'static str {
        match self {
            EditError::Reversed { .. } => "Give the smaller offset first.",
            EditError::Overlapping { .. } => {
                "Sort the replacements by range, and merge those that touch the same bytes."
            }
            EditError::OutOfBounds { .. } | EditError::NotAtCharacter { .. } => {
                "The edit was made for another version of the text; make it again from the present one."
            }
        }
    }
}

impl Edit {
    /// Makes an edit of replacements that are sorted and do not overlap.
    pub fn new(replacements: Vec<Replacement>) -> Result<Edit, EditError> {
        let mut previous_end = 0;
        for Replacement { range, .. } in &replacements {
            if range.start > range.end {
                return Err(EditError::Reversed { start: range.start, end: range.end });
            }
            if range.start < previous_end {
                return Err(EditError::Overlapping { previous_end, start: range.start });
            }
            previous_end = range.end;
        }
        Ok(Edit { replacements })
    }

    /// Makes an edit of one replacement; a range that ends before it starts is taken as empty.
    pub fn single(range: Range<usize>, text: impl Into<String>) -> Edit {
        let range = range.start..range.end.max(range.start);
        Edit { replacements: vec![Replacement { range, text: text.into() }] }
    }

    /// Makes the edit that turns `before` into `after` by replacing what lies between their common ends.
    pub fn between(before: &str, after: &str) -> Edit {
        if before == after {
            return Edit::default();
        }
        let n_same = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
        let n_prefix = before.floor_char_boundary(n_same);
        let (rest_before, rest_after) = (&before[n_prefix..], &after[n_prefix..]);
        let n_same = rest_before.bytes().rev().zip(rest_after.bytes().rev()).take_while(|(a, b)| a == b).count();
        let n_suffix = rest_before.len() - rest_before.ceil_char_boundary(rest_before.len() - n_same);
        Edit::single(n_prefix..before.len() - n_suffix, &after[n_prefix..after.len() - n_suffix])
    }

    /// Returns the replacements, sorted.
    pub fn replacements(&self) -> &[Replacement] {
        &self.replacements
    }

    /// Returns whether nothing is replaced.
    pub fn is_empty(&self) -> bool {
        self.replacements.is_empty()
    }

    /// Returns the range from the first replaced byte to the last.
    pub fn range(&self) -> Range<usize> {
        let start = self.replacements.first().map_or(0, |first| first.range.start);
        let end = self.replacements.last().map_or(0, |last| last.range.end);
        start..end
    }

    /// Returns the text with the replacements made.
    pub fn apply(&self, text: &str) -> Result<String, EditError> {
        let mut result = String::with_capacity(text.len());
        let mut position = 0;
        for replacement in &self.replacements {
            check_range(text, &replacement.range)?;
            result.push_str(&text[position..replacement.range.start]);
            result.push_str(&replacement.text);
            position = replacement.range.end;
        }
        result.push_str(&text[position..]);
        Ok(result)
    }

    /// Returns the edit that turns the result of this one back into `text`, the text it was made for.
    pub fn invert(&self, text: &str) -> Result<Edit, EditError> {
        let mut replacements = Vec::with_capacity(self.replacements.len());
        let mut n_added = 0;
        let mut n_removed = 0;
        for Replacement { range, text: added } in &self.replacements {
            check_range(text, range)?;
            let start = range.start + n_added - n_removed;
            replacements.push(Replacement { range: start..start + added.len(), text: text[range.clone()].to_owned() });
            n_added += added.len();
            n_removed += range.len();
        }
        Ok(Edit { replacements })
    }
}

fn check_range(text: &str, range: &Range<usize>) -> Result<(), EditError> {
    let Range { start, end } = *range;
    if end > text.len() {
        return Err(EditError::OutOfBounds { start, end, length: text.len() });
    }
    if !text.is_char_boundary(start) || !text.is_char_boundary(end) {
        return Err(EditError::NotAtCharacter { start, end });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn replace(range: Range<usize>, text: &str) -> Replacement {
        Replacement { range, text: text.to_owned() }
    }

    #[test]
    fn replacements_are_made_in_one_pass() {
        let edit = Edit::new(vec![replace(0..1, "A"), replace(1..1, "-"), replace(2..3, "")]).unwrap();
        assert_eq!(edit.apply("abcd").unwrap(), "A-bd");
        assert_eq!(edit.range(), 0..3);
    }

    #[test]
    fn overlapping_and_reversed_replacements_are_refused() {
        let overlapping = Edit::new(vec![replace(0..2, ""), replace(1..3, "")]);
        assert_eq!(overlapping, Err(EditError::Overlapping { previous_end: 2, start: 1 }));
        #[expect(clippy::reversed_empty_ranges, reason = "the point of the test")]
        let reversed = Edit::new(vec![replace(3..2, "")]);
        assert_eq!(reversed, Err(EditError::Reversed { start: 3, end: 2 }));
    }

    #[test]
    fn an_edit_for_another_text_is_refused() {
        assert_eq!(Edit::single(2..9, "x").apply("abc"), Err(EditError::OutOfBounds { start: 2, end: 9, length: 3 }));
        assert_eq!(Edit::single(1..2, "x").apply("é"), Err(EditError::NotAtCharacter { start: 1, end: 2 }));
        assert!(Edit::single(1..2, "x").invert("é").is_err());
    }

    #[test]
    fn an_error_reads_as_a_fragment_and_its_hint_as_a_sentence() {
        let error = EditError::OutOfBounds { start: 2, end: 9, length: 3 };
        assert_eq!(error.to_string(), "replace bytes 2..9 of a text of 3 bytes");
        assert!(error.hint().ends_with('.'));
    }

    prop_compose! {
        fn text_and_edit()(text in "[aé\n漢]{0,40}", cuts in prop::collection::vec((0usize..41, "[xé]{0,3}"), 0..6))
            -> (String, Edit) {
            let boundaries: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
            let mut offsets: Vec<usize> = cuts.iter().map(|(cut, _)| boundaries[cut % boundaries.len()]).collect();
            offsets.sort_unstable();
            let ranges = offsets.chunks_exact(2).map(|pair| pair[0]..pair[1]);
            let replacements = ranges.zip(&cuts).map(|(range, (_, text))| replace(range, text)).collect();
            (text, Edit::new(replacements).unwrap())
        }
    }

    proptest! {
        #[test]
        fn inverting_gives_the_text_back((text, edit) in text_and_edit()) {
            let changed = edit.apply(&text).unwrap();
            let inverse = edit.invert(&text).unwrap();
            prop_assert_eq!(inverse.invert(&changed).unwrap(), edit);
            prop_assert_eq!(inverse.apply(&changed).unwrap(), text);
        }

        #[test]
        fn the_edit_between_two_texts_turns_one_into_the_other(before in "[aé漢]{0,12}", after in "[aé漢]{0,12}") {
            prop_assert_eq!(Edit::between(&before, &after).apply(&before).unwrap(), after);
        }
    }
}
