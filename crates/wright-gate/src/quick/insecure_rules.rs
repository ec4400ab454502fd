//! The rules about insecure code, one entry each, with what they find and what they leave alone.
//!
//! A rule is a pattern over the text around an edit. It is no proof: it is here when it is hardly ever wrong. To add one,
//! add an entry with its examples; a test tries each of them.

use std::sync::LazyLock;

use regex::Regex;
use wright_text::Language;

use Language::{Go, Java, JavaScript, Python, Rust, Tsx, TypeScript};

/// Where a pattern counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In code, not in strings and comments.
    Code,
    /// In strings too.
    Anywhere,
}

/// One insecure pattern, ready for use.
pub(super) struct Rule {
    pub(super) entry: &'static Entry,
    pub(super) pattern: Regex,
    /// What within a match shows that it is harmless.
    pub(super) unless: Option<Regex>,
}

/// One insecure pattern as it is written down. `SQL` in a pattern stands for a word of a query.
#[cfg_attr(not(test), expect(dead_code, reason = "the examples are for tests"))]
pub(super) struct Entry {
    /// A stable name.
    pub(super) id: &'static str,
    /// Where it applies; empty for everywhere.
    pub(super) languages: &'static [Language],
    pub(super) place: Place,
    pattern: &'static str,
    unless: &'static str,
    /// What is wrong, as a lowercase fragment.
    pub(super) what: &'static str,
    /// What to do, as a sentence.
    pub(super) instead: &'static str,
    pub(super) example_extension: &'static str,
    pub(super) bad: &'static [&'static str],
    pub(super) good: &'static [&'static str],
}

/// Every rule.
pub(super) static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| ENTRIES.iter().map(rule).collect());

fn rule(entry: &'static Entry) -> Rule {
    let compile = |pattern: &str| {
        let pattern = pattern.replace("SQL", SQL_WORD);
        Regex::new(&pattern).expect("the patterns are constants and a test compiles each")
    };
    let unless = (!entry.unless.is_empty()).then(|| compile(entry.unless));
    Rule { entry, pattern: compile(entry.pattern), unless }
}

const SQL_WORD: &str = r"\b(?:select|insert|update|delete|drop|where|values|from)\b";

const SCRIPTS: &[Language] = &[JavaScript, TypeScript, Tsx];

