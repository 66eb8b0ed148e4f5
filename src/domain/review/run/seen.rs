//! What judging takes from the facts of a parcel: they may be laid aside after that.

use super::super::benchmark::{Absent, promised};
use super::super::facts::Facts;
use super::super::grade::Grade;
use super::super::indicator::Reading;
use super::super::peers::key;
use super::super::receipt::{NotJudged, both};
use super::super::scheme::part::{Adjusted, AdjustmentLimit, Benchmark, Weighed, Within};
use super::super::situation::Situation;
use super::{Judging, window};
use chrono::Months;
use std::collections::HashSet;
use std::sync::Arc;

/// Of one that is judged: a parcel, or all parcels of a holder.
#[derive(Debug)]
pub(in super::super) struct Seen {
    /// The part of the scheme that takes it.
    pub part: Option<usize>,
    /// Its figures, in the order of the part's indicators; the place of its class, where classes give the points.
    pub figures: Box<[Option<f64>]>,
    /// Its figures of the earlier year that a benchmark asks for, in the same order; empty where none does.
    pub earlier: Box<[Option<f64>]>,
    /// What its contract promises of each, in the same order; empty where nothing is measured against that.
    pub promised: Box<[Result<f64, Absent>]>,
    /// What it has in common with its peers at each level; nothing where that is unknown.
    pub levels: Box<[Option<Arc<str>>]>,
    /// The district, where it is ranked in that.
    pub district: Option<Arc<str>>,
    /// What bars it before any figure is looked at.
    pub barred: Vec<NotJudged>,
    /// The worst grade that an uncleared fault leaves.
    pub capped_at: Option<Grade>,
    /// Which of the scheme's adjustments hold, by their place.
    adjustments: Box<[usize]>,
    /// What the decision table looks at, but for the grade.
    pub situation: Situation,
}

impl Seen {
    /// Takes words from among those that others have too.
    pub fn share_words(&mut self, words: &mut HashSet<Arc<str>>) {
        for word in self.levels.iter_mut().flatten().chain(&mut self.district) {
            match words.get(word) {
                Some(same) => *word = Arc::clone(same),
                None => {
                    words.insert(Arc::clone(word));
                }
            }
        }
    }
}

impl Judging {
    /// How years are read.
    fn reading(&self) -> Reading<'_> {
        let scheme = &self.rules.scheme;
        Reading {
            least_years: scheme.window.least_years as usize,
            combine: &scheme.window.combine,
            tolerance: scheme.gate.unreported_floor,
            only: None,
            limits: Some(&self.limits),
        }
    }

    /// Looks at the facts of one that is judged, which a part takes.
    pub(super) fn see(&self, facts: &Facts, place: Option<usize>) -> Seen {
        let scheme = &self.rules.scheme;
        let reading = self.reading();
        let part = place.and_then(|place| scheme.parts.get(place));
        let indicators = part.map(|part| part.indicators.as_slice()).unwrap_or_default();
        let last_year = *window(self.as_of, scheme.window.years).end();
        let is_earlier = |benchmark: &Option<Benchmark>| matches!(benchmark, Some(Benchmark::EarlierMean { .. }));
        let earlier = indicators.iter().map(|one| match &one.benchmark {
            Some(Benchmark::EarlierMean { years_back, .. }) => {
                let only = i32::try_from(*years_back).ok().map(|back| last_year - back);
                one.key.figure(facts, &Reading { only, ..reading })
            }
            _ => None,
        });
        let promised = indicators.iter().map(|one| match &one.benchmark {
            Some(Benchmark::ContractTarget { factor }) => promised(one.key, *factor, facts),
            _ => Err(Absent::NoTarget),
        });
        let is_promised = |benchmark: &Option<Benchmark>| matches!(benchmark, Some(Benchmark::ContractTarget { .. }));
        let levels = part.map(|part| part.peers.levels.iter().map(|level| key(level, facts, &part.peers)));
        let record = self.record(facts);
        #[expect(clippy::cast_precision_loss, reason = "a scheme has a handful of classes")]
        let figure = |one: &Weighed| match &one.classes {
            Some(classes) => classes.place(&record).map(|place| place as f64),
            None => one.key.figure(facts, &reading),
        };
        let holds = scheme.adjustments.iter().enumerate().filter(|(_, one)| one.when.holds(&record));
        let capped_at = scheme.capped_at(&facts.vetoes, self.as_of);
        Seen {
            part: place,
            figures: indicators.iter().map(figure).collect(),
            earlier: if indicators.iter().any(|one| is_earlier(&one.benchmark)) {
                earlier.collect()
            } else {
                Box::default()
            },
            promised: if indicators.iter().any(|one| is_promised(&one.benchmark)) {
                promised.collect()
            } else {
                Box::default()
            },
            levels: levels.map(|levels| levels.map(|key| key.map(Arc::from)).collect()).unwrap_or_default(),
            district: part
                .filter(|part| part.cutoffs.within == Within::District)
                .map(|_| Arc::from(facts.district.as_str())),
            barred: self.barred(facts),
            capped_at,
            adjustments: holds.map(|(place, _)| place).collect(),
            situation: Situation {
                veto: capped_at.is_some(),
                construction_area: self.rules.decisions.lies(facts.legacy_class),
                ..self.limits.situation(facts, Grade::T)
            },
        }
    }

    /// What is added to its score, and taken from it; last what of that does not count.
    pub(super) fn adjusted(&self, seen: &Seen) -> Vec<Adjusted> {
        let scheme = &self.rules.scheme;
        let given = seen.adjustments.iter().map(|place| &scheme.adjustments[*place]);
        let mut all: Vec<Adjusted> = given.map(|one| Adjusted { name: one.name.clone(), points: one.points }).collect();
        let beyond = scheme.adjustment_limit.beyond(all.iter().map(|one| one.points).sum());
        all.extend(beyond.map(|points| Adjusted { name: AdjustmentLimit::NAME.to_owned(), points }));
        all
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
}
