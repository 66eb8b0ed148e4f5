//! A review: figures, benchmarks of the peers, points, ranks, grades, decisions. Sums run in the order of parcel codes
//! and are rounded at stated places, so the number of workers changes nothing.

mod corrected;
mod part;
pub(super) mod seen;

pub use corrected::rejudge;

use self::part::{Judged, Judges};
use self::seen::Seen;
use super::benchmark::{LastRound, given};
use super::canonical;
use super::decision::{Deadline, DecisionTable, List, Row, Situation};
use super::facts::Facts;
use super::grade::Grade;
use super::holders::{Subjects, subjects};
use super::receipt::{Decision, DueBy, FORMAT, Holder, Receipt, RulesUsed, both, hash};
use super::scheme::record::Record;
use super::scheme::{Scheme, SchemeError, Unit};
use super::score;
use super::tracks::Limits;
use crate::domain::rulebook::Rulebook;
use chrono::{Datelike, NaiveDate};
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The rules of a review, read and checked, with the text they were read from.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The scheme.
    pub scheme: Scheme,
    /// The decision table.
    pub decisions: DecisionTable,
    /// The rulebook.
    pub rulebook: Rulebook,
    /// By which version of the formulas they are applied.
    pub formulas: u32,
    /// What the last round found, where the scheme measures against that and there was one.
    pub last_round: Option<LastRound>,
    /// The texts, joined.
    pub source: String,
    /// SHA-256 of that, hex.
    pub hash: String,
}

/// The version of the formulas in this ring: raised whenever the same rules and facts would give another receipt, so
/// that a run made before is never taken for one made after. Since 3 a benchmark of peers takes figures below nothing, as
/// refunds are, for nothing, as points do: with them a mean close to nothing made whoever paid more score less.
pub const FORMULAS: u32 = 3;
/// The first version by which a kept run is still judged again.
pub const FIRST_FORMULAS: u32 = 2;

/// Where in the text of rules the means of the last round begin.
pub(super) const LAST_ROUND: &str = "\n# ---- last round ----\n";

impl Rules {
    /// Reads the three texts.
    pub fn parse(scheme: &str, decisions: &str, rulebook: &str) -> Result<Self, SchemeError> {
        Self::read(FORMULAS, scheme, decisions, rulebook)
    }

    /// Reads the three texts, for a version of the formulas.
    pub(super) fn read(formulas: u32, scheme: &str, decisions: &str, rulebook: &str) -> Result<Self, SchemeError> {
        let source = format!(
            "# formulas {formulas}\n{scheme}\n# ---- decisions ----\n{decisions}\n# ---- rulebook ----\n{rulebook}"
        );
        let rulebook = Rulebook::parse(rulebook)?;
        let decisions = DecisionTable::parse(decisions)?;
        decisions.check_deadlines(&rulebook)?;
        let (hash, last_round) = (hash(source.as_bytes()), None);
        Ok(Self { scheme: Scheme::parse(scheme)?, decisions, rulebook, formulas, last_round, hash, source })
    }

    /// The same rules, measuring against what the last round found: kept with their text, so that nothing else is needed to
    /// judge again.
    pub fn after(mut self, last: LastRound) -> Result<Self, serde_json::Error> {
        self.source = format!("{}{LAST_ROUND}{}", self.source, canonical::to_string(&last)?);
        self.hash = hash(self.source.as_bytes());
        self.last_round = Some(last);
        Ok(self)
    }
}

/// The full calendar years before a day.
pub fn window(as_of: NaiveDate, years: u32) -> std::ops::RangeInclusive<i32> {
    // The last day of a year completes it.
    let last = if (as_of.month(), as_of.day()) == (12, 31) { as_of.year() } else { as_of.year() - 1 };
    #[expect(clippy::cast_possible_wrap, reason = "3 to 5")]
    let years = years as i32;
    last - years + 1..=last
}

/// Judges every parcel. `facts` come in the order of parcel codes and are in scope; the receipts come in the same order.
pub fn judge(rules: &Rules, as_of: NaiveDate, facts: Vec<Facts>, workers: usize) -> Result<Vec<Receipt>, ReviewError> {
    let mut sitting = Sitting::open(rules, as_of, workers)?;
    sitting.look(&facts);
    Ok(sitting.close().receipts(0, facts))
}

/// What judging finds of a parcel, as far as a list or a map asks for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// The grade.
    pub grade: Grade,
    /// The score; nothing for T.
    pub score: Option<f64>,
    /// The list that it is put on.
    pub list: Option<List>,
}

/// What [`judge`] finds of every parcel, without a receipt.
pub fn outcomes(rules: &Rules, as_of: NaiveDate, facts: &[Facts], workers: usize) -> Result<Vec<Outcome>, ReviewError> {
    let mut sitting = Sitting::open(rules, as_of, workers)?;
    sitting.look(facts);
    Ok(sitting.close().outcomes())
}

