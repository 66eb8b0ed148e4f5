//! A review: figures, benchmarks of the peers, points, ranks, grades, decisions. Sums run in the order of parcel codes
//! and are rounded at stated places, so the number of workers changes nothing.

mod corrected;

pub use corrected::rejudge;

use super::benchmark::{LastRound, absent, given, promised};
use super::canonical;
use super::decision::{Deadline, DecisionTable, List, Row, Situation};
use super::facts::{Facts, round};
use super::grade::Grade;
use super::holders::{Subjects, subjects};
use super::indicator::Reading;
use super::peers::{Group, Peer, ahead, groups, strength};
use super::receipt::{Decision, DueBy, FORMAT, Holder, Line, NotJudged, Receipt, RulesUsed, both, hash};
use super::scheme::part::{Adjusted, Benchmark, Missing, Part, Ties, TooFew, Within};
use super::scheme::record::Record;
use super::scheme::{Scheme, SchemeError};
use super::score;
use super::tracks::Limits;
use crate::domain::rulebook::Rulebook;
use chrono::{Datelike, Months, NaiveDate};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};
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
    /// What the last round found, where the scheme measures against that and there was one.
    pub last_round: Option<LastRound>,
    /// The texts, joined.
    pub source: String,
    /// SHA-256 of that, hex.
    pub hash: String,
}

/// The version of the formulas in this ring: raised whenever the same rules and facts would give another receipt, so
/// that a run made before is never taken for one made after.
const FORMULAS: u32 = 2;

/// Where in the text of rules the means of the last round begin.
pub(super) const LAST_ROUND: &str = "\n# ---- last round ----\n";

impl Rules {
    /// Reads the three texts.
    pub fn parse(scheme: &str, decisions: &str, rulebook: &str) -> Result<Self, SchemeError> {
        let source = format!(
            "# formulas {FORMULAS}\n{scheme}\n# ---- decisions ----\n{decisions}\n# ---- rulebook ----\n{rulebook}"
        );
        let rulebook = Rulebook::parse(rulebook)?;
        let decisions = DecisionTable::parse(decisions)?;
        decisions.check_deadlines(&rulebook)?;
        let (scheme, last_round) = (Scheme::parse(scheme)?, None);
        Ok(Self { scheme, decisions, rulebook, last_round, hash: hash(source.as_bytes()), source })
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
    prepared(rules, as_of, workers, |judging| judging.judge(facts))
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
    prepared(rules, as_of, workers, |judging| judging.outcomes(facts))
}

/// Does what follows from rules and day alone, then the work, among so many workers.
fn prepared<T: Send>(
    rules: &Rules,
    as_of: NaiveDate,
    workers: usize,
    work: impl FnOnce(&Judging<'_>) -> T + Send,
) -> Result<T, ReviewError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(workers).build().map_err(ReviewError::Workers)?;
    let judging = Judging::of(rules, as_of)?;
    Ok(pool.install(|| work(&judging)))
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
    /// For each part the benchmarks that do not come from peers.
    given: Vec<Vec<Option<f64>>>,
}

/// What is found of each that is judged, which of them each parcel is, and whose parcels were judged as one.
struct Found {
    judged: Vec<Judged>,
    subject_of: Option<Vec<usize>>,
    holders: Vec<Option<Arc<Holder>>>,
}

struct Judged {
    part: Option<usize>,
    score: Option<f64>,
    rank: Option<u32>,
    of: u32,
    coverage: f64,
    lines: Vec<Line>,
    adjustments: Vec<Adjusted>,
    not_judged: Vec<NotJudged>,
    /// The worst grade that an uncleared fault leaves.
    capped_at: Option<Grade>,
    peer_group: Arc<str>,
    peers: u32,
    /// How many of them score higher.
    peers_ahead: Option<u32>,
    /// Among whom it is ranked.
    among: (usize, String),
}

impl<'a> Judging<'a> {
    fn of(rules: &'a Rules, as_of: NaiveDate) -> Result<Self, SchemeError> {
        rules.scheme.in_force(as_of)?;
        let limits = Limits::on(&rules.rulebook, as_of)?;
        let rows = rules.decisions.rows.iter();
        let decisions =
            rows.map(|row| decision(row, &rules.rulebook, as_of).map(Arc::new)).collect::<Result<_, _>>()?;
        let given = rules.scheme.parts.iter().map(|part| given(part, rules, as_of)).collect::<Result<_, _>>()?;
        Ok(Self { rules, as_of, limits, decisions, given })
    }

