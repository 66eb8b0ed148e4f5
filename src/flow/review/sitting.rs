//! A review looks at the city piece by piece: while a piece is judged and laid aside, what is on record of the next is read;
//! while receipts are stored, the next are sealed. So both cores work, and never is the whole city held at once.

use super::progress::Progress;
use super::spool::{Laid, Spool, SpoolError};
use super::{ReviewFlowError, calendar, row, text_and_hash};
use crate::domain::calendar::Calendar;
use crate::domain::review::calendar::Known;
use crate::domain::review::canonical;
use crate::domain::review::facts::Facts;
use crate::domain::review::freeze::{Apportioned, Frozen, Own, Sorted};
use crate::domain::review::left_out::LeftOut;
use crate::domain::review::run::{Found, Rules, Sitting};
use crate::store::copy::Rows;
use crate::store::review::beside::{Answered, Beside};
use crate::store::review::facts::Held;
use crate::store::write::Write;
use crate::store::{self, StoreError};
use chrono::NaiveDate;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// What is on record of so many parcels is read together, where they are not all.
const READ: usize = 25_000;
/// Registers of so many parcels are read at once, which costs the database less.
const READ_WHOLE: usize = 60_000;
/// So many parcels are looked at together.
const LOOKED_AT: usize = 5_000;
/// So many receipts are sealed and stored together.
pub(super) const SEALED: usize = 2_000;

/// What is asked of a review, but for the facts.
pub(super) struct Case {
    pub rules: Arc<Rules>,
    pub as_of: NaiveDate,
    pub workers: usize,
    pub calendar: &'static Calendar,
    /// What was done of the reviews that contracts make due, where the run is about those.
    pub done: Option<HashMap<String, Known>>,
}

/// What was judged, ready to be stored.
pub(super) struct Judged {
    pub found: Found,
    pub facts_hash: String,
    pub beside: Beside,
    /// How many parcels.
    pub count: usize,
    /// Their facts.
    pub laid: Laid,
}

/// Looks at the whole city and judges it.
pub(super) async fn judge(
    case: Case,
    frozen: Frozen,
    mut held: Held,
    tell: &impl Fn(Progress),
) -> Result<Judged, ReviewFlowError> {
    let frozen = Arc::new(frozen);
    let of = frozen.parcels.len();
    let (full_years, as_of) = (case.rules.scheme.window.years, case.as_of);
    let shared = Arc::clone(&frozen);
    let begun = spawn_blocking(move || Look::open(case, shared.apportioned(full_years, as_of)));
    let piece_from = |first: usize| first..of.min(first + if of <= READ_WHOLE { of } else { READ });
    let mut places = piece_from(0);
    let (look, own) = tokio::join!(begun, read(&mut held, &frozen, places.clone()));
    let (mut look, mut own) = (look??, own?);
    while !places.is_empty() {
        tell(Progress::Judging { done: places.start, of });
        let (next, this) = (piece_from(places.end), places);
        let looked = spawn_blocking(move || look.at(this, own));
        let (looked, read) = tokio::join!(looked, read(&mut held, &frozen, next.clone()));
        (look, own, places) = (looked??, read?, next);
    }
    held.end().await?;
    drop(frozen);
    spawn_blocking(move || look.close()).await?
}

/// What is on record of some parcels alone.
async fn read(held: &mut Held, frozen: &Frozen, places: Range<usize>) -> Result<Own, StoreError> {
    if places.is_empty() {
        return Ok(Own::default());
    }
    let codes: Vec<String> = frozen.parcels[places.clone()].iter().map(|one| one.code.to_string()).collect();
    held.own(Some(codes.as_slice()).filter(|_| places.len() < frozen.parcels.len())).await
}

/// A review that looks.
struct Look {
    case: Case,
    apportioned: Apportioned,
    rules_of_day: LeftOut,
    sitting: Sitting,
    aside: Aside,
    beside: Beside,
    count: usize,
}

/// Facts that are laid aside, and the fingerprint of all of them.
struct Aside {
    digest: Sha256,
    spool: Spool,
}

impl Aside {
    fn lay(&mut self, facts: &[Facts], texts: &[String]) -> Result<(), SpoolError> {
        for (one, text) in facts.iter().zip(texts) {
            fingerprint(&mut self.digest, text);
            self.spool.push(&one.code, text)?;
        }
        Ok(())
    }
}

impl Look {
    fn open(case: Case, apportioned: Apportioned) -> Result<Self, ReviewFlowError> {
        Ok(Self {
            sitting: Sitting::open(&case.rules, case.as_of, case.workers)?,
            rules_of_day: LeftOut::on(&case.rules.rulebook, case.as_of),
            aside: Aside { digest: Sha256::new(), spool: Spool::open()? },
            beside: Beside::default(),
            count: 0,
            case,
            apportioned,
        })
    }

