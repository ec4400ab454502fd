//! Messages on a byte stream: `Content-Length` headers and JSON, read so that nothing a client sends ends the server.
//!
//! What is no message becomes [`Incoming::Invalid`] once, and reading goes on at the next `Content-Length`. The reader
//! of `lsp-server` gives up instead, so only that library's message types are used. What messages mean is not known here.

use std::io::{self, BufRead, Read, Write};

use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response, ResponseError};
use serde::Deserialize;
use serde_json::{Value, json};

/// The longest message that is read, in bytes. The largest legitimate one opens a huge generated file.
pub const MAX_MESSAGE: u64 = 64 << 20;

/// A message that claims to be longer than this is a damaged header rather than a message to skip.
const MAX_SKIPPED: u64 = 1 << 30;

/// The longest header line that is looked at, in bytes.
const MAX_HEADER_LINE: usize = 4 << 10;

/// The header that counts.
const LENGTH_HEADER: &[u8] = b"content-length:";

/// What was read.
#[derive(Debug)]
pub enum Incoming {
    /// A message.
    Message(Message),
    /// Bytes that are no message, to be answered with an error.
    Invalid {
        /// The request this seems to belong to, if that can be told.
        id: Option<RequestId>,
        /// The error code of JSON-RPC.
        code: ErrorCode,
        /// What is wrong, as a lowercase fragment.
        what: String,
    },
}

/// Reads messages from bytes.
pub struct FrameReader<R> {
    input: R,
    /// Whether bytes were skipped since the last message, which is reported once.
    is_lost: bool,
}

impl<R: BufRead> FrameReader<R> {
    /// Returns a reader of `input`.
    pub fn new(input: R) -> Self {
        Self { input, is_lost: false }
    }

    /// Reads what comes next; `None` at the end of the stream. An error is one of the stream itself.
    pub fn read(&mut self) -> io::Result<Option<Incoming>> {
        loop {
            match self.header()? {
                None => return Ok(None),
                // A run of garbage is one mistake, however many lines it has.
                Some(Header::Garbage) if self.is_lost => {}
                Some(Header::Garbage) => {
                    self.is_lost = true;
                    return Ok(Some(invalid("no Content-Length header")));
                }
                Some(Header::TooLong { n_bytes }) => {
                    let n_skipped = io::copy(&mut (&mut self.input).take(n_bytes), &mut io::sink())?;
                    let what = format!("a message of {n_bytes} bytes is more than {MAX_MESSAGE}");
                    return Ok((n_skipped == n_bytes).then(|| invalid_request(None, &what)));
                }
                Some(Header::Message { n_bytes }) => {
                    self.is_lost = false;
                    let mut bytes = Vec::new();
                    let n_read = (&mut self.input).take(n_bytes).read_to_end(&mut bytes)?;
                    return Ok((n_read as u64 == n_bytes).then(|| parse(&bytes)));
                }
            }
        }
    }

    /// Reads lines up to the empty one. Only the length matters: other headers, and what is none, are in front of it.
    fn header(&mut self) -> io::Result<Option<Header>> {
        let mut n_bytes = None;
        loop {
            let Some(line) = self.line()? else { return Ok(None) };
            if line.is_empty() {
                match n_bytes {
                    Some(n_bytes) if n_bytes <= MAX_MESSAGE => return Ok(Some(Header::Message { n_bytes })),
                    Some(n_bytes) if n_bytes <= MAX_SKIPPED => return Ok(Some(Header::TooLong { n_bytes })),
                    Some(_) | None => return Ok(Some(Header::Garbage)),
                }
            }
            if let Some(length) = length_of(&line) {
                n_bytes = Some(length);
            }
        }
    }

    /// Reads one line without its ending; of a long one, the last part, which may hold the next header.
    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        loop {
            let n_wanted = (MAX_HEADER_LINE + LENGTH_HEADER.len()) as u64;
            let n_read = (&mut self.input).take(n_wanted).read_until(b'\n', &mut line)?;
            if n_read == 0 {
                return Ok(None);
            }
            if line.ends_with(b"\n") {
                let without = line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")).unwrap_or(&line);
                return Ok(Some(without.to_vec()));
            }
            let n_surplus = line.len().saturating_sub(MAX_HEADER_LINE);
            line.drain(..n_surplus);
        }
    }
}

