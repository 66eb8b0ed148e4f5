//! Land contracts and what they promise: bare ones of fifty years from before July 2014, life-cycle ones of twenty
//! years since, and what came of each by the day of the city.

use super::chance::{Chance, Stage};
use super::city::DISTRICTS;
use super::economy::Economy;
use super::places::Standing;
use super::unit::{Fate, Ground, Parcel, Unit, day, days_after, round, today};
use crate::domain::contract::due::{DueRule, DueUnit, Event};
use chrono::{Datelike, Months, NaiveDate};

/// A contract.
pub(super) struct Contract {
    pub number: String,
    pub parcel: usize,
    pub kind: &'static str,
    pub holder: usize,
    pub signed_on: NaiveDate,
    pub years: Option<i64>,
    pub starts_on: NaiveDate,
    pub ends_on: Option<NaiveDate>,
    pub price_wan_yuan: Option<f64>,
    pub ratio_low: Option<f64>,
    pub ratio_high: Option<f64>,
    pub performance_terms: bool,
    pub responsible_unit: String,
    pub developed: Option<f64>,
    pub invested: Option<f64>,
    pub suspended_on: Option<NaiveDate>,
    pub paid_on: Option<NaiveDate>,
    pub handed_over_on: Option<NaiveDate>,
    pub deposit_wan_yuan: Option<f64>,
    /// For start, completion and production.
    pub bonds: Option<[f64; 3]>,
    pub bond_form: &'static str,
    pub bond_due_on: Option<NaiveDate>,
}

/// An obligation.
pub(super) struct Obligation {
    pub number: String,
    pub contract: usize,
    pub kind: &'static str,
    pub due: DueRule,
    pub target: Option<(f64, &'static str, &'static str)>,
    pub met_on: Option<NaiveDate>,
    pub achieved: Option<f64>,
    pub excuse: Option<&'static str>,
    pub body: Option<&'static str>,
    pub evidence: Option<&'static str>,
    pub consequence: Option<&'static str>,
}

/// Makes the contracts and obligations of a unit.
pub(super) fn history(
    unit: &Unit<'_>,
    parcels: &[Parcel],
    economy: &Economy,
    seed: u64,
) -> (Vec<Contract>, Vec<Obligation>) {
    let mut chance = Chance::of(seed, Stage::History, unit.index);
    let district = DISTRICTS[unit.district()].name;
    let responsible_unit = match (&unit.ground, unit.standing()) {
        (Ground::Park(park), Some(Standing::Leading | Standing::Solid)) => {
            format!("{}园区管理委员会（演示）", park.place.name)
        }
        (Ground::Park(park), _) => format!("{district}{}镇人民政府（演示）", park.place.name),
        (Ground::Scattered(_), _) => format!("{district}经济委员会（演示）"),
    };
    let (mut contracts, mut obligations) = (Vec::new(), Vec::new());
    for (index, (parcel, holder)) in parcels.iter().zip(&economy.holders).enumerate() {
        let mut contract = contract(index, parcel, *holder, &responsible_unit, &mut chance);
        if contract.performance_terms {
            promises(contracts.len(), &mut contract, parcel, &mut chance, &mut obligations);
        }
        contracts.push(contract);
    }
    (contracts, obligations)
}

fn years_after(start: NaiveDate, years: i64) -> NaiveDate {
    let months = u32::try_from(years * 12).unwrap_or(0);
    start.checked_add_months(Months::new(months)).unwrap_or(start)
}

