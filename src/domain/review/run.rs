//! A review: figures, benchmarks of the peers, points, ranks, grades, decisions. Sums run in the order of parcel codes
//! and are rounded at stated places, so the number of workers changes nothing.

use super::decision::{Deadline, DecisionTable, Row};
use super::facts::{Facts, round};
use super::grade::Grade;
use super::receipt::{Decision, DueBy, Line, NotJudged, Receipt, RulesUsed, both, hash};
use super::scheme::{Benchmark, Direction, Missing, Scheme, SchemeError};
use super::tracks::Limits;
use crate::domain::rulebook::Rulebook;
use chrono::{Datelike, Months, NaiveDate};
use rayon::prelude::*;
use std::collections::BTreeMap;
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
    /// The three texts, joined.
    pub source: String,
    /// SHA-256 of that, hex.
    pub hash: String,
}

/// The version of the formulas in this ring: raised whenever the same rules and facts would give another receipt, so
/// that a run made before is never taken for one made after.
const FORMULAS: u32 = 1;

impl Rules {
    /// Reads the three texts.
    pub fn parse(scheme: &str, decisions: &str, rulebook: &str) -> Result<Self, SchemeError> {
        let source = format!(
            "# formulas {FORMULAS}\n{scheme}\n# ---- decisions ----\n{decisions}\n# ---- rulebook ----\n{rulebook}"
        );
        let rulebook = Rulebook::parse(rulebook)?;
        let decisions = DecisionTable::parse(decisions)?;
        decisions.check_deadlines(&rulebook)?;
        Ok(Self { scheme: Scheme::parse(scheme)?, decisions, rulebook, hash: hash(source.as_bytes()), source })
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
    rules.scheme.in_force(as_of)?;
    let limits = Limits::on(&rules.rulebook, as_of)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(workers).build().map_err(ReviewError::Workers)?;
    let rows = rules.decisions.rows.iter();
    let decisions = rows.map(|row| decision(row, &rules.rulebook, as_of).map(Arc::new)).collect::<Result<_, _>>()?;
    pool.install(|| Ok(Judging { rules, as_of, limits, decisions }.judge(facts)))
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

struct Judging<'a> {
    rules: &'a Rules,
    as_of: NaiveDate,
    limits: Limits,
    /// What each row of the table says, made once and shared by all receipts that quote it.
    decisions: Vec<Arc<Decision>>,
}

/// What one indicator is measured against in one group.
#[derive(Clone, Copy, Default)]
struct Standard {
    benchmark: Option<f64>,
    mean_strength: Option<f64>,
}

struct Group {
    key: String,
    members: u32,
    standards: Vec<Standard>,
}

struct Judged {
    score: Option<f64>,
    coverage: f64,
    lines: Vec<Line>,
    not_judged: Vec<NotJudged>,
    group: usize,
}

impl Judging<'_> {
    fn judge(&self, facts: Vec<Facts>) -> Vec<Receipt> {
        let scheme = &self.rules.scheme;
        let years = scheme.window.least_years as usize;
        let figures: Vec<Vec<Option<f64>>> = facts
            .par_iter()
            .map(|one| {
                let figure = |i: &super::scheme::Weighed| i.key.figure(one, years, scheme.gate.unreported_floor);
                scheme.indicators.iter().map(figure).collect()
            })
            .collect();
        let barred: Vec<Vec<NotJudged>> = facts.iter().map(|one| self.barred(one)).collect();
        let (groups, group_of) = self.groups(&facts, &figures, &barred);
        let judged: Vec<Judged> = (0..facts.len())
            .into_par_iter()
            .map(|index| self.score(&figures[index], barred[index].clone(), &groups, group_of[index]))
            .collect();
        // Ties: the higher score first, then the lower parcel code, which is the order of the facts.
        let mut order: Vec<(f64, usize)> =
            judged.iter().enumerate().filter_map(|(index, one)| Some((one.score?, index))).collect();
        order.par_sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut rank = vec![None; facts.len()];
        for (place, (_, index)) in order.iter().enumerate() {
            rank[*index] = u32::try_from(place + 1).ok();
        }
        let of = u32::try_from(order.len()).unwrap_or(u32::MAX);
        facts
            .into_par_iter()
            .zip(judged)
            .zip(rank)
            .map(|((facts, judged), rank)| self.receipt(facts, judged, rank, of, &groups))
            .collect()
    }

