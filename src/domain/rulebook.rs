//! The rulebook: dated rule values with unit and citation. Formulas are code; their numbers come from here.

use super::review::scheme::{SchemeError, Words};
use chrono::{Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

/// A rule value for a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleValue {
    /// Its key.
    pub key: String,
    /// What it says.
    pub title: Words,
    /// The number.
    pub value: f64,
    /// Its unit, from a closed list.
    pub unit: Unit,
    /// The first day on which it holds.
    #[serde(deserialize_with = "super::review::scheme::day::read")]
    pub effective_from: NaiveDate,
    /// The last day on which it holds, if it has one.
    #[serde(
        default,
        deserialize_with = "super::review::scheme::day::read_optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub effective_to: Option<NaiveDate>,
    /// The document it was read in.
    pub source: String,
    /// Whether it is landcycle's own proposal rather than a rule that was read.
    pub assumption: bool,
}

/// The units of rule values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Floor area over land area.
    PlotRatio,
    /// A part of a whole, 0 to 1.
    Share,
    /// Parts of a hundred.
    Percent,
    /// Calendar months.
    Months,
    /// Square metres.
    SquareMetres,
    /// Calendar days.
    Days,
    /// Metres.
    Metres,
    /// Mu (亩), 10,000/15 m².
    Mu,
    /// Pieces.
    Count,
    /// 1 for yes, 0 for no.
    Flag,
}

impl Unit {
    /// The word used in the rulebook and in the register.
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// The unit of that word.
    pub fn parse(word: &str) -> Option<Self> {
        serde_json::from_value(word.into()).ok()
    }
}

/// All rule values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rulebook {
    /// The values.
    #[serde(rename = "value")]
    pub values: Vec<RuleValue>,
}

/// The keys that formulas ask for.
pub mod keys {
    /// Plot ratio to which industrial land may be raised.
    pub const PLOT_RATIO_INDUSTRIAL: &str = "plot-ratio-reference-industrial";
    /// Plot ratio to which research land may be raised.
    pub const PLOT_RATIO_RESEARCH: &str = "plot-ratio-reference-research";
    /// Share of a parcel inside a zone from which the zone's tier decides.
    pub const TIER_SHARE: &str = "tier-deciding-share";
    /// Months before the end of a term from which a parcel counts as expiring.
    pub const EXPIRY_MONTHS: &str = "expiry-reminder-months";
    /// Months after the agreed start from which land not begun is idle.
    pub const IDLE_FEE_MONTHS: &str = "idle-fee-months";
    /// Months after which idle land may be taken back.
    pub const IDLE_TAKE_BACK_MONTHS: &str = "idle-take-back-months";
    /// Developed share below which suspended works are idle.
    pub const IDLE_DEVELOPED: &str = "idle-developed-percent";
    /// Invested share below which suspended works are idle.
    pub const IDLE_INVESTED: &str = "idle-invested-percent";
    /// Months after the agreed start from which a life-cycle contract may be rescinded.
    pub const RESCISSION_MONTHS: &str = "contract-rescission-months";
    /// Months before the end of a term by which one must apply to renew it.
    pub const APPLICATION_MONTHS: &str = "expiry-application-months";
    /// Months of lateness up to which only a part of the start bond is lost.
    pub const START_BOND_MONTHS: &str = "start-bond-part-months";
    /// That part.
    pub const START_BOND_PERCENT: &str = "start-bond-part-percent";
    /// The most that a fee for idle granted land may be of its price.
    pub const IDLE_FEE_PERCENT: &str = "idle-fee-percent";
    /// Days of public notice before land is taken back.
    pub const TAKE_BACK_NOTICE_DAYS: &str = "take-back-notice-days";
    /// Days for which the results of a review are under public notice.
    pub const REVIEW_NOTICE_DAYS: &str = "review-notice-days";
    /// Months after the completion of works by which that is reviewed.
    pub const REVIEW_COMPLETION: &str = "review-completion-months";
    /// Months after full production by which the targets are reviewed.
    pub const REVIEW_FULL_PRODUCTION: &str = "review-full-production-months";
    /// Months from one review in use to the next, where the contract does not say.
    pub const REVIEW_PROCESS: &str = "review-process-months";
    /// The fewest that they may be.
    pub const REVIEW_PROCESS_LEAST: &str = "review-process-least-months";
    /// The most that they may be.
    pub const REVIEW_PROCESS_MOST: &str = "review-process-most-months";
    /// Months of a round of the whole city; it begins on the first day of the value.
    pub const ROUND_CYCLE: &str = "round-cycle-months";
    /// Months after which a round is rolled on.
    pub const ROUND_ROLL: &str = "round-roll-months";
    /// Days left from which a duty is due soon.
    pub const DUTY_SOON_DAYS: &str = "duty-soon-days";
    /// Days after demand from which an unpaid bond lets the contract be rescinded.
    pub const BOND_GRACE_DAYS: &str = "bond-grace-days";
    /// Share of the parents' area within which area in and area out of an event count as the same.
    pub const LINEAGE_TOLERANCE: &str = "lineage-area-tolerance";

