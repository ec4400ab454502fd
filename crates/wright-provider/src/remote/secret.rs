//! A key that does not show itself.

/// A key or token. Neither `Debug` nor anything else prints it; only [`Secret::expose`] hands it out.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Returns `text` as a secret, without the white space around it that copying often adds.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().trim().to_owned())
    }

    /// Returns the secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns `text` with every appearance of the secret replaced.
    pub(crate) fn redact(&self, text: &str) -> String {
        // A secret this short hides nothing, and replacing it would garble the text.
        if self.0.len() < 4 { text.to_owned() } else { text.replace(&self.0, "[key]") }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret([key])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_in_debug_output() {
        assert_eq!(format!("{:?}", Secret::new("sk-abcdef")), "Secret([key])");
    }

    #[test]
    fn a_secret_is_redacted_wherever_it_appears() {
        let secret = Secret::new(" sk-abcdef\n");
        assert_eq!(secret.redact("bad key sk-abcdef (sk-abcdef)"), "bad key [key] ([key])");
    }
}