    fn record<'f>(&self, facts: &'f Facts) -> Record<'f> {
        Record { facts, as_of: self.as_of, tolerance: self.rules.scheme.gate.unreported_floor }
    }

    fn judge(&self, facts: Vec<Facts>) -> Vec<Receipt> {
        let Found { judged, subject_of, holders } = self.found(&facts);
        facts
            .into_par_iter()
            .enumerate()
            .map(|(index, facts)| {
                let subject = subject_of.as_ref().map_or(index, |of| of[index]);
                let mut receipt = self.receipt(facts, &judged[subject]);
                receipt.holder = holders.get(subject).cloned().flatten();
                receipt
            })
            .collect()
    }

    fn outcomes(&self, facts: &[Facts]) -> Vec<Outcome> {
        let Found { judged, subject_of, .. } = self.found(facts);
        facts
            .par_iter()
            .enumerate()
            // Few situations occur, each often: the table is asked once about each.
            .map_init(HashMap::new, |rows: &mut HashMap<Situation, usize>, (index, facts)| {
                let judged = &judged[subject_of.as_ref().map_or(index, |of| of[index])];
                let (grade, situation) = self.situation(facts, judged);
                let row = *rows.entry(situation).or_insert_with(|| self.row(&situation));
                Outcome { grade, score: judged.score, list: self.decisions[row].list }
            })
            .collect()
    }

    /// What is found before any receipt is written.
    fn found(&self, facts: &[Facts]) -> Found {
        let scheme = &self.rules.scheme;
        let part_of: Vec<Option<usize>> = facts.par_iter().map(|one| scheme.part_of(&self.record(one))).collect();
        let Subjects { list, of: subject_of, holders } = subjects(scheme.unit, facts, &part_of);
        let mut judged: Vec<Option<Judged>> = (0..list.len()).map(|_| None).collect();
        for (place, part) in scheme.parts.iter().enumerate() {
            let members: Vec<usize> = (0..list.len()).filter(|index| list[*index].1 == Some(place)).collect();
            let theirs: Vec<&Facts> = members.iter().map(|index| list[*index].0.as_ref()).collect();
            let mut found = self.judge_part(place, part, &theirs, 0);
            rank(&mut found, part.cutoffs.ties);
            for (index, found) in members.iter().zip(found) {
                judged[*index] = Some(found);
            }
        }
        drop(list);
        let judged = judged.into_iter().map(|one| one.unwrap_or_else(Judged::out_of_scope)).collect();
        Found { judged, subject_of, holders }
    }

    /// Judges those that one part takes, in the order of parcel codes, all but their ranks. The last `guests` of them are
    /// measured against the others and shape no group themselves.
    fn judge_part(&self, place: usize, part: &Part, facts: &[&Facts], guests: usize) -> Vec<Judged> {
        let scheme = &self.rules.scheme;
        let window = &scheme.window;
        let reading = Reading {
            least_years: window.least_years as usize,
            combine: &window.combine,
            tolerance: scheme.gate.unreported_floor,
            only: None,
            limits: Some(&self.limits),
        };
        let figures: Vec<Vec<Option<f64>>> = facts
            .par_iter()
            .map(|one| part.indicators.iter().map(|indicator| indicator.key.figure(one, &reading)).collect())
            .collect();
        let barred: Vec<Vec<NotJudged>> = facts.par_iter().map(|one| self.barred(one)).collect();
        let residents = facts.len() - guests;
        let peers: Vec<Peer<'_>> = (facts.iter().zip(&figures).zip(&barred).enumerate())
            .map(|(index, ((facts, figures), barred))| Peer {
                facts,
                figures,
                counts: barred.is_empty() && index < residents,
            })
            .collect();
        let last_year = *self::window(self.as_of, window.years).end();
        let (groups, group_of) = groups(part, &peers, &self.given[place], &reading, last_year);
        let names: Vec<Arc<str>> = groups.iter().map(|group| Arc::from(group.key.as_str())).collect();
        let mut judged: Vec<Judged> = (facts, &figures, barred, &group_of)
            .into_par_iter()
            .map(|(facts, figures, barred, group)| {
                let mut judged = self.score(part, facts, figures, barred, &groups[*group]);
                judged.peer_group = Arc::clone(&names[*group]);
                judged.part = Some(place);
                judged.among = match part.cutoffs.within {
                    Within::City => (0, String::new()),
                    Within::District => (0, facts.district.clone()),
                    Within::Group => (*group, String::new()),
                };
                judged
            })
            .collect();
        let scores: Vec<Option<f64>> = judged.iter().map(|one| one.score).collect();
        for (one, ahead) in judged.iter_mut().zip(ahead(&groups, &group_of, &scores)) {
            one.peers_ahead = ahead;
        }
        judged
    }

    /// What bars a parcel before any figure is looked at.
    fn barred(&self, facts: &Facts) -> Vec<NotJudged> {
        let scheme = &self.rules.scheme;
        let gate = &scheme.gate;
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
        let record = self.record(facts);
        reasons.extend(
            scheme
                .ungraded
                .iter()
                .filter(|rule| rule.when.holds(&record))
                .map(|rule| NotJudged::Ungraded { name: rule.name.clone(), title: both(&rule.title) }),
        );
        reasons
    }

    fn score(
        &self,
        part: &Part,
        facts: &Facts,
        figures: &[Option<f64>],
        mut reasons: Vec<NotJudged>,
        group: &Group,
    ) -> Judged {
        let scheme = &self.rules.scheme;
        let mut known = 0.0;
        let mut lines = Vec::with_capacity(figures.len());
        for (column, indicator) in part.indicators.iter().enumerate() {
            let standard = group.standards[column];
            let value = figures[column];
            let counts = value.map(|value| standard.counted(value));
            let (benchmark, reason) = match &indicator.benchmark {
                Some(Benchmark::ContractTarget { factor }) => match promised(indicator.key, *factor, facts) {
                    Ok(target) => (Some(target), None),
                    Err(reason) => (None, Some(reason)),
                },
                Some(other) if standard.benchmark.is_none() => (None, absent(other, self.rules)),
                _ => (standard.benchmark, None),
            };
            let found = counts.and_then(|counts| strength(counts, benchmark, indicator));
            let imputed =
                found.is_none() && indicator.missing == Missing::GroupMean && standard.mean_strength.is_some();
            let strength = if imputed { standard.mean_strength } else { found };
            if found.is_some() {
                known += indicator.weight;
            } else if indicator.missing == Missing::Refuse {
                reasons.push(NotJudged::Required { indicator: indicator.key });
            }
            let points = strength.map(|strength| score::points(indicator.weight, strength));
            let nearest = indicator.band.zip(value).map(|(band, value)| value.clamp(band.low, band.high));
            lines.push(Line {
                absent: reason,
                key: indicator.key,
                lower_is_better: Line::is_lower(indicator.direction),
                value,
                counted: counts.filter(|counts| Some(*counts) != value),
                benchmark: benchmark.or(nearest),
                weight: indicator.weight,
                points,
                imputed,
            });
        }
        let coverage = round(known / part.total, 6);
        if coverage < scheme.gate.coverage || lines.iter().all(|line| line.points.is_none()) {
            reasons.push(NotJudged::Coverage { known: coverage, asked: scheme.gate.coverage });
        }
        let peers = &part.peers;
        if peers.too_few == TooFew::Refuse && (group.members as usize) < peers.least {
            let asked = u32::try_from(peers.least).unwrap_or(u32::MAX);
            reasons.push(NotJudged::FewPeers { peers: group.members, asked });
        }
        let record = self.record(facts);
        let given = scheme.adjustments.iter().filter(|one| reasons.is_empty() && one.when.holds(&record));
        let adjustments: Vec<Adjusted> =
            given.map(|one| Adjusted { name: one.name.clone(), points: one.points }).collect();
        let given = lines.iter().filter_map(|line| Some((line.weight, line.points?)));
        let score = reasons.is_empty().then(|| score::score(part.total, given, &adjustments)).flatten();
        Judged {
            score,
            coverage,
            lines,
            adjustments,
            not_judged: reasons,
            capped_at: scheme.capped_at(&facts.vetoes, self.as_of),
            peers: group.members,
            ..Judged::out_of_scope()
        }
    }

    /// The grade, and with it what the decision table looks at.
    fn situation(&self, facts: &Facts, judged: &Judged) -> (Grade, Situation) {
        let part = judged.part.and_then(|place| self.rules.scheme.parts.get(place));
        let bare = part
            .zip(judged.score)
            .map_or(Grade::T, |(part, score)| score::grade(&part.cutoffs, score, judged.rank, judged.of));
        let cap = judged.capped_at.filter(|_| bare != Grade::T);
        let grade = cap.map_or(bare, |cap| bare.max(cap));
        (grade, Situation { veto: judged.capped_at.is_some(), ..self.limits.situation(facts, grade) })
    }

    /// The row of the decision table: reading it proved that every situation has one.
    fn row(&self, situation: &Situation) -> usize {
        self.rules.decisions.decide(situation).unwrap_or_default()
    }

    fn receipt(&self, facts: Facts, judged: &Judged) -> Receipt {
        let scheme = &self.rules.scheme;
        let part = judged.part.and_then(|place| scheme.parts.get(place));
        let (grade, situation) = self.situation(&facts, judged);
        let decision = Arc::clone(&self.decisions[self.row(&situation)]);
        let years = window(self.as_of, scheme.window.years);
        Receipt {
            format: FORMAT,
            as_of: self.as_of,
            rules: RulesUsed { scheme: scheme.label(), hash: self.rules.hash.clone() },
            part: part.map(|part| part.name.clone()).unwrap_or_default(),
            window: [*years.start(), *years.end()],
            facts,
            grade,
            not_judged: judged.not_judged.clone(),
            score: judged.score,
            rank: judged.rank,
            of: judged.of,
            peer_group: judged.peer_group.to_string(),
            peers: judged.peers,
            peers_ahead: judged.peers_ahead,
            coverage: judged.coverage,
            indicators: judged.lines.clone(),
            adjustments: judged.adjustments.clone(),
            holder: None,
            situation,
            decision,
            corrects: None,
        }
    }
}

