//! The calendar of reviews: which ones a contract makes due, when, counted from what, and where each stands on a day.
//! Nothing of it is stored but that a review was done; the rest is worked out from the facts each time. What a review finds
//! is not known here.

mod entry;
pub mod round;

pub use entry::{By, Done, Kind, Known, Missing, Name, State};

use super::scheme::Words;
use crate::domain::calendar::Calendar;
use crate::domain::contract::agenda::{Held, Watched};
use crate::domain::contract::clock::{Clock, State as Stand};
use crate::domain::contract::due::DueRule;
use crate::domain::contract::obligation::ObligationKind;
use crate::domain::rulebook::{RuleValue, Rulebook, keys};
use chrono::{Days, Months, NaiveDate};
use std::borrow::Cow;
use std::collections::HashMap;

/// One review of a contract.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'r> {
    /// What names it.
    pub name: Name,
    /// The last day on which it is in time; nothing where that cannot be counted.
    pub due: Option<NaiveDate>,
    /// The day from which it is to be thought of.
    pub remind_on: Option<NaiveDate>,
    /// The day from which it is counted.
    pub from: Option<NaiveDate>,
    /// How the day was found, or what is missing.
    pub how: Words,
    /// The value of the rulebook that it rests on; nothing where the contract itself says.
    pub rule: Option<Cow<'r, RuleValue>>,
    /// Where it stands.
    pub state: State,
}

impl Entry<'_> {
    /// The same with the value of the rulebook its own.
    pub fn into_owned(self) -> Entry<'static> {
        let Self { name, due, remind_on, from, how, rule, state } = self;
        let rule = rule.map(|rule| Cow::Owned(rule.into_owned()));
        Entry { name, due, remind_on, from, how, rule, state }
    }
}

/// The rules of the calendar as they stand on a day.
#[derive(Debug, Clone)]
pub struct Timing<'r> {
    day: NaiveDate,
    soon: Days,
    rulebook: &'r Rulebook,
    /// The years from one review in use to the next that a scheme asks for.
    scheme_years: Option<u32>,
}

/// A contract with the supplements whose terms hold in its place.
#[derive(Debug, Clone)]
pub struct Terms<'a> {
    /// The contract.
    pub contract: &'a Watched,
    /// Its supplements, the oldest first.
    pub supplements: Vec<&'a Watched>,
}

/// The contract by which each parcel is held on a day, the newest that is signed, in the order of parcels.
pub fn in_force(contracts: &[Watched], day: NaiveDate) -> Vec<Terms<'_>> {
    let signed = || contracts.iter().filter(|one| one.signed_on <= day);
    let mut newest: HashMap<&str, &Watched> = HashMap::new();
    for contract in signed().filter(|one| one.amends.is_none()) {
        let kept = newest.entry(&contract.parcel).or_insert(contract);
        if (kept.signed_on, &kept.number) < (contract.signed_on, &contract.number) {
            *kept = contract;
        }
    }
    let mut supplements: HashMap<&str, Vec<&Watched>> = HashMap::new();
    for one in signed() {
        if let Some(amended) = &one.amends {
            supplements.entry(amended).or_default().push(one);
        }
    }
    let mut found: Vec<Terms<'_>> = newest
        .into_values()
        .map(|contract| {
            let mut supplements = supplements.remove(contract.number.as_str()).unwrap_or_default();
            supplements.sort_by_key(|one| (one.signed_on, &one.number));
            Terms { contract, supplements }
        })
        .collect();
    found.sort_by_key(|terms| &terms.contract.parcel);
    found
}

/// The day on which a stage of the works was reached, or ought to have been.
#[derive(Debug, Clone)]
struct Reached {
    on: NaiveDate,
    how: Words,
}

