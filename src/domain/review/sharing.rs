//! How an enterprise's yearly figures reach the parcels it uses, so that none counts twice and none is lost: by floor
//! area × days, or by shares that someone states with a reason. It knows neither where the figures are kept nor what is
//! made of them.

mod packed;
mod year;

pub use packed::Packed;
pub use year::{Share, Year};

use super::facts::round;
use chrono::{Datelike, NaiveDate};

/// A yearly figure that reaches parcels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Industrial output, 万元.
    Output,
    /// Main revenue, 万元.
    Revenue,
    /// Tax paid in this city, 万元.
    Tax,
    /// Value added, 万元.
    ValueAdded,
    /// Cumulative fixed assets, 万元.
    FixedAssets,
    /// Energy, tce.
    Energy,
    /// Emissions, t.
    Emissions,
    /// Research and development, 万元.
    Research,
    /// Mean staff.
    Staff,
    /// Staff from this city.
    StaffLocal,
    /// Electricity, kWh.
    Electricity,
    /// Water, m³.
    Water,
    /// Chemical oxygen demand (COD) of what is discharged, t.
    Cod,
}

impl Measure {
    /// Every measure in its order.
    pub const ALL: [Self; MEASURES] = [
        Self::Output,
        Self::Revenue,
        Self::Tax,
        Self::ValueAdded,
        Self::FixedAssets,
        Self::Energy,
        Self::Emissions,
        Self::Research,
        Self::Staff,
        Self::StaffLocal,
        Self::Electricity,
        Self::Water,
        Self::Cod,
    ];

    /// Their names in the order of the measures, unit last.
    pub const NAMES: [&'static str; MEASURES] = [
        "output_wan_yuan",
        "revenue_wan_yuan",
        "tax_wan_yuan",
        "value_added_wan_yuan",
        "fixed_assets_wan_yuan",
        "energy_tce",
        "emissions_t",
        "rd_wan_yuan",
        "staff",
        "staff_local",
        "electricity_kwh",
        "water_m3",
        "cod_t",
    ];
}

/// How many measures there are.
pub const MEASURES: usize = 13;

/// An enterprise's figures of one year, in the order of [`Measure`]; nothing is unknown.
pub type Figures = [Option<f64>; MEASURES];

/// Stated shares are written as per cent with one decimal: a third comes thrice as 33.3, and 99.9 is meant to be all. Each
/// is at most 0.05 per cent off, so ten of them are off by at most 0.5: arithmetic of rounding, no policy.
const STATED_TOLERANCE: f64 = 0.005;

/// A use of floor area on a parcel by an enterprise.
#[derive(Debug, Clone, Copy)]
pub struct Use {
    /// Which parcel, by its place in the list of parcels.
    pub parcel: usize,
    /// Which enterprise, by its place in the list of enterprises.
    pub enterprise: usize,
    /// Floor area, m².
    pub floor_area_m2: f64,
    /// First day.
    pub from: NaiveDate,
    /// First day after the last.
    pub to: Option<NaiveDate>,
    /// Whether its tax is paid in this city.
    pub tax_is_local: bool,
    /// The share of its enterprise's figures that is stated for it while it lasts, 0 to 1.
    pub stated: Option<f64>,
}

impl Use {
    fn lasts(&self, from: NaiveDate, to: NaiveDate) -> bool {
        self.from < to && self.to.is_none_or(|end| end > from)
    }

    /// How many days of a year it lasts.
    pub fn days_within(&self, year: i32) -> i32 {
        let Some((first, end)) = bounds(year) else { return 0 };
        let to = self.to.unwrap_or(end).min(end);
        (to.num_days_from_ce() - self.from.max(first).num_days_from_ce()).max(0)
    }
}

fn bounds(year: i32) -> Option<(NaiveDate, NaiveDate)> {
    Some((NaiveDate::from_ymd_opt(year, 1, 1)?, NaiveDate::from_ymd_opt(year + 1, 1, 1)?))
}

