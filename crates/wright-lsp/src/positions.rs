//! Positions of the protocol and bytes of a text, converted in both directions. Nothing above this file counts in UTF-16.

use gen_lsp_types::{Position, PositionEncodingKind, Range};
use ropey::Rope;

/// In what units the columns of a position count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// What every client can do.
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    /// Picks from what a client offers. Bytes cost nothing to convert, so they come first.
    pub fn negotiate(offered: &[&str]) -> Self {
        let offers = |name| offered.contains(&name);
        if offers("utf-8") {
            Self::Utf8
        } else if offers("utf-16") || !offers("utf-32") {
            Self::Utf16
        } else {
            Self::Utf32
        }
    }

    /// Returns the protocol's name.
    pub fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf16 => PositionEncodingKind::UTF16,
            Self::Utf32 => PositionEncodingKind::UTF32,
        }
    }
}

/// Returns the byte offset of a position. One beyond its line is at the line's end, one beyond the text at the text's end,
/// and one inside a character at that character.
pub fn to_offset(text: &Rope, position: Position, encoding: Encoding) -> usize {
    let Some((start, end)) = line_bounds(text, position.line as usize) else { return text.len_bytes() };
    let n_units = position.character as usize;
    match encoding {
        Encoding::Utf8 => {
            let (start, end) = (text.char_to_byte(start), text.char_to_byte(end));
            let offset = start.saturating_add(n_units).min(end);
            text.char_to_byte(text.byte_to_char(offset))
        }
        Encoding::Utf16 => {
            let (start, end) = (text.char_to_utf16_cu(start), text.char_to_utf16_cu(end));
            let unit = start.saturating_add(n_units).min(end);
            text.char_to_byte(text.utf16_cu_to_char(unit))
        }
        Encoding::Utf32 => text.char_to_byte(start.saturating_add(n_units).min(end)),
    }
}

/// Returns the bytes of a range; one whose ends are the wrong way round is turned.
pub fn to_offsets(text: &Rope, range: Range, encoding: Encoding) -> std::ops::Range<usize> {
    let (start, end) = (to_offset(text, range.start, encoding), to_offset(text, range.end, encoding));
    start.min(end)..start.max(end)
}

/// Returns the position of a byte offset, which is one of a whole character and not inside a line ending.
pub fn to_position(text: &Rope, offset: usize, encoding: Encoding) -> Position {
    let offset = offset.min(text.len_bytes());
    let line = text.byte_to_line(offset);
    let start = text.line_to_char(line);
    let at = text.byte_to_char(offset);
    let character = match encoding {
        Encoding::Utf8 => offset - text.char_to_byte(start),
        Encoding::Utf16 => text.char_to_utf16_cu(at) - text.char_to_utf16_cu(start),
        Encoding::Utf32 => at - start,
    };
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Position { line: number(line), character: number(character) }
}

/// Returns the range of bytes as positions.
pub fn to_range(text: &Rope, range: std::ops::Range<usize>, encoding: Encoding) -> Range {
    Range { start: to_position(text, range.start, encoding), end: to_position(text, range.end, encoding) }
}

/// Returns where a line starts and where it ends before its ending, in characters.
fn line_bounds(text: &Rope, line: usize) -> Option<(usize, usize)> {
    if line >= text.len_lines() {
        return None;
    }
    let start = text.line_to_char(line);
    let mut end = if line + 1 < text.len_lines() { text.line_to_char(line + 1) } else { text.len_chars() };
    if end > start && text.char(end - 1) == '\n' {
        end -= 1;
    }
    if end > start && text.char(end - 1) == '\r' {
        end -= 1;
    }
    Some((start, end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Two lines, of which the second has characters of one, two, three and four bytes.
    const TEXT: &str = "ab\r\na\u{e9}\u{6f22}\u{1f980}z\n";

    fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    fn offset(position: Position, encoding: Encoding) -> usize {
        to_offset(&Rope::from_str(TEXT), position, encoding)
    }

    #[test]
    fn columns_count_in_the_agreed_units() {
        let z = TEXT.find('z').unwrap();
        assert_eq!(offset(at(1, 10), Encoding::Utf8), z);
        assert_eq!(offset(at(1, 5), Encoding::Utf16), z);
        assert_eq!(offset(at(1, 4), Encoding::Utf32), z);
    }

    #[test]
    fn places_that_do_not_exist_are_moved_to_the_nearest_before() {
        let crab = TEXT.find('\u{1f980}').unwrap();
        assert_eq!(offset(at(1, 4), Encoding::Utf16), crab, "between two surrogates");
        assert_eq!(offset(at(1, 8), Encoding::Utf8), crab, "inside a character");
        assert_eq!(offset(at(0, 9), Encoding::Utf16), 2, "beyond a line: before its ending");
        assert_eq!(offset(at(2, 0), Encoding::Utf16), TEXT.len(), "the empty last line");
        assert_eq!(offset(at(3, 0), Encoding::Utf16), TEXT.len());
        assert_eq!(offset(at(u32::MAX, u32::MAX), Encoding::Utf8), TEXT.len());
    }

    #[test]
    fn lines_end_as_the_protocol_says_and_nowhere_else() {
        let text = "a\rb\r\nc\u{2028}d\u{85}e\u{b}f\u{c}g\n";
        let rope = Rope::from_str(text);
        let line = |n| to_offset(&rope, at(n, 0), Encoding::Utf16);
        assert_eq!([line(0), line(1), line(2), line(3), line(4)], [0, 2, 5, text.len(), text.len()]);
    }

    #[test]
    fn a_range_the_wrong_way_round_is_turned() {
        let range = Range { start: at(1, 2), end: at(0, 1) };
        assert_eq!(to_offsets(&Rope::from_str(TEXT), range, Encoding::Utf16), 1..7);
    }

    #[test]
    fn the_first_of_the_offers_that_costs_least_is_taken() {
        assert_eq!(Encoding::negotiate(&[]), Encoding::Utf16);
        assert_eq!(Encoding::negotiate(&["utf-16", "utf-8"]), Encoding::Utf8);
        assert_eq!(Encoding::negotiate(&["utf-32"]), Encoding::Utf32);
        assert_eq!(Encoding::negotiate(&["utf-7"]), Encoding::Utf16);
    }

    proptest! {
        #[test]
        fn every_character_is_found_again_by_its_position(text in "[a\r\n\u{e9}\u{301}\u{6f22}\u{1f980}]{0,60}") {
            let rope = Rope::from_str(&text);
            for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
                for (offset, character) in text.char_indices() {
                    let is_inside_ending = character == '\n' && text[..offset].ends_with('\r');
                    if !is_inside_ending {
                        let position = to_position(&rope, offset, encoding);
                        prop_assert_eq!(to_offset(&rope, position, encoding), offset, "{:?}", position);
                    }
                }
            }
        }
    }
}
