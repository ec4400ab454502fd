//! The programming languages this crate can read, and one table per language that says how its grammar is spelled.
//!
//! Everything above this module is written against [`Role`] and the table's words, never against a node kind, so a new
//! language is one file in this folder, one variant of [`Language`] and one fixture.

mod cpp;
mod go;
mod java;
mod javascript;
mod python;
mod rust;
mod typescript;

use std::path::Path;
use std::sync::OnceLock;

/// Names a language that can be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// Python 3.
    Python,
    /// Rust.
    Rust,
    /// JavaScript, with JSX.
    JavaScript,
    /// TypeScript without JSX.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
    /// Go.
    Go,
    /// Java.
    Java,
    /// C++, and the headers it shares with C.
    Cpp,
}

impl Language {
    /// Every language, in the order of the enum.
    pub const ALL: [Language; 8] = [
        Language::Python,
        Language::Rust,
        Language::JavaScript,
        Language::TypeScript,
        Language::Tsx,
        Language::Go,
        Language::Java,
        Language::Cpp,
    ];

    /// Returns the language of a file by its extension.
    pub fn from_path(path: &Path) -> Option<Language> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        Language::ALL.into_iter().find(|language| language.table().extensions.contains(&extension.as_str()))
    }

    /// Returns the language a name or a fence tag (`py`, `js`, `rs`) stands for, whatever its case.
    pub fn from_name(name: &str) -> Option<Language> {
        let name = name.trim().to_ascii_lowercase();
        Language::ALL.into_iter().find(|language| {
            let table = language.table();
            table.name == name || table.aliases.contains(&name.as_str())
        })
    }

    /// Returns the name of the language in lowercase, as used for fences.
    pub fn name(self) -> &'static str {
        self.table().name
    }

    /// Returns what starts a comment that runs to the end of the line.
    pub fn line_comment(self) -> &'static str {
        self.table().line_comment
    }

    /// Returns whether blocks are marked by indentation alone.
    pub fn has_indented_blocks(self) -> bool {
        self.table().indented_blocks
    }

    pub(crate) fn table(self) -> &'static LanguageTable {
        match self {
            Language::Python => &python::TABLE,
            Language::Rust => &rust::TABLE,
            Language::JavaScript => &javascript::TABLE,
            Language::TypeScript => &typescript::TABLE,
            Language::Tsx => &typescript::TSX_TABLE,
            Language::Go => &go::TABLE,
            Language::Java => &java::TABLE,
            Language::Cpp => &cpp::TABLE,
        }
    }

    /// Returns the role of each node kind, indexed by the grammar's kind id.
    pub(crate) fn roles(self) -> &'static [Role] {
        static ROLES: [OnceLock<Vec<Role>>; Language::ALL.len()] = [const { OnceLock::new() }; Language::ALL.len()];
        ROLES[self as usize].get_or_init(|| roles_by_kind_id(self.table()))
    }
}

fn roles_by_kind_id(table: &LanguageTable) -> Vec<Role> {
    let grammar = (table.grammar)();
    let role_of = |id: usize| {
        let id = u16::try_from(id).ok()?;
        let kind = grammar.node_kind_for_id(id)?;
        if !grammar.node_kind_is_named(id) {
            return Some(Role::Token);
        }
        table.roles.iter().find(|(_, kinds)| kinds.contains(&kind)).map(|(role, _)| *role)
    };
    (0..grammar.node_kind_count()).map(|id| role_of(id).unwrap_or(Role::Other)).collect()
}

