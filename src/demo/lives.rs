//! What was done to the parcels of the made-up city, as a bureau would tell it: a row for each deed, on the day that the
//! contract's history gives it. Land from before the life-cycle contracts is met as it was found.

use super::history::{Contract, Obligation};
use super::unit::{Fate, Parcel, day, days_after, today};
use crate::exchange::write::Value;
use chrono::NaiveDate;
use std::collections::HashMap;

/// The columns of the file.
pub(super) const COLUMNS: [&str; 8] = ["parcel_code", "deed", "on", "document", "state", "contract", "duty", "due_on"];

/// What is done after the handover, the obligation that it keeps, and its document.
const DEEDS: [(&str, &str, &str); 4] = [
    ("start", "start", "开工认定（演示）"),
    ("accept", "completion", "竣工验收（演示）"),
    ("produce", "production", "投产认定（演示）"),
    ("reach_targets", "full_production", "达产评估（演示）"),
];

/// The rows of a unit, parcel by parcel.
pub(super) fn lives(parcels: &[Parcel], contracts: &[Contract], obligations: &[Obligation]) -> Vec<Vec<Value>> {
    // The day on which each was kept, by contract and kind.
    let mut kept: HashMap<(usize, &str), NaiveDate> = HashMap::new();
    for one in obligations {
        kept.extend(one.met_on.map(|met| ((one.contract, one.kind), met)));
    }
    let mut rows = Vec::new();
    for (index, contract) in contracts.iter().enumerate() {
        let parcel = &parcels[contract.parcel];
        let mut life = Life { parcel, since: parcel.signed_on.max(contract.signed_on), rows: &mut rows };
        let number = contract.number.as_str();
        if !contract.performance_terms {
            life.since = life.since.max(day(2018, 5, 7));
            life.row("found", life.since, "存量产业用地调查（演示）", [Some("operating"), Some(number), None, None]);
            continue;
        }
        let paper = format!("土地使用合同 {number}");
        life.row("found", life.since, &paper, [Some("contracted"), Some(number), None, None]);
        let handover = contract.handed_over_on.unwrap_or(contract.starts_on);
        let due = days_after(handover, 183);
        life.then("hand_over", handover, "交地确认书（演示）");
        // Up to the first that was not done.
        for (deed, kind, document) in DEEDS {
            let Some(on) = kept.get(&(index, kind)) else { break };
            life.then(deed, *on, document);
        }
        if matches!(parcel.fate, Fate::Late | Fate::NotStarted) && days_after(due, 1) < today() {
            let on = days_after(due, 1).max(life.since);
            let agreed = due.to_string();
            life.row("miss_date", on, "逾期开工告知书（演示）", [None, None, Some("start"), Some(&agreed)]);
        }
    }
    rows
}

/// A life while it is told.
struct Life<'a> {
    parcel: &'a Parcel,
    since: NaiveDate,
    rows: &'a mut Vec<Vec<Value>>,
}

impl Life<'_> {
    /// A deed that needs no facts.
    fn then(&mut self, deed: &str, on: NaiveDate, document: &str) {
        self.row(deed, on, document, [None; 4]);
    }

    /// A deed on its day, or on that of the deed before it where that came later.
    fn row(&mut self, deed: &str, on: NaiveDate, document: &str, facts: [Option<&str>; 4]) {
        self.since = on.max(self.since);
        let mut row = vec![
            Value::from(self.parcel.code.as_str()),
            Value::from(deed),
            Value::from(self.since),
            Value::from(document),
        ];
        row.extend(facts.map(Value::from));
        self.rows.push(row);
    }
}
