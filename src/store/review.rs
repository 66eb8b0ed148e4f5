//! Reviews: the facts frozen in one moment, and the runs with their results.

pub mod kept;
pub mod publication;

use super::amendment::{Amendment, amendments};
use super::copy::{self, Rows};
use super::write::Write;
use super::{StoreError, clock, performance};
use crate::domain::calendar::Calendar;
use crate::domain::contract::obligation::ObligationKind;
use crate::domain::moment::Moment;
use crate::domain::review::facts::{ContractFacts, DutyRow, MEASURES, Use, VetoFact};
use crate::domain::review::freeze::{Frozen, ParcelRow};
use crate::domain::review::grade::Grade;
use crate::domain::zoning::Tier;
use chrono::{Days, NaiveDate};
use rust_decimal::prelude::ToPrimitive;
use sqlx::postgres::PgPool;
use sqlx::{Acquire, PgConnection};
use std::collections::HashMap;

/// Freezes what a review looks at: everything from one moment of the register, law on `as_of`, the tiers worked out for
/// that day with the share of a parcel's land that decides, a storey higher than `tall_storey_m` counted twice.
pub async fn freeze(
    pool: &PgPool,
    as_of: NaiveDate,
    deciding_share: f64,
    tall_storey_m: Option<f64>,
    years: std::ops::RangeInclusive<i32>,
    calendar: &Calendar,
) -> Result<Frozen, StoreError> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let parcels = parcels(&mut tx, as_of, deciding_share, tall_storey_m).await?;
    let parcel_of: HashMap<&str, usize> = parcels.iter().enumerate().map(|(i, row)| (row.code.as_str(), i)).collect();
    let enterprises: Vec<(String, Option<String>)> =
        sqlx::query!(r#"select code, industry from enterprise where upper_inf(recorded) order by code collate "C""#)
            .fetch_all(&mut *tx)
            .await?
            .into_iter()
            .map(|row| (row.code, row.industry))
            .collect();
    let enterprise_of: HashMap<&str, usize> =
        enterprises.iter().enumerate().map(|(i, (code, _))| (code.as_str(), i)).collect();
    let uses = sqlx::query!(
        r#"select parcel, enterprise, from_on, to_on, floor_area_m2, tax_is_local, share from occupancy
           where upper_inf(recorded) and from_on <= $1
           order by parcel collate "C", enterprise collate "C", from_on, role"#,
        as_of
    )
    .fetch_all(&mut *tx)
    .await?;
    let heirs = super::lineage::family::heirs(&mut tx, as_of).await?;
    let mut uses = uses
        .into_iter()
        .filter_map(|row| {
            let one = Use {
                parcel: 0,
                enterprise: *enterprise_of.get(row.enterprise.as_str())?,
                floor_area_m2: row.floor_area_m2,
                from: row.from_on,
                to: row.to_on,
                tax_is_local: row.tax_is_local,
                stated: row.share,
            };
            // What was used before an event was used on the land of those that came of it.
            let parts = heirs.get(&row.parcel).map_or_else(
                || vec![(row.parcel.as_str(), 1.0)],
                |heirs| heirs.iter().map(|(code, part)| (code.as_str(), *part)).collect(),
            );
            let on_parcels = parts.into_iter().filter_map(|(code, part)| {
                Some(Use {
                    parcel: *parcel_of.get(code)?,
                    floor_area_m2: one.floor_area_m2 * part,
                    stated: one.stated.map(|share| share * part),
                    ..one
                })
            });
            Some(on_parcels.collect::<Vec<Use>>())
        })
        .flatten()
        .collect::<Vec<Use>>();
    uses.sort_by_key(|one| (one.parcel, one.enterprise, one.from));
    let mut frozen = Frozen { uses, ..Frozen::default() };
    for year in years {
        let mut figures = vec![[None; MEASURES]; enterprises.len()];
        for row in performance::reported(&mut tx, None, year..=year, None).await? {
            if let Some(enterprise) = enterprise_of.get(row.enterprise.as_str()) {
                figures[*enterprise] = row.figures;
            }
        }
        frozen.returns.insert(year, figures);
    }
    let vetoes = sqlx::query!(
        r#"select enterprise, year, veto as "veto!" from annual_return
           where upper_inf(recorded) and veto is not null and year <= extract(year from $1::date)
             and (veto_cleared_on is null or veto_cleared_on > $1)"#,
        as_of
    )
    .fetch_all(&mut *tx)
    .await?;
    frozen.vetoes = vetoes
        .into_iter()
        .filter_map(|row| {
            let place = *enterprise_of.get(row.enterprise.as_str())?;
            Some((place, VetoFact { enterprise: row.enterprise, year: row.year, kind: row.veto }))
        })
        .collect();
    frozen.contracts = contracts(&mut tx, as_of, &parcel_of, calendar).await?;
    tx.commit().await?;
    drop((parcel_of, enterprise_of));
    frozen.parcels = parcels;
    frozen.enterprises = enterprises;
    Ok(frozen)
}

