//! The cases in `tests/cases/split.toml`, which an officer can read: what becomes of each kind of promise when its parcel
//! is cut in half.

use std::{collections::BTreeMap, fmt::Write as _};

use landcycle::domain::contract::obligation::ObligationKind;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::{cut_at, event, street};
use crate::support::{Town, parcel_code};

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    kind: String,
    #[serde(default)]
    unit: String,
    target: Option<Decimal>,
    achieved: Option<Decimal>,
    #[serde(default)]
    years: BTreeMap<String, Decimal>,
    becomes: String,
    west: Option<Figures>,
    east: Option<Figures>,
}

/// The figures of a promise, by year where they are of single years.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Figures {
    target: Option<Decimal>,
    achieved: Option<Decimal>,
    #[serde(default)]
    years: BTreeMap<String, Decimal>,
}

impl Case {
    fn whole(&self) -> Figures {
        Figures { target: self.target, achieved: self.achieved, years: self.years.clone() }
    }
}

impl Figures {
    /// What both parts say together.
    fn and(&self, other: &Self) -> Self {
        let sum = |one: Option<Decimal>, other: Option<Decimal>| Some(one? + other?);
        let years = self.years.iter().map(|(year, figure)| (year.clone(), figure + other.years[year])).collect();
        Self { target: sum(self.target, other.target), achieved: sum(self.achieved, other.achieved), years }
    }
}

/// One contract that promises all of it on parcel 1.
fn promise(town: &Town, cases: &[Case]) {
    town.takes("enterprises", &town.file("e.csv", "enterprise_code,name\nE1,一号厂\n"));
    let head = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms";
    town.takes("contracts", &town.file("c.csv", format!("{head}\nH1,{},grant,2015-01-01,20,1\n", parcel_code(1))));
    let mut terms = "obligation_no,contract_no,kind,due_on,due_yearly,due_from_year,target,unit,achieved\n".to_owned();
    let mut years = "obligation_no,contract_no,kind,year,achieved\n".to_owned();
    for (at, case) in cases.iter().enumerate() {
        let (kind, unit) = (&case.kind, &case.unit);
        let figure = |figure: Option<Decimal>| figure.map(|figure| figure.to_string()).unwrap_or_default();
        let due = if case.years.is_empty() { "2030-12-31,," } else { ",12-31,2020" };
        let (target, achieved) = (figure(case.target), figure(case.achieved));
        writeln!(terms, "O{at:02},H1,{kind},{due},{target},{unit},{achieved}").unwrap();
        for (year, reached) in &case.years {
            writeln!(years, "O{at:02},H1,{kind},{year},{reached}").unwrap();
        }
    }
    town.takes("obligations", &town.file("terms.csv", terms));
    town.takes("obligations", &town.file("years.csv", years));
}

/// What the register says of an obligation.
async fn on_record(town: &Town, number: &str) -> (String, String, Figures) {
    let sql = "select contract, kind, unit, trim_scale(target), trim_scale(achieved) from obligation
        where number = $1 and upper_inf(recorded) and upper_inf(valid)";
    type Row = (String, String, Option<String>, Option<Decimal>, Option<Decimal>);
    let (contract, kind, unit, target, achieved): Row =
        sqlx::query_as(sql).bind(number).fetch_one(&town.database.pool).await.unwrap();
    let sql =
        "select year::text, trim_scale(achieved) from obligation_year where obligation = $1 and upper_inf(recorded)";
    let years: Vec<(String, Decimal)> = sqlx::query_as(sql).bind(number).fetch_all(&town.database.pool).await.unwrap();
    let figures = Figures { target, achieved, years: years.into_iter().collect() };
    (contract, format!("{kind} {}", unit.unwrap_or_default()), figures)
}

#[tokio::test]
async fn each_promise_is_shared_by_area_or_copied_as_an_officer_expects_and_sums_are_the_whole_to_the_last_fen() {
    let cases: Cases = toml::from_str(include_str!("../../cases/split.toml")).unwrap();
    let cases = cases.case;
    let town = street().await;
    promise(&town, &cases);
    let ended = event(&town, &["split", &parcel_code(1), "--cut", &cut_at(&town, 121.5015)]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    for (at, case) in cases.iter().enumerate() {
        let whole = case.whole();
        let (west, east) = (case.west.as_ref().unwrap_or(&whole), case.east.as_ref().unwrap_or(&whole));
        for (side, expected) in [(1, west), (2, east)] {
            let (contract, promised, found) = on_record(&town, &format!("O{at:02}-{side}")).await;
            assert_eq!((contract, promised), (format!("H1-{side}"), format!("{} {}", case.kind, case.unit)));
            assert_eq!(&found, expected, "{}, part {side}", case.name);
        }
        if case.west.is_some() {
            assert_eq!(west.and(east), whole, "{}: the case itself does not sum", case.name);
        }
        let sql = "select array_agg(distinct treatment) from lineage_duty where from_number = $1 and measure is not distinct from $2";
        let measure = whole.target.filter(|_| case.becomes == "shared").map(|_| "target");
        let treatments: Vec<String> = sqlx::query_scalar(sql)
            .bind(format!("O{at:02}"))
            .bind(measure)
            .fetch_one(&town.database.pool)
            .await
            .unwrap();
        assert_eq!(treatments, [case.becomes.as_str()], "{}", case.name);
    }
    for (kind, _) in ObligationKind::WORDS {
        assert!(cases.iter().any(|case| case.kind == kind), "{kind} has no case");
    }
    let years: i64 = town.value("select count(*) from lineage_duty where measure ~ '^achieved 20'").await;
    assert_eq!(years, 12, "what was shared of single years is on record, two parts each");
}
