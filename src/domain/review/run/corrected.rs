//! One parcel judged again under corrected facts, among the others as they were judged: groups, benchmarks and the scores
//! of the others stay what they were, so that nobody else's grade moves.

use super::super::facts::Facts;
use super::super::holders::subjects;
use super::super::receipt::Receipt;
use super::{Judged, Judging, ReviewError, Rules, prepared, rank};
use chrono::NaiveDate;
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
    prepared(rules, as_of, workers, |judging| Some(judging.judge_again(frozen, place, corrected)))
}

impl Judging<'_> {
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
        let judged = match part {
            None => Judged::out_of_scope(),
            Some(part_place) => {
                let part = &scheme.parts[*part_place];
                let members: Vec<usize> =
                    (0..then.list.len()).filter(|index| then.list[*index].1 == Some(*part_place)).collect();
                let mut theirs: Vec<&Facts> = members.iter().map(|index| then.list[*index].0.as_ref()).collect();
                theirs.push(facts.as_ref());
                let mut judged = self.judge_part(*part_place, part, &theirs, 1);
                let among = judged.pop().unwrap_or_else(Judged::out_of_scope);
                let mut others: Vec<Judged> = (members.iter().zip(judged))
                    .filter(|(index, _)| !gone.contains(index))
                    .map(|(_, judged)| judged)
                    .collect();
                // Of equals the lower parcel code comes first, which is the order of the others.
                let before = members
                    .iter()
                    .filter(|index| !gone.contains(index) && then.list[**index].0.code.as_str() < facts.code.as_str());
                let at = before.count();
                others.insert(at, among);
                rank(&mut others, part.cutoffs.ties);
                others.swap_remove(at)
            }
        };
        let holder = after.holders.get(guest).cloned().flatten();
        drop((then, after));
        let mut receipt = self.receipt(now.swap_remove(place), &judged);
        receipt.holder = holder;
        receipt
    }
}
