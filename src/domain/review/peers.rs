//! Whom a parcel is compared with, what the indicators are measured against there, and how a figure stands to that.

use super::facts::{Facts, round};
use super::run::seen::Seen;
use super::scheme::part::{Band, Benchmark, Direction, Part, PeerKey, Peers, Weighed};
use crate::domain::quantity::SquareMetres;
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};

/// What one indicator is measured against in one group.
#[derive(Clone, Copy, Default)]
pub(super) struct Standard {
    pub benchmark: Option<f64>,
    /// Beyond which figures count as if they were these.
    pub bounds: Option<(f64, f64)>,
    pub mean_strength: Option<f64>,
}

impl Standard {
    /// What of a figure counts.
    pub fn counted(&self, value: f64) -> f64 {
        self.bounds.map_or(value, |(low, high)| value.clamp(low, high))
    }
}

/// What a benchmark of peers makes of figures below nothing.
#[derive(Clone, Copy)]
pub(super) enum Refunds {
    /// They count as they are, as the second version of the formulas has it.
    AsTheyAre,
    /// They count as nothing.
    AsNothing,
}

impl Refunds {
    /// What of a figure goes into a benchmark.
    fn taken(self, value: f64) -> f64 {
        match self {
            Self::AsTheyAre => value,
            Self::AsNothing => value.max(0.0),
        }
    }
}

/// Parcels that are compared with one another.
pub(super) struct Group {
    pub key: String,
    pub members: u32,
    /// The places of those that shape it.
    list: Vec<usize>,
    pub standards: Vec<Standard>,
}

/// One of those that a part judges.
pub(super) struct Peer<'a> {
    pub seen: &'a Seen,
    /// Whether it shapes a group: what is not judged belongs to one all the same.
    pub counts: bool,
}

/// The groups of a part, the first of them all; and the group of each peer. `given` are the benchmarks that do not come
/// from peers, in the order of the indicators.
pub(super) fn groups(
    part: &Part,
    peers: &[Peer<'_>],
    given: &[Option<f64>],
    refunds: Refunds,
) -> (Vec<Group>, Vec<usize>) {
    let levels = part.peers.levels.len();
    let mut found: Vec<BTreeMap<&str, Vec<usize>>> = vec![BTreeMap::new(); levels];
    for (index, one) in peers.iter().enumerate().filter(|(_, one)| one.counts) {
        for (level, key) in one.seen.levels.iter().enumerate() {
            if let Some(key) = key {
                found[level].entry(key).or_default().push(index);
            }
        }
    }
    let all = peers.iter().enumerate().filter(|(_, one)| one.counts).map(|(index, _)| index).collect();
    let mut lists: Vec<(String, Vec<usize>)> = vec![("all".to_owned(), all)];
    let mut place: Vec<HashMap<&str, usize>> = vec![HashMap::new(); levels];
    for (level, groups) in found.into_iter().enumerate() {
        for (key, list) in groups.into_iter().filter(|(_, list)| list.len() >= part.peers.least) {
            place[level].insert(key, lists.len());
            lists.push((key.to_owned(), list));
        }
    }
    let group_of = |one: &Peer<'_>| {
        let levels = one.seen.levels.iter().zip(&place);
        levels.filter_map(|(key, place)| place.get(key.as_deref()?).copied()).next().unwrap_or(0)
    };
    let group_of = peers.par_iter().map(group_of).collect();
    let group = |(key, list): (String, Vec<usize>)| {
        let standard = |(column, one): (usize, &Weighed)| standard(one, &list, column, peers, given[column], refunds);
        let standards = part.indicators.iter().enumerate().map(standard).collect();
        Group { key, members: u32::try_from(list.len()).unwrap_or(u32::MAX), list, standards }
    };
    (lists.into_par_iter().map(group).collect(), group_of)
}

/// How many of its peers score higher than each that has a score.
pub(super) fn ahead(groups: &[Group], group_of: &[usize], scores: &[Option<f64>]) -> Vec<Option<u32>> {
    let scored = |group: &Group| sorted(group.list.iter().filter_map(|index| scores[*index]).collect());
    let sorted: Vec<Vec<f64>> = groups.par_iter().map(scored).collect();
    let above = |(score, group): (&Option<f64>, &usize)| {
        let theirs = &sorted[*group];
        let score = (*score)?;
        u32::try_from(theirs.len() - theirs.partition_point(|one| *one <= score)).ok()
    };
    scores.iter().zip(group_of).map(above).collect()
}

