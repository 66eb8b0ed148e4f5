//! What would lift a parcel a grade: for each indicator alone the least change of its figure, on the grid of the receipt, that
//! makes the score reach the better grade; and where no figure can, what stands in the way. Benchmarks, the other figures and
//! the other parcels stay as the run froze them. It says how things stand, in numbers; the words are `explain`'s.

use super::facts::{Facts, VetoFact};
use super::grade::Grade;
use super::indicator::{Indicator, Reading};
use super::peers::strength;
use super::receipt::{GradedBy, Line, Receipt};
use super::scheme::Scheme;
use super::scheme::part::{CutBy, Direction, Part, Ties, Weighed, Within};
use super::scheme::rules::{GradeRule, ruled};
use super::score::{grade, last_rank, pass_over, points, score};
use serde::Serialize;

/// Figures stand in steps of so many to one.
const STEPS: f64 = 1e6;
/// Beyond so many steps a figure is no longer exact.
const MOST_STEPS: f64 = 9e15;

/// What would lift a parcel a grade.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Lift {
    /// There is no better grade.
    Best,
    /// It is not judged; what is missing stands in the receipt.
    NotJudged,
    /// Uncleared faults hold the grade, whatever the figures.
    Held {
        /// Those faults.
        faults: Vec<VetoFact>,
        /// The grade that it has without them: that of its score and rank, or what milder faults leave of it.
        cleared: Grade,
    },
    /// So few are ranked together that nobody can have the better grade.
    NoPlace {
        /// The better grade.
        to: Grade,
    },
    /// Rules give the grade, or hold it down.
    Rules {
        /// The better grade.
        to: Grade,
        /// Those that give it, or a still better one, or that must no longer hold.
        rules: Vec<GradedBy>,
    },
    /// A better score would do.
    Figures {
        /// The grade that it would have.
        to: Grade,
        /// The score that it takes.
        score: f64,
        /// Its place then, where grades are cut by rank.
        rank: Option<u32>,
        /// The changes each of which is enough, the smallest part of the present figure first.
        ways: Vec<Way>,
        /// The indicators that can't do it alone.
        short: Vec<Short>,
    },
}

/// A change that is enough by itself.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Way {
    /// Of which figure.
    pub key: Indicator,
    /// What it is, in the indicator's unit.
    pub from: f64,
    /// What it would at least have to be, or at most where less is better.
    pub to: f64,
    /// How much better that is in things that people count, where it is known: more tax, less energy.
    pub amount: Option<f64>,
}

/// An indicator that can't lift the grade alone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Short {
    /// Which.
    pub key: Indicator,
    /// Why.
    pub why: Why,
    /// The score that its best figure would give, where that is known.
    pub score: Option<f64>,
}

/// Why an indicator can't lift the grade alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It has no figure, or nothing to be measured against.
    Unknown,
    /// It gives all it can already.
    Full,
    /// Even at its cap, or as far as a figure of its kind can go, it does not reach.
    Cap,
    /// It tells of what no user of the land can make better: days gone by, the plan, the register.
    Given,
    /// Its figure counts up to a percentile of the peers only, which a receipt does not keep.
    Percentile,
}

/// By what the better grade is reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cut {
    /// By this score.
    Score(f64),
    /// By passing the last of this rank.
    Rank {
        /// The rank.
        last: u32,
        /// Among whom.
        within: Within,
    },
}

/// The last that has the better grade.
#[derive(Debug, Clone, PartialEq)]
pub struct Last {
    /// Its score.
    pub score: f64,
    /// Its code; of several parcels judged as one the first.
    pub code: String,
}

/// The grade above one; nothing for the best and for T.
fn better(grade: Grade) -> Option<Grade> {
    match grade {
        Grade::A | Grade::T => None,
        Grade::B => Some(Grade::A),
        Grade::C => Some(Grade::B),
        Grade::D => Some(Grade::C),
    }
}

fn part<'a>(scheme: &'a Scheme, receipt: &Receipt) -> Option<&'a Part> {
    scheme.parts.iter().find(|part| part.name == receipt.part)
}

/// By what a parcel reaches the grade above its own; nothing where there is none.
pub fn cut(scheme: &Scheme, receipt: &Receipt) -> Option<Cut> {
    let cuts = &part(scheme, receipt)?.cutoffs;
    let at = cuts.cut(better(receipt.grade)?)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a u32")]
    Some(match cuts.by {
        CutBy::Rules => return None,
        CutBy::Score => Cut::Score(at),
        CutBy::Rank => Cut::Rank { last: last_rank(receipt.of, at) as u32, within: cuts.within },
    })
}

