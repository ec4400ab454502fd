//! Who may ask: the name under which the server is addressed, the web page that asks, and the token.
//!
//! A page on the internet can make a browser send requests to this machine. A name that resolves to this machine only
//! since a moment ago (DNS rebinding) is caught by the `Host` header, any other page by `Origin` and `Sec-Fetch-Site`.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};

use crate::address::Address;
use crate::config::{Config, Token};
use crate::error::ApiError;

/// Where a browser says whether a request crosses from one site to another.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a request must satisfy before it is read.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    hosts: Vec<String>,
    origins: Vec<String>,
    token: Option<Token>,
}

impl Guard {
    /// Returns the guard of a server at `address`.
    pub(crate) fn new(address: &Address, config: &Config) -> Self {
        let mut hosts: Vec<String> = config.allowed_hosts.iter().map(|it| it.to_ascii_lowercase()).collect();
        hosts.push("localhost".to_owned());
        if let Address::Tcp(address) = address
            && !address.ip().is_unspecified()
        {
            hosts.push(address.ip().to_string());
        }
        let origins = config.allowed_origins.iter().map(|it| it.trim_end_matches('/').to_ascii_lowercase()).collect();
        Self { hosts, origins, token: config.token.clone() }
    }

    /// Returns the origin to grant, if the request comes from a web page that may ask; an error if it may not.
    pub(crate) fn admit(&self, uri: &Uri, headers: &HeaderMap) -> Result<Option<String>, ApiError> {
        self.check_host(uri, headers)?;
        self.check_origin(headers)
    }

    /// Checks the token, where one is needed.
    pub(crate) fn check_token(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let Some(token) = &self.token else { return Ok(()) };
        let presented = single(headers, header::AUTHORIZATION).ok().flatten().and_then(|it| it.split_once(' '));
        match presented {
            Some((scheme, presented)) if scheme.eq_ignore_ascii_case("bearer") && token.is(presented.trim()) => Ok(()),
            _ => {
                let message = "this server needs its token in the header \"Authorization: Bearer …\"";
                Err(ApiError::new(StatusCode::UNAUTHORIZED, "invalid_api_key", message))
            }
        }
    }

    fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
        let refuse = |host: &str| {
            let message = format!("host {host:?} is not one of this server's names");
            Err(ApiError::new(StatusCode::FORBIDDEN, "host_not_allowed", message))
        };
        let Ok(Some(host)) = single(headers, header::HOST) else { return refuse("") };
        if !self.is_own_host(host) {
            return refuse(host);
        }
        match uri.authority() {
            Some(authority) if !self.is_own_host(authority.as_str()) => refuse(authority.as_str()),
            _ => Ok(()),
        }
    }

    /// Returns whether `host`, with or without a port, names this server. The port may be another one: of a tunnel.
    fn is_own_host(&self, host: &str) -> bool {
        let (name, port) = split_port(host);
        if port.is_some_and(|it| it.parse::<u16>().is_err()) {
            return false;
        }
        let name = name.to_ascii_lowercase();
        name.parse::<IpAddr>().is_ok_and(|it| it.is_loopback()) || self.hosts.contains(&name)
    }

    fn check_origin(&self, headers: &HeaderMap) -> Result<Option<String>, ApiError> {
        let refuse = |what: String| Err(ApiError::new(StatusCode::FORBIDDEN, "origin_not_allowed", what));
        match single(headers, header::ORIGIN) {
            Ok(Some(origin)) if self.origins.contains(&origin.to_ascii_lowercase()) => Ok(Some(origin.to_owned())),
            Ok(Some(origin)) => refuse(format!("web pages of {origin:?} may not use this server")),
            Err(()) => refuse("the origin cannot be read".to_owned()),
            Ok(None) => match single(headers, SEC_FETCH_SITE) {
                Ok(None | Some("none" | "same-origin")) => Ok(None),
                _ => refuse("web pages of other sites may not use this server".to_owned()),
            },
        }
    }
}

