//! The HTTP requests that a program makes: method, address and body, as far as they are written out.

use std::collections::HashMap;
use std::ops::Range;

use wright_text::{Language, Node};

use super::nodes::{descend, named, unquoted, words};
use crate::Source;

/// One request in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCall {
    /// The method, in capitals; `None` where it is not written out.
    pub method: Option<String>,
    /// The address, with `{}` for what is put in. A base that is a name stands as `{}` at its start.
    pub url: String,
    /// Whether the address begins with a name for the base: what the name is called.
    pub base: Option<String>,
    /// The fields of the JSON body, where it is written out.
    pub fields: Vec<String>,
    /// Where the address is written.
    pub range: Range<usize>,
}

const VERBS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

/// Returns the requests of a text, in source order.
pub fn calls(source: &Source<'_>) -> Vec<ClientCall> {
    let (Some(tree), Some(language)) = (source.tree(), source.language) else { return Vec::new() };
    let folder = Folder::new(tree.root(), source.text, language);
    let nodes = descend(tree.root()).filter(|it| matches!(it.kind(), "call" | "call_expression" | "method_invocation"));
    nodes.filter_map(|node| folder.call(node)).collect()
}

/// Folds strings, with the constants of the text.
struct Folder<'t> {
    text: &'t str,
    language: Language,
    constants: HashMap<&'t str, String>,
}

impl<'t> Folder<'t> {
    fn new(root: Node<'_>, text: &'t str, language: Language) -> Self {
        let mut folder = Self { text, language, constants: HashMap::new() };
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for node in descend(root) {
            let (name, value) = match node.kind() {
                "assignment" => (node.child_by_field_name("left"), node.child_by_field_name("right")),
                "variable_declarator" | "const_item" | "static_item" => {
                    (node.child_by_field_name("name"), node.child_by_field_name("value"))
                }
                "const_spec" | "var_spec" => (
                    node.child_by_field_name("name"),
                    node.child_by_field_name("value").and_then(|it| it.named_child(0)),
                ),
                _ => continue,
            };
            let (Some(name), Some(value)) = (name, value) else { continue };
            let name = words(name, text);
            *seen.entry(name).or_default() += 1;
            if let Some(said) = folder.fold(value, 0) {
                folder.constants.insert(name, said);
            }
        }
        // A name with two values is no constant.
        folder.constants.retain(|name, _| seen.get(name) == Some(&1));
        folder
    }

    /// Returns what an expression says, with `{}` for what is not known; `None` where nothing is.
    fn fold(&self, node: Node<'_>, depth: usize) -> Option<String> {
        const MAX_DEPTH: usize = 12;
        if depth > MAX_DEPTH {
            return None;
        }
        match node.kind() {
            "string" | "string_literal" | "raw_string_literal" | "interpreted_string_literal" | "template_string" => {
                Some(self.literal(node, depth))
            }
            "identifier" | "attribute" | "member_expression" => self.constants.get(words(node, self.text)).cloned(),
            "parenthesized_expression" | "reference_expression" => self.fold(node.named_child(0)?, depth + 1),
            "binary_operator" | "binary_expression" => {
                let operator = words(node.child_by_field_name("operator")?, self.text);
                let (left, right) = (node.child_by_field_name("left")?, node.child_by_field_name("right")?);
                let sides = [left, right].map(|it| self.fold(it, depth + 1));
                match (operator, sides) {
                    (_, [None, None]) => None,
                    ("+", [left, right]) => {
                        Some(left.unwrap_or_else(|| "{}".to_owned()) + &right.unwrap_or_else(|| "{}".to_owned()))
                    }
                    ("%", [Some(format), _]) => Some(with_holes(&format)),
                    _ => None,
                }
            }
            "call" | "call_expression" | "method_invocation" => self.formatted(node, depth),
            "macro_invocation" => {
                let tokens = descend(node).find(|it| matches!(it.kind(), "string_literal" | "raw_string_literal"))?;
                (words(node, self.text).starts_with("format!")).then(|| braces(unquoted(words(tokens, self.text))))
            }
            _ => None,
        }
    }