/// What would lift a parcel a grade. `faults` are those of the parcel, or of all parcels judged with it; `last` is asked for
/// where [`cut`] is by rank. Nothing where the scheme is not the one that gave the receipt its score.
pub fn lift(scheme: &Scheme, receipt: &Receipt, faults: &[VetoFact], last: Option<&Last>) -> Option<Lift> {
    let Some(to) = better(receipt.grade) else {
        return Some(if receipt.grade == Grade::A { Lift::Best } else { Lift::NotJudged });
    };
    let part = part(scheme, receipt)?;
    let present = receipt.score.filter(|present| Some(*present) == with(part, receipt, None))?;
    let by_rules = ruled(part, &receipt.indicators, Some(present)).ok()?;
    if scheme.capped_at(faults, receipt.as_of) == Some(receipt.grade) {
        let holds = |fault: &VetoFact| {
            scheme.vetoes.iter().any(|veto| veto.caps_at == receipt.grade && veto.counts(fault, receipt.as_of))
        };
        let (faults, milder): (Vec<VetoFact>, Vec<VetoFact>) = faults.iter().cloned().partition(holds);
        let bare = by_rules.grade(grade(&part.cutoffs, present, receipt.rank, receipt.of));
        let cleared = scheme.capped_at(&milder, receipt.as_of).map_or(bare, |cap| bare.max(cap));
        return Some(Lift::Held { faults, cleared });
    }
    let mut rules: Vec<GradedBy> = by_rules.limits.into_iter().filter(|by| by.grade > to).collect();
    if rules.is_empty() && part.cutoffs.by == CutBy::Rules {
        let better = part.cutoffs.rule.iter().filter(|rule| rule.grade <= to);
        let said = |rule: &GradeRule| GradedBy { grade: rule.grade, limits: false, when: rule.when.text.clone() };
        rules = better.map(said).collect();
        return Some(Lift::Rules { to, rules });
    }
    if !rules.is_empty() {
        return Some(Lift::Rules { to, rules });
    }
    let (target, wins_ties, rank) = match (cut(scheme, receipt)?, last) {
        (Cut::Score(score), _) => (score, true, None),
        (Cut::Rank { last: 0, .. }, _) => return Some(Lift::NoPlace { to }),
        (Cut::Rank { last, .. }, Some(holds)) => {
            let own = receipt.holder.as_ref().and_then(|holder| holder.parcels.first()).unwrap_or(&receipt.facts.code);
            (holds.score, part.cutoffs.ties == Ties::Share || *own < holds.code, Some(last))
        }
        (Cut::Rank { .. }, None) => return None,
    };
    let reaches = |score: f64| score > target || (wins_ties && score >= target);
    let (mut ways, mut short) = (Vec::new(), Vec::new());
    for (column, (line, one)) in receipt.indicators.iter().zip(&part.indicators).enumerate() {
        let found = Search { part, receipt, column, line, one }.least(&reaches);
        match found {
            Ok((from, to)) => {
                ways.push(Way { key: line.key, from, to, amount: amount(scheme, receipt, line.key, from, to) });
            }
            Err((why, score)) => short.push(Short { key: line.key, why, score }),
        }
    }
    let share = |way: &Way| if way.from == 0.0 { f64::INFINITY } else { ((way.to - way.from) / way.from).abs() };
    ways.sort_by(|a, b| share(a).total_cmp(&share(b)));
    // Whoever loses ties needs the next score up.
    let score = if wins_ties { target } else { super::facts::round(target + 1e-4, 4) };
    Some(Lift::Figures { to, score, rank, ways, short })
}

/// The score with other points in one column.
fn with(part: &Part, receipt: &Receipt, other: Option<(usize, f64)>) -> Option<f64> {
    let points = |column: usize, line: &Line| match other {
        Some((changed, points)) if changed == column => Some(points),
        _ => line.own_points(),
    };
    let own: Vec<Option<f64>> =
        receipt.indicators.iter().enumerate().map(|(column, line)| points(column, line)).collect();
    let counting = pass_over(part, own);
    let given = receipt.indicators.iter().zip(counting).filter_map(|(line, points)| Some((line.weight, points?)));
    score(part.total, given, &receipt.adjustments)
}