const ENTRIES: &[Entry] = &[
    Entry {
        id: "python-shell-text",
        languages: &[Python],
        place: Place::Code,
        pattern: r#"\b(?:run|call|check_call|check_output|Popen|getoutput|create_subprocess_shell)\(\s*(?:f["'][^"'\n]*\{|["'][^"'\n]*["']\s*(?:%|\+|\.format\()|\w+\s*\+\s*)[^()]*(?:\([^()]*\)[^()]*)*?\bshell\s*=\s*True"#,
        unless: r"shlex\.quote",
        what: "runs a shell command that is built from text",
        instead: "Pass the program and its arguments as a list, without a shell.",
        example_extension: "py",
        bad: &[
            "import subprocess\ndef f(name):\n    subprocess.run(f\"ls {name}\", shell=True)\n",
            "import subprocess\ndef f(name):\n    subprocess.check_output(\n        'ls %s' % name,\n        shell=True,\n    )\n",
            "import subprocess\ndef f(name):\n    subprocess.call(\"ls \" + name, shell=True)\n",
        ],
        good: &[
            "import subprocess\ndef f(name):\n    subprocess.run([\"ls\", name])\n",
            "import subprocess\ndef f():\n    subprocess.run(\"ls | wc\", shell=True)\n",
            "import subprocess\ndef f(name):\n    subprocess.run(f\"ls {name}\".split())\n",
        ],
    },
    Entry {
        id: "python-os-system-text",
        languages: &[Python],
        place: Place::Code,
        pattern: r#"\bos\.(?:system|popen)\(\s*(?:f["'][^"'\n]*\{|["'][^"'\n]*["']\s*(?:%|\+|\.format\()|[\w.]+\s*\+\s*["'\w])"#,
        unless: "",
        what: "runs a shell command that is built from text",
        instead: "Use `subprocess.run` with a list of arguments.",
        example_extension: "py",
        bad: &[
            "import os\ndef f(name):\n    os.system(f\"rm {name}\")\n",
            "import os\ndef f(name):\n    os.popen('cat ' + name)\n",
            "import os\ndef f(name):\n    os.system('cat {}'.format(name))\n",
        ],
        good: &[
            "import os\nos.system('clear')\n",
            "import os\ndef f(command):\n    return os.path.join('a', command)\n",
        ],
    },
    Entry {
        id: "python-sql-text",
        languages: &[Python],
        place: Place::Code,
        pattern: concat!(
            r#"(?i)\.(?:execute|executemany|executescript|raw)\(\s*(?:sqlalchemy\.)?(?:text\(\s*)?(?:"#,
            r#"f"[^"\n]*SQL[^"\n]*\{\s*[a-z_]|f'[^'\n]*SQL[^'\n]*\{\s*[a-z_]"#,
            r#"|f"""[^"]*SQL[^"]*\{\s*[a-z_]|f'''[^']*SQL[^']*\{\s*[a-z_]"#,
            r#"|"[^"\n]*SQL[^"\n]*"\s*(?:%\s*[\w(]|\+\s*\w|\.format\()"#,
            r#"|'[^'\n]*SQL[^'\n]*'\s*(?:%\s*[\w(]|\+\s*\w|\.format\())"#
        ),
        unless: "",
        what: "builds SQL from text",
        instead: "Pass the values as parameters of the query.",
        example_extension: "py",
        bad: &[
            "def f(db, name):\n    db.execute(f\"SELECT * FROM users WHERE name = '{name}'\")\n",
            "def f(db, name):\n    db.execute(\"SELECT * FROM users WHERE name = '%s'\" % name)\n",
            "def f(db, name):\n    db.execute(\"DELETE FROM users WHERE name = \" + name)\n",
            "def f(db, name):\n    db.execute(\n        f\"\"\"\n        UPDATE users SET x = 1 WHERE name = {name}\n        \"\"\")\n",
        ],
        good: &[
            "def f(db, name):\n    db.execute(\"SELECT * FROM users WHERE name = ?\", (name,))\n",
            "def f(db, name):\n    db.execute(\"SELECT * FROM users WHERE name = %s\", (name,))\n",
            "def f(task):\n    task.execute(f\"run {task}\")\n",
        ],
    },
    Entry {
        id: "python-eval",
        languages: &[Python],
        place: Place::Code,
        pattern: r"(?:^|[^\w.])(?:def\s+)?(?:eval|exec)\(\s*[A-Za-z_][^\n]*",
        unless: r#"^\W?def\s|^\W?(?:eval|exec)\(\s*(?:compile\(|[rbuf]?["'])"#,
        what: "evaluates code that is not a constant",
        instead: "Parse the value, for example with `ast.literal_eval` or `json.loads`.",
        example_extension: "py",
        bad: &["def f(text):\n    return eval(text)\n", "def f(request):\n    exec(request.body)\n"],
        good: &[
            "import ast\ndef f(text):\n    return ast.literal_eval(text)\n",
            "def f(model):\n    model.eval()\n",
            "x = eval('1 + 1')\n",
            "def eval(node):\n    return node\n",
        ],
    },
    Entry {
        id: "python-yaml-load",
        languages: &[Python],
        place: Place::Code,
        pattern: r"\byaml\.(?:unsafe_load(?:_all)?\(|load(?:_all)?\([^)\n]*\)?[^\n]*)",
        unless: r"Safe|BaseLoader|FullLoader",
        what: "loads YAML that may make any object",
        instead: "Use `yaml.safe_load`.",
        example_extension: "py",
        bad: &[
            "import yaml\ndef f(text):\n    return yaml.load(text)\n",
            "import yaml\ndef f(text):\n    return yaml.load(text, Loader=yaml.Loader)\n",
        ],
        good: &[
            "import yaml\ndef f(text):\n    return yaml.safe_load(text)\n",
            "import yaml\ndef f(text):\n    return yaml.load(text, Loader=yaml.SafeLoader)\n",
        ],
    },
    Entry {
        id: "python-no-certificate-check",
        languages: &[Python],
        place: Place::Code,
        pattern: r"\bverify\s*=\s*False\b|\bssl\._create_unverified_context\b|\bverify_mode\s*=\s*(?:ssl\.)?CERT_NONE\b",
        unless: "",
        what: "does not check the server's certificate",
        instead: "Leave the check on; add a private authority to the trusted ones.",
        example_extension: "py",
        bad: &["import requests\ndef f(url):\n    return requests.get(url, verify=False)\n"],
        good: &["import requests\ndef f(url):\n    return requests.get(url, verify='ca.pem')\n", "# verify=False\n"],
    },
    Entry {
        id: "script-no-certificate-check",
        languages: SCRIPTS,
        place: Place::Code,
        pattern: r#"\brejectUnauthorized['"]?\s*:\s*false\b|\bNODE_TLS_REJECT_UNAUTHORIZED\b['"\]]*\s*=\s*['"]?0"#,
        unless: "",
        what: "does not check the server's certificate",
        instead: "Leave the check on; add a private authority to the trusted ones.",
        example_extension: "js",
        bad: &["const options = { rejectUnauthorized: false };\n", "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';\n"],
        good: &["const options = { rejectUnauthorized: true };\n"],
    },
    Entry {
        id: "go-no-certificate-check",
        languages: &[Go],
        place: Place::Code,
        pattern: r"\bInsecureSkipVerify\s*[:=]\s*true\b",
        unless: "",
        what: "does not check the server's certificate",
        instead: "Leave the check on; add a private authority to `RootCAs`.",
        example_extension: "go",
        bad: &["package p\n\nimport \"crypto/tls\"\n\nvar c = tls.Config{InsecureSkipVerify: true}\n"],
        good: &["package p\n\nimport \"crypto/tls\"\n\nvar c = tls.Config{InsecureSkipVerify: false}\n"],
    },
    Entry {
        id: "rust-no-certificate-check",
        languages: &[Rust],
        place: Place::Code,
        pattern: r"\bdanger_accept_invalid_(?:certs|hostnames)\(\s*true\s*\)",
        unless: "",
        what: "does not check the server's certificate",
        instead: "Leave the check on; add a private authority as a root certificate.",
        example_extension: "rs",
        bad: &["fn f(b: B) -> B { b.danger_accept_invalid_certs(true) }\n"],
        good: &["fn f(b: B) -> B { b.danger_accept_invalid_certs(false) }\n"],
    },
    Entry {
        id: "weak-password-hash",
        languages: &[],
        place: Place::Code,
        pattern: r"(?i)\b(?:md5|sha1)(?:sum)?\b(?:\.new|\.Sum|::digest)?\(\s*[^)\n]{0,40}(?:passw|passphrase)|\bpassw\w*\s*:?=\s*(?:\w+[.:]+)*(?:md5|sha1)\b|\bcreateHash\(\s*.(?:md5|sha1).\s*\)\s*\.update\(\s*[^)\n]{0,20}passw",
        unless: "",
        what: "hashes a password with a hash that is broken or too fast",
        instead: "Use argon2, scrypt or bcrypt.",
        example_extension: "py",
        bad: &[
            "import hashlib\ndef f(password):\n    return hashlib.md5(password.encode()).hexdigest()\n",
            "import hashlib\ndef f(p):\n    password_hash = hashlib.sha1(p).hexdigest()\n",
        ],
        good: &[
            "import hashlib\ndef f(data):\n    return hashlib.md5(data).hexdigest()\n",
            "import hashlib\ndef f(password, salt):\n    return hashlib.scrypt(password, salt=salt, n=2, r=8, p=1)\n",
        ],
    },
    Entry {
        id: "script-html-text",
        languages: SCRIPTS,
        place: Place::Code,
        pattern: r#"\.(?:inner|outer)HTML\s*\+?=\s*(?:[A-Za-z_$(][^\n]*|`[^`]*\$\{[^\n]*|["'][^"'\n]*["']\s*\+[^\n]*)|\bdocument\.write(?:ln)?\(\s*(?:[A-Za-z_$][^\n]*|`[^`]*\$\{[^\n]*|["'][^"'\n]*["']\s*\+[^\n]*)|\.insertAdjacentHTML\([^,\n]*,\s*(?:[A-Za-z_$][^\n]*|`[^`]*\$\{[^\n]*)"#,
        unless: r"(?i)sanitize|purify|escape|encode",
        what: "puts text into a page as HTML",
        instead: "Set `textContent`, or sanitize the HTML first.",
        example_extension: "js",
        bad: &[
            "function f(el, name) {\n  el.innerHTML = name;\n}\n",
            "function f(el, name) {\n  el.innerHTML = `<b>${name}</b>`;\n}\n",
            "function f(name) {\n  document.write('<b>' + name);\n}\n",
        ],
        good: &[
            "function f(el) {\n  el.innerHTML = '';\n}\n",
            "function f(el, name) {\n  el.textContent = name;\n}\n",
            "function f(el, name, DOMPurify) {\n  el.innerHTML = DOMPurify.sanitize(name);\n}\n",
            "function f(el) {\n  return el.innerHTML === el.title;\n}\n",
        ],
    },
    Entry {
        id: "react-html-text",
        languages: SCRIPTS,
        place: Place::Code,
        pattern: r#"\bdangerouslySetInnerHTML\s*=\s*\{\s*\{\s*__html\s*:\s*(?:[A-Za-z_$(][^\n]*|`[^`]*\$\{[^\n]*)"#,
        unless: r"(?i)sanitize|purify|escape",
        what: "puts text into a page as HTML",
        instead: "Render the value as a child, or sanitize the HTML first.",
        example_extension: "tsx",
        bad: &["const A = (p: { html: string }) => <div dangerouslySetInnerHTML={{ __html: p.html }} />;\n"],
        good: &["const A = (p: { html: string }) => <div>{p.html}</div>;\n"],
    },
    Entry {
        id: "script-eval",
        languages: SCRIPTS,
        place: Place::Code,
        pattern: r#"(?:^|[^\w.$])(?:eval\(\s*[A-Za-z_$`][^\n]*|new\s+Function\(\s*(?:["'`][^"'`\n]*["'`]\s*,\s*)*[A-Za-z_$][^\n]*)"#,
        unless: r"eval\(\s*`[^`$]*`\s*\)|eval\([\w, ]*\)\s*\{",
        what: "evaluates code that is not a constant",
        instead: "Parse the value, for example with `JSON.parse`.",
        example_extension: "js",
        bad: &[
            "function f(text) {\n  return eval(text);\n}\n",
            "function f(body) {\n  return new Function('a', body);\n}\n",
        ],
        good: &["function f(text) {\n  return JSON.parse(text);\n}\n", "const x = eval('1 + 1');\n"],
    },
    Entry {
        id: "script-weak-random",
        languages: SCRIPTS,
        place: Place::Code,
        pattern: r"(?i)\b\w*(?:token|passw(?:or)?d|secret|session_?id|nonce|salt|otp|api_?key)\w*\s*(?::\s*string\s*)?[:=]\s*[^=\n;]{0,60}\bMath\.random\(",
        unless: "",
        what: "makes a secret from a predictable random number",
        instead: "Use `crypto.randomBytes` or `crypto.getRandomValues`.",
        example_extension: "js",
        bad: &["const sessionToken = Math.random().toString(36).slice(2);\n"],
        good: &["const x = Math.random();\n", "const token = crypto.randomUUID();\n"],
    },
    Entry {
        id: "python-weak-random",
        languages: &[Python],
        place: Place::Code,
        pattern: r"(?i)\b\w*(?:passw(?:or)?d|secret|session_?id|nonce|salt|otp|api_?key|(?:auth|access|reset|csrf|session)_?token)\w*\s*=\s*[^=\n]{0,60}\brandom\.(?:choices?|randint|random|sample|randrange|getrandbits)\(",
        unless: "SystemRandom",
        what: "makes a secret from a predictable random number",
        instead: "Use the module `secrets`.",
        example_extension: "py",
        bad: &["import random\nreset_token = ''.join(random.choices('abc', k=32))\n"],
        good: &[
            "import secrets\nreset_token = secrets.token_hex(16)\n",
            "import random\ntoken = random.choice(['a', 'b'])\n",
        ],
    },
    Entry {
        id: "password-in-code",
        languages: &[],
        place: Place::Code,
        pattern: r#"(?i)\b(?:\w+_)?(?:password|passwd)\s*(?::\s*(?:str|string|&str|&'static str)\s*)?(?::=|=|:)\s*["'][^"'\s]{6,64}["']"#,
        unless: r#"(?i)["'](?:[a-z_.-]*|[^"']*(?:\{|\}|<|>|\*\*|xxx|example|placeholder|changeme|your|dummy|\$\()[^"']*|[^"']*(?:/|\\)[^"']*|\$[a-z_]+|[#.][\w-]+)["']$"#,
        what: "has a password in the code",
        instead: "Read it from the environment or a secret store.",
        example_extension: "py",
        bad: &["password = 'hunter2!x'\n", "connect(host='db', password='S3cret-99')\n"],
        good: &["password = 'password'\n", "password = '<password1>'\n", "password = '{password1}'\n"],
    },
    Entry {
        id: "world-writable",
        languages: &[],
        place: Place::Anywhere,
        pattern: r"\bchmod(?:Sync)?\([^)\n]*,\s*0?o?777\s*[,)]|\bChmod\([^)\n]*,\s*0?o?777\s*\)|\bfrom_mode\(\s*0o777\s*\)|\bchmod\s+(?:-R\s+)?(?:0?777|a\+rwx)\b|\bchmod[^\w\n]{1,8}0?777\b",
        unless: "",
        what: "lets everyone write a file",
        instead: "Give the owner alone the right to write.",
        example_extension: "py",
        bad: &["import os\nos.chmod('a', 0o777)\n", "import os\nos.system('chmod -R 777 a')\n"],
        good: &["import os\nos.chmod('a', 0o755)\n"],
    },
    Entry {
        id: "python-mktemp",
        languages: &[Python],
        place: Place::Code,
        pattern: r"\btempfile\.mktemp\(",
        unless: "",
        what: "makes a temporary file that another process can take first",
        instead: "Use `tempfile.mkstemp` or `tempfile.NamedTemporaryFile`.",
        example_extension: "py",
        bad: &["import tempfile\nname = tempfile.mktemp()\n"],
        good: &["import tempfile\nname = tempfile.mkdtemp()\n"],
    },
    Entry {
        id: "java-sql-text",
        languages: &[Java],
        place: Place::Code,
        pattern: r#"(?i)\.(?:execute|executeQuery|executeUpdate|prepareStatement|createQuery|createNativeQuery|addBatch)\(\s*(?:"[^"\n]*SQL[^"\n]*"\s*\+\s*[a-z_(]|String\.format\(\s*"[^"\n]*SQL)"#,
        unless: "",
        what: "builds SQL from text",
        instead: "Use a prepared statement with parameters.",
        example_extension: "java",
        bad: &[
            "class A { void f(java.sql.Statement s, String n) throws Exception { s.executeQuery(\"SELECT * FROM t WHERE n = '\" + n + \"'\"); } }\n",
        ],
        good: &[
            "class A { void f(java.sql.Connection c) throws Exception { c.prepareStatement(\"SELECT * FROM t WHERE n = ?\"); } }\n",
        ],
    },
    Entry {
        id: "java-shell-text",
        languages: &[Java],
        place: Place::Code,
        pattern: r#"\bgetRuntime\(\)\s*\.exec\(\s*(?:"[^"\n]*"\s*\+|String\.format\()"#,
        unless: "",
        what: "runs a command that is built from text",
        instead: "Use a `ProcessBuilder` with a list of arguments.",
        example_extension: "java",
        bad: &["class A { void f(String n) throws Exception { Runtime.getRuntime().exec(\"ls \" + n); } }\n"],
        good: &["class A { void f(String n) throws Exception { new ProcessBuilder(\"ls\", n).start(); } }\n"],
    },
    Entry {
        id: "go-sql-text",
        languages: &[Go],
        place: Place::Code,
        pattern: r#"(?i)\.(?:Query|QueryRow|Exec|Prepare)(?:Context)?\(\s*(?:\w+,\s*)?(?:fmt\.Sprintf\(\s*["`][^"`]*SQL|["`][^"`]*SQL[^"`]*["`]\s*\+)"#,
        unless: "",
        what: "builds SQL from text",
        instead: "Pass the values as parameters of the query.",
        example_extension: "go",
        bad: &[
            "package p\n\nimport (\n\t\"database/sql\"\n\t\"fmt\"\n)\n\nfunc f(db *sql.DB, n string) {\n\tdb.Query(fmt.Sprintf(\"SELECT * FROM t WHERE n = '%s'\", n))\n}\n",
        ],
        good: &[
            "package p\n\nimport \"database/sql\"\n\nfunc f(db *sql.DB, n string) {\n\tdb.Query(\"SELECT * FROM t WHERE n = ?\", n)\n}\n",
        ],
    },
    Entry {
        id: "go-shell-text",
        languages: &[Go],
        place: Place::Code,
        pattern: r#"\bexec\.Command(?:Context)?\(\s*(?:\w+,\s*)?"(?:sh|bash|/bin/sh|/bin/bash|cmd)",\s*"(?:-c|/[cC])",\s*(?:fmt\.Sprintf\(|"[^"\n]*"\s*\+|\w+\s*\+)"#,
        unless: "",
        what: "runs a shell command that is built from text",
        instead: "Pass the program and its arguments one by one, without a shell.",
        example_extension: "go",
        bad: &["package p\n\nimport \"os/exec\"\n\nfunc f(n string) {\n\texec.Command(\"sh\", \"-c\", \"ls \"+n)\n}\n"],
        good: &["package p\n\nimport \"os/exec\"\n\nfunc f(n string) {\n\texec.Command(\"ls\", n)\n}\n"],
    },
    Entry {
        id: "script-sql-text",
        languages: SCRIPTS,
        place: Place::Code,
        pattern: concat!(
            r#"(?i)\.(?:query|execute|raw|\$queryRawUnsafe|\$executeRawUnsafe)\(\s*(?:`[^`]*SQL[^`]*\$\{"#,
            r#"|"[^"\n]*SQL[^"\n]*"\s*\+|'[^'\n]*SQL[^'\n]*'\s*\+)"#
        ),
        unless: "",
        what: "builds SQL from text",
        instead: "Pass the values as parameters of the query.",
        example_extension: "js",
        bad: &[
            "function f(db, n) {\n  return db.query(`SELECT * FROM t WHERE n = '${n}'`);\n}\n",
            "function f(db, n) {\n  return db.query('SELECT * FROM t WHERE n = ' + n);\n}\n",
        ],
        good: &["function f(db, n) {\n  return db.query('SELECT * FROM t WHERE n = ?', [n]);\n}\n"],
    },
    Entry {
        id: "script-shell-text",
        languages: SCRIPTS,
        place: Place::Code,
        pattern: r#"(?:^|[^.\w$])(?:child_process\.|cp\.)?exec(?:Sync)?\(\s*(?:`[^`]*\$\{|["'][^"'\n]*["']\s*\+)"#,
        unless: "",
        what: "runs a shell command that is built from text",
        instead: "Use `execFile` or `spawn` with a list of arguments.",
        example_extension: "js",
        bad: &[
            "const { exec } = require('child_process');\nfunction f(n) {\n  exec(`ls ${n}`);\n}\n",
            "const cp = require('child_process');\nfunction f(n) {\n  cp.execSync('ls ' + n);\n}\n",
        ],
        good: &[
            "const { execFile } = require('child_process');\nfunction f(n) {\n  execFile('ls', [n]);\n}\n",
            "function f(pattern, n) {\n  return pattern.exec(`a${n}`);\n}\n",
        ],
    },
    Entry {
        id: "rust-shell-text",
        languages: &[Rust],
        place: Place::Code,
        pattern: r#"Command::new\(\s*"(?:/bin/)?(?:sh|bash|cmd)"\s*\)(?s:.{0,60}?)\.args?\(\s*&?\[?\s*"(?:-c|/[cC])"(?s:.{0,40}?)(?:format!|&?\w+\s*\+)"#,
        unless: "",
        what: "runs a shell command that is built from text",
        instead: "Pass the program and its arguments one by one, without a shell.",
        example_extension: "rs",
        bad: &["fn f(n: &str) {\n    std::process::Command::new(\"sh\").arg(\"-c\").arg(format!(\"ls {n}\"));\n}\n"],
        good: &["fn f(n: &str) {\n    std::process::Command::new(\"ls\").arg(n);\n}\n"],
    },
    Entry {
        id: "rust-sql-text",
        languages: &[Rust],
        place: Place::Code,
        pattern: r#"(?i)(?:\bquery(?:_as|_scalar)?(?:::<[^>\n]*>)?|\.execute|\.prepare|\.query_row|\.execute_batch)\(\s*&?format!\(\s*r?#*"[^"]*SQL"#,
        unless: "",
        what: "builds SQL from text",
        instead: "Bind the values as parameters of the query.",
        example_extension: "rs",
        bad: &["fn f(db: &Db, n: &str) {\n    db.execute(&format!(\"DELETE FROM t WHERE n = '{n}'\"));\n}\n"],
        good: &["fn f(db: &Db, n: &str) {\n    db.execute(\"DELETE FROM t WHERE n = ?\", n);\n}\n"],
    },
];
