//! The tables that a repository's migrations and models leave behind.
//!
//! Migrations are read in the order of their paths, as their tools run them: tables and columns are made, renamed and
//! dropped. What cannot be followed makes a table *open*: nothing is said about its columns.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use sqlparser::ast::{
    AlterTableOperation, ColumnDef, Ident, ObjectName, ObjectNamePart, ObjectType, RenameTableNameKind, Statement,
};
use sqlparser::dialect::{Dialect, GenericDialect, MsSqlDialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

use crate::change::Tree;

/// How deeply a statement may be nested.
const MAX_DEPTH: usize = 40;

/// Longer texts are not read.
const MAX_BYTES: usize = 2_000_000;

/// The tables of one state of a repository. Names are in lowercase and without their schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    tables: BTreeMap<String, Table>,
    /// Whether a statement that makes tables could not be followed.
    pub is_open: bool,
}

/// One table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Its columns.
    pub columns: BTreeSet<String>,
    /// Whether it may have more than these.
    pub is_open: bool,
}

impl Schema {
    /// Reads the schema of a tree: its `.sql` files in order, then the models of Django, SQLAlchemy and Prisma.
    pub fn of(tree: &dyn Tree) -> Self {
        let mut schema = Self::default();
        let is_sql = |path: &&std::path::PathBuf| path.extension().is_some_and(|it| it == "sql") && !is_undo(path);
        for path in tree.paths().iter().filter(is_sql) {
            if let Some(text) = tree.read(path) {
                schema.apply(&text);
            }
        }
        for path in tree.paths() {
            let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
            let text = || tree.read(path).filter(|it| it.len() <= MAX_BYTES);
            match extension {
                "prisma" => text().iter().for_each(|it| schema.add_prisma(it)),
                "py" => text().iter().for_each(|it| schema.add_python(path, it)),
                _ => {}
            }
        }
        schema
    }

