//! The facts of a review, frozen in one moment: parcels, uses, figures, contracts and faults as they were law on a day.

use crate::domain::calendar::Calendar;
use crate::domain::contract::obligation::ObligationKind;
use crate::domain::moment::Moment;
use crate::domain::review::facts::{ContractFacts, DutyRow, MEASURES, MainUser, Use, VetoFact};
use crate::domain::review::freeze::{EnterpriseRow, Frozen, ParcelRow};
use crate::domain::zoning::Tier;
use crate::store::amendment::{Amendment, amendments};
use crate::store::{StoreError, clock, lineage, performance};
use chrono::{Days, NaiveDate};
use futures_util::TryStreamExt;
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
    let enterprises: Vec<EnterpriseRow> = sqlx::query!(
        r#"select code, industry, above_scale, founded_on from enterprise where upper_inf(recorded)
           order by code collate "C""#
    )
    .fetch_all(&mut *tx)
    .await?
    .into_iter()
    .map(|row| EnterpriseRow {
        user: MainUser { code: row.code, above_scale: row.above_scale, founded_on: row.founded_on },
        industry: row.industry,
    })
    .collect();
    let enterprise_of: HashMap<&str, usize> =
        enterprises.iter().enumerate().map(|(i, one)| (one.user.code.as_str(), i)).collect();
    let uses = sqlx::query!(
        r#"select parcel, enterprise, from_on, to_on, floor_area_m2, tax_is_local, share from occupancy
           where upper_inf(recorded) and from_on <= $1
           order by parcel collate "C", enterprise collate "C", from_on, role"#,
        as_of
    )
    .fetch_all(&mut *tx)
    .await?;
    let heirs = lineage::family::heirs(&mut tx, as_of).await?;
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
    // Each by itself and put together here: the planner cannot tell how many rows the functions give, and a join that it
    // plans for two hundred compares every parcel with every other.
    let mut tiers: HashMap<i64, (Tier, bool)> = HashMap::new();
    let mut rows = sqlx::query!(
        r#"select parcel_id as "parcel_id!", tier as "tier!", locked as "locked!" from parcel_tier_at($1, $2)"#,
        as_of,
        deciding_share
    )
    .fetch(&mut *connection);
    while let Some(row) = rows.try_next().await? {
        let tier = Tier::parse(&row.tier).ok_or_else(|| StoreError::Value {
            table: "parcel_tier_at",
            column: "tier",
            row: row.parcel_id.to_string(),
            value: row.tier.clone(),
        })?;
        tiers.insert(row.parcel_id, (tier, row.locked));
    }
    drop(rows);
    let mut floors: HashMap<i64, (Option<f64>, Option<f64>)> = HashMap::new();
    let mut rows = sqlx::query!(
        r#"select parcel_id as "parcel_id!", round(floor_m2::numeric, 4)::float8 as floor_m2,
               case when use_is_known then round(used_m2::numeric, 4)::float8 end as used_m2
           from parcel_floor($1, null)"#,
        tall_storey_m
    )
    .fetch(&mut *connection);
    while let Some(row) = rows.try_next().await? {
        floors.insert(row.parcel_id, (row.floor_m2, row.used_m2));
    }
    drop(rows);
    let mut rows = sqlx::query!(
        r#"select p.id, p.code, v.district, v.park, v.land_use, v.registered_area_m2::float8 as registered_area_m2,
               v.area_m2, v.plot_ratio_allowed
           from parcel p
           join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid @> $1::date
           order by p.code collate "C""#,
        as_of
    )
    .fetch(&mut *connection);
    let mut parcels = Vec::with_capacity(tiers.len());
    while let Some(row) = rows.try_next().await? {
        // Every parcel in force has a tier: what touches no zone is fragmented.
        let Some((tier, locked)) = tiers.remove(&row.id) else { continue };
        let (floor_m2, used_floor_m2) = floors.remove(&row.id).unwrap_or_default();
        parcels.push(ParcelRow {
            code: row.code,
            district: row.district,
            park: row.park,
            tier,
            locked,
            land_use: row.land_use,
            registered_area_m2: row.registered_area_m2,
            area_m2: row.area_m2,
            plot_ratio_allowed: row.plot_ratio_allowed,
            floor_m2,
            used_floor_m2,
        });
    }
    Ok(parcels)
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
