//! The advisories as published documents say them.

use serde_json::json;

use super::*;

fn advisory(ecosystem: &str, affected: &serde_json::Value) -> Advisory {
    let mut affected = affected.clone();
    affected["package"] = json!({"ecosystem": ecosystem, "name": "a"});
    let document = json!({"id": "X-1", "modified": "2026-01-01T00:00:00Z", "affected": [affected]});
    Advisory::parse(document.to_string().as_bytes()).unwrap()
}

/// Checks which versions the events of one range hold.
fn check(ecosystem: Ecosystem, kind: &str, events: &serde_json::Value, held: &[&str], free: &[&str]) {
    let advisory = advisory(ecosystem.name(), &json!({"ranges": [{"type": kind, "events": events}]}));
    for (versions, expected) in [(held, true), (free, false)] {
        for version in versions {
            let found = advisory.exposure(ecosystem, "a", version).is_some();
            assert_eq!(found, expected, "{version} in {events}");
        }
    }
}

#[test]
fn a_range_holds_from_what_introduced_it_to_what_fixed_it() {
    let events = json!([{"introduced": "1.0.0"}, {"fixed": "1.2.0"}]);
    check(
        Ecosystem::Npm,
        "SEMVER",
        &events,
        &["1.0.0", "1.1.9", "1.2.0-rc.1"],
        &["0.9.9", "1.0.0-rc.1", "1.2.0", "2.0.0"],
    );
    let events = json!([{"introduced": "0"}, {"fixed": "2.0"}]);
    check(
        Ecosystem::PyPi,
        "ECOSYSTEM",
        &events,
        &["0.1", "1.9.post1", "2.0rc1", "2.0.dev1", "0a1"],
        &["2.0", "2.0.0", "2.0+local", "2.0.post1"],
    );
    check(
        Ecosystem::Maven,
        "ECOSYSTEM",
        &json!([{"introduced": "0"}, {"fixed": "2.15.0"}]),
        &["2.14.1", "2.15.0-rc1", "1"],
        &["2.15", "2.15.0", "2.16-rc1"],
    );
    check(
        Ecosystem::Go,
        "SEMVER",
        &json!([{"introduced": "0"}, {"fixed": "0.3.8"}]),
        &["v0.3.7", "v0.0.0-20200101000000-abcdefabcdef", "v0.3.8-0.20200101000000-abcdefabcdef"],
        &["v0.3.8", "v1.0.0"],
    );
}

#[test]
fn a_range_without_an_end_holds_for_ever_and_one_with_a_last_version_through_it() {
    check(Ecosystem::Cargo, "SEMVER", &json!([{"introduced": "1.0.0"}]), &["1.0.0", "99.0.0"], &["0.9.0"]);
    let events = json!([{"introduced": "1.0.0"}, {"last_affected": "1.2.0"}]);
    check(Ecosystem::Cargo, "SEMVER", &events, &["1.0.0", "1.2.0"], &["1.2.1", "0.9.0"]);
}

#[test]
fn the_order_of_events_means_nothing() {
    let events = json!([{"fixed": "3.1.0"}, {"introduced": "3.0.0"}, {"fixed": "1.5.0"}, {"introduced": "1.0.0"}]);
    check(
        Ecosystem::Npm,
        "SEMVER",
        &events,
        &["1.0.0", "1.4.9", "3.0.0", "3.0.9"],
        &["0.9.0", "1.5.0", "2.0.0", "3.1.0"],
    );
    // Numbers, not words, decide where an event stands.
    let events = json!([{"introduced": "9.0.0"}, {"fixed": "10.0.0"}]);
    check(Ecosystem::Npm, "SEMVER", &events, &["9.9.9"], &["10.0.0", "8.0.0"]);
}

#[test]
fn a_limit_keeps_a_range_from_other_branches() {
    let events = json!([{"introduced": "0"}, {"limit": "2.0.0"}]);
    check(Ecosystem::Npm, "SEMVER", &events, &["1.0.0"], &["2.0.0", "3.0.0"]);
}

#[test]
fn listed_versions_count_and_commits_do_not() {
    let advisory = advisory(
        "PyPI",
        &json!({
            "versions": ["1.0", "not-pep-440"],
            "ranges": [{"type": "GIT", "repo": "https://git.example/a", "events": [{"introduced": "0"}]}],
        }),
    );
    for (version, expected) in [("1.0", true), ("1.0.0", true), ("not-pep-440", true), ("1.1", false), ("other", false)]
    {
        assert_eq!(advisory.exposure(Ecosystem::PyPi, "a", version).is_some(), expected, "{version}");
    }
}