    /// What bars a parcel before any figure is looked at.
    fn barred(&self, facts: &Facts) -> Vec<NotJudged> {
        let gate = &self.rules.scheme.gate;
        let mut reasons = Vec::new();
        if let Some(since) = facts.in_use_since {
            let ripe = since.checked_add_months(Months::new(12 * gate.least_years_in_use));
            if ripe.is_none_or(|ripe| ripe > self.as_of) {
                reasons.push(NotJudged::TooYoung { since, asked_years: gate.least_years_in_use });
            }
        }
        if let Some(industry) = &facts.industry
            && gate.exempt_industries.iter().any(|start| industry.starts_with(start.as_str()))
        {
            reasons.push(NotJudged::ExemptIndustry { industry: industry.clone() });
        }
        reasons
    }

    /// Peer groups and their benchmarks; group 0 is everyone. Barred parcels belong to a group but do not shape it.
    fn groups(
        &self,
        facts: &[Facts],
        figures: &[Vec<Option<f64>>],
        barred: &[Vec<NotJudged>],
    ) -> (Vec<Group>, Vec<usize>) {
        let peers = &self.rules.scheme.peers;
        let key = |one: &Facts| {
            let digits = one.industry.as_ref()?.get(..peers.industry_digits)?;
            (!digits.is_empty()).then(|| digits.to_owned())
        };
        let mut members: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut all = Vec::new();
        for (index, one) in facts.iter().enumerate().filter(|(index, _)| barred[*index].is_empty()) {
            all.push(index);
            if let Some(key) = key(one) {
                members.entry(key).or_default().push(index);
            }
        }
        members.retain(|_, list| list.len() >= peers.least);
        let names: BTreeMap<String, usize> =
            members.keys().enumerate().map(|(place, key)| (key.clone(), place + 1)).collect();
        let mut lists = vec![("all".to_owned(), all)];
        lists.extend(members);
        let groups = lists.into_par_iter().map(|(key, list)| self.group(key, &list, figures)).collect();
        let group_of = facts.iter().map(|one| key(one).and_then(|key| names.get(&key).copied()).unwrap_or(0)).collect();
        (groups, group_of)
    }

    fn group(&self, key: String, members: &[usize], figures: &[Vec<Option<f64>>]) -> Group {
        let standards = self.rules.scheme.indicators.iter().enumerate().map(|(column, indicator)| {
            let known: Vec<f64> = members.iter().filter_map(|index| figures[*index][column]).collect();
            let benchmark = match indicator.benchmark {
                Benchmark::Fixed { value } => Some(value),
                Benchmark::PeerMean => mean(&known),
                Benchmark::PeerPercentile { at } => percentile(known.clone(), at),
            };
            // A benchmark of nothing measures nothing: the indicator then counts as unknown for the whole group.
            let benchmark = benchmark.map(|figure| round(figure, 6)).filter(|figure| *figure > 0.0);
            let strengths: Vec<f64> = benchmark.map_or_else(Vec::new, |benchmark| {
                known.iter().map(|figure| strength(*figure, benchmark, indicator.direction, indicator.cap)).collect()
            });
            Standard { benchmark, mean_strength: mean(&strengths) }
        });
        Group { key, members: u32::try_from(members.len()).unwrap_or(u32::MAX), standards: standards.collect() }
    }

