//! `landcycle review replay`: whether a kept run still comes out as it was kept.

use super::all_workers;
use crate::cli::{Context, Failure};
use crate::flow::review::kept::KeptError;
use crate::flow::review::replay::{Replayed, replay};

/// A run that can't be judged again is the register's or the asker's doing; the rest is ours.
pub(super) fn failure(error: KeptError) -> Failure {
    if error.is_refusal() { Failure::refused(error) } else { Failure::fault(error) }
}

/// Judges a run again; one that comes out otherwise is a refusal, so that scripts hear of it.
pub(super) async fn run(context: &Context, run: i64) -> Result<(), Failure> {
    let pool = context.pool().await?;
    let replayed = replay(&pool, run, all_workers()).await.map_err(failure)?;
    if !replayed.is_same() {
        return Err(Failure::Refused(unlike(&replayed)));
    }
    context.printer.result(&replayed, |it| {
        let later = if it.later == 0 { String::new() } else { format!(" and its {} later receipts", it.later) };
        format!("run {} of {} parcels comes out byte by byte as it was kept{later}", it.run, it.parcels)
    })
}

fn unlike(it: &Replayed) -> String {
    let mut text =
        format!("run {} does not come out as it was kept: {} of {} receipts differ", it.run, it.different, it.parcels);
    if !it.facts_are_whole {
        text.push_str("; its facts are not those that were frozen (a receipt was changed, added or taken away)");
    }
    if !it.beside_is_whole {
        text.push_str("; who was left out, or which reviews it answers, is not as it was kept");
    }
    for one in &it.first {
        let whole = if one.is_whole { "" } else { " (the kept text has another hash)" };
        text.push_str(&format!("\n{}{whole}: {}", one.parcel, one.places.join(", ")));
    }
    text.push_str("\nrestore the register from its last backup, or make the run again under a new number");
    text
}
