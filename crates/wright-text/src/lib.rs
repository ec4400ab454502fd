//! Source text as values: languages, syntax trees, documents, edits, patches, fenced code in what models write,
//! and text made safe to show.
//!
//! Nothing here reads a file, a clock or a socket, and nothing waits: text comes in, values come out. To add a language,
//! start at [`Language`] and copy a neighbor in `languages/`.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod definitions;
mod display;
mod document;
mod edit;
mod fences;
pub mod generalize;
mod indent;
mod languages;
pub mod names;
mod normalize;
mod outline;
mod patch;
mod python_errors;
pub mod shapes;
mod syntax;
pub mod syntax_edits;

pub use definitions::{Definition, DefinitionKind};
pub use display::{is_invisible, neutral, neutral_line, without_images};
pub use document::{Document, LineColumn, LineIndex};
pub use edit::{Edit, EditError, Replacement};
pub use fences::{FenceEvent, FenceScanner, FencedBlock, fenced_blocks};
pub use indent::{common_indent, dedent, reindent};
pub use languages::Language;
pub use names::KnownNames;
pub use normalize::{normalized, same_code};
pub use patch::{FileChange, Patch, PatchError, PatchStats};
pub use syntax::{Function, SyntaxError, SyntaxTree};
pub use tree_sitter::{Node, TreeCursor};
