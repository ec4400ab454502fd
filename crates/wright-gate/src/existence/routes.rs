//! The routes that a repository's own server code declares: Flask, FastAPI, Django, Express, axum, gin, Spring.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use wright_text::Language;

use super::openapi::{Endpoint, Service, normal};
use crate::change::Tree;

/// Reads the routes of a tree as one service. A prefix that is added elsewhere (a router that is mounted, a blueprint) is
/// not followed: such routes match by their end.
pub fn read_all(tree: &dyn Tree) -> Service {
    const MAX_BYTES: usize = 1_000_000;
    let mut endpoints: BTreeMap<String, Endpoint> = BTreeMap::new();
    for path in tree.paths() {
        let Some(language) = Language::from_path(path) else { continue };
        if is_test(path) {
            continue;
        }
        let Some(text) = tree.read(path).filter(|it| it.len() <= MAX_BYTES) else { continue };
        for (template, methods) in routes(language, &text) {
            let endpoint = endpoints
                .entry(normal(&template))
                .or_insert_with(|| Endpoint { methods: ["".to_owned()].into(), ..Endpoint::default() });
            let is_any = methods.is_empty() || endpoint.methods.is_empty();
            endpoint.methods.remove("");
            endpoint.methods.extend(methods);
            if is_any {
                endpoint.methods.clear();
            }
        }
    }
    Service { origin: "the routes of the repository".to_owned(), endpoints, ..Service::default() }
}

fn is_test(path: &Path) -> bool {
    wright_repo::project::is_test_path(path)
}

/// Returns the paths that a text declares, each with its methods; none means any.
pub fn routes(language: Language, text: &str) -> Vec<(String, Vec<String>)> {
    match language {
        Language::Python => python(text),
        Language::JavaScript | Language::TypeScript | Language::Tsx => express(text),
        Language::Rust => axum(text),
        Language::Go => gin(text),
        Language::Java => spring(text),
        Language::Cpp => Vec::new(),
    }
}

fn capitals(words: &str) -> Vec<String> {
    let parts = words.split(|it: char| !it.is_ascii_alphabetic());
    parts.filter(|it| METHODS.contains(&it.to_uppercase().as_str())).map(str::to_uppercase).collect()
}

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

fn python(text: &str) -> Vec<(String, Vec<String>)> {
    static ROUTE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?m)^\s*@(\w+)\.(route|get|post|put|patch|delete|head|options|api_route|websocket)\(\s*(?:path\s*=\s*|rule\s*=\s*)?[rf]?["']([^"']*)["']([^\n]*)"#).expect("it is tested")
    });
    static DJANGO: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"\b(?:path|re_path|url)\(\s*r?["']([^"']*)["']\s*,"#).expect("it is tested"));
    static ADDED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"\.add_(?:url_rule|route|api_route)\(\s*["']([^"']*)["']"#).expect("it is tested")
    });
    let mut found = Vec::new();
    for route in ROUTE.captures_iter(text) {
        let methods = match &route[2] {
            // Flask answers GET, and HEAD and OPTIONS with it, unless it is told otherwise.
            "route" if route[4].contains("methods") => capitals(&route[4]),
            "route" => ["GET", "HEAD", "OPTIONS"].map(str::to_owned).to_vec(),
            "api_route" => capitals(&route[4]),
            "websocket" => Vec::new(),
            method => vec![method.to_uppercase()],
        };
        let prefix = prefix_of(text, &route[1]);
        found.push((format!("{prefix}{}", &route[3]), methods));
    }
    if text.contains("urlpatterns") {
        found.extend(
            DJANGO
                .captures_iter(text)
                .map(|it| (format!("/{}", it[1].trim_start_matches('^').trim_end_matches('$')), Vec::new())),
        );
    }
    found.extend(ADDED.captures_iter(text).map(|it| (it[1].to_owned(), Vec::new())));
    found
}

/// Returns the prefix that a router or blueprint is made with in the same text.
fn prefix_of(text: &str, router: &str) -> String {
    static MADE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(\w+)\s*=\s*(?:\w+\.)?(?:APIRouter|Blueprint)\([^)]*?(?:url_)?prefix\s*=\s*["']([^"']*)["']"#)
            .expect("it is tested")
    });
    let made = MADE.captures_iter(text).find(|it| &it[1] == router);
    made.map(|it| it[2].trim_end_matches('/').to_owned()).unwrap_or_default()
}

fn express(text: &str) -> Vec<(String, Vec<String>)> {
    static ROUTE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"\b(app|router|server|api|fastify|\w*[rR]outer|\w*[rR]outes)\.(get|post|put|patch|delete|head|options|all)\(\s*["'`]([^"'`]*)["'`]\s*,"#).expect("it is tested")
    });
    let found = ROUTE.captures_iter(text).filter(|it| it[3].starts_with('/'));
    found.map(|it| (it[3].to_owned(), if &it[2] == "all" { Vec::new() } else { vec![it[2].to_uppercase()] })).collect()
}