/// A review that looks at the facts piece by piece, so that those of a large city need not be held together. Where holders
/// are judged it holds them all the same: they are judged on their sums.
pub struct Sitting {
    judging: Judging,
    workers: rayon::ThreadPool,
    seen: Vec<Seen>,
    /// Words that many parcels have in common, each once.
    words: HashSet<Arc<str>>,
    /// Where holders are judged.
    held: Vec<Facts>,
}

impl Sitting {
    /// Does what follows from rules and day alone.
    pub fn open(rules: &Rules, as_of: NaiveDate, workers: usize) -> Result<Self, ReviewError> {
        let workers = rayon::ThreadPoolBuilder::new().num_threads(workers).build().map_err(ReviewError::Workers)?;
        let judging = Judging::of(rules, as_of)?;
        Ok(Self { judging, workers, seen: Vec::new(), words: HashSet::new(), held: Vec::new() })
    }

    /// Looks at more parcels, in the order of their codes.
    pub fn look(&mut self, facts: &[Facts]) {
        if self.judging.rules.scheme.unit == Unit::Holder {
            self.held.extend_from_slice(facts);
            return;
        }
        let judging = &self.judging;
        let seen =
            self.workers.install(|| facts.par_iter().map(|one| judging.see(one, judging.part_of(one))).collect());
        self.keep(seen);
    }

    fn keep(&mut self, seen: Vec<Seen>) {
        self.seen.reserve(seen.len());
        for mut one in seen {
            one.share_words(&mut self.words);
            self.seen.push(one);
        }
    }

    /// Judges what it looked at.
    pub fn close(mut self) -> Found {
        let held = std::mem::take(&mut self.held);
        let judging = &self.judging;
        let (seen, subject_of, holders) = self.workers.install(|| {
            let part_of: Vec<Option<usize>> = held.par_iter().map(|one| judging.part_of(one)).collect();
            let Subjects { list, of, holders } = subjects(judging.rules.scheme.unit, &held, &part_of);
            (list.par_iter().map(|(facts, part)| judging.see(facts, *part)).collect(), of, holders)
        });
        self.keep(seen);
        let Self { judging, workers, seen, .. } = self;
        let (judged, parts) = workers.install(|| judging.judge(&seen));
        Found { judging, workers, seen, judged, parts, subject_of, holders }
    }
}

/// What a review found, before any receipt is written.
pub struct Found {
    judging: Judging,
    workers: rayon::ThreadPool,
    /// Each that is judged, and what was found of it.
    seen: Vec<Seen>,
    judged: Vec<Judged>,
    parts: Vec<Judges>,
    /// Which of them each parcel is, where holders are judged, and whose parcels those are.
    subject_of: Option<Vec<usize>>,
    holders: Vec<Option<Arc<Holder>>>,
}

impl Found {
    /// The receipts of parcels that follow one another, from the place of the first on, each with its facts: in whatever form
    /// they are held.
    pub fn receipts<F: Send>(&self, first: usize, facts: Vec<F>) -> Vec<Receipt<F>> {
        let receipt = |(index, facts): (usize, F)| {
            let subject = self.subject(first + index);
            let mut receipt = self.judging.receipt(facts, &self.seen[subject], &self.judged[subject], &self.parts);
            receipt.holder = self.holders.get(subject).cloned().flatten();
            receipt
        };
        self.workers.install(|| facts.into_par_iter().enumerate().map(receipt).collect())
    }

    fn subject(&self, parcel: usize) -> usize {
        self.subject_of.as_ref().map_or(parcel, |of| of[parcel])
    }

    fn outcomes(&self) -> Vec<Outcome> {
        let judging = &self.judging;
        let parcels = self.subject_of.as_ref().map_or(self.seen.len(), Vec::len);
        let outcome = |rows: &mut HashMap<Situation, usize>, parcel: usize| {
            let subject = self.subject(parcel);
            let (grade, situation) = judging.situation(&self.seen[subject], &self.judged[subject]);
            let row = *rows.entry(situation).or_insert_with(|| judging.row(&situation));
            Outcome { grade, score: self.judged[subject].score, list: judging.decisions[row].list }
        };
        // Few situations occur, each often: the table is asked once about each.
        self.workers.install(|| (0..parcels).into_par_iter().map_init(HashMap::new, outcome).collect())
    }
}