    /// How far a corner of a shape may lie from where it was and be the same corner.
    pub const SAME_CORNER: &str = "same-corner-metres";
    /// How far office and commercial plots may lie from a parcel whose plot ratio is referred to theirs, m.
    pub const NEIGHBOUR_METRES: &str = "plot-ratio-neighbour-metres";
    /// Industrial land to be secured in a year, mu.
    pub const SUPPLY_MU: &str = "industrial-land-supply-mu";
    /// How many peers a mean rests on at least, where a new project is held against it.
    pub const ENTRY_LEAST_PEERS: &str = "entry-least-peers";
    /// Locked land that a new boundary may leave out.
    pub const LOCKUP_TOLERANCE: &str = "lockup-tolerance-m2";
    /// Compensating land over the locked land that is taken.
    pub const LOCKUP_COMPENSATION: &str = "lockup-compensation-share";
    /// Days within which the land of a new project may not fall out of every zone without a finding.
    pub const LOCKUP_PASSING_ZONE_DAYS: &str = "lockup-passing-zone-days";

    /// Share by which the repair of a polygon may change its area.
    pub const REPAIR_SHARE: &str = "geometry-repair-share";
    /// Difference of registered and drawn area from which someone should look.
    pub const AREA_SHARE: &str = "registered-area-difference-share";

    /// Overlap of two parcels or zones that a check lets pass.
    pub const CHECK_OVERLAP: &str = "check-overlap-m2";
    /// Mean width below which a parcel is a sliver.
    pub const CHECK_SLIVER: &str = "check-sliver-metres";
    /// Area up to which a hole in a block is a gap.
    pub const CHECK_GAP: &str = "check-gap-m2";
    /// Share of a parcel across a border that a check lets pass.
    pub const CHECK_STRADDLE: &str = "check-straddle-share";
    /// Difference of registered and geometric area that a check lets pass.
    pub const CHECK_AREA: &str = "check-registered-area-percent";
    /// Difference of the stored area of a parcel and that of its shape that a check lets pass.
    pub const CHECK_STORED_AREA: &str = "check-stored-area-percent";
    /// Part by which floor area in use may exceed what is built.
    pub const CHECK_OCCUPIED: &str = "check-occupied-share";
    /// Part of a building that may lie outside its parcel.
    pub const CHECK_BUILDING: &str = "check-building-outside-share";

    /// Height above which a storey counts twice, where the rule is on.
    pub const TALL_STOREY_M: &str = "tall-storey-metres";
    /// Whether a tall storey counts twice.
    pub const TALL_STOREY_COUNTS: &str = "tall-storey-counts-twice";
    /// Share of a building's footprint below which the parcel that it reaches into has no part in it.
    pub const BUILDING_PART: &str = "building-least-part-share";

    /// How far apart candidates may lie and still make one renewal area.
    pub const RENEWAL_STREET: &str = "renewal-area-street-metres";

    /// Those of the contract and idle-land tracks and of the end of a term.
    pub const TRACKS: [&str; 12] = [
        EXPIRY_MONTHS,
        IDLE_FEE_MONTHS,
        IDLE_TAKE_BACK_MONTHS,
        IDLE_DEVELOPED,
        IDLE_INVESTED,
        RESCISSION_MONTHS,
        APPLICATION_MONTHS,
        START_BOND_MONTHS,
        START_BOND_PERCENT,
        IDLE_FEE_PERCENT,
        TAKE_BACK_NOTICE_DAYS,
        BOND_GRACE_DAYS,
    ];

