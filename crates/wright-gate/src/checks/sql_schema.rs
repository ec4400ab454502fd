//! Every table and column that SQL names is in the repository's schema.
//!
//! The schema is what migrations and models leave behind ([`crate::existence::ddl`]). Without one nothing is said. A name
//! counts as unknown only where every table in scope is known in full.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::time::Instant;

use sqlparser::ast::{
    AssignmentTarget, Delete, Expr, FromTable, Ident, Insert, ObjectName, Query, Select, SelectItem, SetExpr,
    Statement, TableAlias, TableFactor, TableObject, TableWithJoins, Update, Visit, Visitor,
};

use crate::change::{ChangeSet, Tree};
use crate::existence::ddl::{self, Schema};
use crate::existence::sql_strings::{self, SqlText};
use crate::{CheckReport, Confidence, Finding, Source};

/// The check's name.
pub const NAME: &str = "sql-schema";

const TABLE: &str = "sql-schema/unknown-table";
const COLUMN: &str = "sql-schema/unknown-column";

/// Judges the SQL in the files that a change touches, each side by its own schema.
pub fn report(change: &ChangeSet, before: &dyn Tree, after: &dyn Tree) -> CheckReport {
    let start = Instant::now();
    let mut report = CheckReport::ran(NAME);
    let (old, new) = (Schema::of(before), Schema::of(after));
    for file in &change.files {
        report.before.extend(findings(&Source::new(file.path_before(), file.text_before()), &old));
        let source = Source::new(&file.path, file.text_after());
        report.after.extend(findings(&source, &new));
        if !sql_strings::statements(&source).is_empty() {
            report.analysed.push(file.path.clone());
        }
    }
    report.duration = start.elapsed();
    report
}

/// Returns what the SQL of a text names and the schema has not.
pub fn findings(source: &Source<'_>, schema: &Schema) -> Vec<Finding> {
    if schema.is_empty() {
        return Vec::new();
    }
    let statements = sql_strings::statements(source);
    statements.iter().flat_map(|it| in_statement(source, it, schema)).collect()
}

fn in_statement(source: &Source<'_>, text: &SqlText, schema: &Schema) -> Vec<Finding> {
    let is_file = source.path.extension().is_some_and(|it| it == "sql");
    let sql = if is_file { text.sql.clone() } else { sql_strings::with_values(&text.sql) };
    let Some(parsed) = ddl::parse(&sql) else { return Vec::new() };
    // A script that makes tables is the schema itself.
    let makes_tables = parsed
        .iter()
        .any(|it| matches!(it, Statement::CreateTable(_) | Statement::AlterTable(_) | Statement::Drop { .. }));
    if makes_tables {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for statement in &parsed {
        let mut resolver =
            Resolver { schema, scopes: Vec::new(), known: HashSet::new(), alone: HashSet::new(), unknown: Vec::new() };
        let _ = Visit::visit(statement, &mut resolver);
        for it in resolver.unknown {
            if seen.insert((it.rule, it.name.clone())) {
                found.push(finding(source, text, &it, schema));
            }
        }
    }
    found
}

/// A name that the schema has not.
struct Unknown {
    rule: &'static str,
    name: String,
    /// The table that lacks the column, where it is one.
    table: Option<String>,
}

/// The tables that one query or statement reads.
#[derive(Default)]
struct Scope {
    /// Tables by the name under which the query knows them; `None` where their columns are not known.
    tables: HashMap<String, Option<String>>,
    /// Names that the query itself gives to results.
    results: BTreeSet<String>,
    /// Whether the query sees nothing of those around it.
    is_alone: bool,
}

struct Resolver<'a> {
    schema: &'a Schema,
    scopes: Vec<Scope>,
    /// Names of common table expressions.
    known: HashSet<String>,
    /// Where the queries of common table expressions lie, which see nothing of the query around them.
    alone: HashSet<*const Query>,
    unknown: Vec<Unknown>,
}