impl Terms<'_> {
    /// Whether the contract, or a supplement, carries performance terms.
    fn has_performance_terms(&self) -> bool {
        self.contract.performance_terms || self.supplements.iter().any(|one| one.performance_terms)
    }

    /// Months from one review in use to the next, as the newest of them that says so has it.
    fn review_months(&self) -> Option<Months> {
        let newest_first = self.supplements.iter().rev().chain(std::iter::once(&self.contract));
        let years = newest_first.filter_map(|one| one.review_years).next()?;
        u32::try_from(years).ok()?.checked_mul(12).map(Months::new)
    }

    /// The obligations of some kinds with their clocks, of the contract and then of each supplement.
    fn clocks(&self, calendar: &Calendar, day: NaiveDate) -> Vec<Vec<(&Held, Clock)>> {
        let wanted = |kind| {
            matches!(kind, ObligationKind::Completion | ObligationKind::Production | ObligationKind::FullProduction)
        };
        let all = std::iter::once(&self.contract).chain(&self.supplements);
        all.map(|one| one.clocks_of(wanted, calendar, day, Days::new(0))).collect()
    }
}

/// When a stage was reached: the day it was met, or that agreed for it where that is sooner, for a stage that is late is
/// looked at as one that is reached. Of several steps of a kind the last counts, of contract and supplements the newest that
/// promises the kind, and nothing of what was waived. Nothing where no such thing is promised.
fn stage(clocks: &[Vec<(&Held, Clock)>], kind: ObligationKind) -> Option<Result<Reached, Missing>> {
    let promised = |one: &&(&Held, Clock)| one.0.kind == kind && !matches!(one.1.state, Stand::Waived { .. });
    let newest = clocks.iter().rev().find(|of| of.iter().any(|one| promised(&one)))?;
    let mut last: Option<Reached> = None;
    for (duty, clock) in newest.iter().filter(promised) {
        let agreed = clock.due.filter(|_| !matches!(duty.due, Some(DueRule::Yearly { .. })));
        let reached = match (clock.met_on, agreed) {
            (Some(met), agreed) if agreed.is_none_or(|agreed| met <= agreed) => Reached {
                on: met,
                how: Words {
                    zh: format!("{}（{met}）", kind.chinese()),
                    en: format!("{} on {met}", kind.name().replace('_', " ")),
                },
            },
            (_, Some(agreed)) => Reached {
                on: agreed,
                how: Words {
                    zh: format!("约定{}日（{}）", kind.chinese(), clock.how.zh),
                    en: format!("{} agreed: {}", kind.name().replace('_', " "), clock.how.en),
                },
            },
            (_, None) => {
                return Some(Err(match duty.due {
                    Some(DueRule::After { event, .. }) => Missing::Event(event),
                    _ => Missing::Day(kind),
                }));
            }
        };
        if last.as_ref().is_none_or(|last| last.on < reached.on) {
            last = Some(reached);
        }
    }
    last.map(Ok)
}

impl<'r> Timing<'r> {
    /// The rules of a day.
    pub fn on(rulebook: &'r Rulebook, day: NaiveDate) -> Self {
        Self { day, soon: rulebook.soon(day), rulebook, scheme_years: None }
    }

    /// The same under a scheme that asks for so many years between reviews in use; a contract that says so goes before.
    pub fn every(self, scheme_years: Option<u32>) -> Self {
        Self { scheme_years, ..self }
    }

    fn value(&self, key: &'static str) -> Result<(Months, &'r RuleValue), Missing> {
        let value = self.rulebook.on(key, self.day).map_err(|_| Missing::Rule(key))?;
        let months = self.rulebook.months(key, self.day).map_err(|_| Missing::Rule(key))?;
        Ok((months, value))
    }

