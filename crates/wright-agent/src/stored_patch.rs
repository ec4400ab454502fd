//! A patch as JSON, the form in which a proposal waits in the store.

use serde_json::{Map, Value, json};
use wright_text::{FileChange, Patch};

/// Returns the patch as JSON: each path with its text before and after, `null` where the file does not exist.
pub fn to_json(patch: &Patch) -> Value {
    let file = |change: &FileChange| json!({ "before": change.before, "after": change.after });
    patch
        .files
        .iter()
        .map(|(path, change)| (path.to_string_lossy().into_owned(), file(change)))
        .collect::<Map<_, _>>()
        .into()
}

/// Reads what [`to_json`] wrote; `None` when it is something else.
pub fn from_json(text: &str) -> Option<Patch> {
    let value: Map<String, Value> = serde_json::from_str(text).ok()?;
    let side = |change: &Value, name: &str| match change.get(name)? {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text.clone())),
        _ => None,
    };
    let files = value.iter().map(|(path, change)| {
        let change = FileChange { before: side(change, "before")?, after: side(change, "after")? };
        Some((path.into(), change))
    });
    Some(Patch { files: files.collect::<Option<_>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_survives_the_store() {
        let change = FileChange { before: Some("a\r\n".to_owned()), after: None };
        let patch = Patch { files: [("ä b.py".into(), change)].into() };
        assert_eq!(from_json(&to_json(&patch).to_string()), Some(patch));
        assert_eq!(from_json("{\"a\": {\"before\": 1}}"), None);
    }
}