impl Resolver<'_> {
    fn add_tables(&mut self, scope: &mut Scope, tables: &[TableWithJoins]) {
        for table in tables {
            self.add_factor(scope, &table.relation);
            table.joins.iter().for_each(|it| self.add_factor(scope, &it.relation));
        }
    }

    fn add_factor(&mut self, scope: &mut Scope, factor: &TableFactor) {
        match factor {
            TableFactor::Table { name, alias, args, .. } => self.add_table(scope, name, alias.as_ref(), args.is_some()),
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                self.add_tables(scope, std::slice::from_ref(table_with_joins));
            }
            TableFactor::Derived { alias, .. } => {
                scope.tables.insert(alias_name(alias.as_ref()), None);
            }
            _ => {
                scope.tables.insert(String::new(), None);
            }
        }
    }

    fn add_table(&mut self, scope: &mut Scope, name: &ObjectName, alias: Option<&TableAlias>, is_function: bool) {
        let table = ddl::table_name(name);
        let shown = if alias.is_some() { alias_name(alias) } else { table.clone() };
        let is_known = self.schema.table(&table).is_some();
        // What a database brings itself, and what stands in another one, is in no migration.
        let is_elsewhere = is_function
            || name.0.len() > 2
            || is_of_system(&name.to_string())
            || self.known.contains(&table)
            || table == "null";
        if !is_known && !is_elsewhere && !self.schema.is_open && !table.is_empty() {
            self.unknown.push(Unknown { rule: TABLE, name: table.clone(), table: None });
        }
        let columns_known = is_known && !is_elsewhere && self.schema.table(&table).is_some_and(|it| !it.is_open);
        let renames = alias.is_some_and(|it| !it.columns.is_empty());
        scope.tables.insert(shown, (columns_known && !renames).then_some(table));
    }

    fn add_select(&mut self, scope: &mut Scope, select: &Select) {
        self.add_tables(scope, &select.from);
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                scope.results.insert(alias.value.to_lowercase());
            }
        }
    }

    fn add_body(&mut self, scope: &mut Scope, body: &SetExpr) {
        // A loop, since a chain of unions is as long as its author likes.
        let mut open = vec![body];
        while let Some(body) = open.pop() {
            match body {
                SetExpr::Select(select) => self.add_select(scope, select),
                SetExpr::SetOperation { left, right, .. } => open.extend([right.as_ref(), left.as_ref()]),
                _ => {
                    scope.tables.insert(String::new(), None);
                }
            }
        }
    }

    fn column(&mut self, name: &Ident) {
        let column = name.value.to_lowercase();
        let is_quoted_value = name.quote_style == Some('"');
        let from = self.scopes.iter().rposition(|it| it.is_alone).unwrap_or(0);
        let scopes = &self.scopes[from..];
        let all: Vec<&Option<String>> = scopes.iter().flat_map(|it| it.tables.values()).collect();
        let is_result = scopes.iter().any(|it| it.results.contains(&column));
        if all.is_empty() || all.iter().any(|it| it.is_none()) || is_result || is_pseudo(&column) || is_quoted_value {
            return;
        }
        let has = |table: &String| self.schema.table(table).is_some_and(|it| it.columns.contains(&column));
        if !all.iter().any(|it| it.as_ref().is_some_and(has)) {
            let table = if all.len() == 1 { all[0].clone() } else { None };
            self.unknown.push(Unknown { rule: COLUMN, name: column, table });
        }
    }

    fn column_of(&mut self, qualifier: &Ident, name: &Ident) {
        let (alias, column) = (qualifier.value.to_lowercase(), name.value.to_lowercase());
        let table = self.scopes.iter().rev().find_map(|it| it.tables.get(&alias)).cloned().flatten();
        let Some(table) = table.filter(|_| !is_pseudo(&column)) else { return };
        if self.schema.table(&table).is_some_and(|it| !it.columns.contains(&column)) {
            self.unknown.push(Unknown { rule: COLUMN, name: column, table: Some(table) });
        }
    }

    fn target(&mut self, table: &str, column: &ObjectName) {
        let column = ddl::table_name(column);
        let Some(known) = self.schema.table(table).filter(|it| !it.is_open) else { return };
        if !known.columns.contains(&column) && !is_pseudo(&column) && column != "null" {
            self.unknown.push(Unknown { rule: COLUMN, name: column, table: Some(table.to_owned()) });
        }
    }

    fn insert(&mut self, insert: &Insert) -> Scope {
        let mut scope = Scope::default();
        if let TableObject::TableName(name) = &insert.table {
            self.add_table(&mut scope, name, None, false);
            let table = ddl::table_name(name);
            insert.columns.iter().for_each(|it| self.target(&table, it));
            // `ON CONFLICT … SET a = excluded.a` names the new row.
            scope.tables.insert(
                "excluded".to_owned(),
                self.schema.table(&table).filter(|it| !it.is_open).map(|_| table.clone()),
            );
        }
        scope
    }

    fn update(&mut self, update: &Update) -> Scope {
        let mut scope = Scope::default();
        self.add_tables(&mut scope, std::slice::from_ref(&update.table));
        if update.from.is_some() {
            scope.tables.insert(String::new(), None);
        }
        if let TableFactor::Table { name, .. } = &update.table.relation {
            let table = ddl::table_name(name);
            let is_single = update.table.joins.is_empty();
            for assignment in update.assignments.iter().filter(|_| is_single) {
                match &assignment.target {
                    AssignmentTarget::ColumnName(column) => self.target(&table, column),
                    AssignmentTarget::Tuple(columns) => columns.iter().for_each(|it| self.target(&table, it)),
                }
            }
        }
        scope
    }

    fn delete(&mut self, delete: &Delete) -> Scope {
        let mut scope = Scope::default();
        let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &delete.from;
        self.add_tables(&mut scope, tables);
        self.add_tables(&mut scope, delete.using.as_deref().unwrap_or_default());
        scope
    }
}

