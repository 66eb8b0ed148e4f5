//! A parcel as a case tells it, and the facts that a review would have of it. What a case leaves out is ordinary: 30 mu in
//! a base, in use since 2010, of industry 3911, without contract or fault.

use super::super::day;
use super::Known;
use chrono::NaiveDate;
use landcycle::domain::contract::obligation::{Excuse, ObligationKind};
use landcycle::domain::review::facts::{
    ContractFacts, Duty, DutyRow, Facts, MEASURES, MainUser, Measure, Share, VetoFact, Year,
};
use landcycle::domain::review::run::window;
use landcycle::domain::zoning::Tier;
use landcycle::domain::zoning::legacy::Class;
use serde::Deserialize;
use toml::value::Datetime;

/// One figure for every year, or one for each year of the window.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Yearly {
    Always(f64),
    Each(Vec<Known>),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Plot {
    /// How many such parcels there are.
    pub times: usize,
    mu: f64,
    /// Whether the area is the registered one.
    registered: bool,
    district: String,
    tier: Tier,
    /// The part of the older division that it lies in.
    legacy: Option<Class>,
    locked: bool,
    land_use: String,
    /// Empty where it is unknown.
    industry: String,
    floor_m2: Option<f64>,
    used_floor_m2: Option<f64>,
    plot_ratio_allowed: Option<f64>,
    in_use_since: Option<Datetime>,
    /// Nothing was ever built or used there.
    bare: bool,
    user: Option<String>,
    above_scale: Option<bool>,
    founded_on: Option<Datetime>,
    /// The share of the used floor area whose users reported their figures.
    reported: f64,
    /// Every year, in 万元 a mu.
    tax_per_mu: Option<Yearly>,
    output_per_mu: Option<Yearly>,
    tax: Option<Yearly>,
    output: Option<Yearly>,
    revenue: Option<Yearly>,
    value_added: Option<Yearly>,
    fixed_assets: Option<Yearly>,
    energy: Option<Yearly>,
    emissions: Option<Yearly>,
    research: Option<Yearly>,
    staff: Option<Yearly>,
    contract: Option<Paper>,
    faults: Vec<Fault>,
}

impl Default for Plot {
    fn default() -> Self {
        Self {
            times: 1,
            mu: 30.0,
            registered: true,
            district: "310115".into(),
            tier: Tier::Base,
            legacy: None,
            locked: false,
            land_use: "M1".into(),
            industry: "3911".into(),
            floor_m2: None,
            used_floor_m2: None,
            plot_ratio_allowed: None,
            in_use_since: None,
            bare: false,
            user: None,
            above_scale: None,
            founded_on: None,
            reported: 1.0,
            tax_per_mu: None,
            output_per_mu: None,
            tax: None,
            output: None,
            revenue: None,
            value_added: None,
            fixed_assets: None,
            energy: None,
            emissions: None,
            research: None,
            staff: None,
            contract: None,
            faults: Vec::new(),
        }
    }
}

/// Its newest contract. Without a word on it the term runs until 2050 and nothing is promised.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Paper {
    performance_terms: bool,
    term_ends: Option<Datetime>,
    developed_percent: Option<f64>,
    invested_percent: Option<f64>,
    suspended: Option<Datetime>,
    promises: Vec<Promise>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Promise {
    kind: String,
    due: Option<Datetime>,
    met: Option<Datetime>,
    target: Option<f64>,
    achieved: Option<f64>,
    #[serde(default)]
    at_most: bool,
    excuse: Option<String>,
}

/// A fault that nobody has cleared.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    kind: String,
    year: i32,
}

pub(super) fn date(written: &Datetime) -> NaiveDate {
    written.to_string().parse().unwrap()
}

impl Promise {
    fn on(&self, as_of: NaiveDate) -> Duty {
        let kind = ObligationKind::WORDS.iter().find(|(word, _)| *word == self.kind);
        let excuse = self.excuse.as_ref().map(|word| Excuse::WORDS.iter().find(|(one, _)| one == word).unwrap().1);
        let row = DutyRow {
            kind: kind.unwrap_or_else(|| panic!("no promise is of kind {:?}", self.kind)).1,
            due_on: self.due.as_ref().map(date),
            met_on: self.met.as_ref().map(date),
            target: self.target,
            achieved: self.achieved,
            at_most: self.at_most,
            excuse,
        };
        row.on(as_of)
    }
}