/// What a block of header lines announces.
enum Header {
    Message { n_bytes: u64 },
    TooLong { n_bytes: u64 },
    Garbage,
}

/// Returns the length that a line announces, also where the rest of a damaged message stands before it.
fn length_of(line: &[u8]) -> Option<u64> {
    let lower = line.to_ascii_lowercase();
    let at = lower.windows(LENGTH_HEADER.len()).rposition(|it| it == LENGTH_HEADER)?;
    std::str::from_utf8(&line[at + LENGTH_HEADER.len()..]).ok()?.trim().parse().ok()
}

/// The members of any message.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    id: Option<Value>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    params: Value,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    error: Option<ResponseError>,
}

fn parse(bytes: &[u8]) -> Incoming {
    let envelope: Envelope = match serde_json::from_slice(bytes) {
        Ok(envelope) => envelope,
        Err(error) if error.is_data() => return invalid_request(None, &format!("not a message: {error}")),
        Err(error) => return invalid(&format!("not JSON: {error}")),
    };
    let Envelope { id, method, params, result, error } = envelope;
    let id = match id.map(serde_json::from_value::<RequestId>).transpose() {
        Ok(id) => id,
        Err(_) => return invalid_request(None, "an id is a string or a number of 32 bits"),
    };
    match (id, method) {
        (Some(id), Some(method)) => Incoming::Message(Request { id, method, params }.into()),
        (None, Some(method)) => Incoming::Message(Notification { method, params }.into()),
        (Some(id), None) => {
            let response_result = error.map_or(Ok(result), Err);
            Incoming::Message(Response { id, response_result }.into())
        }
        (None, None) => invalid_request(None, "neither a method nor an id"),
    }
}

fn invalid(what: &str) -> Incoming {
    Incoming::Invalid { id: None, code: ErrorCode::ParseError, what: what.to_owned() }
}

fn invalid_request(id: Option<RequestId>, what: &str) -> Incoming {
    Incoming::Invalid { id, code: ErrorCode::InvalidRequest, what: what.to_owned() }
}

/// What is written.
#[derive(Debug)]
pub enum Outgoing {
    /// A message.
    Message(Message),
    /// The answer to something that has no id.
    Complaint {
        /// The error code of JSON-RPC.
        code: i32,
        /// What is wrong.
        message: String,
    },
}

