//! The facts of a review, frozen in one moment: parcels, uses, figures, contracts and faults as they were law on a day.

use super::beside;
use crate::domain::calendar::Calendar;
use crate::domain::contract::agenda::Watched;
use crate::domain::contract::obligation::ObligationKind;
use crate::domain::moment::Moment;
use crate::domain::review::facts::{
    ContractFacts, DutyRow, Figures, MEASURES, MainUser, Occupied, Target, Use, VetoFact, round,
};
use crate::domain::review::freeze::{EnterpriseRow, Frozen, ParcelRow, Watching};
use crate::domain::zoning::Tier;
use crate::domain::zoning::legacy::Class;
use crate::store::amendment::{Amendment, amendments};
use crate::store::{StoreError, clock, lineage, performance};
use chrono::{Days, NaiveDate};
use futures_util::TryStreamExt;
use rust_decimal::prelude::ToPrimitive;
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, PgConnection};
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Freezes what a review looks at: everything from one moment of the register, law on `as_of`, the tiers worked out for
/// that day with the share of a parcel's land that decides, a storey higher than `tall_storey_m` counted twice. With that what
/// the calendar of reviews looks at, where it is asked for.
pub async fn freeze(
    pool: &PgPool,
    as_of: NaiveDate,
    deciding_share: f64,
    tall_storey_m: Option<f64>,
    years: RangeInclusive<i32>,
    calendar: &'static Calendar,
    with_reviews: bool,
) -> Result<Frozen, StoreError> {
    let mut tx = pool.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let asked = Asked {
        as_of,
        deciding_share: Some(deciding_share),
        tall_storey_m,
        years,
        calendar,
        with_reviews: Some(with_reviews),
    };
    let frozen = frozen_in(&mut tx, pool, asked).await?;
    tx.commit().await?;
    Ok(frozen)
}

/// What is to be frozen.
pub(in crate::store) struct Asked {
    /// The day whose law counts.
    pub as_of: NaiveDate,
    /// The share of a parcel's land that decides about its tier. Where none is said nobody asks for tiers, and every parcel
    /// is as if it touched no zone.
    pub deciding_share: Option<f64>,
    /// A storey higher than that is counted twice.
    pub tall_storey_m: Option<f64>,
    /// The years whose figures are looked at.
    pub years: RangeInclusive<i32>,
    /// Working days.
    pub calendar: &'static Calendar,
    /// Whether with what the calendar of reviews looks at; nothing where nobody asks for the states of parcels either.
    pub with_reviews: Option<bool>,
}