/// What a node is to us, whatever its grammar calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A named node that nothing here needs to know.
    Other,
    /// A keyword or a punctuation mark.
    Token,
    /// A comment or a line continuation: never code.
    Comment,

    /// A named definition with a body.
    Function,
    /// A function expression, a function only when it is bound to a name.
    Closure,
    /// Encloses functions and names them: class, impl, trait, module.
    Class,
    /// A decorator or an attribute in front of a definition.
    Attribute,
    /// A definition together with its decorators.
    Decorated,
    /// Makes names of another file known.
    Import,
    /// A list of parameters.
    Parameters,
    /// Type syntax, where nothing is a value.
    Type,
    /// A path of names (`a::b`), which is not taken apart.
    Path,

    /// Directly holds statements.
    Block,
    /// The braces around a [`Role::Block`], where the grammar tells the two apart.
    Braces,
    /// One case of a switch, which directly holds statements.
    Case,
    /// An expression used as a statement.
    ExpressionStatement,
    /// Any other statement without statements inside.
    Simple,
    /// `return`.
    Return,
    /// `yield`.
    Yield,
    /// `break`, `continue` and their like.
    Jump,
    /// `if`, and each further condition of it.
    If,
    /// A loop with a condition.
    While,
    /// A loop over elements, or with a counter.
    For,
    /// The head of a loop where the grammar makes it a node, or of a comprehension.
    ForClause,
    /// The condition of a comprehension or of a match arm.
    Filter,
    /// Any other statement with statements inside.
    Compound,

    /// Assigns to existing names, perhaps through an operator.
    Assign,
    /// Introduces a name with a value.
    Declare,
    /// Two operands around an operator.
    Binary,
    /// One operand after an operator.
    Unary,
    /// `x++` and its like.
    Update,
    /// A call, whatever is called.
    Call,
    /// The arguments of a call.
    Arguments,
    /// An argument given by name.
    NamedArgument,
    /// A part of an object by name.
    Member,
    /// An element by index.
    Index,
    /// A slice or a range.
    Slice,
    /// A value chosen by a condition.
    Conditional,
    /// Several values in parentheses, or without them.
    Tuple,
    /// A list literal.
    List,
    /// A map or set literal.
    Map,
    /// A list built by a loop.
    Comprehension,
    /// An expression in parentheses.
    Parenthesized,
    /// A condition that binds names; it cannot be negated.
    LetCondition,

    /// An integer literal.
    Integer,
    /// A floating-point literal.
    Float,
    /// A string or character literal, with whatever is inside.
    String,
    /// True or false.
    Boolean,
    /// The literal for no value.
    Null,
    /// The name of a value.
    Identifier,
    /// The object a method was called on.
    Receiver,
    /// The name of a member.
    FieldName,
    /// The name of a type.
    TypeName,
}