impl Judged {
    fn out_of_scope() -> Self {
        Self {
            part: None,
            score: None,
            rank: None,
            of: 0,
            coverage: 0.0,
            lines: Vec::new(),
            adjustments: Vec::new(),
            not_judged: vec![NotJudged::OutOfScope],
            capped_at: None,
            peer_group: Arc::from(""),
            peers: 0,
            peers_ahead: None,
            among: (0, String::new()),
        }
    }
}

/// Gives ranks among those that are ranked together: the higher score first, of equals the lower parcel code, which is
/// the order of the list.
fn rank(judged: &mut [Judged], ties: Ties) {
    let mut among: BTreeMap<(usize, String), Vec<(f64, usize)>> = BTreeMap::new();
    for (index, one) in judged.iter().enumerate() {
        let scored = among.entry(one.among.clone()).or_default();
        scored.extend(one.score.map(|score| (score, index)));
    }
    let mut of = BTreeMap::new();
    for (key, mut order) in among {
        order.par_sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut shared = (f64::INFINITY, 0);
        for (place, (score, index)) in order.iter().enumerate() {
            if ties == Ties::Code || *score < shared.0 {
                shared = (*score, place + 1);
            }
            judged[*index].rank = u32::try_from(shared.1).ok();
        }
        of.insert(key, u32::try_from(order.len()).unwrap_or(u32::MAX));
    }
    for one in judged {
        one.of = of.get(&one.among).copied().unwrap_or_default();
    }
}
