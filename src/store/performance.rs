//! Annual returns, and how their figures reach parcels.

use super::StoreError;
use super::copied;
use super::copy::Rows;
use super::doubt::{Doubt, Doubts};
use super::recorded::merge_recorded;
use super::stage::{Merged, Refused, Row};
use super::write::Write;
use crate::domain::moment::Moment;
use crate::domain::performance::{Return, Veto};
use crate::domain::plausibility::Limit;
use crate::domain::review::sharing::{
    Figures, MEASURES, Measure, Misstated, Spread, Use, Year, misstated, parts, spread,
};
use chrono::{DateTime, NaiveDate, Utc};
use futures_util::TryStreamExt;
use serde_json::json;
use sqlx::postgres::PgPool;
use sqlx::{Acquire, PgConnection};
use std::collections::HashMap;
use std::ops::RangeInclusive;

/// Puts one row on its way in.
pub fn stage(rows: &mut Rows, file: i16, row: u64, it: &Return) {
    rows.row(file, row, &format!("{} {}", it.enterprise, it.year))
        .text(&it.enterprise)
        .value(&it.year)
        .optional_number(it.output_wan_yuan)
        .optional_number(it.revenue_wan_yuan)
        .optional_number(it.tax_wan_yuan)
        .optional_number(it.value_added_wan_yuan)
        .optional_number(it.fixed_assets_wan_yuan)
        .optional_number(it.energy_tce)
        .optional_number(it.emissions_t)
        .optional_number(it.rd_wan_yuan)
        .optional_number(it.staff)
        .optional_number(it.staff_local)
        .optional_text(it.veto.map(Veto::name))
        .optional_date(it.veto_cleared_on)
        .optional_number(it.electricity_kwh)
        .optional_number(it.water_m3)
        .optional_number(it.cod_t)
        .end();
}

/// Takes out the staged rows that refer to nothing.
pub(super) async fn check(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    let mut refused = Vec::new();
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_annual_return s where not exists (select from enterprise t where t.code = s.enterprise and upper_inf(t.recorded))
         returning s.file, s.row, s.key, s.enterprise as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse(
            "unknown-enterprise",
            "enterprise_code",
            "the code of an enterprise in the register; import enterprises first",
        )
    }));
    Ok(refused)
}

/// Merges the staged rows.
pub(super) async fn merge(write: &mut Write) -> Result<Merged, StoreError> {
    merge_recorded!(
        write,
        "annual_return",
        from "stage_annual_return",
        matching "t.enterprise = s.enterprise and t.year = s.year",
        changed "t.output_wan_yuan, t.revenue_wan_yuan, t.tax_wan_yuan, t.value_added_wan_yuan, \
         t.fixed_assets_wan_yuan, t.energy_tce, t.emissions_t, t.rd_wan_yuan, t.staff, t.staff_local, \
         t.veto, t.veto_cleared_on, t.electricity_kwh, t.water_m3, t.cod_t"
        to "s.output_wan_yuan, s.revenue_wan_yuan, s.tax_wan_yuan, s.value_added_wan_yuan, \
         s.fixed_assets_wan_yuan, s.energy_tce, s.emissions_t, s.rd_wan_yuan, s.staff, s.staff_local, \
         s.veto, s.veto_cleared_on, s.electricity_kwh, s.water_m3, s.cod_t",
        columns "enterprise, year, output_wan_yuan, revenue_wan_yuan, tax_wan_yuan, value_added_wan_yuan, \
         fixed_assets_wan_yuan, energy_tce, emissions_t, rd_wan_yuan, staff, staff_local, veto, \
         veto_cleared_on, electricity_kwh, water_m3, cod_t",
        values "s.enterprise, s.year, s.output_wan_yuan, s.revenue_wan_yuan, s.tax_wan_yuan, \
         s.value_added_wan_yuan, s.fixed_assets_wan_yuan, s.energy_tce, s.emissions_t, s.rd_wan_yuan, \
         s.staff, s.staff_local, s.veto, s.veto_cleared_on, s.electricity_kwh, s.water_m3, s.cod_t"
    )
}

