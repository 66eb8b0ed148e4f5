//! The laws of the calendar over random contracts, and the cases of `tests/cases/review_calendar.toml`.

use super::*;
use crate::domain::contract::due::Event;
use crate::domain::contract::obligation::{Act, ActKind};
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::LazyLock;

static CALENDAR: LazyLock<Calendar> =
    LazyLock::new(|| Calendar::parse(include_str!("../../../../data/calendars/cn.toml")).expect("well formed"));
static BOOK: LazyLock<Rulebook> =
    LazyLock::new(|| Rulebook::parse(include_str!("../../../../data/rulebook/values.toml")).expect("well formed"));

const FAR: Days = Days::new(36_525);

fn day(offset: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2015, 1, 1).expect("a day") + Days::new(offset)
}

fn duty(kind: ObligationKind, due: Option<DueRule>, met_on: Option<NaiveDate>, acts: Vec<Act>) -> Held {
    Held {
        number: kind.name().to_owned(),
        kind,
        due,
        target: None,
        unit: None,
        at_most: false,
        met_on,
        achieved: None,
        excuse: None,
        body: None,
        acts,
        years: Vec::new(),
    }
}

fn contract_of(signed_on: NaiveDate, term_ends_on: Option<NaiveDate>, duties: Vec<Held>) -> Watched {
    Watched {
        number: "H1".into(),
        parcel: "P1".into(),
        responsible_unit: None,
        signed_on,
        paid_on: None,
        handed_over_on: None,
        term_ends_on,
        term_by: None,
        amends: None,
        performance_terms: true,
        review_years: None,
        duties,
        bonds: Vec::new(),
    }
}

fn decided(kind: ActKind, on: NaiveDate, until: Option<NaiveDate>) -> Act {
    Act { kind, on, until, ground: "规划调整".into(), document: "函1".into(), year: None }
}

fn of<'r>(contract: &Watched, known: &Known, today: NaiveDate) -> Vec<Entry<'r>> {
    let terms = Terms { contract, supplements: Vec::new() };
    Timing::on(&BOOK, today).reviews(&terms, known, &CALENDAR, FAR)
}

/// A contract whose full production is agreed for a day, and perhaps reached on one.
fn agreed(due: u64, met: Option<u64>, years: u32, acts: Vec<Act>) -> Watched {
    let full = duty(ObligationKind::FullProduction, Some(DueRule::On(day(due))), met.map(day), acts);
    let built = duty(ObligationKind::Completion, Some(DueRule::On(day(due / 2))), None, Vec::new());
    contract_of(day(0), day(0).checked_add_months(Months::new(12 * years)), vec![built, full])
}

