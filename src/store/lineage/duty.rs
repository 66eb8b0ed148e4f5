//! What lies on the parcels of an event: contracts, obligations, bonds, buildings and occupancies, read for the domain to
//! divide, and moved as it says.

use super::super::StoreError;
use super::super::write::Write;
use crate::domain::contract::obligation::ObligationKind;
use crate::domain::lineage::duty::{Bond, Burdens, Contract, Duty, Obligation, Thing, Treatment, YearFigure};
use crate::store::geometry::to_hex;
use chrono::NaiveDate;
use geo_types::MultiPolygon;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};

/// What lies on the parcels on the day.
pub async fn burdens(connection: &mut PgConnection, parcels: &[String], on: NaiveDate) -> Result<Burdens, StoreError> {
    let contracts = sqlx::query_as!(
        Contract,
        "select number, parcel, holder, price_wan_yuan as price, deposit_wan_yuan as deposit from contract
         where parcel = any($1) and upper_inf(recorded) and valid @> $2::date order by number",
        parcels,
        on
    )
    .fetch_all(&mut *connection)
    .await?;
    let numbers: Vec<String> = contracts.iter().map(|one| one.number.clone()).collect();
    let obligations = sqlx::query!(
        r#"select o.number, o.contract, o.kind, o.target, o.achieved, o.unit from obligation o where o.contract = any($1) and upper_inf(o.recorded) and o.valid @> $2::date
           order by o.number"#,
        &numbers,
        on
    )
    .fetch_all(&mut *connection)
    .await?
    .into_iter()
    .map(|row| {
        let kind = ObligationKind::WORDS.iter().find(|(word, _)| *word == row.kind).map(|(_, kind)| *kind);
        let kind = kind.ok_or_else(|| StoreError::Value {
            table: "obligation",
            column: "kind",
            row: row.number.clone(),
            value: row.kind.clone(),
        })?;
        Ok(Obligation {
            number: row.number,
            contract: row.contract,
            kind,
            target: row.target,
            achieved: row.achieved,
            unit: row.unit,
        })
    })
    .collect::<Result<Vec<_>, StoreError>>()?;
    let years = sqlx::query_as!(
        YearFigure,
        r#"select y.obligation, y.year, y.achieved as "achieved!" from obligation_year y
           where y.obligation = any($1) and upper_inf(y.recorded) and y.achieved is not null
           order by y.obligation, y.year"#,
        &obligations.iter().map(|one| one.number.clone()).collect::<Vec<_>>()
    )
    .fetch_all(&mut *connection)
    .await?;
    let bonds = sqlx::query_as!(
        Bond,
        r#"select contract, part, amount_wan_yuan as amount, forfeited_wan_yuan as forfeited
           from bond where contract = any($1) and upper_inf(recorded) and valid @> $2::date order by contract, part"#,
        &numbers,
        on
    )
    .fetch_all(connection)
    .await?;
    Ok(Burdens { contracts, obligations, years, bonds })
}

/// Contracts, obligations and bonds of the parcels that become law, or become another law, after the day: an event may
/// not pass under them.
pub async fn later(
    connection: &mut PgConnection,
    parcels: &[String],
    on: NaiveDate,
) -> Result<Vec<(String, NaiveDate)>, StoreError> {
    let rows = sqlx::query!(
        r#"with own as (select number from contract where parcel = any($1) and upper_inf(recorded)),
           thing (number, day) as (
               select number, lower(valid) from contract where number in (select number from own) and upper_inf(recorded)
               union all select number, lower(valid) from obligation where contract in (select number from own) and upper_inf(recorded)
               union all select contract || '/' || part, lower(valid) from bond where contract in (select number from own) and upper_inf(recorded))
           select number as "number!", min(day) as "day!" from thing where day > $2 group by number order by number"#,
        parcels,
        on
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.number, row.day)).collect())
}

