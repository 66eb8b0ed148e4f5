//! `landcycle review simulate`: what other rules would find on the facts of a kept run.

use super::all_workers;
use super::diff::{matrix, moved};
use crate::cli::printer::table;
use crate::cli::{Context, Failure, blocking};
use crate::domain::review::simulate::Set;
use crate::flow::review::kept::load;
use crate::flow::review::simulate::{Change, SimulateError, simulate};
use crate::flow::{rules, small, write_picture};
use crate::http::simulation::{Document, document};
use std::path::{Path, PathBuf};

/// How many parcels that move are named to people.
const NAMED: usize = 20;
/// The largest decision table; the shipped one has some kilobytes.
const MAX_TABLE_BYTES: u64 = 1 << 20;

/// Which run, and what is to be different.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The number of the run
    run: i64,
    /// A value of its scheme: weight.tax_int=40, cutoffs.a=25, benchmark.tax_int=15, benchmark.tax_int.at=60,
    /// missing.tax_int=refuse, part.NAME.cutoffs.c=90; may be given more than once
    #[arg(long, value_name = "PLACE=VALUE", value_parser = read)]
    set: Vec<Set>,
    /// A scheme in place of the run's: a shipped one by name, or a .toml file
    #[arg(long)]
    scheme: Option<String>,
    /// A decision table in place of the run's
    #[arg(long, value_name = "FILE.toml")]
    decisions: Option<PathBuf>,
    /// Look at one district; the whole city is judged all the same
    #[arg(long, value_name = "CODE")]
    district: Option<String>,
    /// Write the changed scheme to a file that review run takes
    #[arg(long, value_name = "FILE.toml")]
    write: Option<PathBuf>,
}

/// A place and a value as TOML writes it; what TOML can't read is a word.
fn read(text: &str) -> Result<Set, String> {
    let Some((place, value)) = text.split_once('=').filter(|(place, value)| !place.is_empty() && !value.is_empty())
    else {
        return Err("expected PLACE=VALUE, such as weight.tax_int=40".to_owned());
    };
    let read = toml::from_str::<toml::Table>(&format!("it = {value}")).ok().and_then(|mut table| table.remove("it"));
    Ok(Set { place: place.trim().to_owned(), value: read.unwrap_or_else(|| value.into()) })
}

/// Simulates.
pub(super) async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let scheme = args.scheme.as_deref().map(rules::scheme_text).transpose().map_err(Failure::refused)?;
    let read = |path: &Path| {
        small::read(path, MAX_TABLE_BYTES)
            .map_err(|error| Failure::Refused(format!("{} could not be read: {error}", path.display())))
    };
    let decisions = args.decisions.as_deref().map(read).transpose()?;
    let change = Change { sets: args.set, scheme, decisions, district: args.district };
    let pool = context.pool().await?;
    let kept = load(&pool, args.run).await.map_err(|error| failure(error.into()))?;
    let simulated =
        blocking(move || simulate(&kept, &change, all_workers()).map(|simulated| document(simulated, change.district)));
    let it = simulated.await?.map_err(failure)?;
    if let Some(path) = &args.write {
        write_picture(path, &it.scheme_text).map_err(Failure::refused)?;
    }
    context.printer.result(&it, words)
}

fn failure(error: SimulateError) -> Failure {
    match error {
        SimulateError::Kept(error) => super::replay::failure(error),
        SimulateError::Rules { what, source } => {
            let why = std::error::Error::source(&source).map_or_else(String::new, |why| format!(": {why}"));
            Failure::Refused(format!("{what}: {source}{why}"))
        }
        other => Failure::refused(other),
    }
}

fn words(it: &Document) -> String {
    let place = it.district.as_ref().map_or_else(String::new, |district| format!(" of district {district}"));
    let mut text = format!(
        "run {} (rows) under the changed rules (columns), {} parcels{place}; nothing is stored\n\n{}\n",
        it.run,
        it.moved.parcels,
        matrix(it.moved.matrix)
    );
    for (list, found) in &it.moved.lists {
        text.push_str(&format!(
            "{list} list: {} before, {} after; {} enter it, {} leave it\n",
            found.before,
            found.after,
            found.entered.len(),
            found.left.len()
        ));
    }
    text.push_str(&format!("{} parcels stand elsewhere\n", it.moved.moves.len()));
    let named: Vec<[String; 3]> = it.moved.moves.iter().take(NAMED).map(moved).map(|[a, b, c, _]| [a, b, c]).collect();
    if !named.is_empty() {
        text.push_str(&table(["parcel", "before", "after"], &named));
    }
    let more = it.moved.moves.len().saturating_sub(NAMED);
    if more > 0 {
        text.push_str(&format!("and {more} more; --json names them all\n"));
    }
    text
}
