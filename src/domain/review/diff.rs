//! Two runs compared: which parcels moved, and whether other rules, other peers or other facts of their own moved them.
//!
//! The way from the old result of a parcel to the new one goes in three steps, and each step that changes grade or list is
//! a cause. *Rules*: the old facts of the whole city are judged by the new rules on the new day. *Peers*: then the city has
//! its new facts, and only the parcel keeps its old ones. *Facts*: then the parcel has its new facts too, which is the new
//! run. The steps are whole judgements, so that together they are the way, and nothing is left over.

use super::decision::List;
use super::facts::Facts;
use super::grade::Grade;
use super::receipt::Receipt;
use super::run::{ReviewError, Rules, judge};
use chrono::NaiveDate;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The city is judged at most so many times for the step of the peers: that many parts of the parcels that moved keep their
/// old facts together. Below this many parcels each stands alone.
const PARTS: usize = 100;

/// Where a parcel stands in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Its grade.
    pub grade: Grade,
    /// The list it is on.
    pub list: Option<List>,
}

impl From<&Receipt> for Standing {
    fn from(receipt: &Receipt) -> Self {
        Self { grade: receipt.grade, list: receipt.decision.list }
    }
}

/// A run on one side of the comparison.
#[derive(Debug, Clone)]
pub struct Side {
    /// The day it judges.
    pub as_of: NaiveDate,
    /// Its rules.
    pub rules: Rules,
    /// Its facts, in the order of parcel codes.
    pub facts: Vec<Facts>,
    /// What it found, in the same order.
    pub found: Vec<Standing>,
}

/// What moved a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Other rules, or the other day on which they are applied.
    Rules,
    /// The others, and with them benchmarks and ranks.
    Peers,
    /// Its own facts.
    Facts,
    /// It was not in the old run.
    Entered,
    /// It is not in the new run.
    Left,
}

impl Cause {
    /// The word used in data.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Peers => "peers",
            Self::Facts => "facts",
            Self::Entered => "entered",
            Self::Left => "left",
        }
    }
}

/// A parcel that stands elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Move {
    /// Code of the parcel.
    pub parcel: String,
    /// Where it stood; nothing where it was not in the old run.
    pub before: Option<Standing>,
    /// Where it stands; nothing where it is not in the new run.
    pub after: Option<Standing>,
    /// What moved it, in the order of the steps; nothing where only rules could.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
}

/// What lies between two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// How many parcels of both runs went from a grade (row) to a grade (column), both in the order A, B, C, D, T.
    pub matrix: [[u32; 5]; 5],
    /// Those that moved, in the order of codes.
    pub moves: Vec<Move>,
}

/// Compares two runs.
pub fn diff(old: &Side, new: &Side, workers: usize) -> Result<Diff, ReviewError> {
    let place = |side: &'_ Side| -> BTreeMap<String, usize> {
        side.facts.iter().enumerate().map(|(place, facts)| (facts.code.clone(), place)).collect()
    };
    let (before, after) = (place(old), place(new));
    let mut matrix = [[0; 5]; 5];
    let mut moves = Vec::new();
    let codes: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for code in codes {
        let stood = before.get(code).map(|place| old.found[*place]);
        let stands = after.get(code).map(|place| new.found[*place]);
        if let (Some(stood), Some(stands)) = (stood, stands) {
            matrix[column(stood.grade)][column(stands.grade)] += 1;
        }
        if stood != stands {
            moves.push(Move { parcel: code.clone(), before: stood, after: stands, causes: Vec::new() });
        }
    }
    let same_rules = old.rules.hash == new.rules.hash
        && old.rules.scheme.window.years == new.rules.scheme.window.years
        && old.as_of == new.as_of;
    // The first step: the old city under the new rules.
    let ruled: BTreeMap<String, Standing> = if same_rules {
        before.iter().map(|(code, place)| (code.clone(), old.found[*place])).collect()
    } else {
        standings(&judge(&new.rules, new.as_of, old.facts.clone(), workers)?).collect()
    };
    // The second step, for those whose own facts changed; for the others it is the last.
    let asked: Vec<(usize, usize)> = moves
        .iter()
        .filter_map(|one| Some((*before.get(&one.parcel)?, *after.get(&one.parcel)?, one)))
        .filter(|(from, to, one)| ruled.get(&one.parcel).copied() != one.after && old.facts[*from] != new.facts[*to])
        .map(|(from, to, _)| (from, to))
        .collect();
    let mut among: BTreeMap<String, Standing> = BTreeMap::new();
    for part in asked.chunks((new.facts.len() / PARTS).max(1)) {
        let mut city = new.facts.clone();
        for (from, to) in part {
            city[*to] = old.facts[*from].clone();
        }
        let codes: BTreeSet<&String> = part.iter().map(|(_, to)| &new.facts[*to].code).collect();
        let receipts = judge(&new.rules, new.as_of, city, workers)?;
        among.extend(standings(&receipts).filter(|(code, _)| codes.contains(code)));
    }
    for one in &mut moves {
        one.causes = match (one.before, one.after) {
            (None, _) => vec![Cause::Entered],
            (_, None) => vec![Cause::Left],
            _ => {
                let ruled = ruled.get(&one.parcel).copied();
                let among = if ruled == one.after { ruled } else { among.get(&one.parcel).copied().or(one.after) };
                let steps =
                    [(Cause::Rules, one.before, ruled), (Cause::Peers, ruled, among), (Cause::Facts, among, one.after)];
                steps.into_iter().filter(|(_, from, to)| from != to).map(|(cause, _, _)| cause).collect()
            }
        };
    }
    Ok(Diff { matrix, moves })
}

fn standings(receipts: &[Receipt]) -> impl Iterator<Item = (String, Standing)> {
    receipts.iter().map(|receipt| (receipt.facts.code.clone(), Standing::from(receipt)))
}

/// The place of a grade in rows and columns.
pub(super) fn column(grade: Grade) -> usize {
    Grade::ALL.iter().position(|one| *one == grade).unwrap_or_default()
}