/// A year's figures over the parcels, and what became of those that reached none.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// The figures of each parcel.
    pub years: Vec<Year>,
    /// What users of parcels pay to another city, in the order of [`Measure`]: tax only.
    pub elsewhere: [f64; MEASURES],
    /// The figures of enterprises that used no parcel in the year, in the order of [`Measure`].
    pub unplaced: [f64; MEASURES],
    /// How many such enterprises reported a figure.
    pub enterprises_unplaced: usize,
}

/// A time in which stated shares make no whole, so that floor area decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Misstated {
    /// First day.
    pub from: NaiveDate,
    /// First day after the last.
    pub to: Option<NaiveDate>,
    /// What the stated shares sum to.
    pub sum: f64,
}

impl Misstated {
    /// Whether a part of it lies in the year.
    pub fn touches(self, year: i32) -> bool {
        self.from.year() <= year && self.to.is_none_or(|to| bounds(year).is_some_and(|(first, _)| to > first))
    }
}

/// The shares of uses that last at the same time: those stated as stated, the others by floor area out of what is left.
/// Shares that make no whole are not used; then floor area decides for all, and the sum is answered.
fn shares(uses: &[&Use]) -> (Vec<f64>, Option<f64>) {
    let floor: f64 = uses.iter().map(|one| one.floor_area_m2).sum();
    let open: f64 = uses.iter().filter(|one| one.stated.is_none()).map(|one| one.floor_area_m2).sum();
    let stated: f64 = uses.iter().filter_map(|one| one.stated).sum();
    let by_floor = || uses.iter().map(|one| one.floor_area_m2 / floor).collect();
    if uses.iter().all(|one| one.stated.is_none()) {
        return (by_floor(), None);
    }
    let leaves_room = open > 0.0 && stated <= 1.0 + STATED_TOLERANCE;
    if !leaves_room && (stated - 1.0).abs() > STATED_TOLERANCE {
        return (by_floor(), Some(stated));
    }
    let scale = if open == 0.0 || stated > 1.0 { 1.0 / stated } else { 1.0 };
    let left = (1.0 - stated * scale).max(0.0);
    let share = |one: &&Use| one.stated.map_or_else(|| one.floor_area_m2 / open * left, |share| share * scale);
    (uses.iter().map(share).collect(), None)
}

/// The days on which the set of uses changes, in order.
fn changes<'a>(uses: impl Iterator<Item = &'a Use>, first: NaiveDate, end: NaiveDate) -> Vec<NaiveDate> {
    let inside = |day: &NaiveDate| (first..=end).contains(day);
    let mut days: Vec<NaiveDate> = uses.flat_map(|one| [Some(one.from), one.to]).flatten().filter(inside).collect();
    days.extend([first, end]);
    days.sort_unstable();
    days.dedup();
    days
}

/// The times in which the stated shares of one enterprise's uses make no whole.
pub fn misstated(uses: &[Use]) -> Vec<Misstated> {
    let mut found: Vec<Misstated> = Vec::new();
    let Some(first) = uses.iter().map(|one| one.from).min() else { return found };
    for pair in changes(uses.iter(), first, NaiveDate::MAX).windows(2) {
        let lasting: Vec<&Use> = uses.iter().filter(|one| one.lasts(pair[0], pair[1])).collect();
        let Some(sum) = shares(&lasting).1 else { continue };
        found.push(Misstated { from: pair[0], to: Some(pair[1]).filter(|end| *end != NaiveDate::MAX), sum });
    }
    found
}

