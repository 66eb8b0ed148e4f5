//! Corrections of what has two times: a row with both days speaks of its own days alone, and over random sequences of
//! corrections what was believed at each earlier time stays, and the days say what was said.

use std::fmt::Write as _;

use chrono::{DateTime, Days, NaiveDate, Utc};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::json;
use sqlx::postgres::types::PgRange;

use crate::support::{Town, parcel_code};

/// Days on which anything is said: the last cell of a belief is "for ever".
const CELLS: usize = 16;
/// Things that are corrected side by side in one register, so that one import takes a step of each.
const THINGS: usize = 25;
const STEPS: usize = 6;

fn day(cell: usize) -> NaiveDate {
    let first = NaiveDate::from_ymd_opt(2015, 1, 1).unwrap();
    first + Days::new(100 * u64::try_from(cell).unwrap())
}

/// What a row says: a figure, and the days it names.
#[derive(Debug, Clone, Copy)]
struct Said {
    from: Option<usize>,
    to: Option<usize>,
    figure: u32,
}

/// What is believed of each day: the figure, or that nothing is law.
type Belief = [Option<u32>; CELLS];

/// The four kinds of rows: no day, a first day, a last day, both.
fn said() -> impl Strategy<Value = (u8, usize, usize)> {
    (0_u8..6, 0..CELLS - 2, 1..CELLS - 1)
}

/// First cell and end of the newest version: figures are said once, so a version is a run of one figure.
fn newest(belief: &Belief) -> Option<(usize, usize)> {
    let last = belief.iter().rposition(Option::is_some)?;
    let first = belief[..last].iter().rposition(|figure| *figure != belief[last]).map_or(0, |at| at + 1);
    Some((first, last + 1))
}

/// What is believed once a row was read; nothing where the row is to be refused.
fn after(mut belief: Belief, row: Said, ends_stay: bool) -> Option<Belief> {
    let newest = newest(&belief);
    let (from, to) = match (row.from, row.to) {
        // Its own days alone.
        (Some(from), Some(to)) => (from, to),
        (Some(from), None) => {
            if newest.is_some_and(|(first, _)| from < first) {
                return None;
            }
            let end = newest.filter(|(first, end)| ends_stay && (first..end).contains(&&from)).map(|(_, end)| end);
            belief[from..].fill(None);
            (from, end.unwrap_or(CELLS))
        }
        (None, to) => {
            let (first, end) = newest.unwrap_or((0, CELLS));
            let end = to.unwrap_or(if ends_stay { end } else { CELLS });
            if end <= first {
                return None;
            }
            belief[first..].fill(None);
            (first, end)
        }
    };
    belief[from..to].fill(Some(row.figure));
    Some(belief)
}

/// One kind of file, and the queries for key, figure and days of what was believed at $1 in the registers it speaks of.
struct Register {
    kind: &'static str,
    head: &'static str,
    row: fn(usize, Said) -> String,
    queries: &'static [&'static str],
    /// Whether what has ended stays ended until a row names another end.
    ends_stay: bool,
}

fn cell(at: Option<usize>) -> String {
    at.map_or_else(String::new, |at| day(at).to_string())
}

const REGISTERS: [Register; 3] = [
    Register {
        kind: "contracts",
        head: "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,price_wan_yuan,bond_wan_yuan,valid_from,valid_to",
        row: |thing, row| {
            let (from, to, figure) = (cell(row.from), cell(row.to), row.figure);
            format!("X{thing},{},grant,2015-01-01,50,1,{figure},{figure},{from},{to}", parcel_code(1))
        },
        queries: &[
            "select number, price_wan_yuan::int, valid from contract where recorded @> $1 and number like 'X%'",
            "select contract, amount_wan_yuan::int, valid from bond where recorded @> $1",
        ],
        ends_stay: true,
    },
    Register {
        kind: "obligations",
        head: "obligation_no,contract_no,kind,due_on,target,valid_from,valid_to",
        row: |thing, row| format!("X{thing},H1,jobs,2030-01-01,{},{},{}", row.figure, cell(row.from), cell(row.to)),
        queries: &["select number, target::int, valid from obligation where recorded @> $1"],
        ends_stay: true,
    },
    Register {
        kind: "occupancies",
        head: "parcel_code,enterprise_code,role,from_on,floor_area_m2,to_on,valid_from,valid_to",
        row: |thing, row| {
            // Of a use the end is told by to_on; a version of it has days of its own.
            let (to_on, to) = if row.from.is_some() { (None, row.to) } else { (row.to, None) };
            let (to_on, from, to) = (cell(to_on), cell(row.from), cell(to));
            format!("{},X{thing},owner,2015-01-01,{},{to_on},{from},{to}", parcel_code(1), row.figure)
        },
        queries: &["select enterprise, floor_area_m2::int, valid from occupancy where recorded @> $1"],
        ends_stay: false,
    },
];