proptest! {
    #[test]
    fn reviews_come_in_the_order_of_a_life_and_none_on_or_after_the_end_of_the_term(
        due in 0_u64..4000, met in proptest::option::of(0_u64..4000), years in 5_u32..60, today in 1500_u64..12_000
    ) {
        let contract = agreed(due, met, years, Vec::new());
        let found = of(&contract, &Known::new(), day(today));
        let end = contract.term_ends_on.expect("set");
        let expiry = found.iter().find(|one| one.name.kind == Kind::Expiry).and_then(|one| one.due);
        let in_use: Vec<_> = found.iter().filter(|one| one.name.kind == Kind::Process).collect();
        prop_assert!(found.iter().all(|one| one.due.is_some_and(|due| due < end)));
        prop_assert!(in_use.iter().all(|one| one.due < expiry), "the review before the end takes their place");
        let at = |kind| found.iter().find(|one| one.name.kind == kind).and_then(|one| one.due);
        if let (Some(full), Some(first)) = (at(Kind::FullProduction), in_use.first().and_then(|one| one.due)) {
            prop_assert!(full < first);
        }
        // Who neglects them year after year has one to make up and the next to do.
        let open = in_use.iter().filter(|one| one.state.is_open()).count();
        prop_assert!(open <= 2, "no arrears of years");
        let overdue = found.iter().filter(|one| one.state.name() == "overdue").count();
        prop_assert!(overdue <= 1, "{overdue} are overdue");
    }

    #[test]
    fn between_two_reviews_in_use_lie_three_to_five_years_whatever_was_done_and_wherever_the_days_moved(
        due in 0_u64..3000, done in proptest::collection::vec((1_u32..8, 0_u64..700), 0..4), today in 1500_u64..12_000,
        every in 1_u32..120
    ) {
        let mut book = BOOK.clone();
        let value = book.values.iter_mut().find(|value| value.key == keys::REVIEW_PROCESS).expect("shipped");
        value.value = f64::from(every);
        let today = day(today).max(day(1500));
        let contract = agreed(due, None, 50, Vec::new());
        let terms = Terms { contract: &contract, supplements: Vec::new() };
        let found = Timing::on(&book, today).reviews(&terms, &Known::new(), &CALENDAR, FAR);
        // Some were done when the days were counted otherwise; those of one calendar moved by the same days.
        let shift = done.first().map_or(0, |(_, shift)| *shift);
        let known: Known = done.iter().filter_map(|(number, _)| {
            let name = Name { kind: Kind::Process, number: *number };
            let due = found.iter().find(|one| one.name == name)?.due? - Days::new(shift);
            Some((name, Done { by: By::Run { run: 1 }, on: due, due: Some(due) }))
        }).collect();
        let found = Timing::on(&book, today).reviews(&terms, &known, &CALENDAR, FAR);
        let dues: Vec<(bool, NaiveDate)> = found.iter().filter(|one| one.name.kind == Kind::Process)
            .map(|one| (known.contains_key(&one.name), one.due.expect("counted"))).collect();
        for pair in dues.windows(2) {
            let ((_, one), (is_done, next)) = (pair[0], pair[1]);
            // What was done keeps its day, even where the one before it has moved since.
            if is_done { continue; }
            // A leap day, or the last of a month, may cost a few days.
            prop_assert!(next + Days::new(3) >= one + Months::new(36), "{one} {next}");
            prop_assert!(next <= one + Months::new(60) + Days::new(3), "{one} {next}");
        }
    }

    #[test]
    fn an_extension_never_brings_a_review_forward(
        due in 0_u64..3000, met in proptest::option::of(0_u64..4000), given_on in 0_u64..3000, more in 1_u64..1500,
        today in 3000_u64..8000
    ) {
        let until = day(given_on + more);
        let acts = vec![decided(ActKind::Extended, day(given_on), Some(until))];
        let before = of(&agreed(due, met, 50, Vec::new()), &Known::new(), day(today));
        let after = of(&agreed(due, met, 50, acts), &Known::new(), day(today));
        for one in &after {
            if let Some(was) = before.iter().find(|was| was.name == one.name) {
                prop_assert!(was.due <= one.due, "{:?} {:?}", was.due, one.due);
            }
        }
    }

    #[test]
    fn what_becomes_known_later_moves_nothing_that_was_done_and_lateness_puts_nothing_off(
        due in 0_u64..3000, late in 0_u64..2000, number in 1_u32..5, today in 3000_u64..9000
    ) {
        let open = agreed(due, None, 50, Vec::new());
        let found = of(&open, &Known::new(), day(today));
        let name = Name { kind: Kind::Process, number };
        let Some(first) = found.iter().find(|one| one.name == name) else { return Ok(()) };
        let done = Done { by: By::Acceptance { document: "文1".into() }, on: day(today), due: first.due };
        let known = Known::from([(name, done.clone())]);
        // The day it was met comes in later, and so does an extension.
        let acts = vec![decided(ActKind::Extended, day(today), Some(day(today + late + 1)))];
        let later = of(&agreed(due, Some(due + late), 50, acts), &known, day(today));
        let kept = later.iter().find(|one| one.name == name).expect("still there");
        prop_assert_eq!(&kept.state, &State::Done(done));
        prop_assert_eq!(kept.due, first.due);
        // Works that came late are reviewed when they were to come.
        let met = of(&agreed(due, Some(due + late), 50, Vec::new()), &Known::new(), day(today.max(due + late)));
        for one in &met {
            let was = found.iter().find(|was| was.name == one.name);
            prop_assert!(was.is_none_or(|was| was.due == one.due), "{:?}", one.name);
        }
    }

    #[test]
    fn the_list_of_a_later_day_has_the_same_days_and_time_runs_one_way(
        due in 0_u64..3000, met in proptest::option::of(0_u64..1500), today in 1500_u64..9000, later in 0_u64..2000
    ) {
        let contract = agreed(due, met, 50, Vec::new());
        let rank = |state: &State| match state {
            State::NotYet { .. } => 0, State::Due { .. } => 1, State::Overdue { .. } => 2, _ => 3,
        };
        let first = of(&contract, &Known::new(), day(today));
        for one in of(&contract, &Known::new(), day(today + later)) {
            if let Some(was) = first.iter().find(|was| was.name == one.name) {
                prop_assert_eq!(was.due, one.due);
                prop_assert!(rank(&was.state) <= rank(&one.state), "{:?} {:?}", was.state, one.state);
            }
        }
    }
}

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    on: toml::value::Datetime,
    signed: toml::value::Datetime,
    term_ends: Option<toml::value::Datetime>,
    performance_terms: Option<bool>,
    review_years: Option<i32>,
    /// What the scheme asks for.
    scheme_years: Option<u32>,
    handed_over: Option<toml::value::Datetime>,
    #[serde(default)]
    duty: Vec<Duty>,
    #[serde(default)]
    supplement: Vec<Duty>,
    supplement_signed: Option<toml::value::Datetime>,
    #[serde(default)]
    done: Vec<Kept>,
    answer: Vec<Answer>,
    /// Reviews that the contract does not make due.
    #[serde(default)]
    none: Vec<Kind>,
    /// Values of the rulebook on which the answer rests.
    rules: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Duty {
    kind: String,
    due: Option<toml::value::Datetime>,
    months_after: Option<(String, u32)>,
    met: Option<toml::value::Datetime>,
    extended: Option<(toml::value::Datetime, toml::value::Datetime)>,
    waived: Option<toml::value::Datetime>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    review: Kind,
    number: Option<u32>,
    on: toml::value::Datetime,
    due: toml::value::Datetime,
    run: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    review: Kind,
    number: Option<u32>,
    due: Option<toml::value::Datetime>,
    state: String,
    days: Option<i64>,
    missing: Option<String>,
}