/// The same inside a transaction that looks at one moment and outlasts this.
pub(in crate::store) async fn frozen_in(
    tx: &mut PgConnection,
    pool: &PgPool,
    asked: Asked,
) -> Result<Frozen, StoreError> {
    let Asked { as_of, deciding_share, tall_storey_m, years, calendar, with_reviews } = asked;
    // A second connection looks at the same moment and does half of the work, which is as much ours as the database's.
    let moment = sqlx::query_scalar!(r#"select pg_export_snapshot() as "name!""#).fetch_one(&mut *tx).await?;
    let mut same = pool.begin().await?;
    let same_moment =
        format!("set transaction isolation level repeatable read, read only; set transaction snapshot '{moment}'");
    sqlx::raw_sql(AssertSqlSafe(same_moment)).execute(&mut *same).await?;
    let beside = tokio::spawn(async move {
        let tiers = match deciding_share {
            Some(share) => tiers(&mut same, as_of, share).await?,
            None => HashMap::new(),
        };
        let floors = floors(&mut same, tall_storey_m).await?;
        let (contracts, mut watched) = contracts(&mut same, as_of, calendar).await?;
        if with_reviews != Some(true) {
            watched = Vec::new();
        }
        same.commit().await?;
        Ok::<_, StoreError>((tiers, floors, contracts, watched))
    });
    let (ids, mut parcels) = parcels(tx, as_of).await?;
    let enterprises = enterprises(tx).await?;
    let parcel_of: HashMap<&str, usize> = parcels.iter().enumerate().map(|(i, row)| (row.code.as_str(), i)).collect();
    let enterprise_of: HashMap<&str, usize> =
        enterprises.iter().enumerate().map(|(i, one)| (one.user.code.as_str(), i)).collect();
    let (uses, occupied) = uses(tx, as_of, &parcel_of, &enterprise_of).await?;
    let returns = returns(tx, years, &enterprise_of).await?;
    let vetoes = vetoes(tx, as_of, &enterprise_of).await?;
    let leading = leading(tx).await?;
    let (states, done) = match with_reviews {
        None => (HashMap::new(), HashMap::new()),
        Some(false) => (beside::states(tx, as_of).await?, HashMap::new()),
        Some(true) => (beside::states(tx, as_of).await?, super::calendar::done(tx, None, None).await?),
    };
    let (tiers, floors, contracts, watched) = match beside.await {
        Ok(found) => found?,
        Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
    };
    let contracts = contracts.into_iter().filter_map(|(code, one)| Some((*parcel_of.get(code.as_str())?, one)));
    let contracts = contracts.collect();
    drop((parcel_of, enterprise_of));
    let is_fragmented = |id: &&i64| tiers.get(id).is_none_or(|(tier, _)| *tier == Tier::Fragmented);
    let fragmented: Vec<i64> = ids.iter().filter(is_fragmented).copied().collect();
    let legacy = match deciding_share {
        Some(share) => legacy_classes(tx, as_of, share, &fragmented).await?,
        None => HashMap::new(),
    };
    for (id, parcel) in ids.iter().zip(&mut parcels) {
        (parcel.tier, parcel.locked) = tiers.get(id).copied().unwrap_or((Tier::Fragmented, false));
        parcel.legacy_class = legacy.get(id).copied();
        (parcel.floor_m2, parcel.used_floor_m2, parcel.footprint_m2) = floors.get(id).copied().unwrap_or_default();
    }
    for (place, occupied) in occupied {
        parcels[place].occupied = Some(occupied);
    }
    let calendar = (with_reviews == Some(true)).then_some(Watching { contracts: watched, done });
    Ok(Frozen { parcels, enterprises, uses, returns, contracts, vetoes, leading, states, calendar })
}

/// The industries that parks lead with.
async fn leading(connection: &mut PgConnection) -> Result<HashMap<String, Arc<[String]>>, StoreError> {
    let rows = sqlx::query!("select code, leading_industries from park where cardinality(leading_industries) > 0")
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (row.code, row.leading_industries.into())).collect())
}

/// What each enterprise reported, by year and the place of the enterprise.
async fn returns(
    connection: &mut PgConnection,
    years: RangeInclusive<i32>,
    enterprise_of: &HashMap<&str, usize>,
) -> Result<HashMap<i32, Vec<Figures>>, StoreError> {
    let mut returns: HashMap<i32, Vec<Figures>> =
        years.clone().map(|year| (year, vec![[None; MEASURES]; enterprise_of.len()])).collect();
    performance::reported(connection, None, years, None, |row| {
        if let Some((place, figures)) = enterprise_of.get(row.enterprise.as_str()).zip(returns.get_mut(&row.year)) {
            figures[*place] = row.figures;
        }
    })
    .await?;
    Ok(returns)
}

/// The parcels that are law on the day in the order of their codes, as if they touched no zone and bore no building.
async fn parcels(connection: &mut PgConnection, as_of: NaiveDate) -> Result<(Vec<i64>, Vec<ParcelRow>), StoreError> {
    let mut rows = sqlx::query!(
        r#"select p.id, p.code, v.district, v.park, v.land_use, v.registered_area_m2::float8 as registered_area_m2,
               v.area_m2, v.plot_ratio_allowed
           from parcel p
           join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid @> $1::date
           order by p.code collate "C""#,
        as_of
    )
    .fetch(connection);
    let (mut ids, mut parcels) = (Vec::new(), Vec::new());
    while let Some(row) = rows.try_next().await? {
        ids.push(row.id);
        parcels.push(ParcelRow {
            code: row.code,
            district: row.district,
            park: row.park,
            tier: Tier::Fragmented,
            legacy_class: None,
            locked: false,
            land_use: row.land_use,
            registered_area_m2: row.registered_area_m2,
            area_m2: row.area_m2,
            plot_ratio_allowed: row.plot_ratio_allowed,
            floor_m2: None,
            used_floor_m2: None,
            footprint_m2: None,
            occupied: None,
        });
    }
    Ok((ids, parcels))
}

/// Where a parcel stands, and whether the plan locks it.
struct TierRow {
    parcel_id: i64,
    tier: String,
    locked: bool,
}

