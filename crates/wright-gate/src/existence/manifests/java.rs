//! Manifests of Maven and Gradle. A coordinate `group:artifact` stands for the Java packages that begin like its group.

use std::sync::LazyLock;

use regex::Regex;

use super::{Collector, Found};
use crate::existence::Ecosystem::Maven;

pub(super) fn pom(text: &str) -> Found {
    static COORDINATE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"<groupId>\s*([\w.${}-]+)\s*</groupId>\s*<artifactId>\s*([\w.${}-]+)\s*</artifactId>")
            .expect("it is tested")
    });
    let mut found = Collector::new(Maven, text);
    for coordinate in COORDINATE.captures_iter(text) {
        let start = coordinate.get(0).map_or(0, |it| it.start());
        let line = text[..start].matches('\n').count() + 1;
        found.add_at(&format!("{}:{}", &coordinate[1], &coordinate[2]), line, true);
    }
    found.done()
}

pub(super) fn gradle(text: &str) -> Found {
    static COORDINATE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?m)(?:["']|^)([\w.-]+\.?[\w-]*):([\w.-]+)(?::[\w.$+{}-]*)?(?:["'=]|$)"#).expect("it is tested")
    });
    static PARTS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"group\s*[:=]\s*["']([\w.-]+)["']\s*,\s*(?:name|module)\s*[:=]\s*["']([\w.-]+)["']"#)
            .expect("it is tested")
    });
    let mut found = Collector::new(Maven, text);
    for (at, line) in text.lines().enumerate() {
        for pattern in [&COORDINATE, &PARTS] {
            for it in pattern.captures_iter(line) {
                found.add_at(&format!("{}:{}", &it[1], &it[2]), at + 1, true);
            }
        }
    }
    found.done()
}