async fn parcels(
    connection: &mut PgConnection,
    as_of: NaiveDate,
    deciding_share: f64,
    tall_storey_m: Option<f64>,
) -> Result<Vec<ParcelRow>, StoreError> {
    let rows = sqlx::query!(
        r#"select p.code, v.district, v.park, l.tier as "tier!", l.locked as "locked!",
               v.land_use, v.registered_area_m2::float8 as registered_area_m2, v.area_m2, v.plot_ratio_allowed,
               round(f.floor_m2::numeric, 4)::float8 as floor_m2,
               case when f.use_is_known then round(f.used_m2::numeric, 4)::float8 end as used_floor_m2
           from parcel p
           join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid @> $1::date
           join parcel_tier_at($1, $2) l on l.parcel_id = p.id
           left join parcel_floor($3, null) f on f.parcel_id = p.id
           order by p.code collate "C""#,
        as_of,
        deciding_share,
        tall_storey_m
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let tier = Tier::parse(&row.tier).ok_or_else(|| StoreError::Value {
                table: "parcel_tier_at",
                column: "tier",
                row: row.code.clone(),
                value: row.tier.clone(),
            })?;
            Ok(ParcelRow {
                code: row.code,
                district: row.district,
                park: row.park,
                tier,
                locked: row.locked,
                land_use: row.land_use,
                registered_area_m2: row.registered_area_m2,
                area_m2: row.area_m2,
                plot_ratio_allowed: row.plot_ratio_allowed,
                floor_m2: row.floor_m2,
                used_floor_m2: row.used_floor_m2,
            })
        })
        .collect()
}

