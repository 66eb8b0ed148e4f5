//! The table of the two locks: rows of dated data, first match wins. What a row asks of a deed is here; where the land
//! stands and who asks is not.

use super::Tier;
use super::verdict::{DeedKind, Verdict};
use crate::domain::land_use::UseClass;
use crate::domain::review::scheme::{SchemeError, Words};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What the table looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Situation {
    /// What is to be done.
    pub deed: DeedKind,
    /// The tier of the land.
    pub tier: Tier,
    /// Whether locked base land is touched.
    pub locked: bool,
    /// Whether any zone is law on the day.
    pub plan_known: bool,
    /// Whether locked land would come out of the lock.
    pub frees: bool,
    /// The class of use before.
    pub from: UseClass,
    /// The class of use after.
    pub to: UseClass,
}

impl Situation {
    /// Whether the class of use becomes another.
    pub fn changes(&self) -> bool {
        self.from != self.to
    }

    /// Every situation there is: what the table must answer.
    pub fn all() -> impl Iterator<Item = Self> {
        let classes = UseClass::ALL.len();
        let count = DeedKind::ALL.len() * Tier::ALL.len() * classes * classes * 8;
        (0..count).map(move |number| {
            let mut rest = number;
            let mut digit = |base: usize| {
                let digit = rest % base;
                rest /= base;
                digit
            };
            Self {
                deed: DeedKind::ALL[digit(DeedKind::ALL.len())],
                tier: Tier::ALL[digit(Tier::ALL.len())],
                from: UseClass::ALL[digit(classes)],
                to: UseClass::ALL[digit(classes)],
                locked: digit(2) == 1,
                plan_known: digit(2) == 1,
                frees: digit(2) == 1,
            }
        })
    }
}

/// What a row asks of a situation; what is left out asks nothing.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// What is to be done.
    pub deed: Vec<DeedKind>,
    /// The tier.
    pub tier: Vec<Tier>,
    /// Whether locked base land is touched.
    pub locked: Option<bool>,
    /// Whether the plan is known.
    pub plan_known: Option<bool>,
    /// Whether locked land is freed.
    pub frees: Option<bool>,
    /// Whether the class of use changes.
    pub changes: Option<bool>,
    /// The class before.
    pub from: Vec<UseClass>,
    /// The class after.
    pub to: Vec<UseClass>,
}

impl When {
    fn holds(&self, situation: &Situation) -> bool {
        fn any<T: PartialEq>(list: &[T], value: &T) -> bool {
            list.is_empty() || list.contains(value)
        }
        any(&self.deed, &situation.deed)
            && any(&self.tier, &situation.tier)
            && any(&self.from, &situation.from)
            && any(&self.to, &situation.to)
            && self.locked.is_none_or(|asked| asked == situation.locked)
            && self.plan_known.is_none_or(|asked| asked == situation.plan_known)
            && self.frees.is_none_or(|asked| asked == situation.frees)
            && self.changes.is_none_or(|asked| asked == situation.changes())
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its name, quoted by rulings.
    pub id: String,
    /// When it answers.
    pub when: When,
    /// What it says.
    pub verdict: Verdict,
    /// The code of the finding that says so, where it is worth one.
    pub finding: Option<String>,
    /// What it says, in words.
    pub title: Words,
    /// What would help; empty where nothing need.
    pub remedy: Words,
    /// The text it was read in, or why it is an assumption.
    pub citation: String,
    /// Whether it is landcycle's own proposal rather than a rule that was read.
    pub assumption: bool,
    /// The first day on which it is in force.
    #[serde(deserialize_with = "crate::domain::review::scheme::day::read")]
    pub effective_from: NaiveDate,
    /// The last day on which it is, if it has one.
    #[serde(default, deserialize_with = "crate::domain::review::scheme::day::read_optional")]
    pub effective_to: Option<NaiveDate>,
}

impl Row {
    fn is_law(&self, day: NaiveDate) -> bool {
        self.effective_from <= day && self.effective_to.is_none_or(|last| day <= last)
    }
}

/// The table of the two locks.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lockup {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it comes from.
    pub source: String,
    /// Its rows, in order.
    #[serde(rename = "row")]
    pub rows: Vec<Row>,
}

