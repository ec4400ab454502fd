//! Lock files of every format, as their tools write them.

use std::path::Path;

use super::*;

/// Returns one line for each package: name, version, origin, hashes, and what else is known.
fn read(name: &str, text: &str) -> Vec<String> {
    let packages = LockFormat::from_path(Path::new(name)).unwrap().parse(text).unwrap();
    let line = |it: Package| {
        let hashes: Vec<String> = it.integrity.iter().map(|(what, hash)| format!("{what}:{hash}")).collect();
        let script = if it.runs_at_install { " script" } else { "" };
        let license = it.license.map(|it| format!(" {it}")).unwrap_or_default();
        format!("{} {} {:?} [{}]{script}{license}", it.name, it.version, it.origin, hashes.join(" "))
    };
    packages.into_iter().map(line).collect()
}

#[test]
fn a_cargo_lock_lists_registry_and_git_packages_and_not_the_projects_own() {
    let text = r#"
version = 4
[[package]]
name = "own"
version = "0.1.0"
[[package]]
name = "a"
version = "1.0.0"
source = "registry+https://index.example/git"
checksum = "aa"
[[package]]
name = "b"
version = "0.2.0"
source = "git+https://git.example/b?rev=1#1"
"#;
    let expected = [
        r#"a 1.0.0 Registry(Some("https://index.example/git")) [sha256:aa]"#,
        r#"b 0.2.0 Git("https://git.example/b?rev=1#1") []"#,
    ];
    assert_eq!(read("Cargo.lock", text), expected);
}

#[test]
fn a_package_lock_of_version_1_is_a_tree() {
    let text = r#"{"lockfileVersion": 1, "dependencies": {
        "a": {"version": "1.0.0", "resolved": "https://registry.example/a/-/a-1.0.0.tgz", "integrity": "sha512-AA==",
              "requires": {"b": "^2"}, "dependencies": {"b": {"version": "2.0.0", "integrity": "sha1-BB="}}},
        "c": {"version": "git+ssh://git@git.example/c.git#abc", "from": "c@git"}}}"#;
    let expected = [
        r#"a 1.0.0 Registry(Some("https://registry.example/a/-/a-1.0.0.tgz")) [sha512:AA==]"#,
        r#"c git+ssh://git@git.example/c.git#abc Git("git+ssh://git@git.example/c.git#abc") []"#,
        "b 2.0.0 Registry(None) [sha1:BB=]",
    ];
    assert_eq!(read("package-lock.json", text), expected);
}

#[test]
fn a_package_lock_of_version_3_is_flat() {
    let text = r#"{"lockfileVersion": 3, "packages": {
        "": {"name": "own", "version": "1.0.0"},
        "packages/member": {"version": "1.0.0"},
        "node_modules/member": {"resolved": "packages/member", "link": true},
        "node_modules/@s/a": {"version": "1.0.0", "resolved": "https://registry.example/@s/a/-/a-1.0.0.tgz",
            "integrity": "sha512-AA==", "license": "MIT", "hasInstallScript": true},
        "node_modules/@s/a/node_modules/b": {"version": "2.0.0", "resolved": "https://files.example/b.tgz"},
        "node_modules/alias": {"name": "real", "version": "3.0.0"}}}"#;
    let expected = [
        r#"@s/a 1.0.0 Registry(Some("https://registry.example/@s/a/-/a-1.0.0.tgz")) [sha512:AA==] script MIT"#,
        r#"b 2.0.0 Url("https://files.example/b.tgz") []"#,
        "real 3.0.0 Registry(None) []",
    ];
    assert_eq!(read("npm-shrinkwrap.json", text), expected);
}

