//! What an HTTP service offers, as an OpenAPI 3 or Swagger 2 file says it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::change::Tree;

/// One path of a service and what can be done with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Methods in capitals. Empty where any is taken.
    pub methods: BTreeSet<String>,
    /// By method, the fields that the body may have, where no others are allowed.
    pub bodies: BTreeMap<String, BTreeSet<String>>,
}

/// The paths of one service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Service {
    /// Where it was read.
    pub origin: String,
    /// Host names of its servers, in lowercase, with the port where one is given.
    pub hosts: BTreeSet<String>,
    /// What its paths begin with, such as `/api/v1`.
    pub bases: BTreeSet<String>,
    /// Its paths, with `{}` for each parameter.
    pub endpoints: BTreeMap<String, Endpoint>,
}

/// Returns the services that the files of a tree describe.
pub fn read_all(tree: &dyn Tree) -> Vec<Service> {
    let is_candidate = |path: &&std::path::PathBuf| {
        let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default().to_lowercase();
        let is_format = [".json", ".yaml", ".yml"].iter().any(|it| name.ends_with(it));
        is_format && !name.ends_with("lock.json") && !name.ends_with("lock.yaml") && name != "package.json"
    };
    let files = tree.paths().iter().filter(is_candidate);
    files.filter_map(|path| parse(path, &tree.read(path)?)).collect()
}

/// Reads one file; `None` when it describes no service.
pub fn parse(path: &Path, text: &str) -> Option<Service> {
    const MAX_BYTES: usize = 5_000_000;
    let head: String = text.chars().take(3_000).collect();
    if text.len() > MAX_BYTES || !(head.contains("openapi") || head.contains("swagger")) {
        return None;
    }
    let is_json = path.extension().is_some_and(|it| it == "json");
    let root: Value = if is_json { serde_json::from_str(text).ok()? } else { serde_saphyr::from_str(text).ok()? };
    let is_description = root.get("openapi").is_some() || root.get("swagger").is_some();
    let paths = root.get("paths").filter(|_| is_description)?.as_object()?;
    let mut service = Service { origin: path.display().to_string(), ..Service::default() };
    add_servers(&mut service, &root);
    for (template, item) in paths {
        let item = resolved(&root, item);
        let mut endpoint = Endpoint::default();
        for method in ["get", "put", "post", "delete", "options", "head", "patch", "trace"] {
            let Some(operation) = item.get(method) else { continue };
            endpoint.methods.insert(method.to_uppercase());
            if let Some(fields) = closed_body(&root, operation) {
                endpoint.bodies.insert(method.to_uppercase(), fields);
            }
        }
        service.endpoints.insert(normal(template), endpoint);
    }
    Some(service)
}

fn add_servers(service: &mut Service, root: &Value) {
    let urls =
        root.get("servers").and_then(Value::as_array).into_iter().flatten().filter_map(|it| it.get("url")?.as_str());
    for url in urls {
        let (host, base) = split_url(url);
        service.hosts.extend(host);
        service.bases.insert(base);
    }
    if let Some(host) = root.get("host").and_then(Value::as_str) {
        service.hosts.insert(host.to_lowercase());
    }
    if let Some(base) = root.get("basePath").and_then(Value::as_str) {
        service.bases.insert(base.trim_end_matches('/').to_owned());
    }
    if service.bases.is_empty() {
        service.bases.insert(String::new());
    }
}

/// Splits an address into its host, if it has one, and its path without the last slash.
pub fn split_url(url: &str) -> (Option<String>, String) {
    let Some((_, rest)) = url.split_once("://") else { return (None, url.trim_end_matches('/').to_owned()) };
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = host.rsplit('@').next().unwrap_or(host).to_lowercase();
    (Some(host), path.trim_end_matches('/').to_owned())
}

/// Returns a template in which every parameter is `{}`, without its last slash.
pub fn normal(template: &str) -> String {
    let parts = template.trim_end_matches('/').split('/').map(|part| {
        let is_parameter = part.starts_with(['{', ':', '<', '*', '[']) || part.contains('{') || part.contains("(?P");
        if is_parameter { "{}" } else { part }
    });
    let path = parts.collect::<Vec<_>>().join("/");
    if path.starts_with('/') { path } else { format!("/{path}") }
}

fn resolved<'v>(root: &'v Value, value: &'v Value) -> &'v Value {
    let mut value = value;
    // A reference may lead to a reference, and hostile ones lead in circles.
    for _ in 0..8 {
        let Some(target) = value.get("$ref").and_then(Value::as_str).and_then(|it| it.strip_prefix('#')) else {
            return value;
        };
        let Some(found) = root.pointer(target) else { return &Value::Null };
        value = found;
    }
    &Value::Null
}

/// Returns the fields of a JSON body, where the schema says that there are no others.
fn closed_body(root: &Value, operation: &Value) -> Option<BTreeSet<String>> {
    let body = operation.get("requestBody").map(|it| resolved(root, it));
    let schema = match body {
        Some(body) => body.pointer("/content/application~1json/schema")?,
        None => {
            let parameters = operation.get("parameters")?.as_array()?;
            parameters.iter().find(|it| it.get("in").and_then(Value::as_str) == Some("body"))?.get("schema")?
        }
    };
    let schema = resolved(root, schema);
    let is_closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    let is_plain = ["allOf", "oneOf", "anyOf", "patternProperties"].iter().all(|it| schema.get(it).is_none());
    let fields = schema.get("properties").filter(|_| is_closed && is_plain)?.as_object()?;
    Some(fields.keys().cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "openapi: 3.0.0\nservers:\n  - url: https://api.example.com/v1/\npaths:\n  /users/{id}:\n    get: {}\n    put:\n      requestBody:\n        content:\n          application/json:\n            schema: {$ref: '#/components/schemas/User'}\n\
                        components:\n  schemas:\n    User:\n      type: object\n      additionalProperties: false\n      properties: {name: {}, age: {}}\n";

    #[test]
    fn paths_methods_servers_and_closed_bodies_are_read() {
        let service = parse(Path::new("api.yaml"), YAML).unwrap();
        assert_eq!(service.hosts, ["api.example.com".to_owned()].into());
        assert_eq!(service.bases, ["/v1".to_owned()].into());
        let endpoint = &service.endpoints["/users/{}"];
        assert_eq!(endpoint.methods, ["GET".to_owned(), "PUT".to_owned()].into());
        assert_eq!(endpoint.bodies["PUT"], ["age".to_owned(), "name".to_owned()].into());
    }

    #[test]
    fn swagger_2_is_read() {
        let text = "{\"swagger\":\"2.0\",\"host\":\"h.org\",\"basePath\":\"/b\",\"paths\":{\"/a\":{\"post\":{}}}}";
        let service = parse(Path::new("x.json"), text).unwrap();
        assert_eq!(
            (service.hosts.first().map(String::as_str), service.bases.first().map(String::as_str)),
            (Some("h.org"), Some("/b"))
        );
        assert!(service.endpoints.contains_key("/a"));
    }

    #[test]
    fn other_files_and_circles_describe_nothing() {
        assert_eq!(parse(Path::new("x.json"), "{\"name\": \"openapi\"}"), None);
        let circle = "{\"openapi\":\"3.0.0\",\"paths\":{\"/a\":{\"$ref\":\"#/paths/~1a\"}}}";
        assert_eq!(parse(Path::new("x.json"), circle).unwrap().endpoints["/a"], Endpoint::default());
    }
}