    /// Folds `"…".format(…)`, `fmt.Sprintf("…", …)`, `String.format("…", …)`.
    fn formatted(&self, node: Node<'_>, depth: usize) -> Option<String> {
        let callee =
            words(node.child_by_field_name("function").or_else(|| node.child_by_field_name("name"))?, self.text);
        if callee == "fmt.Sprintf" || (self.language == Language::Java && callee == "format") {
            let first = node.child_by_field_name("arguments")?.named_child(0)?;
            return self.fold(first, depth + 1).map(|it| with_holes(&it));
        }
        let function = node.child_by_field_name("function").filter(|_| callee.ends_with(".format"))?;
        self.fold(function.child_by_field_name("object")?, depth + 1).map(|it| braces(&it))
    }

    fn literal(&self, node: Node<'_>, depth: usize) -> String {
        let literal = words(node, self.text);
        let start = node.start_byte();
        let mut said = String::new();
        let mut at = 0;
        for hole in descend(node).filter(|it| matches!(it.kind(), "interpolation" | "template_substitution")) {
            let (from, to) = (hole.start_byte() - start, hole.end_byte() - start);
            if from < at {
                continue;
            }
            said.push_str(literal.get(at..from).unwrap_or_default());
            let inner = named(hole).first().and_then(|it| self.fold(*it, depth + 1));
            said.push_str(&inner.unwrap_or_else(|| "{}".to_owned()));
            at = to;
        }
        said.push_str(literal.get(at..).unwrap_or_default());
        unquoted(&said).to_owned()
    }

    fn call(&self, node: Node<'_>) -> Option<ClientCall> {
        let callee = match node.child_by_field_name("object") {
            Some(object) => {
                format!("{}.{}", words(object, self.text), words(node.child_by_field_name("name")?, self.text))
            }
            None => words(node.child_by_field_name("function")?, self.text).split_whitespace().collect::<String>(),
        };
        let arguments = named(node.child_by_field_name("arguments")?);
        let (method, at) = self.client(&callee, &arguments)?;
        let address = arguments.get(at).copied()?;
        let address =
            if address.kind() == "keyword_argument" { address.child_by_field_name("value")? } else { address };
        let url = self.fold(address, 0)?;
        let base = self.base_name(address).filter(|_| url.starts_with("{}"));
        let fields = self.body(&arguments);
        Some(ClientCall { method, url, base, fields, range: address.byte_range() })
    }

