//! What a user can set in the editor, under `wright`, read so that a mistake costs a warning and never the server.

use serde_json::Value;
use wright_complete::Eagerness;
use wright_text::Language;

/// The user's settings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ClientSettings {
    /// How readily something is shown while someone types.
    pub(crate) eagerness: Eagerness,
    /// Whether more than one line may be suggested.
    pub(crate) multiline: bool,
    /// Whether the next place to edit is looked for.
    pub(crate) next_edit: bool,
    /// The model as `PROVIDER:NAME`; `None` leaves the choice to the configuration file.
    pub(crate) model: Option<String>,
    /// Whether what becomes of suggestions is counted, on this machine only.
    pub(crate) telemetry: bool,
    /// Languages in which nothing is suggested, by our names where we know them.
    pub(crate) disabled_languages: Vec<String>,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            eagerness: Eagerness::default(),
            multiline: true,
            next_edit: true,
            model: None,
            telemetry: true,
            disabled_languages: Vec::new(),
        }
    }
}

impl ClientSettings {
    /// Returns these settings with those of a JSON object, and what is wrong with it. What is not named stays.
    #[must_use]
    pub(crate) fn merged(&self, value: &Value) -> (Self, Vec<String>) {
        let mut settings = self.clone();
        let mut problems = Vec::new();
        match value {
            Value::Null => {}
            Value::Object(members) => {
                for (key, value) in members {
                    if let Err(expected) = settings.set(key, value) {
                        problems.push(match expected {
                            Problem::UnknownKey => format!("unknown setting `wright.{key}`"),
                            Problem::Expected(what) => format!("`wright.{key}` is {value}; expected {what}"),
                        });
                    }
                }
            }
            other => problems.push(format!("`wright` is {other}; expected an object")),
        }
        // Objects have no order to rely on.
        problems.sort();
        (settings, problems)
    }

    fn set(&mut self, key: &str, value: &Value) -> Result<(), Problem> {
        match key {
            "eagerness" => self.eagerness = eagerness(value)?,
            "multiline" => self.multiline = switch(value)?,
            "nextEdit" => self.next_edit = switch(value)?,
            "telemetry" => self.telemetry = switch(value)?,
            "model" => self.model = model(value)?,
            "disabledLanguages" => self.disabled_languages = languages(value)?,
            _ => return Err(Problem::UnknownKey),
        }
        Ok(())
    }
}

enum Problem {
    UnknownKey,
    Expected(&'static str),
}

fn switch(value: &Value) -> Result<bool, Problem> {
    value.as_bool().ok_or(Problem::Expected("true or false"))
}

fn eagerness(value: &Value) -> Result<Eagerness, Problem> {
    match value.as_str() {
        Some("low") => Ok(Eagerness::Low),
        Some("medium") => Ok(Eagerness::Medium),
        Some("high") => Ok(Eagerness::High),
        _ => Err(Problem::Expected("\"low\", \"medium\" or \"high\"")),
    }
}

fn model(value: &Value) -> Result<Option<String>, Problem> {
    match value {
        Value::Null => Ok(None),
        Value::String(name) if name.is_empty() => Ok(None),
        Value::String(name) => Ok(Some(name.clone())),
        _ => Err(Problem::Expected("the name of a model, as \"local:NAME\"")),
    }
}

fn languages(value: &Value) -> Result<Vec<String>, Problem> {
    let problem = Problem::Expected("a list of names of languages");
    let Some(names) = value.as_array() else { return Err(problem) };
    let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
    Ok(names.ok_or(problem)?.into_iter().map(language_name).collect())
}

/// Returns our name of a language that a client names, or the client's in lowercase.
pub(crate) fn language_name(client_name: &str) -> String {
    match client_name {
        "typescriptreact" => Language::Tsx.name().to_owned(),
        "javascriptreact" => Language::JavaScript.name().to_owned(),
        other => Language::from_name(other).map_or_else(|| other.to_lowercase(), |it| it.name().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_setting_is_read_and_the_rest_stays() {
        let all = json!({
            "eagerness": "low", "multiline": false, "nextEdit": false, "model": "local:m", "telemetry": false,
            "disabledLanguages": ["Python", "markdown"],
        });
        let (settings, problems) = ClientSettings::default().merged(&all);
        assert_eq!(problems, Vec::<String>::new());
        let expected = ClientSettings {
            eagerness: Eagerness::Low,
            multiline: false,
            next_edit: false,
            model: Some("local:m".to_owned()),
            telemetry: false,
            disabled_languages: vec!["python".to_owned(), "markdown".to_owned()],
        };
        assert_eq!(settings, expected);
        assert_eq!(settings.merged(&json!({ "multiline": true })).0, ClientSettings { multiline: true, ..expected });
    }

    #[test]
    fn a_mistake_is_named_and_what_is_right_still_counts() {
        let (settings, problems) =
            ClientSettings::default().merged(&json!({ "eagerness": "huge", "multiline": false, "colour": 1 }));
        assert!(!settings.multiline);
        assert_eq!(
            problems,
            [
                "`wright.eagerness` is \"huge\"; expected \"low\", \"medium\" or \"high\"",
                "unknown setting `wright.colour`",
            ]
        );
        assert_eq!(ClientSettings::default().merged(&json!([])).1, ["`wright` is []; expected an object"]);
    }
}
