//! Candidates that lie together, grown into renewal areas: "small and scattered" plots as one piece of work. It knows who
//! is a neighbour of whom, not where anything lies; the same candidates give the same areas in whatever order they come.

use super::decision::List;
use super::grade::Grade;
use super::scheme::SchemeError;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// A parcel that a run put on a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its code; each stands once.
    pub code: String,
    /// The code of its district.
    pub district: String,
    /// The land that the review judged, m².
    pub land_m2: f64,
    /// Who holds it by the contract that the review judged, where one is known.
    pub holder: Option<String>,
    /// The list.
    pub list: List,
    /// By which way, a stable word.
    pub channel: String,
    /// Its grade.
    pub grade: Grade,
}

/// What areas are put in order by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// The land of all its parcels.
    AreaM2,
    /// How many parcels it has.
    Parcels,
}

/// In which order areas stand.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranking {
    /// The keys in turn, the greatest first; the least parcel code decides what is still equal.
    pub rank_by: Vec<Key>,
    /// Where the order comes from.
    pub source: String,
    /// Whether no text was read for it.
    pub assumption: bool,
}

impl Ranking {
    /// Reads a ranking; refuses one without a key, with a key twice, or without a source.
    pub fn parse(text: &str) -> Result<Self, SchemeError> {
        let ranking: Self = toml::from_str(text)?;
        let refuse = |place: &str, problem: &str| {
            Err(SchemeError::Value { place: place.to_owned(), problem: problem.to_owned() })
        };
        let keys = &ranking.rank_by;
        if keys.is_empty() || keys.iter().enumerate().any(|(at, key)| keys[..at].contains(key)) {
            return refuse("rank_by", "is empty or names a key twice; expected area_m2 and parcels, each at most once");
        }
        if ranking.source.trim().is_empty() {
            return refuse("source", "is empty; expected a citation, or \"assumption\" and why");
        }
        Ok(ranking)
    }
}

/// Candidates that lie together.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// The least code of its parcels, which names it.
    pub code: String,
    /// Its place, 1 the first.
    pub rank: u32,
    /// Where its candidates stand in what was given, in the order of their codes.
    pub members: Vec<usize>,
    /// The land of all of them, m².
    pub land_m2: f64,
    /// The codes of their districts.
    pub districts: BTreeSet<String>,
    /// Who holds land of it.
    pub holders: BTreeSet<String>,
    /// How many of its parcels have no known holder.
    pub without_holder: u64,
    /// Its parcels by list.
    pub by_list: BTreeMap<&'static str, u64>,
    /// Its parcels by the way that the decision table proposes.
    pub by_channel: BTreeMap<String, u64>,
    /// Its parcels by grade.
    pub by_grade: BTreeMap<&'static str, u64>,
}

