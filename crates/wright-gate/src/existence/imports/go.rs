//! What Go code imports.

use wright_text::Node;

use super::Import;
use crate::existence::nodes::{descend, plain_string};

pub(super) fn imports(root: Node<'_>, text: &str) -> Vec<Import> {
    let specs = descend(root).filter(|it| it.kind() == "import_spec");
    let paths = specs.filter_map(|spec| {
        let path = spec.child_by_field_name("path")?;
        let module = plain_string(path, text).filter(|it| !it.starts_with('.'))?;
        Some(Import { module: module.to_owned(), range: path.byte_range(), is_optional: false })
    });
    paths.collect()
}