    /// Returns the method of a call that makes a request and the place of its address among the arguments.
    fn client(&self, callee: &str, arguments: &[Node<'_>]) -> Option<(Option<String>, usize)> {
        let (owner, verb) = callee.rsplit_once(['.', ':']).unwrap_or(("", callee));
        let owner = owner.trim_end_matches(':').to_lowercase();
        let lower = verb.to_lowercase();
        let is_of = |names: &[&str]| {
            names
                .iter()
                .any(|it| owner == *it || owner.ends_with(&format!(".{it}")) || owner.ends_with(&format!("_{it}")))
        };
        let word = |at: usize| arguments.get(at).and_then(|it| self.fold(*it, 0)).map(|it| it.to_uppercase());
        match self.language {
            Language::Python if is_of(&["requests", "httpx", "session", "client", "http", "api"]) => {
                match lower.as_str() {
                    "request" => Some((word(0), 1)),
                    _ => VERBS.contains(&lower.as_str()).then(|| (Some(lower.to_uppercase()), 0)),
                }
            }
            Language::JavaScript | Language::TypeScript | Language::Tsx => {
                if verb == "fetch" && (owner.is_empty() || owner == "window" || owner == "globalthis") {
                    return Some((self.fetch_method(arguments), 0));
                }
                let is_client = is_of(&[
                    "axios",
                    "api",
                    "http",
                    "client",
                    "apiclient",
                    "httpclient",
                    "ky",
                    "got",
                    "instance",
                    "$http",
                ]);
                // A server declares its routes with the same words, and a function behind the path.
                let is_route =
                    arguments.iter().skip(1).any(|it| matches!(it.kind(), "arrow_function" | "function_expression"));
                (is_client && !is_route && VERBS.contains(&verb)).then(|| (Some(lower.to_uppercase()), 0))
            }
            Language::Rust => {
                let is_client = owner.ends_with("reqwest")
                    || owner.ends_with("client")
                    || owner.ends_with("blocking")
                    || owner.ends_with("http");
                (is_client && VERBS.contains(&verb)).then(|| (Some(lower.to_uppercase()), 0))
            }
            Language::Go => match callee {
                "http.Get" | "http.Head" => Some((Some(lower.to_uppercase()), 0)),
                "http.Post" | "http.PostForm" => Some((Some("POST".to_owned()), 0)),
                "http.NewRequest" => Some((self.go_method(arguments.first()), 1)),
                "http.NewRequestWithContext" => Some((self.go_method(arguments.get(1)), 2)),
                _ => None,
            },
            Language::Java if owner.ends_with("resttemplate") => {
                let method = ["get", "post", "put", "patch", "delete"].iter().find(|it| lower.starts_with(**it));
                method.map(|it| (Some(it.to_uppercase()), 0))
            }
            _ => None,
        }
    }

    fn go_method(&self, argument: Option<&Node<'_>>) -> Option<String> {
        let written = words(*argument?, self.text);
        Some(written.strip_prefix("http.Method").map_or_else(|| unquoted(written).to_uppercase(), str::to_uppercase))
    }

    fn fetch_method(&self, arguments: &[Node<'_>]) -> Option<String> {
        let Some(options) = arguments.get(1) else { return Some("GET".to_owned()) };
        if options.kind() != "object" {
            return None;
        }
        let pairs = named(*options);
        if pairs.iter().any(|it| it.kind() == "spread_element" || it.kind() == "shorthand_property_identifier") {
            return None;
        }
        let method = pairs
            .iter()
            .find(|it| it.child_by_field_name("key").is_some_and(|key| unquoted(words(key, self.text)) == "method"));
        match method {
            Some(pair) => self.fold(pair.child_by_field_name("value")?, 0).map(|it| it.to_uppercase()),
            None => Some("GET".to_owned()),
        }
    }

    /// Returns what the first part of an address is called: `API_URL` in `API_URL + "/a"` and `` `${API_URL}/a` ``.
    fn base_name(&self, address: Node<'_>) -> Option<String> {
        let mut first = address;
        while matches!(first.kind(), "binary_operator" | "binary_expression") {
            first = first.child_by_field_name("left")?;
        }
        if first.kind() == "macro_invocation" {
            // `format!("{base}/a")` names it inside, `format!("{}/a", base)` behind.
            let text = words(first, self.text);
            let inside = text.split('{').nth(1)?.split('}').next()?;
            let behind = || Some(text.split(',').nth(1)?.trim().trim_end_matches(')'));
            let name = if inside.is_empty() { behind()? } else { inside };
            return Some(name.trim().to_owned());
        }
        let hole = descend(first).find(|it| matches!(it.kind(), "interpolation" | "template_substitution"));
        let name = hole.and_then(|it| it.named_child(0)).unwrap_or(first);
        let arguments = name.child_by_field_name("arguments").filter(|_| hole.is_none());
        let name = arguments.and_then(|it| it.named_child(1)).unwrap_or(name);
        Some(words(name, self.text).to_owned())
    }

    /// Returns the keys of a JSON body that is written out in the call.
    fn body(&self, arguments: &[Node<'_>]) -> Vec<String> {
        let object = match self.language {
            Language::Python => {
                let is_json = |it: &&Node<'_>| {
                    it.child_by_field_name("name").is_some_and(|name| words(name, self.text) == "json")
                };
                arguments.iter().find(is_json).and_then(|it| it.child_by_field_name("value"))
            }
            Language::JavaScript | Language::TypeScript | Language::Tsx => self.script_body(arguments),
            _ => None,
        };
        let Some(object) = object.filter(|it| matches!(it.kind(), "dictionary" | "object")) else { return Vec::new() };
        let keys =
            named(object).into_iter().filter(|it| it.kind() == "pair").filter_map(|it| it.child_by_field_name("key"));
        keys.map(|it| unquoted(words(it, self.text)).to_owned()).collect()
    }

    fn script_body<'n>(&self, arguments: &[Node<'n>]) -> Option<Node<'n>> {
        let second = *arguments.get(1)?;
        let stringified = descend(second).find(|it| {
            it.kind() == "call_expression"
                && it.child_by_field_name("function").is_some_and(|name| words(name, self.text) == "JSON.stringify")
        });
        let is_fetch = named(second).iter().any(|it| {
            it.child_by_field_name("key")
                .is_some_and(|key| matches!(words(key, self.text), "method" | "headers" | "body"))
        });
        match stringified {
            Some(call) => call.child_by_field_name("arguments")?.named_child(0),
            None => (!is_fetch).then_some(second),
        }
    }
}

