//! The facts of a review, frozen in one moment: parcels, uses, figures, contracts and faults as they were law on a day.

mod zones;

use self::zones::{legacy_classes, tiers};
use super::beside;
use super::places::{Places, Words};
use crate::domain::calendar::Calendar;
use crate::domain::contract::obligation::ObligationKind;
use crate::domain::moment::Moment;
use crate::domain::review::calendar::Known;
use crate::domain::review::facts::{ContractFacts, DutyRow, MainUser, Occupied, Packed, Target, Use, VetoFact, round};
use crate::domain::review::freeze::{EnterpriseRow, Frozen, Own, ParcelRow};
use crate::domain::zoning::Tier;
use crate::store::amendment::{Amendment, amendments};
use crate::store::{StoreError, clock, copied, lineage, performance};
use chrono::{Days, NaiveDate};
use futures_util::TryStreamExt;
use rust_decimal::prelude::ToPrimitive;
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Transaction};
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;
use tokio::sync::oneshot;

/// What is to be frozen.
pub struct Asked {
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
    /// Whether with the states of parcels.
    pub with_states: bool,
    /// Whether with everything that has a clock, beside what facts quote of it.
    pub with_clocks: bool,
}

/// One moment of the register, held by a connection that looks at it, out of which what belongs to each parcel alone can
/// still be read: of a large city it is too much to be held together.
pub struct Held {
    tx: Transaction<'static, Postgres>,
    as_of: NaiveDate,
    calendar: &'static Calendar,
    with_clocks: bool,
}

/// Freezes what a review looks at: the whole city in one moment of the register, law on the day, and that moment held for the
/// rest.
pub async fn freeze(pool: &PgPool, asked: Asked) -> Result<(Frozen, Held), StoreError> {
    let mut tx = pool.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let found = frozen_in(&mut tx, pool, asked).await?;
    tx.commit().await?;
    Ok(found)
}

impl Held {
    /// What is on record of these parcels alone, or of all.
    pub async fn own(&mut self, parcels: Option<&[String]>) -> Result<Own, StoreError> {
        let mut own = contracts(&mut self.tx, self.as_of, self.calendar, parcels).await?;
        if !self.with_clocks {
            own.watched = Vec::new();
        }
        Ok(own)
    }

    /// What was done of the reviews of contracts, by the number of the contract.
    pub async fn reviews_done(&mut self) -> Result<HashMap<String, Known>, StoreError> {
        super::calendar::done(&mut self.tx, None, None).await
    }

    /// Lets the moment go.
    pub async fn end(self) -> Result<(), StoreError> {
        Ok(self.tx.commit().await?)
    }
}