fn contract(index: usize, parcel: &Parcel, holder: usize, responsible_unit: &str, chance: &mut Chance) -> Contract {
    let life_cycle = parcel.signed_on >= day(2014, 7, 1);
    let (mut kind, mut years) = if life_cycle {
        match chance.weighted(&[88.0, 6.0, 6.0]) {
            0 => ("出让", 20),
            1 => ("先租后让", 20),
            _ => ("租赁", 20),
        }
    } else {
        match chance.weighted(&[90.0, 3.5, 6.5]) {
            0 => ("出让", 50),
            1 => ("划拨", 0),
            _ => ("租赁", if parcel.signed_on.year() < 1998 { 50 } else { 30 }),
        }
    };
    let mut starts_on = days_after(parcel.signed_on, chance.whole(10, 60));
    // Some terms end within eighteen months of the day of the city.
    if !life_cycle && chance.once_in(0.016) {
        let ends_on = days_after(today(), chance.whole(15, 530));
        years = i64::from(ends_on.year() - parcel.signed_on.year());
        kind = if years > 20 { "出让" } else { "租赁" };
        let months = u32::try_from(years * 12).unwrap_or(0);
        starts_on = ends_on.checked_sub_months(Months::new(months)).unwrap_or(starts_on);
    }
    let signed_on = parcel.signed_on.min(days_after(starts_on, -10));
    let allocated = kind == "划拨";
    let a_mu = if life_cycle { chance.between(55.0, 190.0) } else { chance.between(14.0, 62.0) };
    let performance_terms = life_cycle;
    let low = performance_terms.then(|| round((parcel.ratio_allowed * chance.between(0.45, 0.75)).max(0.5), 1));
    let (developed, invested, suspended_on) = match parcel.fate {
        Fate::NotStarted | Fate::Late => (Some(0.0), Some(round(chance.between(0.0, 9.0), 1)), None),
        Fate::Building => {
            (Some(round(chance.between(25.0, 85.0), 1)), Some(round(chance.between(20.0, 75.0), 1)), None)
        }
        Fate::Suspended => {
            let stopped = days_after(day(2023, 3, 1), chance.whole(0, 800));
            // Idle by one test or the other: under a third developed, or under a quarter invested.
            if chance.once_in(0.7) {
                (Some(round(chance.between(4.0, 32.0), 1)), Some(round(chance.between(8.0, 60.0), 1)), Some(stopped))
            } else {
                (Some(round(chance.between(35.0, 60.0), 1)), Some(round(chance.between(6.0, 24.0), 1)), Some(stopped))
            }
        }
        Fate::Operating if performance_terms => (Some(100.0), Some(round(chance.between(82.0, 138.0), 1)), None),
        Fate::Operating => (None, None, None),
    };
    Contract {
        number: format!("沪演合〔{}〕{}-{}", signed_on.year(), &parcel.code[..12], &parcel.code[14..]),
        parcel: index,
        kind,
        holder,
        signed_on,
        years: (!allocated).then_some(years),
        starts_on,
        ends_on: (!allocated).then(|| years_after(starts_on, years)),
        price_wan_yuan: (!allocated).then(|| round(a_mu * parcel.mu(), 2)),
        ratio_low: low,
        ratio_high: (life_cycle || chance.once_in(0.4)).then_some(parcel.ratio_allowed),
        performance_terms,
        responsible_unit: responsible_unit.to_owned(),
        developed,
        invested,
        suspended_on,
        paid_on: None,
        handed_over_on: None,
        deposit_wan_yuan: None,
        bonds: None,
        bond_form: "现金",
        bond_due_on: None,
    }
}

/// What goes before works: the price is paid, the land handed over and the bond given. The start is counted from the
/// handover where that lies late enough after the signature; else the contract names its day.
fn handed_over(contract: &mut Contract, start: NaiveDate) -> DueRule {
    let Some(price) = contract.price_wan_yuan else { return DueRule::On(start) };
    contract.deposit_wan_yuan = Some(round(price * 0.2, 4));
    contract.bonds = Some([0.05, 0.05, 0.05].map(|share| round(price * share, 4)));
    contract.bond_form = if contract.number.ends_with(['0', '5']) { "保函" } else { "现金" };
    contract.bond_due_on = Some(days_after(contract.signed_on, 7));
    let handover = start.checked_sub_months(Months::new(6));
    let again = |day: NaiveDate| day.checked_add_months(Months::new(6)) == Some(start);
    match handover.filter(|day| again(*day) && *day >= days_after(contract.signed_on, 40)) {
        Some(day) => {
            contract.paid_on = Some(days_after(contract.signed_on, 28));
            contract.handed_over_on = Some(day);
            DueRule::After { event: Event::Handover, count: 6, unit: DueUnit::Months }
        }
        None => DueRule::On(start),
    }
}