/// Writes one message and flushes it.
pub fn write(output: &mut dyn Write, outgoing: &Outgoing) -> io::Result<()> {
    let mut value = match outgoing {
        Outgoing::Message(message) => serde_json::to_value(message)?,
        Outgoing::Complaint { code, message } => json!({ "id": null, "error": { "code": code, "message": message } }),
    };
    value["jsonrpc"] = Value::from("2.0");
    let body = serde_json::to_vec(&value)?;
    write!(output, "Content-Length: {}\r\n\r\n", body.len())?;
    output.write_all(&body)?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns what is read, one word each: the method, or the code of a complaint.
    fn read(bytes: &[u8]) -> Vec<String> {
        let mut reader = FrameReader::new(bytes);
        let mut found = Vec::new();
        while let Some(incoming) = reader.read().unwrap() {
            found.push(match incoming {
                Incoming::Message(Message::Request(it)) => it.method,
                Incoming::Message(Message::Notification(it)) => it.method,
                Incoming::Message(Message::Response(it)) => format!("answer {}", it.id),
                Incoming::Invalid { code, .. } => (code as i32).to_string(),
            });
        }
        found
    }

    fn frame(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    fn call(method: &str) -> String {
        frame(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#))
    }

    #[test]
    fn messages_are_told_apart() {
        let notification = frame(r#"{"jsonrpc":"2.0","method":"n","params":[1]}"#);
        let answer = frame(r#"{"jsonrpc":"2.0","id":"x","result":null}"#);
        let stream = format!("{}{notification}{answer}", call("r"));
        assert_eq!(read(stream.as_bytes()), ["r", "n", "answer \"x\""]);
    }

    #[test]
    fn headers_are_read_as_loosely_as_clients_write_them() {
        let body = r#"{"method":"n"}"#;
        for header in [
            format!("content-length:{}\r\n\r\n", body.len()),
            format!(
                "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: {}\r\n\r\n",
                body.len()
            ),
            format!("Content-Length: {}\n\n", body.len()),
        ] {
            assert_eq!(read(format!("{header}{body}").as_bytes()), ["n"], "{header:?}");
        }
    }

    #[test]
    fn after_garbage_the_next_message_is_read() {
        let next = call("next");
        let mut damaged: Vec<(Vec<u8>, Vec<&str>)> = vec![
            (b"hello\r\n\r\n".to_vec(), vec!["-32700", "next"]),
            (b"hello\r\n\r\nworld\r\n\r\nContent-Length: x\r\n\r\n".to_vec(), vec!["-32700", "next"]),
            (b"Content-Length: -5\r\n\r\n".to_vec(), vec!["-32700", "next"]),
            (b"Content-Length: 99999999999999999999\r\n\r\n".to_vec(), vec!["-32700", "next"]),
            (b"Content-Length: 5000000000\r\n\r\n".to_vec(), vec!["-32700", "next"]),
            (frame("{nonsense").into_bytes(), vec!["-32700", "next"]),
            (frame("\"\u{fffd}\"").into_bytes(), vec!["-32600", "next"]),
            (frame("[]").into_bytes(), vec!["-32600", "next"]),
            (frame(r#"{"id":1.5,"method":"m"}"#).into_bytes(), vec!["-32600", "next"]),
            (frame(&"[".repeat(100_000)).into_bytes(), vec!["-32700", "next"]),
            (b"Content-Length: 2\r\n\r\n{}}} and more".to_vec(), vec!["-32600", "next"]),
            (vec![0xff; 20_000], vec!["next"]),
        ];
        let mut not_text = b"Content-Length: 4\r\n\r\n".to_vec();
        not_text.extend([b'"', 0xff, 0xfe, b'"']);
        damaged.push((not_text, vec!["-32700", "next"]));
        for (mut bytes, expected) in damaged {
            let start = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned();
            bytes.extend(next.as_bytes());
            assert_eq!(read(&bytes), expected, "{start:?}");
        }
    }

    #[test]
    fn a_message_beyond_the_limit_is_skipped_without_being_kept() {
        let n_bytes = MAX_MESSAGE + 1;
        let header = format!("Content-Length: {n_bytes}\r\n\r\n");
        let body = io::repeat(b'x').take(n_bytes);
        let stream = header.as_bytes().chain(body).chain(io::Cursor::new(call("next")));
        let mut reader = FrameReader::new(io::BufReader::new(stream));
        assert!(matches!(reader.read().unwrap(), Some(Incoming::Invalid { code: ErrorCode::InvalidRequest, .. })));
        assert!(matches!(reader.read().unwrap(), Some(Incoming::Message(_))));
    }

    #[test]
    fn a_stream_that_ends_within_a_message_has_ended() {
        let whole = call("r");
        for n_bytes in 0..whole.len() {
            assert_eq!(read(&whole.as_bytes()[..n_bytes]), Vec::<String>::new());
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut bytes = Vec::new();
        let notification = Notification { method: "n".to_owned(), params: json!({ "text": "é漢🦀" }) };
        write(&mut bytes, &Outgoing::Message(notification.into())).unwrap();
        assert_eq!(read(&bytes), ["n"]);
    }

    proptest! {
        #[test]
        fn no_bytes_stop_the_reader(
            pieces in prop::collection::vec(
                prop_oneof![
                    Just(b"Content-Length: 24\r\n\r\n".to_vec()),
                    Just(b"Content-Length: ".to_vec()),
                    Just(b"\r\n\r\n".to_vec()),
                    Just(br#"{"id":1,"method":"abcd"}"#.to_vec()),
                    prop::collection::vec(any::<u8>(), 0..60),
                ],
                0..20,
            )
        ) {
            let mut bytes = pieces.concat();
            // Whatever length the last header announced, this many bytes satisfy it, and then a message follows.
            bytes.extend([b'\n'; 100]);
            bytes.extend(call("last").as_bytes());
            let found = read(&bytes);
            prop_assert!(found.len() <= bytes.len());
        }
    }
}