    /// The reviews of a contract, in the order of a life: those in use as far as the first that is not due within some
    /// days, and no farther than the term. `known` is what was done of them.
    pub fn reviews(&self, terms: &Terms<'_>, known: &Known, calendar: &Calendar, within: Days) -> Vec<Entry<'r>> {
        let clocks = terms.clocks(calendar, self.day);
        let end = terms.contract.term_ends_on;
        let mut found = Vec::new();
        for (kind, duty, key) in [
            (Kind::Completion, ObligationKind::Completion, keys::REVIEW_COMPLETION),
            (Kind::FullProduction, ObligationKind::FullProduction, keys::REVIEW_FULL_PRODUCTION),
        ] {
            let is_on_record = clocks.iter().flatten().any(|(held, _)| held.kind == duty);
            let stage = match stage(&clocks, duty) {
                Some(stage) => stage,
                // Neither what was waived nor what a bare contract never promised is missing.
                None if is_on_record || !terms.has_performance_terms() => continue,
                None => Err(Missing::Obligation(duty)),
            };
            found.push(self.after_stage(kind, stage, key));
        }
        let expiry = end.map(|end| self.expiry(end, terms.contract.term_by.as_deref()));
        let last = expiry.as_ref().and_then(|entry| entry.due).or(end);
        self.in_use(terms, &clocks, known, (last, within), &mut found);
        found.extend(expiry);
        // Nothing is due once the land has gone back.
        found.retain(|entry| known.contains_key(&entry.name) || entry.due.zip(end).is_none_or(|(due, end)| due < end));
        self.stand(&mut found, known, end);
        found
    }

    /// The review that follows a stage of the works.
    fn after_stage(&self, kind: Kind, stage: Result<Reached, Missing>, key: &'static str) -> Entry<'r> {
        let name = Name { kind, number: 1 };
        let counted = stage.and_then(|stage| {
            let (months, rule) = self.value(key)?;
            Ok((stage.on.checked_add_months(months).ok_or(Missing::Rule(key))?, stage, months, rule))
        });
        match counted {
            Err(missing) => unknown(name, missing),
            Ok((due, stage, months, rule)) => {
                self.entry(name, due, stage.on, counted_after(&stage.how, months, due), Some(rule))
            }
        }
    }

    /// The reviews in use: the first so long after full production, or after production or completion where the contract
    /// promises no full production, each next one as long after that. The expiry review takes the place of what would come
    /// on its day or later.
    fn in_use(
        &self,
        terms: &Terms<'_>,
        clocks: &[Vec<(&Held, Clock)>],
        known: &Known,
        (last, within): (Option<NaiveDate>, Days),
        found: &mut Vec<Entry<'r>>,
    ) {
        let name = |number| Name { kind: Kind::Process, number };
        let stages = [ObligationKind::FullProduction, ObligationKind::Production, ObligationKind::Completion];
        let anchor = match stages.into_iter().find_map(|kind| stage(clocks, kind)) {
            None if !terms.has_performance_terms() => return,
            None => Err(Missing::Obligation(ObligationKind::FullProduction)),
            Some(anchor) => anchor,
        };
        let (anchor, (every, rule, [by_zh, by_en])) =
            match anchor.and_then(|anchor| Ok((anchor, self.interval(terms)?))) {
                Ok(found) => found,
                Err(missing) => return found.push(unknown(name(1), missing)),
            };
        let bounds = [keys::REVIEW_PROCESS_LEAST, keys::REVIEW_PROCESS_MOST].map(|key| self.value(key).ok());
        let horizon = self.day.checked_add_days(within).unwrap_or(NaiveDate::MAX);
        let mut before: Option<NaiveDate> = None;
        for number in 1.. {
            let Some(grid) = number_of(every, number).and_then(|months| anchor.on.checked_add_months(months)) else {
                return;
            };
            // One that was done keeps the day it had; the next keeps its distance from that.
            let done = known.get(&name(number)).and_then(|done| done.due);
            let due = done.unwrap_or_else(|| {
                let bound =
                    |place: usize| before?.checked_add_months(bounds[place].as_ref().map(|(months, _)| *months)?);
                let due = bound(0).map_or(grid, |least| grid.max(least));
                bound(1).map_or(due, |most| due.min(most))
            });
            if last.is_some_and(|last| due >= last) {
                return;
            }
            let years = f64::from(every.as_u32()) / 12.0;
            let how = Words {
                zh: format!("{}起{by_zh}每{years}年一次，第{number}次 → {due}", anchor.how.zh),
                en: format!("{}, every {years} years{by_en}, number {number} → {due}", anchor.how.en),
            };
            found.push(self.entry(name(number), due, anchor.on, how, rule));
            if due > horizon {
                return;
            }
            before = Some(due);
        }
    }

    /// How long it is from one review in use to the next, kept between the fewest and the most that are allowed.
    /// It is for the contract to say, else for the scheme, else for the rulebook; with the value of the rulebook, or whose
    /// word it is otherwise.
    fn interval(&self, terms: &Terms<'_>) -> Result<(Months, Option<&'r RuleValue>, [&'static str; 2]), Missing> {
        let asked = self.scheme_years.and_then(|years| years.checked_mul(12)).map(Months::new);
        let (months, rule, by) = match (terms.review_months(), asked) {
            (Some(agreed), _) => (agreed, None, ["按合同约定", " as the contract has it"]),
            (None, Some(asked)) => (asked, None, ["按评估方案", " as the scheme has it"]),
            (None, None) => self.value(keys::REVIEW_PROCESS).map(|(months, rule)| (months, Some(rule), [""; 2]))?,
        };
        let bound = |key| self.value(key).ok().map(|(months, _)| months.as_u32());
        let months = months.as_u32().max(bound(keys::REVIEW_PROCESS_LEAST).unwrap_or(1)).max(1);
        let months = bound(keys::REVIEW_PROCESS_MOST).map_or(months, |most| months.min(most.max(1)));
        Ok((Months::new(months), rule, by))
    }

    /// The review before the end of the term: by the last day on which renewal can be applied for.
    fn expiry(&self, end: NaiveDate, by: Option<&str>) -> Entry<'r> {
        let name = Name { kind: Kind::Expiry, number: 1 };
        let (months, rule) = match self.value(keys::APPLICATION_MONTHS) {
            Ok(found) => found,
            Err(missing) => return unknown(name, missing),
        };
        let due = end.checked_sub_months(months).unwrap_or(NaiveDate::MIN);
        let (by_zh, by_en) =
            by.map(|by| (format!("（补充合同 {by}）"), format!(" (supplementary contract {by})"))).unwrap_or_default();
        let months = months.as_u32();
        let how = Words {
            zh: format!("使用年限至 {end} 届满{by_zh}，提前{months}个月 → {due}"),
            en: format!("the term ends before {end}{by_en}; {months} months earlier → {due}"),
        };
        let mut entry = self.entry(name, due, end, how, Some(rule));
        if let Ok((ahead, _)) = self.value(keys::EXPIRY_MONTHS) {
            entry.remind_on = end.checked_sub_months(ahead).map(|remind| remind.min(due));
        }
        entry
    }

    fn entry(&self, name: Name, due: NaiveDate, from: NaiveDate, how: Words, rule: Option<&'r RuleValue>) -> Entry<'r> {
        let remind_on = due.checked_sub_days(self.soon);
        // Where it stands follows once all are known.
        let state = State::NotYet { days: (due - self.day).num_days() };
        let rule = rule.map(Cow::Borrowed);
        Entry { name, due: Some(due), remind_on, from: Some(from), how, rule, state }
    }

    /// Says of each where it stands. Of those that are open only the last can be overdue: one review looks at everything
    /// that came before it.
    fn stand(&self, found: &mut [Entry<'r>], known: &Known, end: Option<NaiveDate>) {
        let mut order: Vec<usize> = (0..found.len()).collect();
        order.sort_by_key(|index| (found[*index].due, found[*index].name));
        let mut is_followed = false;
        for index in order.into_iter().rev() {
            let entry = &mut found[index];
            if let Some(done) = known.get(&entry.name).filter(|done| done.on <= self.day) {
                entry.due = done.due.or(entry.due);
                entry.state = State::Done(done.clone());
                is_followed |= entry.due.is_some();
                continue;
            }
            let Some(due) = entry.due else { continue };
            let days = (due - self.day).num_days();
            entry.state = if is_followed {
                State::Missed
            } else if end.is_some_and(|end| end <= self.day) {
                State::Lapsed
            } else if days < 0 {
                State::Overdue { days: -days }
            } else if entry.remind_on.is_some_and(|remind| remind <= self.day) {
                State::Due { days }
            } else {
                State::NotYet { days }
            };
            is_followed |= days <= 0;
        }
    }
}

fn unknown(name: Name, missing: Missing) -> Entry<'static> {
    Entry {
        name,
        due: None,
        remind_on: None,
        from: None,
        how: missing.words(),
        rule: None,
        state: State::Unknown(missing),
    }
}

fn number_of(every: Months, number: u32) -> Option<Months> {
    every.as_u32().checked_mul(number).map(Months::new)
}

fn counted_after(from: &Words, months: Months, due: NaiveDate) -> Words {
    let months = months.as_u32();
    Words {
        zh: format!("{}后{months}个月 → {due}", from.zh), en: format!("{months} months after {} → {due}", from.en)
    }
}

#[cfg(test)]
mod laws;
