//! What Java code imports.

use wright_text::Node;

use super::Import;
use crate::existence::nodes::{descend, words};

pub(super) fn imports(root: Node<'_>, text: &str) -> Vec<Import> {
    let declarations = descend(root).filter(|it| it.kind() == "import_declaration");
    let modules = declarations.filter_map(|node| {
        let name = node.named_child(0).filter(|it| matches!(it.kind(), "scoped_identifier" | "identifier"))?;
        let is_all = (0..node.child_count()).any(|at| node.child(at).is_some_and(|it| it.kind() == "asterisk"));
        let name_text = words(name, text);
        let module = if is_all { format!("{name_text}.*") } else { name_text.to_owned() };
        Some(Import { module, range: name.byte_range(), is_optional: false })
    });
    modules.collect()
}
