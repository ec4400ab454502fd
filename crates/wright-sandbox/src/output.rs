//! Keeps the beginning and the end of a stream of bytes whose length nobody knows.

use std::collections::VecDeque;

use crate::Limits;

/// The first and the last bytes of an output: at most as many, and at most as many lines, as its limits.
#[derive(Debug)]
pub(crate) struct CappedOutput {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    /// What still fits into the head. Nothing does once anything went to the tail.
    head_room: Size,
    tail_size: Size,
    max_tail: Size,
    n_cut: u64,
    n_total: u64,
}

/// How long a piece of output is, or may be.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    n_bytes: usize,
    n_lines: usize,
}

impl CappedOutput {
    /// Returns an empty output that will keep at most what `limits` say, half of it from the end.
    pub(crate) fn new(limits: &Limits) -> Self {
        let [n_bytes, n_lines] =
            [limits.output_bytes, limits.output_lines].map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let max_tail = Size { n_bytes: n_bytes / 2, n_lines: n_lines / 2 };
        Self {
            head: Vec::new(),
            tail: VecDeque::new(),
            head_room: Size { n_bytes: n_bytes - max_tail.n_bytes, n_lines: n_lines - max_tail.n_lines },
            tail_size: Size::default(),
            max_tail,
            n_cut: 0,
            n_total: 0,
        }
    }

    /// Takes the next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.n_total += bytes.len() as u64;
        let (first, rest) = bytes.split_at(self.head_room.fitting(bytes));
        self.head.extend_from_slice(first);
        self.head_room.n_bytes -= first.len();
        self.head_room.n_lines -= n_lines(first);
        if rest.is_empty() {
            return;
        }
        self.head_room = Size::default();
        self.tail.extend(rest);
        self.tail_size.n_bytes += rest.len();
        self.tail_size.n_lines += n_lines(rest);
        self.shorten_tail();
    }

    /// Returns how many bytes came, kept or not.
    pub(crate) fn n_total(&self) -> u64 {
        self.n_total
    }

    /// Returns whether bytes were dropped.
    pub(crate) fn is_cut(&self) -> bool {
        self.n_cut > 0
    }

    /// Returns what was kept, with a line in place of what was not.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.head;
        if self.n_cut > 0 {
            bytes.extend_from_slice(format!("\n[... {} bytes cut ...]\n", self.n_cut).as_bytes());
        }
        bytes.extend(self.tail);
        bytes
    }

    /// Forgets the oldest bytes of the tail until it keeps both limits.
    fn shorten_tail(&mut self) {
        self.drop_from_tail(self.tail_size.n_bytes.saturating_sub(self.max_tail.n_bytes));
        while self.tail_size.n_lines > self.max_tail.n_lines {
            let line = self.tail.iter().position(|&byte| byte == b'\n').map_or(self.tail.len(), |end| end + 1);
            self.drop_from_tail(line);
        }
    }

    fn drop_from_tail(&mut self, n_bytes: usize) {
        let n_lines = self.tail.drain(..n_bytes).filter(|&byte| byte == b'\n').count();
        self.tail_size.n_bytes -= n_bytes;
        self.tail_size.n_lines -= n_lines;
        self.n_cut += n_bytes as u64;
    }
}

impl Size {
    /// Returns how many of the bytes fit.
    fn fitting(self, bytes: &[u8]) -> usize {
        let by_bytes = self.n_bytes.min(bytes.len());
        if self.n_lines == 0 {
            return 0;
        }
        let ends = bytes[..by_bytes].iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        ends.map(|(idx, _)| idx + 1).nth(self.n_lines - 1).unwrap_or(by_bytes)
    }
}

fn n_lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(output_bytes: u64, pieces: &[&str], kept: &str) {
        check_lines(output_bytes, 100, pieces, kept);
    }

    fn check_lines(output_bytes: u64, output_lines: u64, pieces: &[&str], kept: &str) {
        let mut output = CappedOutput::new(&Limits { output_bytes, output_lines, ..Limits::default() });
        for piece in pieces {
            output.push(piece.as_bytes());
        }
        let is_cut = output.is_cut();
        let text = String::from_utf8(output.into_bytes()).unwrap();
        assert_eq!((text.as_str(), is_cut), (kept, kept.contains("bytes cut")), "{pieces:?}");
    }

    #[test]
    fn short_output_is_kept_whole() {
        check(8, &[], "");
        check(8, &["abc", "", "defgh"], "abcdefgh");
    }

    #[test]
    fn long_output_loses_its_middle() {
        check(4, &["abcdef"], "ab\n[... 2 bytes cut ...]\nef");
        check(4, &["a", "b", "c", "d", "e", "f", "g"], "ab\n[... 3 bytes cut ...]\nfg");
        check(5, &["abcde", "fg"], "abc\n[... 2 bytes cut ...]\nfg");
        check(0, &["abc"], "\n[... 3 bytes cut ...]\n");
    }

    #[test]
    fn many_lines_lose_their_middle() {
        check_lines(100, 4, &["a\nb\nc\nd\n"], "a\nb\nc\nd\n");
        check_lines(100, 4, &["a\nb\nc\nd\ne\n"], "a\nb\n\n[... 2 bytes cut ...]\nd\ne\n");
        check_lines(100, 4, &["a\n", "b\n", "c\n", "d\n", "e\n", "f"], "a\nb\n\n[... 2 bytes cut ...]\nd\ne\nf");
    }
}