    /// Those without which nothing can be judged.
    pub const ALL: &[&str] = &[
        PLOT_RATIO_INDUSTRIAL,
        PLOT_RATIO_RESEARCH,
        TIER_SHARE,
        EXPIRY_MONTHS,
        IDLE_FEE_MONTHS,
        IDLE_TAKE_BACK_MONTHS,
        IDLE_DEVELOPED,
        IDLE_INVESTED,
        RESCISSION_MONTHS,
        APPLICATION_MONTHS,
        START_BOND_MONTHS,
        START_BOND_PERCENT,
        IDLE_FEE_PERCENT,
        TAKE_BACK_NOTICE_DAYS,
        BOND_GRACE_DAYS,
        LINEAGE_TOLERANCE,
    ];
}

impl Rulebook {
    /// Reads a rulebook; refuses periods that overlap, values without source and keys that formulas need but lack.
    pub fn parse(text: &str) -> Result<Self, SchemeError> {
        let book = Self::read(text)?;
        match keys::ALL.iter().find(|key| !book.values.iter().any(|value| value.key == **key)) {
            Some(key) => Err(SchemeError::Value { place: (*key).to_owned(), problem: "is missing".to_owned() }),
            None => Ok(book),
        }
    }

    /// Reads values that need not be all; refuses periods that overlap and values without source.
    pub fn read(text: &str) -> Result<Self, SchemeError> {
        let book: Self = toml::from_str(text)?;
        let refuse = |place: &str, problem: &str| {
            Err(SchemeError::Value { place: place.to_owned(), problem: problem.to_owned() })
        };
        for (index, value) in book.values.iter().enumerate() {
            if value.source.trim().is_empty() {
                return refuse(&value.key, "has no source; expected a citation, or \"assumption\" and why");
            }
            if !value.value.is_finite() || value.value < 0.0 {
                return refuse(&value.key, "is not a number of at least 0");
            }
            let ends = |one: &RuleValue| one.effective_to.unwrap_or(NaiveDate::MAX);
            let overlaps = book.values[..index].iter().any(|other| {
                other.key == value.key && other.effective_from <= ends(value) && value.effective_from <= ends(other)
            });
            if overlaps || ends(value) < value.effective_from {
                return refuse(&value.key, "has periods that overlap or end before they begin");
            }
        }
        Ok(book)
    }

    /// These values with a bureau's own laid over them: on every day for which the bureau has a value of a key its own
    /// holds, on every other day the one from here. A key that is not here is taken only if something asks for it.
    pub fn overlaid(mut self, own: Self, asked_for: impl Fn(&str) -> bool) -> Result<Self, SchemeError> {
        let refuse = |place: &str, problem: String| Err(SchemeError::Value { place: place.to_owned(), problem });
        for value in &own.values {
            match self.values.iter().find(|known| known.key == value.key) {
                Some(known) if known.unit != value.unit => {
                    let (is, should) = (value.unit.name(), known.unit.name());
                    return refuse(&value.key, format!("is in {is}; expected {should}, in which it is reckoned with"));
                }
                None if !asked_for(&value.key) => {
                    let known: std::collections::BTreeSet<&str> =
                        self.values.iter().map(|one| one.key.as_str()).collect();
                    let known = known.into_iter().collect::<Vec<_>>().join(", ");
                    return refuse(&value.key, format!("is a key that nothing asks for; expected one of {known}"));
                }
                _ => {}
            }
        }
        for value in &own.values {
            self.values = self.values.into_iter().flat_map(|known| without(known, value)).collect();
        }
        self.values.extend(own.values);
        self.values.sort_by(|one, other| (&one.key, one.effective_from).cmp(&(&other.key, other.effective_from)));
        Ok(self)
    }

    /// The values as a file says them.
    pub fn text(&self) -> Result<String, SchemeError> {
        toml::to_string(self)
            .map_err(|error| SchemeError::Value { place: "values".to_owned(), problem: error.to_string() })
    }

    /// The rulebook of a time at which these values were on record. What was no rule then is taken from this one.
    pub fn as_recorded(&self, mut values: Vec<RuleValue>) -> Self {
        let newer = self.values.iter().filter(|value| values.iter().all(|recorded| recorded.key != value.key));
        let newer: Vec<RuleValue> = newer.cloned().collect();
        values.extend(newer);
        Self { values }
    }

