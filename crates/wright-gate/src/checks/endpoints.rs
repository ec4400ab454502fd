//! Every HTTP request goes to a path that the service has, with a method that it takes.
//!
//! Services are known by the OpenAPI files of the repository and by the routes of its own server code. A request is judged
//! only where its address is tied to a service: by a host that the file names, by a base that begins like the service's, or
//! by an address without a host that begins like one of its paths. To all others nothing is said.

use std::time::Instant;

use crate::change::{ChangeSet, Tree};
use crate::existence::client_calls::{self, ClientCall};
use crate::existence::openapi::{self, Endpoint, Service, normal, split_url};
use crate::existence::routes;
use crate::{CheckReport, Confidence, Finding, Severity, Source};

/// The check's name.
pub const NAME: &str = "endpoints";

const PATH: &str = "endpoints/unknown-path";
const METHOD: &str = "endpoints/unknown-method";
const FIELD: &str = "endpoints/unknown-field";

/// Judges the requests in the files that a change touches, each side by its own services.
pub fn report(change: &ChangeSet, before: &dyn Tree, after: &dyn Tree) -> CheckReport {
    let start = Instant::now();
    let mut report = CheckReport::ran(NAME);
    let (old, new) = (services(before), services(after));
    for file in &change.files {
        report.before.extend(findings(&Source::new(file.path_before(), file.text_before()), &old));
        let source = Source::new(&file.path, file.text_after());
        report.after.extend(findings(&source, &new));
        if source.language.is_some() && source.tree().is_some() {
            report.analysed.push(file.path.clone());
        }
    }
    report.duration = start.elapsed();
    report
}

/// Returns the services that a tree describes or is.
pub fn services(tree: &dyn Tree) -> Vec<Service> {
    let mut services = openapi::read_all(tree);
    let own = routes::read_all(tree);
    if !own.endpoints.is_empty() {
        services.push(own);
    }
    services
}

/// Returns the requests of a text that no service takes.
pub fn findings(source: &Source<'_>, services: &[Service]) -> Vec<Finding> {
    if services.is_empty() {
        return Vec::new();
    }
    let calls = client_calls::calls(source);
    calls.iter().flat_map(|call| in_call(source, call, services)).collect()
}

/// How firmly an address is tied to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tie {
    /// By the shape of the path only.
    Loose,
    /// By the host, or by a name for its base.
    Firm,
}

/// What one service says about a request.
enum Answer {
    Fine,
    NoPath { near: Option<String>, tie: Tie },
    NoMethod { path: String, takes: String },
    NoField { field: String, has: String },
}

fn in_call(source: &Source<'_>, call: &ClientCall, services: &[Service]) -> Vec<Finding> {
    let mut refusals = Vec::new();
    for service in services {
        let Some((path, tie)) = path_in(service, call) else { continue };
        match ask(service, call, &path, tie) {
            // One service that takes it is enough.
            Answer::Fine => return Vec::new(),
            refusal => refusals.push((service, path, refusal)),
        }
    }
    // The service that knows most about the request speaks.
    refusals.sort_by_key(|(_, _, it)| match it {
        Answer::NoField { .. } => 0,
        Answer::NoMethod { .. } => 1,
        Answer::NoPath { near: Some(_), .. } => 2,
        Answer::NoPath { .. } | Answer::Fine => 3,
    });
    refusals
        .into_iter()
        .next()
        .and_then(|(service, path, it)| finding(source, call, service, &path, it))
        .into_iter()
        .collect()
}

/// Returns the path of a request within a service, where the two are tied.
fn path_in(service: &Service, call: &ClientCall) -> Option<(String, Tie)> {
    let url = call.url.split(['?', '#']).next().unwrap_or(&call.url);
    let (host, path) = split_url(url);
    let (path, tie) = match (host, url.strip_prefix("{}")) {
        (Some(host), _) => {
            let bare = |it: &str| it.split(':').next().unwrap_or(it).to_owned();
            let is_local = matches!(bare(&host).as_str(), "localhost" | "127.0.0.1" | "0.0.0.0");
            let is_its = service.hosts.iter().any(|it| *it == host || bare(it) == bare(&host));
            // The repository's own server runs on this machine while it is tried.
            let is_own = is_local && (service.hosts.is_empty() || is_its);
            (is_its || is_own).then_some((path, Tie::Firm))?
        }
        (None, Some(rest)) => {
            let name = call.base.as_deref().unwrap_or_default().to_lowercase();
            let is_base = ["base", "url", "api", "host", "server", "endpoint", "root", "backend", "origin"]
                .iter()
                .any(|it| name.contains(it));
            (is_base && rest.starts_with('/')).then(|| (rest.trim_end_matches('/').to_owned(), Tie::Firm))?
        }
        (None, None) => path.starts_with('/').then_some((path, Tie::Loose))?,
    };
    let path = normal(&path);
    let stripped = service.bases.iter().filter(|it| !it.is_empty()).find_map(|base| path.strip_prefix(base.as_str()));
    let path = stripped.filter(|it| it.starts_with('/') || it.is_empty()).map_or(path.clone(), normal);
    // An address that is all placeholders says nothing.
    path.split('/').any(|it| !it.is_empty() && it != "{}").then_some((path, tie))
}

