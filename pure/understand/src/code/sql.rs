//! SQL by statement kind, read by the grammar of each dialect; functions that reach outside the database are named.

use std::ops::ControlFlow;

use model::{Action, Arg, Category, Operation, Resource, Reversibility, Segment, Unknown};
use sqlparser::ast::{Expr, ObjectName, Statement, TableFactor, Visit, Visitor};
use sqlparser::parser::Parser;

use super::dialect::Dialect;
use crate::lower::Lowering;
use crate::words_of::SQL_PURE;

/// The longest text of SQL that is parsed.
const MAX_SQL_BYTES: usize = 64 * 1024;

/// The acts of one text.
#[derive(Default)]
struct Found {
    operations: Vec<Operation>,
    unknowns: Vec<Unknown>,
}

impl Lowering<'_> {
    /// A text for a database's command line: SQL, and that program's own commands at the beginning of lines.
    pub(crate) fn sql_shell(&mut self, text: &str, dialect: Dialect, segment: &mut Segment) {
        let first = text.trim_start();
        if first.starts_with('\\')
            || first.starts_with('.')
            || text.contains("\\!")
            || text.lines().any(|line| line.trim_start().starts_with(['\\', '.']))
        {
            self.own_command(first, segment);
            return;
        }
        let found = read(text, dialect);
        segment.operations.extend(found.operations);
        segment.unknowns.extend(found.unknowns);
    }

    /// A command of `psql` (`\…`) or `sqlite3` (`.…`).
    fn own_command(&mut self, text: &str, segment: &mut Segment) {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let quiet = matches!(
            word,
            ".tables"
                | ".schema"
                | ".databases"
                | ".indexes"
                | ".mode"
                | ".headers"
                | ".help"
                | ".show"
                | ".dbinfo"
                | ".width"
                | "\\l"
                | "\\dt"
                | "\\d"
                | "\\d+"
                | "\\du"
                | "\\dn"
                | "\\df"
                | "\\di"
                | "\\dv"
                | "\\conninfo"
                | "\\q"
                | ".quit"
                | ".exit"
                | "\\l+"
                | "\\dt+"
                | "\\x"
                | "\\timing"
        );
        if quiet && !text.contains('\n') && !text.contains(['|', '`']) {
            segment.operations.push(database(Action::Read, text.to_owned(), Reversibility::Reversible));
        } else if matches!(word, ".shell" | ".system" | "\\!") {
            segment.operations.push(super::run(Resource::Program(rest.to_owned())));
            self.shell_text(&Arg::Known(rest.to_owned()), segment);
        } else {
            segment.operations.push(super::run(Resource::Unknown(text.to_owned())));
            segment.unknowns.push(Unknown {
                text: text.to_owned(),
                why: "a command of the database's own shell that is not read".to_owned(),
            });
        }
    }
}

/// Reads a text of SQL: in its dialect, or in the first common one that takes all of it.
fn read(text: &str, dialect: Dialect) -> Found {
    let opaque = |why: &str| Found {
        operations: vec![database(
            Action::Write,
            "a statement that is not understood".to_owned(),
            Reversibility::Irreversible,
        )],
        unknowns: vec![Unknown { text: text.to_owned(), why: why.to_owned() }],
    };
    if text.len() > MAX_SQL_BYTES {
        return opaque("the SQL is longer than what is read");
    }
    if text.contains("/*!") || text.contains("/*+") {
        return opaque("a comment that some databases run as code");
    }
    let dialects: &[Dialect] = if dialect == Dialect::Any {
        &[Dialect::PostgreSql, Dialect::MySql, Dialect::Sqlite, Dialect::Any]
    } else {
        &[dialect, Dialect::Any]
    };
    for dialect in dialects {
        let grammar = dialect.grammar();
        let parser = Parser::new(grammar.as_ref()).with_recursion_limit(40);
        if let Ok(statements) = parser.try_with_sql(text).and_then(|mut parser| parser.parse_statements()) {
            let mut found = Found::default();
            for statement in &statements {
                of_statement(statement, &mut found);
            }
            return found;
        }
    }
    opaque("the SQL could not be parsed")
}

