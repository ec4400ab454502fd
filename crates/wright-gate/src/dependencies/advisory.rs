//! One advisory of a database in the OSV format, and whether a version is affected by it.

use std::cmp::Ordering;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Ecosystem, compare};
use crate::Severity;

/// What is known about one vulnerability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Advisory {
    /// Its id in its database.
    pub id: String,
    /// Its ids elsewhere, such as a CVE number.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// One line about it.
    #[serde(default)]
    pub summary: String,
    /// When it was changed last, as RFC 3339 writes it.
    #[serde(default)]
    pub modified: String,
    /// When it was withdrawn, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
    #[serde(default)]
    severity: Vec<Score>,
    #[serde(default)]
    affected: Vec<Affected>,
    #[serde(default)]
    database_specific: Value,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Score {
    #[serde(default)]
    score: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Affected {
    #[serde(default)]
    package: Option<Named>,
    #[serde(default)]
    ranges: Vec<Range>,
    #[serde(default)]
    versions: Vec<String>,
    #[serde(default)]
    severity: Vec<Score>,
    #[serde(default)]
    ecosystem_specific: Value,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Named {
    ecosystem: String,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Range {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Event {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    introduced: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fixed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_affected: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<String>,
}

/// How an advisory concerns one version of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// The version that mends it; none where the advisory names none.
    pub fixed: Option<String>,
    /// The functions that are vulnerable, each as the import path and the name; empty where the advisory names none.
    pub symbols: Vec<(String, String)>,
}

impl Advisory {
    /// Reads an advisory, and leaves out what is not used here, such as its long description.
    ///
    /// # Errors
    /// When it is no advisory.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        let mut advisory: Self = serde_json::from_slice(json)?;
        // Of what each database adds, only its own word for the severity is used.
        let word = advisory.database_specific.get("severity").filter(|it| it.is_string()).cloned();
        advisory.database_specific = word.map_or(Value::Null, |word| serde_json::json!({ "severity": word }));
        Ok(advisory)
    }

    /// Returns the packages that it is about, of the ecosystems that are known here.
    pub fn packages(&self) -> impl Iterator<Item = (Ecosystem, String)> {
        self.affected.iter().filter_map(|it| it.key())
    }

    /// Returns how it concerns a version, if it does. A withdrawn advisory concerns none.
    pub fn exposure(&self, ecosystem: Ecosystem, name: &str, version: &str) -> Option<Exposure> {
        if self.withdrawn.is_some() {
            return None;
        }
        let ours = |it: &&Affected| it.key().is_some_and(|key| key == (ecosystem, name.to_owned()));
        let hit: Vec<&Affected> = self.affected.iter().filter(ours).filter(|it| it.holds(ecosystem, version)).collect();
        let first = hit.first()?;
        let fixed = hit.iter().find_map(|it| it.fixed(ecosystem, version));
        Some(Exposure { fixed, symbols: symbols(&first.ecosystem_specific) })
    }

    /// Returns how much it matters, and the words for that: the score of its vector, or its database's own word.
    pub fn severity(&self) -> (Severity, Option<String>) {
        if self.id.starts_with("MAL-") {
            return (Severity::Error, Some("malicious".to_owned()));
        }
        let vectors = self.severity.iter().chain(self.affected.iter().flat_map(|it| &it.severity));
        let scores = vectors.filter_map(|it| cvss::Cvss::from_str(&it.score).ok()).map(|it| it.score());
        if let Some(score) = scores.max_by(f64::total_cmp) {
            return (of_score(score), Some(format!("CVSS {score:.1}")));
        }
        match self.database_specific.get("severity").and_then(Value::as_str).map(str::to_ascii_lowercase) {
            Some(word) if matches!(word.as_str(), "critical" | "high") => (Severity::Error, Some(word)),
            Some(word) if word == "low" => (Severity::Note, Some(word)),
            Some(word) => (Severity::Warning, Some(word)),
            None => (Severity::Warning, None),
        }
    }
}

fn of_score(score: f64) -> Severity {
    match score {
        _ if score >= 7.0 => Severity::Error,
        _ if score >= 4.0 => Severity::Warning,
        _ => Severity::Note,
    }
}

impl Affected {
    fn key(&self) -> Option<(Ecosystem, String)> {
        let package = self.package.as_ref()?;
        let ecosystem = Ecosystem::from_name(&package.ecosystem)?;
        Some((ecosystem, ecosystem.normalized(&package.name)))
    }

    fn holds(&self, ecosystem: Ecosystem, version: &str) -> bool {
        let is_same =
            |listed: &String| listed == version || compare(ecosystem, listed, version) == Some(Ordering::Equal);
        self.versions.iter().any(is_same) || self.ordered_ranges().any(|it| it.holds(ecosystem, version))
    }

    /// Returns the ranges whose versions have an order; commits have none here.
    fn ordered_ranges(&self) -> impl Iterator<Item = &Range> {
        self.ranges.iter().filter(|it| matches!(it.kind.as_str(), "SEMVER" | "ECOSYSTEM"))
    }

    /// Returns the nearest version that mends it.
    fn fixed(&self, ecosystem: Ecosystem, version: &str) -> Option<String> {
        let fixes = self.ordered_ranges().flat_map(|it| &it.events).filter_map(|it| it.fixed.as_ref());
        let later = fixes.filter(|it| compare(ecosystem, it, version) == Some(Ordering::Greater));
        later.min_by(|a, b| compare(ecosystem, a, b).unwrap_or(Ordering::Equal)).cloned()
    }
}

impl Range {
    /// Carries out the evaluation that the OSV schema describes: the events in the order of their versions, each of which
    /// turns the answer. The order of the list means nothing.
    fn holds(&self, ecosystem: Ecosystem, version: &str) -> bool {
        let limits: Vec<&String> = self.events.iter().filter_map(|it| it.limit.as_ref()).collect();
        let is_below =
            |limit: &&String| limit.as_str() == "*" || order(ecosystem, version, limit) == Some(Ordering::Less);
        if !limits.is_empty() && !limits.iter().any(is_below) {
            return false;
        }
        let mut turns: Vec<(&str, Turn)> = self.events.iter().flat_map(Event::turns).collect();
        // Where versions are equal, what ends comes before what begins.
        turns.sort_by(|a, b| order(ecosystem, a.0, b.0).unwrap_or(Ordering::Equal).then(a.1.cmp(&b.1)));
        let mut holds = false;
        for (at, turn) in turns {
            match (order(ecosystem, version, at), turn) {
                (Some(Ordering::Greater | Ordering::Equal), Turn::Fixed)
                | (Some(Ordering::Greater), Turn::LastAffected) => holds = false,
                (Some(Ordering::Greater | Ordering::Equal), Turn::Introduced) => holds = true,
                (Some(Ordering::Less | Ordering::Equal), _) | (None, _) => {}
            }
        }
        holds
    }
}

/// Compares versions; the version `0` of an event stands for before the first.
fn order(ecosystem: Ecosystem, a: &str, b: &str) -> Option<Ordering> {
    match (a, b) {
        ("0", "0") => Some(Ordering::Equal),
        ("0", _) => Some(Ordering::Less),
        (_, "0") => compare(ecosystem, a, a).map(|_| Ordering::Greater),
        _ => compare(ecosystem, a, b),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Fixed,
    Introduced,
    LastAffected,
}

impl Event {
    fn turns(&self) -> impl Iterator<Item = (&str, Turn)> {
        let turns = [
            (&self.fixed, Turn::Fixed),
            (&self.introduced, Turn::Introduced),
            (&self.last_affected, Turn::LastAffected),
        ];
        turns.into_iter().filter_map(|(version, turn)| Some((version.as_deref()?, turn)))
    }
}

/// Returns the functions that an advisory names: Go's `imports`, Rust's `affects.functions`.
fn symbols(specific: &Value) -> Vec<(String, String)> {
    let mut symbols = Vec::new();
    for import in specific.get("imports").and_then(Value::as_array).into_iter().flatten() {
        let Some(path) = import.get("path").and_then(Value::as_str) else { continue };
        let names = import.get("symbols").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        symbols.extend(names.map(|name| (path.to_owned(), name.to_owned())));
    }
    let functions = specific.pointer("/affects/functions").and_then(Value::as_array);
    for function in functions.into_iter().flatten().filter_map(Value::as_str) {
        if let Some((path, name)) = function.rsplit_once("::") {
            symbols.push((path.to_owned(), name.to_owned()));
        }
    }
    symbols
}

#[cfg(test)]
mod tests;
