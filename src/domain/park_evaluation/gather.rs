//! From the register's rows, frozen in one moment, to the facts about each park: what its enterprises reported reaches it
//! through the parcels they use, and what its parcels are is summed.

use super::indicator::ParkFacts;
use crate::domain::contract::tracks::Limits;
use crate::domain::review::decision::Idle;
use crate::domain::review::facts::{Facts, MEASURES, Measure, round};
use crate::domain::review::freeze::{Frozen, Own};
use crate::domain::review::grade::Grade;
use crate::domain::review::sharing::parts;
use chrono::NaiveDate;
use std::collections::HashMap;
use std::sync::Arc;

/// Figures of enterprises and land of parcels are kept to a millionth.
const DECIMALS: i32 = 6;

/// A park of the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkRow {
    /// Its code.
    pub code: String,
    /// The classes of GB/T 4754 that it leads with.
    pub leading_industries: Vec<String>,
}

/// The rows that an evaluation looks at.
#[derive(Debug, Default)]
pub struct FrozenParks {
    /// The parks in the order of their codes.
    pub parks: Vec<ParkRow>,
    /// Parcels, enterprises, uses, figures of the year and the one before, contracts.
    pub register: Arc<Frozen>,
    /// What is on record of each parcel alone.
    pub own: Own,
    /// The newest published review of parcels that judges a day not after that of the evaluation.
    pub review_run: Option<i64>,
    /// The grades in it, by the code of the parcel.
    pub grades: HashMap<String, Grade>,
}

/// What of a year's figures reached a park.
#[derive(Debug, Clone, Default)]
struct Reached {
    /// Floor area × days in use.
    days: f64,
    /// The part of them behind which a figure is known.
    known: [f64; MEASURES],
    /// The figures.
    sums: [f64; MEASURES],
    /// Output of those whose industry is known.
    classified: f64,
    /// The part of it that the leading industries gave.
    leading: f64,
}

impl Reached {
    fn share(&self, measure: Measure) -> f64 {
        if self.days > 0.0 { round(self.known[measure as usize] / self.days, DECIMALS) } else { 0.0 }
    }

    /// The figure, where enough of it is known; what is unreported is taken at the rate of the rest, floor area for floor
    /// area.
    fn figure(&self, measure: Measure, unreported: f64) -> Option<f64> {
        let share = self.share(measure);
        let is_known = share > 0.0 && share >= 1.0 - unreported;
        is_known.then(|| round(self.sums[measure as usize] / share, DECIMALS))
    }

    /// The part of the output that the leading industries gave, where the industries of enough of it are known.
    fn leading_share(&self, unreported: f64) -> Option<f64> {
        let all = self.sums[Measure::Output as usize];
        let is_known = self.classified > 0.0 && self.classified >= all * (1.0 - unreported);
        is_known.then(|| self.leading / self.classified)
    }
}

/// What the parcels of a park are.
#[derive(Debug, Clone, Default)]
struct Land {
    parcels: u32,
    land: f64,
    contracted: f64,
    idle: f64,
    judged: f64,
    d: f64,
    /// Land whose plan ratio is known, what the plan allows on it, and what is built there.
    planned: f64,
    allowed: f64,
    built: f64,
    has_building: bool,
}

impl FrozenParks {
    /// The facts about each park in a year, in the order of their codes. The idle-land rules are those of the day.
    pub fn facts(self, year: i32, as_of: NaiveDate, limits: &Limits, unreported: f64) -> Vec<ParkFacts> {
        let place_of: HashMap<&str, usize> =
            self.parks.iter().enumerate().map(|(place, park)| (park.code.as_str(), place)).collect();
        let park_of: Vec<Option<usize>> =
            self.register.parcels.iter().map(|one| place_of.get(one.park.as_deref()?).copied()).collect();
        let now = reached(&self.parks, &self.register, &park_of, year);
        let before = reached(&self.parks, &self.register, &park_of, year - 1);
        let mut lands = vec![Land::default(); self.parks.len()];
        for facts in self.register.facts_where(1, as_of, self.own, |parcel| parcel.park.is_some()) {
            let Some(place) = facts.park.as_deref().and_then(|park| place_of.get(park)) else { continue };
            lands[*place].add(&facts, self.grades.get(&facts.code).copied(), limits);
        }
        drop(place_of);
        let has_review = self.review_run.is_some();
        let together = self.parks.into_iter().zip(lands).zip(now.iter().zip(&before));
        together
            .map(|((park, land), (now, before))| {
                let figure = |measure| now.figure(measure, unreported);
                let output = figure(Measure::Output);
                let leading = Some(&park.leading_industries).filter(|named| !named.is_empty());
                let leading = leading.and_then(|_| now.leading_share(unreported)).zip(output);
                let reported = Measure::ALL.into_iter().zip(Measure::NAMES);
                let reported = reported.filter(|(measure, _)| COUNTED.contains(measure));
                let is_planned = land.has_building && land.planned >= land.land * (1.0 - unreported);
                let metres = |area: f64, is_known: bool| is_known.then(|| round(area, DECIMALS));
                ParkFacts {
                    allowed_floor_m2: metres(land.allowed, is_planned),
                    d_m2: metres(land.d, has_review && land.judged > 0.0),
                    floor_m2: metres(land.built, is_planned),
                    idle_m2: metres(land.idle, land.contracted > 0.0),
                    investment_wan_yuan: figure(Measure::FixedAssets),
                    judged_m2: metres(land.judged, has_review && land.judged > 0.0),
                    land_m2: round(land.land, DECIMALS),
                    leading_output_wan_yuan: leading.map(|(share, output)| round(share * output, DECIMALS)),
                    output_before_wan_yuan: before.figure(Measure::Output, unreported),
                    output_wan_yuan: output,
                    parcels: land.parcels,
                    reported: reported.map(|(measure, name)| (name.to_owned(), now.share(measure))).collect(),
                    research_wan_yuan: figure(Measure::Research),
                    revenue_wan_yuan: figure(Measure::Revenue),
                    staff: figure(Measure::Staff),
                    tax_wan_yuan: figure(Measure::Tax),
                    code: park.code,
                    leading_industries: park.leading_industries,
                }
            })
            .collect()
    }
}