fn axum(text: &str) -> Vec<(String, Vec<String>)> {
    static ROUTE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"\.route\(\s*"([^"]*)"\s*,([^\n]*)"#).expect("it is tested"));
    static ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"#\[(get|post|put|patch|delete|head|options)\("([^"]*)""#).expect("it is tested")
    });
    static METHOD: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\b(get|post|put|patch|delete|head|options|any)\s*(?:::<[^>]*>)?\(").expect("it is tested")
    });
    let routed = ROUTE.captures_iter(text).map(|it| {
        let methods: Vec<_> = METHOD.captures_iter(&it[2]).map(|it| it[1].to_uppercase()).collect();
        let is_any = methods.iter().any(|it| it == "ANY");
        (it[1].to_owned(), if is_any { Vec::new() } else { methods })
    });
    routed.chain(ATTRIBUTE.captures_iter(text).map(|it| (it[2].to_owned(), vec![it[1].to_uppercase()]))).collect()
}

fn gin(text: &str) -> Vec<(String, Vec<String>)> {
    static ROUTE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"\.(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|Any|Get|Post|Put|Patch|Delete|HandleFunc|Handle)\(\s*"([^"]*)"\s*,"#).expect("it is tested")
    });
    let route = |it: regex::Captures<'_>| {
        let (method, path) = it[2]
            .split_once(' ')
            .map_or((it[1].to_owned(), it[2].to_owned()), |(method, path)| (method.to_owned(), path.to_owned()));
        let method = method.to_uppercase();
        (path, if METHODS.contains(&method.as_str()) { vec![method] } else { Vec::new() })
    };
    ROUTE.captures_iter(text).map(route).filter(|it| it.0.starts_with('/')).collect()
}

fn spring(text: &str) -> Vec<(String, Vec<String>)> {
    static MAPPING: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"@(Get|Post|Put|Patch|Delete|Request)Mapping(?:\(([^)]*)\))?"#).expect("it is tested")
    });
    static PATH: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#""([^"]*)""#).expect("it is tested"));
    static CLASS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(?:class|interface)\s+\w+").expect("it is tested"));
    let class_at = CLASS.find(text).map_or(0, |it| it.start());
    let mut prefix = String::new();
    let mut found = Vec::new();
    for mapping in MAPPING.captures_iter(text) {
        let arguments = mapping.get(2).map_or("", |it| it.as_str());
        let path = PATH.captures(arguments).map(|it| it[1].to_owned()).unwrap_or_default();
        if mapping.get(0).is_some_and(|it| it.start() < class_at) {
            prefix = path.trim_end_matches('/').to_owned();
            continue;
        }
        let methods = if &mapping[1] == "Request" {
            capitals(arguments.split("method").nth(1).unwrap_or_default())
        } else {
            vec![mapping[1].to_uppercase()]
        };
        let separator = if path.starts_with('/') || path.is_empty() { "" } else { "/" };
        found.push((format!("{prefix}{separator}{path}"), methods));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(language: Language, text: &str) -> Vec<String> {
        routes(language, text)
            .into_iter()
            .map(|(path, methods)| format!("{} {}", methods.join("|"), normal(&path)))
            .collect()
    }

    #[test]
    fn routes_of_python_servers_are_read() {
        let flask = "bp = Blueprint('x', __name__, url_prefix='/api')\n@bp.route('/a/<int:id>', methods=['POST', 'PUT'])\ndef f(): pass\n@app.route('/b')\n";
        assert_eq!(shown(Language::Python, flask), ["POST|PUT /api/a/{}", "GET|HEAD|OPTIONS /b"]);
        let fastapi = "router = APIRouter(prefix=\"/v1\")\n@router.get(\"/items/{id}\")\nasync def g(): pass\n";
        assert_eq!(shown(Language::Python, fastapi), ["GET /v1/items/{}"]);
        assert_eq!(shown(Language::Python, "urlpatterns = [path('a/<int:pk>/', v)]\n"), [" /a/{}"]);
    }

    #[test]
    fn routes_of_other_servers_are_read() {
        assert_eq!(
            shown(Language::JavaScript, "app.get('/a/:id', f); router.all('/b', g); x.get('/c', h)"),
            ["GET /a/{}", " /b"]
        );
        assert_eq!(
            shown(Language::Rust, ".route(\"/a/{id}\", get(f).post(g))\n#[delete(\"/b\")]\n"),
            ["GET|POST /a/{}", "DELETE /b"]
        );
        assert_eq!(
            shown(Language::Go, "r.GET(\"/a/:id\", f)\nmux.HandleFunc(\"POST /b\", g)\n"),
            ["GET /a/{}", "POST /b"]
        );
        let java = "@RequestMapping(\"/api\")\nclass A {\n @GetMapping(\"/a/{id}\")\n void f() {}\n @RequestMapping(value = \"/b\", method = RequestMethod.POST)\n void g() {} }";
        assert_eq!(shown(Language::Java, java), ["GET /api/a/{}", "POST /api/b"]);
    }
}
