//! `landcycle review clusters`: the candidates of a run that lie together, as areas to renew in one piece.

use crate::cli::printer::{pairs, table};
use crate::cli::{Context, Failure, blocking};
use crate::domain::quantity::SquareMetres;
use crate::domain::review::decision::List;
use crate::flow::clusters::{ClusterError, Found, MOST_M, Question, clusters, mix, write};
use crate::http::clusters::{Summary, summary};
use serde::Serialize;
use std::path::PathBuf;

/// Which candidates, and how near.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The number of the run
    run: i64,
    /// Of one list only: exit or renewal [default: both]
    #[arg(long, value_parser = parse_list)]
    list: Option<List>,
    /// How many metres apart neighbours may lie, 0 to 500 [default: the rulebook's street]
    #[arg(long, value_name = "METRES")]
    within: Option<f64>,
    /// Only areas with so many square metres of land
    #[arg(long, value_name = "M2", default_value_t = 0.0)]
    min_area: f64,
    /// How many areas are shown at a terminal
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Into which file as well: .xlsx, .csv, .geojson or .gpkg; a file of that name is replaced
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn parse_list(word: &str) -> Result<List, String> {
    List::parse(word).ok_or_else(|| "expected exit or renewal".to_owned())
}

/// The areas, and the file that they were written to.
#[derive(Debug, Serialize)]
struct Told {
    #[serde(flatten)]
    summary: Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let question = Question { run: args.run, list: args.list, within_m: args.within, least_m2: args.min_area };
    let found = clusters(&context.pool().await?, &question).await.map_err(failure)?;
    let (file, limit) = (args.out, args.limit);
    let found = match file.clone() {
        None => found,
        Some(path) => {
            let (found, written) = blocking(move || {
                let written = write(&found, &path);
                (found, written)
            })
            .await?;
            let (_, too_long) = written.map_err(failure)?;
            if too_long > 0 {
                context.printer.note(&format!(
                    "of {too_long} areas no cell has room for the codes of their parcels; csv, geojson and gpkg hold them"
                ));
            }
            found
        }
    };
    let told = Told { summary: summary(&found), file };
    context.printer.result(&told, |told| people(&found, told, limit))
}

fn failure(error: ClusterError) -> Failure {
    match error {
        ClusterError::Within(_) | ClusterError::Least(_) | ClusterError::Format(_) => Failure::Usage(error.to_string()),
        refused if refused.is_refusal() => Failure::refused(refused),
        other => Failure::fault(other),
    }
}

fn people(found: &Found, told: &Told, limit: usize) -> String {
    let rows: Vec<[String; 7]> = found
        .areas
        .iter()
        .take(limit)
        .map(|area| {
            let cluster = &area.cluster;
            let unknown = cluster.without_holder;
            [
                cluster.rank.to_string(),
                cluster.code.clone(),
                area.parcels.len().to_string(),
                format!("{:.2}", SquareMetres(cluster.land_m2).to_mu().value()),
                if unknown == 0 {
                    cluster.holders.len().to_string()
                } else {
                    format!("{}, {unknown} unknown", cluster.holders.len())
                },
                mix(&cluster.by_channel),
                mix(&cluster.by_grade),
            ]
        })
        .collect();
    let mut text = table(["rank", "area", "parcels", "mu", "holders", "channels", "grades"], &rows);
    let more = found.areas.len().saturating_sub(limit);
    if more > 0 {
        text.push_str(&format!("and {more} more; --limit lists them, --out writes them all\n"));
    }
    text.push('\n');
    let mut said = vec![
        ("run", format!("{} as of {}, scheme {}", found.run.id, found.run.as_of, found.run.scheme)),
        ("candidates", found.candidates.to_string()),
        ("areas", format!("{} of {}", found.areas.len(), found.all_areas)),
        ("within", format!("{} m ({}); at most {MOST_M} m can be asked for", found.within_m, found.within_source)),
        ("order", found.ranking.source.clone()),
    ];
    if found.without_shape > 0 {
        said.push(("without land", format!("{}, each counted as an area of its own", found.without_shape)));
    }
    if let Some(file) = &told.file {
        said.push(("file", file.display().to_string()));
    }
    text.push_str(&pairs(&said));
    text
}