    /// Returns a table by its name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(&name.to_lowercase())
    }

    /// Returns the names of the tables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    /// Returns whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Follows the statements of one file.
    pub fn apply(&mut self, text: &str) {
        if text.len() > MAX_BYTES {
            self.is_open = true;
            return;
        }
        for statement in split(up_part(text)) {
            match parse(statement) {
                Some(parsed) => parsed.iter().for_each(|it| self.follow(it)),
                None => self.guess(statement),
            }
        }
    }

    fn follow(&mut self, statement: &Statement) {
        match statement {
            Statement::CreateTable(table) => {
                let columns = table.columns.iter().map(column_name).collect();
                let is_open =
                    table.query.is_some() || table.like.is_some() || table.clone.is_some() || table.inherits.is_some();
                self.tables
                    .insert(table_name(&table.name), Table { is_open: is_open || table.columns.is_empty(), columns });
            }
            Statement::CreateView(view) => self.open(&table_name(&view.name)),
            Statement::CreateVirtualTable { name, .. } => self.open(&table_name(name)),
            Statement::AlterTable(alter) => {
                let name = table_name(&alter.name);
                alter.operations.iter().for_each(|it| self.alter(&name, it));
            }
            Statement::Drop { object_type: ObjectType::Table | ObjectType::View, names, .. } => {
                for name in names {
                    self.tables.remove(&table_name(name));
                }
            }
            _ => {}
        }
    }

    fn alter(&mut self, name: &str, operation: &AlterTableOperation) {
        let known = self.tables.contains_key(name);
        let table = self.tables.entry(name.to_owned()).or_default();
        table.is_open |= !known;
        match operation {
            AlterTableOperation::AddColumn { column_def, .. } => {
                table.columns.insert(column_name(column_def));
            }
            AlterTableOperation::DropColumn { column_names, .. } => {
                for column in column_names {
                    table.columns.remove(&lower(column));
                }
            }
            AlterTableOperation::RenameColumn { old_column_name, new_column_name } => {
                table.columns.remove(&lower(old_column_name));
                table.columns.insert(lower(new_column_name));
            }
            AlterTableOperation::ChangeColumn { old_name, new_name, .. } => {
                table.columns.remove(&lower(old_name));
                table.columns.insert(lower(new_name));
            }
            AlterTableOperation::RenameTable {
                table_name: RenameTableNameKind::As(new) | RenameTableNameKind::To(new),
            } => {
                let moved = self.tables.remove(name).unwrap_or_default();
                self.tables.insert(table_name(new), moved);
            }
            _ => {}
        }
    }

    fn open(&mut self, name: &str) {
        self.tables.insert(name.to_owned(), Table { columns: BTreeSet::new(), is_open: true });
    }

    /// Takes the name from a statement that no parser understands, so that its table is at least known.
    fn guess(&mut self, statement: &str) {
        static NAME: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r#"(?i)^\s*(create|alter)\s+(?:or\s+replace\s+)?(?:(?:global|local|temporary|temp|unlogged|virtual|materialized|external|foreign)\s+)*(?:table|view)\s+(?:if\s+(?:not\s+)?exists\s+)?(?:only\s+)?(?:[\w"`\[\]]+\.)*["`\[]?(\w+)"#)
                .expect("it is tested")
        });
        let plain = without_comments(statement);
        match NAME.captures(&plain) {
            Some(found) => {
                let name = found[2].to_lowercase();
                let columns = self.tables.remove(&name).map(|it| it.columns).unwrap_or_default();
                self.tables.insert(name, Table { columns, is_open: true });
            }
            // A block of code may make tables inside.
            None => self.is_open |= plain.to_lowercase().contains("create table"),
        }
    }

    fn add_prisma(&mut self, text: &str) {
        static MODEL: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"(?s)\bmodel\s+(\w+)\s*\{(.*?)\n\}").expect("it is tested"));
        static MAPPED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"@map\("([^"]+)"\)"#).expect("it is tested"));
        static NAMED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"@@map\("([^"]+)"\)"#).expect("it is tested"));
        for model in MODEL.captures_iter(text) {
            let name = NAMED.captures(&model[2]).map_or_else(|| model[1].to_lowercase(), |it| it[1].to_lowercase());
            let fields =
                model[2].lines().map(str::trim).filter(|it| it.starts_with(|first: char| first.is_alphabetic()));
            let column = |line: &str| {
                let plain = line.split_whitespace().next().unwrap_or_default().to_lowercase();
                MAPPED.captures(line).map_or(plain, |it| it[1].to_lowercase())
            };
            self.tables.insert(name, Table { columns: fields.map(column).collect(), is_open: false });
        }
    }

    /// Takes the tables of Python models: their names are known, their columns may come from elsewhere too.
    fn add_python(&mut self, path: &Path, text: &str) {
        static TABLE: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r#"(?m)(?:__tablename__|\bdb_table)\s*=\s*["'](\w+)["']|\bTable\(\s*["'](\w+)["']"#)
                .expect("it is tested")
        });
        static MODEL: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"(?m)^class\s+(\w+)\([^)]*\bModel\b[^)]*\):").expect("it is tested"));
        static CREATED: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r#"create_table\(\s*["'](\w+)["']"#).expect("it is tested"));
        for found in TABLE.captures_iter(text).chain(CREATED.captures_iter(text)) {
            let name = found.iter().skip(1).flatten().next().map(|it| it.as_str().to_lowercase());
            name.iter()
                .filter(|it| !self.tables.contains_key(it.as_str()))
                .cloned()
                .collect::<Vec<_>>()
                .iter()
                .for_each(|it| self.open(it));
        }
        let app = path.parent().and_then(Path::file_name).and_then(|it| it.to_str()).unwrap_or_default();
        if path.file_name().is_some_and(|it| it == "models.py") {
            for found in MODEL.captures_iter(text) {
                let name = format!("{app}_{}", found[1].to_lowercase());
                if !self.tables.contains_key(&name) {
                    self.open(&name);
                }
            }
        }
        // Tables that code makes itself are part of the schema as well.
        if text.contains("CREATE TABLE") || text.contains("create table") {
            static CREATE: LazyLock<Regex> = LazyLock::new(|| {
                Regex::new(r#"(?is)["'`]\s*(create\s+(?:temp(?:orary)?\s+)?table\b[^"`]*?\))\s*;?\s*["'`]"#)
                    .expect("it is tested")
            });
            CREATE.captures_iter(text).for_each(|it| self.apply(&it[1]));
        }
    }
}

/// Returns whether a migration takes back what another one does.
fn is_undo(path: &Path) -> bool {
    let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default().to_lowercase();
    name.ends_with(".down.sql") || name == "down.sql" || name.starts_with("undo") || name.contains("rollback")
}

/// Returns the part of a migration that goes forward, where one file holds both directions.
fn up_part(text: &str) -> &str {
    static DOWN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?im)^\s*--\s*(?:\+goose\s+down|migrate:down|\+migrate\s+down|!down|@down)\b")
            .expect("it is tested")
    });
    DOWN.find(text).map_or(text, |it| &text[..it.start()])
}

/// Parses statements in the first dialect that understands them.
pub fn parse(sql: &str) -> Option<Vec<Statement>> {
    let dialects: [&dyn Dialect; 5] =
        [&GenericDialect {}, &PostgreSqlDialect {}, &MySqlDialect {}, &SQLiteDialect {}, &MsSqlDialect {}];
    dialects.into_iter().find_map(|dialect| {
        let parser = Parser::new(dialect).with_recursion_limit(MAX_DEPTH).try_with_sql(sql).ok();
        parser?.parse_statements().ok()
    })
}