fn ask(service: &Service, call: &ClientCall, path: &str, tie: Tie) -> Answer {
    let is_routes = service.hosts.is_empty() && service.bases.is_empty();
    let matching: Vec<(&String, &Endpoint)> = service
        .endpoints
        .iter()
        .filter(|(template, _)| matches(template, path) || (is_routes && is_mounted(template, path)))
        .collect();
    if matching.is_empty() {
        return Answer::NoPath { near: nearest(service, path), tie };
    }
    let Some(method) = &call.method else { return Answer::Fine };
    // A path that is written out wins over one with a parameter in its place.
    let takes = |it: &&(&String, &Endpoint)| {
        it.1.methods.is_empty() || it.1.methods.contains(method) || method == "OPTIONS" || method == "HEAD"
    };
    let Some((_, endpoint)) = matching.iter().find(takes) else {
        let methods: Vec<_> = matching[0].1.methods.iter().cloned().collect();
        return Answer::NoMethod { path: matching[0].0.clone(), takes: methods.join(", ") };
    };
    let Some(fields) = endpoint.bodies.get(method) else { return Answer::Fine };
    match call.fields.iter().find(|it| !fields.contains(it.as_str())) {
        Some(field) => {
            Answer::NoField { field: field.clone(), has: fields.iter().cloned().collect::<Vec<_>>().join(", ") }
        }
        None => Answer::Fine,
    }
}

/// Returns whether a path fits a template, part by part; what is put in fits everything.
fn matches(template: &str, path: &str) -> bool {
    let (mut left, mut right) = (template.split('/'), path.split('/'));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == b || a == "{}" || b == "{}" => {}
            _ => return false,
        }
    }
}

/// Returns whether a path ends like a template: a router may be mounted below a prefix that is written elsewhere.
fn is_mounted(template: &str, path: &str) -> bool {
    let (n_template, parts) = (template.split('/').count() - 1, path.split('/').skip(1).collect::<Vec<_>>());
    let Some(from) = parts.len().checked_sub(n_template) else { return false };
    let end = &parts[from..];
    let shares_word = template.split('/').skip(1).zip(end).any(|(a, b)| a == *b && a != "{}");
    shares_word && matches(template, &format!("/{}", end.join("/")))
}

/// Returns the template that differs least: in few letters of one part, or by one part more or less.
fn nearest(service: &Service, path: &str) -> Option<String> {
    let parts: Vec<_> = path.split('/').skip(1).collect();
    let distance = |template: &str| {
        let other: Vec<_> = template.split('/').skip(1).collect();
        if other.len() == parts.len() {
            let differing: Vec<_> =
                other.iter().zip(&parts).filter(|(a, b)| a != b && **a != "{}" && **b != "{}").collect();
            let shares_word = other.iter().zip(&parts).any(|(a, b)| a == b && *a != "{}");
            return match differing.as_slice() {
                [(a, b)] if is_close(a, b) => Some(1),
                [_] if shares_word => Some(2),
                _ => None,
            };
        }
        let (short, long) = if other.len() < parts.len() { (&other, &parts) } else { (&parts, &other) };
        let is_shorter = long.len() == short.len() + 1
            && (0..long.len()).any(|left_out| {
                let kept: Vec<_> = long.iter().enumerate().filter(|(at, _)| *at != left_out).map(|it| *it.1).collect();
                kept.iter().zip(short.iter()).all(|(a, b)| a == b || *a == "{}" || *b == "{}")
            });
        let shares_word = short.iter().any(|it| *it != "{}" && long.contains(it));
        (is_shorter && shares_word).then_some(3)
    };
    let near = service.endpoints.keys().filter_map(|it| Some((distance(it)?, it)));
    near.min().map(|it| it.1.clone())
}

fn is_close(a: &str, b: &str) -> bool {
    let flat = |it: &str| it.to_lowercase().replace(['-', '_'], "");
    let (a, b) = (flat(a), flat(b));
    let distance = strsim::osa_distance(&a, &b);
    distance <= 2 || distance * 3 <= a.len().max(b.len()) || a.starts_with(&b) || b.starts_with(&a)
}

