//! Reads the head of a request to the proxy. What is sent on is written anew from what was understood.

use super::policy::{Destination, EgressRefusal};

/// The longest head of a request.
pub(super) const MAX_HEAD: usize = 16 * 1024;

/// The most header lines of a request.
const MAX_HEADERS: usize = 64;

/// Headers that are about the connection to the proxy, or that the proxy writes itself.
const DROPPED_HEADERS: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What a client asks of the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ProxyRequest {
    /// A tunnel, through which an encrypted connection is to pass.
    Tunnel(Destination),
    /// One plain request, ready to be sent.
    Plain { destination: Destination, head: Vec<u8> },
}

/// How a request begins, for the record: known even when the rest is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) target: String,
}

/// Reads a request from the first bytes of a connection. Returns it with the length of its head, or nothing if more bytes
/// must come.
pub(super) fn parse(bytes: &[u8], asked: &mut Asked) -> Result<Option<(ProxyRequest, usize)>, EgressRefusal> {
    let malformed = |why| EgressRefusal::Malformed { why };
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let status = request.parse(bytes);
    let n_read = match status {
        Ok(httparse::Status::Complete(n_read)) => n_read,
        Ok(httparse::Status::Partial) if bytes.len() < MAX_HEAD => return Ok(None),
        Ok(httparse::Status::Partial) => return Err(malformed("it is too long")),
        Err(_) => {
            asked.target = printable(bytes.split(|it| matches!(it, b'\r' | b'\n')).next().unwrap_or_default());
            return Err(malformed("it is not HTTP"));
        }
    };
    let (method, target) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
    *asked = Asked { method: printable(method.as_bytes()), target: printable(target.as_bytes()) };
    let read = match method {
        "CONNECT" => ProxyRequest::Tunnel(Destination::parse(target, None)?),
        "GET" | "HEAD" => plain(method, target, request.headers)?,
        _ => return Err(EgressRefusal::Method),
    };
    Ok(Some((read, n_read)))
}