/// Replaces `{name}` by `{}`.
fn braces(text: &str) -> String {
    let mut said = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        said.push_str(before);
        said.push_str("{}");
        rest = after.split_once('}').map_or("", |it| it.1);
    }
    said + rest
}

/// Replaces `%s` and the like by `{}`.
fn with_holes(format: &str) -> String {
    let mut said = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter == '%' {
            letters.next();
            said.push_str("{}");
        } else {
            said.push(letter);
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let shown = |it: ClientCall| {
            let fields = if it.fields.is_empty() { String::new() } else { format!(" {}", it.fields.join(",")) };
            let base = it.base.map(|it| format!(" [{it}]")).unwrap_or_default();
            format!("{} {}{base}{fields}", it.method.as_deref().unwrap_or("?"), it.url)
        };
        calls(&Source::new(Path::new(path), text)).into_iter().map(shown).collect()
    }

    #[test]
    fn requests_of_python_are_found_with_their_addresses_folded() {
        let text = "BASE = 'https://h/v1'\nrequests.get(f'{BASE}/a/{x}')\nself.session.post(API + '/b', json={'n': 1})\n\
                    httpx.request('PUT', 'https://h/c/%s' % y)\nd.get('key')\nclient.delete('/d/{}'.format(z))\n";
        assert_eq!(
            found("a.py", text),
            ["GET https://h/v1/a/{}", "POST {}/b [API] n", "PUT https://h/c/{}", "DELETE /d/{}"]
        );
    }

    #[test]
    fn requests_of_scripts_are_found_and_routes_are_not() {
        let text = "fetch(`${API_URL}/a/${id}`);\nfetch('/b', { method: 'POST', body: JSON.stringify({ n: 1 }) });\n\
                    axios.put('/c', { m: 2 });\napi.get('/r', (req, res) => res.send());\nfetch('/d', options);\n";
        assert_eq!(found("a.ts", text), ["GET {}/a/{} [API_URL]", "POST /b n", "PUT /c m", "? /d"]);
    }

    #[test]
    fn requests_of_rust_go_and_java_are_found() {
        assert_eq!(found("a.rs", "fn f() { client.put(format!(\"{base_url}/a/{id}\")); }"), ["PUT {}/a/{} [base_url]"]);
        assert_eq!(found("a.rs", "fn f() { client.get(format!(\"{}/a/{id}\", base)); }"), ["GET {}/a/{} [base]"]);
        let go = "package p\nfunc f() {\n http.Get(base + \"/a\")\n http.NewRequest(http.MethodPut, fmt.Sprintf(\"https://h/b/%d\", 1), nil)\n}\n";
        assert_eq!(found("a.go", go), ["GET {}/a [base]", "PUT https://h/b/{}"]);
        let java = "class A { void f() { restTemplate.getForObject(\"/a/{id}\", X.class); } }";
        assert_eq!(found("A.java", java), ["GET /a/{id}"]);
    }
}
