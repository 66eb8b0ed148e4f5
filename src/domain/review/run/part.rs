//! One part of a scheme at work: groups and benchmarks, scores, ranks.

use super::super::benchmark::absent;
use super::super::facts::round;
use super::super::peers::{Group, Peer, Refunds, ahead, groups, strength};
use super::super::receipt::{Line, NotJudged, both};
use super::super::scheme::part::{Benchmark, Missing, Part, Ties, TooFew, Weighed, Within};
use super::super::scheme::points::Classes;
use super::super::scheme::rules::{Ruled, Undecided, ruled};
use super::super::score;
use super::seen::Seen;
use super::{Judging, Rules};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is found of one that is judged, but for what its figures and its group say again.
#[derive(Debug)]
pub(super) struct Judged {
    pub score: Option<f64>,
    pub rank: Option<u32>,
    pub of: u32,
    pub coverage: f64,
    pub not_judged: Vec<NotJudged>,
    /// The place of its group in the part.
    pub group: usize,
    /// How many of its peers score higher.
    pub peers_ahead: Option<u32>,
    /// What rules say of its grade, where the part asks any.
    pub ruled: Option<Box<Ruled>>,
}

/// What those that a part judges are measured against.
#[derive(Default)]
pub(super) struct Judges {
    pub groups: Vec<Group>,
}

impl Judged {
    pub(super) fn out_of_scope() -> Self {
        Self {
            score: None,
            rank: None,
            of: 0,
            coverage: 0.0,
            not_judged: vec![NotJudged::OutOfScope],
            group: 0,
            peers_ahead: None,
            ruled: None,
        }
    }
}

impl Judging {
    /// Judges all, and answers what each part measures against.
    pub(super) fn judge(&self, seen: &[Seen]) -> (Vec<Judged>, Vec<Judges>) {
        let parts = &self.rules.scheme.parts;
        let mut judged: Vec<Judged> = seen.iter().map(|_| Judged::out_of_scope()).collect();
        let judges = parts.iter().enumerate().map(|(place, part)| {
            let members: Vec<usize> = (0..seen.len()).filter(|index| seen[*index].part == Some(place)).collect();
            let theirs: Vec<&Seen> = members.iter().map(|index| &seen[*index]).collect();
            let (mut found, judges) = self.judge_part(place, part, &theirs, 0);
            rank(&mut found, &theirs, part);
            for (index, found) in members.into_iter().zip(found) {
                judged[index] = found;
            }
            judges
        });
        let judges = judges.collect();
        (judged, judges)
    }

    /// Judges those that one part takes, in the order of parcel codes, all but their ranks. The last `guests` of them are
    /// measured against the others and shape no group themselves.
    pub(super) fn judge_part(&self, place: usize, part: &Part, seen: &[&Seen], guests: usize) -> (Vec<Judged>, Judges) {
        let residents = seen.len() - guests;
        let peers: Vec<Peer<'_>> = (seen.iter().enumerate())
            .map(|(index, seen)| Peer { seen, counts: seen.barred.is_empty() && index < residents })
            .collect();
        let refunds = if self.rules.formulas < 3 { Refunds::AsTheyAre } else { Refunds::AsNothing };
        let (groups, group_of) = groups(part, &peers, &self.given[place], refunds);
        let mut judged: Vec<Judged> = (seen, &group_of)
            .into_par_iter()
            .map(|(seen, group)| Judged { group: *group, ..self.score(part, seen, &groups[*group]) })
            .collect();
        let scores: Vec<Option<f64>> = judged.iter().map(|one| one.score).collect();
        for (one, ahead) in judged.iter_mut().zip(ahead(&groups, &group_of, &scores)) {
            one.peers_ahead = ahead;
        }
        (judged, Judges { groups })
    }

    fn score(&self, part: &Part, seen: &Seen, group: &Group) -> Judged {
        let gate = &self.rules.scheme.gate;
        let lines = lines(&self.rules, part, seen, group);
        let mut reasons = seen.barred.clone();
        let mut known = 0.0;
        for (line, indicator) in lines.iter().zip(&part.indicators) {
            if line.own_points().is_some() && !line.imputed {
                known += indicator.weight / part.sharing(indicator);
            } else if indicator.missing == Missing::Refuse {
                reasons.push(NotJudged::Required { indicator: indicator.key });
            }
        }
        let coverage = round(known / part.total, 6);
        if coverage < gate.coverage || lines.iter().all(|line| line.points.is_none()) {
            reasons.push(NotJudged::Coverage { known: coverage, asked: gate.coverage });
        }
        let peers = &part.peers;
        if peers.too_few == TooFew::Refuse && (group.members as usize) < peers.least {
            let asked = u32::try_from(peers.least).unwrap_or(u32::MAX);
            reasons.push(NotJudged::FewPeers { peers: group.members, asked });
        }
        let given = lines.iter().filter_map(|line| Some((line.weight, line.points?)));
        let score = reasons.is_empty().then(|| score::score(part.total, given, &self.adjusted(seen))).flatten();
        match score.filter(|_| part.cutoffs.asks_rules()).map(|_| ruled(part, &lines, score)) {
            None => Judged { score, coverage, not_judged: reasons, ..Judged::out_of_scope() },
            Some(Ok(ruled)) => {
                let ruled = Some(Box::new(ruled));
                Judged { score, coverage, ruled, not_judged: reasons, ..Judged::out_of_scope() }
            }
            Some(Err(Undecided { unknown, when })) => {
                let not_judged = vec![NotJudged::Undecided { rule: when, unknown }];
                Judged { coverage, not_judged, ..Judged::out_of_scope() }
            }
        }
    }
}

