//! A host's name, read so strictly that no two programs can read it differently.

use url::Host;

use super::policy::EgressRefusal;

/// The longest name there can be.
const MAX_NAME: usize = 253;

/// A host's name in the one form that is compared: lower case, ASCII, without a dot at the end. Never an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

impl HostName {
    /// Reads a name as a person writes it, in any script.
    ///
    /// # Errors
    /// When it is an address in whatever form, or holds what no name has.
    pub fn parse(text: &str) -> Result<Self, EgressRefusal> {
        let refuse = |why| Err(EgressRefusal::NotAName { why });
        if text.is_empty() || text.len() > MAX_NAME + 1 {
            return refuse("its length");
        }
        if text.contains(|it: char| it.is_control() || it.is_whitespace()) {
            return refuse("a control character or a space");
        }
        if text.contains(['@', '%', '/', '\\', '?', '#', ':', '[', ']', '*', '_', ',', ';', '"', '\'']) {
            return refuse("a character that no name has");
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.split('.').any(str::is_empty) {
            return refuse("an empty part");
        }
        match Host::parse(text) {
            Ok(Host::Domain(name)) => Self::checked(name),
            Ok(Host::Ipv4(_) | Host::Ipv6(_)) => refuse("it is an address"),
            Err(_) => refuse("it is neither a name nor an address"),
        }
    }

    /// Reads a name as a program must send it: in ASCII.
    pub(super) fn from_wire(text: &str) -> Result<Self, EgressRefusal> {
        if text.is_ascii() { Self::parse(text) } else { Err(EgressRefusal::NotAName { why: "it is not ASCII" }) }
    }

    /// Mapping may have made something else of what was checked, so its result is checked again.
    fn checked(name: String) -> Result<Self, EgressRefusal> {
        let is_plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || matches!(it, '-' | '.');
        let is_local = name == "localhost" || name.ends_with(".localhost");
        let is_sound = name.chars().all(is_plain) && !name.split('.').any(|it| it.is_empty() || it.len() > 63);
        if is_local {
            return Err(EgressRefusal::NotAName { why: "it means this machine" });
        }
        if !is_sound || name.len() > MAX_NAME {
            return Err(EgressRefusal::NotAName { why: "a character that no name has" });
        }
        Ok(Self(name))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for HostName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<String> {
        HostName::from_wire(text).ok().map(|it| it.to_string())
    }

    #[test]
    fn names_are_compared_in_one_form() {
        for text in ["Registry.Example.ORG", "registry.example.org.", "registry.example.org"] {
            assert_eq!(read(text).as_deref(), Some("registry.example.org"), "{text}");
        }
        assert_eq!(HostName::parse("bücher.example").unwrap().as_str(), "xn--bcher-kva.example");
        assert_eq!(read("xn--bcher-kva.example").as_deref(), Some("xn--bcher-kva.example"));
        assert_ne!(HostName::parse("ex\u{430}mple.org").unwrap(), HostName::parse("example.org").unwrap());
    }

    #[test]
    fn what_two_programs_could_read_differently_is_refused() {
        let long_label = format!("{}.org", "a".repeat(64));
        let long_name = format!("{}org", "abc.".repeat(70));
        let refused = [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "a..",
            "evil.org\0.good.org",
            "evil.org\r\n.good.org",
            "a b",
            "a\tb",
            "user@good.org",
            "good.org@evil.org",
            "good.org:443",
            "good.org/x",
            "good.org\\x",
            "good.org?x",
            "good.org#x",
            "g%6fod.org",
            "good.org%00",
            "*.good.org",
            "b\u{fc}cher.org",
            "xn--a",
            "xn--zzzzzz--.org",
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "a_b.org",
            "a,b",
            &long_label,
            &long_name,
        ];
        for text in refused {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_address_is_no_name_in_any_form() {
        let addresses = [
            "127.0.0.1",
            "127.1",
            "0x7f.1",
            "0x7f000001",
            "2130706433",
            "017700000001",
            "0177.0.0.1",
            "0",
            "1.2.3",
            "1.2.3.4.",
            "0x7f.0.0.0x1",
            "[::1]",
            "::1",
            "[::ffff:127.0.0.1]",
            "::ffff:127.0.0.1",
            "fe80::1%eth0",
            "1.2.3.4.5",
            "256.256.256.256",
            "a.1",
            "0xg.1",
        ];
        for text in addresses {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_name_that_was_read_is_read_as_itself(text in "\\PC{0,40}|[a-zA-Z0-9.\\-]{0,60}|.{0,20}") {
            if let Ok(name) = HostName::parse(&text) {
                prop_assert!(name.as_str().bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || b"-.".contains(&it)));
                prop_assert!(name.as_str().parse::<std::net::IpAddr>().is_err());
                prop_assert_eq!(HostName::from_wire(name.as_str()), Ok(name.clone()));
                let dotted = format!("{name}.");
                prop_assert_eq!(HostName::from_wire(&dotted.to_uppercase()), Ok(name));
            }
        }
    }
}