/// Everything that differs between languages, as data.
///
/// In templates `{x}` stands for an expression as written, `{a}` for the same in parentheses unless it is atomic, `{v}`
/// for a variable, `{t}` for the target of an assignment and `{c}` for a condition.
#[derive(Clone, Copy)]
pub(crate) struct LanguageTable {
    pub(crate) name: &'static str,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) extensions: &'static [&'static str],
    pub(crate) line_comment: &'static str,
    pub(crate) grammar: fn() -> tree_sitter::Language,
    pub(crate) roles: &'static [(Role, &'static [&'static str])],
    /// Node kind and field in which names are introduced; an empty field means the node's own identifiers.
    pub(crate) binders: &'static [(&'static str, &'static str)],
    /// Blocks are marked by indentation alone.
    pub(crate) indented_blocks: bool,
    /// The last expression of a block is its value.
    pub(crate) tail_expressions: bool,
    /// `;` at the end of a statement may be left out.
    pub(crate) optional_semicolons: bool,
    pub(crate) statement_end: &'static str,

    /// Operators that are mistaken for each other, by group; the first group that has one is used.
    pub(crate) operators: &'static [&'static [&'static str]],
    pub(crate) not: &'static str,
    pub(crate) and: &'static str,
    pub(crate) or: &'static str,
    pub(crate) truth: &'static str,
    pub(crate) falsehood: &'static str,
    pub(crate) is_null: Option<&'static str>,
    pub(crate) is_not_null: Option<&'static str>,
    /// Conditions that hold when a variable has nothing in it.
    pub(crate) is_empty: &'static [&'static str],
    /// Conditions that hold when a variable has something in it.
    pub(crate) is_not_empty: &'static [&'static str],
    pub(crate) empty_lists: &'static [&'static str],
    pub(crate) empty_strings: &'static [&'static str],
    /// Values worth returning when nothing better is known.
    pub(crate) return_constants: &'static [&'static str],
    /// An `if` on several lines: `{c}` condition, `{i}` indentation, `{u}` one more level, `{s}` statement.
    pub(crate) if_statement: &'static str,
    /// What keeps a block valid when its last statement goes.
    pub(crate) empty_statement: &'static str,
    /// Names of functions and methods that are mistaken for each other.
    pub(crate) confused: &'static [&'static [&'static str]],
    /// Calls that take one value and give a similar one.
    pub(crate) wrappers: &'static [&'static str],
    pub(crate) slices: &'static [&'static str],
    pub(crate) slices_by: &'static [&'static str],
    /// Lists with one element more.
    pub(crate) extended_lists: &'static [&'static str],
    /// What an accumulating assignment to `{t}` may have meant.
    pub(crate) accumulations: &'static [&'static str],
    /// Statements that put `{v}` into the collection `{t}`.
    pub(crate) insertions: &'static [&'static str],
    /// Methods and constructors that show a variable to be a collection.
    pub(crate) collection_methods: &'static [&'static str],
    pub(crate) collection_constructors: &'static [&'static str],
    pub(crate) yield_all: Option<(&'static str, &'static str)>,
    pub(crate) square: &'static [&'static str],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_kind_of_a_table_exists_in_its_grammar() {
        for language in Language::ALL {
            let table = language.table();
            let grammar = (table.grammar)();
            let kinds = table.roles.iter().flat_map(|(_, kinds)| kinds.iter());
            let binders = table.binders.iter().map(|(kind, _)| kind);
            let unknown: Vec<_> =
                kinds.chain(binders).filter(|kind| grammar.id_for_node_kind(kind, true) == 0).collect();
            assert!(unknown.is_empty(), "{language:?} does not know {unknown:?}");
            let fields = table.binders.iter().map(|(_, field)| *field).filter(|field| !field.is_empty());
            let unknown: Vec<_> = fields.filter(|field| grammar.field_id_for_name(field).is_none()).collect();
            assert!(unknown.is_empty(), "{language:?} does not know the fields {unknown:?}");
        }
    }

    #[test]
    fn a_node_kind_has_one_role() {
        for language in Language::ALL {
            let mut kinds: Vec<_> = language.table().roles.iter().flat_map(|(_, kinds)| kinds.iter()).collect();
            let n_kinds = kinds.len();
            kinds.sort();
            kinds.dedup();
            assert_eq!(kinds.len(), n_kinds, "{language:?} lists a kind twice");
        }
    }

    #[test]
    fn a_language_is_found_by_path() {
        let of = |path: &str| Language::from_path(Path::new(path));
        assert_eq!(of("a/b.py"), Some(Language::Python));
        assert_eq!(of("b.pyi"), Some(Language::Python));
        assert_eq!(of("lib.RS"), Some(Language::Rust));
        assert_eq!(of("x.mjs"), Some(Language::JavaScript));
        assert_eq!(of("x.mts"), Some(Language::TypeScript));
        assert_eq!(of("x.tsx"), Some(Language::Tsx));
        assert_eq!(of("x.go"), Some(Language::Go));
        assert_eq!(of("X.java"), Some(Language::Java));
        assert_eq!(of("x.cpp"), Some(Language::Cpp));
        assert_eq!(of("x.h"), Some(Language::Cpp));
        assert_eq!(of("Makefile"), None);
        assert_eq!(of("py"), None);
    }

    #[test]
    fn a_language_is_found_by_name_and_fence_tag() {
        for language in Language::ALL {
            assert_eq!(Language::from_name(language.name()), Some(language));
        }
        for (tag, language) in [
            ("py", Language::Python),
            ("Python3", Language::Python),
            ("rs", Language::Rust),
            ("JS", Language::JavaScript),
            ("jsx", Language::JavaScript),
            ("ts", Language::TypeScript),
            ("golang", Language::Go),
            ("C++", Language::Cpp),
        ] {
            assert_eq!(Language::from_name(tag), Some(language), "{tag}");
        }
        assert_eq!(Language::from_name("cobol"), None);
    }
}