/// The figures that an evaluation asks enterprises for.
const COUNTED: [Measure; 6] =
    [Measure::Output, Measure::Revenue, Measure::Tax, Measure::FixedAssets, Measure::Research, Measure::Staff];

impl Land {
    fn add(&mut self, facts: &Facts, grade: Option<Grade>, limits: &Limits) {
        self.parcels += 1;
        self.land += facts.land_m2;
        if facts.contract.is_some() {
            self.contracted += facts.land_m2;
        }
        if limits.situation(facts, Grade::T).idle != Idle::None {
            self.idle += facts.land_m2;
        }
        match grade {
            None | Some(Grade::T) => {}
            Some(grade) => {
                self.judged += facts.land_m2;
                if grade == Grade::D {
                    self.d += facts.land_m2;
                }
            }
        }
        self.has_building |= facts.floor_m2.is_some();
        if let Some(ratio) = facts.plot_ratio_allowed {
            self.planned += facts.land_m2;
            self.allowed += facts.land_m2 * ratio;
            // In a park whose buildings are on record, a parcel without one has none.
            self.built += facts.floor_m2.unwrap_or(0.0);
        }
    }
}

/// What of a year's figures reached each park. Sums go in the order of the uses.
fn reached(parks: &[ParkRow], register: &Frozen, park_of: &[Option<usize>], year: i32) -> Vec<Reached> {
    let mut found = vec![Reached::default(); parks.len()];
    let reported = register.returns.get(&year);
    let parts = parts(year, register.enterprises.len(), &register.uses);
    for (one, part) in register.uses.iter().zip(parts) {
        let Some(place) = park_of[one.parcel] else { continue };
        let days = one.floor_area_m2 * f64::from(one.days_within(year));
        if days == 0.0 {
            continue;
        }
        let figures = reported.map(|reported| reported.of(one.enterprise)).unwrap_or_default();
        let park = &mut found[place];
        park.days += days;
        for measure in Measure::ALL {
            // Tax that is paid to another city is unknown to this one.
            let is_here = measure != Measure::Tax || one.tax_is_local;
            if let Some(figure) = figures[measure as usize].filter(|_| is_here) {
                park.sums[measure as usize] += figure * part;
                park.known[measure as usize] += days;
            }
        }
        let output = figures[Measure::Output as usize];
        if let Some((output, industry)) = output.zip(register.enterprises[one.enterprise].industry.as_deref()) {
            park.classified += output * part;
            // A class leads with all that is in it.
            if parks[place].leading_industries.iter().any(|class| industry.starts_with(class.as_str())) {
                park.leading += output * part;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::review::facts::{Figures, MainUser, Use};
    use crate::domain::review::freeze::{EnterpriseRow, ParcelRow};
    use crate::domain::rulebook::Rulebook;
    use crate::domain::zoning::Tier;
    use std::collections::BTreeMap;

    fn day(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).expect("a day")
    }

    fn parcel(code: &str, park: Option<&str>, floor_m2: Option<f64>) -> ParcelRow {
        ParcelRow {
            code: code.into(),
            district: "310115".into(),
            park: park.map(Arc::from),
            tier: Tier::Fragmented,
            legacy_class: None,
            locked: false,
            land_use: "M1".into(),
            registered_area_m2: Some(10_000.0),
            area_m2: 9_999.0,
            plot_ratio_allowed: Some(2.0),
            floor_m2,
            used_floor_m2: None,
            footprint_m2: None,
            occupied: None,
            state: None,
        }
    }

    fn enterprise(code: &str, industry: Option<&str>) -> EnterpriseRow {
        let user = MainUser { above_scale: None, code: code.into(), founded_on: None };
        EnterpriseRow { user, industry: industry.map(Arc::from) }
    }

    fn usage(parcel: usize, enterprise: usize, floor_area_m2: f64) -> Use {
        let from = day(2010, 1, 1);
        Use { parcel, enterprise, floor_area_m2, from, to: None, tax_is_local: true, stated: None }
    }

    fn reported(output: f64, tax: f64) -> Figures {
        let mut figures = Figures::default();
        figures[Measure::Output as usize] = Some(output);
        figures[Measure::Tax as usize] = Some(tax);
        figures
    }

    /// Park P of two parcels and one outside all parks; E1 is on both sides of its border, E2 and E3 inside.
    fn frozen() -> FrozenParks {
        FrozenParks {
            parks: vec![
                ParkRow { code: "P".into(), leading_industries: vec!["39".into()] },
                ParkRow { code: "Q".into(), leading_industries: Vec::new() },
            ],
            register: Arc::new(Frozen {
                parcels: vec![
                    parcel("A", Some("P"), Some(12_000.0)),
                    parcel("B", Some("P"), None),
                    parcel("C", None, Some(8_000.0)),
                ],
                enterprises: vec![
                    enterprise("E1", Some("3911")),
                    enterprise("E2", Some("2710")),
                    enterprise("E3", Some("3399")),
                ],
                uses: vec![usage(0, 0, 3_000.0), usage(0, 1, 5_000.0), usage(1, 2, 2_000.0), usage(2, 0, 1_000.0)],
                returns: BTreeMap::from([(
                    2025,
                    [reported(800.0, 80.0), reported(400.0, 40.0), Figures::default()].into_iter().collect(),
                )]),
                ..Frozen::default()
            }),
            own: Own::default(),
            review_run: Some(7),
            grades: HashMap::from([("A".into(), Grade::D), ("B".into(), Grade::T), ("C".into(), Grade::A)]),
        }
    }

    fn facts(frozen: FrozenParks, unreported: f64) -> Vec<ParkFacts> {
        let book = Rulebook::parse(include_str!("../../../data/rulebook/values.toml")).expect("well formed");
        let day = day(2025, 12, 31);
        frozen.facts(2025, day, &Limits::on(&book, day).expect("in force"), unreported)
    }

    #[test]
    fn what_an_enterprise_earns_outside_the_park_is_not_the_parks_and_what_is_unreported_is_taken_at_the_rate_of_the_rest()
     {
        let found = facts(frozen(), 0.2);
        let park = &found[0];
        // E1 has three quarters of its floor inside: 600 + 400, behind 8,000 of 10,000 m².
        assert_eq!(park.output_wan_yuan, Some(1_250.0));
        assert_eq!((park.tax_wan_yuan, park.reported["tax_wan_yuan"]), (Some(125.0), 0.8));
        // Of 1,000 classified, 600 are of class 39.
        assert_eq!(park.leading_output_wan_yuan, Some(750.0));
        assert_eq!((park.staff, park.output_before_wan_yuan), (None, None), "unknown, and not zero");
        assert_eq!((park.parcels, park.land_m2), (2, 20_000.0));
        assert_eq!((park.floor_m2, park.allowed_floor_m2), (Some(12_000.0), Some(40_000.0)));
        assert_eq!((park.judged_m2, park.d_m2), (Some(10_000.0), Some(10_000.0)), "what is T was not judged");
        assert_eq!(park.idle_m2, None, "no contract says when works were due");
        assert_eq!(facts(frozen(), 0.1)[0].output_wan_yuan, None, "a fifth is more than a tenth");
    }

    #[test]
    fn a_park_without_land_has_no_figures_and_is_still_there() {
        let empty = &facts(frozen(), 0.2)[1];
        let none = ParkFacts { code: "Q".into(), reported: empty.reported.clone(), ..ParkFacts::default() };
        assert_eq!(empty, &none);
        assert!(empty.reported.values().all(|share| *share == 0.0));
    }

    #[test]
    fn a_park_whose_review_is_not_published_has_no_share_of_d_land() {
        let found = facts(FrozenParks { review_run: None, grades: HashMap::new(), ..frozen() }, 0.2);
        assert_eq!((found[0].judged_m2, found[0].d_m2), (None, None));
    }

    #[test]
    fn tax_that_is_paid_elsewhere_is_unknown_to_this_city() {
        let mut away = frozen();
        Arc::get_mut(&mut away.register).expect("nobody else has it").uses[1].tax_is_local = false;
        let found = facts(away, 0.2);
        assert_eq!((found[0].tax_wan_yuan, found[0].output_wan_yuan), (None, Some(1_250.0)));
    }
}