/// The staged returns with a figure so many times that of the year before, or a part of it, be the other in the file or
/// in the register; a later year counts too where it is not in the file itself. At most `most` of them.
pub async fn jumps(connection: &mut PgConnection, limit: &Limit, most: i64) -> Result<Doubts, StoreError> {
    let rows = sqlx::query!(
        r#"select s.file, s.row, s.key, s.year, t.year as other_year, f.field as "field!", f.figure as "figure!",
               f.other as "other!", count(*) over () as "all!"
           from stage_annual_return s
           join annual_return t on t.enterprise = s.enterprise and upper_inf(t.recorded)
               and (t.year = s.year - 1
                    or t.year = s.year + 1 and not exists (
                        select from stage_annual_return n where n.enterprise = s.enterprise and n.year = s.year + 1))
           cross join lateral (values
               ('output_wan_yuan', s.output_wan_yuan, t.output_wan_yuan),
               ('revenue_wan_yuan', s.revenue_wan_yuan, t.revenue_wan_yuan),
               ('tax_wan_yuan', s.tax_wan_yuan, t.tax_wan_yuan),
               ('value_added_wan_yuan', s.value_added_wan_yuan, t.value_added_wan_yuan),
               ('fixed_assets_wan_yuan', s.fixed_assets_wan_yuan, t.fixed_assets_wan_yuan),
               ('energy_tce', s.energy_tce, t.energy_tce),
               ('emissions_t', s.emissions_t, t.emissions_t),
               ('rd_wan_yuan', s.rd_wan_yuan, t.rd_wan_yuan),
               ('staff', s.staff, t.staff),
               ('electricity_kwh', s.electricity_kwh, t.electricity_kwh),
               ('water_m3', s.water_m3, t.water_m3),
               ('cod_t', s.cod_t, t.cod_t)) f (field, figure, other)
           where greatest(f.figure, f.other) >= $2
             and greatest(f.figure, f.other) > $1 * least(f.figure, f.other)
             and f.figure >= 0 and f.other >= 0
             -- Out of nothing comes a new works, and no slip.
             and case when t.year < s.year then f.other else f.figure end > 0
           order by s.file, s.row, t.year, f.field limit $3"#,
        limit.limit,
        limit.least,
        most
    )
    .fetch_all(connection)
    .await?;
    let all = rows.first().map_or(0, |row| row.all.unsigned_abs());
    let kept = rows.into_iter().filter_map(|row| {
        let field = Measure::NAMES.into_iter().find(|name| *name == row.field)?;
        let expected = format!(
            "between 1/{times} of and {times} times the {other} of {year}; look at the unit of the column",
            times = limit.limit,
            other = row.other,
            year = row.other_year
        );
        let facts =
            vec![("year", json!(row.year)), ("other_year", json!(row.other_year)), ("other_value", json!(row.other))];
        Some(Doubt {
            file: row.file,
            row: row.row,
            key: row.key,
            code: limit.code.code(),
            field,
            value: row.figure.to_string(),
            expected,
            facts,
        })
    });
    Ok(Doubts { kept: kept.collect(), all })
}

/// What of an enterprise's figures of a year reached a parcel through one use.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    /// The enterprise's code.
    pub enterprise: String,
    /// Its name.
    pub name: String,
    /// The part of its figures, 0 to 1.
    pub part: f64,
    /// Why the share was stated; nothing where floor area × days decided.
    pub reason: Option<String>,
    /// Whether its tax is paid in this city.
    pub tax_is_local: bool,
    /// The part of each figure, in the order of the measures; nothing where it reported none.
    pub figures: Figures,
}

/// A parcel's figures of a year, and from whom they came.
#[derive(Debug, Clone, PartialEq)]
pub struct ParcelYear {
    /// The sums with what is known of them and what is paid elsewhere.
    pub year: Year,
    /// Those who used the parcel in the year.
    pub contributions: Vec<Contribution>,
}