async fn contracts(
    connection: &mut PgConnection,
    as_of: NaiveDate,
    parcel_of: &HashMap<&str, usize>,
    calendar: &Calendar,
) -> Result<HashMap<usize, (ContractFacts, Vec<DutyRow>)>, StoreError> {
    // The newest contract of each parcel, before those that supplement it or that it follows.
    let rows = sqlx::query!(
        r#"select parcel, number, signed_on, term_ends_on, performance_terms, responsible_unit, developed_percent,
               invested_percent, suspended_on
           from contract where upper_inf(recorded) and valid @> $1::date and signed_on <= $1
           order by parcel, supplements is not null and is_supplement(number, parcel, supplements), signed_on desc,
               number desc"#,
        as_of
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut amended: HashMap<String, Amendment> = amendments(connection, &Moment::on(as_of), None)
        .await?
        .into_iter()
        .map(|one| (one.number.clone(), one))
        .collect();
    let mut contracts = HashMap::new();
    let mut parcel_of_contract = HashMap::new();
    for row in rows {
        let Some(parcel) = parcel_of.get(row.parcel.as_str()) else { continue };
        // A supplement has duties like the contract that it supplements; an older contract says nothing any more.
        if contracts.contains_key(parcel) {
            continue;
        }
        parcel_of_contract.insert(row.number.clone(), *parcel);
        let by = amended.remove(&row.number);
        for supplement in by.iter().flat_map(|by| &by.by_numbers) {
            parcel_of_contract.insert(supplement.clone(), *parcel);
        }
        let facts = ContractFacts {
            number: row.number,
            signed_on: row.signed_on,
            term_ends_on: by.as_ref().and_then(|by| by.term_ends_on).or(row.term_ends_on),
            performance_terms: row.performance_terms || by.as_ref().is_some_and(|by| by.performance_terms),
            responsible_unit: by.as_ref().and_then(|by| by.responsible_unit.clone()).or(row.responsible_unit),
            amended_by: by.map(|by| by.by_numbers).unwrap_or_default(),
            developed_percent: row.developed_percent,
            invested_percent: row.invested_percent,
            suspended_on: row.suspended_on.filter(|day| *day <= as_of),
            duties: Vec::new(),
        };
        contracts.insert(*parcel, (facts, Vec::new()));
    }
    for held in clock::read(connection, &Moment::on(as_of), None).await? {
        let Some((_, duties)) = parcel_of_contract.get(&held.number).and_then(|parcel| contracts.get_mut(parcel))
        else {
            continue;
        };
        for (duty, clock) in held.clocks(calendar, as_of, Days::new(0)) {
            // Neither the government's own duty nor what was waived is held against the holder.
            let Some(step) = duty.step(&clock).filter(|step| step.kind != ObligationKind::Handover) else { continue };
            duties.push(DutyRow {
                kind: step.kind,
                due_on: step.due_on,
                met_on: step.met_on,
                target: duty.target.and_then(|target| target.to_f64()),
                achieved: duty.achieved.and_then(|achieved| achieved.to_f64()),
                at_most: duty.at_most,
                excuse: duty.excuse,
            });
        }
    }
    Ok(contracts)
}

/// What names a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunKey {
    /// round or calendar.
    pub kind: String,
    /// The day it judges.
    pub as_of: NaiveDate,
    /// How many years it looks at.
    pub window_years: i32,
    /// Hash of the rules.
    pub scheme: String,
    /// Hash of the facts.
    pub facts_hash: String,
}

/// The text of the rules that a run used.
#[derive(Debug, Clone)]
pub struct RulesText {
    /// Hash of the source.
    pub hash: String,
    /// Name and version of the scheme.
    pub name: String,
    /// Title in Chinese.
    pub title_zh: String,
    /// Title in English.
    pub title_en: String,
    /// The source.
    pub source: String,
}

/// A result on its way into the store.
#[derive(Debug)]
pub struct ResultRow<'a> {
    /// Code of the parcel.
    pub parcel: &'a str,
    /// Its grade.
    pub grade: Grade,
    /// Its score.
    pub score: Option<f64>,
    /// Its rank.
    pub rank: Option<u32>,
    /// The list it is on.
    pub list: Option<&'static str>,
    /// What is recommended.
    pub outcome: &'a str,
    /// Canonical receipt.
    pub receipt: &'a str,
    /// Its hash.
    pub receipt_hash: &'a str,
}

/// The run of that name, if there is one.
pub async fn find(connection: &mut PgConnection, key: &RunKey) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select id from review_run where kind = $1 and as_of = $2 and window_years = $3 and scheme = $4 and facts_hash = $5",
        key.kind,
        key.as_of,
        key.window_years,
        key.scheme,
        key.facts_hash
    )
    .fetch_optional(connection)
    .await?)
}

/// Opens a draft run; answers its number.
pub async fn open(write: &mut Write, key: &RunKey, rules: &RulesText) -> Result<i64, StoreError> {
    let revision = write.revision;
    sqlx::query!(
        "insert into review_scheme (hash, name, title_zh, title_en, source) values ($1, $2, $3, $4, $5)
         on conflict (hash) do nothing",
        rules.hash,
        rules.name,
        rules.title_zh,
        rules.title_en,
        rules.source
    )
    .execute(write.connection())
    .await?;
    Ok(sqlx::query_scalar!(
        "insert into review_run (kind, as_of, window_years, scheme, facts_hash, state, revision)
         values ($1, $2, $3, $4, $5, 'draft', $6) returning id",
        key.kind,
        key.as_of,
        key.window_years,
        key.scheme,
        key.facts_hash,
        revision
    )
    .fetch_one(write.connection())
    .await?)
}