async fn believed(town: &Town, query: &'static str, at: DateTime<Utc>) -> Vec<Belief> {
    let rows: Vec<(String, i32, PgRange<NaiveDate>)> =
        sqlx::query_as(query).bind(at).fetch_all(&town.database.pool).await.unwrap();
    let mut beliefs = vec![[None; CELLS]; THINGS];
    for (key, figure, valid) in rows {
        let belief = &mut beliefs[key[1..].parse::<usize>().unwrap()];
        let holds = |cell: usize| {
            let after_start = match valid.start {
                std::ops::Bound::Included(from) => from <= day(cell),
                _ => panic!("{key} has no first day"),
            };
            after_start && !matches!(valid.end, std::ops::Bound::Excluded(to) if to <= day(cell))
        };
        for at in (0..CELLS).filter(|at| holds(*at)) {
            assert_eq!(belief[at], None, "{key}: two versions hold on {}", day(at));
            belief[at] = Some(u32::try_from(figure).unwrap());
        }
    }
    beliefs
}

#[tokio::test]
async fn over_random_corrections_earlier_beliefs_stay_and_the_days_say_what_was_said() {
    let mut runner = TestRunner::deterministic();
    for (index, register) in REGISTERS.iter().enumerate() {
        let town = Town::settled().await;
        let enterprises: String = (0..THINGS).map(|thing| format!("X{thing},厂\n")).collect();
        town.takes("enterprises", &town.file("e.csv", format!("enterprise_code,name\n{enterprises}")));
        let mut beliefs = vec![[None; CELLS]; THINGS];
        let mut told: Vec<(DateTime<Utc>, Vec<Belief>)> = Vec::new();
        let mut periods = 0;
        for step in 0..STEPS {
            let mut text = format!("{}\n", register.head);
            let mut refused = 0;
            for (thing, belief) in beliefs.iter_mut().enumerate() {
                let (kind, one, other) = said().new_tree(&mut runner).unwrap().current();
                let (from, to) = (one.min(other), one.max(other).max(one.min(other) + 1));
                let figure = u32::try_from(1000 * (step + 1) + thing).unwrap();
                let (from, to) = match kind {
                    0 => (None, None),
                    1 => (Some(from), None),
                    2 => (None, Some(to)),
                    _ => (Some(from), Some(to)),
                };
                let row = Said { from, to, figure };
                writeln!(text, "{}", (register.row)(thing, row)).unwrap();
                match after(*belief, row, register.ends_stay) {
                    Some(next) => *belief = next,
                    None => refused += 1,
                }
                periods += usize::from(from.is_some() && to.is_some());
            }
            let file = town.file("step.csv", &text);
            let place = format!("register {index}, step {step}");
            let ended = town.import(register.kind, std::slice::from_ref(&file), &[]);
            let taken = u64::try_from(THINGS).unwrap() - refused;
            assert_eq!(ended.tally(), [taken + refused, taken, 0, refused], "{place}: {}\n{text}", ended.answer);
            if step + 1 == STEPS {
                let again = town.import(register.kind, &[file], &[]).tally();
                assert_eq!(again[1], 0, "{place}: the same file once more changes nothing: {again:?}");
            }
            told.push((town.value("select max(recorded_at) from revision").await, beliefs.clone()));
            for (query, (at, then)) in
                register.queries.iter().flat_map(|query| told.iter().map(move |one| (query, one)))
            {
                let found = believed(&town, query, *at).await;
                for (thing, (found, then)) in found.iter().zip(then).enumerate() {
                    assert_eq!(found, then, "{place}: thing {thing} as believed at {at} by {query}\n{text}");
                }
            }
        }
        assert!(periods > THINGS, "register {index} was hardly corrected in the middle");
    }
}

