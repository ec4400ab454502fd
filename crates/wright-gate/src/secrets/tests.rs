//! What is found and what is not. Values are drawn at run time from the rules' own patterns, so that no scanner takes this
//! file for a leak.

use std::path::Path;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::rules::{RULES, Rule};
use super::*;

const LETTERS: &str = "q7Rt2Lx9Vb4Nz8Kw3Jd6Hs5Gf1Mc0PyTa7Ue2IoXk";

fn drawn(n: usize) -> String {
    LETTERS.chars().cycle().take(n).collect()
}

fn rules_of(path: &str, text: &str) -> Vec<String> {
    find(Path::new(path), text).into_iter().map(|it| it.rule.into_owned()).collect()
}

fn has_any(path: &str, text: &str) -> bool {
    !find(Path::new(path), text).is_empty()
}

/// Returns texts that the pattern of a rule matches.
fn samples(rule: &Rule, runner: &mut TestRunner) -> Vec<String> {
    // What says where a match may stand makes no letters.
    let unanchored =
        [(r"\A", ""), (r"\b", ""), (r"|\z)", ")"), ("(?:^|", "(?:"), ("|$)", ")"), ("|/?$|", "|"), ("$|[", "[")];
    let source = unanchored.iter().fold(rule.source().to_owned(), |source, (from, to)| source.replace(from, to));
    let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(&source).unwrap();
    let bytes = proptest::string::bytes_regex_parsed(&hir).unwrap_or_else(|error| panic!("{}: {error}", rule.id));
    (0..40).map(|_| String::from_utf8_lossy(&bytes.new_tree(runner).unwrap().current()).into_owned()).collect()
}

#[test]
fn every_rule_finds_what_its_issuer_publishes() {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let mut deaf = Vec::new();
    for rule in &RULES.all {
        if rule.check.is_some_and(|it| it != super::rules::Structure::Base62Crc32) {
            continue;
        }
        let is_found = samples(rule, &mut runner).iter().any(|it| has_any("a.conf", &format!("\n{it}\n")));
        if !is_found {
            deaf.push(&rule.id);
        }
    }
    assert!(deaf.is_empty(), "{deaf:?}");
}

#[test]
fn there_are_rules_for_many_issuers_and_each_compiles() {
    let mut issuers: Vec<&str> = RULES.all.iter().filter_map(|it| it.id.split('/').next()).collect();
    issuers.dedup();
    assert!(issuers.len() >= 180, "{}", issuers.len());
    for rule in &RULES.all {
        assert!(rule.pattern().captures_len() >= 2, "{} has no group", rule.id);
    }
}

#[test]
fn a_value_is_found_in_every_syntax() {
    let it = drawn(24);
    for (path, text) in [
        ("a.yaml", format!("db:\n  api_key: {it}\n")),
        ("a.json", format!("{{\"clientSecret\": \"{it}\"}}")),
        ("a.toml", format!("auth_token = \"{it}\"")),
        (".env", format!("DB_PASSWORD={it}")),
        ("a.sh", format!("export API_TOKEN='{it}'")),
        ("a.sh", format!("run --password {it} --verbose")),
        ("a.sh", format!("run --api-key={it}")),
        ("a.ini", format!("[x]\nsecret = {it}")),
        ("a.py", format!("conn(password=\"{it}\")")),
        ("a.py", format!("TOKEN: str = '{it}'")),
        ("a.rs", format!("const API_KEY: &str = \"{it}\";")),
        ("a.ts", format!("const secretKey: string = '{it}';")),
        ("a.go", format!("password := \"{it}\"")),
        ("a.rb", format!(":password => '{it}'")),
        ("a.java", format!("setPassword(\"{it}\");")),
        ("a.xml", format!("<password>{it}</password>")),
        ("a.config", format!("<add key=\"ApiSecret\" value=\"{it}\" />")),
        ("a.cs", format!("\"Server=db;User Id=sa;Password={it};\"")),
        ("a.py", format!("url = \"postgres://app:{it}@db.internal/x\"")),
        ("a.txt", format!("Authorization: Bearer {it}")),
        ("a.gradle", format!("password '{it}'")),
        ("a.php", format!("env('JIRA_TOKEN', '{it}')")),
    ] {
        assert!(has_any(path, &text), "{path}: {text}");
    }
}