fn plain(method: &str, target: &str, headers: &[httparse::Header<'_>]) -> Result<ProxyRequest, EgressRefusal> {
    let malformed = |why| EgressRefusal::Malformed { why };
    let is_http = target.get(..7).is_some_and(|it| it.eq_ignore_ascii_case("http://"));
    if !is_http || !target.is_ascii() {
        return Err(malformed("the target is not a plain `http` address"));
    }
    let rest = &target[7..];
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let destination = Destination::parse(authority, Some(80))?;
    // A body would be a way out for more than a name; no GET or HEAD has one.
    let has_body = headers.iter().any(|it| {
        let is = |name| it.name.eq_ignore_ascii_case(name);
        is("transfer-encoding") || is("content-length") && it.value != b"0"
    });
    if has_body {
        return Err(malformed("it has a body"));
    }
    let path = path.split('#').next().unwrap_or_default();
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mut head = format!("{method} {slash}{path} HTTP/1.1\r\nHost: {}", destination.host).into_bytes();
    if destination.port != 80 {
        head.extend_from_slice(format!(":{}", destination.port).as_bytes());
    }
    head.extend_from_slice(b"\r\nConnection: close\r\n");
    for header in headers.iter().filter(|it| !is_dropped(it.name)) {
        head.extend_from_slice(header.name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(header.value);
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    Ok(ProxyRequest::Plain { destination, head })
}

fn is_dropped(name: &str) -> bool {
    DROPPED_HEADERS.iter().any(|it| name.eq_ignore_ascii_case(it))
}

/// Returns bytes from outside as a short text that a log can hold.
fn printable(bytes: &[u8]) -> String {
    bytes.iter().take(300).flat_map(|byte| byte.escape_ascii()).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<String, EgressRefusal> {
        match parse(text.as_bytes(), &mut Asked::default())? {
            None => Ok("more".to_owned()),
            Some((ProxyRequest::Tunnel(to), _)) => Ok(format!("tunnel to {}:{}", to.host, to.port)),
            Some((ProxyRequest::Plain { destination: to, head }, _)) => {
                Ok(format!("{}:{} {}", to.host, to.port, String::from_utf8(head).unwrap()))
            }
        }
    }

    #[test]
    fn a_request_is_written_anew_from_what_was_understood() {
        let text = "GET http://Good.example/a?b#c HTTP/1.1\r\nHost: evil.example\r\nAccept: */*\r\n\
            Proxy-Authorization: secret\r\nConnection: keep-alive\r\n\r\n";
        let expected =
            "good.example:80 GET /a?b HTTP/1.1\r\nHost: good.example\r\nConnection: close\r\nAccept: */*\r\n\r\n";
        assert_eq!(read(text), Ok(expected.to_owned()));
        assert_eq!(read("CONNECT good.example:443 HTTP/1.1\r\n\r\n"), Ok("tunnel to good.example:443".to_owned()));
        assert_eq!(read("CONNECT good.example:443 HTTP/1.1\r\n"), Ok("more".to_owned()));
        let query = "HEAD http://good.example:8080?q HTTP/1.0\r\n\r\n";
        assert!(read(query).unwrap().starts_with("good.example:8080 HEAD /?q HTTP/1.1\r\nHost: good.example:8080\r\n"));
    }

    #[test]
    fn what_is_no_request_to_a_proxy_is_refused() {
        let refused = [
            "GET / HTTP/1.1\r\nHost: good.example\r\n\r\n",
            "GET https://good.example/ HTTP/1.1\r\n\r\n",
            "GET ftp://good.example/ HTTP/1.1\r\n\r\n",
            "GET http://user@good.example/ HTTP/1.1\r\n\r\n",
            "GET http://good.example@evil.example/ HTTP/1.1\r\n\r\n",
            "GET http://good.example\\@evil.example/ HTTP/1.1\r\n\r\n",
            "GET http://g%6fod.example/ HTTP/1.1\r\n\r\n",
            "GET http://127.0.0.1/ HTTP/1.1\r\n\r\n",
            "GET http://[::1]/ HTTP/1.1\r\n\r\n",
            "GET http:///path HTTP/1.1\r\n\r\n",
            "POST http://good.example/ HTTP/1.1\r\n\r\n",
            "GET http://good.example/ HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
            "GET http://good.example/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "CONNECT evil.example\0.good.example:443 HTTP/1.1\r\n\r\n",
            "CONNECT 0x7f.1:443 HTTP/1.1\r\n\r\n",
            "CONNECT [::ffff:127.0.0.1]:443 HTTP/1.1\r\n\r\n",
            "CONNECT good.example HTTP/1.1\r\n\r\n",
            "CONNECT user@good.example:443 HTTP/1.1\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\n\r\n",
            "GET http://good.example/ HTTP/1.1\r\nX: a\0b\r\n\r\n",
            "\u{16}\u{3}\u{1}",
        ];
        for text in refused {
            assert!(read(text).is_err(), "{text:?}: {:?}", read(text));
        }
        let long = format!("GET http://good.example/{} HTTP/1.1\r\n", "a".repeat(MAX_HEAD));
        assert_eq!(read(&long), Err(EgressRefusal::Malformed { why: "it is too long" }));
    }

    proptest! {
        #[test]
        fn a_head_that_is_sent_on_holds_no_second_request(
            method in "GET|HEAD|CONNECT|POST", target in "(http://)?[a-z.:@%\\\\/?#\\r\\n \\x00]{0,30}", header in "[ -~\\r\\n\\t]{0,40}"
        ) {
            let text = format!("{method} {target} HTTP/1.1\r\nX: {header}\r\n\r\n");
            if let Ok(Some((ProxyRequest::Plain { head, .. }, _))) = parse(text.as_bytes(), &mut Asked::default()) {
                let head = String::from_utf8(head).unwrap();
                prop_assert_eq!(head.find("\r\n\r\n"), Some(head.len() - 4));
                prop_assert_eq!(head.to_ascii_lowercase().matches("\r\nhost:").count(), 1);
            }
        }
    }
}