/// What a life-cycle contract promises: four days and some figures.
fn promises(
    index: usize,
    contract: &mut Contract,
    parcel: &Parcel,
    chance: &mut Chance,
    obligations: &mut Vec<Obligation>,
) {
    let start = days_after(contract.signed_on, chance.whole(180, 260));
    let completion = days_after(start, chance.whole(900, 1_100));
    let production = days_after(completion, chance.whole(150, 240));
    let full = days_after(production, chance.whole(720, 1_100));
    let start_rule = handed_over(contract, start);
    let contract = &*contract;
    let mut number = 0;
    let mut add = |kind, due, target, met_on: Option<NaiveDate>, achieved, excuse| {
        number += 1;
        let (evidence, consequence) = match kind {
            "start" => (Some("施工许可证、开工照片"), Some("逾期开工按合同扣除开工保证金，逾期超过一年可解除合同")),
            "completion" => (Some("竣工验收备案"), Some("按合同扣除竣工保证金")),
            "production" => (Some("投产认定"), Some("按合同扣除投产保证金")),
            "tax" | "output" => (Some("年报"), None),
            _ => (None, None),
        };
        obligations.push(Obligation {
            number: format!("{}-{number:02}", contract.number),
            contract: index,
            kind,
            due,
            target,
            met_on: met_on.filter(|met| *met <= today()),
            achieved,
            excuse,
            body: (kind == "tax").then_some("区税务局（演示）"),
            evidence,
            consequence,
        });
    };
    let on = DueRule::On;
    // Yearly figures are looked at each spring from the year after full production on.
    let yearly = DueRule::Yearly { month: 4, day: 30, from: full.year() + 1, to: None };
    let started = matches!(parcel.fate, Fate::Operating | Fate::Building | Fate::Suspended);
    let excused = parcel.fate == Fate::NotStarted && chance.once_in(0.15);
    let near = |due: NaiveDate, chance: &mut Chance| {
        // Most are in time, some are late, a few by a year.
        let late = match chance.weighted(&[80.0, 16.0, 4.0]) {
            0 => chance.whole(-90, 0),
            1 => chance.whole(1, 150),
            _ => chance.whole(150, 420),
        };
        days_after(due, late)
    };
    let met = started.then(|| near(start, chance).max(days_after(contract.signed_on, 60)));
    add("start", start_rule, None, met, None, excused.then_some("government"));
    let operating = parcel.fate == Fate::Operating;
    let met = operating.then(|| near(completion, chance));
    let excuse = (operating && chance.once_in(0.02)).then_some("force_majeure");
    add("completion", on(completion), None, met, None, excuse);
    let met_production = operating.then(|| near(production, chance));
    add("production", on(production), None, met_production, None, None);
    let met = (operating && chance.once_in(0.9)).then(|| near(full, chance));
    add("full_production", on(full), None, met, None, None);

    let invested = contract.invested.unwrap_or(0.0) / 100.0;
    let investment = round(parcel.mu() * chance.between(180.0, 700.0), 0).max(1.0);
    let done = round(investment * invested, 1);
    add("investment", on(completion), Some((investment, "万元", ">=")), None, (done > 0.0).then_some(done), None);
    let tax = round(parcel.mu() * chance.between(8.0, 45.0), 1).max(0.1);
    add("tax", yearly, Some((tax, "万元/年", ">=")), None, None, None);
    let output = round(parcel.mu() * chance.between(150.0, 800.0), 0).max(1.0);
    add("output", yearly, Some((output, "万元/年", ">=")), None, None, None);
    if chance.once_in(0.6) {
        let jobs = round(parcel.mu() * chance.between(0.8, 3.5), 0).max(1.0);
        let found = operating.then(|| round(jobs * chance.between(0.6, 1.5), 0));
        add("jobs", on(full), Some((jobs, "人", ">=")), None, found, None);
    }
    if chance.once_in(0.25) {
        let energy = round(output * chance.between(0.03, 0.3), 1).max(0.1);
        add("energy", yearly, Some((energy, "吨标煤/年", "<=")), None, None, None);
    }
    if let Some(low) = contract.ratio_low {
        let built = round(parcel.floor_m2() / parcel.registered_m2, 2);
        add("plot_ratio_low", on(completion), Some((low, "", ">=")), None, (built > 0.0).then_some(built), None);
    }
}