const OF_H1: &str = "select format('%s %s', price_wan_yuan::int, valid) from contract
    where number = 'H1' and upper_inf(recorded) order by valid";

fn priced(town: &Town, values: &str) -> std::path::PathBuf {
    let head = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,price_wan_yuan,valid_from,valid_to";
    town.file("c.csv", format!("{head}\nH1,{},grant,2015-01-01,20,1,{values}\n", parcel_code(1)))
}

#[tokio::test]
async fn a_middle_period_of_a_contract_is_corrected_for_its_own_days_and_leaves_its_obligations_alone() {
    let town = Town::settled().await;
    town.takes("contracts", &priced(&town, "100,,"));
    town.takes("obligations", &town.file("o.csv", "obligation_no,contract_no,kind,due_on\nS,H1,start,2030-01-01\n"));
    assert_eq!(town.tally("contracts", &priced(&town, "120,2018-01-01,2020-01-01")), [1, 1, 0, 0]);
    let three = ["100 [2015-01-01,2018-01-01)", "120 [2018-01-01,2020-01-01)", "100 [2020-01-01,)"];
    assert_eq!(town.values::<String>(OF_H1).await, three);
    assert_eq!(town.tally("contracts", &priced(&town, "120,2018-06-01,2019-06-01")), [1, 0, 1, 0], "known as it is");
    let early = town.import("contracts", &[priced(&town, "90,2018-01-01,")], &[]);
    let finding = &early.answer["findings"][0];
    assert_eq!(finding["code"], json!("period-overlaps"));
    assert!(finding["facts"]["expected"].as_str().unwrap().contains("give valid_to too"), "{finding}");
    let open: Vec<String> = town.values("select valid::text from obligation where upper_inf(recorded)").await;
    assert_eq!(open, ["[2015-01-01,)"], "what is said of a few days ends no obligation");
    // Before the first version, and across several.
    town.takes("contracts", &priced(&town, "80,2014-01-01,2019-01-01"));
    let now = ["80 [2014-01-01,2019-01-01)", "120 [2019-01-01,2020-01-01)", "100 [2020-01-01,)"];
    assert_eq!(town.values::<String>(OF_H1).await, now);
}

#[tokio::test]
async fn a_row_that_says_the_same_of_the_newest_version_with_another_last_day_moves_that_day() {
    let town = Town::settled().await;
    town.takes("contracts", &priced(&town, "100,,"));
    town.takes("obligations", &town.file("o.csv", "obligation_no,contract_no,kind,due_on\nS,H1,start,2030-01-01\n"));
    assert_eq!(town.tally("contracts", &priced(&town, "100,2015-01-01,2026-01-01")), [1, 1, 0, 0]);
    assert_eq!(town.values::<String>(OF_H1).await, ["100 [2015-01-01,2026-01-01)"]);
    let ended: Vec<String> = town.values("select valid::text from obligation where upper_inf(recorded)").await;
    assert_eq!(ended, ["[2015-01-01,2026-01-01)"], "an obligation ends with its contract");
    // Saying something else of its first years corrects those years.
    town.takes("contracts", &priced(&town, "90,2015-01-01,2016-01-01"));
    assert_eq!(town.values::<String>(OF_H1).await, ["90 [2015-01-01,2016-01-01)", "100 [2016-01-01,2026-01-01)"]);
}