/// Adds results to a run; called as often as the caller likes to cut them.
pub async fn add(write: &mut Write, run: i64, results: impl Iterator<Item = ResultRow<'_>>) -> Result<(), StoreError> {
    let mut rows = Rows::default();
    for result in results {
        rows.bare_row()
            .value(&run)
            .text(result.parcel)
            .text(result.grade.name())
            .optional_number(result.score)
            .optional(result.rank.and_then(|rank| i32::try_from(rank).ok()).as_ref())
            .optional_text(result.list)
            .text(result.outcome)
            .text(result.receipt)
            .text(result.receipt_hash)
            .end();
    }
    let target = "review_result (run_id, parcel, grade, score, rank, list, outcome, receipt, receipt_hash)";
    copy::send(write.connection(), target, rows.bytes()).await
}

/// A run as it is listed.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its number.
    pub id: i64,
    /// round or calendar.
    pub kind: String,
    /// The day it judges.
    pub as_of: NaiveDate,
    /// How many years it looks at.
    pub window_years: i32,
    /// Name and version of its scheme.
    pub scheme: String,
    /// Hash of scheme, decision table and rulebook together: what tells two schemes of one name apart.
    pub rules_hash: String,
    /// Title of its scheme in Chinese.
    pub title_zh: String,
    /// Title of its scheme in English.
    pub title_en: String,
    /// Its state.
    pub state: String,
    /// The revision that stored it.
    pub revision: i64,
}

/// All runs, the newest first.
pub async fn list(connection: &mut PgConnection) -> Result<Vec<Run>, StoreError> {
    Ok(sqlx::query_as!(
        Run,
        r#"select r.id, r.kind, r.as_of, r.window_years, s.name as scheme, s.hash as rules_hash, s.title_zh, s.title_en,
             case when p.run_id is null then r.state else 'published' end as "state!", r.revision
         from review_run r join review_scheme s on s.hash = r.scheme left join review_publication p on p.run_id = r.id
         order by r.id desc"#
    )
    .fetch_all(connection)
    .await?)
}

/// The run that maps and dossiers show: of the newest day, the last one made.
pub async fn newest(connection: &mut PgConnection) -> Result<Option<Run>, StoreError> {
    Ok(list(connection).await?.into_iter().max_by_key(|run| (run.as_of, run.id)))
}

/// The run that was newest at a moment: of a day not after it, and stored by then.
pub async fn newest_at(connection: &mut PgConnection, moment: &Moment) -> Result<Option<Run>, StoreError> {
    Ok(sqlx::query_as!(
        Run,
        r#"select r.id, r.kind, r.as_of, r.window_years, s.name as scheme, s.hash as rules_hash, s.title_zh, s.title_en,
             case when p.run_id is null then r.state else 'published' end as "state!", r.revision
         from review_run r join review_scheme s on s.hash = r.scheme join revision v on v.id = r.revision
         left join review_publication p on p.run_id = r.id and p.published_at <= coalesce($2::timestamptz, 'infinity')
         where r.as_of <= $1 and v.recorded_at <= coalesce($2::timestamptz, 'infinity')
         order by r.as_of desc, r.id desc limit 1"#,
        moment.valid_at,
        moment.known_at
    )
    .fetch_optional(connection)
    .await?)
}

/// How many parcels of a run have each grade, and how many are on each list.
pub async fn counts(connection: &mut PgConnection, run: i64) -> Result<Vec<(String, Option<String>, i64)>, StoreError> {
    let rows = sqlx::query!(
        r#"select grade, list, count(*) as "count!" from review_result where run_id = $1 group by 1, 2 order by 1, 2"#,
        run
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.grade, row.list, row.count)).collect())
}

/// The receipt of a parcel in a run, with its hash.
pub async fn receipt(
    connection: &mut PgConnection,
    run: i64,
    parcel: &str,
) -> Result<Option<(String, String)>, StoreError> {
    Ok(sqlx::query!("select receipt, receipt_hash from review_result where run_id = $1 and parcel = $2", run, parcel)
        .fetch_optional(connection)
        .await?
        .map(|row| (row.receipt, row.receipt_hash)))
}
