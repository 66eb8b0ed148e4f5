//! What the made-up city secured for industry year by year, and what its parks hold in reserve. Every figure, lot and
//! document is made up, and the documents say so.

use super::chance::{Chance, Stage};
use super::places::Flavour;
use super::unit::{Parcel, Unit, days_after, round};
use crate::domain::reserve::{Exit, Mode, Readiness};
use crate::domain::supply::Source;
use crate::exchange::write::Value;
use chrono::{Datelike, NaiveDate};

/// The years of the ledger, and how much of the parcels is secured in each: about 10,000 mu in a city of Shanghai's size.
const YEARS: std::ops::RangeInclusive<i32> = 2023..=2025;
const SHARE_A_YEAR: f64 = 0.0095;
/// The most lots that a park keeps.
const MOST_LOTS: i64 = 3;

fn day(year: i32, of_year: i64) -> NaiveDate {
    days_after(NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default(), of_year)
}

/// What a park leads with: the divisions of GB/T 4754 that its flavour mostly is.
pub(super) fn leading_industries(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::Research => "73、65、39",
        Flavour::Chips => "39、35",
        Flavour::Auto => "36、38",
        Flavour::Machines => "34、35、37",
        Flavour::Chemicals => "26",
        Flavour::Steel => "31、33",
        Flavour::Logistics => "59",
        Flavour::Health => "27、35",
        // A mixed estate has named none.
        Flavour::Mixed => "",
    }
}

/// The rows of the supply ledger that a unit adds.
pub(super) fn secured(unit: &Unit<'_>, parcels: &[Parcel], seed: u64) -> Vec<Vec<Value>> {
    let mut chance = Chance::of(seed, Stage::Supply, unit.index);
    let mut rows = Vec::new();
    for (index, parcel) in parcels.iter().enumerate() {
        for year in YEARS {
            let (is_secured, on, source) =
                (chance.once_in(SHARE_A_YEAR), day(year, chance.whole(0, 364)), *chance.pick(&Source::ALL[..3]));
            // Land contracted in the year was transferred in it; nothing is secured that was not there yet.
            let (on, source) =
                if parcel.signed_on.year() == year { (parcel.signed_on, Source::Transfer) } else { (on, source) };
            if !is_secured || on < parcel.signed_on {
                continue;
            }
            let number = unit.first + index + 1;
            rows.push(vec![
                Value::from(format!("BZ-{year}-{number:06}")),
                Value::from(parcel.code.as_str()),
                Value::Integer(i64::from(year)),
                Value::from(source.chinese()),
                Value::from(parcel.registered_m2),
                Value::from(on),
                Value::from(format!("演示保障〔{year}〕{number}号（虚构）")),
            ]);
        }
    }
    rows
}

/// The rows of the reserve that a park adds: lots that came in, and what went out of them.
pub(super) fn reserve(unit: &Unit<'_>, parcels: &[Parcel], seed: u64) -> Vec<Vec<Value>> {
    let Some(park) = unit.park_code() else { return Vec::new() };
    let mut chance = Chance::of(seed, Stage::Reserve, unit.index);
    let mut rows = Vec::new();
    for number in 1..=chance.whole(0, MOST_LOTS) {
        let lot = format!("CB-{park}-{number}");
        let came_in = day(i32::try_from(chance.whole(2021, 2024)).unwrap_or(2024), chance.whole(0, 300));
        // A platform that buys back a parcel which still stands names it; other lots have lost their old code.
        let bought = Some(chance.pick(parcels)).filter(|parcel| number == 1 && parcel.signed_on < came_in);
        let area = bought.map_or_else(|| round(chance.between(3_000.0, 40_000.0), 1), |parcel| parcel.registered_m2);
        let (exit, readiness) = match bought {
            Some(_) => (Exit::PlatformRepurchase, Readiness::Occupied),
            None => (*chance.pick(&Exit::ALL[..4]), *chance.pick(&Readiness::ALL[1..])),
        };
        let document = |side: &str| Value::from(format!("演示储备{side}{lot}（虚构）"));
        rows.push(vec![
            Value::from(format!("{lot}-R")),
            Value::from(lot.as_str()),
            Value::from("入库"),
            Value::from(area),
            Value::from(came_in),
            document("入库"),
            Value::from(park.as_str()),
            Value::from(bought.map(|parcel| parcel.code.as_str())),
            Value::from(exit.chinese()),
            Value::from(readiness.chinese()),
            Value::Empty,
        ]);
        if readiness == Readiness::Occupied {
            continue;
        }
        let mut left = area;
        for out in 1..=chance.whole(0, 2) {
            let part = round(left * chance.between(0.2, 0.6), 1);
            left -= part;
            rows.push(vec![
                Value::from(format!("{lot}-C{out}")),
                Value::from(lot.as_str()),
                Value::from("出库"),
                Value::from(part),
                Value::from(days_after(came_in, 120 * out)),
                document("出库"),
                Value::Empty,
                Value::Empty,
                Value::Empty,
                Value::Empty,
                Value::from(chance.pick(Mode::ALL).chinese()),
            ]);
        }
    }
    rows
}
