//! `landcycle review explain`: why a parcel has its grade and what would lift it, in either language or both.

use crate::cli::printer::pairs;
use crate::cli::{Context, Failure};
use crate::domain::review::explain::Explanation;
use crate::domain::review::grade::Grade;
use crate::domain::review::lift::Lift;
use crate::flow::review::explain::{Explained, explained};
use clap::ValueEnum;
use serde::Serialize;

/// Which result, and in which language.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The number of the run
    run: i64,
    /// The code of the parcel
    parcel: String,
    /// In which language
    #[arg(long = "lang", value_enum, default_value_t = Language::Both)]
    language: Language,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Language {
    /// 中文
    Zh,
    /// English
    En,
    /// Both, the Chinese first
    Both,
}

#[derive(Debug, Serialize)]
struct Told<'a> {
    run: i64,
    parcel: &'a str,
    grade: Grade,
    peers_ahead: Option<u32>,
    lift: Option<&'a Lift>,
    zh: &'a [String],
    en: &'a [String],
    receipt: serde_json::Value,
    receipt_hash: &'a str,
}

/// The result of a parcel in a run, explained, or the refusal that there is none.
async fn result(context: &Context, run: i64, parcel: &str) -> Result<Explained, Failure> {
    let pool = context.pool().await?;
    let mut connection = pool.acquire().await.map_err(Failure::fault)?;
    let found = explained(&mut connection, run, parcel).await.map_err(Failure::fault)?;
    found.ok_or_else(|| no_result(run, parcel))
}

pub(super) fn no_result(run: i64, parcel: &str) -> Failure {
    Failure::Refused(format!(
        "run {run} has no result for parcel {parcel}: there is no such run or parcel, or its use is out of scope"
    ))
}

/// Explains a result.
pub(super) async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Args { run, parcel, language } = args;
    let found = result(context, run, &parcel).await?;
    let words = Explanation::from(found.words);
    let told = Told {
        run,
        parcel: &parcel,
        grade: found.receipt.grade,
        peers_ahead: found.receipt.peers_ahead,
        lift: found.lift.as_ref(),
        zh: &words.zh,
        en: &words.en,
        receipt: serde_json::from_str(&found.text).map_err(Failure::fault)?,
        receipt_hash: &found.hash,
    };
    context.printer.result(&told, |told| {
        let texts: Vec<String> = match language {
            Language::Zh => vec![told.zh.join("\n")],
            Language::En => vec![told.en.join("\n")],
            Language::Both => vec![told.zh.join("\n"), told.en.join("\n")],
        };
        format!("{}\n\n{}", texts.join("\n\n"), pairs(&[("receipt", told.receipt_hash.to_owned())]))
    })
}