impl Visitor for Resolver<'_> {
    type Break = ();

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        let scope = match statement {
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Query(_) => Scope::default(),
            _ => return ControlFlow::Break(()),
        };
        self.scopes.push(scope);
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for table in query.with.iter().flat_map(|it| &it.cte_tables) {
            self.known.insert(table.alias.name.value.to_lowercase());
            self.alone.insert(std::ptr::from_ref(table.query.as_ref()));
        }
        let is_alone = self.alone.contains(&std::ptr::from_ref(query));
        let mut scope = Scope { is_alone, ..Scope::default() };
        self.add_body(&mut scope, &query.body);
        self.scopes.push(scope);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) => self.column(name),
            Expr::CompoundIdentifier(parts) => {
                if let [.., qualifier, name] = parts.as_slice() {
                    self.column_of(qualifier, name);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn alias_name(alias: Option<&TableAlias>) -> String {
    alias.map(|it| it.name.value.to_lowercase()).unwrap_or_default()
}

fn is_of_system(name: &str) -> bool {
    let name = name.to_lowercase().replace(['"', '`', '[', ']'], "");
    let starts = ["information_schema", "pg_", "sqlite_", "sys.", "mysql.", "performance_schema", "#", "@"];
    starts.iter().any(|it| name.starts_with(it))
        || matches!(name.as_str(), "dual" | "json_each" | "json_tree" | "generate_series" | "unnest" | "null")
}

/// Returns whether a word is one that a database understands in the place of a column.
fn is_pseudo(column: &str) -> bool {
    const WORDS: &[&str] = &[
        "rowid",
        "oid",
        "ctid",
        "xmin",
        "xmax",
        "tableoid",
        "_rowid_",
        "rownum",
        "level",
        "rank",
        "current_date",
        "current_time",
        "current_timestamp",
        "current_user",
        "session_user",
        "user",
        "sysdate",
        "systimestamp",
        "localtime",
        "localtimestamp",
        "null",
        "true",
        "false",
        "default",
        "value",
        "excluded",
        "new",
        "old",
        "nextval",
        "year",
        "month",
        "day",
        "hour",
        "minute",
        "second",
        "week",
        "quarter",
        "epoch",
        "date",
        "time",
        "timestamp",
        "interval",
        "text",
        "integer",
        "char",
        "utf8mb4",
        "binary",
    ];
    WORDS.contains(&column) || column.starts_with(['@', '#', ':', '$'])
}

fn finding(source: &Source<'_>, text: &SqlText, unknown: &Unknown, schema: &Schema) -> Finding {
    let (what, where_) = match (&unknown.table, unknown.rule) {
        (_, TABLE) => ("table", String::new()),
        (Some(table), _) => ("column", format!(" in the table `{table}`")),
        (None, _) => ("column", " in any table of the statement".to_owned()),
    };
    let shown = |name: &str| name.escape_debug().to_string();
    let candidates: BTreeSet<&str> = match &unknown.table {
        Some(table) => schema.table(table).into_iter().flat_map(|it| it.columns.iter().map(String::as_str)).collect(),
        None => schema.names().collect(),
    };
    let near = candidates
        .into_iter()
        .filter(|it| strsim::osa_distance(it, &unknown.name) <= 2)
        .min_by_key(|it| strsim::osa_distance(it, &unknown.name));
    let hint = near.map_or_else(
        || "Use a name that the migrations make, or add a migration.".to_owned(),
        |it| format!("Did you mean `{it}`?"),
    );
    let place = place_of(source, text, &unknown.name);
    let finding =
        Finding::error(NAME, format!("there is no {what} `{}`{where_}", shown(&unknown.name))).rule(unknown.rule);
    let finding = finding.within(source.path, source.span(place)).hint(hint);
    let finding = finding.evidence(format!(
        "the migrations and models of the repository make {} tables, and not this",
        schema.names().count()
    ));
    let finding = finding.confidence(if text.has_holes { Confidence::Medium } else { Confidence::High });
    finding.key(format!("{what} {} {}", unknown.table.as_deref().unwrap_or_default(), unknown.name))
}

/// Returns where a name stands in the text of its statement.
fn place_of(source: &Source<'_>, text: &SqlText, name: &str) -> std::ops::Range<usize> {
    let written = source.text.get(text.range.clone()).unwrap_or_default();
    let is_word = |it: char| it.is_alphanumeric() || it == '_';
    let lower = written.to_ascii_lowercase();
    let at = lower
        .match_indices(name)
        .find(|(at, _)| !lower[..*at].ends_with(is_word) && !lower[at + name.len()..].starts_with(is_word));
    at.map_or(text.range.clone(), |(at, _)| text.range.start + at..text.range.start + at + name.len())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::change::MemoryTree;

    const DDL: &str = "CREATE TABLE users (id INT, name TEXT, email TEXT);\nCREATE TABLE orders (id INT, user_id INT, total NUMERIC, created_at TIMESTAMP);\n\
                       CREATE VIEW v AS SELECT 1;";

    fn check(sql: &str) -> Vec<String> {
        let tree: MemoryTree = [("schema.sql", DDL)].into_iter().collect();
        let text = format!("cur.execute(\"\"\"{sql}\"\"\")\n");
        let found = findings(&Source::new(Path::new("a.py"), &text), &Schema::of(&tree));
        found.into_iter().map(|it| it.message).collect()
    }

    #[test]
    fn names_of_the_schema_are_fine() {
        for sql in [
            "SELECT id, u.name AS label FROM users u WHERE email = %s ORDER BY label",
            "SELECT o.total, u.name FROM orders o JOIN users AS u ON u.id = o.user_id",
            "SELECT COUNT(*) AS n, user_id FROM orders GROUP BY user_id HAVING n > 1",
            "INSERT INTO users (id, name) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
            "UPDATE orders SET total = total + 1 WHERE user_id IN (SELECT id FROM users WHERE users.id = orders.user_id)",
            "WITH big AS (SELECT user_id, total AS x FROM orders) SELECT x, whatever FROM big",
            "SELECT anything FROM v",
            "SELECT relname FROM pg_class",
            "SELECT s.n FROM (SELECT COUNT(*) AS n FROM users) s",
            "SELECT id FROM users UNION SELECT user_id FROM orders",
            "DELETE FROM users WHERE CURRENT_TIMESTAMP > :when",
        ] {
            assert_eq!(check(sql), Vec::<String>::new(), "{sql}");
        }
    }

    #[test]
    fn unknown_tables_and_columns_are_errors() {
        let table = |name: &str| vec![format!("there is no table `{name}`")];
        let column = |name: &str, table: &str| vec![format!("there is no column `{name}` in the table `{table}`")];
        assert_eq!(check("SELECT id FROM customers"), table("customers"));
        assert_eq!(check("SELECT username FROM users"), column("username", "users"));
        assert_eq!(check("SELECT o.amount FROM orders o JOIN users u ON u.id = o.user_id"), column("amount", "orders"));
        assert_eq!(check("INSERT INTO users (id, mail) VALUES (1, 2)"), column("mail", "users"));
        assert_eq!(check("UPDATE users SET nick = %s WHERE id = 1"), column("nick", "users"));
        assert_eq!(check("DELETE FROM orders WHERE owner = $1"), column("owner", "orders"));
        assert_eq!(check("WITH r AS (SELECT id, nick FROM users) SELECT q.id FROM r q"), column("nick", "users"));
        let both = check("SELECT amount FROM orders JOIN users ON users.id = user_id");
        assert_eq!(both, ["there is no column `amount` in any table of the statement"]);
    }

    #[test]
    fn nothing_is_said_without_a_schema() {
        let found = findings(&Source::new(Path::new("a.py"), "q('SELECT a FROM b')\n"), &Schema::default());
        assert_eq!(found, Vec::new());
    }

    #[test]
    fn a_finding_names_the_place_and_what_was_meant() {
        let tree: MemoryTree = [("schema.sql", DDL)].into_iter().collect();
        let text = "x = 1\nq('SELECT nmae FROM users')\n";
        let found = findings(&Source::new(Path::new("a.py"), text), &Schema::of(&tree));
        assert_eq!(
            found[0].to_string(),
            "a.py:2: there is no column `nmae` in the table `users` [sql-schema/unknown-column]"
        );
        assert_eq!(&text[found[0].span.map(|it| it.start..it.end).unwrap()], "nmae");
        assert_eq!(found[0].hint.as_deref(), Some("Did you mean `name`?"));
    }
}