    /// The value in force on a day.
    pub fn on(&self, key: &str, day: NaiveDate) -> Result<&RuleValue, SchemeError> {
        self.values
            .iter()
            .find(|value| {
                value.key == key && value.effective_from <= day && value.effective_to.is_none_or(|last| day <= last)
            })
            .ok_or_else(|| SchemeError::Value {
                place: key.to_owned(),
                problem: format!("the rulebook has no value in force on {day}"),
            })
    }

    /// The whole months of the value in force on a day.
    pub fn months(&self, key: &str, day: NaiveDate) -> Result<Months, SchemeError> {
        let value = self.on(key, day)?.value;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rulebook has no negative values"
        )]
        Ok(Months::new(value.round() as u32))
    }

    /// How many days before its day a duty is due soon; none where no rule is in force.
    pub fn soon(&self, day: NaiveDate) -> Days {
        let days = self.on(keys::DUTY_SOON_DAYS, day).map_or(0.0, |value| value.value);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rulebook has no negative values"
        )]
        Days::new(days.round() as u64)
    }

    /// The height in metres above which a storey counts twice towards the plot ratio; nothing where the rule is off.
    pub fn tall_storey_m(&self, day: NaiveDate) -> Option<f64> {
        let is_on = self.on(keys::TALL_STOREY_COUNTS, day).is_ok_and(|value| value.value > 0.0);
        self.on(keys::TALL_STOREY_M, day).ok().filter(|_| is_on).map(|value| value.value)
    }

    /// The plot ratio to which land of a use may be raised, as a reference, never as a cap.
    pub fn plot_ratio_reference(&self, land_use: &str, day: NaiveDate) -> Option<&RuleValue> {
        self.on(Self::plot_ratio_class(land_use)?, day).ok()
    }

    /// The key of the reference for land of a use; nothing for other uses than industry and research.
    pub fn plot_ratio_class(land_use: &str) -> Option<&'static str> {
        match land_use {
            "M4" => Some(keys::PLOT_RATIO_RESEARCH),
            other if other.starts_with("C65") => Some(keys::PLOT_RATIO_RESEARCH),
            other if other.starts_with('M') => Some(keys::PLOT_RATIO_INDUSTRIAL),
            _ => None,
        }
    }
}