/// What parcels of one group have in common; nothing where a key of the level is unknown.
pub(super) fn key(level: &[PeerKey], facts: &Facts, peers: &Peers) -> Option<String> {
    let digits = |count: usize| facts.industry.as_ref()?.get(..count).map(str::to_owned);
    let words = level
        .iter()
        .map(|key| {
            let (name, value) = match key {
                PeerKey::Industry1 => ("industry", digits(1)?),
                PeerKey::Industry2 => ("industry", digits(2)?),
                PeerKey::Industry3 => ("industry", digits(3)?),
                PeerKey::Industry4 => ("industry", digits(4)?),
                PeerKey::Tier => ("tier", facts.tier.name().to_owned()),
                PeerKey::District => ("district", facts.district.clone()),
                PeerKey::Park => ("park", facts.park.clone()?),
                PeerKey::LandUse => ("land-use", facts.land_use.clone()),
                PeerKey::Size => {
                    let mu = SquareMetres(facts.land_m2).to_mu().value();
                    ("size", peers.size_mu.iter().filter(|bound| mu >= **bound).count().to_string())
                }
                PeerKey::Scale => ("above-scale", facts.user.as_ref()?.above_scale?.to_string()),
            };
            // An industry is known by its digits alone.
            Some(if name == "industry" { value } else { format!("{name}={value}") })
        })
        .collect::<Option<Vec<String>>>()?;
    Some(words.join(","))
}

fn standard(
    one: &Weighed,
    list: &[usize],
    column: usize,
    peers: &[Peer<'_>],
    given: Option<f64>,
    refunds: Refunds,
) -> Standard {
    let mut known: Vec<f64> = list.iter().filter_map(|index| peers[*index].seen.figures[column]).collect();
    let bounds = one.winsorise.and_then(|cut| {
        let sorted = sorted(known.clone());
        Some((percentile(&sorted, cut.low)?, percentile(&sorted, cut.high)?))
    });
    if let Some((low, high)) = bounds {
        known.iter_mut().for_each(|value| *value = value.clamp(low, high));
    }
    let taken = || known.iter().map(|value| refunds.taken(*value)).collect::<Vec<f64>>();
    let benchmark = match &one.benchmark {
        None | Some(Benchmark::Fixed { .. } | Benchmark::Rulebook { .. } | Benchmark::LastRoundMean { .. }) => given,
        // Each parcel has its own.
        Some(Benchmark::ContractTarget { .. }) => None,
        Some(Benchmark::PeerMean { factor }) => mean(&taken()).map(|mean| mean * factor),
        Some(Benchmark::PeerPercentile { at }) => percentile(&sorted(taken()), *at),
        Some(Benchmark::EarlierMean { factor, .. }) => {
            let then = list.iter().filter_map(|index| peers[*index].seen.earlier[column]);
            mean(&then.map(|value| refunds.taken(value)).collect::<Vec<f64>>()).map(|mean| mean * factor)
        }
    };
    // A benchmark of nothing measures nothing: the indicator then counts as unknown for the whole group.
    let benchmark = benchmark.map(|figure| round(figure, 6)).filter(|figure| *figure > 0.0 && figure.is_finite());
    let strengths: Vec<f64> = match &one.benchmark {
        Some(Benchmark::ContractTarget { .. }) => {
            let members = list.iter().map(|index| peers[*index].seen).filter(|seen| seen.figures[column].is_some());
            let own = members.map(|seen| seen.promised[column].ok());
            known.iter().zip(own).filter_map(|(value, own)| strength(*value, own, one)).collect()
        }
        _ => known.iter().filter_map(|value| strength(*value, benchmark, one)).collect(),
    };
    Standard { benchmark, bounds, mean_strength: mean(&strengths) }
}

/// How a figure stands to its benchmark or band: 1 meets it, never below the floor nor above the cap.
pub(super) fn strength(value: f64, benchmark: Option<f64>, one: &Weighed) -> Option<f64> {
    let cap = one.cap.unwrap_or(f64::INFINITY);
    let bare = match (one.direction, one.band) {
        (Direction::Band, Some(band)) => in_band(value, band),
        (Direction::Band, None) => return None,
        (Direction::Steps, _) => one.steps.as_ref()?.points(value) / one.weight,
        (Direction::Classes, _) => {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the place of a class")]
            let place = value as usize;
            one.classes.as_ref()?.points(place)? / one.weight
        }
        (Direction::Higher, _) => value / benchmark?,
        (Direction::Lower, _) if value <= 0.0 => benchmark.map(|_| cap)?,
        (Direction::Lower, _) => benchmark? / value,
    };
    Some(bare.clamp(one.floor, cap))
}

fn in_band(value: f64, band: Band) -> f64 {
    if value < band.low {
        ((value - band.none_below) / (band.low - band.none_below)).max(0.0)
    } else if value > band.high {
        ((band.none_above - value) / (band.none_above - band.high)).max(0.0)
    } else {
        1.0
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "counts of parcels are far below 2^52")]
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The percentile by linear interpolation between the two nearest ranks.
fn percentile(sorted: &[f64], at: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    #[expect(clippy::cast_precision_loss, reason = "counts of parcels are far below 2^52")]
    let place = at / 100.0 * last as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to the last index")]
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    Some(sorted[below] + (sorted[above] - sorted[below]) * place.fract())
}
