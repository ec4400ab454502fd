//! A model as the user names it: `PROVIDER:NAME`.

use crate::ProviderError;

/// A model's name taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSpec {
    /// `local`, `openai`, `openai-responses`, `anthropic`, `gemini`, `ollama` or `replay`.
    pub provider: String,
    /// What the provider calls the model.
    pub name: String,
}

impl ModelSpec {
    /// Parses `PROVIDER:NAME`. The name may contain further colons, as Ollama's do.
    pub fn parse(text: &str) -> Result<Self, ProviderError> {
        match text.split_once(':') {
            Some((provider, name)) if !provider.is_empty() && !name.is_empty() => {
                Ok(Self { provider: provider.to_owned(), name: name.to_owned() })
            }
            _ => Err(ProviderError::Configuration {
                message: format!("model {text:?} is not of the form PROVIDER:NAME"),
            }),
        }
    }
}

impl std::fmt::Display for ModelSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.provider, self.name)
    }
}