impl Lockup {
    /// Reads a table. Refuses one that holds a rule without citation, refuses a deed without a finding and a remedy, has an
    /// id twice on one day, leaves a situation unanswered on some day, or holds a row that can never answer.
    pub fn parse(text: &str) -> Result<Self, SchemeError> {
        let table: Self = toml::from_str(text)?;
        let refuse = |place: String, problem: &str| Err(SchemeError::Value { place, problem: problem.to_owned() });
        for (index, row) in table.rows.iter().enumerate() {
            let place = format!("row {}", row.id);
            if row.citation.trim().is_empty() || row.assumption != row.citation.starts_with("assumption:") {
                return refuse(place, "has no citation, or an assumption that does not say why it is one");
            }
            let says_no = row.verdict != Verdict::Allowed;
            if says_no && (row.finding.is_none() || row.remedy.zh.is_empty() || row.remedy.en.is_empty()) {
                return refuse(place, "says no without a finding or without what would help");
            }
            if row.effective_to.is_some_and(|last| last < row.effective_from) {
                return refuse(place, "ends before it begins");
            }
            let ends = |one: &Row| one.effective_to.unwrap_or(NaiveDate::MAX);
            let twice = table.rows[..index].iter().any(|earlier| {
                earlier.id == row.id && earlier.effective_from <= ends(row) && row.effective_from <= ends(earlier)
            });
            if twice {
                return refuse(place, "stands twice on one day; expected each id once");
            }
        }
        let mut answers = vec![false; table.rows.len()];
        for day in table.turns() {
            for situation in Situation::all() {
                match table.position(&situation, day) {
                    Some(index) => answers[index] = true,
                    None => return refuse(format!("{day}"), &format!("no row answers {situation:?}")),
                }
            }
        }
        match answers.iter().position(|answers| !answers) {
            Some(index) => refuse(
                format!("row {}", table.rows[index].id),
                "can never answer: the rows above it answer everything it asks for",
            ),
            None => Ok(table),
        }
    }

    /// The days on which the table turns into another: the first of each period.
    pub fn turns(&self) -> Vec<NaiveDate> {
        let ends = self.rows.iter().filter_map(|row| row.effective_to.and_then(|last| last.succ_opt()));
        let mut days: Vec<NaiveDate> = self.rows.iter().map(|row| row.effective_from).chain(ends).collect();
        days.sort_unstable();
        days.dedup();
        days
    }

    fn position(&self, situation: &Situation, day: NaiveDate) -> Option<usize> {
        self.rows.iter().position(|row| row.is_law(day) && row.when.holds(situation))
    }

    /// The row that answers on a day; nothing before the first day of the table.
    pub fn row(&self, situation: &Situation, day: NaiveDate) -> Option<&Row> {
        self.position(situation, day).map(|index| &self.rows[index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = include_str!("../../../data/rulebook/lockup.toml");

    #[test]
    fn the_shipped_table_answers_every_situation_and_each_row_answers_some() {
        let table = Lockup::parse(TABLE).expect("well formed");
        assert!(table.rows.len() >= 9);
    }

    #[test]
    fn a_table_that_says_no_without_help_or_hides_an_assumption_is_refused() {
        for (good, bad, word) in [
            ("finding = \"project-outside-zones\"\n", "", "without a finding"),
            ("citation = \"nothing in the double lockup speaks against it\"", "citation = \"\"", "no citation"),
            ("assumption = false", "assumption = true", "does not say why"),
            ("id = \"no-lock\"", "id = \"own-works\"", "stands twice"),
            ("when = {}", "when = { locked = true }", "no row answers"),
            ("when = { plan_known = false }", "when = {}", "can never answer"),
        ] {
            assert!(TABLE.contains(good), "{good}");
            let refused = Lockup::parse(&TABLE.replacen(good, bad, 1)).expect_err(word).to_string();
            assert!(refused.contains(word), "{refused}");
        }
    }

    #[test]
    fn before_the_press_conference_neither_lock_stands() {
        let table = Lockup::parse(TABLE).expect("well formed");
        let eve = NaiveDate::from_ymd_opt(2018, 5, 6).expect("a day");
        for situation in Situation::all() {
            assert_eq!(table.row(&situation, eve).map(|row| row.verdict), Some(Verdict::Allowed), "{situation:?}");
        }
    }

    #[test]
    fn a_lock_or_land_freed_makes_no_verdict_milder_and_an_unknown_plan_refuses_nothing() {
        let table = Lockup::parse(TABLE).expect("well formed");
        let day = NaiveDate::from_ymd_opt(2026, 6, 30).expect("a day");
        let verdict = |situation| table.row(&situation, day).map(|row| row.verdict);
        for situation in Situation::all() {
            for stricter in [Situation { locked: true, ..situation }, Situation { frees: true, ..situation }] {
                assert!(verdict(stricter) >= verdict(situation), "{stricter:?}");
            }
            let unknown = Situation { plan_known: false, ..situation };
            assert_eq!(verdict(unknown), Some(Verdict::Allowed), "{unknown:?}");
            if situation.deed == DeedKind::ChangeOfUse && !situation.changes() {
                assert_eq!(verdict(situation), Some(Verdict::Allowed), "{situation:?}");
            }
        }
    }
}
