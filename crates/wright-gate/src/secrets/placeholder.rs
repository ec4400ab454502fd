//! Values that stand where a secret would, and are none.

/// Parts of a value that say it is to be replaced, or comes from elsewhere.
const MARKS: &[&str] = &[
    "example",
    "placeholder",
    "changeme",
    "change_me",
    "change-me",
    "replace",
    "redacted",
    "insert_",
    "insert-",
    "your_",
    "your-",
    "yourtoken",
    "yourapi",
    "yourkey",
    "yoursecret",
    "yourpass",
    "xxxx",
    "****",
    "....",
    "dummy",
    "not-a-real",
    "notarealkey",
    "fake_",
    "fake-",
    "todo",
    "fixme",
    "${",
    "{{",
    "<%",
    "%(",
    "$(",
    "#{",
    "sha256-",
    "sha384-",
    "sha512-",
    "lorem",
    "foobar",
    "1234567890abcdef1234567890",
    "_here",
];

/// Whole values that name a secret instead of being one.
const COMMON: &[&str] = &[
    "password",
    "passwd",
    "pass",
    "pwd",
    "pw",
    "passphrase",
    "secret",
    "token",
    "user",
    "username",
    "login",
    "key",
    "apikey",
    "api_key",
    "api-key",
    "none",
    "null",
    "nil",
    "undefined",
    "true",
    "false",
    "string",
    "str",
    "text",
    "hidden",
    "required",
    "optional",
    "default",
    "empty",
    "test",
    "testing",
    "value",
    "auth",
    "bearer",
    "basic",
    "credential",
    "credentials",
    "yes",
    "no",
    "on",
    "off",
    "any",
    "unset",
    "missing",
    "invalid",
    "disabled",
    "enabled",
    "plain",
    "plaintext",
    "hash",
    "foo",
    "bar",
    "baz",
    "abc",
    "xxx",
    "reset",
    "change",
    "new",
    "old",
    "current",
    "confirm",
    "email",
    "name",
    "number",
    "int",
    "bool",
    "boolean",
    "object",
    "array",
    "list",
    "dict",
    "bytes",
    "char",
    "varchar",
    "function",
    "self",
    "this",
    "config",
    "env",
    "encrypted",
    "random",
    "prompt",
    "ask",
    "provided",
    "anonymous",
    "guest",
    "mypassword",
    "mypass",
    "mysecret",
    "thepassword",
    "testpassword",
    "testpass",
    "newpassword",
    "wrongpassword",
    "pass123",
    "password123",
];

/// Returns whether a value says of itself that it is none, or is filled in elsewhere.
pub(super) fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let is_bracketed = lower.starts_with('<') && lower.ends_with('>') || lower.starts_with('[') && lower.ends_with(']');
    let is_variable = lower.starts_with('$') && lower[1..].bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
    is_bracketed || is_variable || MARKS.iter().any(|mark| lower.contains(mark))
}

/// Returns whether a value is a word that names a secret, or nothing in particular.
pub(super) fn is_common_word(value: &str) -> bool {
    let bare: String = value.chars().filter(char::is_ascii_alphanumeric).map(|it| it.to_ascii_lowercase()).collect();
    COMMON.contains(&value.to_ascii_lowercase().as_str()) || COMMON.contains(&bare.as_str())
}

/// Returns whether a value is the same few characters over and over.
pub(super) fn is_repetitive(value: &str) -> bool {
    let mut seen = [false; 256];
    let mut run = 1;
    let mut longest_run = 1;
    let mut previous = None;
    for byte in value.bytes() {
        seen[usize::from(byte)] = true;
        run = if previous == Some(byte) { run + 1 } else { 1 };
        longest_run = longest_run.max(run);
        previous = Some(byte);
    }
    let n_distinct = seen.iter().filter(|it| **it).count();
    let least = (value.len() / 4).clamp(2, 6);
    n_distinct < least || longest_run >= 8.max(value.len() / 4)
}

/// Returns whether a value counts up or down, as `1234567890abcdef` does.
pub(super) fn is_sequence(value: &str) -> bool {
    let steps = value.as_bytes().windows(2).filter(|pair| {
        let step = i16::from(pair[1]) - i16::from(pair[0]);
        step.abs() == 1 || matches!((pair[0], pair[1]), (b'9', b'0' | b'a' | b'A') | (b'z', b'a') | (b'f', b'0'))
    });
    value.len() >= 6 && (steps.count() * 10 >= (value.len() - 1) * 7 || alternates(value))
}

/// Returns whether letters and digits take turns and both count, as in `a1b2c3d4`.
fn alternates(value: &str) -> bool {
    let bytes: Vec<u8> = value.bytes().filter(u8::is_ascii_alphanumeric).collect();
    let steps = bytes.windows(3).filter(|it| {
        let takes_turns = it[0].is_ascii_digit() != it[1].is_ascii_digit();
        takes_turns && (i16::from(it[2]) - i16::from(it[0])).abs() == 1 || matches!((it[0], it[2]), (b'9', b'0'))
    });
    bytes.len() >= 8 && steps.count() * 10 >= (bytes.len() - 2) * 6
}

/// Returns whether a value has a run that a hand types: `abcdefg`, `123456`.
pub(super) fn has_typed_run(value: &str) -> bool {
    let bytes = value.as_bytes();
    let is_run = |run: &[u8]| run.windows(2).all(|it| it[1] == it[0].wrapping_add(1) && it[0].is_ascii_alphanumeric());
    bytes.windows(6).any(is_run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_values() {
        for value in ["<your token>", "${TOKEN}", "$TOKEN", "{{ token }}", "sk_live_xxxxxxxx", "AKIAIOSFODNN7EXAMPLE"] {
            assert!(is_placeholder(value), "{value}");
        }
        assert!(!is_placeholder("q7Rt2Lx9Vb4Nz8Kw3Jd6") && !is_placeholder("$ecr3t!word"));
        assert!(is_sequence("0123456789abcdef") && !is_sequence("q7Rt2Lx9Vb4Nz8Kw3Jd6"));
        assert!(is_sequence("a1b2c3d4e5f6g7h8") && has_typed_run("abcdefg12X") && !has_typed_run("q7Rt2Lx9"));
        assert!(is_repetitive("aaaaaaaaaaaaaaaa") && is_repetitive("abababababababab") && !is_repetitive("4ian1234"));
        assert!(is_common_word("Password") && !is_common_word("hunter2"));
    }
}
