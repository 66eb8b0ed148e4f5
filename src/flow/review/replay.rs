//! A kept run is judged again from the facts in its receipts under the text of its rules, and every receipt compared; those
//! too that were made later because an objection was upheld.

use super::kept::{Kept, KeptError, load};
use super::sitting::fingerprint_of;
use super::{beside_hash, text_and_hash};
use crate::domain::review::facts::Facts;
use crate::domain::review::receipt::{Corrects, Receipt, hash};
use crate::domain::review::replay::differences;
use crate::domain::review::run::{Rules, judge, rejudge};
use crate::store::StoreError;
use crate::store::review;
use crate::store::review::kept::Paper;
use chrono::NaiveDate;
use rayon::prelude::*;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;
use std::collections::HashMap;

/// So many places are named of a receipt that came out otherwise.
const PLACES: usize = 8;
/// So many receipts are looked at closely where many came out otherwise.
const NAMED: usize = 20;

/// What judging a run again came to.
#[derive(Debug, Serialize)]
pub struct Replayed {
    /// The run.
    pub run: i64,
    /// How many receipts it has.
    pub parcels: usize,
    /// How many later receipts stand in the place of one of them.
    pub later: usize,
    /// Whether the facts in its receipts are those that it froze, none gone, none added.
    pub facts_are_whole: bool,
    /// Whether what it keeps beside its receipts is as it was kept: who was left out, and which reviews it answers.
    pub beside_is_whole: bool,
    /// How many receipts are not, byte by byte, what they should be.
    pub different: usize,
    /// The first of them.
    pub first: Vec<Difference>,
}

/// A receipt that is not what it should be.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// Code of the parcel.
    pub parcel: String,
    /// Whether the kept text has the hash kept beside it.
    pub is_whole: bool,
    /// Where the receipt made now says something else.
    pub places: Vec<String>,
}

impl Replayed {
    /// Whether the run came out as it was kept, byte by byte.
    pub fn is_same(&self) -> bool {
        self.facts_are_whole && self.beside_is_whole && self.different == 0
    }
}

/// Judges a run again.
pub async fn replay(pool: &PgPool, run: i64, workers: usize) -> Result<Replayed, KeptError> {
    let kept = load(pool, run).await?;
    let parcels = kept.found.len();
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let papers = review::objection::reruns(&mut connection, run).await?;
    let later = papers.len();
    let (beside, kept_hash) = review::beside::read(&mut connection, run).await?;
    let unwritable = |source| KeptError::Receipt { run, parcel: String::new(), source };
    // A run made before that was kept has nothing to compare it with.
    let beside_is_whole = match kept_hash {
        Some(kept) => beside_hash(&beside).map_err(unwritable)? == kept,
        None => true,
    };
    let (facts_are_whole, odd) = tokio::task::spawn_blocking(move || again(kept, papers, workers)).await??;
    let different = odd.len();
    let mut first = Vec::new();
    for Odd { parcel, is_whole, before, text } in odd.into_iter().take(NAMED) {
        let before = match before {
            Some(before) => value(&before),
            None => review::receipt(&mut connection, run, &parcel).await?.map_or(Value::Null, |(text, _)| value(&text)),
        };
        first.push(Difference { places: differences(&before, &value(&text), PLACES), parcel, is_whole });
    }
    Ok(Replayed { run, parcels, later, facts_are_whole, beside_is_whole, different, first })
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

struct Odd {
    parcel: String,
    is_whole: bool,
    /// The kept text, where it is not the first of the parcel.
    before: Option<String>,
    text: String,
}

fn again(kept: Kept, papers: Vec<Paper>, workers: usize) -> Result<(bool, Vec<Odd>), KeptError> {
    let Kept { run, as_of, rules, facts_hash, facts, found } = kept;
    let unwritable = |source| KeptError::Receipt { run, parcel: String::new(), source };
    let are_whole = fingerprint_of(&facts).map_err(unwritable)? == facts_hash;
    let hashes: HashMap<String, String> = if papers.is_empty() {
        HashMap::new()
    } else {
        found.iter().map(|one| (one.parcel.clone(), one.hash.clone())).collect()
    };
    let mut later = later(run, (&rules, as_of), &facts, papers, hashes, workers)?;
    let receipts = judge(&rules, as_of, facts, workers)?;
    let odd = receipts
        .into_par_iter()
        .zip(found)
        .map(|(receipt, found)| {
            // An older receipt is judged by what it says, not by the form in which it would be written now.
            let (text, hash) = text_and_hash(&Receipt { format: found.format, ..receipt })
                .map_err(|source| KeptError::Receipt { run, parcel: found.parcel.clone(), source })?;
            let is_same = found.is_whole && hash == found.hash;
            Ok((!is_same).then_some(Odd { parcel: found.parcel, is_whole: found.is_whole, before: None, text }))
        })
        .collect::<Result<Vec<Option<Odd>>, KeptError>>()?;
    let mut odd: Vec<Odd> = odd.into_iter().flatten().collect();
    odd.append(&mut later);
    Ok((are_whole, odd))
}

/// The later receipts that do not come out as they were kept, each among the facts of the run and in the place of the one
/// before it.
fn later(
    run: i64,
    (rules, as_of): (&Rules, NaiveDate),
    facts: &[Facts],
    papers: Vec<Paper>,
    mut hashes: HashMap<String, String>,
    workers: usize,
) -> Result<Vec<Odd>, KeptError> {
    let mut odd = Vec::new();
    for Paper { parcel, receipt: before, receipt_hash } in papers {
        let unreadable = |source| KeptError::Receipt { run, parcel: parcel.clone(), source };
        let kept: Receipt = serde_json::from_str(&before).map_err(unreadable)?;
        let follows = hashes.insert(parcel.clone(), receipt_hash.clone());
        let format = kept.format;
        let corrects = kept.corrects.map(|one| Corrects { receipt: follows.unwrap_or_default(), ..one });
        let text = match rejudge(rules, as_of, facts, kept.facts, workers)? {
            Some(receipt) => Receipt { format, corrects, ..receipt }.canonical().map_err(unreadable)?,
            None => String::new(),
        };
        let is_whole = hash(before.as_bytes()) == receipt_hash;
        if !is_whole || text != before {
            odd.push(Odd { parcel, is_whole, before: Some(before), text });
        }
    }
    Ok(odd)
}