    /// Looks at some parcels; they come in the order of their codes. While some are laid aside, the next are looked at.
    fn at(mut self, places: Range<usize>, mut own: Own) -> Result<Self, ReviewFlowError> {
        let Self { case, apportioned, rules_of_day, sitting, aside, beside, count } = &mut self;
        let mut judged: HashSet<String> = HashSet::new();
        let mut ready = (Vec::new(), Vec::new());
        for first in places.clone().step_by(LOOKED_AT).map(Some).chain([None]) {
            let next = || {
                let Some(first) = first else { return Ok((Vec::new(), Vec::new())) };
                let piece = first..places.end.min(first + LOOKED_AT);
                let Sorted { facts, mut left } = apportioned.sorted(piece, &mut own, &case.rules.scheme, rules_of_day);
                beside.left.append(&mut left);
                sitting.look(&facts);
                let texts = facts.par_iter().map(canonical::to_string);
                Ok::<_, serde_json::Error>((texts.collect::<Result<_, _>>()?, facts))
            };
            let (laid, next) = rayon::join(|| aside.lay(&ready.1, &ready.0), next);
            laid?;
            ready = next?;
            *count += ready.1.len();
            if case.done.is_some() {
                judged.extend(ready.1.iter().map(|one| one.code.clone()));
            }
        }
        if let Some(done) = &case.done {
            let by = (&*case.rules, case.calendar);
            beside.answers.append(&mut calendar::answers(&own.watched, done, &judged, by, case.as_of));
        }
        Ok(self)
    }

    fn close(self) -> Result<Judged, ReviewFlowError> {
        let Self { case, apportioned, sitting, aside: Aside { digest, spool }, mut beside, count, .. } = self;
        drop(apportioned);
        let (scheme, as_of) = (case.rules.scheme.label(), case.as_of);
        if count == 0 {
            return Err(ReviewFlowError::NoParcels { scheme, as_of });
        }
        if case.done.is_some() && beside.answers.is_empty() {
            return Err(ReviewFlowError::NothingDue { scheme, as_of });
        }
        let place = |one: &Answered| (one.contract.clone(), one.review.clone(), one.number);
        beside.answers.sort_by_cached_key(place);
        let found = sitting.close();
        Ok(Judged { found, facts_hash: hex::encode(digest.finalize()), beside, count, laid: spool.read()? })
    }
}

/// Adds the canonical text of one parcel's facts to the fingerprint of all.
pub(super) fn fingerprint(digest: &mut Sha256, text: &str) {
    digest.update(text.as_bytes());
    digest.update(b"\n");
}

/// Seals the receipts and adds them to the run.
pub(super) async fn store(
    write: &mut Write,
    run: i64,
    found: Found,
    laid: Laid,
    of: usize,
    tell: &impl Fn(Progress),
) -> Result<(), ReviewFlowError> {
    let mut sealing = Sealing { run, found, laid, next: 0, of };
    let mut rows = Rows::default();
    loop {
        let stored = sealing.next;
        let is_last = stored == of;
        let sealed = spawn_blocking(move || sealing.piece());
        let (sealed, added) = tokio::join!(sealed, add(write, &rows));
        added?;
        tell(Progress::Storing { done: stored, of });
        if is_last {
            return Ok(());
        }
        (sealing, rows) = sealed??;
    }
}

async fn add(write: &mut Write, rows: &Rows) -> Result<(), StoreError> {
    if rows.is_empty() { Ok(()) } else { store::review::add(write, rows).await }
}

/// Receipts that are being sealed.
struct Sealing {
    run: i64,
    found: Found,
    laid: Laid,
    next: usize,
    of: usize,
}

impl Sealing {
    fn piece(mut self) -> Result<(Self, Rows), ReviewFlowError> {
        let count = SEALED.min(self.of - self.next);
        let (codes, facts): (Vec<String>, Vec<_>) = self.laid.next(count)?.into_iter().unzip();
        let receipts = self.found.receipts(self.next, facts);
        let texts = receipts.par_iter().map(text_and_hash).collect::<Result<Vec<_>, serde_json::Error>>()?;
        let results = codes.iter().zip(&receipts).zip(&texts).map(|((code, receipt), text)| row(code, receipt, text));
        let rows = store::review::rows(self.run, results);
        self.next += count;
        Ok((self, rows))
    }
}

/// One hash over all facts, each in canonical JSON on a line of its own.
pub(super) fn fingerprint_of(facts: &[Facts]) -> Result<String, serde_json::Error> {
    let mut digest = Sha256::new();
    for piece in facts.chunks(SEALED) {
        let lines = piece.par_iter().map(canonical::to_string).collect::<Result<Vec<String>, serde_json::Error>>()?;
        lines.iter().for_each(|line| fingerprint(&mut digest, line));
    }
    Ok(hex::encode(digest.finalize()))
}