/// The part of its enterprise's figures of a year that each use carries, 0 to 1; the parts of an enterprise sum to 1
/// unless it used nothing in that year.
///
/// Without stated shares that is its part of the floor area × days. With them, each time of unchanged uses has its part
/// of the floor area × days, and within it the stated shares hold.
pub fn parts(year: i32, enterprises: usize, uses: &[Use]) -> Vec<f64> {
    let floor_days: Vec<f64> = uses.iter().map(|one| one.floor_area_m2 * f64::from(one.days_within(year))).collect();
    let mut whole = vec![0.0; enterprises];
    let mut states = vec![false; enterprises];
    for (one, days) in uses.iter().zip(&floor_days) {
        whole[one.enterprise] += days;
        states[one.enterprise] |= one.stated.is_some() && *days > 0.0;
    }
    let mut parts: Vec<f64> = uses
        .iter()
        .zip(&floor_days)
        .map(|(one, days)| if *days > 0.0 { days / whole[one.enterprise] } else { 0.0 })
        .collect();
    let Some((first, end)) = bounds(year) else { return parts };
    let mut stating: std::collections::BTreeMap<usize, Vec<usize>> = std::collections::BTreeMap::new();
    for (index, one) in uses.iter().enumerate().filter(|(index, one)| states[one.enterprise] && parts[*index] > 0.0) {
        stating.entry(one.enterprise).or_default().push(index);
    }
    for (enterprise, own) in stating {
        own.iter().for_each(|index| parts[*index] = 0.0);
        for pair in changes(own.iter().map(|index| &uses[*index]), first, end).windows(2) {
            let lasting: Vec<usize> =
                own.iter().copied().filter(|index| uses[*index].lasts(pair[0], pair[1])).collect();
            let those: Vec<&Use> = lasting.iter().map(|index| &uses[*index]).collect();
            let days = f64::from(pair[1].num_days_from_ce() - pair[0].num_days_from_ce());
            let weight = days * those.iter().map(|one| one.floor_area_m2).sum::<f64>() / whole[enterprise];
            for (index, share) in lasting.into_iter().zip(shares(&those).0) {
                parts[index] += weight * share;
            }
        }
    }
    parts
}

/// The figures of a year that reach one parcel through its uses, each of which carries a part of what its enterprise
/// reported. The order of the sums is the order of the uses.
pub fn reaching(year: i32, uses: &[Use], parts: &[f64], figures: impl Fn(usize) -> Figures) -> Year {
    let mut found = Year { year, ..Year::default() };
    let floor_days = |one: &Use| one.floor_area_m2 * f64::from(one.days_within(year));
    let all = uses.iter().map(floor_days).fold(0.0, |sum, days| sum + days);
    for (one, part) in uses.iter().zip(parts) {
        let days = floor_days(one);
        if days == 0.0 {
            continue;
        }
        let weight = days / all;
        for (index, figure) in figures(one.enterprise).into_iter().enumerate() {
            if index == Measure::Tax as usize && !one.tax_is_local {
                found.tax_elsewhere += weight;
            } else if let Some(figure) = figure {
                let share = &mut found.figures[index];
                share.sum += figure * part;
                share.known += weight;
            }
        }
    }
    // Weights of a fully reported parcel may sum to a hair under one.
    found.tax_elsewhere = round(found.tax_elsewhere, 9);
    for share in &mut found.figures {
        share.known = round(share.known, 9);
        share.sum = round(share.sum, 9);
    }
    found
}