impl Paper {
    fn facts(&self, as_of: NaiveDate) -> ContractFacts {
        ContractFacts {
            amended_by: Vec::new(),
            developed_percent: self.developed_percent,
            duties: self.promises.iter().map(|promise| promise.on(as_of)).collect(),
            invested_percent: self.invested_percent,
            number: "1".into(),
            performance_terms: self.performance_terms,
            responsible_unit: None,
            signed_on: day(2008, 1, 1),
            suspended_on: self.suspended.as_ref().map(date),
            targets: Vec::new(),
            term_ends_on: Some(self.term_ends.as_ref().map_or(day(2050, 1, 1), date)),
        }
    }
}

impl Plot {
    /// The facts of the parcel of that number on a day, its figures in so many years.
    pub fn facts(&self, number: u32, as_of: NaiveDate, years: u32) -> Facts {
        let user = self.user.clone().or_else(|| self.above_scale.map(|_| format!("E{number}")));
        let user = user.or_else(|| self.founded_on.as_ref().map(|_| format!("E{number}")));
        let since = self.in_use_since.as_ref().map_or(day(2010, 1, 1), date);
        Facts {
            district: self.district.clone(),
            tier: self.tier,
            legacy_class: self.legacy,
            locked: self.locked,
            land_use: self.land_use.clone(),
            land_m2: self.mu * 10_000.0 / 15.0,
            land_is_registered: self.registered,
            plot_ratio_allowed: self.plot_ratio_allowed,
            floor_m2: self.floor_m2,
            used_floor_m2: self.used_floor_m2,
            industry: Some(self.industry.clone()).filter(|class| !class.is_empty()),
            user: user.map(|code| MainUser {
                code,
                above_scale: self.above_scale,
                founded_on: self.founded_on.as_ref().map(date),
            }),
            in_use_since: (!self.bare).then_some(since),
            years: self.years(as_of, years),
            contract: self.contract.as_ref().map(|paper| paper.facts(as_of)),
            vetoes: self
                .faults
                .iter()
                .map(|fault| VetoFact { enterprise: "E1".into(), kind: fault.kind.clone(), year: fault.year })
                .collect(),
            ..super::super::parcel(number)
        }
    }

    fn years(&self, as_of: NaiveDate, years: u32) -> Vec<Year> {
        let mut list: Vec<Year> = window(as_of, years).map(|year| Year { year, ..Year::default() }).collect();
        let per_mu = |figures: &Option<Yearly>| figures.clone().map(|figures| (figures, self.mu));
        let whole = |figures: &Option<Yearly>| figures.clone().map(|figures| (figures, 1.0));
        let figures: [Option<(Yearly, f64)>; MEASURES] = Measure::ALL.map(|measure| match measure {
            Measure::Output => whole(&self.output).or_else(|| per_mu(&self.output_per_mu)),
            Measure::Revenue => whole(&self.revenue),
            Measure::Tax => whole(&self.tax).or_else(|| per_mu(&self.tax_per_mu)),
            Measure::ValueAdded => whole(&self.value_added),
            Measure::FixedAssets => whole(&self.fixed_assets),
            Measure::Energy => whole(&self.energy),
            Measure::Emissions => whole(&self.emissions),
            Measure::Research => whole(&self.research),
            Measure::Staff => whole(&self.staff),
            // Cases of these are in `indicators.toml`.
            Measure::StaffLocal | Measure::Electricity | Measure::Water | Measure::Cod => None,
        });
        for (measure, figures) in figures.into_iter().enumerate() {
            let Some((figures, times)) = figures else { continue };
            for (place, year) in list.iter_mut().enumerate() {
                let figure = match &figures {
                    Yearly::Always(figure) => Some(*figure),
                    Yearly::Each(list) => {
                        assert_eq!(list.len(), years as usize, "a figure for each year of the window");
                        list[place].figure()
                    }
                };
                if let Some(figure) = figure {
                    year.figures[measure] = Share { sum: figure * times, known: self.reported };
                }
            }
        }
        list
    }
}