/// Which of the numbers that copies would take some contract or obligation has or had.
pub async fn taken_numbers(
    connection: &mut PgConnection,
    burdens: &Burdens,
    copies: usize,
) -> Result<BTreeSet<String>, StoreError> {
    let own = burdens.contracts.iter().map(|one| &one.number).chain(burdens.obligations.iter().map(|one| &one.number));
    let own: Vec<String> = own.cloned().collect();
    // As many as the copies and a hundred to spare: who has more is told by the constraint of the table.
    let most = i32::try_from(copies + 100).unwrap_or(i32::MAX);
    let rows = sqlx::query_scalar!(
        r#"with wanted as (
               select n || '-' || at as number from unnest($1::text[]) n cross join generate_series(1, $2::int) at)
           select w.number as "number!" from wanted w
           where exists (select from contract t where t.number = w.number)
              or exists (select from obligation t where t.number = w.number)"#,
        &own,
        most
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().collect())
}

/// A building and how much of its footprint lies on each child.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Its code.
    pub code: String,
    /// The parcel of the event on which it stands.
    pub parcel: String,
    /// Whether it is on record with that parcel, not only found on its land.
    pub is_named: bool,
    /// Its floor area, m².
    pub floor_area_m2: f64,
    /// Whether it has a shape.
    pub has_shape: bool,
    /// Whether it stands on other parcels too.
    pub is_elsewhere: bool,
    /// Share of its footprint on each child that it touches, the largest first.
    pub on: Vec<(String, f64)>,
}

/// The buildings on record with the parcels or standing on them, laid over the children.
pub async fn buildings(
    connection: &mut PgConnection,
    parcels: &[String],
    children: &[(&str, &MultiPolygon<f64>)],
) -> Result<Vec<Standing>, StoreError> {
    let codes: Vec<String> = children.iter().map(|(code, _)| (*code).to_owned()).collect();
    let shapes: Vec<String> = children.iter().map(|(_, shape)| to_hex(shape)).collect();
    let rows = sqlx::query!(
        r#"with child as (select code, one::geometry as geom from unnest($2::text[], $3::text[]) c (code, one)),
           own as (
               select b.id, b.parcel, true as is_named from building b where b.parcel = any($1) and upper_inf(b.recorded)
               union all
               (select distinct on (b.id) b.id, p.code, false from parcel p
                join building_part t on t.parcel_id = p.id and upper_inf(t.recorded)
                join building b on b.id = t.building_id and upper_inf(b.recorded) and (b.parcel = any($1)) is not true
                where p.code = any($1) order by b.id, t.share desc, p.code)),
           stands as (
               select b.code, o.parcel, o.is_named, b.floor_area_m2, b.geom is not null as has_shape, c.code as child,
                   exists (
                       select from building_part t join parcel p on p.id = t.parcel_id
                       where t.building_id = b.id and upper_inf(t.recorded) and p.code <> all($1)) as is_elsewhere,
                   st_area(st_intersection(b.geom, c.geom)) / nullif(st_area(b.geom), 0) as share
               from own o join building b on b.id = o.id left join child c on st_intersects(b.geom, c.geom))
           select code, parcel as "parcel!", is_named as "is_named!", floor_area_m2, has_shape as "has_shape!",
               is_elsewhere as "is_elsewhere!", child as "child?", share
           from stands order by code, share desc nulls last, child"#,
        parcels,
        &codes,
        &shapes
    )
    .fetch_all(connection)
    .await?;
    let mut found: Vec<Standing> = Vec::new();
    for row in rows {
        if found.last().is_none_or(|last| last.code != row.code) {
            found.push(Standing {
                code: row.code,
                parcel: row.parcel,
                is_named: row.is_named,
                floor_area_m2: row.floor_area_m2,
                has_shape: row.has_shape,
                is_elsewhere: row.is_elsewhere,
                on: Vec::new(),
            });
        }
        if let (Some(last), Some(child), Some(share)) = (found.last_mut(), row.child, row.share)
            && share > 0.0
        {
            last.on.push((child, share));
        }
    }
    Ok(found)
}