/// The figures that reach a parcel in each of the years in which someone used it, in order, as the
/// register believed them at the moment; other uses of its users count while their parcels are law.
pub async fn of_parcel(
    connection: &mut PgConnection,
    code: &str,
    moment: &Moment,
    years: RangeInclusive<i32>,
) -> Result<Vec<ParcelYear>, StoreError> {
    let rows = sqlx::query!(
        r#"select o.parcel, o.enterprise, e.name, o.from_on, least(o.to_on, l.ends) as to_on, o.floor_area_m2,
               o.tax_is_local, o.share, o.share_reason
           from occupancy o join enterprise e on e.code = o.enterprise and e.recorded @> coalesce($3::timestamptz, 'infinity')
           -- Nothing where the parcel is law on the day, else the day on which it ceased to be.
           cross join lateral (
               select case when not bool_or(v.valid @> $2::date) then max(upper(v.valid)) filter (where upper(v.valid) <= $2::date) end as ends,
                   bool_or(v.valid @> $2::date) as is_law
               from parcel p join parcel_version v on v.parcel_id = p.id
               where p.code = o.parcel and v.recorded @> coalesce($3::timestamptz, 'infinity')) l
           where o.recorded @> coalesce($3::timestamptz, 'infinity')
             and o.enterprise in (
                 select u.enterprise from occupancy u
                 where u.parcel = $1 and u.recorded @> coalesce($3::timestamptz, 'infinity'))
             and (o.parcel = $1 or l.is_law or o.from_on < l.ends)
           order by o.parcel collate "C", o.enterprise collate "C", o.from_on, o.role"#,
        code,
        moment.valid_at,
        moment.known_at
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut enterprises: Vec<String> = rows.iter().map(|row| row.enterprise.clone()).collect();
    enterprises.sort_unstable();
    enterprises.dedup();
    let place = |code: &String| enterprises.binary_search(code).unwrap_or_default();
    let uses: Vec<Use> = rows
        .iter()
        .map(|row| Use {
            // Of all parcels only this one and the others matter.
            parcel: usize::from(row.parcel != code),
            enterprise: place(&row.enterprise),
            floor_area_m2: row.floor_area_m2,
            from: row.from_on,
            to: row.to_on,
            tax_is_local: row.tax_is_local,
            stated: row.share,
        })
        .collect();
    let mut returns = Vec::new();
    reported(connection, &enterprises, years.clone(), moment.known_at, |row| returns.push(row)).await?;
    // Where stated shares make no whole, floor area decided whatever reason is given.
    let doubtful: Vec<Vec<Misstated>> = (0..enterprises.len())
        .map(|place| misstated(&uses.iter().filter(|one| one.enterprise == place).copied().collect::<Vec<_>>()))
        .collect();
    let mut found = Vec::new();
    for year in years {
        let mut figures = vec![[None; MEASURES]; enterprises.len()];
        for row in returns.iter().filter(|row| row.year == year) {
            figures[place(&row.enterprise)] = row.figures;
        }
        let of_uses = parts(year, enterprises.len(), &uses);
        let contributions: Vec<Contribution> = rows
            .iter()
            .zip(uses.iter().zip(of_uses))
            .filter(|(_, (one, _))| one.parcel == 0 && one.days_within(year) > 0)
            .map(|(row, (one, part))| Contribution {
                enterprise: row.enterprise.clone(),
                name: row.name.clone(),
                part,
                reason: row
                    .share_reason
                    .clone()
                    .filter(|_| !doubtful[one.enterprise].iter().any(|time| time.touches(year))),
                tax_is_local: one.tax_is_local,
                figures: figures[one.enterprise].map(|figure| figure.map(|figure| figure * part)),
            })
            .collect();
        if contributions.is_empty() {
            continue;
        }
        let year = spread(year, 2, &uses, &figures).years[0];
        found.push(ParcelYear { year, contributions });
    }
    Ok(found)
}

/// What an enterprise reported for a year.
pub(super) struct Reported {
    /// The enterprise.
    pub enterprise: String,
    /// The year.
    pub year: i32,
    /// Its figures.
    pub figures: Figures,
}

/// Hands on what all enterprises reported for years, as believed now, in no order: the enterprise, the year, its figures.
pub(super) async fn reported_by_all(
    connection: &mut PgConnection,
    years: RangeInclusive<i32>,
    mut each: impl FnMut(&str, i32, Figures),
) -> Result<(), StoreError> {
    let (figures, first, last) = (Measure::NAMES.join(", "), years.start(), years.end());
    let query = format!(
        "select enterprise, year, {figures} from annual_return
         where upper_inf(recorded) and year between {first} and {last}"
    );
    copied::each(connection, &query, |cells| {
        let (enterprise, year) = (cells.text()?, cells.integer()?);
        let mut figures = Figures::default();
        for figure in &mut figures {
            *figure = cells.optional_number()?;
        }
        each(enterprise, year, figures);
        Ok(())
    })
    .await
}

/// Hands on what these enterprises reported for years, as believed at a time or now; in no order.
pub(super) async fn reported(
    connection: &mut PgConnection,
    enterprises: &[String],
    years: RangeInclusive<i32>,
    known_at: Option<DateTime<Utc>>,
    mut each: impl FnMut(Reported),
) -> Result<(), StoreError> {
    let mut rows = sqlx::query!(
        r#"select enterprise, year, output_wan_yuan, revenue_wan_yuan, tax_wan_yuan, value_added_wan_yuan,
               fixed_assets_wan_yuan, energy_tce, emissions_t, rd_wan_yuan, staff, staff_local, electricity_kwh, water_m3, cod_t
           from annual_return
           where recorded @> coalesce($4::timestamptz, 'infinity') and year between $2 and $3
               and enterprise = any($1)"#,
        enterprises,
        years.start(),
        years.end(),
        known_at
    )
    .fetch(connection);
    while let Some(row) = rows.try_next().await? {
        each(Reported {
            enterprise: row.enterprise,
            year: row.year,
            // The order of `Measure`.
            figures: [
                row.output_wan_yuan,
                row.revenue_wan_yuan,
                row.tax_wan_yuan,
                row.value_added_wan_yuan,
                row.fixed_assets_wan_yuan,
                row.energy_tce,
                row.emissions_t,
                row.rd_wan_yuan,
                row.staff,
                row.staff_local,
                row.electricity_kwh,
                row.water_m3,
                row.cod_t,
            ],
        });
    }
    Ok(())
}

/// A year's figures of the whole city.
#[derive(Debug, Clone, PartialEq)]
pub struct CityYear {
    /// The revision it was read at.
    pub revision: i64,
    /// What all enterprises reported.
    pub reported: [f64; MEASURES],
    /// How many enterprises reported something.
    pub enterprises: usize,
    /// How these figures reached parcels, and what became of the rest.
    pub spread: Spread,
}

/// Spreads a year's figures over the parcels that are law on the day, and over those that are so no longer for as long
/// as they were.
pub async fn of_city(pool: &PgPool, year: i32, day: NaiveDate) -> Result<CityYear, StoreError> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let revision = super::write::head(&mut tx).await?;
    let mut rows = Vec::new();
    reported_by_all(&mut tx, year..=year, |enterprise, year, figures| {
        rows.push(Reported { enterprise: enterprise.to_owned(), year, figures });
    })
    .await?;
    // One order, so that the sums are the same each time.
    rows.sort_unstable_by(|a, b| a.enterprise.cmp(&b.enterprise));
    let mut sums = [0.0; MEASURES];
    let mut enterprise_of = HashMap::new();
    let mut figures: Vec<Figures> = Vec::with_capacity(rows.len());
    for row in rows {
        for (sum, figure) in sums.iter_mut().zip(row.figures) {
            *sum += figure.unwrap_or(0.0);
        }
        enterprise_of.insert(row.enterprise, figures.len());
        figures.push(row.figures);
    }
    let rows = sqlx::query!(
        r#"select o.parcel, o.enterprise, o.from_on, least(o.to_on, l.ends) as to_on, o.floor_area_m2, o.tax_is_local, o.share
           from occupancy o join parcel p on p.code = o.parcel
           join (
               select v.parcel_id, bool_or(v.valid @> $1::date) as is_law,
                   case when not bool_or(v.valid @> $1::date) then max(upper(v.valid)) filter (where upper(v.valid) <= $1::date) end as ends
               from parcel_version v where upper_inf(v.recorded) group by v.parcel_id) l on l.parcel_id = p.id
           where upper_inf(o.recorded) and (l.is_law or o.from_on < l.ends)
           order by o.parcel collate "C", o.enterprise collate "C", o.from_on, o.role"#,
        day
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let mut parcel_of: HashMap<String, usize> = HashMap::new();
    let mut uses = Vec::with_capacity(rows.len());
    for row in rows {
        let next = parcel_of.len();
        let parcel = *parcel_of.entry(row.parcel).or_insert(next);
        // Who reported nothing has nothing to spread, but its floor area stays the parcel's.
        let enterprise = *enterprise_of.entry(row.enterprise).or_insert_with(|| {
            figures.push([None; MEASURES]);
            figures.len() - 1
        });
        uses.push(Use {
            parcel,
            enterprise,
            floor_area_m2: row.floor_area_m2,
            from: row.from_on,
            to: row.to_on,
            tax_is_local: row.tax_is_local,
            stated: row.share,
        });
    }
    let enterprises = figures.iter().filter(|own| own.iter().any(Option::is_some)).count();
    Ok(CityYear { revision, reported: sums, enterprises, spread: spread(year, parcel_of.len(), &uses, &figures) })
}
