//! One parcel judged again under corrected facts, among the others as they were judged: groups, benchmarks and the scores
//! of the others stay what they were, so that nobody else's grade moves.

use super::super::facts::Facts;
use super::super::holders::subjects;
use super::super::receipt::Receipt;
use super::part::{Judged, Judges, rank};
use super::seen::Seen;
use super::{Judging, ReviewError, Rules};
use chrono::NaiveDate;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// Judges a parcel by `corrected` in place of its facts among `frozen`, which come in the order of parcel codes; nothing
/// where it is not among them. With the facts that it had, the receipt is the one that it had.
pub fn rejudge(
    rules: &Rules,
    as_of: NaiveDate,
    frozen: &[Facts],
    corrected: Facts,
    workers: usize,
) -> Result<Option<Receipt>, ReviewError> {
    let Ok(place) = frozen.binary_search_by(|one| one.code.as_str().cmp(&corrected.code)) else { return Ok(None) };
    let workers = rayon::ThreadPoolBuilder::new().num_threads(workers).build().map_err(ReviewError::Workers)?;
    let judging = Judging::of(rules, as_of)?;
    Ok(Some(workers.install(|| judging.judge_again(frozen, place, corrected))))
}

impl Judging {
    fn judge_again(&self, frozen: &[Facts], place: usize, corrected: Facts) -> Receipt {
        let scheme = &self.rules.scheme;
        let part_then: Vec<Option<usize>> = frozen.iter().map(|one| scheme.part_of(&self.record(one))).collect();
        let mut now = frozen.to_vec();
        now[place] = corrected;
        let mut part_now = part_then.clone();
        part_now[place] = scheme.part_of(&self.record(&now[place]));
        let (then, after) = (subjects(scheme.unit, frozen, &part_then), subjects(scheme.unit, &now, &part_now));
        let subject_of = |of: &Option<Vec<usize>>, parcel: usize| of.as_ref().map_or(parcel, |of| of[parcel]);
        let guest = subject_of(&after.of, place);
        let (facts, part) = &after.list[guest];
        // It stands in the place of every subject of which it has a parcel.
        let parcels = (0..frozen.len()).filter(|parcel| subject_of(&after.of, *parcel) == guest);
        let gone: BTreeSet<usize> = parcels.map(|parcel| subject_of(&then.of, parcel)).collect();
        let seen = self.see(facts, *part);
        let (judged, judges) = match part {
            None => (Judged::out_of_scope(), Vec::new()),
            Some(part_place) => {
                let part = &scheme.parts[*part_place];
                let members: Vec<usize> =
                    (0..then.list.len()).filter(|index| then.list[*index].1 == Some(*part_place)).collect();
                let others: Vec<Seen> =
                    members.par_iter().map(|index| self.see(&then.list[*index].0, Some(*part_place))).collect();
                let theirs: Vec<&Seen> = others.iter().chain([&seen]).collect();
                let (mut found, judges) = self.judge_part(*part_place, part, &theirs, 1);
                let among = found.pop().unwrap_or_else(Judged::out_of_scope);
                let staying = members.iter().zip(found).zip(&theirs).filter(|((index, _), _)| !gone.contains(index));
                let (mut ranked, mut theirs): (Vec<Judged>, Vec<&Seen>) =
                    staying.map(|((_, judged), seen)| (judged, *seen)).unzip();
                // Of equals the lower parcel code comes first, which is the order of the others.
                let before = members
                    .iter()
                    .filter(|index| !gone.contains(index) && then.list[**index].0.code.as_str() < facts.code.as_str());
                let at = before.count();
                ranked.insert(at, among);
                theirs.insert(at, &seen);
                rank(&mut ranked, &theirs, part);
                // Its part is the only one that is asked for.
                let mut parts: Vec<Judges> = scheme.parts.iter().map(|_| Judges::default()).collect();
                parts[*part_place] = judges;
                (ranked.swap_remove(at), parts)
            }
        };
        let holder = after.holders.get(guest).cloned().flatten();
        drop((then, after));
        let mut receipt = self.receipt(now.swap_remove(place), &seen, &judged, &judges);
        receipt.holder = holder;
        receipt
    }
}