/// An occupancy that lasts on the day or begins after it.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the columns are described in the migrations")]
pub struct Use {
    pub parcel: String,
    pub enterprise: String,
    pub role: String,
    pub from_on: NaiveDate,
    pub to_on: Option<NaiveDate>,
    pub floor_area_m2: f64,
    pub tax_is_local: bool,
    pub share: Option<f64>,
    pub share_reason: Option<String>,
}

impl Use {
    /// What a duty calls it.
    pub fn number(&self) -> String {
        format!("{}/{}/{}", self.enterprise, self.role, self.from_on)
    }
}

/// The occupancies of the parcels that last on the day or begin after it.
pub async fn uses(connection: &mut PgConnection, parcels: &[String], on: NaiveDate) -> Result<Vec<Use>, StoreError> {
    Ok(sqlx::query_as!(
        Use,
        "select parcel, enterprise, role, from_on, to_on, floor_area_m2, tax_is_local, share, share_reason from occupancy
         where parcel = any($1) and upper_inf(recorded) and (to_on is null or to_on > $2)
         order by parcel, enterprise, role, from_on",
        parcels,
        on
    )
    .fetch_all(connection)
    .await?)
}

/// Ends the occupancies of the parcels on the day (what began on it or later is taken back) and begins those that follow.
pub async fn move_uses(
    write: &mut Write,
    parcels: &[String],
    on: NaiveDate,
    following: &[Use],
) -> Result<(), StoreError> {
    let (revision, at) = (write.revision, write.recorded_at);
    let connection = write.connection();
    sqlx::query!(
        "with closed as (
             update occupancy t set recorded = tstzrange(lower(t.recorded), $1)
             where t.parcel = any($2) and upper_inf(t.recorded) and (t.to_on is null or t.to_on > $3) returning t.*)
         insert into occupancy (parcel, enterprise, role, began_on, from_on, recorded, to_on, floor_area_m2, tax_is_local,
             share, share_reason, revision)
         select parcel, enterprise, role, began_on, from_on, tstzrange($1, null), $3, floor_area_m2, tax_is_local, share, share_reason, $4
         from closed where from_on < $3",
        at,
        parcels,
        on,
        revision
    )
    .execute(&mut *connection)
    .await?;
    let column = |of: fn(&Use) -> &str| following.iter().map(|one| of(one).to_owned()).collect::<Vec<String>>();
    let (on_parcel, enterprises, roles) =
        (column(|one| &one.parcel), column(|one| &one.enterprise), column(|one| &one.role));
    let from: Vec<NaiveDate> = following.iter().map(|one| one.from_on).collect();
    let to: Vec<Option<NaiveDate>> = following.iter().map(|one| one.to_on).collect();
    let floors: Vec<f64> = following.iter().map(|one| one.floor_area_m2).collect();
    let local: Vec<bool> = following.iter().map(|one| one.tax_is_local).collect();
    let shares: Vec<Option<f64>> = following.iter().map(|one| one.share).collect();
    let reasons: Vec<Option<String>> = following.iter().map(|one| one.share_reason.clone()).collect();
    sqlx::query!(
        "insert into occupancy (parcel, enterprise, role, began_on, from_on, recorded, to_on, floor_area_m2, tax_is_local,
             share, share_reason, revision)
         select parcel, enterprise, role, from_on, from_on, tstzrange($8, null), to_on, floor_area_m2, tax_is_local, share,
             share_reason, $9
         from unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::date[], $6::float8[], $7::bool[], $10::float8[],
             $11::text[]) u (parcel, enterprise, role, from_on, to_on, floor_area_m2, tax_is_local, share, share_reason)",
        &on_parcel,
        &enterprises,
        &roles,
        &from,
        &to as &[Option<NaiveDate>],
        &floors,
        &local,
        at,
        revision,
        &shares as &[Option<f64>],
        &reasons as &[Option<String>]
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Puts buildings on record with the parcel on which they stand since the event; where they stand is worked out apart.
pub async fn move_buildings(write: &mut Write, moves: &BTreeMap<String, String>) -> Result<(), StoreError> {
    let (revision, at) = (write.revision, write.recorded_at);
    let codes: Vec<String> = moves.keys().cloned().collect();
    let to: Vec<String> = moves.values().cloned().collect();
    sqlx::query!(
        "with closed as (
             update building t set recorded = tstzrange(lower(t.recorded), $1)
             where t.code = any($2) and upper_inf(t.recorded) returning t.*)
         insert into building (code, parcel, recorded, storeys, storey_height_m, footprint_m2, floor_area_m2,
             used_floor_area_m2, built_year, geom, vacant_floor_area_m2, revision)
         select c.code, m.parcel, tstzrange($1, null), c.storeys, c.storey_height_m, c.footprint_m2, c.floor_area_m2,
             c.used_floor_area_m2, c.built_year, c.geom, c.vacant_floor_area_m2, $4
         from closed c join unnest($2::text[], $3::text[]) m (code, parcel) on m.code = c.code",
        at,
        &codes,
        &to,
        revision
    )
    .execute(write.connection())
    .await?;
    Ok(())
}