/// Returns the value of a header that may stand once at most.
fn single(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, ()> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().map(|it| it.to_str().map_err(|_| ())).transpose()?;
    if values.next().is_some() { Err(()) } else { Ok(first) }
}

/// Takes `host:port` apart; an IPv6 address stands in brackets, which go.
fn split_port(host: &str) -> (&str, Option<&str>) {
    if let Some((address, rest)) = host.strip_prefix('[').and_then(|it| it.split_once(']')) {
        return (address, (!rest.is_empty()).then(|| rest.strip_prefix(':').unwrap_or("?")));
    }
    match host.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn guard(address: &str, config: &Config) -> Guard {
        Guard::new(&Address::Tcp(address.parse().unwrap()), config)
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for &(name, value) in pairs {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        map
    }

    fn admits(guard: &Guard, pairs: &[(&'static str, &'static str)]) -> bool {
        guard.admit(&Uri::from_static("/health"), &headers(pairs)).is_ok()
    }

    #[test]
    fn only_names_of_this_machine_are_hosts() {
        let guard = guard("127.0.0.1:8012", &Config::default());
        for host in ["127.0.0.1:8012", "localhost:8012", "LOCALHOST", "[::1]:9000", "127.0.0.2"] {
            assert!(admits(&guard, &[("host", host)]), "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example", "0.0.0.0:8012", "10.0.0.1", "localhost:x", "", "127.0.0.1@evil"]
        {
            assert!(!admits(&guard, &[("host", host)]), "{host}");
        }
        assert!(!admits(&guard, &[]));
        assert!(!admits(&guard, &[("host", "localhost"), ("host", "evil.example")]));
    }

    #[test]
    fn a_whole_address_in_the_request_line_must_be_ours_too() {
        let guard = guard("127.0.0.1:8012", &Config::default());
        let headers = headers(&[("host", "localhost")]);
        assert!(guard.admit(&Uri::from_static("http://evil.example/v1/models"), &headers).is_err());
        assert!(guard.admit(&Uri::from_static("http://localhost:8012/v1/models"), &headers).is_ok());
    }

    #[test]
    fn names_beyond_this_machine_are_hosts_when_they_are_configured() {
        let config = Config { allowed_hosts: vec!["Box.lan".to_owned()], ..Config::default() };
        let everywhere = guard("0.0.0.0:8012", &config);
        assert!(admits(&everywhere, &[("host", "box.lan:8012")]));
        assert!(!admits(&everywhere, &[("host", "0.0.0.0:8012")]));
        assert!(admits(&guard("192.168.7.5:8012", &config), &[("host", "192.168.7.5:8012")]));
    }

    #[test]
    fn web_pages_are_refused_unless_their_exact_origin_is_allowed() {
        let config = Config { allowed_origins: vec!["http://localhost:3000/".to_owned()], ..Config::default() };
        let guard = guard("127.0.0.1:8012", &config);
        let with = |pair: (&'static str, &'static str)| admits(&guard, &[("host", "localhost"), pair]);
        assert!(with(("origin", "http://localhost:3000")));
        assert!(!with(("origin", "http://localhost:3000.evil.example")));
        assert!(!with(("origin", "http://localhost:3001")));
        assert!(!with(("origin", "null")));
        assert!(!with(("sec-fetch-site", "cross-site")) && !with(("sec-fetch-site", "same-site")));
        assert!(with(("sec-fetch-site", "none")));
    }

    #[test]
    fn the_token_is_needed_where_there_is_one() {
        let config = Config { token: Token::new("0123456789abcdef"), ..Config::default() };
        let with_token = guard("127.0.0.1:8012", &config);
        let check = |value: &'static str| with_token.check_token(&headers(&[("authorization", value)])).is_ok();
        assert!(check("Bearer 0123456789abcdef") && check("bearer 0123456789abcdef"));
        assert!(!check("Bearer 0123456789abcdeg") && !check("Basic 0123456789abcdef") && !check("0123456789abcdef"));
        assert!(with_token.check_token(&HeaderMap::new()).is_err());
        assert!(guard("127.0.0.1:8012", &Config::default()).check_token(&HeaderMap::new()).is_ok());
    }
}
