//! Keys of remote providers: from the environment, then from a file that only the user can read.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use wright_provider::remote::Secret;

use crate::environment::variable;
use crate::report::Failure;

/// Returns the key for a provider, if there is one.
///
/// `WRIGHT_API_KEY` wins over the provider's usual variable, and that over `keys.toml`.
pub(crate) fn find(provider: &str, config_folder: &Path) -> Result<Option<Secret>, Failure> {
    let from_environment = variable("WRIGHT_API_KEY").or_else(|| usual_variable(provider).and_then(variable));
    match from_environment {
        Some(key) => Ok(Some(Secret::new(key))),
        None => from_file(provider, &config_folder.join("keys.toml")),
    }
}

/// Returns the variable that the provider's own tools read the key from.
pub(crate) fn usual_variable(provider: &str) -> Option<&'static str> {
    match provider {
        "openai" | "openai-responses" => Some("OPENAI_API_KEY"),
        "anthropic" => Some("ANTHROPIC_API_KEY"),
        "gemini" => Some("GEMINI_API_KEY"),
        _ => None,
    }
}

fn from_file(provider: &str, path: &Path) -> Result<Option<Secret>, Failure> {
    let fail = |what: String| Failure::usage(format!("failed to read {path:?}: {what}"));
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error.to_string())),
    };
    if metadata.mode() & 0o077 != 0 {
        let hint = format!("Run `chmod 600 {}`.", path.display());
        return Err(fail("other users can read the keys in it".to_owned()).hint(hint));
    }
    let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
    // A parser's message may quote the line, and with it a key.
    let keys: BTreeMap<String, String> = toml::from_str(&text).map_err(|_| {
        fail("it is not a list of keys".to_owned()).hint("Write one line per provider, such as `openai = \"…\"`.")
    })?;
    let name = if provider == "openai-responses" && !keys.contains_key(provider) { "openai" } else { provider };
    Ok(keys.get(name).filter(|it| !it.is_empty()).map(Secret::new))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_read_only_from_a_file_that_others_cannot_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        assert_eq!(from_file("openai", &path).unwrap(), None);
        std::fs::write(&path, "openai = \"sk-1234567\"\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = from_file("openai", &path).unwrap_err();
        assert!(error.to_string().contains("other users can read"), "{error}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(from_file("openai", &path).unwrap(), Some(Secret::new("sk-1234567")));
        assert_eq!(from_file("gemini", &path).unwrap(), None);
    }

    #[test]
    fn a_broken_file_is_not_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        std::fs::write(&path, "openai = sk-1234567\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(!from_file("openai", &path).unwrap_err().to_string().contains("1234567"));
    }
}
