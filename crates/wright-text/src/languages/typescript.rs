//! How TypeScript is spelled: JavaScript's words over a grammar with types.

use super::{LanguageTable, Role, javascript};

pub(super) static TABLE: LanguageTable = LanguageTable {
    name: "typescript",
    aliases: &["ts", "mts", "cts"],
    extensions: &["ts", "mts", "cts"],
    grammar: || tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
    roles: ROLES,
    binders: BINDERS,
    ..javascript::TABLE
};

pub(super) static TSX_TABLE: LanguageTable = LanguageTable {
    name: "tsx",
    aliases: &["typescriptreact"],
    extensions: &["tsx"],
    grammar: || tree_sitter_typescript::LANGUAGE_TSX.into(),
    ..TABLE
};

const ROLES: &[(Role, &[&str])] = &[
    (Role::Comment, &["comment", "html_comment"]),
    (Role::Function, &["function_declaration", "generator_function_declaration", "method_definition"]),
    (Role::Closure, &["arrow_function", "function_expression", "generator_function"]),
    (Role::Class, &["class_declaration", "abstract_class_declaration", "class", "internal_module"]),
    (Role::Attribute, &["decorator"]),
    (Role::Import, &["import_statement"]),
    (Role::Parameters, &["formal_parameters"]),
    (
        Role::Type,
        &[
            "statement_identifier",
            "type_annotation",
            "type_arguments",
            "type_parameters",
            "type_alias_declaration",
            "interface_declaration",
        ],
    ),
    (Role::Block, &["statement_block", "program", "class_body"]),
    (Role::Case, &["switch_case", "switch_default"]),
    (Role::ExpressionStatement, &["expression_statement"]),
    (Role::Simple, &["throw_statement", "empty_statement", "lexical_declaration", "variable_declaration"]),
    (Role::Return, &["return_statement"]),
    (Role::Yield, &["yield_expression"]),
    (Role::Jump, &["break_statement", "continue_statement"]),
    (Role::If, &["if_statement"]),
    (Role::While, &["while_statement", "do_statement"]),
    (Role::For, &["for_statement", "for_in_statement"]),
    (Role::Compound, &["try_statement", "switch_statement", "labeled_statement", "with_statement"]),
    (Role::Assign, &["assignment_expression", "augmented_assignment_expression"]),
    (Role::Declare, &["variable_declarator"]),
    (Role::Binary, &["binary_expression"]),
    (Role::Unary, &["unary_expression"]),
    (Role::Update, &["update_expression"]),
    (Role::Call, &["call_expression", "new_expression"]),
    (Role::Arguments, &["arguments"]),
    (Role::Member, &["member_expression"]),
    (Role::Index, &["subscript_expression"]),
    (Role::Conditional, &["ternary_expression"]),
    (Role::Tuple, &["array_pattern"]),
    (Role::List, &["array"]),
    (Role::Map, &["object"]),
    (Role::Parenthesized, &["parenthesized_expression"]),
    (Role::Integer, &["number"]),
    (Role::String, &["string", "template_string", "regex"]),
    (Role::Boolean, &["true", "false"]),
    (Role::Null, &["null", "undefined"]),
    (Role::Identifier, &["identifier", "shorthand_property_identifier"]),
    (Role::Receiver, &["this"]),
    (Role::FieldName, &["property_identifier", "private_property_identifier"]),
    (Role::TypeName, &["type_identifier", "predefined_type"]),
];

const BINDERS: &[(&str, &str)] = &[
    ("required_parameter", "pattern"),
    ("optional_parameter", "pattern"),
    ("assignment_pattern", "left"),
    ("rest_pattern", ""),
    ("array_pattern", ""),
    ("object_pattern", ""),
    ("arrow_function", "parameter"),
    ("variable_declarator", "name"),
    ("assignment_expression", "left"),
    ("for_in_statement", "left"),
    ("catch_clause", "parameter"),
];
