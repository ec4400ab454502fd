//! What JavaScript and TypeScript code imports.

use wright_text::Node;

use super::Import;
use crate::existence::nodes::{descend, plain_string, words};

pub(super) fn imports(root: Node<'_>, text: &str) -> Vec<Import> {
    descend(root).filter_map(|node| import(node, text)).collect()
}

fn import(node: Node<'_>, text: &str) -> Option<Import> {
    let literal = match node.kind() {
        "import_statement" | "export_statement" => node.child_by_field_name("source")?,
        "call_expression" => {
            let function = node.child_by_field_name("function")?;
            let is_import =
                matches!(words(function, text), "require" | "import" | "require.resolve" | "jest.mock" | "vi.mock");
            node.child_by_field_name("arguments").filter(|_| is_import)?.named_child(0)?
        }
        "import_require_clause" => node.child_by_field_name("source")?,
        _ => return None,
    };
    let module = plain_string(literal, text)?;
    // A loader's prefix or query (`raw-loader!./a`, `./a?url`) leads to a file of the repository.
    let is_own = module.is_empty() || module.starts_with(['.', '/', '#']) || module.contains(['!', '?', ' ']);
    let is_optional = std::iter::successors(node.parent(), Node::parent).any(|it| it.kind() == "try_statement");
    (!is_own).then(|| Import { module: module.to_owned(), range: literal.byte_range(), is_optional })
}