    fn score(&self, figures: &[Option<f64>], mut reasons: Vec<NotJudged>, groups: &[Group], group: usize) -> Judged {
        let scheme = &self.rules.scheme;
        let (mut known, mut counted, mut sum) = (0.0, 0.0, 0.0);
        let mut lines = Vec::with_capacity(figures.len());
        for (column, indicator) in scheme.indicators.iter().enumerate() {
            let Standard { benchmark, mean_strength } = groups[group].standards[column];
            let value = figures[column];
            let found = value
                .zip(benchmark)
                .map(|(value, benchmark)| strength(value, benchmark, indicator.direction, indicator.cap));
            let imputed = found.is_none() && indicator.missing == Missing::GroupMean && mean_strength.is_some();
            let strength = if imputed { mean_strength } else { found };
            if found.is_some() {
                known += indicator.weight;
            } else if indicator.missing == Missing::Refuse {
                reasons.push(NotJudged::Required { indicator: indicator.key });
            }
            let points = strength.map(|strength| round(indicator.weight * strength, 6));
            if let Some(points) = points {
                counted += indicator.weight;
                sum += points;
            }
            lines.push(Line {
                key: indicator.key,
                lower_is_better: Line::is_lower(indicator.direction),
                value,
                benchmark,
                weight: indicator.weight,
                points,
                imputed,
            });
        }
        let coverage = round(known / 100.0, 6);
        if coverage < scheme.gate.coverage || counted == 0.0 {
            reasons.push(NotJudged::Coverage { known: coverage, asked: scheme.gate.coverage });
        }
        let score = reasons.is_empty().then(|| round(100.0 * sum / counted, 4));
        Judged { score, coverage, lines, not_judged: reasons, group }
    }

    fn receipt(&self, facts: Facts, judged: Judged, rank: Option<u32>, of: u32, groups: &[Group]) -> Receipt {
        let scheme = &self.rules.scheme;
        let by_rank = rank.map_or(Grade::T, |rank| self.grade(rank, of));
        let grade = if by_rank != Grade::T && !facts.vetoes.is_empty() { Grade::D } else { by_rank };
        let situation = self.limits.situation(&facts, grade);
        // Reading the table proved that every situation has a row.
        let row = self.rules.decisions.decide(&situation).unwrap_or_default();
        let decision = Arc::clone(&self.decisions[row]);
        let years = window(self.as_of, scheme.window.years);
        let group = &groups[judged.group];
        Receipt {
            as_of: self.as_of,
            rules: RulesUsed { scheme: scheme.label(), hash: self.rules.hash.clone() },
            window: [*years.start(), *years.end()],
            facts,
            grade,
            not_judged: judged.not_judged,
            score: judged.score,
            rank,
            of,
            peer_group: group.key.clone(),
            peers: group.members,
            coverage: judged.coverage,
            indicators: judged.lines,
            situation,
            decision,
        }
    }

    fn grade(&self, rank: u32, of: u32) -> Grade {
        let cuts = &self.rules.scheme.cutoffs;
        // The last rank of a grade is its share of the judged, rounded to the nearest parcel.
        let upto = |percent: f64| round(f64::from(of) * percent / 100.0, 0);
        let rank = f64::from(rank);
        match rank {
            _ if rank <= upto(cuts.a) => Grade::A,
            _ if rank <= upto(cuts.b) => Grade::B,
            _ if rank <= upto(cuts.c) => Grade::C,
            _ => Grade::D,
        }
    }
}

/// How a figure stands to its benchmark: 1 meets it, never below 0 nor above the cap.
fn strength(value: f64, benchmark: f64, direction: Direction, cap: f64) -> f64 {
    match direction {
        Direction::Higher => (value / benchmark).clamp(0.0, cap),
        Direction::Lower if value <= 0.0 => cap,
        Direction::Lower => (benchmark / value).clamp(0.0, cap),
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "counts of parcels are far below 2^52")]
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The percentile by linear interpolation between the two nearest ranks.
fn percentile(mut values: Vec<f64>, at: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    #[expect(clippy::cast_precision_loss, reason = "counts of parcels are far below 2^52")]
    let place = at / 100.0 * last as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to the last index")]
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    Some(values[below] + (values[above] - values[below]) * place.fract())
}
