//! What became of evaluations and of the parks in them: publication, the standing of each park under each scheme, and the life
//! of featured parks.

use crate::domain::park_evaluation::standing::{Act, Life, Record, Standing, Stay, Year};
use crate::store::StoreError;
use crate::store::write::Write;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// A park under a scheme, as it stands.
#[derive(Debug, Clone)]
pub struct Stands {
    /// Code of the park.
    pub park: String,
    /// Name of the scheme.
    pub scheme: String,
    /// Where it stands, and the last year that was counted.
    pub record: Record,
    /// The evaluation that led there; nothing where it was announced anew.
    pub evaluation: Option<i64>,
}

/// A move in the life of a featured park.
#[derive(Debug, Clone)]
pub struct LifeMove {
    /// What happened.
    pub act: String,
    /// The state it led to.
    pub to_state: String,
    /// The legal day.
    pub on: NaiveDate,
    /// The document.
    pub document: String,
    /// Who entered it, without the way in.
    pub by: String,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// The revision that says so.
    pub revision: i64,
}

/// A move of a park's standing.
#[derive(Debug, Clone)]
pub struct StandingMove {
    /// Name of the scheme.
    pub scheme: String,
    /// What the year counts as, or announced.
    pub came_to: String,
    /// Where it stood then.
    pub to_state: String,
    /// The year.
    pub year: Option<i32>,
    /// The evaluation.
    pub evaluation: Option<i64>,
    /// The revision that says so.
    pub revision: i64,
}

/// Where parks stand: all of them, or those of a park or under a scheme; in the order of park and scheme. Parks that were
/// never evaluated are in none.
pub async fn standings(
    connection: &mut PgConnection,
    park: Option<&str>,
    scheme: Option<&str>,
) -> Result<Vec<Stands>, StoreError> {
    let rows = sqlx::query!(
        r#"select distinct on (park collate "C", scheme collate "C") park, scheme, to_state, failed_year, again_year,
               evaluation, max(year) over (partition by park, scheme) as last
           from park_standing where ($1::text is null or park = $1) and ($2::text is null or scheme = $2)
           order by park collate "C", scheme collate "C", number desc"#,
        park,
        scheme
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let standing = Standing::parse(&row.to_state, row.failed_year, row.again_year).ok_or_else(|| {
                let place = format!("{} under {}", row.park, row.scheme);
                StoreError::Value { table: "park_standing", column: "to_state", row: place, value: row.to_state }
            })?;
            let record = Record { standing, last: row.last };
            Ok(Stands { park: row.park, scheme: row.scheme, record, evaluation: row.evaluation })
        })
        .collect()
}

/// How a park came to stand where it does, the first move first.
pub async fn standing_moves(connection: &mut PgConnection, park: &str) -> Result<Vec<StandingMove>, StoreError> {
    Ok(sqlx::query_as!(
        StandingMove,
        r#"select scheme, came_to, to_state, year, evaluation, revision from park_standing
           where park = $1 order by scheme collate "C", number"#,
        park
    )
    .fetch_all(connection)
    .await?)
}

/// The newest year that was published of a scheme, with its evaluation.
pub async fn last_published(connection: &mut PgConnection, scheme: &str) -> Result<Option<(i32, i64)>, StoreError> {
    let row = sqlx::query!(
        "select e.year, e.id from park_step p join park_evaluation e on e.id = p.evaluation
         join park_scheme s on s.hash = e.scheme
         where p.deed = 'publish' and s.name = $1 order by e.year desc limit 1",
        scheme
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.year, row.id)))
}

/// What each park's year came to in an evaluation, by code.
pub async fn came_to(connection: &mut PgConnection, evaluation: i64) -> Result<BTreeMap<String, Year>, StoreError> {
    let rows =
        sqlx::query!("select park, came_to from park_result where evaluation = $1", evaluation).fetch_all(connection);
    let rows = rows.await?.into_iter().map(|row| match Year::parse(&row.came_to) {
        Some(year) => Ok((row.park, year)),
        None => Err(StoreError::Value { table: "park_result", column: "came_to", row: row.park, value: row.came_to }),
    });
    rows.collect()
}