/// Splits a script at its semicolons, outside of strings, comments and dollar quotes.
fn split(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let (mut found, mut start, mut at) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        at = match bytes[at] {
            quote @ (b'\'' | b'"' | b'`') => after(text, at + 1, &text[at..=at], quote == b'\''),
            b'-' if bytes.get(at + 1) == Some(&b'-') => after(text, at, "\n", false),
            b'/' if bytes.get(at + 1) == Some(&b'*') => after(text, at + 2, "*/", false),
            b'$' => dollar_quoted(text, at),
            b';' => {
                found.push(&text[start..at]);
                start = at + 1;
                at + 1
            }
            _ => at + 1,
        };
    }
    found.push(&text[start..]);
    found.retain(|it| !it.trim().is_empty());
    found
}

fn after(text: &str, from: usize, end: &str, _doubled: bool) -> usize {
    text.get(from..).and_then(|rest| rest.find(end)).map_or(text.len(), |at| from + at + end.len())
}

fn dollar_quoted(text: &str, at: usize) -> usize {
    let rest = &text[at + 1..];
    let tag_end = rest.find(|it: char| !(it.is_ascii_alphanumeric() || it == '_')).unwrap_or(rest.len());
    if !rest[tag_end..].starts_with('$') {
        return at + 1;
    }
    let tag = &text[at..at + tag_end + 2];
    after(text, at + tag.len(), tag, false)
}

fn without_comments(text: &str) -> String {
    let lines = text.lines().map(|line| line.split("--").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the last part of a name, in lowercase.
pub fn table_name(name: &ObjectName) -> String {
    match name.0.last() {
        Some(ObjectNamePart::Identifier(part)) => lower(part),
        Some(ObjectNamePart::Function(_)) | None => String::new(),
    }
}

fn column_name(column: &ColumnDef) -> String {
    lower(&column.name)
}

fn lower(name: &Ident) -> String {
    name.value.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::MemoryTree;

    fn schema(files: &[(&str, &str)]) -> Vec<String> {
        let tree: MemoryTree = files.iter().map(|(path, text)| (*path, *text)).collect();
        let schema = Schema::of(&tree);
        let shown = |(name, table): (&String, &Table)| {
            let columns: Vec<_> = table.columns.iter().map(String::as_str).collect();
            format!("{name}({}{})", columns.join(","), if table.is_open { ",…" } else { "" })
        };
        schema.tables.iter().map(shown).collect()
    }

    #[test]
    fn migrations_are_followed_in_order() {
        let files = [
            (
                "m/1.sql",
                "CREATE TABLE IF NOT EXISTS public.\"Users\" (id serial primary key, name text not null, old int);\nCREATE TABLE t (a int);",
            ),
            (
                "m/2.up.sql",
                "ALTER TABLE users ADD COLUMN email varchar(20); ALTER TABLE users DROP COLUMN old; ALTER TABLE users RENAME COLUMN name TO label;",
            ),
            ("m/2.down.sql", "DROP TABLE users;"),
            ("m/3.sql", "ALTER TABLE t RENAME TO items; -- +goose Down\n"),
            ("m/4.sql", "-- +goose Up\nCREATE TABLE gone (x int); DROP TABLE gone;\n-- +goose Down\nDROP TABLE items;"),
        ];
        assert_eq!(schema(&files), ["items(a)", "users(email,id,label)"]);
    }

    #[test]
    fn what_cannot_be_followed_leaves_a_table_open() {
        let files = [(
            "a.sql",
            "CREATE VIEW v AS SELECT 1; CREATE TABLE odd (a int) FROBNICATE (((; CREATE TABLE c AS SELECT 1 AS x;",
        )];
        assert_eq!(schema(&files), ["c(,…)", "odd(,…)", "v(,…)"]);
    }

    #[test]
    fn models_name_tables() {
        let files = [
            (
                "schema.prisma",
                "model User {\n  id Int @id\n  fullName String @map(\"full_name\")\n  @@map(\"users\")\n}\n",
            ),
            ("shop/models.py", "class Item(models.Model):\n    pass\n"),
            ("db.py", "class A(Base):\n    __tablename__ = 'as'\ncur.execute('''CREATE TABLE logs (at int)''')\n"),
        ];
        assert_eq!(schema(&files), ["as(,…)", "logs(at)", "shop_item(,…)", "users(full_name,id)"]);
    }

    #[test]
    fn hostile_statements_are_refused_without_a_crash() {
        let deep = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
        assert_eq!(parse(&deep), None);
        assert_eq!(split("a 'b;c'; $$ d; $$ ; e -- f;\n"), ["a 'b;c'", " $$ d; $$ ", " e -- f;\n"]);
        assert_eq!(split("$é; '"), ["$é", " '"]);
    }
}