/// Grows areas out of candidates and the pairs of them that are neighbours. Every candidate is in exactly one, alone
/// where it has no neighbour; the first in order comes first.
pub fn grow(candidates: &[Candidate], neighbours: &[(usize, usize)], ranking: &Ranking) -> Vec<Cluster> {
    let mut roots: Vec<usize> = (0..candidates.len()).collect();
    for (one, other) in neighbours {
        let (one, other) = (root(&mut roots, *one), root(&mut roots, *other));
        roots[one.max(other)] = one.min(other);
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for index in 0..candidates.len() {
        groups.entry(root(&mut roots, index)).or_default().push(index);
    }
    let mut clusters: Vec<Cluster> = groups.into_values().map(|members| cluster(candidates, members)).collect();
    clusters.sort_by(|a, b| {
        let by = |key: &Key| match key {
            Key::AreaM2 => b.land_m2.total_cmp(&a.land_m2),
            Key::Parcels => b.members.len().cmp(&a.members.len()),
        };
        ranking.rank_by.iter().map(by).find(|order| order.is_ne()).unwrap_or_else(|| a.code.cmp(&b.code))
    });
    for (place, cluster) in (1..).zip(&mut clusters) {
        cluster.rank = place;
    }
    clusters
}

/// Whom a candidate is grouped with; the way there is halved for those who ask next.
fn root(roots: &mut [usize], mut index: usize) -> usize {
    while roots[index] != index {
        roots[index] = roots[roots[index]];
        index = roots[index];
    }
    index
}

fn cluster(candidates: &[Candidate], mut members: Vec<usize>) -> Cluster {
    // Sums of floats depend on their order, so it is that of the codes.
    members.sort_by(|a, b| candidates[*a].code.cmp(&candidates[*b].code));
    let mut cluster = Cluster {
        code: candidates[members[0]].code.clone(),
        rank: 0,
        land_m2: 0.0,
        districts: BTreeSet::new(),
        holders: BTreeSet::new(),
        without_holder: 0,
        by_list: BTreeMap::new(),
        by_channel: BTreeMap::new(),
        by_grade: BTreeMap::new(),
        members: Vec::new(),
    };
    for one in members.iter().map(|index| &candidates[*index]) {
        cluster.land_m2 += one.land_m2;
        cluster.districts.insert(one.district.clone());
        match &one.holder {
            Some(holder) => drop(cluster.holders.insert(holder.clone())),
            None => cluster.without_holder += 1,
        }
        *cluster.by_list.entry(one.list.name()).or_default() += 1;
        *cluster.by_channel.entry(one.channel.clone()).or_default() += 1;
        *cluster.by_grade.entry(one.grade.name()).or_default() += 1;
    }
    Cluster { members, ..cluster }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHIPPED: &str = include_str!("../../../data/rulebook/renewal_areas.toml");

    fn candidate(number: usize) -> Candidate {
        Candidate {
            code: format!("P{number:04}"),
            district: format!("D{}", number % 3),
            land_m2: 1_000.0 + (number * 7 % 5) as f64 * 0.1,
            holder: (!number.is_multiple_of(4)).then(|| format!("H{}", number % 5)),
            list: if number.is_multiple_of(2) { List::Exit } else { List::Renewal },
            channel: format!("C{}", number % 2),
            grade: Grade::ALL[number % 5],
        }
    }

    fn shipped() -> Ranking {
        Ranking::parse(SHIPPED).expect("well formed")
    }

    #[test]
    fn neighbours_of_neighbours_make_one_area_with_its_owners_ways_and_land() {
        let candidates: Vec<Candidate> = (0..5).map(candidate).collect();
        let found = grow(&candidates, &[(4, 2), (2, 1)], &shipped());
        let told: Vec<(u32, &str, Vec<usize>)> =
            found.iter().map(|one| (one.rank, one.code.as_str(), one.members.clone())).collect();
        // Of the two that stand alone the larger comes first: 1,000.1 m² against 1,000.0.
        assert_eq!(told, [(1, "P0001", vec![1, 2, 4]), (2, "P0003", vec![3]), (3, "P0000", vec![0])]);
        let first = &found[0];
        assert!((first.land_m2 - 3_000.9).abs() < 1e-9, "{}", first.land_m2);
        assert_eq!((first.holders.len(), first.without_holder), (2, 1));
        assert_eq!(first.by_list, BTreeMap::from([("exit", 2), ("renewal", 1)]));
        assert_eq!(first.by_channel, BTreeMap::from([("C0".to_owned(), 2), ("C1".to_owned(), 1)]));
        assert_eq!(first.districts.len(), 2);
    }

    #[test]
    fn what_is_equal_in_every_key_stands_by_its_code() {
        let same = |code: &str| Candidate { code: code.to_owned(), ..candidate(0) };
        let found = grow(&[same("B"), same("A"), same("C")], &[], &shipped());
        assert_eq!(found.iter().map(|one| one.code.as_str()).collect::<Vec<_>>(), ["A", "B", "C"]);
        assert!(grow(&[], &[], &shipped()).is_empty());
    }

    #[test]
    fn an_order_without_keys_twice_a_key_or_without_a_source_is_refused() {
        let text = |keys: &str, source: &str| format!("rank_by = {keys}\nsource = \"{source}\"\nassumption = true");
        for (wrong, place) in [
            (text("[]", "why"), "rank_by"),
            (text("[\"parcels\", \"parcels\"]", "why"), "rank_by"),
            (text("[\"parcels\"]", " "), "source"),
        ] {
            assert!(Ranking::parse(&wrong).expect_err("refused").to_string().starts_with(place));
        }
        assert!(Ranking::parse(&text("[\"beauty\"]", "why")).is_err());
    }

    proptest! {
        #[test]
        fn areas_part_the_candidates_keep_neighbours_together_and_know_no_order(
            (count, pairs, order) in (1..40_usize).prop_flat_map(|count| (
                Just(count),
                proptest::collection::vec((0..count, 0..count), 0..40),
                Just((0..count).collect::<Vec<usize>>()).prop_shuffle(),
            ))
        ) {
            let candidates: Vec<Candidate> = (0..count).map(candidate).collect();
            let found = grow(&candidates, &pairs, &shipped());
            let mut members: Vec<usize> = found.iter().flat_map(|one| one.members.clone()).collect();
            members.sort_unstable();
            prop_assert_eq!(members, (0..count).collect::<Vec<_>>());
            for (one, other) in &pairs {
                prop_assert!(found.iter().any(|area| area.members.contains(one) && area.members.contains(other)));
            }
            // Each area hangs together: from its first parcel the pairs lead to all the others.
            for area in &found {
                let mut reached = BTreeSet::from([area.members[0]]);
                for _ in 0..count {
                    for (one, other) in &pairs {
                        if reached.contains(one) || reached.contains(other) {
                            reached.extend([*one, *other]);
                        }
                    }
                }
                prop_assert_eq!(reached.len(), area.members.len());
            }
            let place_of = |old: usize| order.iter().position(|one| *one == old).expect("there");
            let moved: Vec<Candidate> = order.iter().map(|old| candidates[*old].clone()).collect();
            let moved_pairs: Vec<_> = pairs.iter().rev().map(|(a, b)| (place_of(*b), place_of(*a))).collect();
            let mut again = grow(&moved, &moved_pairs, &shipped());
            for area in &mut again {
                area.members.iter_mut().for_each(|index| *index = order[*index]);
            }
            prop_assert_eq!(again, found);
        }
    }
}