/// Keeps that an evaluation was published or given up.
pub async fn step(
    write: &mut Write,
    evaluation: i64,
    deed: &str,
    on: NaiveDate,
    document: &str,
    actor: &str,
) -> Result<(), StoreError> {
    let (revision, at) = (write.revision, write.recorded_at);
    sqlx::query!(
        "insert into park_step (evaluation, deed, on_date, document, actor, recorded_at, revision)
         values ($1, $2, $3, $4, $5, $6, $7)",
        evaluation,
        deed,
        on,
        document,
        actor,
        at,
        revision
    )
    .execute(write.connection())
    .await?;
    Ok(())
}

/// Keeps where parks stand after an evaluation of a year, or after an announcement.
pub async fn stand(
    write: &mut Write,
    scheme: &str,
    counted: Option<(i64, i32)>,
    parks: &[(String, &'static str, Record)],
) -> Result<(), StoreError> {
    let revision = write.revision;
    let column = |of: fn(&(String, &'static str, Record)) -> String| parks.iter().map(of).collect::<Vec<String>>();
    let failed: Vec<Option<i32>> = parks.iter().map(|(.., record)| record.standing.failed_years().0).collect();
    let again: Vec<Option<i32>> = parks.iter().map(|(.., record)| record.standing.failed_years().1).collect();
    sqlx::query!(
        "insert into park_standing (park, scheme, number, came_to, to_state, year, evaluation, failed_year, again_year,
             revision)
         select n.park, $1, coalesce((select max(s.number) from park_standing s where s.park = n.park and s.scheme = $1), 0) + 1,
             n.came_to, n.to_state, $2, $3, n.failed, n.again, $4
         from unnest($5::text[], $6::text[], $7::text[], $8::int[], $9::int[]) as n (park, came_to, to_state, failed, again)",
        scheme,
        counted.map(|(_, year)| year),
        counted.map(|(evaluation, _)| evaluation),
        revision,
        &column(|(park, ..)| park.clone()),
        &column(|(_, came_to, _)| (*came_to).to_owned()),
        &column(|(.., record)| record.standing.name().to_owned()),
        &failed as &[Option<i32>],
        &again as &[Option<i32>]
    )
    .execute(write.connection())
    .await?;
    Ok(())
}

/// The life of a park, the first move first.
pub async fn life(connection: &mut PgConnection, park: &str) -> Result<Vec<LifeMove>, StoreError> {
    Ok(sqlx::query_as!(
        LifeMove,
        r#"select act, to_state, on_date as "on", document, person(actor) as "by!", recorded_at, revision
           from park_life where park = $1 order by number"#,
        park
    )
    .fetch_all(connection)
    .await?)
}

/// Where a park is in its life; nothing where it never applied.
pub async fn stay(connection: &mut PgConnection, park: &str) -> Result<Option<Stay>, StoreError> {
    let Some(last) = life(connection, park).await?.pop() else { return Ok(None) };
    let life = Life::parse(&last.to_state).ok_or_else(|| StoreError::Value {
        table: "park_life",
        column: "to_state",
        row: park.to_owned(),
        value: last.to_state.clone(),
    })?;
    Ok(Some(Stay { life, since: last.on, by: last.by }))
}

/// Keeps a move in the life of a park.
pub async fn live(
    write: &mut Write,
    park: &str,
    act: Act,
    to: &Stay,
    document: &str,
    actor: &str,
) -> Result<(), StoreError> {
    let (revision, at) = (write.revision, write.recorded_at);
    sqlx::query!(
        "insert into park_life (park, number, act, to_state, on_date, document, actor, recorded_at, revision)
         select $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8 from park_life where park = $1",
        park,
        act.name(),
        to.life.name(),
        to.since,
        document,
        actor,
        at,
        revision
    )
    .execute(write.connection())
    .await?;
    Ok(())
}

/// A park with where it is in its life, for the list of them.
#[derive(Debug, Clone)]
pub struct ParkNow {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its district.
    pub district: String,
    /// The classes that it leads with.
    pub leading_industries: Vec<String>,
    /// Where it is in the life of a featured park.
    pub life: Option<String>,
    /// Since when.
    pub since: Option<NaiveDate>,
}

/// All parks of the register, in the order of their codes.
pub async fn parks(connection: &mut PgConnection) -> Result<Vec<ParkNow>, StoreError> {
    Ok(sqlx::query_as!(
        ParkNow,
        r#"select p.code, p.name, p.district, p.leading_industries, l.to_state as "life?", l.on_date as "since?"
           from park p left join lateral (
               select to_state, on_date from park_life where park = p.code order by number desc limit 1) l on true
           order by p.code collate "C""#
    )
    .fetch_all(connection)
    .await?)
}