/// What a row says on a day, its deadline in the number of that day.
fn decision(row: &Row, rulebook: &Rulebook, as_of: NaiveDate) -> Result<Decision, SchemeError> {
    let due_by = |deadline: &Deadline| {
        let value = rulebook.on(&deadline.value, as_of)?;
        let text = both(&deadline.text).map(|text| text.replace("{n}", &value.value.to_string()));
        Ok::<_, SchemeError>(DueBy { value: value.key.clone(), count: value.value, unit: value.unit, text })
    };
    Ok(Decision {
        row: row.id.clone(),
        outcome: row.outcome.clone(),
        channel: row.channels.first().map_or("", |channel| channel.name()).to_owned(),
        channels: row.channels.clone(),
        title: both(&row.title),
        ground: both(&row.ground),
        evidence: both(&row.evidence),
        deadline: row.deadline.as_ref().map(due_by).transpose()?,
        meanwhile: row.meanwhile.as_ref().map(both),
        list: row.list,
    })
}

/// Why a review could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The rules do not allow it.
    #[error(transparent)]
    Scheme(#[from] SchemeError),
    /// No workers could be had.
    #[error("the workers of the review could not be started")]
    Workers(#[source] rayon::ThreadPoolBuildError),
}

struct Judging {
    rules: Rules,
    as_of: NaiveDate,
    limits: Limits,
    /// What each row of the table says, made once and shared by all receipts that quote it.
    decisions: Vec<Arc<Decision>>,
    /// For each part the benchmarks that do not come from peers.
    given: Vec<Vec<Option<f64>>>,
}

impl Judging {
    fn of(rules: &Rules, as_of: NaiveDate) -> Result<Self, SchemeError> {
        rules.scheme.in_force(as_of)?;
        let limits = Limits::on(&rules.rulebook, as_of)?;
        let rows = rules.decisions.rows.iter();
        let decisions =
            rows.map(|row| decision(row, &rules.rulebook, as_of).map(Arc::new)).collect::<Result<_, _>>()?;
        let given = rules.scheme.parts.iter().map(|part| given(part, rules, as_of)).collect::<Result<_, _>>()?;
        Ok(Self { rules: rules.clone(), as_of, limits, decisions, given })
    }

    fn record<'f>(&self, facts: &'f Facts) -> Record<'f> {
        Record { facts, as_of: self.as_of, tolerance: self.rules.scheme.gate.unreported_floor }
    }

    fn part_of(&self, facts: &Facts) -> Option<usize> {
        self.rules.scheme.part_of(&self.record(facts))
    }

    /// The grade that its score and its rank come to, before any rule and any fault is looked at.
    fn cut(&self, seen: &Seen, judged: &Judged) -> Grade {
        let part = seen.part.and_then(|place| self.rules.scheme.parts.get(place));
        part.zip(judged.score)
            .map_or(Grade::T, |(part, score)| score::grade(&part.cutoffs, score, judged.rank, judged.of))
    }

    /// The grade, and with it what the decision table looks at.
    fn situation(&self, seen: &Seen, judged: &Judged) -> (Grade, Situation) {
        let bare = self.cut(seen, judged);
        let bare = judged.ruled.as_ref().map_or(bare, |ruled| ruled.grade(bare));
        let cap = seen.capped_at.filter(|_| bare != Grade::T);
        let grade = cap.map_or(bare, |cap| bare.max(cap));
        (grade, Situation { grade, ..seen.situation })
    }

    /// The row of the decision table: reading it proved that every situation has one.
    fn row(&self, situation: &Situation) -> usize {
        self.rules.decisions.decide(situation).unwrap_or_default()
    }

    fn receipt<F>(&self, facts: F, seen: &Seen, judged: &Judged, parts: &[Judges]) -> Receipt<F> {
        let scheme = &self.rules.scheme;
        let part = seen.part.and_then(|place| Some((scheme.parts.get(place)?, parts.get(place)?)));
        let (grade, situation) = self.situation(seen, judged);
        let decision = Arc::clone(&self.decisions[self.row(&situation)]);
        let years = window(self.as_of, scheme.window.years);
        let group = part.map(|(_, judges)| &judges.groups[judged.group]);
        Receipt {
            format: FORMAT,
            as_of: self.as_of,
            rules: RulesUsed { scheme: scheme.label(), hash: self.rules.hash.clone() },
            part: part.map(|(part, _)| part.name.clone()).unwrap_or_default(),
            window: [*years.start(), *years.end()],
            facts,
            grade,
            graded_by: judged.ruled.as_ref().map(|ruled| ruled.by(self.cut(seen, judged))).unwrap_or_default(),
            not_judged: judged.not_judged.clone(),
            score: judged.score,
            rank: judged.rank,
            of: judged.of,
            peer_group: group.map(|group| group.key.clone()).unwrap_or_default(),
            peers: group.map_or(0, |group| group.members),
            peers_ahead: judged.peers_ahead,
            coverage: judged.coverage,
            indicators: part
                .zip(group)
                .map(|((part, _), group)| part::lines(&self.rules, part, seen, group))
                .unwrap_or_default(),
            adjustments: if judged.not_judged.is_empty() { self.adjusted(seen) } else { Vec::new() },
            holder: None,
            situation,
            decision,
            corrects: None,
        }
    }
}
