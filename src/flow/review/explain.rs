//! Why a parcel has its grade and what would lift it: from its kept receipt, the text of the rules and the run around it.
//! Nothing is stored.

use crate::domain::review::explain::{Beside, Sections, sections};
use crate::domain::review::facts::VetoFact;
use crate::domain::review::lift::{Cut, Last, Lift, cut, lift};
use crate::domain::review::receipt::Receipt;
use crate::domain::review::replay::Quoted;
use crate::domain::review::scheme::Scheme;
use crate::domain::review::scheme::part::Within;
use crate::store::StoreError;
use crate::store::review;
use crate::store::review::explain::{self as kept, Held};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// A result of a run, explained.
#[derive(Debug, Clone)]
pub struct Explained {
    /// The run.
    pub run: i64,
    /// Its state.
    pub state: String,
    /// The receipt.
    pub receipt: Receipt,
    /// Its canonical text.
    pub text: String,
    /// Its hash.
    pub hash: String,
    /// The objection because of which the parcel was judged again.
    pub objection: Option<i64>,
    /// What would lift it; nothing where the rules that were kept no longer give the score that was kept.
    pub lift: Option<Lift>,
    /// Title of the scheme, Chinese and English.
    pub title: [String; 2],
    /// All of it in words.
    pub words: Sections,
}

/// Why a result was not explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// A kept receipt is none.
    #[error("the kept receipt of parcel {parcel} in review run {run} can't be read")]
    Receipt {
        /// The run.
        run: i64,
        /// The parcel.
        parcel: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Explains the result of a parcel in a run as it stands, now or as known at a time; nothing where the run has none.
pub async fn explained(
    connection: &mut PgConnection,
    run: i64,
    parcel: &str,
    known_at: Option<DateTime<Utc>>,
) -> Result<Option<Explained>, ExplainError> {
    let Some(held) = kept::held(connection, run, parcel, known_at).await? else { return Ok(None) };
    let mut receipt = read(run, parcel, &held.receipt)?;
    receipt.peers_ahead = held.peers_ahead.and_then(|ahead| u32::try_from(ahead).ok());
    // Rules that were touched lift nobody; replay says so with its reason.
    let quoted = quoted(&held, &receipt.decision.row);
    let lift = match &quoted {
        Some(quoted) => lifted(connection, run, &quoted.scheme, &receipt).await?,
        None => None,
    };
    let citation = quoted.as_ref().and_then(|quoted| quoted.citation.as_ref());
    let words = sections(&receipt, &Beside { lift: lift.as_ref(), citation });
    let title = [held.title_zh.clone(), held.title_en.clone()];
    let Held { receipt: text, receipt_hash: hash, objection, state, .. } = held;
    Ok(Some(Explained { run, state, receipt, text, hash, objection, lift, title, words }))
}

/// What is quoted of a text of rules for one of its rows.
struct Lately {
    hash: String,
    text: String,
    row: String,
    quoted: Arc<Quoted>,
}

/// What was quoted last. The dossiers of a day quote a few rows of one text, and reading it takes longer than all the rest
/// of a dossier.
static LATELY: Mutex<VecDeque<Lately>> = Mutex::new(VecDeque::new());
/// So many rows are kept, with the texts that they are of.
const KEPT: usize = 32;

/// What an explanation quotes of the rules; nothing where they were touched.
fn quoted(held: &Held, row: &str) -> Option<Arc<Quoted>> {
    let lately = || LATELY.lock().unwrap_or_else(PoisonError::into_inner);
    // The whole text is compared: one that was touched since is another.
    let is_same = |one: &&Lately| one.row == row && one.hash == held.rules_hash && one.text == held.rules;
    if let Some(found) = lately().iter().find(is_same) {
        return Some(Arc::clone(&found.quoted));
    }
    let quoted = Arc::new(Quoted::read(&held.rules, &held.rules_hash, row).ok()?);
    let (hash, text, row) = (held.rules_hash.clone(), held.rules.clone(), row.to_owned());
    let mut lately = lately();
    lately.push_front(Lately { hash, text, row, quoted: Arc::clone(&quoted) });
    lately.truncate(KEPT);
    Some(quoted)
}

fn read(run: i64, parcel: &str, text: &str) -> Result<Receipt, ExplainError> {
    serde_json::from_str(text).map_err(|source| ExplainError::Receipt { run, parcel: parcel.to_owned(), source })
}

async fn lifted(
    connection: &mut PgConnection,
    run: i64,
    scheme: &Scheme,
    receipt: &Receipt,
) -> Result<Option<Lift>, ExplainError> {
    let (faults, district) = together(connection, run, receipt).await?;
    let last = match cut(scheme, receipt) {
        Some(Cut::Rank { last, within }) => {
            let among = kept::Among {
                part: &receipt.part,
                district: (within == Within::District).then_some(district.as_str()),
                peer_group: (within == Within::Group).then_some(receipt.peer_group.as_str()),
            };
            kept::last(connection, run, last, &among).await?.map(|(score, code)| Last { score, code })
        }
        _ => None,
    };
    Ok(lift(scheme, receipt, &faults, last.as_ref()))
}

/// The faults of all parcels that were judged as one, and the district that they were ranked in.
async fn together(
    connection: &mut PgConnection,
    run: i64,
    receipt: &Receipt,
) -> Result<(Vec<VetoFact>, String), ExplainError> {
    let mut faults = receipt.facts.vetoes.clone();
    let mut district = receipt.facts.district.clone();
    let Some(holder) = &receipt.holder else { return Ok((faults, district)) };
    for (place, code) in holder.parcels.iter().enumerate() {
        let Some((text, _)) = review::receipt(connection, run, code).await? else { continue };
        let other = read(run, code, &text)?;
        faults.extend(other.facts.vetoes);
        if place == 0 {
            district = other.facts.district;
        }
    }
    faults.sort();
    faults.dedup();
    Ok((faults, district))
}