fn finding(source: &Source<'_>, call: &ClientCall, service: &Service, path: &str, answer: Answer) -> Option<Finding> {
    let method = call.method.as_deref().unwrap_or("any method");
    let is_described = !service.hosts.is_empty() || !service.bases.is_empty();
    let (rule, severity, message, hint) = match answer {
        Answer::Fine => return None,
        Answer::NoPath { near, tie } => {
            // Without a tie to the service, only a path that nearly is one of its own is suspicious.
            if near.is_none() && (tie == Tie::Loose || !is_described) {
                return None;
            }
            let severity = if tie == Tie::Firm && is_described { Severity::Error } else { Severity::Warning };
            let hint = near
                .map_or_else(|| "Use a path that the service has.".to_owned(), |it| format!("Did you mean `{it}`?"));
            (PATH, severity, format!("the service has no path `{path}`"), hint)
        }
        Answer::NoMethod { path, takes } => {
            (METHOD, Severity::Error, format!("the path `{path}` takes no {method}"), format!("It takes {takes}."))
        }
        Answer::NoField { field, has } => (
            FIELD,
            Severity::Error,
            format!("the body of {method} `{path}` has no field `{}`", field.escape_debug()),
            format!("It has {has}."),
        ),
    };
    let finding = Finding::new(NAME, severity, message).rule(rule).within(source.path, source.span(call.range.clone()));
    let finding = finding.key(format!("{method} {path} {rule}")).hint(hint);
    let finding = finding.evidence(format!("{} has {} paths, and not this", service.origin, service.endpoints.len()));
    Some(finding.confidence(if severity == Severity::Error { Confidence::High } else { Confidence::Medium }))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::change::MemoryTree;

    const API: &str = "openapi: 3.0.0\nservers: [{url: 'https://api.example.com/v1'}]\npaths:\n  /users: {get: {}, post: {requestBody: {content: {application/json: \
                       {schema: {type: object, additionalProperties: false, properties: {name: {}}}}}}}}\n  /users/{id}: {get: {}, delete: {}}\n  /orders/{id}/items: {get: {}}\n";

    fn check_with(files: &[(&str, &str)], path: &str, code: &str) -> Vec<String> {
        let tree: MemoryTree = files.iter().map(|(path, text)| (*path, *text)).collect();
        let found = findings(&Source::new(Path::new(path), code), &services(&tree));
        found.into_iter().map(|it| format!("{:?} {}", it.severity, it.message)).collect()
    }

    fn check(code: &str) -> Vec<String> {
        check_with(&[("openapi.yaml", API)], "a.py", code)
    }

    #[test]
    fn requests_that_the_service_takes_are_fine() {
        for code in [
            "requests.get('https://api.example.com/v1/users')",
            "requests.delete(f'https://api.example.com/v1/users/{x}')",
            "requests.get(BASE_URL + '/orders/' + str(x) + '/items?page=1')",
            "requests.post(f'{API}/users', json={'name': 1})",
            "requests.get('https://other.example.org/anything')",
            "requests.get(something)",
            "requests.get('/metrics')",
        ] {
            assert_eq!(check(code), Vec::<String>::new(), "{code}");
        }
    }

    #[test]
    fn unknown_paths_methods_and_fields_are_errors() {
        assert_eq!(
            check("requests.get('https://api.example.com/v1/customers')"),
            ["Error the service has no path `/customers`"]
        );
        assert_eq!(check("requests.get(f'{BASE_URL}/user/{x}')"), ["Error the service has no path `/user/{}`"]);
        assert_eq!(
            check("requests.put('https://api.example.com/v1/users/1')"),
            ["Error the path `/users/{}` takes no PUT"]
        );
        assert_eq!(
            check("requests.post(API_URL + '/users', json={'nick': 1})"),
            ["Error the body of POST `/users` has no field `nick`"]
        );
    }

    #[test]
    fn a_path_without_a_host_is_a_warning_where_it_nearly_fits() {
        assert_eq!(check("client.get('/userss')"), ["Warning the service has no path `/userss`"]);
        assert_eq!(check("client.get('/something/else/entirely')"), Vec::<String>::new());
    }

    #[test]
    fn routes_of_the_repository_are_a_service_too() {
        let server = ("server.py", "@app.get('/items/{id}')\ndef f(): pass\n@app.post('/items')\ndef g(): pass\n");
        let script = |code: &str| check_with(&[server], "a.ts", code);
        assert_eq!(script("fetch(`/items/${id}`)"), Vec::<String>::new());
        assert_eq!(script("fetch(`/api/v2/items/${id}`)"), Vec::<String>::new());
        assert_eq!(
            script("fetch(`/items/${id}`, { method: 'DELETE' })"),
            ["Error the path `/items/{}` takes no DELETE"]
        );
        assert_eq!(script("fetch(`/item/${id}`)"), ["Warning the service has no path `/item/{}`"]);
    }
}