/// The same inside a transaction that looks at one moment.
pub(in crate::store) async fn frozen_in(
    tx: &mut PgConnection,
    pool: &PgPool,
    asked: Asked,
) -> Result<(Frozen, Held), StoreError> {
    let Asked { as_of, deciding_share, tall_storey_m, years, calendar, with_states, with_clocks } = asked;
    // A second connection looks at the same moment and does half of the work, which is as much ours as the database's.
    let moment = sqlx::query_scalar!(r#"select pg_export_snapshot() as "name!""#).fetch_one(&mut *tx).await?;
    let mut same = pool.begin().await?;
    let same_moment =
        format!("set transaction isolation level repeatable read, read only; set transaction snapshot '{moment}'");
    sqlx::raw_sql(AssertSqlSafe(same_moment)).execute(&mut *same).await?;
    // What enterprises reported is the most of it: who they are is told to this side before.
    let (tell, told) = oneshot::channel();
    let reported = tokio::spawn(async move {
        let enterprises = Arc::new(enterprises(&mut same).await?);
        let places = Arc::new(Places::of(enterprises.iter().map(|one| one.user.code.as_str())));
        // Whoever does not want to know any more has failed, and says so.
        let _ = tell.send((Arc::clone(&enterprises), Arc::clone(&places)));
        let place_of = |code: &str| places.find(code, |place| &enterprises[place].user.code);
        let returns = returns(&mut same, years, place_of).await?;
        let vetoes = vetoes(&mut same, as_of, place_of).await?;
        Ok::<_, StoreError>((Held { tx: same, as_of, calendar, with_clocks }, returns, vetoes))
    });
    let (ids, mut parcels) = parcels(tx, as_of).await?;
    let place_of_id: HashMap<i64, usize> = ids.into_iter().zip(0..).collect();
    if let Some(share) = deciding_share {
        tiers(tx, as_of, share, |id, tier, locked| {
            if let Some(place) = place_of_id.get(&id) {
                (parcels[*place].tier, parcels[*place].locked) = (tier, locked);
            }
        })
        .await?;
        let is_fragmented = |place: &usize| parcels[*place].tier == Tier::Fragmented;
        let fragmented: Vec<i64> =
            place_of_id.iter().filter(|(_, place)| is_fragmented(place)).map(|(id, _)| *id).collect();
        for (id, class) in legacy_classes(tx, as_of, share, &fragmented).await? {
            if let Some(place) = place_of_id.get(&id) {
                parcels[*place].legacy_class = Some(class);
            }
        }
    }
    floors(tx, tall_storey_m, |id, floors| {
        if let Some(place) = place_of_id.get(&id) {
            let parcel = &mut parcels[*place];
            [parcel.floor_m2, parcel.used_floor_m2, parcel.footprint_m2] = floors;
        }
    })
    .await?;
    if with_states {
        beside::states(tx, as_of, |id, state| {
            if let Some(place) = place_of_id.get(&id) {
                parcels[*place].state = Some(state);
            }
        })
        .await?;
    }
    drop(place_of_id);
    let leading = leading(tx).await?;
    let (mut uses_found, mut enterprises_found) = (Vec::new(), Arc::default());
    // Where nobody is told anything, the other side has failed.
    if let Ok((enterprises, enterprise_places)) = told.await {
        let parcel_places = Places::of(parcels.iter().map(|one| &*one.code));
        let parcel_of = |code: &str| parcel_places.find(code, |place| &parcels[place].code);
        let enterprise_of = |code: &str| enterprise_places.find(code, |place| &enterprises[place].user.code);
        let (uses, occupied) = uses(tx, as_of, parcel_of, enterprise_of).await?;
        for (place, occupied) in occupied {
            parcels[place].occupied = Some(occupied);
        }
        (uses_found, enterprises_found) = (uses, enterprises);
    }
    let (held, returns, vetoes) = match reported.await {
        Ok(found) => found?,
        Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
    };
    let enterprises = Arc::unwrap_or_clone(enterprises_found);
    Ok((Frozen { parcels, enterprises, uses: uses_found, returns, vetoes, leading }, held))
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
    enterprise_of: impl Fn(&str) -> Option<usize>,
) -> Result<BTreeMap<i32, Packed>, StoreError> {
    let mut returns: BTreeMap<i32, Packed> = years.clone().map(|year| (year, Packed::default())).collect();
    performance::reported_by_all(connection, years, |enterprise, year, figures| {
        if let Some((place, packed)) = enterprise_of(enterprise).zip(returns.get_mut(&year)) {
            packed.set(place, &figures);
        }
    })
    .await?;
    Ok(returns)
}

/// The parcels that are law on the day in the order of their codes, as if they touched no zone and bore no building.
async fn parcels(connection: &mut PgConnection, as_of: NaiveDate) -> Result<(Vec<i64>, Vec<ParcelRow>), StoreError> {
    let (mut rows, mut words) = (Vec::new(), Words::default());
    let query = format!(
        "select p.id, p.code, v.district, v.park, v.land_use, v.registered_area_m2::float8, v.area_m2, v.plot_ratio_allowed
         from parcel p join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid @> date '{as_of}'"
    );
    copied::each(connection, &query, |cells| {
        let id = cells.bigint()?;
        let row = ParcelRow {
            code: cells.text()?.into(),
            district: words.of(cells.text()?),
            park: cells.optional_text()?.map(|park| words.of(park)),
            tier: Tier::Fragmented,
            legacy_class: None,
            locked: false,
            land_use: words.of(cells.text()?),
            registered_area_m2: cells.optional_number()?,
            area_m2: cells.number()?,
            plot_ratio_allowed: cells.optional_number()?,
            floor_m2: None,
            used_floor_m2: None,
            footprint_m2: None,
            occupied: None,
            state: None,
        };
        rows.push((id, row));
        Ok(())
    })
    .await?;
    // Mostly they come in order, and what is in order already is sorted in no time.
    rows.sort_by(|one, other| one.1.code.cmp(&other.1.code));
    Ok(rows.into_iter().unzip())
}

/// The floor area on each parcel, that in use, and the ground that the buildings stand on, m².
async fn floors(
    connection: &mut PgConnection,
    tall_storey_m: Option<f64>,
    mut each: impl FnMut(i64, [Option<f64>; 3]),
) -> Result<(), StoreError> {
    let mut rows = sqlx::query!(
        r#"select parcel_id as "parcel_id!", round(floor_m2::numeric, 4)::float8 as floor_m2,
               case when use_is_known then round(used_m2::numeric, 4)::float8 end as used_m2,
               round(footprint_m2::numeric, 4)::float8 as footprint_m2
           from parcel_floor($1, null)"#,
        tall_storey_m
    )
    .fetch(connection);
    while let Some(row) = rows.try_next().await? {
        each(row.parcel_id, [row.floor_m2, row.used_m2, row.footprint_m2]);
    }
    Ok(())
}

/// Every enterprise, in the order of their codes.
async fn enterprises(connection: &mut PgConnection) -> Result<Vec<EnterpriseRow>, StoreError> {
    let (mut enterprises, mut words) = (Vec::new(), Words::default());
    let query = "select code, industry, above_scale, founded_on from enterprise where upper_inf(recorded)";
    copied::each(connection, query, |cells| {
        let code = cells.text()?.to_owned();
        let industry = cells.optional_text()?.map(|industry| words.of(industry));
        let user = MainUser { code, above_scale: cells.optional_flag()?, founded_on: cells.optional_date()? };
        enterprises.push(EnterpriseRow { user, industry });
        Ok(())
    })
    .await?;
    enterprises.sort_by(|one, other| one.user.code.cmp(&other.user.code));
    Ok(enterprises)
}

/// Who used which parcel since when, in the order of parcel, enterprise and first day; and what of the floor area of each
/// parcel is used on the day, by its place.
async fn uses(
    connection: &mut PgConnection,
    as_of: NaiveDate,
    parcel_of: impl Fn(&str) -> Option<usize>,
    enterprise_of: impl Fn(&str) -> Option<usize>,
) -> Result<(Vec<Use>, BTreeMap<usize, Occupied>), StoreError> {
    let heirs = lineage::family::heirs(connection, as_of).await?;
    let mut uses = Vec::new();
    let mut occupied: BTreeMap<usize, Occupied> = BTreeMap::new();
    // Uses of one parcel by one enterprise from one day on come in the order of what tells them apart.
    let query = format!(
        "select parcel, enterprise, from_on, to_on, floor_area_m2, tax_is_local, share, role from occupancy
         where upper_inf(recorded) and from_on <= date '{as_of}'
         order by parcel collate \"C\", enterprise collate \"C\", from_on, role"
    );
    copied::each(connection, &query, |cells| {
        let (code, enterprise) = (cells.text()?, enterprise_of(cells.text()?));
        let Some(enterprise) = enterprise else { return Ok(()) };
        let (from, to, floor_area_m2) = (cells.date()?, cells.optional_date()?, cells.number()?);
        let (tax_is_local, share, role) = (cells.flag()?, cells.optional_number()?, cells.text()?);
        let mut on = |code: &str, part: f64| {
            let Some(parcel) = parcel_of(code) else { return };
            if to.is_none_or(|to| to > as_of) {
                let all = occupied.entry(parcel).or_default();
                all.floor_m2 += floor_area_m2 * part;
                all.leased_m2 += if role == "tenant" { floor_area_m2 * part } else { 0.0 };
            }
            uses.push(Use {
                parcel,
                enterprise,
                floor_area_m2: floor_area_m2 * part,
                from,
                to,
                tax_is_local,
                stated: share.map(|share| share * part),
            });
        };
        // What was used before an event was used on the land of those that came of it.
        match heirs.get(code) {
            None => on(code, 1.0),
            Some(heirs) => heirs.iter().for_each(|(code, part)| on(code, *part)),
        }
        Ok(())
    })
    .await?;
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
    enterprise_of: impl Fn(&str) -> Option<usize>,
) -> Result<HashMap<usize, Vec<VetoFact>>, StoreError> {
    let rows = sqlx::query!(
        r#"select enterprise, year, veto as "veto!" from annual_return
           where upper_inf(recorded) and veto is not null and year <= extract(year from $1::date)
             and (veto_cleared_on is null or veto_cleared_on > $1)"#,
        as_of
    )
    .fetch_all(connection)
    .await?;
    let mut vetoes: HashMap<usize, Vec<VetoFact>> = HashMap::new();
    for row in rows {
        if let Some(place) = enterprise_of(&row.enterprise) {
            let veto = VetoFact { enterprise: row.enterprise, year: row.year, kind: row.veto };
            vetoes.entry(place).or_default().push(veto);
        }
    }
    Ok(vetoes)
}

/// The newest contract of each parcel with its duties, by the parcel's code, and all contracts with what has a clock; of some
/// parcels or of all.
async fn contracts(
    connection: &mut PgConnection,
    as_of: NaiveDate,
    calendar: &Calendar,
    parcels: Option<&[String]>,
) -> Result<Own, StoreError> {
    // The newest contract of each parcel, before those that supplement it or that it follows.
    let rows = sqlx::query!(
        r#"select parcel, number, signed_on, term_ends_on, performance_terms, responsible_unit, developed_percent,
               invested_percent, suspended_on
           from contract where upper_inf(recorded) and valid @> $1::date and signed_on <= $1
               and ($2::text[] is null or parcel = any($2))
           order by parcel, supplements is not null and is_supplement(number, parcel, supplements), signed_on desc,
               number desc"#,
        as_of,
        parcels
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut amended: HashMap<String, Amendment> = amendments(connection, &Moment::on(as_of), parcels)
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
    let watched = clock::read(connection, &Moment::on(as_of), parcels).await?;
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
    Ok(Own { contracts, watched })
}