#[test]
fn a_version_without_an_order_is_in_no_range() {
    check(Ecosystem::PyPi, "ECOSYSTEM", &json!([{"introduced": "0"}]), &[], &["not-a-version", ""]);
}

#[test]
fn other_packages_and_withdrawn_advisories_concern_nobody() {
    let document = json!({"id": "X-1", "withdrawn": "2026-01-01T00:00:00Z",
        "affected": [{"package": {"ecosystem": "npm", "name": "a"}, "versions": ["1.0.0"]}]});
    let withdrawn = Advisory::parse(document.to_string().as_bytes()).unwrap();
    assert_eq!(withdrawn.exposure(Ecosystem::Npm, "a", "1.0.0"), None);
    let live = advisory("npm", &json!({"versions": ["1.0.0"]}));
    assert_eq!(live.exposure(Ecosystem::Npm, "b", "1.0.0"), None);
    assert_eq!(live.exposure(Ecosystem::PyPi, "a", "1.0.0"), None);
}

#[test]
fn the_nearest_later_fix_is_named() {
    let ranges = json!({"ranges": [
        {"type": "SEMVER", "events": [{"introduced": "1.0.0"}, {"fixed": "1.5.0"}]},
        {"type": "SEMVER", "events": [{"introduced": "2.0.0"}, {"fixed": "2.3.0"}]}]});
    let advisory = advisory("npm", &ranges);
    let fixed = |version: &str| advisory.exposure(Ecosystem::Npm, "a", version).and_then(|it| it.fixed);
    assert_eq!(fixed("1.1.0").as_deref(), Some("1.5.0"));
    assert_eq!(fixed("2.1.0").as_deref(), Some("2.3.0"));
}

#[test]
fn the_severity_is_that_of_the_vector_or_of_the_database() {
    let cases = [
        (
            json!({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]}),
            Severity::Error,
            Some("CVSS 9.8"),
        ),
        (
            json!({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N"}]}),
            Severity::Note,
            Some("CVSS 3.1"),
        ),
        (
            json!({"severity": [{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}]}),
            Severity::Error,
            Some("CVSS 9.3"),
        ),
        (
            json!({"severity": [{"type": "CVSS_V3", "score": "nonsense"}], "database_specific": {"severity": "MODERATE"}}),
            Severity::Warning,
            Some("moderate"),
        ),
        (json!({"database_specific": {"severity": "HIGH"}}), Severity::Error, Some("high")),
        (json!({}), Severity::Warning, None),
    ];
    for (mut document, severity, words) in cases {
        document["id"] = json!("X-1");
        let found = Advisory::parse(document.to_string().as_bytes()).unwrap().severity();
        assert_eq!(found, (severity, words.map(str::to_owned)), "{document}");
    }
}

#[test]
fn the_functions_that_an_advisory_names_are_read() {
    let go = advisory(
        "Go",
        &json!({"versions": ["v1.0.0"], "ecosystem_specific": {"imports": [{"path": "a/b", "symbols": ["F", "T.G"]}]}}),
    );
    let expected = [("a/b", "F"), ("a/b", "T.G")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(go.exposure(Ecosystem::Go, "a", "v1.0.0").unwrap().symbols, expected);
    let rust = advisory(
        Ecosystem::Cargo.name(),
        &json!({"versions": ["1.0.0"], "ecosystem_specific": {"affects": {"functions": ["a::T::f"]}}}),
    );
    assert_eq!(rust.exposure(Ecosystem::Cargo, "a", "1.0.0").unwrap().symbols, [("a::T".to_owned(), "f".to_owned())]);
}

#[test]
fn an_advisory_with_other_types_than_the_schema_is_refused_or_harmless() {
    for text in [
        "",
        "[]",
        "{}",
        "{\"id\": 1}",
        "{\"id\": \"X\", \"affected\": {}}",
        "{\"id\": \"X\", \"affected\": [{\"ranges\": 3}]}",
    ] {
        assert!(Advisory::parse(text.as_bytes()).is_err(), "{text}");
    }
    let odd = r#"{"id": "X", "database_specific": 3, "affected": [{"package": {"ecosystem": "npm", "name": "a"}, "ecosystem_specific": [1]}]}"#;
    assert_eq!(Advisory::parse(odd.as_bytes()).unwrap().exposure(Ecosystem::Npm, "a", "1.0.0"), None);
}