/// Spreads the figures of a year over parcels.
///
/// Each enterprise's parts sum to its whole, so no figure counts twice and none is lost. Tax that an enterprise pays
/// elsewhere is unknown to this city, not zero. The order of the sums is the order of `uses`, so that a result does not
/// depend on how many workers there are.
pub fn spread(year: i32, parcels: usize, uses: &[Use], figures: &[Figures]) -> Spread {
    let parts = parts(year, figures.len(), uses);
    let mut placed = vec![false; figures.len()];
    let mut elsewhere = [0.0; MEASURES];
    let tax = Measure::Tax as usize;
    for (one, part) in uses.iter().zip(&parts) {
        let is_used = one.floor_area_m2 * f64::from(one.days_within(year)) > 0.0;
        placed[one.enterprise] |= is_used;
        if is_used && !one.tax_is_local {
            elsewhere[tax] += figures[one.enterprise][tax].unwrap_or(0.0) * part;
        }
    }
    let mut by_parcel: Vec<usize> = (0..uses.len()).collect();
    by_parcel.sort_by_key(|index| uses[*index].parcel);
    let mut years = vec![Year { year, ..Year::default() }; parcels];
    for own in by_parcel.chunk_by(|one, other| uses[*one].parcel == uses[*other].parcel) {
        let (uses, parts): (Vec<Use>, Vec<f64>) = own.iter().map(|index| (uses[*index], parts[*index])).unzip();
        years[uses[0].parcel] = reaching(year, &uses, &parts, |enterprise| figures[enterprise]);
    }
    let mut unplaced = [0.0; MEASURES];
    let mut enterprises_unplaced = 0;
    for (own, _) in figures.iter().zip(placed).filter(|(own, placed)| !placed && own.iter().any(Option::is_some)) {
        enterprises_unplaced += 1;
        for (sum, figure) in unplaced.iter_mut().zip(own) {
            *sum += figure.unwrap_or(0.0);
        }
    }
    Spread { years, elsewhere, unplaced, enterprises_unplaced }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).expect("a day")
    }

    fn usage(parcel: usize, enterprise: usize, floor_area_m2: f64) -> Use {
        let from = day(2010, 1, 1);
        Use { parcel, enterprise, floor_area_m2, from, to: None, tax_is_local: true, stated: None }
    }

    fn output(total: f64) -> Figures {
        let mut figures: Figures = [None; MEASURES];
        figures[Measure::Output as usize] = Some(total);
        figures
    }

    #[test]
    fn a_figure_is_shared_by_floor_area_and_days() {
        // Half the year on 3,000 m² and the whole year on 1,500 m²: 3,000 × 184 days to 1,500 × 365 days.
        let uses = [Use { from: day(2025, 7, 1), ..usage(0, 0, 3000.0) }, usage(1, 0, 1500.0)];
        let years = spread(2025, 2, &uses, &[output(1000.0)]).years;
        let expected = 1000.0 * (3000.0 * 184.0) / (3000.0 * 184.0 + 1500.0 * 365.0);
        assert!((years[0].figures[0].sum - expected).abs() < 1e-6);
        assert!((years[0].figures[0].sum + years[1].figures[0].sum - 1000.0).abs() < 1e-6);
    }

    #[test]
    fn a_stated_share_overrides_floor_area_and_the_rest_is_shared_by_floor_area() {
        let uses = [Use { stated: Some(0.7), ..usage(0, 0, 100.0) }, usage(1, 0, 600.0), usage(2, 0, 300.0)];
        let years = spread(2025, 3, &uses, &[output(1000.0)]).years;
        let sums: Vec<f64> = years.iter().map(|year| year.figures[0].sum).collect();
        assert_eq!(sums, [700.0, 200.0, 100.0]);
    }

    #[test]
    fn a_stated_share_holds_only_while_its_use_lasts() {
        // Until the end of June 90 % on the small workshop; then only the hall is left.
        let uses = [
            Use { stated: Some(0.9), to: Some(day(2025, 7, 1)), ..usage(0, 0, 100.0) },
            Use { stated: Some(0.1), to: Some(day(2025, 7, 1)), ..usage(1, 0, 900.0) },
            Use { from: day(2025, 7, 1), ..usage(1, 0, 1000.0) },
        ];
        assert_eq!(misstated(&uses), []);
        let years = spread(2025, 2, &uses, &[output(365.0)]).years;
        assert!((years[0].figures[0].sum - 0.9 * 181.0).abs() < 1e-6, "{:?}", years[0].figures[0]);
        assert!((years[1].figures[0].sum - (0.1 * 181.0 + 184.0)).abs() < 1e-6);
    }

    #[test]
    fn stated_shares_that_make_no_whole_are_said_and_floor_area_decides() {
        let uses = [
            Use { stated: Some(0.5), ..usage(0, 0, 100.0) },
            Use { stated: Some(0.2), to: Some(day(2025, 1, 1)), ..usage(1, 0, 300.0) },
        ];
        let found = misstated(&uses);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!((found[0].sum - 0.7).abs() < 1e-12 && found[0].to == Some(day(2025, 1, 1)));
        assert_eq!((found[1].from, found[1].to, found[1].sum), (day(2025, 1, 1), None, 0.5));
        assert_eq!(parts(2024, 1, &uses), [0.25, 0.75]);
        assert_eq!(parts(2025, 1, &uses), [1.0, 0.0]);
        assert_eq!(misstated(&[Use { stated: Some(1.2), ..uses[0] }, usage(1, 0, 1.0)]).len(), 1);
        let thirds = [0, 1, 2].map(|parcel| Use { stated: Some(0.333), ..usage(parcel, 0, 10.0) });
        assert_eq!(misstated(&thirds), []);
        assert!((parts(2025, 1, &thirds).iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn tenants_tax_paid_elsewhere_is_shown_as_such_and_not_as_zero() {
        let uses = [Use { tax_is_local: false, ..usage(0, 0, 100.0) }];
        let mut figures = output(500.0);
        figures[Measure::Tax as usize] = Some(50.0);
        let spread = spread(2025, 1, &uses, &[figures]);
        let year = spread.years[0];
        assert_eq!(year.figure(Measure::Tax, 0.2), None);
        assert_eq!((year.figures[Measure::Tax as usize], year.tax_elsewhere), (Share::default(), 1.0));
        assert_eq!(spread.elsewhere[Measure::Tax as usize], 50.0);
        assert_eq!(year.figure(Measure::Output, 0.2), Some(500.0));
    }

    #[test]
    fn the_figures_of_an_enterprise_without_a_parcel_are_unplaced_and_not_lost() {
        let uses = [Use { to: Some(day(2024, 6, 1)), ..usage(0, 0, 100.0) }];
        let spread = spread(2025, 1, &uses, &[output(70.0), output(5.0), [None; MEASURES]]);
        assert_eq!((spread.unplaced[0], spread.enterprises_unplaced), (75.0, 2));
        assert_eq!(spread.years[0].figures[0], Share::default());
    }

    #[test]
    fn a_figure_counts_as_known_while_the_unreported_part_stays_within_the_tolerance() {
        let uses = [usage(0, 0, 850.0), usage(0, 1, 150.0)];
        let mut known: Figures = [None; MEASURES];
        known[Measure::Staff as usize] = Some(40.0);
        let years = spread(2025, 1, &uses, &[known, [None; MEASURES]]).years;
        let staff = years[0].figure(Measure::Staff, 0.2).expect("85 % is enough");
        assert!((staff - 40.0 / 0.85).abs() < 1e-9, "{staff}");
        assert_eq!(years[0].figure(Measure::Staff, 0.1), None);
    }

    proptest! {
        #[test]
        fn no_figure_counts_twice_and_none_is_lost(
            uses in proptest::collection::vec(
                (0usize..5, 0usize..4, 1.0f64..1e5, 0u32..500, proptest::option::of(1u32..400),
                 proptest::option::of(0.0f64..1.0), any::<bool>()), 0..30),
            totals in proptest::collection::vec(0.0f64..1e6, 4),
        ) {
            let uses: Vec<Use> = uses.into_iter().map(|(parcel, enterprise, area, start, days, stated, local)| {
                let from = day(2024, 1, 1) + chrono::Days::new(u64::from(start));
                let to = days.map(|days| from + chrono::Days::new(u64::from(days)));
                Use { from, to, stated, tax_is_local: local, ..usage(parcel, enterprise, area) }
            }).collect();
            let figures: Vec<Figures> = totals.iter().map(|total| [Some(*total); MEASURES]).collect();
            let spread = spread(2025, 5, &uses, &figures);
            let all: f64 = totals.iter().sum();
            for index in [Measure::Output as usize, Measure::Tax as usize] {
                let reached: f64 = spread.years.iter().map(|year| year.figures[index].sum).sum();
                let found = reached + spread.elsewhere[index] + spread.unplaced[index];
                prop_assert!((found - all).abs() <= 1e-6 * all.max(1.0), "{found} {all}");
            }
            prop_assert_eq!(spread.elsewhere[Measure::Output as usize], 0.0);
        }
    }
}
