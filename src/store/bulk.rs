//! Filling a table that holds nothing yet: its indexes and constraints are laid aside, the rows come in, and they are made
//! anew over all rows at once, which takes a fraction of the time. All of it in the one transaction of the write, so that a
//! crash finds them as they were. It knows tables by name and asks the catalogue for the rest.

use super::StoreError;
use sqlx::PgConnection;

/// What was laid aside: the statements that make it again.
pub(super) struct LaidAside {
    statements: Vec<String>,
}

/// Lays aside the indexes, the references and the triggers of an empty table whose rows are about to come. Keys that
/// another table refers to stay. Nobody else reads the table from here to the end of the transaction.
pub(super) async fn lay_aside(connection: &mut PgConnection, table: &'static str) -> Result<LaidAside, StoreError> {
    // Constraints first: dropping one takes its index along.
    let constraints = sqlx::query!(
        r#"select format('alter table %s drop constraint %I', c.conrelid::regclass, c.conname) as "drop!",
               format('alter table %s add constraint %I %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid))
                   as "make!"
           from pg_constraint c
           where c.conrelid = $1::text::regclass and c.contype in ('p', 'u', 'x', 'f')
               and (c.contype = 'f' or not exists (select from pg_constraint f where f.contype = 'f' and f.conindid = c.conindid))
           order by c.contype = 'f', c.conname"#,
        table
    )
    .fetch_all(&mut *connection)
    .await?;
    let indexes = sqlx::query!(
        r#"select format('drop index %s', i.indexrelid::regclass) as "drop!", pg_get_indexdef(i.indexrelid) as "make!"
           from pg_index i
           where i.indrelid = $1::text::regclass
               and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
           order by 1"#,
        table
    )
    .fetch_all(&mut *connection)
    .await?;
    // Dropped rather than disabled: a disabled trigger still has every row kept for it.
    let triggers = sqlx::query!(
        r#"select format('drop trigger %I on %s', t.tgname, t.tgrelid::regclass) as "drop!", pg_get_triggerdef(t.oid) as "make!"
           from pg_trigger t where t.tgrelid = $1::text::regclass and not t.tgisinternal order by t.tgname"#,
        table
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut drops = Vec::new();
    let referred = sqlx::query_scalar!(
        r#"select exists (select from pg_constraint where contype = 'f' and confrelid = $1::text::regclass) as "exists!""#,
        table
    )
    .fetch_one(&mut *connection)
    .await?;
    if !referred {
        // A table that is made or emptied in a transaction needs no write-ahead log there where the server keeps none for
        // replicas. It is empty; should it not be, this is where the write fails, and not where rows are lost.
        drops.push(format!(
            "do $$ begin
                 lock table {table} in access exclusive mode;
                 if exists (select from {table}) then raise exception '{table} was believed empty'; end if;
                 truncate {table};
             end $$"
        ));
    }
    let mut statements = Vec::new();
    let indexes = indexes.into_iter().map(|one| (one.drop, one.make));
    let constraints = constraints.into_iter().map(|one| (one.drop, one.make));
    let triggers = triggers.into_iter().map(|one| (one.drop, one.make));
    for (drop, make) in indexes.chain(constraints).chain(triggers) {
        drops.push(drop);
        statements.push(make);
    }
    sqlx::raw_sql(sqlx::AssertSqlSafe(drops.join("; "))).execute(connection).await?;
    Ok(LaidAside { statements })
}

/// Makes again what was laid aside. Rows that break a constraint fail the write.
pub(super) async fn put_back(connection: &mut PgConnection, laid: LaidAside) -> Result<(), StoreError> {
    for statement in laid.statements {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut *connection).await?;
    }
    Ok(())
}