/// Where each parcel stands on the day: as it is kept, where the day is one of those for which that was worked out.
/// Asked by itself, not joined to the parcels: the planner takes the answer for two hundred rows, and has compared every
/// parcel with every other.
async fn tiers(
    connection: &mut PgConnection,
    as_of: NaiveDate,
    deciding_share: f64,
) -> Result<HashMap<i64, (Tier, bool)>, StoreError> {
    let are_kept = sqlx::query_scalar!(
        r#"select exists (select from tier_law where same_law @> $1::date and deciding_share = $2) as "kept!""#,
        as_of,
        deciding_share
    )
    .fetch_one(&mut *connection)
    .await?;
    let mut rows = if are_kept {
        sqlx::query_as!(TierRow, "select parcel_id, tier, locked from parcel_place").fetch(connection)
    } else {
        sqlx::query_as!(
            TierRow,
            r#"select parcel_id as "parcel_id!", tier as "tier!", locked as "locked!" from parcel_tier_at($1, $2)"#,
            as_of,
            deciding_share
        )
        .fetch(connection)
    };
    let mut tiers = HashMap::new();
    while let Some(row) = rows.try_next().await? {
        let tier = Tier::parse(&row.tier).ok_or_else(|| StoreError::Value {
            table: "parcel_place",
            column: "tier",
            row: row.parcel_id.to_string(),
            value: row.tier.clone(),
        })?;
        tiers.insert(row.parcel_id, (tier, row.locked));
    }
    Ok(tiers)
}

/// In which part of the older division some parcels lie on the day.
async fn legacy_classes(
    connection: &mut PgConnection,
    as_of: NaiveDate,
    deciding_share: f64,
    among: &[i64],
) -> Result<HashMap<i64, Class>, StoreError> {
    let rows = sqlx::query!(
        r#"select parcel_id as "parcel_id!", class as "class!" from parcel_legacy_class($1, $2, $3)"#,
        as_of,
        deciding_share,
        among
    )
    .fetch_all(connection)
    .await?;
    let read = |parcel_id: i64, class: &str| {
        Class::parse(class).map(|class| (parcel_id, class)).ok_or_else(|| StoreError::Value {
            table: "legacy_area_version",
            column: "class",
            row: parcel_id.to_string(),
            value: class.to_owned(),
        })
    };
    rows.iter().map(|row| read(row.parcel_id, &row.class)).collect()
}

/// The floor area on each parcel, that in use, and the ground that the buildings stand on, m².
async fn floors(
    connection: &mut PgConnection,
    tall_storey_m: Option<f64>,
) -> Result<HashMap<i64, (Option<f64>, Option<f64>, Option<f64>)>, StoreError> {
    let mut rows = sqlx::query!(
        r#"select parcel_id as "parcel_id!", round(floor_m2::numeric, 4)::float8 as floor_m2,
               case when use_is_known then round(used_m2::numeric, 4)::float8 end as used_m2,
               round(footprint_m2::numeric, 4)::float8 as footprint_m2
           from parcel_floor($1, null)"#,
        tall_storey_m
    )
    .fetch(connection);
    let mut floors = HashMap::new();
    while let Some(row) = rows.try_next().await? {
        floors.insert(row.parcel_id, (row.floor_m2, row.used_m2, row.footprint_m2));
    }
    Ok(floors)
}

/// Every enterprise, in the order of their codes.
async fn enterprises(connection: &mut PgConnection) -> Result<Vec<EnterpriseRow>, StoreError> {
    let mut rows = sqlx::query!(
        r#"select code, industry, above_scale, founded_on from enterprise where upper_inf(recorded)
           order by code collate "C""#
    )
    .fetch(connection);
    let mut enterprises = Vec::new();
    while let Some(row) = rows.try_next().await? {
        enterprises.push(EnterpriseRow {
            user: MainUser { code: row.code, above_scale: row.above_scale, founded_on: row.founded_on },
            industry: row.industry,
        });
    }
    Ok(enterprises)
}

