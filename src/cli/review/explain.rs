//! `landcycle review explain`: why a parcel has its grade and what would lift it, in either language or both.

use crate::cli::printer::pairs;
use crate::cli::{Context, Failure};
use crate::flow::review::explain::{Explained, explained};
use crate::http::review::of_explained;
use crate::store::review::beside;
use clap::ValueEnum;

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

/// The result of a parcel in a run, explained, or the refusal that there is none.
async fn result(context: &Context, run: i64, parcel: &str) -> Result<Explained, Failure> {
    let pool = context.pool().await?;
    let mut connection = pool.acquire().await.map_err(Failure::fault)?;
    let found = explained(&mut connection, run, parcel, None).await.map_err(Failure::fault)?;
    match found {
        Some(found) => Ok(found),
        None => Err(no_result(context, run, parcel).await),
    }
}

/// Why a run has no result for a parcel.
pub(super) async fn no_result(context: &Context, run: i64, parcel: &str) -> Failure {
    let why = async {
        let pool = context.pool().await?;
        let mut connection = pool.acquire().await.map_err(Failure::fault)?;
        beside::why(&mut connection, run, parcel).await.map_err(Failure::fault)
    };
    let begin = format!("run {run} has no result for parcel {parcel}");
    match why.await {
        Ok(Some(reason)) => {
            Failure::Refused(format!("{begin}: it was left out ({}), {}", reason.name(), reason.title().en))
        }
        Ok(None) => Failure::Refused(format!("{begin}: there is no such run or parcel, or the run is not about it")),
        Err(failure) => failure,
    }
}

/// Explains a result.
pub(super) async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Args { run, parcel, language } = args;
    let found = result(context, run, &parcel).await?;
    let corrects = found.receipt.corrects.clone();
    let told = of_explained(found).map_err(Failure::fault)?;
    context.printer.result(&told, |told| {
        let texts: Vec<String> = match language {
            Language::Zh => vec![told.zh.join("\n")],
            Language::En => vec![told.en.join("\n")],
            Language::Both => vec![told.zh.join("\n"), told.en.join("\n")],
        };
        let mut rows = vec![("receipt", told.receipt_hash.clone())];
        if let Some(corrects) = &corrects {
            rows.push(("in place of", corrects.receipt.clone()));
            rows.push(("objection", format!("{}, upheld", corrects.objection)));
        }
        format!("{}\n\n{}", texts.join("\n\n"), pairs(&rows))
    })
}
