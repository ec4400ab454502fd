//! Keeps the beginning and the end of a stream of bytes whose length nobody knows.

use std::collections::VecDeque;

/// The first and the last bytes of an output, at most as many as its limit.
#[derive(Debug)]
pub(crate) struct CappedOutput {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    max_head: usize,
    max_tail: usize,
    n_cut: u64,
    n_total: u64,
}

impl CappedOutput {
    /// Returns an empty output that will keep at most `max_bytes`, half of them from the end.
    pub(crate) fn new(max_bytes: u64) -> Self {
        let max_bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        let max_tail = max_bytes / 2;
        Self { head: Vec::new(), tail: VecDeque::new(), max_head: max_bytes - max_tail, max_tail, n_cut: 0, n_total: 0 }
    }

    /// Takes the next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.n_total += bytes.len() as u64;
        let room = self.max_head - self.head.len();
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let surplus = self.tail.len().saturating_sub(self.max_tail);
        self.tail.drain(..surplus);
        self.n_cut += surplus as u64;
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(max_bytes: u64, pieces: &[&str], kept: &str) {
        let mut output = CappedOutput::new(max_bytes);
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
}
