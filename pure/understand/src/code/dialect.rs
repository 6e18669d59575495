//! Dialects of SQL.

use sqlparser::dialect::{
    BigQueryDialect, ClickHouseDialect, DatabricksDialect, Dialect as Grammar, DuckDbDialect, GenericDialect,
    HiveDialect, MsSqlDialect, MySqlDialect, PostgreSqlDialect, RedshiftSqlDialect, SQLiteDialect, SnowflakeDialect,
};

/// Which dialect a text is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The shell does not say.
    Any,
    /// PostgreSQL and its kin.
    PostgreSql,
    /// MySQL and MariaDB.
    MySql,
    /// SQLite.
    Sqlite,
    /// A name of another one.
    MsSql,
    /// BigQuery.
    BigQuery,
    /// Snowflake.
    Snowflake,
    /// Hive and Spark.
    Hive,
    /// ClickHouse.
    ClickHouse,
    /// DuckDB.
    DuckDb,
    /// Redshift.
    Redshift,
    /// Databricks.
    Databricks,
}

impl Dialect {
    /// By its name; `Any` for one that is not known.
    pub fn named(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "postgres" | "postgresql" | "psql" | "greenplum" | "materialize" | "cockroach" => Self::PostgreSql,
            "mysql" | "mariadb" | "starrocks" => Self::MySql,
            "sqlite" | "sqlite3" => Self::Sqlite,
            "tsql" | "mssql" => Self::MsSql,
            "bigquery" => Self::BigQuery,
            "snowflake" => Self::Snowflake,
            "hive" | "sparksql" | "spark" | "impala" => Self::Hive,
            "clickhouse" => Self::ClickHouse,
            "duckdb" => Self::DuckDb,
            "redshift" => Self::Redshift,
            "databricks" => Self::Databricks,
            _ => Self::Any,
        }
    }

    pub(super) fn grammar(self) -> Box<dyn Grammar> {
        match self {
            Self::Any => Box::new(GenericDialect {}),
            Self::PostgreSql => Box::new(PostgreSqlDialect {}),
            Self::MySql => Box::new(MySqlDialect {}),
            Self::Sqlite => Box::new(SQLiteDialect {}),
            Self::MsSql => Box::new(MsSqlDialect {}),
            Self::BigQuery => Box::new(BigQueryDialect {}),
            Self::Snowflake => Box::new(SnowflakeDialect {}),
            Self::Hive => Box::new(HiveDialect {}),
            Self::ClickHouse => Box::new(ClickHouseDialect {}),
            Self::DuckDb => Box::new(DuckDbDialect {}),
            Self::Redshift => Box::new(RedshiftSqlDialect {}),
            Self::Databricks => Box::new(DatabricksDialect {}),
        }
    }
}