fn database(action: Action, what: String, reversibility: Reversibility) -> Operation {
    let category = Category::Database;
    Operation { action, resource: Resource::Database(what), category, reversibility, recursive: false }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named among the parser's statements counts as a change"
)]
fn of_statement(statement: &Statement, found: &mut Found) {
    use Reversibility::{Effort, Irreversible, Reversible};
    let head: String = statement.to_string().chars().take(120).collect();
    let kind = head.split_whitespace().next().unwrap_or("").to_ascii_uppercase();
    let (action, reversibility) = match statement {
        Statement::Query(_)
        | Statement::ShowTables { .. }
        | Statement::ShowColumns { .. }
        | Statement::ShowVariable { .. }
        | Statement::ShowVariables { .. }
        | Statement::ShowCreate { .. }
        | Statement::ShowDatabases { .. }
        | Statement::ShowSchemas { .. }
        | Statement::ShowStatus { .. }
        | Statement::ExplainTable { .. } => (Action::Read, Reversible),
        Statement::Explain { statement: inner, analyze, .. } => {
            if *analyze {
                of_statement(inner, found);
            }
            (Action::Read, Reversible)
        }
        Statement::StartTransaction { .. }
        | Statement::Commit { .. }
        | Statement::Rollback { .. }
        | Statement::Savepoint { .. }
        | Statement::ReleaseSavepoint { .. } => (Action::Write, Effort),
        Statement::Drop { .. } | Statement::Truncate { .. } | Statement::Delete(_) => (Action::Delete, Irreversible),
        Statement::Grant { .. } | Statement::Revoke { .. } => (Action::Permit, Irreversible),
        Statement::Copy { .. } => {
            if head.to_ascii_uppercase().contains("PROGRAM") {
                found.operations.push(super::run(Resource::Program(head.clone())));
            }
            found.unknowns.push(Unknown {
                text: head.clone(),
                why: "copies between the database and files or programs of its host".to_owned(),
            });
            (Action::Write, Irreversible)
        }
        _ if kind == "DROP" => (Action::Delete, Irreversible),
        _ if kind == "SHOW" || kind == "DESCRIBE" || kind == "DESC" => (Action::Read, Reversible),
        _ => (Action::Write, Irreversible),
    };
    let mut sight = Sight::default();
    let _ = statement.visit(&mut sight);
    let changes = sight.changes && action == Action::Read;
    if let Statement::Drop { names, .. } = statement {
        sight.tables.extend(names.iter().map(ToString::to_string));
    }
    // The kind of statement comes first, for rules that name it.
    let kind_word = kind.to_ascii_lowercase();
    let tables = if sight.tables.is_empty() { kind_word } else { format!("{kind_word} {}", sight.tables.join(", ")) };
    found.operations.push(database(
        if changes { Action::Write } else { action },
        tables,
        if changes { Irreversible } else { reversibility },
    ));
    for call in sight.calls {
        found.unknowns.push(Unknown {
            text: call,
            why: "what this function does is not known to us: some read files, open connections or run programs"
                .to_owned(),
        });
    }
    if matches!(kind.as_str(), "DO" | "CALL" | "EXECUTE" | "EXEC" | "PREPARE" | "LOAD" | "INSTALL" | "ATTACH")
        || (kind == "CREATE" && head.to_ascii_uppercase().contains("FUNCTION"))
    {
        found.unknowns.push(Unknown { text: head, why: "runs or makes code inside the database".to_owned() });
    }
}

/// What a walk over a statement sees.
#[derive(Default)]
struct Sight {
    tables: Vec<String>,
    calls: Vec<String>,
    changes: bool,
}

impl Visitor for Sight {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let name = relation.to_string();
        if self.tables.len() < 16 && !self.tables.contains(&name) {
            self.tables.push(name);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        self.changes |= matches!(statement, Statement::Insert(_) | Statement::Update { .. } | Statement::Delete(_));
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &sqlparser::ast::Query) -> ControlFlow<()> {
        let text = query.to_string().to_ascii_uppercase();
        if text.contains("INTO OUTFILE")
            || text.contains("INTO DUMPFILE")
            || text.contains(" INTO ")
            || text.contains("FOR UPDATE")
        {
            self.changes = true;
        }
        self.changes |= text.contains("DELETE FROM")
            || text.contains("INSERT INTO")
            || text.contains("UPDATE ") && text.starts_with("WITH");
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "only these call a function by name")]
        match factor {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
                self.called(&name.to_string())
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expression {
            self.called(&function.name.to_string());
        }
        ControlFlow::Continue(())
    }
}

impl Sight {
    fn called(&mut self, name: &str) {
        let plain = name.trim_start_matches("pg_catalog.").to_ascii_lowercase();
        if !SQL_PURE.contains(&plain.as_str()) && self.calls.len() < 16 {
            self.calls.push(name.to_owned());
        }
    }
}
