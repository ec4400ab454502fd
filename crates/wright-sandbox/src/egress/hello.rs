//! Reads from the first bytes of an encrypted connection which server the client means to talk to.
//!
//! One address serves many hosts, so a listed name that was connected to says little while the name inside is another
//! (domain fronting). Both must be the same, and the name must not be hidden (encrypted client hello).

use std::io::Cursor;

use rustls::server::Acceptor;

use super::host::HostName;
use super::policy::EgressRefusal;

/// The longest beginning of a connection that is read before deciding.
const MAX_HELLO: usize = 64 * 1024;

/// The extension that hides the server's name.
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;

/// The beginning of a connection as far as it has come.
#[derive(Default)]
pub(super) struct Hello {
    acceptor: Acceptor,
    bytes: Vec<u8>,
}

impl Hello {
    /// Takes further bytes. Returns the server's name once it is known.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Option<HostName>, EgressRefusal> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > MAX_HELLO {
            return Err(EgressRefusal::NotEncrypted);
        }
        let mut rest = Cursor::new(bytes);
        while (rest.position() as usize) < bytes.len() {
            let n_read = self.acceptor.read_tls(&mut rest).map_err(|_| EgressRefusal::NotEncrypted)?;
            if let Some(accepted) = self.acceptor.accept().map_err(|_| EgressRefusal::NotEncrypted)? {
                let name = accepted.client_hello().server_name().map(HostName::from_wire);
                return match name {
                    Some(Ok(name)) if hides_name(&self.bytes) == Some(false) => Ok(Some(name)),
                    _ => Err(EgressRefusal::OtherHost),
                };
            }
            if n_read == 0 {
                break;
            }
        }
        Ok(None)
    }

    /// Returns everything that was pushed, to be sent on.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Returns whether a client hello, which was found to be a sound one, asks for a hidden name. `None` when it is not one.
fn hides_name(records: &[u8]) -> Option<bool> {
    let message = handshake(records);
    let mut hello = Reader(&message);
    hello.take(1 + 3 + 2 + 32)?;
    for width in [1, 2, 1] {
        hello.take_vector(width)?;
    }
    if hello.0.is_empty() {
        return Some(false);
    }
    let mut extensions = Reader(hello.take_vector(2)?);
    while !extensions.0.is_empty() {
        let kind = extensions.number(2)?;
        extensions.take_vector(2)?;
        if kind == usize::from(ENCRYPTED_CLIENT_HELLO) {
            return Some(true);
        }
    }
    Some(false)
}

/// Joins the pieces of the first handshake message, which may be spread over several records.
fn handshake(records: &[u8]) -> Vec<u8> {
    let mut records = Reader(records);
    let mut message = Vec::new();
    while let Some(head) = records.take(3) {
        let Some(piece) = records.take_vector(2) else { break };
        if head[0] == 22 {
            message.extend_from_slice(piece);
        }
    }
    let length = Reader(message.get(1..).unwrap_or_default()).number(3).unwrap_or(0);
    message.truncate(4 + length);
    message
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n_bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n_bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, width: usize) -> Option<usize> {
        Some(self.take(width)?.iter().fold(0, |sum, &byte| (sum << 8) | usize::from(byte)))
    }

    fn take_vector(&mut self, width: usize) -> Option<&'a [u8]> {
        let length = self.number(width)?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vector(width: usize, bytes: &[u8]) -> Vec<u8> {
        let length = (bytes.len() as u32).to_be_bytes();
        [&length[4 - width..], bytes].concat()
    }

    fn extension(kind: u16, bytes: &[u8]) -> Vec<u8> {
        [&kind.to_be_bytes()[..], &vector(2, bytes)].concat()
    }

    /// What an extension that hides the name holds: outer hello, ciphers, number, no key, one byte.
    const HIDDEN_NAME: &[u8] = &[0, 0, 1, 0, 1, 7, 0, 0, 0, 1, 9];

    /// Returns a client hello for `name`, in records of at most `piece` bytes, with further extensions.
    fn client_hello(name: Option<&str>, further: &[u16], piece: usize) -> Vec<u8> {
        let server_name = name.map(|it| extension(0, &vector(2, &[&[0], &vector(2, it.as_bytes())[..]].concat())));
        let groups = extension(10, &vector(2, &[0, 29]));
        let signatures = extension(13, &vector(2, &[4, 3]));
        let versions = extension(43, &vector(1, &[3, 4]));
        let shares = extension(51, &vector(2, &[&[0, 29][..], &vector(2, &[7; 32])].concat()));
        let further = further.iter().flat_map(|&kind| extension(kind, HIDDEN_NAME));
        let extensions: Vec<u8> = server_name
            .into_iter()
            .flatten()
            .chain(groups)
            .chain(signatures)
            .chain(versions)
            .chain(shares)
            .chain(further)
            .collect();
        let body = [
            &[3, 3][..],
            &[9; 32],
            &vector(1, &[]),
            &vector(2, &[0x13, 0x01]),
            &vector(1, &[0]),
            &vector(2, &extensions),
        ]
        .concat();
        let message = [&[1][..], &vector(3, &body)].concat();
        message.chunks(piece).flat_map(|it| [&[22, 3, 1][..], &vector(2, it)].concat()).collect()
    }

    fn name_in(bytes: &[u8], step: usize) -> Result<Option<String>, EgressRefusal> {
        let mut hello = Hello::default();
        for piece in bytes.chunks(step) {
            if let Some(name) = hello.push(piece)? {
                return Ok(Some(name.to_string()));
            }
        }
        Ok(None)
    }

    #[test]
    fn the_servers_name_is_read_however_the_bytes_arrive() {
        for piece in [16_000, 40, 7] {
            for step in [1, 5, 100_000] {
                let bytes = client_hello(Some("Good.example"), &[], piece);
                assert_eq!(name_in(&bytes, step), Ok(Some("good.example".to_owned())), "{piece} {step}");
                assert_eq!(name_in(&bytes[..bytes.len() - 1], step), Ok(None));
            }
        }
    }

    #[test]
    fn a_missing_or_hidden_name_and_what_is_no_encryption_is_refused() {
        assert_eq!(name_in(&client_hello(None, &[], 16_000), 9), Err(EgressRefusal::OtherHost));
        assert_eq!(
            name_in(&client_hello(Some("good.example"), &[ENCRYPTED_CLIENT_HELLO], 50), 9),
            Err(EgressRefusal::OtherHost)
        );
        for bytes in [&b"GET / HTTP/1.1\r\nHost: evil\r\n\r\n"[..], b"SSH-2.0-x\r\n", &[0; 64]] {
            assert_eq!(name_in(bytes, 100), Err(EgressRefusal::NotEncrypted), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), at in 0_usize..200, byte in any::<u8>()) {
            let _ = name_in(&bytes, 64);
            let mut damaged = client_hello(Some("good.example"), &[], 60);
            let at = at % damaged.len();
            damaged[at] = byte;
            if let Ok(Some(name)) = name_in(&damaged, 31) {
                prop_assert!(!name.is_empty());
            }
        }
    }
}