#[test]
fn a_pnpm_lock_is_read_in_each_of_its_versions() {
    let v9 = "lockfileVersion: '9.0'\npackages:\n\n  '@s/a@1.0.0':\n    resolution: {integrity: sha512-AA==}\n    engines: {node: '>=8'}\n\n\
              \x20 b@2.0.0:\n    resolution: {integrity: sha512-BB==, tarball: https://files.example/b.tgz}\n    requiresBuild: true\n\n\
              snapshots:\n\n  '@s/a@1.0.0(b@2.0.0)':\n    dependencies:\n      b: 2.0.0\n";
    let expected = [
        "@s/a 1.0.0 Registry(None) [sha512:AA==]",
        r#"b 2.0.0 Url("https://files.example/b.tgz") [sha512:BB==] script"#,
    ];
    assert_eq!(read("pnpm-lock.yaml", v9), expected);
    let v6 = "lockfileVersion: '6.0'\npackages:\n  /@s/a@1.0.0(b@2.0.0):\n    resolution: {integrity: sha512-AA==}\n    dev: false\n\
              \x20 git.example/c/d/123:\n    resolution: {commit: '123', repo: https://git.example/c/d, type: git}\n    name: d\n    version: 0.1.0\n";
    let expected = ["@s/a 1.0.0 Registry(None) [sha512:AA==]", r#"d 0.1.0 Git("https://git.example/c/d") []"#];
    assert_eq!(read("pnpm-lock.yaml", v6), expected);
    let v5 = "lockfileVersion: 5.4\npackages:\n  /@s/a/1.0.0_b@2.0.0:\n    resolution: {integrity: sha512-AA==}\n  /b/2.0.0:\n    resolution: {integrity: sha512-BB==}\n";
    let found = read("pnpm-lock.yaml", v5);
    assert_eq!(found[1], "b 2.0.0 Registry(None) [sha512:BB==]");
}

#[test]
fn a_yarn_lock_is_read_in_its_own_format() {
    let text = "# yarn lockfile v1\n\n\n\"@s/a@^1.0.0\", \"@s/a@~1.0.0\":\n  version \"1.0.0\"\n  resolved \"https://registry.example/@s/a/-/a-1.0.0.tgz#da39a3ee5e6b4b0d3255bfef95601890afd80709\"\n  integrity sha512-AA==\n  dependencies:\n    version \"^9\"\n\n\
                b@git+https://git.example/b.git:\n  version \"2.0.0\"\n  resolved \"git+https://git.example/b.git#abc\"\n\nc@npm:real@^3:\n  version \"3.0.0\"\n";
    let expected = [
        r#"@s/a 1.0.0 Registry(Some("https://registry.example/@s/a/-/a-1.0.0.tgz#da39a3ee5e6b4b0d3255bfef95601890afd80709")) [sha1-hex:da39a3ee5e6b4b0d3255bfef95601890afd80709 sha512:AA==]"#,
        r#"b 2.0.0 Git("git+https://git.example/b.git#abc") []"#,
        "real 3.0.0 Registry(None) []",
    ];
    assert_eq!(read("yarn.lock", text), expected);
}

#[test]
fn a_yarn_lock_is_read_as_yaml() {
    let text = "__metadata:\n  version: 8\n  cacheKey: 10c0\n\n\"@s/a@npm:^1.0.0\":\n  version: 1.0.0\n  resolution: \"@s/a@npm:1.0.0\"\n  checksum: 10c0/abcd\n  languageName: node\n  linkType: hard\n\n\
                \"own@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"own@workspace:.\"\n  languageName: unknown\n  linkType: soft\n\n\
                \"b@https://git.example/b.git\":\n  version: 2.0\n  resolution: \"b@https://git.example/b.git#commit=1\"\n  linkType: hard\n";
    let expected =
        ["@s/a 1.0.0 Registry(None) [checksum:abcd]", r#"b 2.0 Url("https://git.example/b.git#commit=1") []"#];
    assert_eq!(read("yarn.lock", text), expected);
}

#[test]
fn the_lock_files_of_python_list_files_and_sources() {
    let poetry = r#"
[[package]]
name = "Zope.Interface"
version = "6.0"
files = [{file = "zope-6.0.tar.gz", hash = "sha256:aa"}, {file = "zope-6.0.whl", hash = "sha256:bb"}]
[[package]]
name = "b"
version = "1.0"
[package.source]
type = "git"
url = "https://git.example/b"
[metadata]
lock-version = "2.0"
"#;
    let expected = [
        "zope-interface 6.0 Registry(None) [zope-6.0.tar.gz:sha256:aa zope-6.0.whl:sha256:bb]",
        r#"b 1.0 Git("https://git.example/b") []"#,
    ];
    assert_eq!(read("poetry.lock", poetry), expected);
    let old = "[[package]]\nname = \"a\"\nversion = \"1.0\"\n[metadata.files]\na = [{file = \"a.whl\", hash = \"sha256:aa\"}]\n";
    assert_eq!(read("poetry.lock", old), ["a 1.0 Registry(None) [a.whl:sha256:aa]"]);
    let uv = r#"
version = 1
[[package]]
name = "own"
version = "0.1.0"
source = { virtual = "." }
[[package]]
name = "a"
version = "1.0"
source = { registry = "https://index.example/simple" }
sdist = { url = "https://files.example/x/a-1.0.tar.gz", hash = "sha256:aa", size = 1 }
wheels = [{ url = "https://files.example/y/a-1.0.whl", hash = "sha256:bb" }]
"#;
    let expected = [
        r#"own 0.1.0 Path(".") []"#,
        r#"a 1.0 Registry(Some("https://index.example/simple")) [a-1.0.tar.gz:sha256:aa a-1.0.whl:sha256:bb]"#,
    ];
    assert_eq!(read("uv.lock", uv), expected);
    let pipfile = r#"{"_meta": {}, "default": {"a": {"version": "==1.0", "hashes": ["sha256:aa"], "index": "main"}},
        "develop": {"b": {"git": "https://git.example/b", "ref": "abc"}}}"#;
    let expected = ["a 1.0 Registry(None) [sha256:aa]", r#"b abc Git("https://git.example/b") []"#];
    assert_eq!(read("Pipfile.lock", pipfile), expected);
}

#[test]
fn only_what_is_pinned_in_requirements_is_a_package() {
    let text = "a==1.0 --hash=sha256:aa\nb>=2\nc @ https://files.example/c.whl\nd===3.0\n";
    let expected =
        ["a 1.0 Registry(None) [sha256:aa]", r#"c  Url("https://files.example/c.whl") []"#, "d 3.0 Registry(None) []"];
    assert_eq!(read("requirements-dev.txt", text), expected);
    assert_eq!(LockFormat::from_path(Path::new("requirements/base.txt")), Some(LockFormat::Requirements));
    assert_eq!(LockFormat::from_path(Path::new("notes.txt")), None);
}

#[test]
fn go_files_list_versions_replacements_and_hashes() {
    let module = "module example.org/own\n\ngo 1.22\n\nrequire example.org/a v1.0.0\nrequire (\n\texample.org/b v2.0.0+incompatible // indirect\n\texample.org/c v0.1.0\n)\n\
                  replace example.org/a => ../a\nreplace example.org/c v0.1.0 => example.org/fork v0.2.0\n";
    let expected = [
        r#"example.org/a v1.0.0 Path("../a") []"#,
        "example.org/b v2.0.0+incompatible Registry(None) []",
        r#"example.org/fork v0.2.0 Git("example.org/fork") []"#,
    ];
    assert_eq!(read("go.mod", module), expected);
    let sums = "example.org/a v1.0.0 h1:AA=\nexample.org/a v1.0.0/go.mod h1:BB=\n";
    assert_eq!(read("go.sum", sums), ["example.org/a v1.0.0 Registry(None) [go.mod:h1:BB= module:h1:AA=]"]);
}

#[test]
fn a_pom_is_read_with_its_properties_and_managed_versions() {
    let text = r#"<project xmlns="http://maven.apache.org/POM/4.0.0"><groupId>org.own</groupId><version>1.0</version>
        <properties><a.version>2.1</a.version><b>${a.version}</b></properties>
        <dependencyManagement><dependencies><dependency><groupId>g</groupId><artifactId>managed</artifactId><version>7</version></dependency></dependencies></dependencyManagement>
        <dependencies>
        <dependency><groupId>g</groupId><artifactId>a</artifactId><version>${b}</version><exclusions><exclusion><groupId>x</groupId></exclusion></exclusions></dependency>
        <dependency><groupId>g</groupId><artifactId>managed</artifactId></dependency>
        <dependency><groupId>g</groupId><artifactId>unknown</artifactId><version>${nowhere}</version></dependency>
        <dependency><groupId>${project.groupId}</groupId><artifactId>sibling</artifactId><version>[1,2)</version></dependency>
        </dependencies></project>"#;
    assert_eq!(read("pom.xml", text), ["g:a 2.1 Registry(None) []", "g:managed 7 Registry(None) []"]);
    let gradle = "# comment\norg.x:y:1.2.3=compileClasspath,runtimeClasspath\nempty=annotationProcessor\n";
    assert_eq!(read("gradle.lockfile", gradle), ["org.x:y 1.2.3 Registry(None) []"]);
}

#[test]
fn a_lock_file_of_another_format_says_that_it_cannot_be_read() {
    for name in [
        "Cargo.lock",
        "package-lock.json",
        "pnpm-lock.yaml",
        "poetry.lock",
        "uv.lock",
        "Pipfile.lock",
        "go.mod",
        "pom.xml",
    ] {
        let format = LockFormat::from_path(Path::new(name)).unwrap();
        let error = format.parse("<<<<<<< ours\n[{: &x *y").unwrap_err().to_string();
        assert!(error.starts_with("cannot be read: ") || error == "names no module", "{name}: {error}");
    }
}

#[test]
fn nested_input_ends_in_an_error_and_not_in_a_crash() {
    let deep_json = format!("{}{}", "{\"dependencies\":{\"a\":".repeat(50_000), "}}".repeat(50_000));
    let deep_toml = format!("a = {}", "[".repeat(100_000));
    let deep_yaml = format!("packages: {}", "{a: ".repeat(100_000));
    let aliases = "a: &a [x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\npackages: {k: {name: n, version: *c}}\n";
    let deep_xml = "<a>".repeat(100_000);
    let cases = [
        (LockFormat::Npm, deep_json.as_str()),
        (LockFormat::Cargo, &deep_toml),
        (LockFormat::Pnpm, &deep_yaml),
        (LockFormat::Pnpm, aliases),
        (LockFormat::Pom, &deep_xml),
    ];
    for (format, text) in cases {
        assert!(format.parse(text).is_err(), "{format:?}");
    }
}
