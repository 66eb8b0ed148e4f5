//! `landcycle review diff`: what lies between two runs.

use super::all_workers;
use super::life::unmoved;
use super::replay::failure;
use crate::cli::printer::table;
use crate::cli::{Context, Failure};
use crate::domain::review::diff::{Move, Standing};
use crate::domain::review::grade::Grade;
use crate::flow::review::diff::between;
use crate::flow::review::life::compare;
use crate::http::review::{Compared, compared};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Told {
    #[serde(flatten)]
    compared: Compared,
    /// The revision that keeps that they were compared.
    kept_in: Option<i64>,
}

/// Compares two runs, and keeps that it was done if asked to.
pub(super) async fn run(context: &Context, old: i64, new: i64, keep: bool) -> Result<(), Failure> {
    let pool = context.pool().await?;
    let (diff, kept_in) = if keep {
        let (today, actor) = (context.clock.today(), context.actor());
        let (diff, moved) = compare(&pool, today, &actor, (old, new), all_workers()).await.map_err(unmoved)?;
        (diff, Some(moved.revision))
    } else {
        (between(&pool, old, new, all_workers()).await.map_err(failure)?, None)
    };
    let told = Told { compared: compared(old, new, diff), kept_in };
    context.printer.result(&told, words)
}

fn words(told: &Told) -> String {
    let Compared { old, new, diff, .. } = &told.compared;
    let mut text = format!("from run {old} (rows) to run {new} (columns)\n\n");
    text.push_str(&matrix(diff.matrix));
    let moves: Vec<[String; 4]> = diff.moves.iter().map(moved).collect();
    text.push_str(&format!("\n{} parcels stand elsewhere\n", moves.len()));
    if !moves.is_empty() {
        text.push_str(&table(["parcel", "before", "after", "moved by"], &moves));
    }
    if let Some(revision) = told.kept_in {
        text.push_str(&format!("\nrun {new} is compared in revision {revision}\n"));
    }
    text
}

/// How many went from a grade (row) to a grade (column).
pub(super) fn matrix(counts: [[u32; 5]; 5]) -> String {
    let row = |(grade, counts): (Grade, [u32; 5])| {
        let [a, b, c, d, t] = counts.map(|count| count.to_string());
        [grade.name().to_owned(), a, b, c, d, t]
    };
    let rows: Vec<[String; 6]> = Grade::ALL.into_iter().zip(counts).map(row).collect();
    table(["", "A", "B", "C", "D", "T"], &rows)
}

/// A parcel that moved: from where, to where, by what.
pub(super) fn moved(one: &Move) -> [String; 4] {
    let say = |standing: Option<Standing>| {
        standing.map_or_else(
            || "not in the run".to_owned(),
            |it| {
                it.list.map_or_else(
                    || it.grade.name().to_owned(),
                    |list| format!("{}, {} list", it.grade.name(), list.name()),
                )
            },
        )
    };
    let causes: Vec<&str> = one.causes.iter().map(|cause| cause.name()).collect();
    [one.parcel.clone(), say(one.before), say(one.after), causes.join(", ")]
}