fn date(written: toml::value::Datetime) -> NaiveDate {
    written.to_string().parse().expect("a day")
}

fn held(duties: &[Duty]) -> Vec<Held> {
    let word = |text: &str| ObligationKind::WORDS.iter().find(|(word, _)| *word == text).expect("a kind").1;
    let event = |text: &str| Event::WORDS.iter().find(|(word, _)| *word == text).expect("an event").1;
    duties
        .iter()
        .map(|one| {
            let due = one.due.map(|on| DueRule::On(date(on))).or_else(|| {
                let (from, count) = one.months_after.as_ref()?;
                let unit = crate::domain::contract::due::DueUnit::Months;
                Some(DueRule::After { event: event(from), count: *count, unit })
            });
            let extended = one.extended.map(|(on, until)| decided(ActKind::Extended, date(on), Some(date(until))));
            let waived = one.waived.map(|on| decided(ActKind::Waived, date(on), None));
            duty(word(&one.kind), due, one.met.map(date), extended.into_iter().chain(waived).collect())
        })
        .collect()
}

#[test]
fn each_case_is_answered_as_an_officer_expects() {
    let cases: Cases =
        toml::from_str(include_str!("../../../../tests/cases/review_calendar.toml")).expect("well formed");
    assert!(cases.case.len() >= 15);
    let mut states = BTreeSet::new();
    for case in &cases.case {
        let name = &case.name;
        let mut contract = contract_of(date(case.signed), case.term_ends.map(date), held(&case.duty));
        contract.performance_terms = case.performance_terms.unwrap_or(true);
        contract.review_years = case.review_years;
        contract.handed_over_on = case.handed_over.map(date);
        let mut contracts = vec![contract];
        if let Some(signed) = case.supplement_signed {
            let supplement = contract_of(date(signed), None, held(&case.supplement));
            contracts.push(Watched { number: "H2".into(), amends: Some("H1".into()), ..supplement });
        }
        let known: Known = case
            .done
            .iter()
            .map(|one| {
                let by = one.run.map_or(By::Acceptance { document: "文".into() }, |run| By::Run { run });
                let done = Done { by, on: date(one.on), due: Some(date(one.due)) };
                (Name { kind: one.review, number: one.number.unwrap_or(1) }, done)
            })
            .collect();
        let today = date(case.on);
        let terms = in_force(&contracts, today);
        let timing = Timing::on(&BOOK, today).every(case.scheme_years);
        let found = timing.reviews(&terms[0], &known, &CALENDAR, FAR);
        for answer in &case.answer {
            let asked = Name { kind: answer.review, number: answer.number.unwrap_or(1) };
            let entry = found.iter().find(|one| one.name == asked);
            let entry = entry.unwrap_or_else(|| panic!("{name}: no {asked:?}"));
            let days = match &entry.state {
                State::NotYet { days } | State::Due { days } | State::Overdue { days } => Some(*days),
                _ => None,
            };
            let missing = if let State::Unknown(missing) = &entry.state { Some(missing.code()) } else { None };
            let expected = (answer.due.map(date), answer.state.as_str(), answer.missing.clone());
            assert_eq!((entry.due, entry.state.name(), missing), expected, "{name}: {}", entry.how.en);
            assert!(answer.days.is_none_or(|asked| Some(asked) == days), "{name}: {days:?}");
            states.insert(entry.state.name());
            if let Some(rule) = &entry.rule {
                assert!(case.rules.contains(&rule.key), "{name}: {} rests on {}", asked.kind.name(), rule.key);
            }
        }
        for kind in &case.none {
            assert!(!found.iter().any(|one| one.name.kind == *kind), "{name}: {}", kind.name());
        }
        for rule in &case.rules {
            assert!(BOOK.on(rule, today).is_ok_and(|value| !value.source.is_empty()), "{name}: {rule}");
        }
    }
    let all = BTreeSet::from(["done", "not_yet", "due", "overdue", "missed", "lapsed", "unknown"]);
    assert_eq!(states, all, "each state has a case");
}
