//! The two locks as the register holds them: the rules it reckons with, and the judgement of what a write takes. What a
//! rule says is for the domain; that no writer gets past it is for the migrations.

use super::geometry::to_hex;
use super::stage::{Refused, table};
use super::write::Write;
use super::{StoreError, statistics};
use crate::domain::intake::Kind;
use crate::domain::land_use::{LandUses, UseClass};
use crate::domain::zoning::lockup::{Lockup, Row};
use chrono::NaiveDate;
use geo_types::MultiPolygon;
use serde_json::{Value, json};
use sqlx::PgConnection;

/// What a rule refuses in a write.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// Code of the finding.
    pub finding: String,
    /// Code of the parcel or zone, or number of the contract.
    pub key: String,
    /// What was to be done.
    pub deed: String,
    /// The first day of it.
    pub day: NaiveDate,
    /// Land that would be taken, m².
    pub area_m2: Option<f64>,
    /// The rule.
    pub rule: String,
    /// Its citation.
    pub citation: String,
    /// What would help.
    pub remedy: String,
    /// The facts in words.
    pub facts: String,
}

/// The act that records the rules and nothing else: a register that knows no other is empty.
pub const RECORDING: &str = "record-rules";

/// Whether any rules of the locks are on record.
pub async fn has_rules(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(r#"select exists (select from lockup_rule where upper_inf(recorded)) as "has!""#);
    Ok(found.fetch_one(connection).await?)
}

/// Whether the register reckons with just these rules and classes of use.
pub async fn is_recorded(connection: &mut PgConnection, lockup: &Lockup, uses: &LandUses) -> Result<bool, StoreError> {
    let rows: Vec<Value> = lockup.rows.iter().enumerate().map(|(place, row)| row_json(place, row, lockup)).collect();
    let [schemes, codes, names] = classes(uses);
    Ok(sqlx::query_scalar!(
        r#"select (select count(*) from lockup_rule t where upper_inf(t.recorded)) = cardinality($1::jsonb[])
               and not exists (
                   select from unnest($1::jsonb[]) s (it) where not exists (
                       select from lockup_rule t
                       where upper_inf(t.recorded) and s.it = to_jsonb(t) - array['id', 'recorded', 'revision']))
               and (select count(*) from land_use_class) = cardinality($2::text[])
               and not exists (
                   select from unnest($2::text[], $3::text[], $4::text[]) s (scheme, code, class)
                   where not exists (
                       select from land_use_class t where (s.scheme, s.code, s.class) = (t.scheme, t.code, t.class))) as "is!""#,
        &rows,
        &schemes,
        &codes,
        &names
    )
    .fetch_one(connection)
    .await?)
}

/// Schemes, codes and classes of use, side by side.
fn classes(uses: &LandUses) -> [Vec<String>; 3] {
    let column = |of: fn((&str, &str, UseClass)) -> String| uses.classes().map(of).collect();
    [
        column(|(scheme, ..)| scheme.to_owned()),
        column(|(_, code, _)| code.to_owned()),
        column(|(.., class)| class.name().to_owned()),
    ]
}

/// Records the rules and the classes of use that this program reckons with, inside the act that does.
pub async fn record(write: &mut Write, lockup: &Lockup, uses: &LandUses) -> Result<(), StoreError> {
    let (revision, at) = (write.revision, write.recorded_at);
    let connection = write.connection();
    let rows: Vec<Value> = lockup.rows.iter().enumerate().map(|(place, row)| row_json(place, row, lockup)).collect();
    // Compared as a whole, so that nothing is left out of the comparison.
    sqlx::query!(
        "update lockup_rule t set recorded = tstzrange(lower(t.recorded), $2)
         where upper_inf(t.recorded) and not exists (
             select from unnest($1::jsonb[]) s (it)
             where s.it = to_jsonb(t) - array['id', 'recorded', 'revision'])",
        &rows,
        at
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "insert into lockup_rule (place, rule, version, valid, recorded, deeds, tiers, from_classes, to_classes, locked,
             plan_known, frees, changes, verdict, finding, title_zh, title_en, remedy_zh, remedy_en, citation, assumption,
             revision)
         select n.place, n.rule, n.version, n.valid, tstzrange($2, null), n.deeds, n.tiers, n.from_classes, n.to_classes,
             n.locked, n.plan_known, n.frees, n.changes, n.verdict, n.finding, n.title_zh, n.title_en, n.remedy_zh,
             n.remedy_en, n.citation, n.assumption, $3
         from unnest($1::jsonb[]) s (it) cross join lateral jsonb_populate_record(null::lockup_rule, s.it) n
         where not exists (
             select from lockup_rule t where upper_inf(t.recorded) and t.rule = n.rule and t.valid = n.valid)",
        &rows,
        at,
        revision
    )
    .execute(&mut *connection)
    .await?;
    let [schemes, codes, names] = classes(uses);
    sqlx::query!(
        "delete from land_use_class t where not exists (
             select from unnest($1::text[], $2::text[], $3::text[]) s (scheme, code, class)
             where (s.scheme, s.code, s.class) = (t.scheme, t.code, t.class))",
        &schemes,
        &codes,
        &names
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "insert into land_use_class (scheme, code, class)
         select * from unnest($1::text[], $2::text[], $3::text[]) on conflict do nothing",
        &schemes,
        &codes,
        &names
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A row of the table as the register's own JSON of it.
fn row_json(place: usize, row: &Row, lockup: &Lockup) -> Value {
    // The rulebook names the last day, a range the first day after.
    let until = row.effective_to.and_then(|last| last.succ_opt()).map(|day| day.to_string()).unwrap_or_default();
    let when = &row.when;
    json!({
        "place": place,
        "rule": row.id,
        "version": lockup.version,
        "valid": format!("[{},{until})", row.effective_from),
        "deeds": when.deed.iter().map(|deed| deed.name()).collect::<Vec<_>>(),
        "tiers": when.tier.iter().map(|tier| tier.name()).collect::<Vec<_>>(),
        "from_classes": when.from.iter().map(|class| class.name()).collect::<Vec<_>>(),
        "to_classes": when.to.iter().map(|class| class.name()).collect::<Vec<_>>(),
        "locked": when.locked,
        "plan_known": when.plan_known,
        "frees": when.frees,
        "changes": when.changes,
        "verdict": row.verdict.name(),
        "finding": row.finding,
        "title_zh": row.title.zh,
        "title_en": row.title.en,
        "remedy_zh": row.remedy.zh,
        "remedy_en": row.remedy.en,
        "citation": row.citation,
        "assumption": row.assumption,
    })
}

/// So many claims at once are a reason to gather statistics first.
const MANY: i64 = 1_000;

/// Judges what the write has done so far; empty where nothing stands against it. Special approvals that cover what was
/// taken are then used up.
pub async fn judge(write: &mut Write) -> Result<Vec<Refusal>, StoreError> {
    let many = sqlx::query_scalar!(r#"select count(*) > $1 as "many!" from lockup_claim"#, MANY)
        .fetch_one(write.connection())
        .await?;
    if many {
        // Claims come and go within a transaction; their size tells nothing of their number.
        sqlx::raw_sql("analyze lockup_claim").execute(write.connection()).await?;
        statistics::gather(write.connection()).await?;
    }
    Ok(sqlx::query_as!(
        Refusal,
        r#"select finding as "finding!", code as "key!", deed as "deed!", day as "day!", area_m2, rule as "rule!",
               citation as "citation!", remedy as "remedy!", facts as "facts!"
           from lockup_judge()"#
    )
    .fetch_all(write.connection())
    .await?)
}

/// How many projects of the write begin on days on which nobody knows the plan.
pub async fn unplanned(write: &mut Write) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from lockup_projects((
               select array_agg(c.thing) from lockup_claim c where c.what = 'contract')) p
           where not p.plan_known and exists (select from lockup_claim c where c.what = 'contract')"#
    )
    .fetch_one(write.connection())
    .await?)
}