/// A contract, obligation or bond on its way to a successor, with the figures that were shared.
#[derive(Default)]
struct Moves {
    from: Vec<String>,
    to: Vec<String>,
    parcel: Vec<String>,
    first: Vec<Option<Decimal>>,
    second: Vec<Option<Decimal>>,
}

impl Moves {
    /// Brings the duties of one kind together, a row for each pair of numbers.
    fn of(duties: &[Duty], thing: Thing, first: &str, second: &str) -> Self {
        let mut moves = Self::default();
        let mut rows: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for duty in duties.iter().filter(|duty| duty.thing == thing && duty.year.is_none()) {
            let (Some(to), Some(parcel)) = (&duty.to_number, &duty.to_parcel) else { continue };
            let row = *rows.entry((&duty.from_number, to)).or_insert_with(|| {
                moves.from.push(duty.from_number.clone());
                moves.to.push(to.clone());
                moves.parcel.push(parcel.clone());
                moves.first.push(None);
                moves.second.push(None);
                moves.from.len() - 1
            });
            if duty.measure == Some(first) {
                moves.first[row] = duty.share;
            } else if duty.measure == Some(second) {
                moves.second[row] = duty.share;
            }
        }
        moves
    }
}

/// The parts of the figures of single years on their way to successors.
#[derive(Default)]
struct Years {
    numbers: Vec<String>,
    years: Vec<i32>,
    parts: Vec<Decimal>,
}