/// What is left of a value where another takes the days of its own period from it: all, a part before, a part after.
fn without(value: RuleValue, other: &RuleValue) -> Vec<RuleValue> {
    let last = |one: &RuleValue| one.effective_to.unwrap_or(NaiveDate::MAX);
    if value.key != other.key || last(&value) < other.effective_from || last(other) < value.effective_from {
        return vec![value];
    }
    let mut left = Vec::new();
    if let Some(day) = other.effective_from.pred_opt().filter(|day| value.effective_from <= *day) {
        left.push(RuleValue { effective_to: Some(day), ..value.clone() });
    }
    if let Some(day) = other.effective_to.and_then(|day| day.succ_opt()).filter(|day| *day <= last(&value)) {
        left.push(RuleValue { effective_from: day, ..value });
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHIPPED: &str = include_str!("../../data/rulebook/values.toml");

    fn day(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).expect("a day")
    }

    #[test]
    fn the_shipped_rulebook_has_every_value_that_a_formula_asks_for_today() {
        let book = Rulebook::parse(SHIPPED).expect("well formed");
        for key in keys::ALL.iter().chain(&[
            keys::DUTY_SOON_DAYS,
            keys::REVIEW_NOTICE_DAYS,
            keys::TALL_STOREY_M,
            keys::TALL_STOREY_COUNTS,
            keys::BUILDING_PART,
            keys::RENEWAL_STREET,
        ]) {
            book.on(key, day(2026, 6, 30)).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    #[test]
    fn research_land_is_referred_to_another_plot_ratio_than_industry() {
        let book = Rulebook::parse(SHIPPED).expect("well formed");
        let of = |land_use| book.plot_ratio_reference(land_use, day(2026, 6, 30)).map(|value| value.value);
        assert_eq!(of("M1"), Some(2.0));
        assert_eq!(of("M4"), Some(3.0));
        assert_eq!(of("C65"), Some(3.0));
        assert_eq!(of("R2"), None);
    }

    #[test]
    fn a_value_holds_only_in_its_period() {
        let book = Rulebook::parse(SHIPPED).expect("well formed");
        assert!(book.on(keys::IDLE_FEE_MONTHS, day(2012, 6, 30)).is_err());
        assert!(book.on(keys::IDLE_FEE_MONTHS, day(2012, 7, 1)).is_ok());
    }

    #[test]
    fn a_tall_storey_counts_twice_only_if_the_rulebook_says_so() {
        let day = day(2026, 6, 30);
        assert_eq!(Rulebook::parse(SHIPPED).expect("well formed").tall_storey_m(day), None);
        let (before, after) = SHIPPED.split_once(keys::TALL_STOREY_COUNTS).expect("the switch");
        let on = format!("{before}{}{}", keys::TALL_STOREY_COUNTS, after.replacen("value = 0.0", "value = 1.0", 1));
        assert_eq!(Rulebook::parse(&on).expect("well formed").tall_storey_m(day), Some(8.0));
    }

    #[test]
    fn a_value_without_source_or_with_overlapping_periods_is_refused() {
        let without = SHIPPED.replacen("source = \"", "source = \" \"\n# \"", 1);
        assert!(Rulebook::parse(&without).expect_err("no source").to_string().contains("no source"));
        let last = SHIPPED.rfind("[[value]]").expect("a value");
        let twice = format!("{SHIPPED}\n{}", &SHIPPED[last..]);
        assert!(Rulebook::parse(&twice).expect_err("overlap").to_string().contains("overlap"));
    }

    fn value(key: &str, from: i32, to: Option<i32>, number: f64) -> RuleValue {
        let book = Rulebook::parse(SHIPPED).expect("well formed");
        let like = book.values.into_iter().find(|one| one.key == keys::EXPIRY_MONTHS).expect("a value");
        let year = |year| day(year, 1, 1);
        RuleValue {
            key: key.to_owned(),
            value: number,
            effective_from: year(from),
            effective_to: to.map(|to| year(to).pred_opt().expect("a day")),
            ..like
        }
    }

    proptest! {
        #[test]
        fn on_every_day_the_bureaus_value_holds_or_else_the_one_that_ships(
            shipped in (2000..2010, 1..10, 0..10),
            own in (1990..2030, proptest::option::of(1..20)),
        ) {
            // Two periods that ship, with a gap of years between them.
            let (first, long, gap) = shipped;
            let base = Rulebook { values: vec![
                value("k", first, Some(first + long), 1.0),
                value("k", first + long + gap, None, 2.0),
                value("other", 2000, None, 7.0),
            ] };
            let ours = Rulebook { values: vec![value("k", own.0, own.1.map(|long| own.0 + long), 3.0)] };
            let laid = base.clone().overlaid(ours.clone(), |_| false).expect("taken");
            for year in 1985..2045 {
                for day in [day(year, 1, 1), day(year, 12, 31)] {
                    let number = |book: &Rulebook, key| book.on(key, day).ok().map(|one| one.value);
                    prop_assert_eq!(number(&laid, "k"), number(&ours, "k").or(number(&base, "k")));
                    prop_assert_eq!(number(&laid, "other"), number(&base, "other"));
                }
            }
            // The text of it reads as the same rules, without an overlap.
            let again = Rulebook::read(&laid.text().expect("a text")).expect("well formed");
            prop_assert_eq!(again, laid);
        }
    }

    #[test]
    fn a_bureaus_value_in_another_unit_or_under_a_key_that_nothing_asks_for_is_refused() {
        let base = || Rulebook { values: vec![value("k", 2000, None, 1.0)] };
        let own = |value| Rulebook { values: vec![value] };
        let days = RuleValue { unit: Unit::Days, ..value("k", 2020, None, 1.0) };
        let error = base().overlaid(own(days), |_| true).expect_err("another unit").to_string();
        assert!(error.contains("k: is in days; expected months"), "{error}");
        let typo = || own(value("kk", 2020, None, 1.0));
        let error = base().overlaid(typo(), |_| false).expect_err("no such key").to_string();
        assert!(error.contains("kk: is a key that nothing asks for; expected one of k"), "{error}");
        assert!(base().overlaid(typo(), |key| key == "kk").is_ok());
    }
}
