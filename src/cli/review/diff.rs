//! `landcycle review diff`: what lies between two runs.

use super::all_workers;
use super::replay::failure;
use crate::cli::printer::table;
use crate::cli::{Context, Failure};
use crate::domain::review::diff::{Diff, Move, Standing};
use crate::domain::review::grade::Grade;
use crate::flow::review::diff::between;
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Told {
    old: i64,
    new: i64,
    /// The grades that rows and columns of the matrix stand for.
    grades: [&'static str; 5],
    #[serde(flatten)]
    diff: Diff,
}

/// Compares two runs.
pub(super) async fn run(context: &Context, old: i64, new: i64) -> Result<(), Failure> {
    let pool = context.pool().await?;
    let diff = between(&pool, old, new, all_workers()).await.map_err(failure)?;
    let told = Told { old, new, grades: Grade::ALL.map(Grade::name), diff };
    context.printer.result(&told, words)
}

fn words(told: &Told) -> String {
    let mut text = format!("from run {} (rows) to run {} (columns)\n\n", told.old, told.new);
    text.push_str(&matrix(told.diff.matrix));
    let moves: Vec<[String; 4]> = told.diff.moves.iter().map(moved).collect();
    text.push_str(&format!("\n{} parcels stand elsewhere\n", moves.len()));
    if !moves.is_empty() {
        text.push_str(&table(["parcel", "before", "after", "moved by"], &moves));
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