#[test]
fn what_stands_in_for_a_secret_is_none() {
    let digest = "6fb1cff7690db9ac066cadbbde8e3c078efdabcf";
    for (path, text) in [
        ("a.py", "password = os.environ['DB_PASSWORD']".to_owned()),
        ("a.py", "token = 'your-token-here-12345678'".to_owned()),
        ("a.py", "PASSWORD_FIELD = 'user_password_2'".to_owned()),
        ("a.py", "max_tokens = 'q7Rt2Lx9Vb4Nz8Kw3Jd6'".to_owned()),
        ("a.yaml", "password: ${DB_PASSWORD}".to_owned()),
        ("a.yaml", "secretName: my-secret-tls-2024".to_owned()),
        ("a.json", "{\"password\": \"Password\", \"token\": \"<token>\"}".to_owned()),
        ("Cargo.lock", format!("token = \"{digest}\"")),
        ("package-lock.json", format!("\"auth\": {{\"integrity\": \"sha512-{digest}{digest}\"}}")),
        ("a.md", format!("See commit {digest}.")),
        ("a.rs", "let token = self.next_token();".to_owned()),
        ("a.pem", format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", drawn(200))),
        ("a.py", "AWS = 'AKIA".to_owned() + "IOSFODNN7EXAMPLE'"),
        ("a.py", "url = 'postgres://user:password@localhost/db'".to_owned()),
        ("a.py", "id = '2f1acc6c-3a60-4a4e-b6a1-97d2b5d2b5d2'".to_owned()),
    ] {
        assert_eq!(rules_of(path, &text), [""; 0], "{path}: {text}");
    }
}

#[test]
fn a_private_key_is_found_on_lines_escaped_and_in_base_64() {
    let body = |separator: &str| format!("{}{separator}{}{separator}{}", drawn(40), drawn(38), drawn(35));
    let armored = |separator: &str| {
        let label = ["PRIVATE", "KEY"].join(" ");
        format!("-----BEGIN RSA {label}-----{separator}{}{separator}-----END RSA {label}-----", body(separator))
    };
    assert_eq!(rules_of("id_rsa", &armored("\n")), ["private-key"]);
    assert_eq!(rules_of("a.json", &format!("{{\"k\": \"{}\"}}", armored("\\n"))), ["private-key"]);
    use base64::Engine as _;
    let wrapped = base64::engine::general_purpose::STANDARD.encode(armored("\n"));
    assert_eq!(rules_of("a.yaml", &format!("x: {wrapped}")), ["private-key"]);
}

#[test]
fn the_value_is_nowhere_in_a_finding() {
    let value = format!("ghp_{}", drawn(36));
    let text = format!("x = '{value}'\n");
    let source = Source::new(Path::new("a.py"), &text);
    let found = findings(&source);
    assert_eq!(found.len(), 1);
    let shown = format!("{:?}", found[0]);
    assert!(!shown.contains(&value[4..12]), "{shown}");
    assert!(found[0].evidence.as_deref().unwrap().ends_with("begins with ghp"), "{shown}");
}

#[test]
fn a_digest_depends_on_the_value_and_on_the_repository() {
    let key_of = |text: &str, key: &[u8]| {
        let source = Source::new(Path::new("a.env"), text);
        findings_with(&source, &DigestKey::new(key)).remove(0).key
    };
    let line = format!("API_KEY={}\n", drawn(24));
    assert_eq!(key_of(&line, b"one"), key_of(&format!("\n\n{line}"), b"one"));
    assert_ne!(key_of(&line, b"one"), key_of(&line, b"two"));
    assert_ne!(key_of(&line, b"one"), key_of(&line.replace("q7R", "q8R"), b"one"));
}

#[test]
fn the_issuer_s_rule_wins_over_the_name() {
    let value = format!("glpat-{}", drawn(20));
    assert_eq!(rules_of("a.env", &format!("GITLAB_TOKEN={value}")), ["gitlab/personal-access-token"]);
}

proptest! {
    #[test]
    fn no_text_makes_it_fail(text in "(?s).{0,200}", token in "(ghp_|AKIA|sk-|-----BEGIN |://|password=|eyJ|basic )", tail in "(?s).{0,80}") {
        find(Path::new("a.txt"), &format!("{text}{token}{tail}"));
    }
}

#[test]
fn a_text_full_of_keywords_ends_in_time() {
    for word in ["password=", "AKIA", "https://a:", "-----BEGIN PRIVATE KEY-----", "heroku ", "s.", "eyJ", "curl -u "] {
        find(Path::new("a.txt"), &word.repeat(200_000 / word.len()));
    }
}