/// Locked land of a shape that its new drawing would leave out, m². Of a division a lot holds its land only if it is locked
/// itself, and a parcel that is not locked has none to lose; of a base all that is drawn holds.
pub async fn freed(
    connection: &mut PgConnection,
    shape: &MultiPolygon<f64>,
    lots: &[&MultiPolygon<f64>],
    is_division: bool,
    day: NaiveDate,
) -> Result<f64, StoreError> {
    let lots: Vec<String> = lots.iter().copied().map(to_hex).collect();
    Ok(sqlx::query_scalar!(
        r#"select coalesce(st_area(st_collectionextract(
               coalesce(st_difference(locked.geom, held.geom), locked.geom), 3)::geography), 0) as "m2!"
           from (select $1::text::geometry as geom) asked
           cross join lateral (select lockup_locked(asked.geom, $4) as geom) locked
           cross join lateral (
               select st_union(l.geom) as geom from (select one::geometry as geom from unnest($2::text[]) one) l
               where not $3 or (select p.locked from lockup_place(l.geom, $4) p)) held
           where not $3 or (select p.locked from lockup_place(asked.geom, $4) p)"#,
        to_hex(shape),
        &lots,
        is_division,
        day
    )
    .fetch_optional(connection)
    .await?
    .unwrap_or_default())
}

/// Marks a place to come back to.
pub async fn hold(write: &mut Write) -> Result<(), StoreError> {
    sqlx::raw_sql("savepoint lockup").execute(write.connection()).await?;
    Ok(())
}

/// Takes back what was written since the place was marked.
pub async fn take_back(write: &mut Write) -> Result<(), StoreError> {
    sqlx::raw_sql("rollback to savepoint lockup").execute(write.connection()).await?;
    Ok(())
}

/// Takes the staged rows of refused things out; answers each with its refusal. Refusals of things that no row speaks of are
/// not answered.
pub async fn refuse_staged(
    write: &mut Write,
    kind: Kind,
    refusals: &[Refusal],
) -> Result<Vec<(Refused, Refusal)>, StoreError> {
    let (column, field) = match kind {
        Kind::Zones => ("code", "geometry"),
        Kind::Parcels => ("code", "land_use"),
        _ => ("number", "signed_on"),
    };
    let keys: Vec<&str> = refusals.iter().map(|refusal| refusal.key.as_str()).collect();
    // The table and its columns are this ring's own names.
    let sql =
        format!("delete from {} s where s.{column} = any ($1) returning s.file, s.row, s.key, s.{column}", table(kind));
    let rows: Vec<(i16, i64, String, String)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(&keys).fetch_all(write.connection()).await?;
    Ok(rows
        .into_iter()
        .filter_map(|(file, row, key, thing)| {
            let refusal = refusals.iter().find(|refusal| refusal.key == thing)?.clone();
            let (code, value, expected) = (refusal.finding.clone(), refusal.facts.clone(), refusal.remedy.clone());
            Some((Refused { file, row, key, code, field, value, expected }, refusal))
        })
        .collect())
}