/// Who used which parcel since when, in the order of parcel, enterprise and first day; and what of the floor area of each
/// parcel is used on the day, by its place.
async fn uses(
    connection: &mut PgConnection,
    as_of: NaiveDate,
    parcel_of: &HashMap<&str, usize>,
    enterprise_of: &HashMap<&str, usize>,
) -> Result<(Vec<Use>, BTreeMap<usize, Occupied>), StoreError> {
    let heirs = lineage::family::heirs(connection, as_of).await?;
    let mut rows = sqlx::query!(
        r#"select parcel, enterprise, from_on, to_on, floor_area_m2, tax_is_local, share, role from occupancy
           where upper_inf(recorded) and from_on <= $1
           order by parcel collate "C", enterprise collate "C", from_on, role"#,
        as_of
    )
    .fetch(connection);
    let mut uses = Vec::new();
    let mut occupied: BTreeMap<usize, Occupied> = BTreeMap::new();
    while let Some(row) = rows.try_next().await? {
        let Some(enterprise) = enterprise_of.get(row.enterprise.as_str()) else { continue };
        let mut on = |code: &str, part: f64| {
            let Some(parcel) = parcel_of.get(code) else { return };
            if row.to_on.is_none_or(|to| to > as_of) {
                let all = occupied.entry(*parcel).or_default();
                all.floor_m2 += row.floor_area_m2 * part;
                all.leased_m2 += if row.role == "tenant" { row.floor_area_m2 * part } else { 0.0 };
            }
            uses.push(Use {
                parcel: *parcel,
                enterprise: *enterprise,
                floor_area_m2: row.floor_area_m2 * part,
                from: row.from_on,
                to: row.to_on,
                tax_is_local: row.tax_is_local,
                stated: row.share.map(|share| share * part),
            });
        };
        // What was used before an event was used on the land of those that came of it.
        match heirs.get(&row.parcel) {
            None => on(&row.parcel, 1.0),
            Some(heirs) => heirs.iter().for_each(|(code, part)| on(code, *part)),
        }
    }
    uses.sort_by_key(|one| (one.parcel, one.enterprise, one.from));
    for all in occupied.values_mut() {
        *all = Occupied { floor_m2: round(all.floor_m2, 4), leased_m2: round(all.leased_m2, 4) };
    }
    Ok((uses, occupied))
}

/// Faults that nobody had cleared on the day, by the place of the enterprise.
async fn vetoes(
    connection: &mut PgConnection,
    as_of: NaiveDate,
    enterprise_of: &HashMap<&str, usize>,
) -> Result<Vec<(usize, VetoFact)>, StoreError> {
    let rows = sqlx::query!(
        r#"select enterprise, year, veto as "veto!" from annual_return
           where upper_inf(recorded) and veto is not null and year <= extract(year from $1::date)
             and (veto_cleared_on is null or veto_cleared_on > $1)"#,
        as_of
    )
    .fetch_all(connection)
    .await?;
    let found = rows.into_iter().filter_map(|row| {
        let place = *enterprise_of.get(row.enterprise.as_str())?;
        Some((place, VetoFact { enterprise: row.enterprise, year: row.year, kind: row.veto }))
    });
    Ok(found.collect())
}

/// The newest contract of each parcel with its duties, by the parcel's code, and all contracts with what has a clock.
async fn contracts(
    connection: &mut PgConnection,
    as_of: NaiveDate,
    calendar: &Calendar,
) -> Result<(HashMap<String, (ContractFacts, Vec<DutyRow>)>, Vec<Watched>), StoreError> {
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
        // A supplement has duties like the contract that it supplements; an older contract says nothing any more.
        if contracts.contains_key(&row.parcel) {
            continue;
        }
        parcel_of_contract.insert(row.number.clone(), row.parcel.clone());
        let by = amended.remove(&row.number);
        for supplement in by.iter().flat_map(|by| &by.by_numbers) {
            parcel_of_contract.insert(supplement.clone(), row.parcel.clone());
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
            targets: Vec::new(),
        };
        contracts.insert(row.parcel, (facts, Vec::new()));
    }
    let mut stated: HashMap<(String, ObligationKind), NaiveDate> = HashMap::new();
    let watched = clock::read(connection, &Moment::on(as_of), None).await?;
    for held in &watched {
        let Some((contract, duties)) =
            parcel_of_contract.get(&held.number).and_then(|parcel| contracts.get_mut(parcel))
        else {
            continue;
        };
        for (duty, clock) in held.clocks(calendar, as_of, Days::new(0)) {
            // Neither the government's own duty nor what was waived is held against the holder.
            let Some(step) = duty.step(&clock).filter(|step| step.kind != ObligationKind::Handover) else { continue };
            // What a later supplement promises stands in the place of what was promised before.
            let newest = stated.entry((contract.number.clone(), duty.kind)).or_insert(held.signed_on);
            if let Some(value) = duty.target.and_then(|target| target.to_f64()).filter(|_| duty.kind.is_compared())
                && *newest <= held.signed_on
            {
                *newest = held.signed_on;
                contract.targets.retain(|one| one.kind != duty.kind.name());
                contract.targets.push(Target { kind: duty.kind.name().to_owned(), unit: duty.unit.clone(), value });
            }
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
    Ok((contracts, watched))
}