#[tokio::test]
async fn a_middle_period_of_a_bond_is_corrected_with_the_row_of_its_contract() {
    let town = Town::settled().await;
    let head = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,bond_wan_yuan,bond_start_wan_yuan,bond_completion_wan_yuan,bond_production_wan_yuan,valid_from,valid_to";
    let row =
        |values: &str| town.file("c.csv", format!("{head}\nH1,{},grant,2015-01-01,20,1,{values}\n", parcel_code(1)));
    town.takes("contracts", &row("100,,,,,"));
    assert_eq!(town.tally("contracts", &row("90,,,,2018-01-01,2020-01-01")), [1, 1, 0, 0]);
    // The split is known of one year alone: the whole of that year is believed no more.
    assert_eq!(town.tally("contracts", &row(",20,30,40,2019-01-01,2020-01-01")), [1, 1, 0, 0]);
    let bonds = "select format('%s %s %s', part, amount_wan_yuan::int, valid) from bond
        where upper_inf(recorded) and part in ('whole', 'start') order by valid";
    assert_eq!(
        town.values::<String>(bonds).await,
        [
            "whole 100 [2015-01-01,2018-01-01)",
            "whole 90 [2018-01-01,2019-01-01)",
            "start 20 [2019-01-01,2020-01-01)",
            "whole 100 [2020-01-01,)"
        ]
    );
}

#[tokio::test]
async fn the_floor_area_of_a_use_is_corrected_for_a_few_years_and_shares_figures_by_them() {
    let town = Town::settled().await;
    let head = "parcel_code,enterprise_code,role,from_on,to_on,floor_area_m2,valid_from,valid_to";
    let row = |parcel: u32, values: &str| {
        town.file("u.csv", format!("{head}\n{},E1,owner,2015-01-01,{values}\n", parcel_code(parcel)))
    };
    town.takes("occupancies", &row(1, ",1000,,"));
    town.takes("occupancies", &row(2, ",1000,,"));
    assert_eq!(town.tally("occupancies", &row(1, ",3000,2024-01-01,2025-01-01")), [1, 1, 0, 0]);
    let uses = "select format('%s %s', floor_area_m2, valid) from occupancy
        where upper_inf(recorded) and parcel like '%00001' order by valid";
    assert_eq!(
        town.values::<String>(uses).await,
        ["1000 [2015-01-01,2024-01-01)", "3000 [2024-01-01,2025-01-01)", "1000 [2025-01-01,)"]
    );
    let dossier = town.run(&["dossier", &parcel_code(1), "--valid-at", "2026-06-30"]).answer;
    let year = dossier["returns"].as_array().unwrap().iter().find(|year| year["year"] == 2024).unwrap();
    assert_eq!(year["tax_wan_yuan"], json!(7.5), "three quarters of 10: {year}");
    // One use, of as much floor area as it had on the day, in which the enterprise moved once.
    for (day, floor) in [("2016-06-30", 1000.0), ("2024-06-30", 3000.0), ("2026-06-30", 1000.0)] {
        let dossier = town.run(&["dossier", &parcel_code(1), "--valid-at", day]).answer;
        let uses = dossier["occupancies"].as_array().unwrap();
        assert_eq!((uses.len(), &uses[0]["floor_area_m2"]), (1, &json!(floor)), "{day}: {uses:?}");
        assert_eq!((&uses[0]["from"], &uses[0]["to"]), (&json!("2015-01-01"), &json!(null)), "{uses:?}");
        let timeline = dossier["timeline"].as_array().unwrap();
        let moves = timeline.iter().filter(|entry| entry["kind"] == "occupancy").count();
        assert_eq!(moves, 1, "{day}: {timeline:?}");
    }
    // The file of the beginning, read once more, corrects the newest version and wipes out nothing.
    assert_eq!(town.tally("occupancies", &row(1, ",1000,,")), [1, 0, 1, 0]);
    for (values, code) in [
        (",3000,2014-01-01,2016-01-01", "period-outside-use"),
        ("2020-01-01,3000,2019-01-01,2021-01-01", "period-outside-use"),
        (",3000,2022-01-01,", "period-overlaps"),
        (",3000,,2022-01-01", "missing-value"),
    ] {
        let ended = town.import("occupancies", &[row(1, values)], &[]);
        assert_eq!((ended.status, &ended.answer["findings"][0]["code"]), (Some(1), &json!(code)), "{values}");
    }
}