/// A change in things that people count. Of several parcels judged as one only what rests on their land is known.
fn amount(scheme: &Scheme, receipt: &Receipt, key: Indicator, from: f64, to: f64) -> Option<f64> {
    let reading = Reading {
        least_years: scheme.window.least_years as usize,
        combine: &scheme.window.combine,
        tolerance: scheme.gate.unreported_floor,
        only: None,
        limits: None,
    };
    let together = receipt.holder.as_ref().filter(|holder| holder.parcels.len() > 1);
    let Some(holder) = together else { return key.amount(from, to, &receipt.facts, &reading) };
    let rests_on_land = matches!(
        key,
        Indicator::SalesInt
            | Indicator::InvInt
            | Indicator::OutInt
            | Indicator::TaxInt
            | Indicator::VaInt
            | Indicator::JobsInt
            | Indicator::FarActual
            | Indicator::BldCoef
    );
    let all = Facts { land_m2: holder.land_m2, ..receipt.facts.clone() };
    rests_on_land.then(|| key.amount(from, to, &all, &reading)).flatten()
}

/// How far a figure of a kind can go: a share of a whole no further than all of it or nothing, floor area no further than the
/// plan allows.
fn reach(key: Indicator, facts: &Facts) -> (f64, f64) {
    match key {
        Indicator::VacRate
        | Indicator::FulRate
        | Indicator::FarUse
        | Indicator::BldCoef
        | Indicator::LocalShare
        | Indicator::SubletRate => (0.0, 100.0),
        Indicator::FarActual => (0.0, facts.plot_ratio_allowed.unwrap_or(f64::INFINITY)),
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    }
}

struct Search<'a> {
    part: &'a Part,
    receipt: &'a Receipt,
    column: usize,
    line: &'a Line,
    one: &'a Weighed,
}

impl Search<'_> {
    /// The figure and the least change of it that reaches; else why none does, and the score of the best.
    fn least(&self, reaches: &impl Fn(f64) -> bool) -> Result<(f64, f64), (Why, Option<f64>)> {
        let (line, one) = (self.line, self.one);
        if line.class.is_some() {
            return Err((Why::Given, None));
        }
        let (Some(value), Some(_), false) = (line.value, line.own_points(), line.imputed) else {
            return Err((Why::Unknown, None));
        };
        if line.key.is_given() {
            return Err((Why::Given, None));
        }
        if one.winsorise.is_some() {
            return Err((Why::Percentile, None));
        }
        let from = (value * STEPS).round();
        let best = self.best(value).filter(|best| best.abs() < MOST_STEPS && from.abs() < MOST_STEPS);
        let best = best.ok_or((Why::Unknown, None))?;
        let far = self.score(best).ok_or((Why::Unknown, None))?;
        if !reaches(far) {
            let is_full = best == from || line.own_points() >= self.points(best);
            return Err((if is_full { Why::Full } else { Why::Cap }, Some(far)));
        }
        // Between a step that does not reach and one that does, as the score never falls on the way.
        let (mut without, mut enough) = (from, best);
        while (enough - without).abs() > 1.0 {
            let middle = ((without + enough) / 2.0).floor();
            if self.score(middle).is_some_and(reaches) {
                enough = middle;
            } else {
                without = middle;
            }
        }
        Ok((value, enough / STEPS))
    }

    /// The step at which the figure gives all it can, not beyond what a figure of its kind can be.
    fn best(&self, value: f64) -> Option<f64> {
        let (least, most) = reach(self.line.key, &self.receipt.facts);
        let from = (value * STEPS).round();
        let up = |to: f64| (to * STEPS).ceil().max(from);
        let down = |to: f64| (to * STEPS).floor().min(from);
        match (self.one.direction, self.one.band) {
            (Direction::Band, Some(band)) if value < band.low => Some(up(band.low.min(most))),
            (Direction::Band, Some(band)) if value > band.high => Some(down(band.high.max(least))),
            (Direction::Band | Direction::Classes, _) => Some(from),
            (Direction::Steps, _) => {
                let best = self.one.steps.as_ref()?.best(value);
                Some(if best > value { up(best.min(most)) } else { down(best.max(least)) })
            }
            (Direction::Higher, _) => {
                let benchmark = self.line.benchmark?;
                let endless = MOST_STEPS / STEPS - 1.0;
                // One step further than the product, which may be rounded.
                let full = self.one.cap.map_or(endless, |cap| benchmark * cap + 1.0 / STEPS);
                Some(up(full.min(most)))
            }
            (Direction::Lower, _) => {
                let benchmark = self.line.benchmark?;
                // One step further than the quotient, which may be rounded.
                let full = self.one.cap.map_or(0.0, |cap| (benchmark / cap - 1.0 / STEPS).max(0.0));
                Some(down(full.max(least)))
            }
        }
    }

    fn points(&self, step: f64) -> Option<f64> {
        let strength = strength(step / STEPS, self.line.benchmark, self.one)?;
        Some(points(self.one.weight, strength))
    }

    fn score(&self, step: f64) -> Option<f64> {
        with(self.part, self.receipt, Some((self.column, self.points(step)?)))
    }
}