/// The indicators of one that is judged, measured against its group.
pub(super) fn lines(rules: &Rules, part: &Part, seen: &Seen, group: &Group) -> Vec<Line> {
    let line = |(column, indicator): (usize, &Weighed)| {
        let standard = group.standards[column];
        let value = seen.figures[column];
        let class = indicator.classes.as_ref().zip(value).and_then(|(classes, place)| class_at(classes, place));
        let counts = value.map(|value| standard.counted(value));
        let (benchmark, absent) = match &indicator.benchmark {
            Some(Benchmark::ContractTarget { .. }) => (seen.promised[column].ok(), seen.promised[column].err()),
            Some(other) if standard.benchmark.is_none() => (None, absent(other, rules)),
            _ => (standard.benchmark, None),
        };
        let found = counts.and_then(|counts| strength(counts, benchmark, indicator));
        let imputed = found.is_none() && indicator.missing == Missing::GroupMean && standard.mean_strength.is_some();
        let strength = if imputed { standard.mean_strength } else { found };
        let nearest = indicator.band.zip(value).map(|(band, value)| value.clamp(band.low, band.high));
        let best = indicator.steps.as_ref().zip(value).map(|(steps, value)| round(steps.best(value), 6));
        // A class is no figure.
        let value = value.filter(|_| indicator.classes.is_none());
        let counts = counts.filter(|_| indicator.classes.is_none());
        Line {
            absent,
            key: indicator.key,
            lower_is_better: Line::is_lower(indicator.direction),
            value,
            counted: counts.filter(|counts| Some(*counts) != value),
            benchmark: benchmark.or(nearest).or(best),
            class,
            passed_over: None,
            weight: indicator.weight,
            points: strength.map(|strength| score::points(indicator.weight, strength)),
            imputed,
        }
    };
    let mut lines: Vec<Line> = part.indicators.iter().enumerate().map(line).collect();
    if !part.one_of.is_empty() {
        let counting = score::pass_over(part, lines.iter().map(|line| line.points).collect());
        for (line, counts) in lines.iter_mut().zip(counting) {
            line.passed_over = line.points.filter(|_| counts.is_none());
            line.points = counts;
        }
    }
    lines
}

/// What the class at a place is called.
fn class_at(classes: &Classes, place: f64) -> Option<[String; 2]> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the place of a class")]
    let class = classes.of.get(place as usize);
    let other = || ["其他".to_owned(), "other".to_owned()];
    Some(class.map_or_else(other, |class| both(&class.title)))
}

/// Gives ranks among those that are ranked together: the higher score first, of equals the lower parcel code, which is
/// the order of the list.
pub(super) fn rank(judged: &mut [Judged], seen: &[&Seen], part: &Part) {
    let among = |index: usize, group: usize| -> (usize, Option<Arc<str>>) {
        match part.cutoffs.within {
            Within::City => (0, None),
            Within::District => (0, seen[index].district.clone()),
            Within::Group => (group, None),
        }
    };
    let mut together: BTreeMap<(usize, Option<Arc<str>>), Vec<usize>> = BTreeMap::new();
    for (index, one) in judged.iter().enumerate() {
        together.entry(among(index, one.group)).or_default().push(index);
    }
    for members in together.into_values() {
        let mut order: Vec<(f64, usize)> =
            members.iter().filter_map(|index| Some((judged[*index].score?, *index))).collect();
        order.par_sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut shared = (f64::INFINITY, 0);
        for (place, (score, index)) in order.iter().enumerate() {
            if part.cutoffs.ties == Ties::Code || *score < shared.0 {
                shared = (*score, place + 1);
            }
            judged[*index].rank = u32::try_from(shared.1).ok();
        }
        let of = u32::try_from(order.len()).unwrap_or(u32::MAX);
        members.into_iter().for_each(|index| judged[index].of = of);
    }
}