/// Ends every contract, obligation and bond of the duties on the day, begins what follows, and writes down what became
/// of each.
pub async fn move_duties(write: &mut Write, event: i64, on: NaiveDate, duties: &[Duty]) -> Result<(), StoreError> {
    let numbers = |thing: Thing| -> Vec<String> {
        let from: BTreeSet<&String> =
            duties.iter().filter(|one| one.thing == thing).map(|one| &one.from_number).collect();
        from.into_iter().cloned().collect()
    };
    let (revision, at) = (write.revision, write.recorded_at);
    let connection = write.connection();
    let moves = Moves::of(duties, Thing::Contract, "price_wan_yuan", "deposit_wan_yuan");
    sqlx::query_file!(
        "src/store/lineage/move_contracts.sql",
        at,
        revision,
        on,
        &numbers(Thing::Contract),
        &moves.from,
        &moves.to,
        &moves.parcel,
        &moves.first as &[Option<Decimal>],
        &moves.second as &[Option<Decimal>]
    )
    .execute(&mut *connection)
    .await?;
    // A contract that was renumbered takes its obligations and bonds along under its new number.
    let renamed: BTreeMap<(&str, &str), &str> = moves
        .from
        .iter()
        .zip(&moves.parcel)
        .zip(&moves.to)
        .map(|((from, parcel), to)| ((from.as_str(), parcel.as_str()), to.as_str()))
        .collect();
    let from: Vec<String> = renamed.keys().map(|(from, _)| (*from).to_owned()).collect();
    let parcel: Vec<String> = renamed.keys().map(|(_, parcel)| (*parcel).to_owned()).collect();
    let to: Vec<String> = renamed.values().map(|to| (*to).to_owned()).collect();
    let moves = Moves::of(duties, Thing::Obligation, "target", "achieved");
    let mut years = Years::default();
    for duty in duties {
        if let (Thing::Obligation, Some(number), Some(year), Some(part)) =
            (duty.thing, &duty.to_number, duty.year, duty.share)
        {
            years.numbers.push(number.clone());
            years.years.push(year);
            years.parts.push(part);
        }
    }
    sqlx::query_file!(
        "src/store/lineage/move_obligations.sql",
        at,
        revision,
        on,
        &numbers(Thing::Obligation),
        &moves.from,
        &moves.to,
        &moves.parcel,
        &moves.first as &[Option<Decimal>],
        &moves.second as &[Option<Decimal>],
        &from,
        &parcel,
        &to,
        &years.numbers,
        &years.years,
        &years.parts
    )
    .execute(&mut *connection)
    .await?;
    let moves = Moves::of(duties, Thing::Bond, "amount_wan_yuan", "forfeited_wan_yuan");
    sqlx::query_file!(
        "src/store/lineage/move_bonds.sql",
        at,
        revision,
        on,
        &numbers(Thing::Bond),
        &moves.from,
        &moves.to,
        &moves.first as &[Option<Decimal>],
        &moves.second as &[Option<Decimal>]
    )
    .execute(&mut *connection)
    .await?;
    write_down(connection, event, duties).await
}

/// Writes down what became of each duty.
pub async fn write_down(connection: &mut PgConnection, event: i64, duties: &[Duty]) -> Result<(), StoreError> {
    let texts = |of: fn(&Duty) -> Option<&str>| duties.iter().map(|one| of(one).map(str::to_owned)).collect::<Vec<_>>();
    let figures: Vec<Option<String>> = duties.iter().map(Duty::figure).collect();
    let decimals = |of: fn(&Duty) -> Option<Decimal>| duties.iter().map(of).collect::<Vec<_>>();
    sqlx::query!(
        "insert into lineage_duty (event, thing, from_parcel, from_number, to_parcel, to_number, treatment, measure, whole, share, ground)
         select $1, d.thing, p.id, d.from_number, c.id, d.to_number, d.treatment, d.measure, d.whole, d.share, d.ground
         from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::numeric[], $10::numeric[], $11::text[])
             with ordinality d (thing, from_parcel, from_number, to_parcel, to_number, treatment, measure, whole, share, ground, place)
         join parcel p on p.code = d.from_parcel left join parcel c on c.code = d.to_parcel
         order by d.place",
        event,
        &texts(|one| Some(one.thing.name())) as &[Option<String>],
        &texts(|one| Some(&one.from_parcel)) as &[Option<String>],
        &texts(|one| Some(&one.from_number)) as &[Option<String>],
        &texts(|one| one.to_parcel.as_deref()) as &[Option<String>],
        &texts(|one| one.to_number.as_deref()) as &[Option<String>],
        &texts(|one| Some(Treatment::name(one.treatment))) as &[Option<String>],
        &figures as &[Option<String>],
        &decimals(|one| one.whole) as &[Option<Decimal>],
        &decimals(|one| one.share) as &[Option<Decimal>],
        &texts(|one| one.ground.as_deref()) as &[Option<String>]
    )
    .execute(connection)
    .await?;
    Ok(())
}
